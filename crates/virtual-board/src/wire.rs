//! The line between host and board: two flows of bytes, a receive ring, and their faults.
//!
//! Both ends share one lock. The host's end is [`Line`](crate::Line), the board's end is [`BoardEnd`].

mod board_end;
mod clock;
mod console;
mod faults;
mod flow;
mod host_end;
mod random;
mod transmit;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::options::{Fault, LineOptions, Overrun, Processor, Traffic};
use clock::ProgramClock;
use console::Console;
use faults::LineFaults;
use flow::Flow;

pub(crate) use board_end::{BoardEnd, Wake};
pub(crate) use console::ConsoleEnd;
pub(crate) use host_end::HostEnd;

/// Bytes in flight in one direction before the sender must wait, unless the line's options set another number.
const CAPACITY: usize = 64 * 1024;

/// An event from outside that the board's thread must act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Boot again; the line stays.
    Reset,
    /// Line and power are gone; boot when they return.
    Unplugged,
    /// Power came on: boot.
    PowerOn,
    /// The board is dropped: end the thread.
    Shutdown,
}

/// The line is gone.
#[derive(Debug, Clone, Copy)]
struct Gone {
    /// The time when it returns by itself.
    until: Option<Instant>,
}

struct State {
    options: LineOptions,
    faults: LineFaults,
    to_board: Flow,
    /// Received and unread bytes of the board.
    ring: VecDeque<u8>,
    /// Whether the board is at its prompt, where it takes each byte at once.
    at_prompt: bool,
    /// The number of bytes of `ring` that were searched for the interrupt character.
    searched: usize,
    /// Whether a Ctrl-C arrived while the ring was full: the interrupt handler sees it anyway.
    interrupt_overrun: bool,
    /// The end of the processor's stall.
    stalled_until: Option<Instant>,
    /// Time that the board's thread has waited for the line since the last query.
    board_waited: Duration,
    program_clock: ProgramClock,
    processor: Processor,
    to_host: Flow,
    /// Received and unread bytes of the host.
    received: VecDeque<u8>,
    traffic: Traffic,
    /// Whether the host has sent since it last received.
    host_spoke_last: bool,
    /// The number of the open host end, if there is one.
    open: Option<u64>,
    /// The number of host ends opened so far.
    opened: u64,
    gone: Option<Gone>,
    console: Console,
    event: Option<Event>,
    shutdown: bool,
    /// Whether the board is resetting and receives nothing.
    deaf: bool,
}

/// The shared line.
pub(crate) struct Wire {
    state: Mutex<State>,
    /// Notified after a change that the board may wait for.
    board_wakes: Condvar,
    /// Notified after a change that the host may wait for.
    host_wakes: Condvar,
}

