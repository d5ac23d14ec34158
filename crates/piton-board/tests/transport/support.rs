//! What the tests share.

use std::io;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::transport::Transport;

/// Long enough that only a hang runs into it.
pub(crate) fn watchdog() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// A deadline that a test waits out.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_millis(30))
}

/// All byte values, over and over.
pub(crate) fn every_byte(count: usize) -> Vec<u8> {
    (0..=255).cycle().take(count).collect()
}

pub(crate) fn read_exactly(transport: &dyn Transport, count: usize) -> Vec<u8> {
    let mut received = Vec::new();
    let mut buf = [0; 777];
    while received.len() < count {
        let space = buf.len().min(count - received.len());
        match transport.read(&mut buf[..space], watchdog()) {
            Ok(got) => received.extend_from_slice(&buf[..got]),
            Err(error) => panic!("{error} after {}", received.escape_ascii()),
        }
    }
    received
}

/// Read until `end` came; returns all of it.
#[cfg(unix)]
pub(crate) fn read_until(transport: &dyn Transport, end: &[u8]) -> Vec<u8> {
    let mut received = Vec::new();
    while !received.ends_with(end) {
        received.extend(read_exactly(transport, 1));
    }
    received
}

/// What reading ends with when the bytes that are on their way have been read.
pub(crate) fn end_of(transport: &dyn Transport) -> io::Error {
    loop {
        if let Err(error) = transport.read(&mut [0; 100], watchdog()) {
            return error;
        }
    }
}

/// Both ways at once through something that sends back what it gets.
pub(crate) fn check_echo(transport: &dyn Transport, count: usize) {
    let sent = every_byte(count);
    let received = std::thread::scope(|scope| {
        let writer = scope.spawn(|| transport.write_all(&sent, watchdog()));
        let received = read_exactly(transport, sent.len());
        writer.join().unwrap().unwrap();
        received
    });
    assert!(received == sent, "{}", received.escape_ascii());
}

#[cfg(unix)]
pub(crate) use pty::Pty;

#[cfg(unix)]
mod pty {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::thread;
    use std::time::Duration;

    use rustix::io::FdFlags;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Termios, tcgetattr};

    /// A pseudo-terminal: the test has the controller, the code under test opens `path`.
    pub(crate) struct Pty {
        pub(crate) controller: serial2::SerialPort,
        pub(crate) path: String,
        /// Keeps the controller alive while nobody else has the other side open.
        _terminal: File,
    }

    impl Pty {
        pub(crate) fn new() -> Pty {
            let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
            // Else a command that the test starts would keep the controller open.
            rustix::io::fcntl_setfd(&controller, FdFlags::CLOEXEC).unwrap();
            grantpt(&controller).unwrap();
            unlockpt(&controller).unwrap();
            let path = ptsname(&controller, Vec::new()).unwrap();
            let path = path.into_string().unwrap();
            let terminal = OpenOptions::new().read(true).write(true).open(&path);
            rustix::io::ioctl_fionbio(&controller, true).unwrap();
            let mut controller = serial2::SerialPort::from(controller);
            controller
                .set_read_timeout(Duration::from_secs(60))
                .unwrap();
            controller
                .set_write_timeout(Duration::from_secs(60))
                .unwrap();
            Pty {
                controller,
                path,
                _terminal: terminal.unwrap(),
            }
        }

        /// The settings that the other side has made.
        pub(crate) fn settings(&self) -> Termios {
            tcgetattr(self.controller.as_fd()).unwrap()
        }

        pub(crate) fn read_exactly(&self, count: usize) -> Vec<u8> {
            let mut received = vec![0; count];
            self.controller.read_exact(&mut received).unwrap();
            received
        }

        /// Send everything back, from a thread that ends with the pty.
        pub(crate) fn echo(&self) {
            let controller: OwnedFd = self.controller.as_fd().try_clone_to_owned().unwrap();
            let mut controller = serial2::SerialPort::from(controller);
            controller
                .set_read_timeout(Duration::from_secs(60))
                .unwrap();
            controller
                .set_write_timeout(Duration::from_secs(60))
                .unwrap();
            thread::spawn(move || -> io::Result<()> {
                let mut buf = [0; 1000];
                loop {
                    let count = controller.read(&mut buf)?;
                    controller.write_all(&buf[..count])?;
                }
            });
        }
    }
}
