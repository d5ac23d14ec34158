//! Ctrl-C on the host: the first one asks the command to end, the second one ends the program.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use piton::deadline::Cancel;

use crate::terminal;

/// The exit code of a run that was interrupted.
const INTERRUPTED: i32 = 1;

/// The number of [`Hold`]s.
static HELD: AtomicU32 = AtomicU32::new(0);

/// The flags that a signal raises.
static FLAGS: Mutex<Vec<Cancel>> = Mutex::new(Vec::new());

/// Handles Ctrl-C in place of the flags. Returns false to end this program.
type Forward = Box<dyn Fn() -> bool + Send>;

/// Where each Ctrl-C goes, if not to the flags.
static FORWARD: Mutex<Option<Forward>> = Mutex::new(None);

/// Signals are ignored while this lives.
pub(crate) struct Hold(());

/// Ignores signals for as long as another program has the terminal: the system sends them to both.
pub(crate) fn hold() -> Hold {
    HELD.fetch_add(1, Ordering::SeqCst);
    Hold(())
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Makes SIGINT, SIGTERM and SIGHUP raise `cancel`. A second signal ends the program at once, with the terminal as it was. On
/// Windows the signals are Ctrl-C, Ctrl-Break, a closed window and the end of the session.
///
/// Flags that were installed before are raised too. Installing a flag twice has no effect.
pub(crate) fn install(cancel: &Cancel) {
    let Ok(mut flags) = FLAGS.lock() else {
        return;
    };
    if flags.iter().any(|flag| flag.is_same(cancel)) {
        return;
    }
    flags.push(cancel.clone());
    if flags.len() == 1 {
        // Without a handler the system ends the program at the first signal, as it does for programs without one.
        let _ = system::listen();
    }
}

/// Makes every Ctrl-C call `handle`, for a program that runs in this process and may catch it any number of times. It returns
/// false to end this process. The other signals end it at once.
pub(crate) fn forward(handle: impl Fn() -> bool + Send + 'static) {
    if let Ok(mut forward) = FORWARD.lock() {
        *forward = Some(Box::new(handle));
    }
    // As in `install`.
    let _ = system::listen();
}

/// Handles a signal that asks the program to end. `is_interrupt`: it is Ctrl-C.
fn handle_signal(is_interrupt: bool) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if HELD.load(Ordering::SeqCst) > 0 {
        return;
    }
    let forwarded = match FORWARD.lock() {
        Ok(forward) => forward.as_ref().map(|handle| is_interrupt && handle()),
        Err(_) => None,
    };
    if forwarded == Some(true) {
        return;
    }
    if forwarded == Some(false) || ASKED.swap(true, Ordering::SeqCst) {
        terminal::restore();
        std::process::exit(INTERRUPTED);
    }
    if let Ok(flags) = FLAGS.lock() {
        flags.iter().for_each(Cancel::cancel);
    }
}

#[cfg(unix)]
mod system {
    use std::{io, thread};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    /// Handles signals in a thread of its own: few functions may be called in a signal handler.
    pub(super) fn listen() -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let wait = move || {
            signals
                .forever()
                .for_each(|signal| super::handle_signal(signal == SIGINT))
        };
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

    /// Makes the system call [`on_event`] in a thread of its own.
    pub(super) fn listen() -> io::Result<()> {
        windows_console::set_interrupt_handler(on_event)
    }

    extern "system" fn on_event(event: u32) -> i32 {
        super::handle_signal(matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT));
        if !matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT) {
            // For a closed window the system ends the program when this returns: the board is left at its prompt first.
            thread::sleep(GRACE);
        }
        1
    }
}
