//! Serial ports: USB boards, UART adapters, and pseudo-terminals.
//!
//! # DTR and RTS
//!
//! Most ESP boards connect the two lines through two transistors to reset and boot mode. RTS asserted with DTR released
//! holds the chip in reset. DTR asserted with RTS released selects the boot loader. Both or none of them have no effect.
//! Boards with their own USB (RP2040, STM32, nRF52) take DTR as "a program reads the port". Hence:
//!
//! - **Open**: the system asserts both lines by itself (Linux, macOS), or they start released (Windows, see below). Then
//!   DTR is asserted, then RTS. The result is the same as with pyserial and mpremote, and there is no reset in between.
//!   On Windows mpremote does this only for the CP210x, whose driver sets the lines at different times by itself; it does
//!   no harm with other drivers.
//! - **Close**: RTS is released, then DTR, as in mpremote. In the other order an ESP board resets.
//! - `HUPCL` is not changed; by default it is set. A board that takes DTR as a reader must notice that the program has
//!   ended, also when it was killed. The system releases both lines together then, which resets no board.
//!
//! [`LineStates`] change this for boards with other wiring. With [`LineState::Keep`] `HUPCL` is cleared, so that the line
//! keeps its state when the port is closed.
//!
//! # One program at a time
//!
//! On Unix the program first takes the same `flock` as pyserial, so that Piton, mpremote and a second Piton exclude each
//! other. `TIOCEXCL` excludes programs that do not use the lock. It is not set on a pty, whose other end would keep this
//! flag after the program was killed.

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

/// The baud rate of MicroPython's UART REPLs and of mpremote. A USB port ignores it.
pub const DEFAULT_BAUD_RATE: u32 = 115_200;

/// The treatment of bytes that a port has received before it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unread {
    /// Drop them, as pyserial does: they are answers to another program.
    #[default]
    Drop,
    /// Read them first: a board has printed them since it was plugged in again.
    Keep,
}

/// An open serial port, held exclusively until it is dropped.
#[derive(Debug)]
pub struct SerialPort {
    port: system::Port,
    lines: LineStates,
}

impl SerialPort {
    /// Opens `port` with both control lines asserted, and drops the received bytes: see [`SerialPort::open_with`].
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
            // On Unix a rate of zero means "hang up".
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
        // An error is ignored, because the port may be unplugged.
        let _ = self.lines.close(self);
        self.port.release();
    }
}

/// Sets 8 data bits, no parity, one stop bit, no flow control, and unchanged bytes.
fn raw_settings(mut settings: serial2::Settings, baud_rate: u32) -> io::Result<serial2::Settings> {
    settings.set_raw();
    settings.set_baud_rate(baud_rate)?;
    Ok(settings)
}

/// Returns [`Error::NoSuchPort`], with the existing ports.
fn no_such_port(port: &str) -> Error {
    let available = crate::discovery::list_serial_ports();
    Error::NoSuchPort {
        port: port.to_owned(),
        available: available.into_iter().map(|facts| facts.path).collect(),
    }
}
