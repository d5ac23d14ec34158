//! Waits for a board that disconnects in the middle of a session.

use std::time::Instant;

use piton::deadline::Cancel;
use piton::session::output::RestartWatch;
use piton::{Board, Session};

use super::screen::Screen;
use super::talk::Keyboard;

/// Waits for the board until the user gives up. Returns whether it is back.
pub(super) fn wait(
    session: &mut Session,
    screen: &Screen<'_>,
    keyboard: &mut Keyboard,
    cancel: &Cancel,
) -> bool {
    screen.remark("the connection to the board was lost: waiting for the board, Ctrl-] leaves");
    let result = session.reconnect(&mut |pause| {
        let start = Instant::now();
        while start.elapsed() < pause {
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

/// Returns the watch for the prompt of a board that is back, if a folder is to be mounted again there. The board may have printed
/// its prompt before the port was open: it is asked to print it again, which does not disturb a running program.
pub(super) fn expect_prompt(board: &Board) -> Option<RestartWatch> {
    board.mounted()?;
    // The reading thread notices if the board is gone again.
    let _ = board.ask_for_prompt();
    Some(RestartWatch::just_started())
}
