//! Ctrl-C on the host: the first one asks, the second one leaves.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use piton::deadline::Cancel;

use crate::terminal;

/// The exit code of a run that was interrupted.
const INTERRUPTED: i32 = 1;

/// How many holders want signals to pass by.
static HELD: AtomicU32 = AtomicU32::new(0);

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
/// terminal as it was. Later calls change nothing: all connections of a run share one flag.
pub(crate) fn install(cancel: &Cancel) {
    static INSTALLED: Once = Once::new();
    static ASKED: AtomicBool = AtomicBool::new(false);
    INSTALLED.call_once(|| {
        let cancel = cancel.clone();
        let handler = move || {
            if HELD.load(Ordering::SeqCst) > 0 {
                return;
            }
            if ASKED.swap(true, Ordering::SeqCst) {
                terminal::restore();
                std::process::exit(INTERRUPTED);
            }
            cancel.cancel();
        };
        // Where no handler can be had, the system's own ends the program: nothing is worse than before.
        let _ = ctrlc::set_handler(handler);
    });
}
