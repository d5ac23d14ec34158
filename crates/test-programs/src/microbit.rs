//! A BBC micro:bit under QEMU, running the firmware that Debian ships: MicroPython 1.9.2.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{found, start_debian};

/// How long QEMU may take to offer the serial port. Generous: it only bounds a hang.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running micro:bit. Dropping it switches it off.
pub struct Microbit {
    qemu: Child,
    port: String,
}

impl Microbit {
    /// Starts a micro:bit of its own for the caller.
    /// Panics: QEMU or the firmware is not set up, or QEMU ends before it offers the serial port.
    #[track_caller]
    pub fn start() -> Microbit {
        let firmware = found("firmware-microbit-micropython")
            .join("usr/share/firmware-microbit-micropython/firmware.hex");
        let mut command = start_debian("qemu-system-arm");
        command
            .args(["-M", "microbit", "-serial", "pty"])
            // No audio: else QEMU looks for a display module that is not there.
            .args(["-display", "none", "-monitor", "none", "-audio", "none"])
            .arg("-device")
            .arg(format!("loader,file={}", firmware.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut qemu = match command.spawn() {
            Ok(qemu) => qemu,
            Err(error) => panic!("cannot start `{command:?}`: {error}"),
        };
        let (lines, output) = channel();
        forward_lines(qemu.stdout.take(), lines.clone());
        forward_lines(qemu.stderr.take(), lines);
        let mut microbit = Microbit {
            qemu,
            port: String::new(),
        };
        match wait_for_port(&output) {
            Ok(port) => microbit.port = port,
            Err(said) => panic!("QEMU offered no serial port, it said:\n{said}"),
        }
        microbit
    }

    /// Path of the micro:bit's serial port, a pseudo-terminal.
    pub fn port(&self) -> &str {
        &self.port
    }
}

impl Drop for Microbit {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing left to do.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Sends each line of a pipe, and keeps the pipe drained for as long as the process lives.
fn forward_lines(pipe: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Nobody listens any more once the port is known.
            let _ = lines.send(line);
        }
    });
}

/// The path in QEMU's line "char device redirected to /dev/pts/5 (label serial0)"; all that it said
/// when no such line came.
fn wait_for_port(output: &Receiver<String>) -> Result<String, String> {
    let limit = Instant::now() + START_LIMIT;
    let mut said = String::new();
    loop {
        match output.recv_timeout(limit.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(port) = port_in(&line) {
                    return Ok(port.to_owned());
                }
                said.push_str(&line);
                said.push('\n');
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(said),
        }
    }
}

fn port_in(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("redirected to ")?;
    rest.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_taken_from_qemus_line() {
        let line = "char device redirected to /dev/pts/5 (label serial0)";
        assert_eq!(port_in(line), Some("/dev/pts/5"));
        assert_eq!(port_in("qemu-system-arm: terminating on signal 15"), None);
    }

    #[test]
    fn what_qemu_said_is_kept_when_no_port_comes() {
        let (lines, output) = channel();
        lines.send("Invalid argument".to_owned()).unwrap();
        drop(lines);
        assert_eq!(wait_for_port(&output), Err("Invalid argument\n".to_owned()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_microbit_ends_with_the_test_that_panics() {
        let (sender, pid) = channel();
        let test = thread::spawn(move || {
            let microbit = Microbit::start();
            sender.send(microbit.qemu.id()).unwrap();
            panic!("as a failing test does");
        });
        assert!(test.join().is_err());
        let process = format!("/proc/{}", pid.recv().unwrap());
        assert!(!std::path::Path::new(&process).exists());
    }
}
