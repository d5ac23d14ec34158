//! Putting a source into a `try` without changing its line numbers.
//!
//! Each logical line gets a tab in front, which adds eight columns to any indentation. Lines
//! that begin inside a string are not changed. The line of the `try` replaces the first line that is empty or has
//! only a comment: after it the numbers are those of the source, and before it they are corrected
//! in the traceback.

use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;

use super::{Exit, ExitValue};

/// The mark of an exception that replaces a `SystemExit`.
pub(super) const EXIT: &str = "piton exit";

/// A program that reports its exit value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    source: Vec<u8>,
    /// The last line whose number on the board is one too high.
    shifted_to: u32,
    /// Whether the source is part of Piton. Then its frames are left out of tracebacks.
    hidden: bool,
}

impl Guarded {
    /// Puts a `try` around `source`.
    pub fn new(source: &[u8]) -> Guarded {
        let mut guarded = Guarded {
            source: Vec::with_capacity(source.len() + source.len() / 16 + 100),
            shifted_to: u32::MAX,
            hidden: false,
        };
        guarded.source.extend_from_slice(b"try:\n");
        let mut place = LineStart::Code;
        let mut continued = false;
        for (number, line) in (1..).zip(lines(source)) {
            let begins_in_string = place != LineStart::Code;
            let content = place.read(line);
            if guarded.shifted_to == u32::MAX
                && !begins_in_string
                && !continued
                && content == LineContent::Nothing
            {
                guarded.shifted_to = number;
                continue;
            }
            continued = content == LineContent::Continued;
            if !begins_in_string && !line.trim_ascii().is_empty() {
                guarded.source.push(b'\t');
            }
            guarded.source.extend_from_slice(line);
        }
        if !guarded.source.ends_with(b"\n") {
            guarded.source.push(b'\n');
        }
        guarded
            .source
            .extend_from_slice(b"\tpass\nexcept SystemExit as _piton:\n");
        guarded
            .source
            .extend_from_slice(format!("\traise Exception('{EXIT}',*_piton.args)\n").as_bytes());
        guarded
    }

    /// As [`Guarded::new`], for a source that is part of Piton.
    pub(super) fn hidden(source: &[u8]) -> Guarded {
        Guarded {
            hidden: true,
            ..Guarded::new(source)
        }
    }

    /// Returns the program to send to the board.
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// Returns whether the board refused the program for its size. MicroPython's bytecode jumps at most 32 KB, here
    /// over the whole `try`. The program did not run, and the source without the `try` may be accepted.
    pub fn is_too_large(&self, ended: &Result<(), BoardError>) -> bool {
        matches!(ended, Err(BoardError::Exception(exception)) if exception.frames.is_empty()
            && exception.type_name == "RuntimeError"
            && exception.message == "bytecode overflow")
    }

    /// Returns how the program ended.
    ///
    /// # Errors
    ///
    /// The board's error, with the line numbers of the source.
    pub fn outcome(&self, ended: Result<(), BoardError>) -> Result<Exit, BoardError> {
        match ended {
            Ok(()) => Ok(Exit::End),
            Err(BoardError::Exception(exception)) => match ExitValue::of(&exception) {
                Some(value) => Ok(Exit::Exited(value)),
                None => Err(BoardError::Exception(self.with_own_lines(&exception))),
            },
            Err(error) => Err(error),
        }
    }

    fn with_own_lines(&self, exception: &BoardException) -> BoardException {
        const FRAME: &[u8] = b"  File \"<stdin>\", line ";
        let mut traceback = Vec::with_capacity(exception.traceback.len());
        for line in exception.traceback.split_inclusive(|byte| *byte == b'\n') {
            let Some(rest) = line.strip_prefix(FRAME) else {
                traceback.extend_from_slice(line);
                continue;
            };
            if self.hidden {
                continue;
            }
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, rest) = rest.split_at(digits);
            let number = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse::<u32>().ok());
            traceback.extend_from_slice(FRAME);
            match number {
                Some(number) if number > 1 && number <= self.shifted_to => {
                    traceback.extend_from_slice((number - 1).to_string().as_bytes());
                }
                _ => traceback.extend_from_slice(digits),
            }
            traceback.extend_from_slice(rest);
        }
        BoardException::parse(&traceback)
    }
}

/// Yields the lines of a source with their ends: LF, CR LF or CR, as in MicroPython's lexer (py/lexer.c,
/// `next_char`).
pub(super) fn lines(source: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let at = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let end = match at {
            None => rest.len(),
            Some(at) if rest.get(at..at + 2) == Some(b"\r\n") => at + 2,
            Some(at) => at + 1,
        };
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// The state at the start of a line: in code, in a string with three of these quotes, or in a string with one quote
/// that a backslash continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineStart {
    Code,
    Long(u8),
    Short(u8),
}

/// The content of a line that begins in code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineContent {
    /// White space, a comment.
    Nothing,
    Code,
    /// Code that continues after a backslash.
    Continued,
}

impl LineStart {
    /// Reads one line. This becomes the state at the start of the next one.
    fn read(&mut self, line: &[u8]) -> LineContent {
        let mut content = LineContent::Nothing;
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            let is_end = matches!(byte, b'\n' | b'\r');
            match *self {
                LineStart::Code => match byte {
                    b'#' => break,
                    b'"' | b'\'' => {
                        content = LineContent::Code;
                        if line.get(at..at + 3) == Some(&[byte; 3]) {
                            at += 2;
                            *self = LineStart::Long(byte);
                        } else {
                            *self = LineStart::Short(byte);
                        }
                    }
                    b'\\' if matches!(line.get(at + 1), Some(b'\n' | b'\r')) => {
                        return LineContent::Continued;
                    }
                    b' ' | b'\t' | b'\x0c' | b'\n' | b'\r' => {}
                    _ => content = LineContent::Code,
                },
                LineStart::Long(quote) | LineStart::Short(quote) => {
                    content = LineContent::Code;
                    if byte == b'\\' {
                        if matches!(line.get(at + 1), Some(b'\n' | b'\r')) {
                            return content;
                        }
                        at += 1;
                    } else if matches!(self, LineStart::Short(_)) && (byte == quote || is_end) {
                        // A line end in this string is an error, which the board reports.
                        *self = LineStart::Code;
                    } else if matches!(self, LineStart::Long(_))
                        && line.get(at..at + 3) == Some(&[quote; 3])
                    {
                        at += 2;
                        *self = LineStart::Code;
                    }
                }
            }
            at += 1;
        }
        content
    }
}

#[cfg(test)]
mod tests;
