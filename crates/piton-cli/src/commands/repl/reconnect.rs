//! A board that goes away in the middle of a session, and comes back.

use std::time::{Duration, Instant};

use piton::Board;
use piton::deadline::{Cancel, Deadline};
use piton::reopen::Whereabouts;

use super::restart::Restart;
use super::screen::Screen;
use super::talk::Keyboard;
use crate::session::{Session, retry_pause};

/// How long the board may take to take a byte.
const WRITE_TIME: Duration = Duration::from_secs(2);

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
        while start.elapsed() < retry_pause(whereabouts) {
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

/// If a folder is to be mounted again on the board that is back: what tells when it is at its prompt. It may have printed
/// that before anybody listened. A Ctrl-B has it print it again, and does nothing to a program that is running.
pub(super) fn expect_prompt(board: &Board) -> Option<Restart> {
    board.mounted()?;
    // A board that is gone once more is noticed where it is read.
    let _ = board
        .transport()
        .write_all(b"\x02", Deadline::after(WRITE_TIME));
    Some(Restart::just_now())
}