impl Wire {
    pub(crate) fn new(options: LineOptions, processor: Processor) -> Arc<Wire> {
        let mut faults = LineFaults::default();
        faults.set_errors(options.errors);
        Arc::new(Wire {
            state: Mutex::new(State {
                options,
                faults,
                to_board: Flow::default(),
                ring: VecDeque::new(),
                at_prompt: false,
                searched: 0,
                interrupt_overrun: false,
                stalled_until: None,
                board_waited: Duration::ZERO,
                program_clock: ProgramClock::new(Instant::now()),
                processor,
                to_host: Flow::default(),
                received: VecDeque::new(),
                traffic: Traffic::default(),
                host_spoke_last: false,
                open: None,
                opened: 0,
                gone: None,
                console: Console::default(),
                event: None,
                shutdown: false,
                deaf: false,
            }),
            board_wakes: Condvar::new(),
            host_wakes: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is plain data, valid even if a holder of the lock panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arm(&self, fault: &Fault) {
        self.lock().faults.arm(fault);
    }

    pub(crate) fn set_options(&self, options: LineOptions) {
        let mut state = self.lock();
        state.options = options;
        state.faults.set_errors(options.errors);
        state.program_clock = ProgramClock::new(Instant::now());
        drop(state);
        self.board_wakes.notify_all();
        self.host_wakes.notify_all();
    }

    pub(crate) fn set_processor(&self, processor: Processor) {
        self.lock().processor = processor;
    }

    /// Passes an event to the board's thread.
    pub(crate) fn raise(&self, event: Event) {
        let mut state = self.lock();
        match event {
            Event::Shutdown => state.shutdown = true,
            Event::Reset | Event::Unplugged | Event::PowerOn => {
                // Switching on or resetting a dead board ends its absence.
                state.gone = None;
                state.event = Some(event);
                state.go_deaf();
            }
        }
        drop(state);
        self.board_wakes.notify_all();
        self.host_wakes.notify_all();
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    /// Returns whether the line exists at the moment.
    pub(crate) fn is_there(&self) -> bool {
        self.lock().gone.is_none()
    }
}

impl State {
    /// Receives the bytes that have arrived at the board by now. Only for the board's thread.
    ///
    /// `waiting`: the program waited for input all the time, so that it took the next byte on arrival. A delay by the
    /// host's scheduler does not count as time of the line.
    fn settle_board(&mut self, now: Instant, waiting: bool) {
        let stall = self.stalled_until;
        let waiting = (waiting || self.at_prompt) && stall.is_none_or(|until| until < now);
        if let Some(until) = stall {
            // The stall ends at its time, even if the host's scheduler resumes the board's thread later.
            let line_time = self.line_time(now.min(until));
            self.take_in(line_time, self.ring_room());
        }
        let mut line_time = self.line_time(now);
        if waiting && self.ring.is_empty() && self.overruns() {
            // The bytes after the one that ends the wait arrive while the program works on that byte.
            let arrival = self.to_board.next_arrival();
            line_time = arrival.map_or(now, |arrival| arrival.min(now));
            self.program_clock.set_behind(now - line_time);
        }
        // The prompt of a board is faster than any line.
        let room = match self.options.bytes_per_second {
            Some(_) if waiting => usize::MAX,
            _ => self.ring_room(),
        };
        self.take_in(line_time, room);
    }

    /// Returns the time up to which the line has delivered, for a running program.
    fn line_time(&mut self, now: Instant) -> Instant {
        if self.overruns()
            && let Some(processor_time) = clock::processor_time()
        {
            self.program_clock.look(now, processor_time);
        }
        now.checked_sub(self.program_clock.behind()).unwrap_or(now)
    }

    /// Receives the bytes that have arrived at the board by now, from the host's side. If the line's speed can
    /// overrun the ring, only the board's thread can do this: it alone knows the time that the program had.
    fn settle_board_from_host(&mut self, now: Instant) {
        if !self.overruns() {
            self.take_in(now, self.ring_room());
        }
    }

    /// Returns whether the speeds of line and program decide which bytes are lost. False if the program's speed is
    /// unknown.
    fn overruns(&self) -> bool {
        cfg!(unix)
            && self.options.bytes_per_second.is_some()
            && self.options.receive_ring.is_some()
            && self.options.overrun == Overrun::Lose
    }

    /// Returns the capacity of the ring in bytes.
    fn ring_room(&self) -> usize {
        self.options.receive_ring.unwrap_or(usize::MAX)
    }

    /// Receives the bytes that have arrived at the board by now, up to `room`.
    fn take_in(&mut self, now: Instant, room: usize) {
        while !self.is_held_back(room) {
            let Some(byte) = self.to_board.land(now) else {
                break;
            };
            if self.deaf {
                continue;
            }
            if self.ring.len() < room {
                self.ring.push_back(byte);
            } else if byte == CTRL_C {
                self.interrupt_overrun = true;
            }
            if self.faults.resets_on_byte() {
                self.event = Some(Event::Reset);
                self.go_deaf();
            }
        }
    }

    /// Returns whether the next byte must wait for room in the ring.
    fn is_held_back(&self, room: usize) -> bool {
        self.options.overrun == Overrun::Wait && !self.deaf && self.ring.len() >= room
    }

    /// Returns the arrival of the next byte at the board; `None` if no byte is in flight, or it waits for the program
    /// to read.
    fn next_at_board(&self) -> Option<Instant> {
        if self.is_held_back(self.ring_room()) {
            return None;
        }
        let arrival = self.to_board.next_arrival()?;
        Some(arrival + self.program_clock.behind())
    }

    /// Returns the maximum of bytes in flight in one direction.
    fn in_flight(&self) -> usize {
        self.options
            .in_flight
            .map_or(CAPACITY, |bytes| bytes.max(1))
    }

    /// Receives the bytes that have arrived at the host by now.
    fn settle_host(&mut self, now: Instant) {
        while let Some(byte) = self.to_host.land(now) {
            self.received.push_back(byte);
        }
    }

    /// Begins a reset: the board loses received bytes, and those that arrive until it has booted.
    fn go_deaf(&mut self) {
        self.deaf = true;
        self.at_prompt = false;
        self.clear_ring();
        self.to_board.clear();
    }

    fn clear_ring(&mut self) {
        self.ring.clear();
        self.searched = 0;
        self.interrupt_overrun = false;
    }

    /// Counts a wait that the board intended.
    fn count_wait(&mut self, waited: Duration) {
        self.board_waited += waited;
        self.program_clock.wait(waited);
    }

    /// Removes the line with all bytes on it.
    fn vanish(&mut self, returns_after: Option<Duration>, now: Instant) {
        self.gone = Some(Gone {
            until: returns_after.map(|duration| now + duration),
        });
        self.open = None;
        self.go_deaf();
        // Bytes that have arrived at the host stay readable until the line is opened again.
        self.settle_host(now);
        self.to_host.clear();
    }
}

/// The interrupt character of a running program, unless it was changed with `micropython.kbd_intr`.
const CTRL_C: u8 = 3;

/// Returns the time until `instant`, zero when it has passed.
fn until(instant: Instant, now: Instant) -> Duration {
    instant.saturating_duration_since(now)
}

/// Waits until `wakes` is notified, or until `next`.
fn sleep<'a>(
    wakes: &Condvar,
    state: MutexGuard<'a, State>,
    next: Option<Instant>,
    now: Instant,
) -> MutexGuard<'a, State> {
    match next {
        Some(next) => {
            let slept = wakes.wait_timeout(state, until(next, now));
            slept.unwrap_or_else(PoisonError::into_inner).0
        }
        None => wakes.wait(state).unwrap_or_else(PoisonError::into_inner),
    }
}

/// Returns the earlier of two instants, of which either may be missing.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
