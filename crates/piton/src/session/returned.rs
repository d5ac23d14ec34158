//! Following a board whose connection was lost while its program was followed: it was reset, or unplugged.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::protocol::{CTRL_C, FRIENDLY_PROMPT};

use super::Session;
use crate::error::Error;
use crate::events;
use crate::times::KEY_TIME;

/// Maximum duration of one read.
const SLICE: Duration = Duration::from_millis(50);

/// Silence that follows the prompt of an idle board.
const PROMPT_QUIET: Duration = Duration::from_millis(500);

/// Time after which a board without output counts as idle. Many boards have printed everything before the port is open
/// again.
const SILENCE: Duration = Duration::from_secs(2);

/// An event of [`Session::follow_return`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReturnEvent<'a> {
    /// The connection was lost, and the host waits for the board.
    Waiting,
    /// The board is connected again.
    Reconnected {
        /// Its name now: see [`crate::Board::device_name`].
        device_name: &'a str,
    },
    /// The board has printed something.
    Output {
        /// The bytes. In JSON `text`: invalid UTF-8 is replaced by U+FFFD, and so is a letter that two events share.
        #[serde(rename = "text", serialize_with = "events::lossy")]
        bytes: &'a [u8],
    },
}

impl Session {
    /// Waits for a board whose connection was lost, and reports its output until it is idle: until it shows its prompt,
    /// or is silent from the start. A program that pauses is followed further.
    ///
    /// `events` ends it with [`ControlFlow::Break`].
    ///
    /// # Errors
    ///
    /// As for [`Session::reconnect_soon`]. [`BoardError::Cancelled`] when the flag was raised: then the board was
    /// interrupted. [`BoardError::Disconnected`] when the board went away again.
    pub fn follow_return(
        &mut self,
        events: &mut dyn FnMut(ReturnEvent<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        if events(ReturnEvent::Waiting).is_break() {
            return Ok(());
        }
        self.reconnect_soon()?;
        let cancel = self.cancel().clone();
        let board = self.board()?;
        let device_name = board.device_name();
        if events(ReturnEvent::Reconnected { device_name }).is_break() {
            return Ok(());
        }
        let mut last = Vec::new();
        let mut since = Instant::now();
        let mut buffer = [0; 4096];
        loop {
            if cancel.take() {
                // The interruption is the error to return, so this one is ignored.
                let _ = board.type_keys(&[CTRL_C], Deadline::after(KEY_TIME));
                return Err(BoardError::Cancelled.into());
            }
            let bytes = board.read_output(&mut buffer, SLICE)?;
            if bytes.is_empty() {
                let patience = match last.as_slice() {
                    [] => SILENCE,
                    FRIENDLY_PROMPT => PROMPT_QUIET,
                    // A program runs, and may pause for any time.
                    _ => continue,
                };
                if since.elapsed() > patience {
                    return Ok(());
                }
                continue;
            }
            if events(ReturnEvent::Output { bytes }).is_break() {
                return Ok(());
            }
            last.extend_from_slice(bytes);
            last.drain(..last.len().saturating_sub(FRIENDLY_PROMPT.len()));
            since = Instant::now();
        }
    }
}
