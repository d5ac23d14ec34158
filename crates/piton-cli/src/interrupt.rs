//! Ctrl-C on the host: the first one asks, the second one leaves.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use piton::deadline::Cancel;

use crate::terminal;

/// The exit code of a run that was interrupted.
const INTERRUPTED: i32 = 1;

/// From now on SIGINT, SIGTERM and SIGHUP raise `cancel`, and a second one ends the program at once, with the
/// terminal as it was. Later calls change nothing: all connections of a run share one flag.
pub(crate) fn install(cancel: &Cancel) {
    static INSTALLED: Once = Once::new();
    static ASKED: AtomicBool = AtomicBool::new(false);
    INSTALLED.call_once(|| {
        let cancel = cancel.clone();
        let handler = move || {
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
