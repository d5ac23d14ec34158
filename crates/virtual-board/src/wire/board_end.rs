//! The board's end of the line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::transmit::transmit;
use super::{CAPACITY, CTRL_C, Event, State, Wire, earlier, sleep};
use crate::options::{Interrupt, Processor};

/// Why a wait of the board ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// There are bytes to read.
    Input,
    /// The deadline has passed.
    Timeout,
    /// [`BoardEnd::take_event`] has an event.
    Event,
}

/// The board's end of the line.
#[derive(Clone)]
pub(crate) struct BoardEnd {
    pub(super) wire: Arc<Wire>,
}

impl BoardEnd {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// Returns the next received byte, for a REPL. It takes bytes as fast as they arrive, so that a line with a speed
    /// never overruns it.
    pub(crate) fn pop(&self) -> Option<u8> {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), true);
        state.at_prompt = true;
        let byte = state.ring.pop_front();
        state.searched = state.searched.saturating_sub(1);
        let stall = state.faults.stalls_on_read(usize::from(byte.is_some()));
        drop(state);
        self.wire.host_wakes.notify_all();
        self.stall(stall);
        byte
    }

    /// Begins a program: bytes that arrive now wait until it reads.
    pub(crate) fn leave_prompt(&self) {
        self.wire.lock().at_prompt = false;
    }

    /// Reads received bytes into `buf`: those that were searched for the interrupt character. One that arrived after
    /// the search would become a byte for the program instead of an interrupt.
    pub(crate) fn read(&self, buf: &mut [u8]) -> usize {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), false);
        let count = buf.len().min(state.readable());
        for (to, byte) in buf.iter_mut().zip(state.ring.drain(..count)) {
            *to = byte;
        }
        state.searched = state.searched.saturating_sub(count);
        let stall = state.faults.stalls_on_read(count);
        drop(state);
        self.wire.host_wakes.notify_all();
        self.stall(stall);
        count
    }

    /// Returns whether a read does not wait: there are received bytes, or the input has ended.
    pub(crate) fn has_input(&self) -> bool {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), false);
        let has_input = state.can_read();
        drop(state);
        if !has_input {
            self.want_input();
        }
        has_input
    }

    /// Returns whether [`BoardEnd::read`] does not wait: as [`BoardEnd::has_input`], without the bytes that were not
    /// searched for the interrupt character.
    pub(crate) fn has_searched_input(&self) -> bool {
        let has_input = self.has_input();
        let state = self.wire.lock();
        has_input && (state.readable() > 0 || state.ring.is_empty())
    }

    /// Returns whether there are bytes that were not searched for the interrupt character yet, or other interrupts.
    pub(crate) fn has_unsearched(&self) -> bool {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), false);
        state.may_be_interrupted()
    }

    /// Searches the received bytes for the interrupt character (-1: none). If found, it is removed, and with
    /// [`Interrupt::ClearsRing`] all bytes before it.
    pub(crate) fn take_interrupt(&self, interrupt_character: i32) -> bool {
        let mut state = self.wire.lock();
        let is_interrupted = state.take_interrupt(interrupt_character);
        drop(state);
        if is_interrupted {
            // Bytes that wait for room in the ring may have it now.
            self.wire.host_wakes.notify_all();
        }
        is_interrupted
    }

    /// Returns the number of interrupts that were not taken yet: among them each Ctrl-C in bytes that were not searched.
    pub(crate) fn unsearched_interrupts(&self) -> usize {
        self.wire.lock().waiting_interrupts()
    }

    /// Waits until there is input or an event, or until `deadline`.
    pub(crate) fn wait_input(&self, deadline: Option<Instant>) -> Wake {
        self.want_input();
        self.wait(deadline, true, |state| {
            state.can_read() || state.has_console_interrupts()
        })
    }

    /// Waits until there is input that was not searched for the interrupt character, or an event. The program does
    /// not read meanwhile: arriving bytes must fit the ring.
    pub(crate) fn wait_unsearched(&self, deadline: Option<Instant>) -> Wake {
        self.wait(deadline, false, State::may_be_interrupted)
    }

    /// Waits until `ready`, an event or the deadline. `reads`: the program takes each byte on arrival.
    fn wait(&self, deadline: Option<Instant>, reads: bool, ready: impl Fn(&State) -> bool) -> Wake {
        let mut state = self.wire.lock();
        let mut waiting = false;
        loop {
            let now = Instant::now();
            state.settle_board(now, waiting);
            waiting = reads;
            if state.has_event() {
                return Wake::Event;
            }
            if ready(&state) {
                return Wake::Input;
            }
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Wake::Timeout;
            }
            let next = earlier(deadline, state.next_at_board());
            state = sleep(&self.wire.board_wakes, state, next, now);
            // A wake-up after the deadline is the host scheduler's delay, and not the board's time.
            let woke = Instant::now().min(deadline.unwrap_or_else(Instant::now));
            state.count_wait(woke.saturating_duration_since(now));
        }
    }

    /// Stalls the processor: nothing is read, and arriving bytes must fit the ring. Ends early on an event.
    pub(crate) fn stall(&self, length: Duration) {
        if length.is_zero() {
            return;
        }
        let mut state = self.wire.lock();
        let started = Instant::now();
        // A stall beyond the range of the clock lasts until an event.
        let end = started.checked_add(length);
        state.stalled_until = end;
        loop {
            let now = Instant::now();
            if state.has_event() || end.is_some_and(|end| end <= now) {
                break;
            }
            state = sleep(&self.wire.board_wakes, state, end, now);
        }
        state.count_wait(started.elapsed().min(length));
        state.settle_board(Instant::now(), false);
        state.stalled_until = None;
    }

    /// Returns how long the processor stalls after a write of so many bytes to a file.
    pub(crate) fn stall_on_write(&self, bytes: u32) -> Duration {
        self.wire.lock().faults.stalls_on_write(bytes)
    }

    /// Rests, because the processor is slow; ends early on an event.
    pub(crate) fn rest(&self, length: Duration) {
        let started = Instant::now();
        let end = started.checked_add(length);
        let mut state = self.wire.lock();
        loop {
            let now = Instant::now();
            if state.has_event() || end.is_some_and(|end| end <= now) {
                return state.program_clock.wait(started.elapsed().min(length));
            }
            state = sleep(&self.wire.board_wakes, state, end, now);
        }
    }

    /// Returns how fast the processor is.
    pub(crate) fn processor(&self) -> Processor {
        self.wire.lock().processor
    }

    /// Returns how long the board's thread has waited for the line since the last call.
    pub(crate) fn take_waited(&self) -> Duration {
        std::mem::take(&mut self.wire.lock().board_waited)
    }

    /// Sends bytes to the host. Waits for room while a host has the line open; ends early on an event.
    ///
    /// Bytes that are sent while no host has the line open are lost, except those from before the first opening.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let mut rest = bytes;
        let mut state = self.wire.lock();
        while !rest.is_empty() {
            let now = Instant::now();
            state.settle_host(now);
            state.settle_board(now, false);
            if state.has_event()
                || state.gone.is_some()
                || (state.open.is_none() && state.opened > 0)
            {
                return;
            }
            let waiting = state.received.len() + state.to_host.len();
            let room = state.room_to_host().saturating_sub(waiting);
            if room == 0 {
                if state.open.is_none() {
                    return;
                }
                let next = earlier(state.to_host.next_arrival(), state.next_at_board());
                state = sleep(&self.wire.board_wakes, state, next, now);
                state.count_wait(now.elapsed());
                continue;
            }
            let (now_sent, later) = rest.split_at(room.min(rest.len()));
            rest = later;
            let vanished = state.send_to_host(now_sent, now);
            self.wire.host_wakes.notify_all();
            if vanished {
                return;
            }
        }
    }

    /// Takes the event from outside, if there is one.
    pub(crate) fn take_event(&self) -> Option<Event> {
        let mut state = self.wire.lock();
        if state.shutdown {
            return Some(Event::Shutdown);
        }
        state.event.take()
    }

    /// Removes the line, from the board's side.
    pub(crate) fn vanish(&self, returns_after: Option<Duration>) {
        self.wire.lock().vanish(returns_after, Instant::now());
        self.wire.host_wakes.notify_all();
    }

    /// Waits until the line is back. Returns false if the board is dropped.
    pub(crate) fn wait_return(&self) -> bool {
        let mut state = self.wire.lock();
        loop {
            if state.shutdown {
                return false;
            }
            let Some(gone) = state.gone else { return true };
            let now = Instant::now();
            if gone.until.is_some_and(|until| until <= now) {
                state.gone = None;
                drop(state);
                self.wire.host_wakes.notify_all();
                return true;
            }
            state = sleep(&self.wire.board_wakes, state, gone.until, now);
        }
    }

    /// Ends a reset: the board receives again.
    pub(crate) fn listen(&self) {
        let mut state = self.wire.lock();
        if state.deaf {
            state.to_board.clear();
            state.clear_ring();
            state.deaf = false;
            state.event = None;
        }
    }

    /// Drops the received bytes, before the board resets by itself.
    pub(crate) fn forget_input(&self) {
        self.wire.lock().go_deaf();
        self.wire.host_wakes.notify_all();
    }
}

