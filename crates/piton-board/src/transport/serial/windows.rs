//! Serial ports on Windows.

use std::io;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::Error;

/// Windows stores the timeouts with the port, where a reader and a writer would overwrite each other's. So they are set
/// once, and a longer wait consists of several of these. A read ends as soon as bytes come.
const READ_SLICE: Duration = Duration::from_millis(10);

/// This is long, because some drivers report a wrong number of written bytes after a timeout.
const WRITE_SLICE: Duration = Duration::from_secs(1);

// Windows error numbers, from Microsoft's list of system error codes.
const ERROR_FILE_NOT_FOUND: i32 = 2;
const ERROR_PATH_NOT_FOUND: i32 = 3;
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_BAD_COMMAND: i32 = 22;
const ERROR_GEN_FAILURE: i32 = 31;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_INVALID_NAME: i32 = 123;
const ERROR_OPERATION_ABORTED: i32 = 995;
const ERROR_DEVICE_NOT_CONNECTED: i32 = 1167;
const ERROR_DEVICE_REMOVED: i32 = 1617;

#[derive(Debug)]
pub(super) struct Port {
    port: serial2::SerialPort,
}

impl Port {
    pub(super) fn open(name: &str, baud_rate: u32, _keeps_lines: bool) -> Result<Port, Error> {
        // serial2 adds the prefix of the device namespace itself.
        let plain = name.strip_prefix(r"\\.\").unwrap_or(name);
        let mut port = serial2::SerialPort::open(plain, |settings: serial2::Settings| {
            super::raw_settings(settings, baud_rate)
        })
        .map_err(|source| open_error(name, source))?;
        let prepared = port
            .set_read_timeout(READ_SLICE)
            .and_then(|()| port.set_write_timeout(WRITE_SLICE));
        prepared.map_err(|source| open_error(name, source))?;
        Ok(Port { port })
    }

    pub(super) fn serial_port(&self) -> &serial2::SerialPort {
        &self.port
    }

    pub(super) fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match self.port.read(buf) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => give_up_at(deadline)?,
                other => return other.map_err(gone_or),
            }
        }
    }

    pub(super) fn write_all(&self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.port.write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => give_up_at(deadline)?,
                Err(error) => return Err(gone_or(error)),
            }
        }
        Ok(())
    }

    /// Does nothing: Windows opens ports exclusively, and closing does not wait for output.
    pub(super) fn release(&self) {}
}

/// Returns whether this is the error of a virtual COM port without control lines.
pub(super) fn has_no_lines(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}

fn give_up_at(deadline: Deadline) -> io::Result<()> {
    if deadline.has_passed() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(())
}

/// Converts the errors of an unplugged adapter into `UnexpectedEof`. The USB CDC driver reports "access denied".
fn gone_or(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(
            ERROR_ACCESS_DENIED
            | ERROR_BAD_COMMAND
            | ERROR_GEN_FAILURE
            | ERROR_OPERATION_ABORTED
            | ERROR_DEVICE_NOT_CONNECTED
            | ERROR_DEVICE_REMOVED,
        ) => io::Error::new(io::ErrorKind::UnexpectedEof, error),
        _ => error,
    }
}

fn open_error(name: &str, source: io::Error) -> Error {
    match source.raw_os_error() {
        Some(ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND | ERROR_INVALID_NAME) => {
            super::no_such_port(name)
        }
        // These are the errors of a port that is open already. Ports have no other access rights.
        Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION) => Error::PortBusy {
            port: name.to_owned(),
            holder: None,
        },
        _ => Error::Open {
            address: name.to_owned(),
            source,
        },
    }
}
