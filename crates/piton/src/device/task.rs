//! Functions on the board that the host calls by name.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::error::DeviceError;
use super::generator::Generator;
use super::options::CallOptions;
use super::session::Request;
use super::source::Source;
use super::{Device, read};

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
        let arguments = Arguments::positional(&self.device, &arguments)?;
        read(&self.call_text(&arguments, options)?)
    }

    /// Calls the function with arguments as Python code, `(1, b=2)`, and returns what `repr()` gives for its value.
    ///
    /// # Errors
    ///
    /// As for [`Task::call_with`].
    pub fn call_text(&self, arguments: &str, options: CallOptions) -> Result<String, DeviceError> {
        self.evaluate(&format!("{}{arguments}", self.name), options)
    }

    /// Calls a generator function, and returns an iterator over what it yields. Each item is one exchange; nothing is
    /// generated ahead.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn iterate<T: DeserializeOwned>(
        &self,
        arguments: impl Serialize,
    ) -> Result<Generator<T>, DeviceError> {
        self.iterate_text(&Arguments::positional(&self.device, &arguments)?)
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
        Generator::start(self, &format!("{}{arguments}", self.name))
    }

    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// Evaluates an expression that calls the function.
    pub(super) fn evaluate(
        &self,
        expression: &str,
        options: CallOptions,
    ) -> Result<String, DeviceError> {
        let mut session = self.device.session();
        let request = Request {
            called: Some(&self.source),
            ..Request::evaluate(expression)
        };
        session.call_and_release(request, options.deadline())
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
        let arguments = Arguments::positional(&self.task.device, &arguments)?;
        let name = self.task.name();
        let expression =
            format!("__import__('_thread').start_new_thread({name},{arguments}) and None");
        self.task
            .evaluate(&expression, CallOptions::default())
            .map(drop)
    }
}
