//! How bytes travel between host and board, and nothing about what they mean.
//!
//! A transport is shared by reference, so that one thread can read while another writes.

use std::io;
use std::time::Duration;

use crate::deadline::Deadline;

#[cfg(unix)]
mod fd;
pub mod process;
pub mod rfc2217;
pub mod serial;
pub mod side_channel;
pub mod tcp;
pub mod telnet;
pub mod webrepl;
mod websocket;

/// A byte pipe to a board.
///
/// Every way to reach a board implements this: serial ports, ptys, processes, sockets, the virtual board.
pub trait Transport: Send + Sync {
    /// Waits until bytes are there, and reads at least one and at most `buf.len()` of them.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::TimedOut`]: the deadline passed and nothing came.
    /// - [`io::ErrorKind::UnexpectedEof`]: the other end is gone for good (unplugged, closed, exited).
    ///   A transport turns its own signs of that (end of file, `EIO`, `ENXIO`, a reset socket) into this one.
    /// - any other kind: what the operating system said.
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize>;

    /// Writes all of `bytes`, and pushes them out.
    ///
    /// # Errors
    ///
    /// As for [`Transport::read`]; at a time-out a part of the bytes may have gone out.
    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()>;

    /// Returns the modem control lines, where this transport has them.
    fn control_lines(&self) -> Option<&dyn ControlLines> {
        None
    }

    /// Returns the binary messages beside the bytes, where this transport has them.
    fn binary_messages(&self) -> Option<&dyn BinaryMessages> {
        None
    }
}

/// A second way beside the byte pipe: a WebSocket's binary messages, whose ends do not count.
pub trait BinaryMessages {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    ///
    /// As for [`Transport::write_all`].
    fn send(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()>;

    /// Waits until bytes are there, and reads at least one and at most `buf.len()` of them.
    ///
    /// # Errors
    ///
    /// As for [`Transport::read`].
    fn receive(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize>;

    /// Drops what came and was not read: it belongs to an exchange that broke off.
    fn discard(&self);
}

/// The two outgoing modem lines of a serial port, which on many boards are wired to reset and boot mode.
pub trait ControlLines {
    /// Drives DTR: `true` is asserted (low on the wire).
    ///
    /// # Errors
    ///
    /// What the operating system said; `ENOTTY` and `EINVAL` (a pty has no lines) count as success.
    fn set_dtr(&self, asserted: bool) -> io::Result<()>;

    /// Drives RTS.
    ///
    /// # Errors
    ///
    /// As for [`ControlLines::set_dtr`].
    fn set_rts(&self, asserted: bool) -> io::Result<()>;

    /// Drives DTR and RTS, one after the other, in an order such that "RTS asserted, DTR not", the state that holds an
    /// ESP board in reset, is never passed through on the way to another.
    ///
    /// # Errors
    ///
    /// As for [`ControlLines::set_dtr`].
    fn set_lines(&self, dtr: bool, rts: bool) -> io::Result<()> {
        if rts {
            self.set_dtr(dtr)?;
            self.set_rts(rts)
        } else {
            self.set_rts(rts)?;
            self.set_dtr(dtr)
        }
    }
}

/// What to do with a control line while a port is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineState {
    /// Asserted while open, released on closing: "someone listens".
    #[default]
    On,
    /// Released all the time, for boards where the line is wired to reset or boot mode without more ado. The system
    /// asserts it for a moment while it opens the port.
    Off,
    /// Left as the system makes it.
    Keep,
}

/// What to do with the two control lines while a port is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStates {
    /// Data terminal ready.
    pub dtr: LineState,
    /// Request to send.
    pub rts: LineState,
}

/// How long the reset line is held: esptool's value (`reset.py`, `HardReset`).
const RESET_PULSE: Duration = Duration::from_millis(100);

impl LineStates {
    /// Drives the lines of a port that was just opened.
    ///
    /// # Errors
    ///
    /// As for [`ControlLines::set_dtr`].
    pub fn open(self, lines: &(impl ControlLines + ?Sized)) -> io::Result<()> {
        let is_on = |state| state == LineState::On;
        match (self.dtr, self.rts) {
            (LineState::Keep, LineState::Keep) => Ok(()),
            (LineState::Keep, rts) => lines.set_rts(is_on(rts)),
            (dtr, LineState::Keep) => lines.set_dtr(is_on(dtr)),
            (dtr, rts) => lines.set_lines(is_on(dtr), is_on(rts)),
        }
    }

    /// Releases the lines of a port that is about to be closed: RTS, then DTR.
    ///
    /// # Errors
    ///
    /// As for [`ControlLines::set_dtr`].
    pub fn close(self, lines: &(impl ControlLines + ?Sized)) -> io::Result<()> {
        if self.rts != LineState::Keep {
            lines.set_rts(false)?;
        }
        if self.dtr != LineState::Keep {
            lines.set_dtr(false)?;
        }
        Ok(())
    }

    /// Resets a board whose lines are wired as on ESP boards: RTS asserted while DTR is not holds it in reset. The
    /// lines end as these states say. Other boards take no notice.
    ///
    /// # Errors
    ///
    /// As for [`ControlLines::set_dtr`].
    pub fn pulse_reset(self, lines: &(impl ControlLines + ?Sized)) -> io::Result<()> {
        lines.set_lines(false, true)?;
        std::thread::sleep(RESET_PULSE);
        // By way of "neither", so that DTR is not asserted at the end of the reset: that asks for the boot loader.
        lines.set_lines(false, false)?;
        self.open(lines)
    }
}
