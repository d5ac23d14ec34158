//! Sending programs to firmware without flow control: in pieces, each of which is a short program that the board answers.

use tracing::debug;

use super::link::{Wait, find};
use super::send::Acknowledgement;
use super::{Repl, bounded};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exception::BoardException;
use crate::literal::py_str;

/// Maximum length of a program that is sent unchanged, and the initial length of a piece, with the end byte. The
/// micro:bit's receive ring holds 63 bytes: uart.cpp, `UART_RX_BUF_SIZE`.
const WHOLE: usize = 60;

/// Minimum length of a piece: it contains at least 8 bytes of the program.
const SHORTEST: usize = 15;

/// Creates the variable that collects the pieces.
const BEGIN: &str = "__p=''";
const MORE: &str = "__p+=";
/// Prints the sum of the bytes that have come, which shows whether one is missing.
const COUNT: &str = "print(sum(bytes(__p,'utf8')))";
/// Runs the collected program in the raw REPL's namespace, and removes the variable. The garbage collection in front lets
/// a micro:bit run programs of 1,300 bytes instead of 900.
const JOIN: &str = "__import__('gc').collect();exec(globals().pop('__p'))";
const DROP: &str = "del __p";

/// The frame of [`JOIN`] in a traceback, in front of the frames of the program itself.
const JOINER_FRAME: &[u8] = b"  File \"<stdin>\", line 1, in <module>\r\n";
const INNER: &[u8] = b"\"<string>\"";
const OUTER: &[u8] = b"\"<stdin>\"";

const END: u8 = super::protocol::CTRL_D;

/// The result of sending a piece.
enum Answer {
    /// The piece ran, and printed this.
    Printed(Vec<u8>),
    /// The piece was damaged, or a part of it was lost.
    Lost,
}

impl Repl {
    /// Sends `source` to firmware from before raw-paste.
    pub(super) fn send_pieces(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Acknowledgement, Error> {
        if source.len() < WHOLE {
            self.link.write(&with_end(source), deadline)?;
            return Ok(Acknowledgement::Ok);
        }
        let Ok(text) = std::str::from_utf8(source) else {
            // The board joins the pieces as text, but the program is not valid UTF-8.
            return self.send_plain(source, deadline);
        };
        let mut length = WHOLE;
        while !self.collect(text, length, deadline)? {
            length /= 2;
            debug!(
                length,
                "bytes of the program were lost, smaller pieces are sent"
            );
            if length < SHORTEST {
                return Err(Error::Unexpected {
                    expected: "the board to have the whole program",
                    received: self.link.take_pending(),
                });
            }
        }
        self.link.write(&with_end(JOIN.as_bytes()), deadline)?;
        Ok(Acknowledgement::OkToPieces)
    }

    /// Makes the board collect `source` in pieces of `length` bytes. Returns whether it has all bytes.
    fn collect(&mut self, source: &str, length: usize, deadline: Deadline) -> Result<bool, Error> {
        let mut piece = BEGIN.to_owned();
        let mut rest = source;
        loop {
            match self.ask(&piece, deadline)? {
                Answer::Printed(_) => {}
                Answer::Lost => return Ok(false),
            }
            if rest.is_empty() {
                break;
            }
            let taken = fitting(rest, length.saturating_sub(MORE.len() + 1));
            let (now, later) = rest.split_at(taken);
            piece = format!("{MORE}{}", py_str(now));
            rest = later;
        }
        let sum: u64 = source.bytes().map(u64::from).sum();
        let expected = format!("{sum}\r\n");
        Ok(match self.ask(COUNT, deadline)? {
            Answer::Printed(counted) => counted == expected.as_bytes(),
            Answer::Lost => false,
        })
    }

    /// Runs a short program and waits for its end.
    fn ask(&mut self, program: &str, deadline: Deadline) -> Result<Answer, Error> {
        self.link.write(&with_end(program.as_bytes()), deadline)?;
        let step = deadline.sooner(super::STEP);
        let mut wait = Wait::new("the board to receive a piece of the program", step);
        let end = loop {
            if let Some(at) = find(self.link.pending(), b"\x04>") {
                break at;
            }
            match self.link.more(&mut wait) {
                Err(Error::Timeout { .. }) if !deadline.has_passed() => {
                    // The board does not answer: the end byte of the piece was lost, and the board waits for it. A Ctrl-C
                    // cancels the piece.
                    debug!("the board does not answer a piece of the program, it is interrupted");
                    self.link.write(b"\x03", deadline)?;
                    self.synchronize(bounded(deadline))?;
                    return Ok(Answer::Lost);
                }
                other => other?,
            }
        };
        let text = self.link.pending().get(..end).unwrap_or_default().to_vec();
        self.link.consume(end + 2);
        let output = find(&text, b"OK").and_then(|at| text.get(at + 2..));
        match output.map(|output| output.split_last()) {
            Some(Some((&END, printed))) => Ok(Answer::Printed(printed.to_vec())),
            Some(Some(_)) if find(&text, b"MemoryError").is_some() => {
                self.link.write(&with_end(DROP.as_bytes()), deadline)?;
                let wait = Wait::new("the board to drop the program", step);
                self.link.skip_past(b"\x04>", wait)?;
                let at = find(&text, b"\x04").map_or(0, |at| at + 1);
                let exception = text.get(at..).unwrap_or_default();
                self.state = super::State::Raw;
                Err(Error::Exception(BoardException::parse(exception)))
            }
            _ => Ok(Answer::Lost),
        }
    }
}

fn with_end(program: &[u8]) -> Vec<u8> {
    [program, &[END]].concat()
}

/// Returns the number of bytes at the start of `text` whose literal has at most `room` bytes. It contains at least one
/// character.
fn fitting(text: &str, room: usize) -> usize {
    let mut ends = text
        .char_indices()
        .map(|(at, letter)| at + letter.len_utf8());
    let mut taken = ends.next().unwrap_or(0);
    for end in ends.take_while(|end| *end < room) {
        if py_str(text.get(..end).unwrap_or_default()).len() > room {
            break;
        }
        taken = end;
    }
    taken
}

/// Removes the frame of [`JOIN`] from an exception's text.
pub(super) fn without_joiner(exception: Vec<u8>) -> Vec<u8> {
    let Some(at) = find(&exception, JOINER_FRAME) else {
        return exception;
    };
    let (before, rest) = exception.split_at(at);
    let mut rest = rest.get(JOINER_FRAME.len()..).unwrap_or_default();
    let mut text = before.to_vec();
    while let Some(at) = find(rest, INNER) {
        text.extend_from_slice(rest.get(..at).unwrap_or_default());
        text.extend_from_slice(OUTER);
        rest = rest.get(at + INNER.len()..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    text
}
