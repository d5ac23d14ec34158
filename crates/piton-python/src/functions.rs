//! Functions of a board, what they give, and objects on a board, as classes of Python.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use piton::device::{self, Arguments, DeviceError, Proxy, Task};
use piton::literal::Value;
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::decode::decode;
use crate::encode::{encode, encode_arguments};
use crate::failure::exception;
use crate::session::{duration, value_of, within};

/// How long a wait that is no call goes on before signals are looked at.
const SIGNAL_TIME: Duration = Duration::from_millis(50);

/// A function of the board.
#[pyclass(frozen, module = "piton._piton")]
pub(crate) struct Function {
    task: Task,
    #[pyo3(get)]
    name: String,
}

impl Function {
    pub(crate) fn new(task: Task) -> Function {
        Function {
            name: task.name().to_owned(),
            task,
        }
    }
}

#[pymethods]
impl Function {
    /// Calls the function, and returns its value; with the time of the call on request, in seconds since 1970.
    fn call<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments = encode_arguments(args, kwargs, Arguments::new())?;
        let options = within(timeout)?;
        let returned = py
            .detach(|| self.task.call_returned(arguments, options))
            .map_err(|error| exception(py, error))?;
        value_of(py, returned)
    }

    /// Calls a generator function, which may make `ahead` items at once.
    fn iterate(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        ahead: u32,
    ) -> PyResult<Generator> {
        let arguments = encode_arguments(args, kwargs, Arguments::new())?;
        let generator = py
            .detach(|| Ok(self.task.iterate_returned(arguments)?.ahead(ahead)))
            .map_err(|error| exception(py, error))?;
        Ok(Generator {
            generator: Mutex::new(generator),
        })
    }

    /// Calls a generator function, which sends its items without being asked.
    fn stream(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
    ) -> PyResult<Stream> {
        let arguments = encode_arguments(args, kwargs, Arguments::new())?;
        let stream = py
            .detach(|| self.task.stream_returned(arguments))
            .map_err(|error| exception(py, error))?;
        Ok(Stream {
            stream: Mutex::new(Some(stream)),
        })
    }
}

/// A generator of the board.
#[pyclass(frozen, module = "piton._piton")]
pub(crate) struct Generator {
    generator: Mutex<device::Generator<Value>>,
}

#[pymethods]
impl Generator {
    /// Resumes the generator with a value, and returns its next item.
    ///
    /// Raises `StopIteration` when there are no more.
    fn resume<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sent = match value.is_none() {
            true => None,
            false => Some(encode(value, Arguments::new())?),
        };
        self.next(py, |generator| match sent {
            Some(value) => generator.send_code(value),
            None => generator.next_item(),
        })
    }

    /// Raises an exception, given as an expression, in the generator, and returns its next item.
    ///
    /// Raises `StopIteration` when there are no more.
    fn throw<'py>(&self, py: Python<'py>, exception: &str) -> PyResult<Bound<'py, PyAny>> {
        self.next(py, |generator| generator.throw(exception))
    }

    /// Closes the generator. Nothing happens when the board is gone.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match py.detach(|| lock(&self.generator).close()) {
            Ok(()) | Err(DeviceError::Lost(_) | DeviceError::BoardReset) => Ok(()),
            Err(error) => Err(exception(py, error)),
        }
    }
}

impl Generator {
    fn next<'py>(
        &self,
        py: Python<'py>,
        resume: impl FnOnce(&mut device::Generator<Value>) -> Result<Option<Value>, DeviceError> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let item = py
            .detach(|| resume(&mut lock(&self.generator)))
            .map_err(|error| exception(py, error))?;
        match item {
            Some(value) => decode(py, value),
            None => Err(PyStopIteration::new_err(())),
        }
    }
}

/// What a generator of the board sends without being asked.
#[pyclass(frozen, module = "piton._piton")]
pub(crate) struct Stream {
    /// `None` when it was closed.
    stream: Mutex<Option<device::Stream<Value>>>,
}

#[pymethods]
impl Stream {
    /// Returns the next item; `None` after `timeout` seconds, in a tuple otherwise.
    ///
    /// Raises `StopIteration` when there are no more.
    fn get<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Option<(Bound<'py, PyAny>,)>> {
        let end = timeout.map(duration).transpose()?;
        let end = end.and_then(|time| Instant::now().checked_add(time));
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let slice = left.unwrap_or(SIGNAL_TIME).min(SIGNAL_TIME);
            let item = py.detach(|| match &mut *lock(&self.stream) {
                Some(stream) => stream.receive(slice),
                None => Ok(None),
            });
            match item {
                Ok(Some(value)) => return Ok(Some((decode(py, value)?,))),
                Ok(None) => return Err(PyStopIteration::new_err(())),
                Err(DeviceError::Timeout) if left.is_some_and(|left| left <= slice) => {
                    return Ok(None);
                }
                Err(DeviceError::Timeout) => py.check_signals()?,
                Err(error) => return Err(exception(py, error)),
            }
        }
    }

    /// Stops the generator. Nothing happens when it has ended.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(lock(&self.stream).take()));
    }
}

/// An object that stays on the board for as long as this is there.
#[pyclass(frozen, module = "piton._piton")]
pub(crate) struct Handle {
    proxy: Proxy,
}

impl Handle {
    pub(crate) fn new(proxy: Proxy) -> Handle {
        Handle { proxy }
    }
}

#[pymethods]
impl Handle {
    /// Returns the expression that stands for the object.
    fn expression(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.proxy.expression())
            .map_err(|error| exception(py, error))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
