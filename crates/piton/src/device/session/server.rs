//! device/serve.py on the board, from the first call that needs it.

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::{Entry, RawRepl};
use tracing::debug;

use super::programs::{SERVER, acknowledged, server};
use super::{Request, Session, State, TRIES, is_about_the_session};
use crate::device::error::DeviceError;
use crate::device::source::Source;

/// Longer expressions and sources are not sent as programs: raw-paste takes a turn for each 128 bytes of them.
const LONG: usize = 4096;

impl Session {
    /// Brings the board to where it takes this call.
    pub(super) fn be_ready_for(&mut self, request: Request<'_>) -> Result<(), DeviceError> {
        for _ in 0..TRIES {
            self.ensure_ready()?;
            if self.serve_if_needed(request)? {
                return Ok(());
            }
        }
        Err(DeviceError::BoardReset)
    }

    /// Puts device/serve.py on the board, if it can have that, and the call needs it. False: the board was reset meanwhile.
    pub(super) fn serve_if_needed(&mut self, request: Request<'_>) -> Result<bool, DeviceError> {
        if self.has_server || !self.can_serve() {
            return Ok(true);
        }
        let source = request.source.map_or("", Source::text).len();
        let is_long = request.expression.len() + source > LONG;
        let is_short = source == 0 && request.expression.len() < LONG / 16;
        let is_frequent = is_short && self.is_frequent;
        self.is_frequent = is_short;
        let needs_it = request.is_own || !request.data.is_empty() || self.events.is_some();
        match needs_it || is_long || is_frequent {
            true => self.serve(),
            false => Ok(true),
        }
    }

    fn serve(&mut self) -> Result<bool, DeviceError> {
        let State::Ready { soft_resets } = self.state else {
            return Ok(false);
        };
        let Some(board) = &mut self.board else {
            return Err(DeviceError::Closed);
        };
        let mut refused = None;
        let mut failure = None;
        for _ in 0..TRIES {
            let deadline = Deadline::after(self.options.step_time);
            let entered = board.repl().raw_repl(Entry::KeepState, deadline);
            let mut bytecode = None;
            let outcome = entered.and_then(|mut raw| {
                bytecode = bytecode_for(&raw);
                raw.run(&server(&self.framing, bytecode.as_deref()), deadline)
            });
            let was_reset = match &outcome {
                Err(BoardError::BoardReset) => true,
                Err(BoardError::Exception(exception)) => is_about_the_session(exception),
                _ => board.repl().soft_resets() != soft_resets,
            };
            if was_reset {
                self.state = State::Fresh(Entry::KeepState);
                return Ok(false);
            }
            match outcome {
                Ok(output) => {
                    if let Some(inflates) = acknowledged(&self.framing, &output) {
                        self.has_server = true;
                        self.inflates = inflates;
                        return Ok(true);
                    }
                }
                Err(error @ BoardError::Disconnected { .. }) => {
                    self.lose();
                    return Err(DeviceError::lost(error));
                }
                Err(BoardError::Cancelled) => {
                    self.cancel.take();
                    return Err(DeviceError::Interrupted);
                }
                Err(BoardError::Exception(exception)) if bytecode.is_some() => {
                    // A damaged byte can look like this once, but not twice in the same words.
                    if refused.as_ref() == Some(&exception.traceback) {
                        debug!("the board does not load bytecode, programs go as source");
                        board.repl().learned_mut().loads_bytecode = Some(false);
                    }
                    refused = Some(exception.traceback);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(match failure {
            Some(error) => DeviceError::lost(error),
            None => DeviceError::Damaged("the session's program did not arrive"),
        })
    }
}

/// The program as bytecode, where the board may load it. Firmware from before raw-paste loads older formats.
fn bytecode_for(raw: &RawRepl<'_>) -> Option<Vec<u8>> {
    let learned = raw.learned();
    if learned.loads_bytecode == Some(false) || raw.raw_paste() == Some(false) {
        return None;
    }
    learned.compile.and_then(|compile| compile(SERVER))
}
