//! Generators of the board, as iterators of the host.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::error::DeviceError;
use super::options::CallOptions;
use super::proxy::Kept;
use super::read;
use super::task::Task;

/// What a generator function on the board yields, an exchange for each item: see [`Task::iterate`].
///
/// After an error there are no more items. The board lets go of the generator when this is dropped.
pub struct Generator<T> {
    task: Task,
    kept: Kept,
    is_exhausted: bool,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Generator<T> {
    pub(super) fn start(task: &Task, call: &str) -> Result<Generator<T>, DeviceError> {
        let handle = task.evaluate(&format!("_k(iter({call}))"), CallOptions::default())?;
        Ok(Generator {
            kept: Kept::new(task.device(), read(&handle)?),
            task: task.clone(),
            is_exhausted: false,
            items: PhantomData,
        })
    }

    /// Resumes the generator with a value for the `yield` that it waits at, and returns the next item; `None` when
    /// there are no more.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn send(&mut self, value: impl Serialize) -> Result<Option<T>, DeviceError> {
        let value = Arguments::text(self.task.device(), &value)?;
        self.send_text(&value)
    }

    /// Resumes the generator as [`Generator::send`] does, with a value as Python code.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn send_text(&mut self, value: &str) -> Result<Option<T>, DeviceError> {
        self.resume(&format!(".send({value})"))
    }

    /// Returns the next item; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn next_item(&mut self) -> Result<Option<T>, DeviceError> {
        self.resume("")
    }

    fn resume(&mut self, call: &str) -> Result<Option<T>, DeviceError> {
        if self.is_exhausted {
            return Ok(None);
        }
        let object = self.kept.expression()?;
        let expression = match call {
            "" => format!("next({object})"),
            call => format!("{object}{call}"),
        };
        let item = self
            .task
            .evaluate(&expression, CallOptions::default())
            .and_then(|text| read(&text).map(Some));
        match item {
            Err(DeviceError::Raised(raised)) if raised.exception.type_name == "StopIteration" => {
                self.is_exhausted = true;
                Ok(None)
            }
            Err(error) => {
                self.is_exhausted = true;
                Err(error)
            }
            item => item,
        }
    }
}

impl<T: DeserializeOwned> Iterator for Generator<T> {
    type Item = Result<T, DeviceError>;

    fn next(&mut self) -> Option<Result<T, DeviceError>> {
        self.next_item().transpose()
    }
}
