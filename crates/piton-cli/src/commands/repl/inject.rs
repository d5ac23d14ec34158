//! Ctrl-K: runs a local script on the board in the middle of a REPL session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use piton::Session;
use piton::deadline::Cancel;
use piton::error::ErrorKind;

use super::screen::Screen;
use super::talk::Keyboard;
use crate::error::CommandError;

/// Runs the script at `path` through the raw REPL, showing only what it prints. Ctrl-C on the keyboard stops it.
///
/// Errors of the script are shown, and the session goes on; a returned error ends the session.
pub(super) fn inject_file(
    path: &str,
    session: &mut Session,
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
    let board = session.board()?;
    let ended = AtomicBool::new(false);
    let mut shown = Ok(());
    let result = thread::scope(|scope| {
        scope.spawn(|| keyboard.watch_for_interrupt(&ended, cancel));
        let mut output = |bytes: &[u8]| {
            if shown.is_ok() {
                shown = screen.write(bytes);
            }
        };
        let mut result = board.exec(&source, &mut output);
        if result
            .as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::Interrupted)
        {
            cancel.take();
            result = board.interrupt(&mut output);
        }
        ended.store(true, Ordering::SeqCst);
        result
    });
    shown?;
    match result {
        Ok(()) => {}
        Err(error) => match error.exception() {
            Some(exception) => screen.write(&exception.traceback)?,
            None => return Err(error.into()),
        },
    }
    Ok(session.friendly()?)
}
