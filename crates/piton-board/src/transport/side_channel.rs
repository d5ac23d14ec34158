//! A second conversation on the line of the first: requests of the board are cut out of the stream and answered
//! where the stream is read, and everything above sees the line without them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{BinaryMessages, ControlLines, Transport};
use crate::deadline::Deadline;

/// How long one read of the line lasts at most, so that a service that waits for more learns that nothing comes.
const SLICE: Duration = Duration::from_millis(50);

/// How long a write waits for the end of an exchange. The service should have given it up before.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(20);

/// How long the service's own writes may take.
const REPLY_TIME: Duration = Duration::from_secs(10);

/// Answers what the board asks between other bytes.
pub trait Service: Send {
    /// Looks at what came from the board; nothing at all means that nothing came for 50 ms.
    ///
    /// Bytes that are not the service's go to `passed`, in order, sooner or later. What is put into `reply` is
    /// written at once, in one piece that no other write divides.
    fn receive(&mut self, bytes: &[u8], passed: &mut Vec<u8>, reply: &mut Vec<u8>);

    /// Returns whether the board is in an exchange with the service. Other writes wait meanwhile.
    fn is_busy(&self) -> bool;
}

/// The place in a line where a service can be attached. Clones are the same place.
#[derive(Clone, Default)]
pub struct Slot(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Whether anything of this is to be looked at: a line without a service costs nothing.
    in_use: AtomicBool,
    busy: AtomicBool,
    /// Held by whoever reads the line.
    reading: Mutex<Reading>,
    /// Held by whoever writes to the line.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Reading {
    service: Option<Box<dyn Service>>,
    /// Passed by the service, not yet read by anybody.
    passed: Vec<u8>,
}

impl Slot {
    /// Puts `service` on the line, in place of the one before.
    pub fn attach(&self, service: Box<dyn Service>) {
        let mut reading = lock(&self.0.reading);
        reading.service = Some(service);
        self.0.busy.store(false, Ordering::SeqCst);
        self.0.in_use.store(true, Ordering::SeqCst);
    }

    /// Takes the service off the line: what the board says goes to the reader again.
    pub fn detach(&self) {
        let mut reading = lock(&self.0.reading);
        reading.service = None;
        self.0.busy.store(false, Ordering::SeqCst);
        // What was passed and not read keeps the slot in use until it is.
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

    /// Reads once, lets the service look at it, and writes what it replies.
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
        // Whoever writes now goes on before the service learns that an exchange begins, or waits for its end.
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
            // The exchange goes on where the line is read. If nobody does, it is our turn.
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

/// Locks a mutex. A panic elsewhere does not make the bytes here worse.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
