//! Sessions with a board, as a class of Python.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use piton::board_names::in_dev;
use piton::deadline::{Cancel, Deadline, set_timeout_factor};
use piton::device::{
    Arguments, CallOptions, Device, DeviceError, DeviceOptions, ExecOptions, ProxyValue, Returned,
    Source,
};
use piton::error::BoardError;
use piton::literal::Value;
use piton::sync::Keep;
use piton::transport::webrepl::Password;
use piton::{Board, ConnectOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::decode::decode;
use crate::encode::{encode, encode_arguments, encode_parts};
use crate::failure::{connection, exception, message_with_causes, of_package, unparsable};
use crate::files::{Failure, Progress, Sync};
use crate::functions::{Function, Handle};
use crate::ports::names;
use crate::signals;

/// How often a session tries to connect again where it may try for ever.
const FOR_EVER: u32 = u32::MAX;

/// How long the board may take to give its prompt, and to take what was typed.
const TERMINAL_TIME: Duration = Duration::from_secs(5);

/// A session with a board.
#[pyclass(frozen, module = "piton._piton")]
pub(crate) struct Session {
    device: Device,
    #[pyo3(get)]
    name: String,
}

#[pymethods]
impl Session {
    /// Connects to a board and begins a session on it.
    #[staticmethod]
    #[pyo3(signature = (selector, *, baudrate, password, attempts, usual_imports, output))]
    fn open(
        py: Python<'_>,
        selector: &str,
        baudrate: u32,
        password: &str,
        attempts: i64,
        usual_imports: bool,
        output: Py<PyAny>,
    ) -> PyResult<Session> {
        let parsed = names()?
            .selector(selector)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let parsed = in_dev(parsed);
        if let Some(factor) = timeout_factor()? {
            set_timeout_factor(factor);
        }
        let mut connect = ConnectOptions::default();
        connect.cancel = Cancel::with_probe(signals::have_raised);
        connect.open.baud_rate = baudrate;
        connect.open.password = Some(Password::new(password));
        let mut options = DeviceOptions::default();
        options.reconnect_attempts = attempts_of(attempts);
        options.usual_imports = usual_imports;
        let device = py
            .detach(|| Device::connect(&parsed, &connect, options))
            .map_err(|error| opening(py, error))?;
        device.on_output(move |bytes| print(&output, bytes));
        Ok(Session {
            device,
            name: selector.to_owned(),
        })
    }

    /// Executes statements.
    #[pyo3(signature = (text, *, record, timeout = None))]
    fn execute(
        &self,
        py: Python<'_>,
        text: &str,
        record: bool,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let mut options = ExecOptions::default();
        options.declare = record;
        options.call = within(timeout)?;
        self.call(py, |device| device.exec_with(text, &options))
    }

    /// Returns the value of an expression.
    #[pyo3(signature = (expression, *, timeout = None))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        expression: &str,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = within(timeout)?;
        let returned = self.call(py, |device| device.eval_returned(expression, options))?;
        value_of(py, returned)
    }

    /// Returns the value of an expression and the time of its evaluation, in seconds since 1970.
    fn evaluate_timed<'py>(
        &self,
        py: Python<'py>,
        expression: &str,
    ) -> PyResult<(Bound<'py, PyAny>, f64)> {
        let (value, time): (Value, _) = self.call(py, |device| device.eval_timed(expression))?;
        Ok((decode(py, value)?, seconds(time)))
    }

    /// Returns the value of an expression; a handle of an object that is not immutable.
    fn expose<'py>(&self, py: Python<'py>, expression: &str) -> PyResult<Bound<'py, PyAny>> {
        self.exposed(py, |device| device.expose(expression))
    }

    /// Returns the value of an expression about an object. Every second part of it is a value, the others are code.
    #[pyo3(signature = (*parts))]
    fn operate<'py>(
        &self,
        py: Python<'py>,
        parts: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let code = encode_parts(parts, Arguments::new())?;
        let returned = self.call(py, |device| device.eval_code(&code))?;
        value_of(py, returned)
    }

    /// As [`Session::operate`]; a handle of an object that is not immutable.
    #[pyo3(signature = (*parts))]
    fn operate_exposed<'py>(
        &self,
        py: Python<'py>,
        parts: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let code = encode_parts(parts, Arguments::new())?;
        self.exposed(py, |device| device.expose_code(code))
    }

    /// Calls an object; a handle of a result that is not immutable.
    fn call_object<'py>(
        &self,
        py: Python<'py>,
        object: &Bound<'py, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let callee = encode(object, Arguments::new())?;
        let code = encode_arguments(args, kwargs, callee)?;
        self.exposed(py, |device| device.expose_code(code))
    }

    /// Sets an item: `operands` are the object, the key and the value.
    fn set_item(&self, py: Python<'_>, operands: &Bound<'_, PyTuple>) -> PyResult<()> {
        let code = encode(operands.as_any(), Arguments::new())?;
        self.call(py, |device| device.set_item(code))
    }

    /// Deletes an item: `operands` are the object and the key.
    fn delete_item(&self, py: Python<'_>, operands: &Bound<'_, PyTuple>) -> PyResult<()> {
        let code = encode(operands.as_any(), Arguments::new())?;
        self.call(py, |device| device.delete_item(code))
    }

    /// Deletes an attribute of an object.
    fn delete_attribute(
        &self,
        py: Python<'_>,
        object: &Bound<'_, PyAny>,
        name: &str,
    ) -> PyResult<()> {
        let code = encode(object, Arguments::new())?;
        self.call(py, |device| device.delete_attribute(code, name))
    }

    /// Executes the body of a function, with its arguments as globals.
    #[pyo3(signature = (text, file, line, arguments, *, record))]
    fn setup(
        &self,
        py: Python<'_>,
        text: &str,
        file: &str,
        line: u32,
        arguments: &Bound<'_, PyDict>,
        record: bool,
    ) -> PyResult<()> {
        let source = Source::in_file(text, file, line);
        let mut options = ExecOptions::default();
        options.declare = record;
        options.globals = encode(arguments.as_any(), Arguments::new())?;
        self.call(py, |device| device.exec_with(source, &options))
    }

    /// Defines a function.
    fn define(
        &self,
        py: Python<'_>,
        text: &str,
        file: &str,
        line: u32,
        name: &str,
    ) -> PyResult<Function> {
        let source = Source::in_file(text, file, line);
        let task = self.call(py, |device| device.task(source, name))?;
        Ok(Function::new(task))
    }

    /// Evaluates an expression again after a reset of the board.
    fn declare(&self, py: Python<'_>, expression: &str) {
        // A call of another thread may need the GIL before it lets go of the session.
        py.detach(|| self.device.declare(expression));
    }

    /// Calls `handler` with the value of each event of this name that code on the board sends.
    fn on_event(&self, py: Python<'_>, name: &str, handler: Py<PyAny>) -> PyResult<()> {
        self.call(py, |device| {
            device.on_event_text(name, move |text| deliver(&handler, text))
        })
    }

    /// Compares the clocks, and returns the time of the host at which the count of the board was 0, in seconds since 1970.
    fn synchronize_time(&self, py: Python<'_>, samples: u32) -> PyResult<f64> {
        self.call(py, |device| device.synchronize_time(samples))
    }

    /// Returns what [`Session::synchronize_time`] found.
    fn time_offset(&self, py: Python<'_>) -> PyResult<f64> {
        self.call(py, |device| device.time_offset())
    }

    /// Returns whether the clocks were compared since the board last started.
    fn has_time(&self, py: Python<'_>) -> bool {
        py.detach(|| self.device.time_offset()).is_ok()
    }

    /// Connects again and restores what was declared.
    fn reconnect(&self, py: Python<'_>, attempts: i64) -> PyResult<()> {
        let attempts = attempts_of(attempts);
        py.detach(|| self.device.reconnect(attempts))
            .map_err(|error| match error {
                DeviceError::NotConnected(error) => {
                    of_package(py, "ConnectionLost", &message_with_causes(&error))
                }
                error => exception(py, error),
            })
    }

    /// Starts the interpreter of the board afresh, and waits up to `limit` seconds for the end of main.py.
    fn start_main(&self, py: Python<'_>, limit: f64) -> PyResult<()> {
        let limit = duration(limit)?;
        self.call(py, |device| device.start_main(limit))
    }

    /// Makes the folder `target` of the board equal to a folder of the host. `keep` names what stays, and `keep_all` keeps everything. `ignore` has
    /// patterns of what is not sent. `None` for either has Belay's own rules. `form` is
    /// `as-is`, `minified` or `mpy`. `progress` is called with what changes.
    #[pyo3(signature = (source, target, *, keep, keep_all, ignore, form, progress))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is an argument of Python with a name"
    )]
    fn sync(
        &self,
        py: Python<'_>,
        source: PathBuf,
        target: &str,
        keep: Option<Vec<String>>,
        keep_all: bool,
        ignore: Option<Vec<String>>,
        form: &str,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let keep = match &keep {
            _ if keep_all => Keep::Everything,
            Some(paths) => Keep::Paths(paths),
            None => Keep::Usual,
        };
        let sync = Sync::new(target, keep, ignore.as_deref(), form)?;
        let mut raised = None;
        let mut report = |event: Progress| {
            let Some(update) = &progress else { return };
            Python::attach(|py| {
                if let Err(error) = event.report(py, update) {
                    raised.get_or_insert(error);
                }
            });
        };
        let copied = py.detach(|| {
            let copy = |board: &mut Board| sync.run(board, &source, &mut report);
            self.device.with_board(copy)
        });
        match raised {
            Some(error) => Err(error),
            None => copied.map_err(|error| error.exception(py)),
        }
    }

    /// Gives the board its prompt, for a terminal.
    fn terminal_begin(&self, py: Python<'_>) -> PyResult<()> {
        // The first call brings the imports that a person expects at the prompt.
        self.call(py, |device| {
            device.eval_returned("None", CallOptions::default())
        })?;
        self.on_board(py, |board| {
            Ok(board.friendly(Deadline::after(TERMINAL_TIME))?)
        })
    }

    /// Returns what the board has printed, after at most 50 ms.
    fn terminal_read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let read = self.on_board(py, |board| {
            let mut buffer = vec![0; 4096];
            let deadline = Deadline::NEVER.slice(Duration::from_millis(50));
            match board.transport().read(&mut buffer, deadline) {
                Ok(count) => buffer.truncate(count),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => buffer.clear(),
                Err(source) => return Err(lost("output of the terminal", source).into()),
            }
            Ok(buffer)
        })?;
        Ok(PyBytes::new(py, &read))
    }

    /// Sends what was typed.
    fn terminal_write(&self, py: Python<'_>, typed: &[u8]) -> PyResult<()> {
        self.on_board(py, |board| {
            board
                .transport()
                .write_all(typed, Deadline::after(TERMINAL_TIME))
                .map_err(|source| lost("what was typed in the terminal", source).into())
        })
    }

    /// Closes the connection. Nothing happens when it is closed already.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |device| device.close())
    }
}

