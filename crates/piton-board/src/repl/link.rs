//! The transport with one read buffer. Every wait of the REPL is in this module.

use std::io;
use std::time::Duration;

use crate::deadline::{Cancel, Deadline};
use crate::error::Error;
use crate::transport::Transport;

/// Maximum time between two checks of the cancel flag.
const SLICE: Duration = Duration::from_millis(50);

/// Maximum number of bytes in one write. At 9600 baud they take four seconds.
const WRITTEN_AT_ONCE: usize = 4096;

/// Number of received bytes that the error of a timeout keeps: see [`Error::Timeout`].
pub(super) const KEPT: usize = 4096;

/// A transport, and the bytes that were read from it and are not used yet.
pub(super) struct Link {
    transport: Box<dyn Transport>,
    pub(super) cancel: Cancel,
    buffer: Vec<u8>,
}

/// One wait: its purpose, its deadline, and the bytes that came.
pub(super) struct Wait {
    waiting_for: &'static str,
    deadline: Deadline,
    received: Tail,
}

impl Wait {
    pub(super) fn new(waiting_for: &'static str, deadline: Deadline) -> Wait {
        Wait {
            waiting_for,
            deadline,
            received: Tail::default(),
        }
    }
}

/// The last bytes of a stream.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        // Remove old bytes only when there are many, so that many small pieces do not move the same bytes each time.
        if self.0.len() > 2 * KEPT {
            self.0.drain(..self.0.len() - KEPT);
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        let from = self.0.len().saturating_sub(KEPT);
        self.0.get(from..).unwrap_or_default()
    }
}

impl Link {
    pub(super) fn new(transport: Box<dyn Transport>, cancel: Cancel) -> Link {
        Link {
            transport,
            cancel,
            buffer: Vec::new(),
        }
    }

    pub(super) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// Returns the bytes that were read and are not used yet.
    pub(super) fn pending(&self) -> &[u8] {
        &self.buffer
    }

    pub(super) fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Puts back bytes that were taken too early.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.buffer.splice(..0, bytes.iter().copied());
    }

    /// Marks the first `count` pending bytes as used.
    pub(super) fn consume(&mut self, count: usize) {
        self.buffer.drain(..count.min(self.buffer.len()));
    }

    /// Drops the pending bytes, and those that the system has received: the board sent them before our next write.
    pub(super) fn discard_input(&mut self) -> Result<(), Error> {
        // A board that prints without pause always has more bytes, so the number of reads is limited.
        for _ in 0..64 {
            self.buffer.clear();
            if !self.read_once("what it sent before", Deadline::after(Duration::ZERO))? {
                break;
            }
        }
        self.buffer.clear();
        Ok(())
    }

    /// Writes all of `bytes`.
    pub(super) fn write(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        let waiting_for = "the line to accept the written bytes";
        // Each piece has its own timeout, because a slow line that accepts bytes is not lost.
        for piece in bytes.chunks(WRITTEN_AT_ONCE) {
            self.transport
                .write_all(piece, deadline.sooner(super::STEP))
                .map_err(|source| match source.kind() {
                    io::ErrorKind::TimedOut => Error::Timeout {
                        waiting_for,
                        received: Vec::new(),
                    },
                    _ => Error::Disconnected {
                        waiting_for,
                        source,
                    },
                })?;
        }
        Ok(())
    }

    /// Waits at most one slice for bytes. Returns whether some came.
    pub(super) fn poll(
        &mut self,
        waiting_for: &'static str,
        deadline: Deadline,
    ) -> Result<bool, Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        self.read_once(waiting_for, deadline.slice(SLICE))
    }

    /// Returns a wait that has received the pending bytes already.
    pub(super) fn wait(&self, waiting_for: &'static str, deadline: Deadline) -> Wait {
        let mut wait = Wait::new(waiting_for, deadline);
        wait.received.push(&self.buffer);
        wait
    }

    /// Waits until at least one more byte is pending.
    pub(super) fn more(&mut self, wait: &mut Wait) -> Result<(), Error> {
        loop {
            let before = self.buffer.len();
            if self.poll(wait.waiting_for, wait.deadline)? {
                wait.received
                    .push(self.buffer.get(before..).unwrap_or_default());
                return Ok(());
            }
            if wait.deadline.has_passed() {
                return Err(Error::Timeout {
                    waiting_for: wait.waiting_for,
                    received: wait.received.bytes().to_vec(),
                });
            }
        }
    }

    /// Waits until at least one more byte is pending, but not longer than `quiet`. Returns whether one came.
    pub(super) fn more_within(&mut self, wait: &mut Wait, quiet: Duration) -> Result<bool, Error> {
        let own = wait.deadline;
        wait.deadline = own.sooner(quiet);
        let more = self.more(wait);
        wait.deadline = own;
        match more {
            Err(Error::Timeout { .. }) if !own.has_passed() => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Waits until `marker` has come, and consumes all bytes up to its end.
    pub(super) fn skip_past(&mut self, marker: &[u8], mut wait: Wait) -> Result<(), Error> {
        wait.received.push(&self.buffer);
        loop {
            if let Some(at) = find(&self.buffer, marker) {
                self.consume(at + marker.len());
                return Ok(());
            }
            let keep = marker.len().saturating_sub(1);
            self.consume(self.buffer.len().saturating_sub(keep));
            self.more(&mut wait)?;
        }
    }

    /// Sleeps between two writes. A raised cancel flag ends the sleep.
    pub(super) fn pause(&self, duration: Duration) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        std::thread::sleep(duration);
        Ok(())
    }

    fn read_once(&mut self, waiting_for: &'static str, deadline: Deadline) -> Result<bool, Error> {
        let mut chunk = [0; 16 * 1024];
        match self.transport.read(&mut chunk, deadline) {
            Ok(count) => {
                self.buffer
                    .extend_from_slice(chunk.get(..count).unwrap_or(&chunk));
                Ok(count > 0)
            }
            Err(error) if is_no_answer_yet(&error) => Ok(false),
            Err(source) => Err(Error::Disconnected {
                waiting_for,
                source,
            }),
        }
    }
}

fn is_no_answer_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Returns the offset of `marker` in `bytes`.
pub(super) fn find(bytes: &[u8], marker: &[u8]) -> Option<usize> {
    bytes
        .windows(marker.len().max(1))
        .position(|window| window == marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_keeps_the_last_bytes() {
        let mut tail = Tail::default();
        for at in 0..3 * KEPT {
            tail.push(&[(at % 251) as u8]);
        }
        assert_eq!(tail.bytes().len(), KEPT);
        assert_eq!(tail.bytes().last(), Some(&(((3 * KEPT - 1) % 251) as u8)));
    }

    #[test]
    fn find_handles_short_input() {
        assert_eq!(find(b"", b"abc"), None);
        assert_eq!(find(b"xabc", b"abc"), Some(1));
        assert_eq!(find(b"ab", b"abc"), None);
    }
}
