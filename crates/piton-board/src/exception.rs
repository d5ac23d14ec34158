//! Exceptions that a board raised, as values.
//!
//! A traceback is read as MicroPython prints it: py/obj.c, `mp_obj_print_exception`, and py/objexcept.c,
//! `mp_obj_exception_print`. CircuitPython adds chained exceptions.

mod os_error;

use std::fmt::{self, Write as _};

pub use os_error::OsError;

/// An exception that ended a program on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardException {
    /// The exception's class, `ValueError`; empty if the text is not an exception.
    pub type_name: String,
    /// The text after the class, without the line end; may have several lines, may be empty.
    pub message: String,
    /// The calls of the traceback, outermost call first.
    pub frames: Vec<Frame>,
    /// The whole text as the board sent it, with its line ends.
    pub traceback: Vec<u8>,
}

/// One line of a traceback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// File name on the board; `<stdin>` for a program that came through the REPL.
    pub file: String,
    /// Line number, from 1.
    pub line: u32,
    /// The function's name, or `<module>`; a syntax error has none.
    pub scope: Option<String>,
}

/// What CircuitPython prints between chained exceptions, in English: its `main.c` and py/obj.c.
const CHAINS: [&str; 2] = [
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
];

impl BoardException {
    /// Parses the text that a board printed for an exception. Any input gives a value: text that is not an exception
    /// becomes the message.
    pub fn parse(traceback: &[u8]) -> BoardException {
        let text = String::from_utf8_lossy(traceback).replace("\r\n", "\n");
        let last = last_in_chain(text.trim_end_matches('\n'));
        let mut frames = Vec::new();
        let mut rest = last.trim_start_matches('\n');
        if let Some((heading, after)) = rest.split_once('\n')
            && heading.ends_with(':')
            && after.starts_with(FRAME)
        {
            rest = after;
        }
        while let Some((frame, after)) = parse_frame(rest) {
            frames.push(frame);
            rest = after;
        }
        let (type_name, message) = split_type(rest);
        BoardException {
            type_name: type_name.to_owned(),
            message: message.to_owned(),
            frames,
            traceback: traceback.to_vec(),
        }
    }

    /// Returns number, name and meaning of the error in an `OSError`.
    ///
    /// Returns `None` for other exceptions, and for an `OSError` whose text has no number.
    pub fn os_error(&self) -> Option<OsError> {
        // The firmware prints `[Errno 2]` only for `OSError` and classes derived from it.
        if self.type_name == "OSError" || self.message.starts_with("[Errno ") {
            OsError::from_message(&self.message)
        } else {
            None
        }
    }

    /// Returns whether Ctrl-C ended the program.
    pub fn is_keyboard_interrupt(&self) -> bool {
        self.type_name == "KeyboardInterrupt"
    }
}

impl fmt::Display for BoardException {
    /// Writes text such as `OSError: [Errno 2] ENOENT (no such file or directory), main.py line 3 in f`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.type_name.as_str(), Printable(&self.message)) {
            ("", message) => message.fmt(f)?,
            (type_name, Printable("")) => f.write_str(type_name)?,
            (type_name, message) => write!(f, "{type_name}: {message}")?,
        }
        if let Some(error) = self.os_error()
            && let Some(text) = error.text
            && !self.message.to_lowercase().contains(text)
        {
            match error.name {
                Some(name) if !self.message.contains(&name) => write!(f, " ({name}, {text})")?,
                _ => write!(f, " ({text})")?,
            }
        }
        if let Some(frame) = self.frames.last() {
            write!(f, ", {} line {}", frame.file, frame.line)?;
            if let Some(scope) = frame.scope.as_deref().filter(|scope| *scope != "<module>") {
                write!(f, " in {scope}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for BoardException {}

/// Text from a board without characters that control a terminal.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                write!(f, "{}", c.escape_default())
            } else {
                f.write_char(c)
            }
        })
    }
}

const FRAME: &str = "  File \"";

/// Returns the last traceback of a chain: the exception that ended the program.
fn last_in_chain(text: &str) -> &str {
    let mut start = 0;
    for chain in CHAINS {
        for (at, _) in text.match_indices(chain) {
            let after = at + chain.len();
            // The sentence may be part of a message, so another traceback must follow.
            let rest = text.get(after..).unwrap_or_default();
            if rest.trim_start_matches('\n').starts_with("Traceback ") {
                start = start.max(after);
            }
        }
    }
    text.get(start..).unwrap_or(text)
}

/// Parses `  File "main.py", line 3, in f`. Also returns the text after the line.
fn parse_frame(text: &str) -> Option<(Frame, &str)> {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    // Split at the end, because a file name may contain quotes.
    let (file, place) = line.strip_prefix(FRAME)?.rsplit_once("\", line ")?;
    let (number, scope) = match place.split_once(", in ") {
        Some((number, scope)) => (number, Some(scope.to_owned())),
        None => (place, None),
    };
    let frame = Frame {
        file: file.to_owned(),
        line: number.parse().ok()?,
        scope,
    };
    Some((frame, rest))
}

/// Parses `Type: message`, `Type: ` or `Type`.
fn split_type(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_name = !name.starts_with(|c: char| c.is_numeric() || c == '.') && !name.is_empty();
    match rest.strip_prefix(':') {
        Some(message) if is_name => (name, message.strip_prefix(' ').unwrap_or(message)),
        None if is_name && rest.is_empty() => (name, ""),
        _ => ("", text),
    }
}

#[cfg(test)]
mod tests;
