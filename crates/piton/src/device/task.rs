//! Functions on the board that the host calls by name.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Device;
use super::arguments::Arguments;
use super::error::DeviceError;
use super::generator::Generator;
use super::options::CallOptions;
use super::proxy::Kept;
use super::returned::Returned;
use super::session::{Request, Session, closing};
use super::source::Source;

/// How long closing a generator waits for the session. A thread that closes one while it is in a call, in what hears the output for
/// example, would otherwise wait for itself.
const CLOSE_WAIT: Duration = Duration::from_millis(50);

/// A function on the board: see [`Device::task`].
#[derive(Clone)]
pub struct Task {
    device: Device,
    source: Source,
    name: String,
}

impl Task {
    pub(super) fn new(device: Device, source: Source, name: String) -> Task {
        Task {
            device,
            source,
            name,
        }
    }

    /// The function's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls the function, and returns its value. A tuple of arguments gives one argument for each item, `()` none; any
    /// other value is the only argument.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval`]; [`DeviceError::Argument`].
    pub fn call<T: DeserializeOwned>(&self, arguments: impl Serialize) -> Result<T, DeviceError> {
        self.call_with(arguments, CallOptions::default())
    }

    /// Calls the function as [`Task::call`] does, with options.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`]; [`DeviceError::Timeout`] after the time limit.
    pub fn call_with<T: DeserializeOwned>(
        &self,
        arguments: impl Serialize,
        options: CallOptions,
    ) -> Result<T, DeviceError> {
        self.call_returned(Arguments::positional(&arguments)?, options)?
            .read()
    }

    /// Calls the function with arguments as Python code, `(1, b=2)`, and returns what `repr()` gives for its value.
    ///
    /// # Errors
    ///
    /// As for [`Task::call_with`].
    pub fn call_text(&self, arguments: &str, options: CallOptions) -> Result<String, DeviceError> {
        self.call_returned(arguments, options)
            .map(Returned::into_text)
    }

    /// Calls the function with arguments as Python code, `(1, b=2)`, and returns its value as the board sent it.
    ///
    /// # Errors
    ///
    /// As for [`Task::call_with`].
    pub fn call_returned(
        &self,
        arguments: impl Into<Arguments>,
        options: CallOptions,
    ) -> Result<Returned, DeviceError> {
        let call = arguments.into().after(&self.name);
        self.evaluate(&call, false, options)
    }

    /// Calls a generator function, and returns an iterator over what it yields. Each item is one exchange, and the function goes on
    /// when the next item is asked for, as in Python; [`Generator::ahead`] has it run ahead.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn iterate<T: DeserializeOwned>(
        &self,
        arguments: impl Serialize,
    ) -> Result<Generator<T>, DeviceError> {
        self.iterate_returned(Arguments::positional(&arguments)?)
    }

    /// Calls a generator function with arguments as Python code, `(1, b=2)`.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn iterate_text<T: DeserializeOwned>(
        &self,
        arguments: &str,
    ) -> Result<Generator<T>, DeviceError> {
        self.iterate_returned(arguments)
    }

    /// Calls a generator function as [`Task::iterate_text`] does.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn iterate_returned<T: DeserializeOwned>(
        &self,
        arguments: impl Into<Arguments>,
    ) -> Result<Generator<T>, DeviceError> {
        Generator::start(self, arguments.into().after(&self.name))
    }

    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// Evaluates an expression that calls the function.
    pub(super) fn evaluate(
        &self,
        expression: &Arguments,
        is_own: bool,
        options: CallOptions,
    ) -> Result<Returned, DeviceError> {
        let mut session = self.device.turn()?;
        let request = self.request(expression, is_own);
        session.call_and_release(request, options.deadline())
    }

    /// Closes a generator of the function that the board keeps, at once unless the session is in use.
    pub(super) fn close_kept(
        &self,
        kept: &mut Kept,
        options: CallOptions,
    ) -> Result<(), DeviceError> {
        let Some(mut session) = self.device.shared.turns.take_within(CLOSE_WAIT) else {
            kept.close_later();
            return Ok(());
        };
        let handle = kept.take();
        if !session.keeps(handle) {
            return Ok(());
        }
        let expression = closing(handle).as_str().into();
        self.evaluate_in(&mut session, &expression, options)
            .map(drop)
    }

    /// Evaluates an expression that the session has made, and that is about a generator of the function.
    pub(super) fn evaluate_in(
        &self,
        session: &mut Session,
        expression: &Arguments,
        options: CallOptions,
    ) -> Result<Returned, DeviceError> {
        session.call(self.request(expression, true), options.deadline())
    }

    /// The error of a call whose code raised the exception of `traceback`.
    pub(super) fn raised(&self, traceback: &str) -> DeviceError {
        let nothing = Arguments::new();
        let request = self.request(&nothing, true);
        self.device.session().raised(traceback, request)
    }

    fn request<'r>(&'r self, expression: &'r Arguments, is_own: bool) -> Request<'r> {
        Request {
            data: expression.data(),
            // An argument may be an object that the session keeps.
            is_own: is_own || expression.code().contains("_o["),
            called: Some(&self.source),
            ..Request::evaluate(expression.code())
        }
    }
}

/// A function on the board that runs in threads of its own: see [`Device::thread`].
#[derive(Clone)]
pub struct Thread {
    task: Task,
}

impl Thread {
    pub(super) fn new(task: Task) -> Thread {
        Thread { task }
    }

    /// Starts a thread, and returns at once. Most boards have two threads at most: the program and one more.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn start(&self, arguments: impl Serialize) -> Result<(), DeviceError> {
        let name = self.task.name();
        let mut call = Arguments::positional(&arguments)?
            .after(&format!("__import__('_thread').start_new_thread({name},"));
        call.push_code(") and None");
        self.task
            .evaluate(&call, false, CallOptions::default())
            .map(drop)
    }
}
