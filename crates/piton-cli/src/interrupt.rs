//! Ctrl-C on the host: the first one asks, the second one leaves.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use piton::deadline::Cancel;

use crate::terminal;

/// The exit code of a run that was interrupted.
const INTERRUPTED: i32 = 1;

/// How many holders want signals to pass by.
static HELD: AtomicU32 = AtomicU32::new(0);

/// The flag of this run.
static RUN: OnceLock<Cancel> = OnceLock::new();

/// While this lives, signals mean nothing to this program.
pub(crate) struct Hold(());

/// Let signals pass by, for as long as another program has the terminal: the system sends them to both.
pub(crate) fn hold() -> Hold {
    HELD.fetch_add(1, Ordering::SeqCst);
    Hold(())
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::SeqCst);
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP raise `cancel`, and a second one ends the program at once, with the
/// terminal as it was. On Windows these are Ctrl-C, Ctrl-Break, a closed window and the end of the session.
/// Later calls change nothing: all connections of a run share one flag.
pub(crate) fn install(cancel: &Cancel) {
    if RUN.set(cancel.clone()).is_ok() {
        // Where no handler can be had, the system's own ends the program: nothing is worse than before.
        let _ = system::listen();
    }
}

/// Somebody asks the program to end.
fn ask() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if HELD.load(Ordering::SeqCst) > 0 {
        return;
    }
    if ASKED.swap(true, Ordering::SeqCst) {
        terminal::restore();
        std::process::exit(INTERRUPTED);
    }
    if let Some(cancel) = RUN.get() {
        cancel.cancel();
    }
}

#[cfg(unix)]
mod system {
    use std::{io, thread};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Have each signal asked about in a thread of its own: a signal handler itself may do next to nothing.
    pub(super) fn listen() -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let wait = move || signals.forever().for_each(|_| super::ask());
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(wait)?;
        Ok(())
    }
}

#[cfg(windows)]
mod system {
    use std::time::Duration;
    use std::{io, thread};

    use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT};

    use crate::windows_console;

    /// How long the system waits for a program whose window was closed.
    const GRACE: Duration = Duration::from_secs(5);

    /// Have the system ask, in a thread that it starts for it.
    pub(super) fn listen() -> io::Result<()> {
        windows_console::set_interrupt_handler(asked)
    }

    extern "system" fn asked(event: u32) -> i32 {
        super::ask();
        if !matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT) {
            // The program ends when this returns: let it put the board in order first.
            thread::sleep(GRACE);
        }
        1
    }
}
