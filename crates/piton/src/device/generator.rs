//! Generators of the board, as iterators of the host.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::time::Duration;

use piton_board::literal::{Value, from_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::error::DeviceError;
use super::options::CallOptions;
use super::proxy::Kept;
use super::returned::Returned;
use super::task::Task;

/// For how long the board makes items ahead, in milliseconds: one that comes late is not held back for others.
const AHEAD_TIME: u32 = 20;

/// What a generator function on the board yields, an exchange for each item: see [`Task::iterate`].
///
/// After an error there are no more items, but after one item that can't be read ([`DeviceError::Value`]) the others follow, unless
/// it was made ahead. When this is dropped before its end, the board closes the generator with one of the next
/// calls: [`Generator::close`] does it at once.
pub struct Generator<T> {
    task: Task,
    kept: Kept,
    /// How many items the board may make at once.
    ahead: u32,
    /// Items that the board has made ahead.
    made: VecDeque<Value>,
    /// How the generator has ended after them.
    end: Option<Value>,
    is_exhausted: bool,
    options: CallOptions,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Generator<T> {
    pub(super) fn start(task: &Task, call: Arguments) -> Result<Generator<T>, DeviceError> {
        let mut call = call.after("_k(iter(");
        call.push_code("))");
        let handle = task.evaluate(&call, true, CallOptions::default())?;
        Ok(Generator {
            kept: Kept::new(task.device(), handle.read()?),
            task: task.clone(),
            ahead: 1,
            made: VecDeque::new(),
            end: None,
            is_exhausted: false,
            options: CallOptions::default(),
            items: PhantomData,
        })
    }

    /// Has the board make up to `items` items at once when the next one is asked for, so that most of them take no exchange. It
    /// stops after 20 ms, so that an item that takes long is not held back for others.
    ///
    /// The function then runs ahead of the iteration: what it does besides, such as switching a pin, comes earlier, and may come
    /// although the iteration ends before that item. [`Generator::send`] fails where the function has run ahead. Without this, or
    /// with 1, each item is made when it is asked for. Boards that take no lines, such as a micro:bit, do not run ahead.
    #[must_use]
    pub fn ahead(mut self, items: u32) -> Generator<T> {
        let can_run_ahead = self.task.device().session().can_serve();
        self.ahead = if can_run_ahead { items.max(1) } else { 1 };
        self
    }

    /// Gives each exchange with the board so long: see [`CallOptions::time_limit`].
    #[must_use]
    pub fn within(mut self, time_limit: Duration) -> Generator<T> {
        self.options = CallOptions::within(time_limit);
        self
    }

    /// Resumes the generator with a value for the `yield` that it waits at, and returns the next item; `None` when
    /// there are no more.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`]; [`DeviceError::RanAhead`].
    pub fn send(&mut self, value: impl Serialize) -> Result<Option<T>, DeviceError> {
        let mut code = Arguments::new();
        code.push(&value)?;
        self.send_code(code)
    }

    /// Resumes the generator as [`Generator::send`] does, with a value as Python code.
    ///
    /// # Errors
    ///
    /// As for [`Generator::send`].
    pub fn send_text(&mut self, value: &str) -> Result<Option<T>, DeviceError> {
        self.send_code(value.into())
    }

    /// Resumes the generator as [`Generator::send`] does, with a value as Python code.
    ///
    /// # Errors
    ///
    /// As for [`Generator::send`].
    pub fn send_code(&mut self, value: Arguments) -> Result<Option<T>, DeviceError> {
        if self.is_exhausted {
            return Ok(None);
        }
        if !self.made.is_empty() || self.end.is_some() {
            return Err(DeviceError::RanAhead);
        }
        let mut call = value.after(&format!("{}.send(", self.kept.expression()?));
        call.push_code(")");
        self.resume(&call)
    }

    /// Raises an exception at the `yield` that the generator waits at, and returns the next item; `None` when there are no more.
    /// `exception` is Python code that gives it: `ValueError('stop')`.
    ///
    /// # Errors
    ///
    /// As for [`Generator::send`]: [`DeviceError::Raised`] when the generator does not catch it.
    pub fn throw(&mut self, exception: &str) -> Result<Option<T>, DeviceError> {
        if self.is_exhausted {
            return Ok(None);
        }
        if !self.made.is_empty() || self.end.is_some() {
            return Err(DeviceError::RanAhead);
        }
        let call = format!("{}.throw({exception})", self.kept.expression()?);
        self.resume(&call.as_str().into())
    }

    /// Ends the generator on the board, which raises `GeneratorExit` at the `yield` that it waits at: `finally` blocks run. Nothing
    /// happens when it has ended, or when the board was reset or is not connected.
    ///
    /// This does not wait for a call of the device that runs: the board then closes the generator with one of the next calls.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`]: [`DeviceError::Raised`] for what a `finally` block raises.
    pub fn close(&mut self) -> Result<(), DeviceError> {
        self.made.clear();
        self.end = None;
        match std::mem::replace(&mut self.is_exhausted, true) {
            true => Ok(()),
            false => self.task.close_kept(&mut self.kept, self.options),
        }
    }

    /// Returns the next item; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`].
    pub fn next_item(&mut self) -> Result<Option<T>, DeviceError> {
        if self.ahead > 1 {
            return self.next_made();
        }
        if self.is_exhausted {
            return Ok(None);
        }
        let call = format!("next({})", self.kept.expression()?);
        self.resume(&call.as_str().into())
    }

    fn resume(&mut self, call: &Arguments) -> Result<Option<T>, DeviceError> {
        let item = self
            .task
            .evaluate(call, true, self.options)
            .and_then(|returned| returned.read().map(Some));
        match item {
            // The generator goes on: only this item has no form here.
            Err(error @ DeviceError::Value { .. }) => Err(error),
            Err(DeviceError::Raised(raised)) if raised.exception.type_name == "StopIteration" => {
                self.is_exhausted = true;
                Ok(None)
            }
            item => self.until_error(item),
        }
    }

    /// Returns the next item of those that were made ahead, and has the board make more when there are none.
    fn next_made(&mut self) -> Result<Option<T>, DeviceError> {
        if self.made.is_empty() && self.end.is_none() && !self.is_exhausted {
            let more = self.make();
            self.until_error(more)?;
        }
        if let Some(value) = self.made.pop_front() {
            let item = from_value(&value).map_err(|source| DeviceError::Value {
                text: value.to_string(),
                source,
            });
            return self.until_error(item.map(Some));
        }
        self.is_exhausted = true;
        match self.end.take() {
            Some(Value::Str(traceback)) => Err(self.task.raised(&traceback)),
            _ => Ok(None),
        }
    }

    fn make(&mut self) -> Result<(), DeviceError> {
        let number = self.kept.number()?;
        let call = format!("_a({number},{},{AHEAD_TIME})", self.ahead);
        let returned: Returned = self
            .task
            .evaluate(&call.as_str().into(), true, self.options)?;
        let (made, end): (VecDeque<Value>, Value) = returned.read()?;
        self.made = made;
        self.end = Some(end).filter(|end| *end != Value::None);
        Ok(())
    }

    fn until_error<V>(&mut self, outcome: Result<V, DeviceError>) -> Result<V, DeviceError> {
        self.is_exhausted |= outcome.is_err();
        outcome
    }
}

impl<T> Drop for Generator<T> {
    fn drop(&mut self) {
        if !self.is_exhausted {
            self.kept.close_later();
        }
    }
}

impl<T: DeserializeOwned> Iterator for Generator<T> {
    type Item = Result<T, DeviceError>;

    fn next(&mut self) -> Option<Result<T, DeviceError>> {
        self.next_item().transpose()
    }
}
