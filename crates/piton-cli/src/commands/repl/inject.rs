//! Ctrl-K: run a local script on the board in the middle of a REPL session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use piton::Board;
use piton::deadline::{Cancel, Deadline};
use piton::error::BoardError;
use piton::repl::Entry;

use super::screen::Screen;
use super::talk::Keyboard;
use crate::error::CommandError;
use crate::session::ENTRY_TIME;

/// How long the script may take to end after a Ctrl-C.
const INTERRUPT_TIME: Duration = Duration::from_secs(10);

/// Run the script at `path` through the raw REPL, showing only what it prints. Ctrl-C on the keyboard stops it.
///
/// What goes wrong with the script is shown, and the session goes on; an error is the end of the session.
pub(super) fn inject_file(
    path: &str,
    board: &mut Board,
    screen: &Screen<'_>,
    keyboard: &mut Keyboard,
    cancel: &Cancel,
) -> Result<(), CommandError> {
    screen.write(format!("Injecting {path}\r\n").as_bytes())?;
    let source = match std::fs::read(path) {
        Ok(source) => source,
        Err(error) => {
            screen.write(format!("Error: {error}\r\n").as_bytes())?;
            return Ok(());
        }
    };
    let mut raw = board.raw_repl(Entry::KeepState, Deadline::after(ENTRY_TIME))?;
    let ended = AtomicBool::new(false);
    let mut shown = Ok(());
    let result = thread::scope(|scope| {
        scope.spawn(|| keyboard.watch_for_interrupt(&ended, cancel));
        let mut output = |bytes: &[u8]| {
            if shown.is_ok() {
                shown = screen.write(bytes);
            }
        };
        let mut result = raw.exec(&source, &mut output, Deadline::NEVER);
        if matches!(result, Err(BoardError::Cancelled)) {
            cancel.take();
            result = raw.interrupt(&mut output, Deadline::after(INTERRUPT_TIME));
        }
        ended.store(true, Ordering::SeqCst);
        result
    });
    shown?;
    match result {
        Ok(()) => {}
        Err(BoardError::Exception(exception)) => screen.write(&exception.traceback)?,
        Err(error) => return Err(error.into()),
    }
    board.friendly(Deadline::after(ENTRY_TIME))?;
    Ok(())
}
