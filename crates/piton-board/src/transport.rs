//! Transports move bytes between host and board. They know no protocol of the board.
//!
//! A transport is shared by reference, so that one thread can read while another one writes.

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
    /// Waits for bytes, and reads at least one and at most `buf.len()` of them.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::TimedOut`]: the deadline passed without a byte.
    /// - [`io::ErrorKind::UnexpectedEof`]: the connection is lost for good (unplugged, closed, exited). A transport converts
    ///   its own signs of that (end of file, `EIO`, `ENXIO`, a reset socket) into this kind.
    /// - Any other kind: the operating system's error.
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize>;

    /// Writes and flushes all of `bytes`.
    ///
    /// # Errors
    ///
    /// As for [`Transport::read`]. After a timeout a part of the bytes may have been sent.
    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()>;

    /// Returns the modem control lines, if this transport has them.
    fn control_lines(&self) -> Option<&dyn ControlLines> {
        None
    }

    /// Returns the binary messages, if this transport has them.
    fn binary_messages(&self) -> Option<&dyn BinaryMessages> {
        None
    }
}

/// The binary messages of a WebSocket, which are a second stream of bytes. The ends of messages have no meaning.
pub trait BinaryMessages {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    ///
    /// As for [`Transport::write_all`].
    fn send(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()>;

    /// Waits for bytes, and reads at least one and at most `buf.len()` of them.
    ///
    /// # Errors
    ///
    /// As for [`Transport::read`].
    fn receive(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize>;

    /// Drops the received bytes that were not read. They belong to an exchange that ended with an error.
    fn discard(&self);
}

/// The two outgoing modem lines of a serial port, which on many boards are wired to reset and boot mode.
pub trait ControlLines {
    /// Drives DTR: `true` is asserted (low on the wire).
    ///
    /// # Errors
    ///
    /// The operating system's error. `ENOTTY` and `EINVAL` (a pty has no lines) count as success.
    fn set_dtr(&self, asserted: bool) -> io::Result<()>;

    /// Drives RTS.
    ///
    /// # Errors
    ///
    /// As for [`ControlLines::set_dtr`].
    fn set_rts(&self, asserted: bool) -> io::Result<()>;

    /// Drives DTR and RTS, one after the other. The order avoids the intermediate state "RTS asserted, DTR not", which
    /// holds an ESP board in reset.
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

/// The state of a control line while a port is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineState {
    /// Asserted while the port is open, and released when it is closed. Boards with their own USB take DTR as "a program
    /// reads the port".
    #[default]
    On,
    /// Always released, for boards whose line is wired directly to reset or boot mode. The system asserts it for a moment
    /// while it opens the port.
    Off,
    /// Not changed: the line has the state that the system gives it.
    Keep,
}

/// The states of the two control lines while a port is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStates {
    /// Data terminal ready.
    pub dtr: LineState,
    /// Request to send.
    pub rts: LineState,
}

/// Length of the reset pulse: esptool's value (`reset.py`, `HardReset`).
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

    /// Resets a board whose lines are wired as on ESP boards: RTS asserted while DTR is released holds it in reset. In the
    /// end the lines have these states. Other boards are not affected.
    ///
    /// # Errors
    ///
    /// As for [`ControlLines::set_dtr`].
    pub fn pulse_reset(self, lines: &(impl ControlLines + ?Sized)) -> io::Result<()> {
        lines.set_lines(false, true)?;
        std::thread::sleep(RESET_PULSE);
        // Both lines are released in between. DTR asserted at the end of the reset would start the boot loader.
        lines.set_lines(false, false)?;
        self.open(lines)
    }
}
