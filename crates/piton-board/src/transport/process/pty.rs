//! A command that creates a pty for its board and writes its name to the output, such as an emulator.

use std::io::{self, PipeReader};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::sync::Mutex;
use std::thread;

use super::{OwnedChild, shell};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::transport::serial::{DEFAULT_BAUD_RATE, SerialPort};
use crate::transport::{ControlLines, Transport, fd};

/// The beginnings of the paths of ptys, on Linux and on macOS.
const PTY_NAMES: [&str; 2] = ["/dev/pts/", "/dev/ttys"];

/// Maximum length of the output before the pty's name.
const LONGEST_ANNOUNCEMENT: usize = 64 * 1024;

/// A running command, and the first pty in its output.
#[derive(Debug)]
pub struct PtyProcess {
    // Dropped first, so that the port is closed before the command is ended.
    serial_port: Option<SerialPort>,
    child: OwnedChild,
}

impl PtyProcess {
    /// Starts `command`, waits until it writes the path of a pty to its standard output or error, and opens it.
    ///
    /// The later output of the command is read and dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if the command names no pty before it ends or the deadline passes; else those of
    /// [`SerialPort::open`].
    pub fn start(command: &str, deadline: Deadline) -> Result<PtyProcess, Error> {
        let open_error = |source| Error::Open {
            address: format!("execpty:{command}"),
            source,
        };
        let (child, mut output) = spawn(command).map_err(open_error)?;
        let mut process = PtyProcess {
            serial_port: None,
            child,
        };
        let path = find_pty(&output, deadline)
            .map_err(|error| open_error(process.child.explain(error)))?;
        thread::Builder::new()
            .spawn(move || io::copy(&mut output, &mut io::sink()))
            .map_err(open_error)?;
        process.serial_port = Some(SerialPort::open(&path, DEFAULT_BAUD_RATE)?);
        Ok(process)
    }

    fn serial_port(&self) -> io::Result<&SerialPort> {
        // Taken only when the process is dropped.
        let port = self.serial_port.as_ref();
        port.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Transport for PtyProcess {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let result = self.serial_port()?.read(buf, deadline);
        result.map_err(|error| self.child.explain(error))
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let result = self.serial_port()?.write_all(bytes, deadline);
        result.map_err(|error| self.child.explain(error))
    }

    fn control_lines(&self) -> Option<&dyn ControlLines> {
        self.serial_port.as_ref()?.control_lines()
    }
}

impl Drop for PtyProcess {
    fn drop(&mut self) {
        drop(self.serial_port.take());
        self.child.end();
    }
}

fn spawn(command: &str) -> io::Result<(OwnedChild, PipeReader)> {
    let (output, input) = io::pipe()?;
    let mut shell = shell(command);
    shell.stdin(Stdio::null());
    shell.stdout(input.try_clone()?).stderr(input);
    // The function drops `shell` and with it the host's copies of the pipe's input, so that the output can end.
    let child = shell.spawn()?;
    Ok((OwnedChild(Mutex::new(child)), output))
}

/// Reads until a line with a pty's path is complete.
fn find_pty(output: &PipeReader, deadline: Deadline) -> io::Result<String> {
    let mut seen = String::new();
    loop {
        let mut buf = [0; 1024];
        let count = fd::read(output.as_fd(), &mut buf, deadline)?;
        seen.push_str(&String::from_utf8_lossy(
            buf.get(..count).unwrap_or_default(),
        ));
        if let Some(path) = PTY_NAMES.iter().find_map(|start| pty_path(&seen, start)) {
            return Ok(path);
        }
        if seen.len() > LONGEST_ANNOUNCEMENT {
            let message = "the command names no pty in its output";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
}

/// Returns the path that begins with `start`, if its number is followed by another character.
fn pty_path(text: &str, start: &str) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let number = rest.get(..end).filter(|number| !number.is_empty())?;
    Some(format!("{start}{number}"))
}
