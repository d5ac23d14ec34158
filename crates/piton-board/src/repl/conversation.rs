//! A running program that has its own protocol with the host.

use super::{Repl, State};
use crate::deadline::Deadline;
use crate::error::Error;

/// A running program, and unchanged bytes in both directions.
///
/// No byte before [`Conversation::finish`] is taken for the end of the program's output. When the conversation is dropped,
/// the program continues: [`super::RawRepl::interrupt`] stops it.
pub struct Conversation<'a> {
    repl: &'a mut Repl,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(repl: &'a mut Repl) -> Conversation<'a> {
        Conversation { repl }
    }

    /// Writes all of `bytes`. There is no flow control: the program must read them in time.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`], [`Error::Disconnected`].
    pub fn write(&mut self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.repl.link.write(bytes, deadline)
    }

    /// Writes bytes 0xff that complete a read of the program which lacks bytes. If it lacks none, they stay in the line: the
    /// next program is sent after an interrupt, which drops them.
    ///
    /// # Errors
    ///
    /// As for [`Conversation::write`].
    pub fn write_padding(&mut self, count: usize, deadline: Deadline) -> Result<(), Error> {
        self.repl.has_padded = true;
        self.repl.link.write(&vec![0xff; count], deadline)
    }

    /// Returns the received bytes that are not consumed yet.
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

    /// Ends the conversation with a board whose output shows that it was reset. Returns the error for that.
    pub fn board_was_reset(self) -> Error {
        self.repl.state = State::Unknown;
        Error::BoardReset
    }

    /// Waits for the program's end, and passes its remaining output to the caller, beginning with the pending bytes.
    ///
    /// # Errors
    ///
    /// As for [`super::RawRepl::exec`].
    pub fn finish(self, output: &mut dyn FnMut(&[u8]), deadline: Deadline) -> Result<(), Error> {
        self.repl.follow(output, deadline)
    }
    /// As [`Conversation::finish`], for a program that reads no more input than an empty line: see
    /// [`super::RawRepl::exec_probed`].
    ///
    /// # Errors
    ///
    /// As for [`super::RawRepl::exec_probed`].
    pub fn finish_probed(
        self,
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.repl.follow_probed(output, deadline)
    }

    /// Sends a probe. A board whose program has ended runs the probe; [`Conversation::finish_probed`] takes the answer for the
    /// end. The program must ignore the probe.
    ///
    /// # Errors
    ///
    /// As for [`Conversation::write`].
    pub fn probe(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.repl.probe_behind_program(deadline)
    }

    /// As [`Conversation::probe`], after a Ctrl-C, which removes what is in the line to the prompt. The program must ignore
    /// both.
    ///
    /// # Errors
    ///
    /// As for [`Conversation::write`].
    pub fn probe_after_interrupt(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.repl.probe_after_interrupt(deadline)
    }
}