impl Session {
    /// Carries out an operation while other threads of Python run.
    fn call<T: Send>(
        &self,
        py: Python<'_>,
        operation: impl FnOnce(&Device) -> Result<T, DeviceError> + Send,
    ) -> PyResult<T> {
        py.detach(|| operation(&self.device))
            .map_err(|error| exception(py, error))
    }

    fn exposed<'py>(
        &self,
        py: Python<'py>,
        operation: impl FnOnce(&Device) -> Result<ProxyValue, DeviceError> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.call(py, operation)? {
            ProxyValue::Value(value) => decode(py, value),
            ProxyValue::Object(proxy) => Ok(Bound::new(py, Handle::new(proxy))?.into_any()),
        }
    }

    fn on_board<T: Send>(
        &self,
        py: Python<'_>,
        operation: impl FnOnce(&mut Board) -> Result<T, Failure> + Send,
    ) -> PyResult<T> {
        py.detach(|| self.device.with_board(operation))
            .map_err(|error| error.exception(py))
    }
}

/// The line broke.
fn lost(waiting_for: &'static str, source: io::Error) -> piton::Error {
    piton::Error::Board(BoardError::Disconnected {
        waiting_for,
        source,
    })
}

/// Returns the options of a call that may take `timeout` seconds.
pub(crate) fn within(timeout: Option<f64>) -> PyResult<CallOptions> {
    let Some(seconds) = timeout else {
        return Ok(CallOptions::default());
    };
    duration(seconds).map(CallOptions::within)
}

