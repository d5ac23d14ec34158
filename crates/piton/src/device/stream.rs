//! Streams: generators of the board that send what they yield without being asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use piton_board::literal::py_str;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::Arguments;
use super::error::DeviceError;
use super::lock;
use super::options::CallOptions;
use super::proxy::Kept;
use super::returned::read;
use super::session::closing;
use super::task::Task;

/// How many items the board sends at once, at most, and for how long it collects them, in milliseconds.
const ITEMS: u32 = 64;
const COLLECT_TIME: u32 = 20;

/// How long `finally` blocks of a generator that is stopped may take.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// The number of streams there were: each has an event of its own.
static STREAMS: AtomicU64 = AtomicU64::new(0);

/// What a generator function yields, as the board sends it: see [`Task::stream`].
///
/// Iteration ends with the generator; after an error there are no more items. Dropping this stops the generator.
pub struct Stream<T> {
    task: Task,
    event: String,
    /// Numbered lists of items; `None` after the end of the call.
    batches: Receiver<Option<String>>,
    /// The number of the next list.
    number: u32,
    received: VecDeque<T>,
    run: Arc<Mutex<Run>>,
    /// `None` after the end.
    call: Option<JoinHandle<Result<u32, DeviceError>>>,
}

/// The call on the board, as the thread that makes it and the owner of the stream see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// It waits for the session.
    Waiting,
    Running,
    Ended,
    /// The owner does not want it any more.
    Stopped,
}

impl Task {
    /// Calls a generator function, which then sends what it yields without being asked, as fast as the board and the line are: up to
    /// 64 items at once, each at most 20 ms after the one before it. The host collects them in the background.
    ///
    /// The board carries out nothing else meanwhile: other calls of the device, [`Device::close`](super::Device::close) as well, wait until
    /// the stream has ended or was dropped.
    ///
    /// # Errors
    ///
    /// As for [`Task::call`]; [`DeviceError::Unavailable`] on boards that have no events, such as a micro:bit.
    pub fn stream<T: DeserializeOwned>(
        &self,
        arguments: impl Serialize,
    ) -> Result<Stream<T>, DeviceError> {
        self.stream_returned(Arguments::positional(&arguments)?)
    }

    /// Calls a generator function as [`Task::stream`] does, with arguments as Python code, `(1, b=2)`.
    ///
    /// # Errors
    ///
    /// As for [`Task::stream`].
    pub fn stream_returned<T: DeserializeOwned>(
        &self,
        arguments: impl Into<Arguments>,
    ) -> Result<Stream<T>, DeviceError> {
        Stream::start(self, arguments.into().after(self.name()))
    }
}

impl<T: DeserializeOwned> Stream<T> {
    fn start(task: &Task, call: Arguments) -> Result<Stream<T>, DeviceError> {
        let device = task.device();
        // No code of a user sends events of that name.
        let event = format!("_piton {}", STREAMS.fetch_add(1, Ordering::Relaxed));
        let (sender, batches) = mpsc::channel();
        device.on_event_text(&event, move |batch| {
            // The owner may have gone.
            let _ = sender.send((batch != "None").then(|| batch.to_owned()));
        })?;
        let mut call = call.after("_k(iter(");
        call.push_code("))");
        let handle = task.evaluate(&call, true, CallOptions::default());
        let kept = handle
            .and_then(|handle| handle.read())
            .map(|number| Kept::new(device, number))
            .inspect_err(|_| device.forget_event(&event))?;
        let number = kept.number().inspect_err(|_| device.forget_event(&event))?;
        let run = Arc::new(Mutex::new(Run::Waiting));
        let caller = Caller {
            task: task.clone(),
            event: event.clone(),
            expression: format!(
                "_piton_stream(_a,{number},{},{ITEMS},{COLLECT_TIME})",
                py_str(&event)
            ),
            kept,
            run: Arc::clone(&run),
        };
        Ok(Stream {
            task: task.clone(),
            event,
            batches,
            number: 0,
            received: VecDeque::new(),
            run,
            call: Some(thread::spawn(move || caller.call())),
        })
    }

    /// Returns the next item, and waits for it for so long at most; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Timeout`] when none came: the stream goes on. All others end it: [`DeviceError::Raised`] for an exception of the
    /// generator, [`DeviceError::Value`] for an item that is not a `T`, [`DeviceError::Damaged`] when items were lost on the line, and
    /// those of [`Task::call`].
    pub fn receive(&mut self, time: Duration) -> Result<Option<T>, DeviceError> {
        self.take(Instant::now().checked_add(time))
    }

