//! The line to a virtual board, as a program on the host holds it.

use std::io;
use std::time::Duration;

use crate::wire::HostEnd;

/// The open line to a virtual board.
///
/// It can be shared between threads, so that one reads while another writes. Dropping it leaves the board
/// running, as closing a serial port does.
pub struct Line {
    end: HostEnd,
}

impl Line {
    pub(crate) fn new(end: HostEnd) -> Self {
        Self { end }
    }

    /// Waits until the board has sent something, and reads at least one and at most `buf.len()` bytes.
    /// Without a timeout it waits for ever.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::TimedOut`]: nothing came in time.
    /// - [`io::ErrorKind::UnexpectedEof`]: the board has vanished. When it returns, its line must be
    ///   opened again.
    pub fn read(&self, buf: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        self.end.read(buf, timeout)
    }

    /// Sends all of `bytes`. Returns when they are in flight, not when they have arrived; a line
    /// without a receive ring holds back the sender while 64 KiB wait for the board.
    ///
    /// # Errors
    ///
    /// As for [`Line::read`]; at a timeout a part of the bytes has gone out.
    pub fn write_all(&self, bytes: &[u8], timeout: Option<Duration>) -> io::Result<()> {
        self.end.write_all(bytes, timeout)
    }

    /// Ends the line while other threads use it: they get [`io::ErrorKind::UnexpectedEof`].
    pub(crate) fn close(&self) {
        self.end.close();
    }
}