pub(crate) fn duration(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err("a timeout is a number of seconds, 0 or more"))
}

/// Returns how many times as long as usual a board may take, if the environment says it.
fn timeout_factor() -> PyResult<Option<f64>> {
    let name = piton::environment::TIMEOUT;
    let Ok(text) = std::env::var(name) else {
        return Ok(None);
    };
    match text.parse() {
        _ if text.is_empty() => Ok(None),
        Ok(factor) if (0.1..=1000.0).contains(&factor) => Ok(Some(factor)),
        _ => Err(PyValueError::new_err(format!(
            "{name} is {text:?}; expected a number from 0.1 to 1000"
        ))),
    }
}

fn attempts_of(attempts: i64) -> u32 {
    match attempts {
        attempts if attempts < 0 => FOR_EVER,
        attempts => u32::try_from(attempts).unwrap_or(FOR_EVER),
    }
}

/// Returns the value of a call.
pub(crate) fn value_of(py: Python<'_>, returned: Returned) -> PyResult<Bound<'_, PyAny>> {
    match returned {
        Returned::Text(text) => read(py, &text),
        Returned::Value(value) => decode(py, value),
    }
}

/// Reads what `repr()` of the board gave.
fn read<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    // The keys of a dict arrive as a list, as in `belay`.
    let keys = text
        .strip_prefix("dict_keys(")
        .and_then(|rest| rest.strip_suffix(')'));
    match piton::literal::parse(keys.unwrap_or(text).as_bytes()) {
        Ok(value) => decode(py, value),
        Err(_) => Err(unparsable(py, text, None)),
    }
}

/// Hands the value of an event to Python; `UNPARSABLE_RESULT` for one without a literal form. An exception of the handler has no receiver
/// and is dropped.
fn deliver(handler: &Py<PyAny>, text: &str) {
    // An event may come while the interpreter ends.
    Python::try_attach(|py| {
        let value =
            read(py, text).or_else(|_| py.import("piton._results")?.getattr("UNPARSABLE_RESULT"));
        if let Err(error) = value.and_then(|value| handler.call1(py, (value,))) {
            error.write_unraisable(py, Some(handler.bind(py)));
        }
    });
}

/// Hands what the board printed to Python. An error of the stream has no receiver: the call continues.
fn print(output: &Py<PyAny>, bytes: &[u8]) {
    Python::attach(|py| {
        if let Err(error) = output.call1(py, (PyBytes::new(py, bytes),)) {
            error.write_unraisable(py, None);
        }
    });
}

/// Returns the exception for a session that could not begin.
fn opening(py: Python<'_>, error: DeviceError) -> PyErr {
    match error {
        DeviceError::Lost(error) | DeviceError::NotConnected(error) => connection(py, &error),
        error => exception(py, error),
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