impl State {
    fn has_event(&self) -> bool {
        self.shutdown || self.event.is_some()
    }

    /// Returns how many bytes may be in flight to the host.
    fn room_to_host(&self) -> usize {
        match self.open {
            Some(_) => self.in_flight(),
            // The first output of a board is kept until a host opens the line.
            None => CAPACITY,
        }
    }

    /// Puts bytes on the line to the host. Returns true if the line vanished meanwhile.
    fn send_to_host(&mut self, bytes: &[u8], now: Instant) -> bool {
        let vanish = self.faults.vanishes_within(bytes.len());
        let sent = match vanish {
            Some((before, _)) => bytes.get(..before).unwrap_or_default(),
            None => bytes,
        };
        let options = self.options;
        let is_perfect = options.bytes_per_second.is_none()
            && options.latency.is_zero()
            && self.faults.to_host.is_idle()
            && self.to_host.is_idle(now);
        if is_perfect {
            self.faults.to_host.skip(sent.len());
            self.received.extend(sent);
        } else {
            transmit(
                sent,
                &mut self.faults.to_host,
                &mut self.to_host,
                &options,
                now,
            );
        }
        if let Some((_, returns_after)) = vanish {
            self.vanish_after(returns_after, now);
        }
        vanish.is_some()
    }

