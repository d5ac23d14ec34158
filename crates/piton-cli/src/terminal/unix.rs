//! Terminals of Unix: termios, poll and read.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::{Keys, without_end};

/// The modes of the terminal on stdin.
pub(super) type Modes = Termios;

/// Makes the terminal on stdin raw. Returns its previous modes.
pub(super) fn make_raw() -> io::Result<Modes> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(&stdin, OptionalActions::Now, &raw)?;
    Ok(before)
}

/// Sets the modes of the terminal on stdin.
pub(super) fn put_back(modes: &Modes) -> io::Result<()> {
    Ok(tcsetattr(io::stdin(), OptionalActions::Now, modes)?)
}

/// Returns the width of the terminal on stdout, in columns, if it is a terminal and reports one.
#[expect(clippy::disallowed_methods, reason = "nothing is printed")]
pub(super) fn columns() -> Option<usize> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Waits for keys, for at most `limit`.
///
/// Does not use the buffer of [`io::stdin`], which would take bytes that a later command reads from stdin.
pub(crate) fn read_keys(limit: Duration) -> io::Result<Keys> {
    let stdin = io::stdin();
    let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut fds, Some(&limit)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Keys::Nothing),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut buffer = vec![0; 256];
    match rustix::io::read(&stdin, &mut buffer) {
        // A read fails with `EIO` when the terminal hangs up.
        Ok(0) | Err(rustix::io::Errno::IO) => Ok(Keys::End),
        Ok(count) => {
            buffer.truncate(count);
            Ok(Keys::Bytes(buffer))
        }
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Keys::Nothing),
        Err(error) => Err(error.into()),
    }
}

/// Continues to read a line, of which `begun` holds the start, without waiting: the whole line, or nothing yet. A
/// terminal in its usual mode has a line when Enter is pressed, and the end at Ctrl-D.
///
/// Reads byte by byte, as a shell's `read` does: what follows the line stays for others.
pub(crate) fn read_line(begun: &mut Vec<u8>) -> io::Result<Keys> {
    let stdin = io::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&Timespec::default())) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Keys::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut byte = [0];
        match rustix::io::read(&stdin, &mut byte) {
            Ok(0) | Err(rustix::io::Errno::IO) if begun.is_empty() => return Ok(Keys::End),
            Ok(0) | Err(rustix::io::Errno::IO) => return Ok(Keys::Bytes(std::mem::take(begun))),
            Ok(_) => begun.extend_from_slice(&byte),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(Keys::Nothing),
            Err(error) => return Err(error.into()),
        }
        if begun.ends_with(b"\n") {
            return Ok(Keys::Bytes(without_end(std::mem::take(begun))));
        }
    }
}
