//! Following a program of the host to an end that the line may damage.

use tracing::debug;

use super::entry::{DAMAGE_QUIET, probe_answer, probe_program};
use super::link::find;
use super::output::End;
use super::protocol::{CTRL_C, CTRL_D};
use super::{Repl, State, bounded};
use crate::deadline::Deadline;
use crate::error::Error;

/// The beginning of a traceback, without the part that a damaged byte before it may cover.
const TRACEBACK: &[u8] = b"back (most recent";

impl Repl {
    /// As [`Repl::follow`], for a program that reads no input. If the board is silent, a numbered probe follows the program:
    /// it waits while the program runs, and its answer shows that the program has ended, whatever became of its end.
    pub(super) fn follow_probed(
        &mut self,
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut quiet = DAMAGE_QUIET * 2;
        let mut received = None;
        loop {
            let slice = deadline.sooner(quiet);
            let ended = self.follow(output, slice);
            let State::Running(program) = &mut self.state else {
                return self.drop_open_probes(ended, deadline);
            };
            match ended {
                Err(Error::Timeout { .. }) if !deadline.has_passed() => {}
                ended => return ended,
            }
            let now = Some(program.received_bytes());
            if received == now {
                debug!("the program is silent, a probe waits for its end");
                quiet *= 2;
                self.probe_behind_program(deadline)?;
            }
            received = now;
        }
    }

    /// Sends a probe that waits until the program has ended.
    pub(super) fn probe_behind_program(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.send_probe(deadline)?;
        self.await_probes();
        Ok(())
    }

    /// Sends a probe to a board that is at its prompt, or runs a program that answers an interrupt and ignores other input.
    pub(super) fn probe_after_interrupt(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.probes += 1;
        let mut bytes = probe_program(self.probes);
        // A line end behind an interrupt says that another program wants the board.
        if let Some(first) = bytes.first_mut() {
            *first = CTRL_C;
        }
        self.link.write(&bytes, deadline)?;
        self.await_probes();
        Ok(())
    }

    fn await_probes(&mut self) {
        let answers = self.open_probes().map(probe_answer).collect();
        if let State::Running(program) = &mut self.state {
            program.probe_answers = answers;
        }
    }

    /// Waits for the answers to probes that came after the end of the program, which no later exchange may see.
    pub(super) fn drop_open_probes(
        &mut self,
        ended: Result<(), Error>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let is_damaged = matches!(ended, Err(Error::Unexpected { .. }));
        if !self.open_probes().is_empty() && (is_damaged || matches!(self.state, State::Raw)) {
            self.state = State::Broken;
            self.synchronize(bounded(deadline))?;
            self.state = State::Raw;
        }
        ended
    }
}

/// Returns where the answer to a probe begins in `bytes`, which a program's output precedes: the answer itself, or its first
/// bytes at the end.
pub(super) fn split_at_answer(bytes: &[u8], answers: &[Vec<u8>]) -> Option<(usize, bool)> {
    let whole = answers
        .iter()
        .filter_map(|answer| find(bytes, answer))
        .min();
    let part = |answer: &Vec<u8>| {
        let longest = bytes.len().min(answer.len().saturating_sub(1));
        (1..=longest)
            .rev()
            .find(|length| bytes.ends_with(answer.get(..*length).unwrap_or_default()))
    };
    match whole {
        Some(at) => Some((at, true)),
        None => {
            let length = answers.iter().filter_map(part).max()?;
            Some((bytes.len() - length, false))
        }
    }
}

/// Returns how a program has ended whose end was damaged. `received` is everything up to the answer of a probe. `None` if
/// nothing shows it.
pub(super) fn damaged_end(received: &[u8]) -> Option<End> {
    if let Some(at) = find(received, TRACEBACK) {
        let text = received.get(at..).unwrap_or_default();
        let text = text.strip_suffix(b">").unwrap_or(text);
        let text = text.strip_suffix(&[CTRL_D]).unwrap_or(text);
        let exception = [b"Trace".as_slice(), text].concat();
        return Some(End::Prompt { exception });
    }
    // Two of the three bytes, with another byte or none in the place of the third.
    let last = received.get(received.len().saturating_sub(3)..)?;
    let shows_end = matches!(
        last,
        [CTRL_D, CTRL_D, _] | [CTRL_D, _, b'>'] | [_, CTRL_D, b'>'] | [.., CTRL_D, CTRL_D]
    );
    shows_end.then(|| End::Prompt {
        exception: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_whole_or_in_part() {
        let answers = [probe_answer(1), probe_answer(2)];
        for (bytes, expected) in [
            (&b"output"[..], None),
            (b"output\x04\x04OK15838\r\n\x04\x04>", Some((8, true))),
            (b"output\x04>OK79", Some((8, false))),
            (b"outputO", Some((6, false))),
        ] {
            assert_eq!(split_at_answer(bytes, &answers), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_damaged_end_shows_how_the_program_ended() {
        let check = |received: &[u8]| {
            damaged_end(received).map(|end| match end {
                End::Prompt { exception } => String::from_utf8(exception).unwrap(),
                End::SoftReset => panic!("no reset"),
            })
        };
        for end in ["\x04\x04?", "\x04?>", "?\x04>", "\x04\x04", "1\r\n\x04>"] {
            assert_eq!(check(end.as_bytes()).as_deref(), Some(""), "{end:?}");
        }
        assert_eq!(
            check(b"1\r\nTrbceback (most recent call last):\r\nOSError: 2\r\n\x04>").as_deref(),
            Some("Traceback (most recent call last):\r\nOSError: 2\r\n")
        );
        assert_eq!(check(b"1\r\n2\r\n"), None);
    }
}
