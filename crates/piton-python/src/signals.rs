//! Signals of Python, while the library waits.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// How often a thread looks for signals at most. Each look takes the GIL, which another thread may hold.
const INTERVAL: Duration = Duration::from_millis(50);

/// What the handler of a signal raised, for the call that it ends.
static RAISED: Mutex<Option<PyErr>> = Mutex::new(None);

thread_local! {
    /// When this thread looked last. The time of another thread says nothing: only Python's main thread runs handlers.
    static LOOKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Lets Python run the handlers of signals that have come, if the thread did not do so in the last 50 ms. Returns whether one of
/// them raised an exception, which [`take_raised`] has then. Only Python's main thread runs handlers; on others nothing
/// happens.
pub(crate) fn have_raised() -> bool {
    let now = Instant::now();
    let is_early = |looked: Instant| now.saturating_duration_since(looked) < INTERVAL;
    if LOOKED.get().is_some_and(is_early) {
        return false;
    }
    LOOKED.set(Some(now));
    Python::attach(|py| match py.check_signals() {
        Ok(()) => false,
        Err(error) => {
            *RAISED.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            true
        }
    })
}

/// Returns what the handler of a signal raised, once.
pub(crate) fn take_raised() -> Option<PyErr> {
    RAISED.lock().unwrap_or_else(PoisonError::into_inner).take()
}
