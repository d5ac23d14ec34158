//! A BBC micro:bit under QEMU, running the firmware that Debian ships: MicroPython 1.9.2.

use std::process::Stdio;

use crate::announced::Emulator;
use crate::{found, start_debian};

/// A running micro:bit. Dropping it switches it off.
pub struct Microbit {
    qemu: Emulator,
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
            // Without `-audio none` QEMU loads a display module that Debian packs separately, and fails.
            .args(["-display", "none", "-monitor", "none", "-audio", "none"])
            .arg("-device")
            .arg(format!("loader,file={}", firmware.display()))
            .stdin(Stdio::null());
        Microbit {
            qemu: Emulator::start(&mut command, port_in),
        }
    }

    /// Returns the path of the micro:bit's serial port, a pseudo-terminal.
    pub fn port(&self) -> &str {
        self.qemu.port()
    }
}

/// Returns the path in QEMU's line "char device redirected to /dev/pts/5 (label serial0)".
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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_microbit_ends_with_the_test_that_panics() {
        let (sender, pid) = std::sync::mpsc::channel();
        let test = std::thread::spawn(move || {
            let microbit = Microbit::start();
            sender.send(microbit.qemu.id()).unwrap();
            panic!("as a failing test does");
        });
        assert!(test.join().is_err());
        let process = format!("/proc/{}", pid.recv().unwrap());
        assert!(!std::path::Path::new(&process).exists());
    }
}
