//! A service on the line of a board: it takes the board's requests out of the received bytes and answers them where the
//! line is read. The layers above see only the other bytes.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{BinaryMessages, ControlLines, Transport};
use crate::deadline::Deadline;

/// Maximum duration of one read of the line. After it the service is called even if no byte came.
const SLICE: Duration = Duration::from_millis(50);

/// Timeout of a write that waits for the end of an exchange. The service gives the exchange up earlier.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(20);

/// Timeout of the service's own writes.
const REPLY_TIME: Duration = Duration::from_secs(10);

/// Answers the requests of a board, which come between other bytes.
pub trait Service: Send {
    /// Processes bytes from the board. Empty `bytes` mean that none came for 50 ms.
    ///
    /// The service adds bytes that are not part of a request to `passed`, in order, now or in a later call. The bytes in
    /// `reply` are written at once, without other bytes in between.
    fn receive(&mut self, bytes: &[u8], passed: &mut Vec<u8>, reply: &mut Vec<u8>);

    /// Returns whether the board is in an exchange with the service. Other writes wait meanwhile.
    fn is_busy(&self) -> bool;
}

/// The slot of a line, to which a service can be attached. Clones are the same slot.
#[derive(Clone, Default)]
pub struct Slot(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Whether there is a service, or bytes that it has passed. A line without them is read directly.
    in_use: AtomicBool,
    busy: AtomicBool,
    /// Locked by the thread that reads the line.
    reading: Mutex<Reading>,
    /// Locked by the thread that writes to the line.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Reading {
    service: Option<Box<dyn Service>>,
    /// Bytes that the service has passed and that are not read yet.
    passed: Vec<u8>,
}

impl Slot {
    /// Attaches `service` to the line. It replaces an earlier one.
    pub fn attach(&self, service: Box<dyn Service>) {
        let mut reading = lock(&self.0.reading);
        reading.service = Some(service);
        self.0.busy.store(false, Ordering::SeqCst);
        self.0.in_use.store(true, Ordering::SeqCst);
    }

    /// Removes the service from the line. The reader gets all bytes again.
    pub fn detach(&self) {
        let mut reading = lock(&self.0.reading);
        reading.service = None;
        self.0.busy.store(false, Ordering::SeqCst);
        // The slot stays in use until the passed bytes are read.
        self.0
            .in_use
            .store(!reading.passed.is_empty(), Ordering::SeqCst);
    }

    /// Returns whether a service is attached.
    pub fn is_attached(&self) -> bool {
        lock(&self.0.reading).service.is_some()
    }
}

/// A transport with a [`Slot`].
pub struct SideChannel {
    line: Box<dyn Transport>,
    slot: Slot,
}

impl SideChannel {
    /// Returns the line with a slot for a service.
    pub fn new(line: Box<dyn Transport>, slot: Slot) -> SideChannel {
        SideChannel { line, slot }
    }

    /// Reads once, passes the bytes to the service, and writes its reply.
    fn pump(&self, reading: &mut Reading, deadline: Deadline) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let count = match self.line.read(&mut buffer, deadline.slice(SLICE)) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => 0,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        let Some(service) = &mut reading.service else {
            reading.passed.extend_from_slice(bytes);
            return Ok(());
        };
        // A write that has begun ends before the service begins an exchange. A later write waits for the exchange's end.
        let writing = lock(&self.slot.0.writing);
        let mut reply = Vec::new();
        service.receive(bytes, &mut reading.passed, &mut reply);
        self.slot.0.busy.store(service.is_busy(), Ordering::SeqCst);
        if !reply.is_empty() {
            self.line.write_all(&reply, Deadline::after(REPLY_TIME))?;
        }
        drop(writing);
        Ok(())
    }
}

impl Transport for SideChannel {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let shared = &self.slot.0;
        if !shared.in_use.load(Ordering::SeqCst) {
            return self.line.read(buf, deadline);
        }
        loop {
            let mut reading = lock(&shared.reading);
            if reading.passed.is_empty() {
                self.pump(&mut reading, deadline)?;
            }
            let count = reading.passed.len().min(buf.len());
            if count > 0 {
                for (to, from) in buf.iter_mut().zip(reading.passed.drain(..count)) {
                    *to = from;
                }
                if reading.service.is_none() && reading.passed.is_empty() {
                    shared.in_use.store(false, Ordering::SeqCst);
                }
                return Ok(count);
            }
            if deadline.has_passed() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let shared = &self.slot.0;
        let limit = deadline.sooner(LONGEST_EXCHANGE);
        loop {
            let writing = lock(&shared.writing);
            if !shared.busy.load(Ordering::SeqCst) || limit.has_passed() {
                let written = self.line.write_all(bytes, deadline);
                drop(writing);
                return written;
            }
            drop(writing);
            // The exchange proceeds where the line is read. If no other thread reads it, this one does.
            match shared.reading.try_lock() {
                Ok(mut reading) => self.pump(&mut reading, limit)?,
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn control_lines(&self) -> Option<&dyn ControlLines> {
        self.line.control_lines()
    }

    fn binary_messages(&self) -> Option<&dyn BinaryMessages> {
        self.line.binary_messages()
    }
}

/// Locks a mutex. A panic of another thread does not make the bytes invalid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