    /// Waits until `end`, or for ever.
    fn take(&mut self, end: Option<Instant>) -> Result<Option<T>, DeviceError> {
        loop {
            if let Some(item) = self.received.pop_front() {
                return Ok(Some(item));
            }
            if self.call.is_none() {
                return Ok(None);
            }
            let batch = match end {
                None => self.batches.recv().ok(),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    match self.batches.recv_timeout(left) {
                        Err(RecvTimeoutError::Timeout) => return Err(DeviceError::Timeout),
                        batch => batch.ok(),
                    }
                }
            };
            let accepted = match batch.flatten() {
                Some(batch) => self.accept(&batch),
                None => self.finish(),
            };
            if let Err(error) = accepted {
                self.stop();
                return Err(error);
            }
        }
    }

    fn accept(&mut self, batch: &str) -> Result<(), DeviceError> {
        let (number, items): (u32, VecDeque<T>) = read(batch)?;
        if number != self.number {
            return Err(DeviceError::Damaged(LOST));
        }
        self.number += 1;
        self.received = items;
        Ok(())
    }

    /// Takes the outcome of the call.
    fn finish(&mut self) -> Result<(), DeviceError> {
        let outcome = self.call.take().map(JoinHandle::join);
        self.task.device().forget_event(&self.event);
        let sent = match outcome {
            Some(Ok(outcome)) => outcome?,
            Some(Err(_)) | None => return Err(DeviceError::Damaged(LOST)),
        };
        match sent == self.number {
            true => Ok(()),
            false => Err(DeviceError::Damaged(LOST)),
        }
    }
}

/// What is said when a list of items is missing.
const LOST: &str = "items of the stream were lost";

impl<T> Stream<T> {
    /// Stops the generator, as Ctrl-C does, and waits for that.
    fn stop(&mut self) {
        let Some(call) = self.call.take() else {
            return;
        };
        let device = self.task.device();
        let was = {
            let mut run = lock(&self.run);
            let was = *run;
            match was {
                Run::Waiting => *run = Run::Stopped,
                Run::Running => device.cancel_flag().cancel(),
                Run::Ended | Run::Stopped => {}
            }
            was
        };
        // A thread that waits for the session may do so for long, and what hears the output runs in the thread itself.
        let is_here = call.thread().id() == thread::current().id();
        if was != Run::Waiting && !is_here {
            // What became of the call is of no interest any more.
            let _ = call.join();
        }
        device.forget_event(&self.event);
    }
}

impl<T> Drop for Stream<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<T: DeserializeOwned> Iterator for Stream<T> {
    type Item = Result<T, DeviceError>;

    fn next(&mut self) -> Option<Result<T, DeviceError>> {
        self.take(None).transpose()
    }
}

/// What makes the call that is a stream, in a thread of its own.
struct Caller {
    task: Task,
    event: String,
    expression: String,
    kept: Kept,
    run: Arc<Mutex<Run>>,
}

impl Caller {
    /// Returns how many lists of items the board has sent.
    fn call(mut self) -> Result<u32, DeviceError> {
        let Some(answer) = self.answer()? else {
            return Ok(0);
        };
        let (count, traceback): (u32, Option<String>) = read(&answer)?;
        match traceback {
            Some(traceback) => Err(self.task.raised(&traceback)),
            None => Ok(count),
        }
    }

    /// Makes the call, and returns what the board answers; `None` when it was stopped before.
    fn answer(&mut self) -> Result<Option<String>, DeviceError> {
        let device = self.task.device();
        let expression = self.expression.as_str().into();
        let mut session = device.session();
        match &mut *lock(&self.run) {
            Run::Stopped => return Ok(None),
            run => *run = Run::Running,
        }
        let options = CallOptions::default();
        let answer = self.task.evaluate_in(&mut session, &expression, options);
        *lock(&self.run) = Run::Ended;
        // A stop may have come too late for this call, and the flag is not for the next one.
        device.cancel_flag().take();
        if answer.is_err() {
            let handle = self.kept.take();
            if session.keeps(handle) {
                // The interrupt may have come beside the generator. An exception of a `finally` block has no receiver.
                let close = closing(handle).as_str().into();
                let options = CallOptions::within(CLOSE_TIME);
                let _ = self.task.evaluate_in(&mut session, &close, options);
            }
        }
        // After all events of the call.
        session.send_event(format!("({}, None)", py_str(&self.event)));
        answer.map(|returned| Some(returned.into_text()))
    }
}