    /// Removes the line. Bytes that were sent before are still delivered to the host.
    fn vanish_after(&mut self, returns_after: Duration, now: Instant) {
        while let Some(byte) = self.to_host.land(now + WHOLE_FLIGHT) {
            self.received.push_back(byte);
        }
        self.vanish(Some(returns_after), now);
        self.event = Some(Event::Unplugged);
    }

    fn take_interrupt(&mut self, interrupt_character: i32) -> bool {
        if let Some(is_interrupted) = self.take_console_interrupts() {
            return is_interrupted;
        }
        let overrun = std::mem::take(&mut self.interrupt_overrun);
        let searched = std::mem::replace(&mut self.searched, self.ring.len());
        let Ok(wanted) = u8::try_from(interrupt_character) else {
            return false;
        };
        let mut unsearched = self.ring.iter().skip(searched);
        let last = unsearched.rposition(|&byte| byte == wanted);
        // A byte that found the ring full arrived after all bytes in the ring.
        let overran = overrun && wanted == CTRL_C;
        match (self.options.interrupt, last) {
            (Interrupt::ClearsRing, _) if overran => self.ring.clear(),
            (Interrupt::ClearsRing, Some(position)) => {
                drop(self.ring.drain(..=searched + position))
            }
            (Interrupt::KeepsRing, Some(_)) => {
                let unsearched = self.ring.split_off(searched);
                self.ring
                    .extend(unsearched.into_iter().filter(|&byte| byte != wanted));
            }
            (_, None) => {}
        }
        self.searched = self.ring.len();
        last.is_some() || overran
    }
}

/// Longer than any byte is in flight.
const WHOLE_FLIGHT: Duration = Duration::from_secs(24 * 60 * 60);
