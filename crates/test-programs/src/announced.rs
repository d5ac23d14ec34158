//! Emulators that say on which pseudo-terminal they offer their board.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long an emulator may take to offer the serial port. Generous: it only bounds a hang.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running emulator. Dropping it ends it.
pub(crate) struct Emulator {
    process: Child,
    port: String,
}

impl Emulator {
    /// Starts an emulator and waits for the line in which `port_in` finds a port.
    /// Panics: it can't be started, or ends before it names a port.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, port_in: fn(&str) -> Option<&str>) -> Emulator {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(error) => panic!("cannot start `{command:?}`: {error}"),
        };
        let (lines, output) = channel();
        forward_lines(process.stdout.take(), lines.clone());
        forward_lines(process.stderr.take(), lines);
        let mut emulator = Emulator {
            process,
            port: String::new(),
        };
        match wait_for_port(&output, port_in) {
            Ok(port) => emulator.port = port,
            Err(said) => panic!("`{command:?}` offered no serial port, it said:\n{said}"),
        }
        emulator
    }

    /// Path of the pseudo-terminal.
    pub(crate) fn port(&self) -> &str {
        &self.port
    }

    /// Id of its process.
    #[cfg(any(unix, test))]
    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends each line of a pipe, and keeps the pipe drained for as long as the process lives.
fn forward_lines(pipe: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(pipe) = pipe else { return };
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Nothing receives the lines once the port is known.
            let _ = lines.send(line);
        }
    });
}

/// Returns the port in the first line that names one; all that was said when no such line came.
fn wait_for_port(
    output: &Receiver<String>,
    port_in: fn(&str) -> Option<&str>,
) -> Result<String, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_emulator_said_is_kept_when_no_port_comes() {
        let (lines, output) = channel();
        lines.send("Invalid argument".to_owned()).unwrap();
        drop(lines);
        assert_eq!(
            wait_for_port(&output, |_| None),
            Err("Invalid argument\n".to_owned())
        );
    }
}
