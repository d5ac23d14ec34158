//! Serial ports: USB boards, UART adapters, and pseudo-terminals.
//!
//! # DTR and RTS
//!
//! Most ESP boards wire the two lines through two transistors to reset and boot mode: RTS asserted while DTR
//! is not holds the chip in reset, DTR asserted while RTS is not asks for the boot loader, and the two
//! together or neither do nothing. Boards with their own USB (RP2040, STM32, nRF52) take DTR for "someone
//! listens". Hence:
//!
//! - **Open**: the system asserts both lines by itself (Linux, macOS) or they start low (Windows, see
//!   below). Then DTR is asserted, then RTS: the end is the same as with pyserial and mpremote, and the way
//!   there does not pass through reset. On Windows this is what mpremote does for the CP210x only, whose
//!   driver sets the lines at different times when left alone; no driver is harmed by it.
//! - **Close**: RTS is released, then DTR, as mpremote does: in the other order an ESP board resets.
//! - `HUPCL` stays as it is found, set by default: a board that takes DTR for a listener must learn that we
//!   are gone, also when we are killed. The system then drops both lines together, which resets nothing.
//!
//! [`LineStates`] change this for boards that are wired otherwise. With [`LineState::Keep`] `HUPCL` is cleared: the
//! line stays as it is when the port is closed, too.
//!
//! # One program at a time
//!
//! On Unix a `flock` is taken before anything else is touched, the same one that pyserial takes, so that
//! Piton, mpremote and a second Piton exclude each other. Programs that do not ask for the lock are kept
//! out with `TIOCEXCL`, except on a pty, whose other end would keep that flag when we are killed.

use std::io;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::transport::{ControlLines, LineState, LineStates, Transport};

#[cfg(target_os = "linux")]
mod holder;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use holder::holder_of;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// The baud rate that MicroPython's UART REPLs use, and mpremote too; a USB port ignores it.
pub const DEFAULT_BAUD_RATE: u32 = 115_200;

/// What becomes of bytes that came in before a port was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unread {
    /// They are dropped: what a program before us left unread is not meant for us. pyserial drops them, too.
    #[default]
    Drop,
    /// They are read first: what a board has printed since it came back.
    Keep,
}

/// An open serial port, held exclusively until it is dropped.
#[derive(Debug)]
pub struct SerialPort {
    port: system::Port,
    lines: LineStates,
}

impl SerialPort {
    /// Opens `port` with both control lines asserted, and drops what it has unread: see [`SerialPort::open_with`].
    ///
    /// # Errors
    ///
    /// As for [`SerialPort::open_with`].
    pub fn open(port: &str, baud_rate: u32) -> Result<SerialPort, Error> {
        let lines = LineStates::default();
        SerialPort::open_with(port, baud_rate, lines, Unread::Drop)
    }

    /// Opens `port`, a path such as `/dev/ttyACM0` or a name such as `COM10`, with 8 data bits, no parity,
    /// one stop bit and no flow control.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchPort`], [`Error::PortBusy`], [`Error::PortPermission`], else [`Error::Open`] (not a
    /// serial port, a baud rate that it does not know).
    pub fn open_with(
        port: &str,
        baud_rate: u32,
        lines: LineStates,
        unread: Unread,
    ) -> Result<SerialPort, Error> {
        if baud_rate == 0 {
            // To a Unix terminal a rate of zero means "hang up".
            let source = io::Error::new(io::ErrorKind::InvalidInput, "baud rate 0");
            return Err(Error::Open {
                address: port.to_owned(),
                source,
            });
        }
        let keeps_lines = lines.dtr == LineState::Keep || lines.rts == LineState::Keep;
        let opened = SerialPort {
            port: system::Port::open(port, baud_rate, keeps_lines)?,
            lines,
        };
        let prepared = match unread {
            Unread::Drop => opened.port.serial_port().discard_input_buffer(),
            Unread::Keep => Ok(()),
        };
        prepared
            .and_then(|()| lines.open(&opened))
            .map_err(|source| Error::Open {
                address: port.to_owned(),
                source,
            })?;
        Ok(opened)
    }
}

impl Transport for SerialPort {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        self.port.read(buf, deadline)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.port.write_all(bytes, deadline)
    }

    fn control_lines(&self) -> Option<&dyn ControlLines> {
        Some(self)
    }
}

impl ControlLines for SerialPort {
    fn set_dtr(&self, asserted: bool) -> io::Result<()> {
        unless_no_lines(self.port.serial_port().set_dtr(asserted))
    }

    fn set_rts(&self, asserted: bool) -> io::Result<()> {
        unless_no_lines(self.port.serial_port().set_rts(asserted))
    }
}

fn unless_no_lines(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if system::has_no_lines(&error) => Ok(()),
        other => other,
    }
}

impl Drop for SerialPort {
    fn drop(&mut self) {
        // The port may be unplugged: nothing to be done about it here.
        let _ = self.lines.close(self);
        self.port.release();
    }
}

/// Sets 8 data bits, no parity, one stop bit, no flow control, every byte as it is.
fn raw_settings(mut settings: serial2::Settings, baud_rate: u32) -> io::Result<serial2::Settings> {
    settings.set_raw();
    settings.set_baud_rate(baud_rate)?;
    Ok(settings)
}

/// [`Error::NoSuchPort`], with the ports that there are.
fn no_such_port(port: &str) -> Error {
    let available = crate::discovery::list_serial_ports();
    Error::NoSuchPort {
        port: port.to_owned(),
        available: available.into_iter().map(|facts| facts.path).collect(),
    }
}
