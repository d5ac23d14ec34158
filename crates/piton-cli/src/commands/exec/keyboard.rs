//! Lines of this computer's stdin, for a program that asks for them.

use piton::program::Line;

use crate::terminal::{self, Keys};

/// The lines of stdin. Nothing is read before a line is wanted, and never more than that line: what follows is for whoever
/// reads stdin next (a shell's `while read` loop, say).
#[derive(Default)]
pub(super) struct Lines {
    /// The line that is being read.
    begun: Vec<u8>,
}

impl Lines {
    /// The next line; `None` as long as it is not complete.
    pub(super) fn next(&mut self) -> Option<Line> {
        match terminal::read_line(&mut self.begun) {
            Ok(Keys::Bytes(line)) => Some(Line::Text(line)),
            Ok(Keys::Nothing) => None,
            // What cannot be read has nothing more to give.
            Ok(Keys::End) | Err(_) => Some(Line::End),
        }
    }
}
