//! The friendly prompt: requesting it, and finding out whether a board shows it.
//!
//! Ctrl-B makes an idle board print its banner and prompt again, and takes it out of the raw REPL
//! (`shared/runtime/pyexec.c`). It does not affect a running program, and in a program that reads a line it only moves
//! the cursor. So it is safe in every state of the board.

use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::repl::protocol::{CTRL_B, FRIENDLY_PROMPT};

use crate::board::Board;
use crate::error::Error;
use crate::times::KEY_TIME;

/// Timeout of the board's answer. A board that runs a program does not answer.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Silence that follows the prompt of an idle board.
const QUIET: Duration = Duration::from_millis(150);

/// Maximum duration of one read.
const SLICE: Duration = Duration::from_millis(50);

/// The prompt as an idle board prints it: at the start of a line.
const PROMPT_LINE: &[u8] = b"\r\n>>> ";

/// Maximum length of the output of an idle board. A board that prints more runs a program.
const LONGEST_BANNER: usize = 16 * 1024;

impl Board {
    /// Asks the board to print its prompt, if it is idle, and leaves the raw REPL. Does not wait for the answer.
    ///
    /// # Errors
    ///
    /// [`piton_board::error::Error::Timeout`] and [`piton_board::error::Error::Disconnected`].
    pub fn ask_for_prompt(&self) -> Result<(), Error> {
        self.type_keys(&[CTRL_B], Deadline::after(KEY_TIME))
    }

    /// Brings the board to its friendly prompt, if it runs no program, and returns the output to show: only the prompt,
    /// or the whole output of a board that runs a program. The output begins with `pending`, which was read before.
    ///
    /// # Errors
    ///
    /// As for [`Board::ask_for_prompt`].
    pub fn await_prompt(&self, pending: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.ask_for_prompt()?;
        let mut printed = pending;
        let start = Instant::now();
        let mut last = start;
        let mut buffer = [0; 1024];
        while start.elapsed() < ANSWER_TIME {
            let bytes = self.read_output(&mut buffer, SLICE)?;
            if !bytes.is_empty() {
                printed.extend_from_slice(bytes);
                last = Instant::now();
            } else if printed.ends_with(FRIENDLY_PROMPT) && last.elapsed() > QUIET {
                return Ok(FRIENDLY_PROMPT.to_vec());
            }
        }
        Ok(printed)
    }

    /// Returns whether the board shows its friendly prompt by `deadline`. A board that runs a program is not disturbed.
    ///
    /// # Errors
    ///
    /// As for [`Board::ask_for_prompt`].
    pub fn is_idle(&self, deadline: Deadline) -> Result<bool, Error> {
        self.type_keys(&[CTRL_B], deadline)?;
        let mut received = Vec::new();
        let mut buffer = [0; 1024];
        while !received.ends_with(PROMPT_LINE) {
            received.extend_from_slice(self.read_output(&mut buffer, SLICE)?);
            if received.len() > LONGEST_BANNER || deadline.has_passed() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
