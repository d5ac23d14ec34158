//! Reporting and counting the bytes on the wire, for `piton -vv` and for measurements.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::transport::{BinaryMessages, ControlLines, Transport};

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the host to the board.
    ToBoard,
    /// From the board to the host.
    ToHost,
}

/// One read or write.
#[derive(Clone, Copy, Debug)]
pub struct WireEvent<'a> {
    /// The direction of the bytes.
    pub direction: Direction,
    /// The bytes, at least one. Bytes to the board are reported before they are written, so that an answer never comes
    /// before its request. If the write fails, some of them were not sent.
    pub bytes: &'a [u8],
    /// Time since the log was started.
    pub at: Duration,
}

/// A transport that reports each read and write of the one inside it.
pub struct WireLog<F> {
    transport: Box<dyn Transport>,
    report: F,
    start: Instant,
}

impl<F: Fn(WireEvent<'_>) + Send + Sync> WireLog<F> {
    /// Returns a transport that calls `report` for each read and write of `transport`. A reading and a writing thread may
    /// call `report` at the same time.
    pub fn new(transport: Box<dyn Transport>, report: F) -> WireLog<F> {
        WireLog {
            transport,
            report,
            start: Instant::now(),
        }
    }

    fn log(&self, direction: Direction, bytes: &[u8]) {
        if !bytes.is_empty() {
            let at = self.start.elapsed();
            (self.report)(WireEvent {
                direction,
                bytes,
                at,
            });
        }
    }
}

impl<F: Fn(WireEvent<'_>) + Send + Sync> Transport for WireLog<F> {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let count = self.transport.read(buf, deadline)?;
        self.log(Direction::ToHost, buf.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.log(Direction::ToBoard, bytes);
        self.transport.write_all(bytes, deadline)
    }

    fn control_lines(&self) -> Option<&dyn ControlLines> {
        self.transport.control_lines()
    }

    fn binary_messages(&self) -> Option<&dyn BinaryMessages> {
        self.transport.binary_messages()
    }
}

impl<F> fmt::Debug for WireLog<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireLog").finish_non_exhaustive()
    }
}

/// Counts bytes and turns of [`WireEvent`]s.
///
/// ```
/// use piton_board::wire_log::{Direction, WireCounter, WireEvent, WireTotals};
///
/// let counter = WireCounter::default();
/// let event = |direction, bytes| WireEvent { direction, bytes, at: Default::default() };
/// counter.count(event(Direction::ToBoard, b"1+"));
/// counter.count(event(Direction::ToBoard, b"1\r"));
/// counter.count(event(Direction::ToHost, b"2\r\n"));
/// counter.count(event(Direction::ToHost, b">>> "));
/// assert_eq!(counter.totals(), WireTotals { to_board: 4, to_host: 7, turns: 1 });
/// ```
#[derive(Debug, Default)]
pub struct WireCounter {
    to_board: AtomicU64,
    to_host: AtomicU64,
    turns: AtomicU64,
    is_asking: AtomicBool,
}

/// The totals of a wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireTotals {
    /// Bytes from the host to the board.
    pub to_board: u64,
    /// Bytes from the board to the host.
    pub to_host: u64,
    /// The number of turns: reads that returned bytes after one or more writes.
    pub turns: u64,
}

impl WireCounter {
    /// Counts one event.
    pub fn count(&self, event: WireEvent<'_>) {
        let count = u64::try_from(event.bytes.len()).unwrap_or(u64::MAX);
        match event.direction {
            Direction::ToBoard => {
                self.to_board.fetch_add(count, Ordering::SeqCst);
                self.is_asking.store(true, Ordering::SeqCst);
            }
            Direction::ToHost => {
                self.to_host.fetch_add(count, Ordering::SeqCst);
                if self.is_asking.swap(false, Ordering::SeqCst) {
                    self.turns.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }

    /// Returns the current totals.
    pub fn totals(&self) -> WireTotals {
        WireTotals {
            to_board: self.to_board.load(Ordering::SeqCst),
            to_host: self.to_host.load(Ordering::SeqCst),
            turns: self.turns.load(Ordering::SeqCst),
        }
    }
}
