//! A board that goes away while its program is followed: it was reset, or unplugged. What it prints when it is back is
//! shown, too.

use std::io;
use std::time::{Duration, Instant};

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::reopen::Whereabouts;

use crate::context::Context;
use crate::error::CommandError;

/// How long one look for output takes.
const SLICE: Duration = Duration::from_millis(50);

/// How long the prompt must stand at the end to be the board's last word.
const PROMPT_QUIET: Duration = Duration::from_millis(500);

/// How long a board that prints nothing at all is watched: many have printed all of it before the port was open again.
const SILENCE: Duration = Duration::from_secs(2);

/// How long the board may take to take a Ctrl-C.
const WRITE_TIME: Duration = Duration::from_secs(2);

const PROMPT: &[u8] = b">>> ";

/// Wait until the board is back, and show what it prints until it is at its prompt.
///
/// # Errors
///
/// [`BoardError::BoardReset`] at the end: the program did not come to its own. When the board does not come back, why.
pub(super) fn follow(ctx: &mut Context, whereabouts: &Whereabouts) -> Result<(), CommandError> {
    ctx.ui
        .note("the board went away: waiting for it to come back, Ctrl-C gives up");
    ctx.session.await_quick_return(whereabouts)?;
    let board = ctx.session.board()?;
    ctx.ui
        .note(&format!("connected again, at {}", board.device_name()));
    let transport = board.transport();
    let mut last = Vec::new();
    let mut since = Instant::now();
    let mut buffer = [0; 4096];
    loop {
        if ctx.cancel.take() {
            let _ = transport.write_all(b"\x03", Deadline::after(WRITE_TIME));
            return Err(CommandError::Interrupted);
        }
        match transport.read(&mut buffer, Deadline::after(SLICE)) {
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                ctx.ui.bytes(bytes)?;
                last.extend_from_slice(bytes);
                last.drain(..last.len().saturating_sub(PROMPT.len()));
                since = Instant::now();
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let patience = match last.as_slice() {
                    [] => SILENCE,
                    PROMPT => PROMPT_QUIET,
                    // Something runs, and a person watches it.
                    _ => continue,
                };
                if since.elapsed() > patience {
                    return Err(BoardError::BoardReset.into());
                }
            }
            Err(source) => {
                return Err(BoardError::Disconnected {
                    waiting_for: "what it prints after its reset",
                    source,
                }
                .into());
            }
        }
    }
}
