//! A person at a terminal: a pty with the command on its other end.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, tcgetattr};

use crate::support::{WATCHDOG, wait};

/// A terminal with a command in it.
pub(crate) struct Terminal {
    keys: File,
    /// Keeps the modes readable when the command is gone.
    tty: OwnedFd,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    before: Termios,
}

impl Terminal {
    /// Start `command` in a terminal of its own.
    pub(crate) fn start(mut command: Command) -> Terminal {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        // In one step with the opening only on Linux.
        fcntl_setfd(&keys, FdFlags::CLOEXEC).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let path = ptsname(&keys, Vec::new()).unwrap();
        let tty = rustix::fs::open(
            path.as_c_str(),
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .unwrap();
        let before = tcgetattr(&tty).unwrap();
        command
            .stdin(Stdio::from(tty.try_clone().unwrap()))
            .stdout(Stdio::from(tty.try_clone().unwrap()))
            .stderr(Stdio::from(tty.try_clone().unwrap()));
        let child = command.spawn().unwrap();
        let keys = File::from(keys);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let mut screen = keys.try_clone().unwrap();
        let sink = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = screen.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Terminal {
            keys,
            tty,
            child,
            shown,
            before,
        }
    }

    /// Type.
    pub(crate) fn type_keys(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
    }

    /// Everything on the screen so far.
    pub(crate) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Wait until the screen holds `text`, and say where it ends.
    pub(crate) fn wait_for(&self, text: &str) -> usize {
        self.wait_for_after(0, text)
    }

    /// Wait until the screen holds `text` somewhere after `start`, and say where it ends.
    pub(crate) fn wait_for_after(&self, start: usize, text: &str) -> usize {
        let begin = Instant::now();
        loop {
            let shown = self.shown();
            if let Some(at) = shown.get(start..).and_then(|rest| rest.find(text)) {
                return start + at + text.len();
            }
            assert!(begin.elapsed() < WATCHDOG, "no {text:?} in {shown:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The command's process.
    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Whether the terminal hands on every key as it is.
    pub(crate) fn is_raw(&self) -> bool {
        use rustix::termios::LocalModes;
        let modes = tcgetattr(&self.tty).unwrap().local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Wait for the command's end, and check that it left the terminal as it found it.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let status = wait(&mut self.child);
        let after = tcgetattr(&self.tty).unwrap();
        assert_eq!(
            format!("{after:?}"),
            format!("{:?}", self.before),
            "terminal modes"
        );
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed half-way leaves no command behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
