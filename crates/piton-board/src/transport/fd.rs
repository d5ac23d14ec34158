//! Waiting with a deadline on Unix file descriptors, which must be non-blocking where they are written to.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::deadline::Deadline;

/// Reads at least one byte, as [`crate::transport::Transport::read`] promises.
pub(super) fn read(fd: BorrowedFd<'_>, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
    if buf.is_empty() {
        return Ok(0);
    }
    loop {
        let ready = wait(fd, PollFlags::IN, deadline)?;
        match rustix::io::read(fd, &mut *buf) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => return Ok(count),
            Err(Errno::AGAIN | Errno::INTR) => end_if_closed(ready)?,
            Err(errno) => return Err(gone_or(errno)),
        }
    }
}

/// Writes all of `bytes`, as [`crate::transport::Transport::write_all`] promises.
pub(super) fn write_all(
    fd: BorrowedFd<'_>,
    mut bytes: &[u8],
    deadline: Deadline,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => end_if_closed(wait(fd, PollFlags::OUT, deadline)?)?,
            Err(errno) => return Err(gone_or(errno)),
        }
    }
    Ok(())
}

/// Waits until `fd` is ready for one of `events`, closed or broken.
///
/// Polls at least once, also after the deadline, so that received bytes are never ignored.
fn wait(fd: BorrowedFd<'_>, events: PollFlags, deadline: Deadline) -> io::Result<PollFlags> {
    loop {
        let mut fds = [PollFd::from_borrowed_fd(fd, events)];
        // A wait that is too long for the system's clock never ends.
        let timeout = deadline
            .remaining()
            .and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {
                return Ok(fds
                    .iter()
                    .fold(PollFlags::empty(), |all, fd| all | fd.revents()));
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Returns an error if the descriptor is closed at the other end and has nothing to read, or accepts no more bytes.
fn end_if_closed(ready: PollFlags) -> io::Result<()> {
    if ready.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Converts the errors of a lost connection into `UnexpectedEof`: a closed pty (`EIO`), an unplugged USB adapter (`EIO`,
/// `ENXIO`, `ENODEV`), a process that has ended (`EPIPE`).
fn gone_or(errno: Errno) -> io::Error {
    match errno {
        Errno::IO | Errno::NXIO | Errno::NODEV | Errno::PIPE => {
            io::Error::new(io::ErrorKind::UnexpectedEof, io::Error::from(errno))
        }
        other => other.into(),
    }
}
