//! A running program that talks with the host in bytes of its own.

use super::{Repl, State};
use crate::deadline::Deadline;
use crate::error::Error;

/// A running program, and both directions of the wire as they are.
///
/// Nothing between the program's first byte and [`Conversation::finish`] is taken for the end of its output. When
/// this is dropped the program runs on: [`super::RawRepl::interrupt`] stops it.
pub struct Conversation<'a> {
    repl: &'a mut Repl,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(repl: &'a mut Repl) -> Conversation<'a> {
        Conversation { repl }
    }

    /// Writes all of `bytes`. The program must be reading: there is no flow control here.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], [`Error::Disconnected`].
    pub fn write(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.repl.link.write(bytes, deadline)
    }

    /// Returns what has come and was not consumed.
    pub fn pending(&self) -> &[u8] {
        self.repl.link.pending()
    }

    /// Marks the first `count` pending bytes as used.
    pub fn consume(&mut self, count: usize) {
        self.repl.link.consume(count);
    }

    /// Waits for more pending bytes, until `deadline` and for at most 50 ms. Returns whether some came.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`], [`Error::Disconnected`].
    pub fn poll(&mut self, waiting_for: &'static str, deadline: Deadline) -> Result<bool, Error> {
        self.repl.link.poll(waiting_for, deadline)
    }

    /// Ends the conversation with a board that was reset, as its output shows.
    pub fn board_was_reset(self) -> Error {
        self.repl.state = State::Unknown;
        Error::BoardReset
    }

    /// Waits for the program's end, which begins with what is pending, and hands on what it still prints.
    ///
    /// # Errors
    ///
    /// As for [`super::RawRepl::exec`].
    pub fn finish(self, output: &mut dyn FnMut(&[u8]), deadline: Deadline) -> Result<(), Error> {
        self.repl.follow(output, deadline)
    }
}
