//! A command that is a board or connects to one: `exec:` and `execpty:`, the same as in MicroPython's `pyboard.py`.
//!
//! The shell runs the command (`sh -c` on Unix, `cmd /C` on Windows), so quotes, variables and pipes work as at a prompt.
//! On Unix it gets its own process group, so that a Ctrl-C at the terminal does not reach it, and all its processes can
//! be ended. When the transport is dropped, the input of the command is closed, the command gets `SIGTERM`, and after a
//! second it is killed. On Windows the command has one second to end after its input was closed. Then only the command
//! itself is killed.
//!
//! The standard error of an `exec:` command is that of this process, because it has messages for a person.

use std::io;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::transport::Transport;

#[cfg(unix)]
mod pty;
#[cfg(any(windows, test))]
mod pump;

#[cfg(unix)]
pub use pty::PtyProcess;

/// Timeout of a command after the request to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Timeout of the exit status after the end of the output. Usually it is known already.
const STATUS_TIMEOUT: Duration = Duration::from_millis(200);

/// A running command, whose standard input and output are the board's.
#[derive(Debug)]
pub struct Process {
    /// Dropped first, so that the input of the command is closed before the request to end.
    pipes: Option<Pipes>,
    child: OwnedChild,
}

impl Process {
    /// Starts `command`.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if the shell cannot be started. A command that the shell does not find ends at once, and the first
    /// read returns the error.
    pub fn start(command: &str) -> Result<Process, Error> {
        let spawn = || {
            let mut shell = shell(command);
            let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let pipes = child.stdin.take().zip(child.stdout.take());
            let child = OwnedChild(Mutex::new(child));
            let (stdin, stdout) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
            let pipes = Some(Pipes::new(stdin, stdout)?);
            Ok(Process { pipes, child })
        };
        spawn().map_err(|source| Error::Open {
            address: format!("exec:{command}"),
            source,
        })
    }

    fn pipes(&self) -> io::Result<&Pipes> {
        // Taken only when the process is dropped.
        self.pipes
            .as_ref()
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Transport for Process {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let result = self.pipes()?.read(buf, deadline);
        result.map_err(|error| self.child.explain(error))
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let result = self.pipes()?.write_all(bytes, deadline);
        result.map_err(|error| self.child.explain(error))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.pipes.take());
        self.child.end();
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).process_group(0);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    // `cmd` has its own rules of quoting, so it gets the unchanged line.
    shell.arg("/C").raw_arg(command);
    shell
}

/// The host's ends of a command's pipes.
#[cfg(unix)]
#[derive(Debug)]
struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
}

#[cfg(unix)]
impl Pipes {
    fn new(stdin: ChildStdin, stdout: ChildStdout) -> io::Result<Pipes> {
        // Only the host's end becomes non-blocking, since the command's end is another open file.
        rustix::io::ioctl_fionbio(&stdin, true)?;
        Ok(Pipes { stdin, stdout })
    }

    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        use std::os::fd::AsFd;
        crate::transport::fd::read(self.stdout.as_fd(), buf, deadline)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        use std::os::fd::AsFd;
        crate::transport::fd::write_all(self.stdin.as_fd(), bytes, deadline)
    }
}

/// Windows cannot wait for a pipe with a deadline, so threads wait for it.
#[cfg(windows)]
type Pipes = pump::Pumps<ChildStdin, ChildStdout>;

/// A command. Dropping it ends the command and waits for it.
#[derive(Debug)]
struct OwnedChild(Mutex<Child>);

impl OwnedChild {
    /// Adds to an end of file how the command ended.
    fn explain(&self, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return error;
        }
        let message = match self.wait(STATUS_TIMEOUT) {
            Some(status) => format!("the command ended ({status})"),
            None => "the command closed its output".to_owned(),
        };
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }

    /// Returns the exit status, if the command ends within `timeout`.
    fn wait(&self, timeout: Duration) -> Option<std::process::ExitStatus> {
        let deadline = Deadline::after(timeout);
        loop {
            let status = self.lock().try_wait().ok().flatten();
            if status.is_some() || deadline.has_passed() {
                return status;
            }
            // The standard library has no wait with a timeout, so the status is polled. All input and output has ended.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Child> {
        // A panic does not leave the child in an invalid state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        #[cfg(unix)]
        self.signal_group(rustix::process::Signal::TERM);
        if self.wait(PATIENCE).is_none() {
            #[cfg(unix)]
            self.signal_group(rustix::process::Signal::KILL);
            // This fails only if the command has just ended by itself.
            let _ = self.lock().kill();
        }
        let _ = self.lock().wait();
    }

    #[cfg(unix)]
    fn signal_group(&self, signal: rustix::process::Signal) {
        let mut child = self.lock();
        // After the wait another process may have the same number.
        if matches!(child.try_wait(), Ok(None)) {
            let group = rustix::process::Pid::from_child(&child);
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}
