//! How bytes travel between host and board, and nothing about what they mean.
//!
//! A transport is shared by reference, so that one thread can read while another writes.

use std::io;

use crate::deadline::Deadline;

#[cfg(unix)]
mod fd;
pub mod process;
pub mod rfc2217;
pub mod serial;
pub mod tcp;
pub mod webrepl;
mod websocket;

/// A byte pipe to a board.
///
/// Every way to reach a board implements this: serial ports, ptys, processes, sockets, the virtual board.
pub trait Transport: Send + Sync {
    /// Wait until bytes are there, and read at least one and at most `buf.len()` of them.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::TimedOut`]: the deadline passed and nothing came.
    /// - [`io::ErrorKind::UnexpectedEof`]: the other end is gone for good (unplugged, closed, exited).
    ///   A transport turns its own signs of that (end of file, `EIO`, `ENXIO`, a reset socket) into this one.
    /// - any other kind: what the operating system said.
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize>;

    /// Write all of `bytes`, and push them out.
    ///
    /// # Errors
    ///
    /// As for [`Transport::read`]; at a time-out a part of the bytes may have gone out.
    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()>;

    /// The modem control lines, where this transport has them.
    fn control_lines(&self) -> Option<&dyn ControlLines> {
        None
    }

    /// The binary messages beside the bytes, where this transport has them.
    fn binary_messages(&self) -> Option<&dyn BinaryMessages> {
        None
    }
}

/// A second way beside the byte pipe: a WebSocket's binary messages, whose ends do not count.
pub trait BinaryMessages {
    /// Send all of `bytes`.
    ///
    /// # Errors
    ///
    /// As for [`Transport::write_all`].
    fn send(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()>;

    /// Wait until bytes are there, and read at least one and at most `buf.len()` of them.
    ///
    /// # Errors
    ///
    /// As for [`Transport::read`].
    fn receive(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize>;

    /// Drop what came and was not read: it belongs to an exchange that broke off.
    fn discard(&self);
}

/// The two outgoing modem lines of a serial port, which on many boards are wired to reset and boot mode.
pub trait ControlLines {
    /// Drive DTR and RTS together: `true` is asserted (low on the wire).
    ///
    /// Where the two can only be changed one after the other, the order is such that "RTS asserted, DTR
    /// not", the state that holds an ESP board in reset, is never passed through on the way to another.
    ///
    /// # Errors
    ///
    /// What the operating system said; `ENOTTY` and `EINVAL` (a pty has no lines) count as success.
    fn set_lines(&self, dtr: bool, rts: bool) -> io::Result<()>;
}
