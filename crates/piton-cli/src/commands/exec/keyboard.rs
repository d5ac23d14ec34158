//! Lines of this computer's stdin, for a program that calls `input()`.

use piton::program::Line;

use crate::terminal::{self, Keys};

/// The lines of stdin. Nothing is read before a line is wanted, and never more than that line: the rest belongs to the
/// next reader of stdin (a shell's `while read` loop, say).
#[derive(Default)]
pub(super) struct Lines {
    /// The bytes of the line that are read so far.
    begun: Vec<u8>,
}

impl Lines {
    /// Returns the next line; `None` as long as it is not complete.
    pub(super) fn next(&mut self) -> Option<Line> {
        match terminal::read_line(&mut self.begun) {
            Ok(Keys::Bytes(line)) => Some(Line::Text(line)),
            Ok(Keys::Nothing) => None,
            // An error of the read ends the input, as its end does.
            Ok(Keys::End) | Err(_) => Some(Line::End),
        }
    }
}
