//! One program of a call, from its first byte to the board's prompt.

use std::time::{Duration, Instant};

use piton_board::deadline::{Deadline, scaled};
use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;
use piton_board::repl::{Conversation, Entry, RawRepl};

use super::frame::{Answer, FrameReader, State, looks_like_an_end};
use super::session::END_TIME;
use super::start::is_a_start;
use crate::board::Board;

/// How long the board is silent before what looks like the end of a program counts as one, when no answer came before it.
const END_QUIET: Duration = Duration::from_millis(300);

/// How long the board is silent before what looks like its start counts as one.
const START_QUIET: Duration = Duration::from_millis(500);

/// How long the board may be silent in the middle of an answer. Then the program is interrupted, and the answer asked for again.
const ANSWER_QUIET: Duration = Duration::from_secs(5);

/// How much of the output is kept to recognize the start of a board.
const TAIL: usize = 512;

/// How a program of a call ended.
pub(super) enum Ended {
    Normally,
    Raised(BoardException),
    /// The board did not come to its prompt, or said something unexpected.
    Unclear,
    /// The board was found reset, before it got the program.
    ResetBefore,
    ResetDuring,
    Interrupted,
    Late,
    Lost(BoardError),
}

/// Runs a program to its end, whatever that is. Returns the answer as well, if one came.
pub(super) fn run(
    board: &mut Board,
    program: &[u8],
    reader: FrameReader<'_>,
    output: &mut dyn FnMut(&[u8]),
    deadline: Deadline,
) -> (Ended, Option<Answer>) {
    let mut raw = match board.repl().raw_repl(Entry::KeepState, deadline) {
        Ok(raw) => raw,
        Err(BoardError::Cancelled) => return (Ended::Interrupted, None),
        Err(error) => return (Ended::Lost(error), None),
    };
    match raw.converse(program, deadline).map(drop) {
        Ok(()) => {}
        Err(BoardError::BoardReset) => return (Ended::ResetBefore, None),
        Err(BoardError::Timeout { .. }) if !deadline.has_passed() => return (Ended::Unclear, None),
        Err(BoardError::Unexpected { .. } | BoardError::NotAtPrompt) => {
            return (Ended::Unclear, None);
        }
        Err(error) => return (stop(&mut raw, error), None),
    }
    let mut listener = Listener {
        reader,
        output,
        tail: Vec::new(),
        answer: None,
    };
    let ended = match listener.listen(raw.conversation(), deadline) {
        Ok(Heard::End) => finish(&mut raw, listener.answer.is_some()),
        Ok(Heard::Start) => {
            raw.conversation().board_was_reset();
            Ended::ResetDuring
        }
        Ok(Heard::BrokenAnswer) => {
            // Whatever the program does then: the next one tells what became of it.
            let _ = raw.interrupt(&mut |_| {}, Deadline::after(END_TIME));
            Ended::Unclear
        }
        Err(error) => stop(&mut raw, error),
    };
    (ended, listener.answer)
}

/// What a wait for an answer ended with.
enum Heard {
    /// What is pending is the end of the program.
    End,
    /// The board was reset, and started.
    Start,
    /// An answer that does not go on.
    BrokenAnswer,
}

struct Listener<'l> {
    reader: FrameReader<'l>,
    output: &'l mut dyn FnMut(&[u8]),
    /// The last bytes of the output.
    tail: Vec<u8>,
    answer: Option<Answer>,
}

impl Listener<'_> {
    fn listen(
        &mut self,
        mut conversation: Conversation<'_>,
        deadline: Deadline,
    ) -> Result<Heard, BoardError> {
        let mut quiet_since = Instant::now();
        loop {
            self.read(&mut conversation);
            if self.reader.state() == State::After {
                return Ok(Heard::End);
            }
            if conversation.poll("the answer to a call", deadline)? {
                quiet_since = Instant::now();
                continue;
            }
            if let Some(heard) = self.after_silence(&mut conversation, quiet_since.elapsed()) {
                return Ok(heard);
            }
            if deadline.has_passed() {
                return Err(BoardError::Timeout {
                    waiting_for: "the answer to a call",
                    received: self.tail.clone(),
                });
            }
        }
    }

    /// Takes what is pending, as far as it is known what it is.
    fn read(&mut self, conversation: &mut Conversation<'_>) {
        loop {
            let step = self.reader.step(conversation.pending());
            self.pass(conversation, step.output);
            conversation.consume(step.used - step.output);
            self.answer = self.answer.take().or(step.answer);
            if step.used == 0 {
                break;
            }
        }
    }

    fn after_silence(
        &mut self,
        conversation: &mut Conversation<'_>,
        silence: Duration,
    ) -> Option<Heard> {
        let pending = conversation.pending();
        if looks_like_an_end(pending) {
            if silence < END_QUIET {
                return None;
            }
            self.answer = self.reader.read_to_end(pending);
            return Some(Heard::End);
        }
        if self.reader.state() == State::Inside {
            return (silence >= scaled(ANSWER_QUIET)).then_some(Heard::BrokenAnswer);
        }
        // Output with an 0x04 in it: the program prints no more for now.
        self.pass(conversation, conversation.pending().len());
        (silence >= START_QUIET && is_a_start(&self.tail)).then_some(Heard::Start)
    }

    /// Passes on the first pending bytes as output.
    fn pass(&mut self, conversation: &mut Conversation<'_>, count: usize) {
        let bytes = conversation.pending().get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        (self.output)(bytes);
        self.tail.extend_from_slice(bytes);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
        conversation.consume(count);
    }
}

/// Waits for the end of the program, which is pending or follows at once.
fn finish(raw: &mut RawRepl<'_>, has_answered: bool) -> Ended {
    let deadline = Deadline::after(END_TIME);
    // What threads of the board print behind the answer comes too late to belong to a call.
    match raw.conversation().finish(&mut |_| {}, deadline) {
        Ok(()) => Ended::Normally,
        Err(BoardError::Exception(exception)) => Ended::Raised(exception),
        Err(BoardError::BoardReset) => Ended::ResetDuring,
        Err(BoardError::Timeout { .. }) => {
            // The end of the program was damaged on the line.
            let _ = raw.interrupt(&mut |_| {}, Deadline::after(END_TIME));
            match has_answered {
                true => Ended::Normally,
                false => Ended::Unclear,
            }
        }
        Err(error) => stop(raw, error),
    }
}

/// Stops the program after an error of a wait for it.
fn stop(raw: &mut RawRepl<'_>, error: BoardError) -> Ended {
    let ended = match error {
        BoardError::Cancelled => Ended::Interrupted,
        BoardError::Timeout { .. } => Ended::Late,
        error => return Ended::Lost(error),
    };
    match raw.interrupt(&mut |_| {}, Deadline::after(END_TIME)) {
        Err(error @ BoardError::Disconnected { .. }) => Ended::Lost(error),
        // A program that does not stop is interrupted again by the next call.
        _ => ended,
    }
}
