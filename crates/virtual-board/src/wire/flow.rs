//! Bytes in flight in one direction.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::options::LineOptions;

/// Bytes that were sent together.
#[derive(Debug)]
struct Flight {
    /// The time when the first byte begins to arrive.
    starts: Instant,
    bytes_per_second: Option<u32>,
    bytes: VecDeque<u8>,
    /// The number of its bytes that have arrived.
    landed: u32,
}

impl Flight {
    /// Returns the arrival of byte number `index`, counted from the first sent.
    fn arrival(&self, index: u32) -> Instant {
        match self.bytes_per_second {
            None | Some(0) => self.starts,
            Some(rate) => {
                let nanoseconds = (u64::from(index) + 1) * 1_000_000_000 / u64::from(rate);
                self.starts + Duration::from_nanos(nanoseconds)
            }
        }
    }

    fn last_arrival(&self) -> Instant {
        let left = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.arrival(self.landed.saturating_add(left).saturating_sub(1))
    }
}

/// One direction of the line: the bytes in flight, in order.
#[derive(Debug, Default)]
pub(super) struct Flow {
    flights: VecDeque<Flight>,
    /// The time before which no byte that is sent from now on arrives.
    held: Option<Instant>,
}

impl Flow {
    /// Puts bytes on the line. No byte overtakes another.
    pub(super) fn send(&mut self, bytes: VecDeque<u8>, line: &LineOptions, now: Instant) {
        if bytes.is_empty() {
            return;
        }
        self.flights.push_back(Flight {
            starts: self.next_start(line, now),
            bytes_per_second: line.bytes_per_second,
            bytes,
            landed: 0,
        });
    }

    /// Returns when a byte that is sent now begins to arrive.
    fn next_start(&self, line: &LineOptions, now: Instant) -> Instant {
        let earliest = now + line.latency;
        let before = self.flights.back().map(Flight::last_arrival);
        earliest
            .max(before.unwrap_or(earliest))
            .max(self.held.unwrap_or(earliest))
    }

    /// Pauses after the sent bytes: bytes that are sent from now on arrive after the pause.
    pub(super) fn pause(&mut self, length: Duration, line: &LineOptions, now: Instant) {
        // A pause beyond the range of the clock is ignored: it would never end.
        if let Some(end) = self.next_start(line, now).checked_add(length) {
            self.held = Some(end);
        }
    }

    /// Delays the bytes that are sent from now on.
    pub(super) fn delay(&mut self, by: Duration, line: &LineOptions, now: Instant) {
        let end = (now + line.latency).checked_add(by);
        self.held = self.held.max(end);
    }

    /// Returns whether no byte is in flight or waits for the end of a pause.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.flights.is_empty() && self.held.is_none_or(|held| held <= now)
    }

    /// Returns the number of bytes in flight.
    pub(super) fn len(&self) -> usize {
        self.flights.iter().map(|flight| flight.bytes.len()).sum()
    }

    /// Returns the arrival of the next byte.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        let flight = self.flights.front()?;
        Some(flight.arrival(flight.landed))
    }

    /// Takes the next byte that has arrived by now.
    pub(super) fn land(&mut self, now: Instant) -> Option<u8> {
        let flight = self.flights.front_mut()?;
        if flight.arrival(flight.landed) > now {
            return None;
        }
        let byte = flight.bytes.pop_front();
        flight.landed += 1;
        if flight.bytes.is_empty() {
            self.flights.pop_front();
        }
        byte
    }

    /// Drops all bytes in flight, and ends a pause.
    pub(super) fn clear(&mut self) {
        self.flights.clear();
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landed(flow: &mut Flow, now: Instant) -> Vec<u8> {
        std::iter::from_fn(|| flow.land(now)).collect()
    }

    #[test]
    fn bytes_arrive_one_by_one_at_the_rate_of_the_line() {
        let line = LineOptions {
            bytes_per_second: Some(1000),
            latency: Duration::from_millis(10),
            ..LineOptions::default()
        };
        let start = Instant::now();
        let mut flow = Flow::default();
        flow.send(VecDeque::from(*b"abc"), &line, start);
        flow.send(VecDeque::from(*b"de"), &line, start);
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(flow.next_arrival(), Some(after(11)));
        assert_eq!(landed(&mut flow, after(10)), b"");
        assert_eq!(landed(&mut flow, after(12)), b"ab");
        assert_eq!(flow.len(), 3);
        assert_eq!(landed(&mut flow, after(14)), b"cd");
        assert_eq!(landed(&mut flow, after(15)), b"e");
        assert_eq!(flow.next_arrival(), None);
    }

    #[test]
    fn a_pause_holds_what_is_sent_while_it_lasts() {
        for bytes_per_second in [None, Some(1000)] {
            let line = LineOptions {
                bytes_per_second,
                latency: Duration::from_millis(10),
                ..LineOptions::default()
            };
            let start = Instant::now();
            let after = |milliseconds| start + Duration::from_millis(milliseconds);
            let mut flow = Flow::default();
            flow.send(VecDeque::from(*b"ab"), &line, start);
            // It begins when `b` has come in.
            let came_in = if bytes_per_second.is_some() { 12 } else { 10 };
            flow.pause(Duration::from_millis(50), &line, start);
            flow.send(VecDeque::from(*b"c"), &line, after(5));
            flow.send(VecDeque::from(*b"d"), &line, after(20));
            assert_eq!(landed(&mut flow, after(came_in + 49)), b"ab");
            assert!(!flow.is_idle(after(200)));
            assert_eq!(landed(&mut flow, after(came_in + 52)), b"cd");
            flow.send(VecDeque::from(*b"e"), &line, after(100));
            assert_eq!(landed(&mut flow, after(109)), b"");
            assert_eq!(landed(&mut flow, after(111)), b"e");
            assert!(flow.is_idle(after(111)));
        }
    }

    #[test]
    fn a_delay_counts_from_when_something_is_sent() {
        let line = LineOptions::default();
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut flow = Flow::default();
        flow.delay(Duration::from_millis(30), &line, after(100));
        // A shorter delay does not end a longer one.
        flow.delay(Duration::from_millis(1), &line, after(101));
        flow.send(VecDeque::from(*b"a"), &line, after(101));
        assert_eq!(flow.next_arrival(), Some(after(130)));
        flow.clear();
        assert!(flow.is_idle(start));
    }

    #[test]
    fn a_line_without_a_rate_delivers_at_once() {
        let mut flow = Flow::default();
        let now = Instant::now();
        flow.send(VecDeque::from(*b"abc"), &LineOptions::default(), now);
        assert_eq!(landed(&mut flow, now), b"abc");
    }
}
