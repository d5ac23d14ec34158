//! A board that goes away in the middle of a session, and comes back.

use std::time::Instant;

use piton::deadline::Cancel;
use piton::reopen::Whereabouts;

use super::screen::Screen;
use super::talk::Keyboard;
use crate::session::{RETRY_PAUSE, Session};

/// Wait for the board for as long as the person does: whether it is back.
pub(super) fn wait(
    session: &mut Session,
    whereabouts: &Whereabouts,
    screen: &Screen<'_>,
    keyboard: &mut Keyboard,
    cancel: &Cancel,
) -> bool {
    screen.remark("the board went away: waiting for it to come back, Ctrl-] leaves");
    let result = session.await_return(whereabouts, &mut || {
        let start = Instant::now();
        while start.elapsed() < RETRY_PAUSE {
            if cancel.is_cancelled() || keyboard.wants_out() {
                return false;
            }
        }
        true
    });
    if result.is_err() {
        return false;
    }
    let name = session.board().map(|board| board.device_name().to_owned());
    screen.remark(&format!("connected again, at {}", name.unwrap_or_default()));
    true
}
