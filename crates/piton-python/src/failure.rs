//! Errors of the library as exceptions of Python.

use piton::device::{DeviceError, Raised};
use piton::error::{BoardError, Error};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::signals;

/// Returns the exception that a script catches for an error of a session.
pub(crate) fn exception(py: Python<'_>, error: DeviceError) -> PyErr {
    let message = message_with_causes(&error);
    match error {
        DeviceError::Raised(raised) => raised_exception(py, &raised),
        // The handler of a signal may have raised something else.
        DeviceError::Interrupted => {
            signals::take_raised().unwrap_or_else(|| PyKeyboardInterrupt::new_err("interrupted"))
        }
        DeviceError::Timeout => PyTimeoutError::new_err(message),
        DeviceError::Argument(_) => PyValueError::new_err(message),
        // As for a generator of Python that is not in the state for it.
        DeviceError::RanAhead => PyRuntimeError::new_err(message),
        DeviceError::NotSynchronized => PyValueError::new_err(
            "Time synchronization has not been performed. Call sync_time() first.",
        ),
        DeviceError::NotConnected(error) => connection(py, &error),
        DeviceError::Closed => of_package(py, "ConnectionFailedError", &message),
        DeviceError::Lost(_) | DeviceError::BoardReset | DeviceError::ObjectLost => {
            of_package(py, "ConnectionLost", &message)
        }
        DeviceError::Unavailable { .. } => of_package(py, "FeatureUnavailableError", &message),
        DeviceError::ReservedName { .. } => of_package(py, "SpecialFunctionNameError", &message),
        DeviceError::Value { text, .. } => unparsable(py, &text, None),
        _ => of_package(py, "PyboardError", &message),
    }
}

/// Returns the exception for a connection that cannot be made.
pub(crate) fn connection(py: Python<'_>, error: &Error) -> PyErr {
    let name = match error {
        Error::Board(BoardError::PasswordRefused { .. } | BoardError::PasswordNeeded { .. }) => {
            "AuthenticationError"
        }
        _ => "ConnectionFailedError",
    };
    of_package(py, name, &message_with_causes(error))
}

/// Returns the message of an error with those of its causes, as far as it does not say them itself.
pub(crate) fn message_with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

/// Returns the exception for a value without a literal form: its text, and the time of its evaluation.
pub(crate) fn unparsable(py: Python<'_>, text: &str, seconds: Option<f64>) -> PyErr {
    match py
        .import("piton._piton")
        .and_then(|module| module.getattr("UnparsableError"))
        .and_then(|class| class.call1((text, seconds)))
    {
        Ok(instance) => PyErr::from_value(instance),
        Err(error) => error,
    }
}

/// Returns an exception of the module `piton.exceptions`.
pub(crate) fn of_package(py: Python<'_>, name: &str, message: &str) -> PyErr {
    match py
        .import("piton.exceptions")
        .and_then(|module| module.getattr(name))
        .and_then(|class| class.call1((message,)))
    {
        Ok(instance) => PyErr::from_value(instance),
        Err(error) => error,
    }
}

fn raised_exception(py: Python<'_>, raised: &Raised) -> PyErr {
    match board_exception(py, raised) {
        Ok(instance) => PyErr::from_value(instance),
        Err(error) => error,
    }
}

fn board_exception<'py>(py: Python<'py>, raised: &Raised) -> PyResult<Bound<'py, PyAny>> {
    let exceptions = py.import("piton._frames")?;
    let frame = exceptions.getattr("BoardFrame")?;
    let frames = raised
        .frames
        .iter()
        .map(|at| frame.call1((&at.file, at.line, at.scope.as_deref())))
        .collect::<PyResult<Vec<_>>>()?;
    let exception = &raised.exception;
    let make = exceptions.getattr("board_exception")?;
    make.call1((
        exception.type_name.as_str(),
        exception.message.as_str(),
        PyTuple::new(py, frames)?,
    ))
}
