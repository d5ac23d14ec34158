//! Signals of Python, while the library waits.

use std::sync::Mutex;
use std::sync::PoisonError;

use pyo3::prelude::*;

/// What the handler of a signal raised, for the call that it ends.
static RAISED: Mutex<Option<PyErr>> = Mutex::new(None);

/// Lets Python run the handlers of signals that have come. Returns whether one of them raised an exception, which
/// [`take_raised`] has then. Only Python's main thread runs handlers; on others nothing happens.
pub(crate) fn have_raised() -> bool {
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
