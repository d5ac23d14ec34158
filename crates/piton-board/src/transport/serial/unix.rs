//! Serial ports and pseudo-terminals on Unix.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::termios::{ControlModes, OptionalActions};

use crate::deadline::Deadline;
use crate::error::Error;
use crate::transport::fd;

#[derive(Debug)]
pub(super) struct Port {
    port: serial2::SerialPort,
    /// Whether the deadline of a write has passed: the other end does not accept bytes.
    is_stuck: AtomicBool,
}

impl Port {
    pub(super) fn open(path: &str, baud_rate: u32, keeps_lines: bool) -> Result<Port, Error> {
        // O_NONBLOCK: do not wait for a carrier signal. O_NOCTTY: a Ctrl-C on the port must not interrupt this process.
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| open_error(path, errno))?;
        // The lock comes first, so that the settings of a program that has the port are not changed.
        flock(&fd, FlockOperation::NonBlockingLockExclusive)
            .map_err(|errno| open_error(path, errno))?;
        configure(fd, baud_rate, keeps_lines).map_err(|source| Error::Open {
            address: path.to_owned(),
            source,
        })
    }

    pub(super) fn serial_port(&self) -> &serial2::SerialPort {
        &self.port
    }

    pub(super) fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        fd::read(self.port.as_fd(), buf, deadline)
    }

    pub(super) fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let result = fd::write_all(self.port.as_fd(), bytes, deadline);
        let timed_out = matches!(&result, Err(error) if error.kind() == io::ErrorKind::TimedOut);
        self.is_stuck.store(timed_out, Ordering::Relaxed);
        result
    }

    /// Releases the port for other programs. The descriptor is closed right after.
    pub(super) fn release(&self) {
        if self.is_stuck.load(Ordering::Relaxed) {
            // Without this, closing the port waits until the bytes are sent, up to 30 s on Linux (`closing_wait`).
            let _ = self.port.discard_output_buffer();
        }
        let _ = rustix::termios::ioctl_tiocnxcl(&self.port);
    }
}

/// Returns whether this is the error of a pty, which has no control lines.
pub(super) fn has_no_lines(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOTTY | Errno::INVAL)
    )
}

fn configure(fd: OwnedFd, baud_rate: u32, keeps_lines: bool) -> io::Result<Port> {
    // CLOCAL: a UART without a carrier line must not count as hung up. serial2 does not set it.
    let mut termios = rustix::termios::tcgetattr(&fd)?;
    termios.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    if keeps_lines {
        termios.control_modes -= ControlModes::HUPCL;
    }
    rustix::termios::tcsetattr(&fd, OptionalActions::Now, &termios)?;

    let mut port = serial2::SerialPort::from(fd);
    let settings = super::raw_settings(port.get_configuration()?, baud_rate)?;
    port.set_configuration(&settings)?;
    // Setting DTR, which has this state already, distinguishes a pty from a port with lines.
    let is_pty = port.set_dtr(true).is_err_and(|error| has_no_lines(&error));
    if !is_pty {
        rustix::termios::ioctl_tiocexcl(&port)?;
    }
    Ok(Port {
        port,
        is_stuck: AtomicBool::new(false),
    })
}

fn open_error(path: &str, errno: Errno) -> Error {
    let port = path.to_owned();
    match errno {
        // ENXIO, ENODEV: the device file exists without its device.
        Errno::NOENT | Errno::NOTDIR | Errno::NXIO | Errno::NODEV => super::no_such_port(path),
        Errno::ACCESS | Errno::PERM => Error::PortPermission { port },
        // EWOULDBLOCK: another program has the lock. EBUSY: another program has set TIOCEXCL.
        Errno::WOULDBLOCK | Errno::BUSY => Error::PortBusy {
            holder: holder_of(path),
            port,
        },
        _ => Error::Open {
            address: port,
            source: errno.into(),
        },
    }
}

#[cfg(target_os = "linux")]
fn holder_of(path: &str) -> Option<String> {
    super::holder::holder_of(std::path::Path::new(path))
}

#[cfg(not(target_os = "linux"))]
fn holder_of(_path: &str) -> Option<String> {
    None
}
