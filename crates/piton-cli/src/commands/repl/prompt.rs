//! The friendly prompt, for what is typed by a pipe: nobody there sees that the board is at another one.

use std::io;
use std::time::{Duration, Instant};

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::transport::Transport;

use crate::error::CommandError;

/// Leaves the raw REPL. The friendly one answers with its banner and prompt, paste mode and a running program take no notice.
const CTRL_B: &[u8] = b"\x02";

const PROMPT: &[u8] = b">>> ";

/// How long a board may take for its answer; one that runs a program gives none.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the board is quiet behind its prompt before the prompt counts.
const QUIET: Duration = Duration::from_millis(150);

/// How long one read lasts at most.
const SLICE: Duration = Duration::from_millis(50);

/// How long the board may take to take a byte.
const WRITE_TIME: Duration = Duration::from_secs(2);

/// Bring the board to its friendly prompt, if it runs no program. Gives what to show of its answer: the prompt alone, or, of a
/// board that runs a program, all that it printed.
pub(super) fn begin(transport: &dyn Transport, pending: Vec<u8>) -> Result<Vec<u8>, CommandError> {
    let lost = |source| -> CommandError {
        BoardError::Disconnected {
            waiting_for: "the prompt",
            source,
        }
        .into()
    };
    transport
        .write_all(CTRL_B, Deadline::after(WRITE_TIME))
        .map_err(lost)?;
    let mut printed = pending;
    let start = Instant::now();
    let mut last = start;
    let mut buffer = [0; 1024];
    while start.elapsed() < PATIENCE {
        match transport.read(&mut buffer, Deadline::after(SLICE)) {
            Ok(count) => {
                printed.extend_from_slice(buffer.get(..count).unwrap_or_default());
                last = Instant::now();
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                if printed.ends_with(PROMPT) && last.elapsed() > QUIET {
                    return Ok(PROMPT.to_vec());
                }
            }
            Err(error) => return Err(lost(error)),
        }
    }
    Ok(printed)
}
