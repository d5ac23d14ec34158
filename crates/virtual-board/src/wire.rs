//! The line between host and board: two flows of bytes, a receive ring, and what can go wrong with them.
//!
//! Both ends share one lock. The host's end is [`Line`](crate::Line), the board's end is [`BoardEnd`].

mod board_end;
mod clock;
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
use faults::LineFaults;
use flow::Flow;

pub(crate) use board_end::{BoardEnd, Wake};
pub(crate) use host_end::HostEnd;

/// How many bytes may wait in one direction before the sender has to wait, unless the line's options say.
const CAPACITY: usize = 64 * 1024;

/// Something from outside that the board's thread must act upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Boot anew; the line stays.
    Reset,
    /// The line is gone, and so is the power; boot when it returns.
    Unplugged,
    /// Power came on: boot.
    PowerOn,
    /// Nobody wants the board any more.
    Shutdown,
}

/// The line is gone.
#[derive(Debug, Clone, Copy)]
struct Gone {
    /// When it returns by itself.
    until: Option<Instant>,
}

struct State {
    options: LineOptions,
    faults: LineFaults,
    to_board: Flow,
    /// What has come in at the board and was not read.
    ring: VecDeque<u8>,
    /// The board is at its prompt, where it takes each byte as it comes.
    at_prompt: bool,
    /// How many bytes of `ring` were searched for the interrupt character.
    searched: usize,
    /// A Ctrl-C came in while the ring was full: an interrupt handler sees it all the same.
    interrupt_overrun: bool,
    /// Until when the processor stands still.
    stalled_until: Option<Instant>,
    /// How long the board's thread has waited for the line since it was last asked.
    board_waited: Duration,
    program_clock: ProgramClock,
    processor: Processor,
    to_host: Flow,
    /// What has come in at the host and was not read.
    received: VecDeque<u8>,
    traffic: Traffic,
    /// The host has sent something since it last received something.
    host_spoke_last: bool,
    /// The number of the open host end, if there is one.
    open: Option<u64>,
    /// How often a host end was opened.
    opened: u64,
    gone: Option<Gone>,
    event: Option<Event>,
    shutdown: bool,
    /// The board is resetting and hears nothing.
    deaf: bool,
}

/// The shared line.
pub(crate) struct Wire {
    state: Mutex<State>,
    /// Something changed that the board may wait for.
    board_wakes: Condvar,
    /// Something changed that the host may wait for.
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
                event: None,
                shutdown: false,
                deaf: false,
            }),
            board_wakes: Condvar::new(),
            host_wakes: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is plain data that every holder leaves whole.
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

    /// Tell the board's thread to act on something from outside.
    pub(crate) fn raise(&self, event: Event) {
        let mut state = self.lock();
        match event {
            Event::Shutdown => state.shutdown = true,
            Event::Reset | Event::Unplugged | Event::PowerOn => {
                // Whoever switches a dead board on, or resets it, ends its absence.
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

    /// Is the line there?
    pub(crate) fn is_there(&self) -> bool {
        self.lock().gone.is_none()
    }
}

impl State {
    /// Take in what has arrived at the board by now: for the board's thread alone.
    ///
    /// `waiting`: the program waited for input all the time, so that it took the next byte as it came. However
    /// late the host's scheduler lets the board's thread do it: that is not the line's time.
    fn settle_board(&mut self, now: Instant, waiting: bool) {
        let stall = self.stalled_until;
        let waiting = (waiting || self.at_prompt) && stall.is_none_or(|until| until < now);
        if let Some(until) = stall {
            // However late the board's thread goes on: its stall ends when it was to end.
            let line_time = self.line_time(now.min(until));
            self.take_in(line_time, self.ring_room());
        }
        let mut line_time = self.line_time(now);
        if waiting && self.ring.is_empty() && self.overruns() {
            // What follows the byte that ends the wait comes in while the program works on that byte.
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

    /// Until when the line has brought what it brings, for a program that runs.
    fn line_time(&mut self, now: Instant) -> Instant {
        if self.overruns()
            && let Some(processor_time) = clock::processor_time()
        {
            self.program_clock.look(now, processor_time);
        }
        now.checked_sub(self.program_clock.behind()).unwrap_or(now)
    }

    /// Take in what has arrived at the board by now, from the host's side: a ring that can be overrun by a line with a
    /// speed is filled in the time that the program had, which only the board's thread knows.
    fn settle_board_from_host(&mut self, now: Instant) {
        if !self.overruns() {
            self.take_in(now, self.ring_room());
        }
    }

    /// Does the speed of the line, and that of the program, decide what is lost? False where a program's speed is not
    /// known.
    fn overruns(&self) -> bool {
        cfg!(unix)
            && self.options.bytes_per_second.is_some()
            && self.options.receive_ring.is_some()
            && self.options.overrun == Overrun::Lose
    }

    /// How many bytes the ring holds.
    fn ring_room(&self) -> usize {
        self.options.receive_ring.unwrap_or(usize::MAX)
    }

    /// Take in what has arrived at the board by now, as far as the ring has room.
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

    /// Must what comes next wait for room in the ring?
    fn is_held_back(&self, room: usize) -> bool {
        self.options.overrun == Overrun::Wait && !self.deaf && self.ring.len() >= room
    }

    /// When the next byte comes in at the board; `None` if none is on its way, or it waits for the program
    /// to read.
    fn next_at_board(&self) -> Option<Instant> {
        if self.is_held_back(self.ring_room()) {
            return None;
        }
        let arrival = self.to_board.next_arrival()?;
        Some(arrival + self.program_clock.behind())
    }

    /// How many bytes one direction holds on their way.
    fn in_flight(&self) -> usize {
        self.options
            .in_flight
            .map_or(CAPACITY, |bytes| bytes.max(1))
    }

    /// Take in what has arrived at the host by now.
    fn settle_host(&mut self, now: Instant) {
        while let Some(byte) = self.to_host.land(now) {
            self.received.push_back(byte);
        }
    }

    /// A resetting board loses what it has received, and what comes in until it has booted.
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

    /// The board has waited on purpose.
    fn count_wait(&mut self, waited: Duration) {
        self.board_waited += waited;
        self.program_clock.wait(waited);
    }

    /// The line goes away with everything on it.
    fn vanish(&mut self, returns_after: Option<Duration>, now: Instant) {
        self.gone = Some(Gone {
            until: returns_after.map(|duration| now + duration),
        });
        self.open = None;
        self.go_deaf();
        // What has come in at the host is there to read until somebody opens the line anew.
        self.settle_host(now);
        self.to_host.clear();
    }
}

/// The interrupt character of a running program, unless it was changed with `micropython.kbd_intr`.
const CTRL_C: u8 = 3;

/// The time until `instant`, zero when it has passed.
fn until(instant: Instant, now: Instant) -> Duration {
    instant.saturating_duration_since(now)
}

/// Wait until somebody notifies `wakes`, or until `next`.
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

/// The earlier of two instants, of which either may be missing.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
