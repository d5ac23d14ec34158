//! The board's end of the line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{CAPACITY, CTRL_C, Event, State, Wire, earlier, sleep};

/// Why a wait of the board ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// There are bytes to read.
    Input,
    /// The time is over.
    Timeout,
    /// [`BoardEnd::take_event`] has something.
    Event,
}

/// The board's end of the line.
#[derive(Clone)]
pub(crate) struct BoardEnd {
    wire: Arc<Wire>,
}

impl BoardEnd {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// The next received byte, for a REPL: it takes them as fast as they come, so that a paced line never
    /// overruns it.
    pub(crate) fn pop(&self) -> Option<u8> {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), true);
        state.at_prompt = true;
        let byte = state.ring.pop_front();
        state.searched = state.searched.saturating_sub(1);
        drop(state);
        self.wire.host_wakes.notify_all();
        byte
    }

    /// A program begins: what comes in now has to wait until it reads.
    pub(crate) fn leave_prompt(&self) {
        self.wire.lock().at_prompt = false;
    }

    /// Read received bytes into `buf`.
    pub(crate) fn read(&self, buf: &mut [u8]) -> usize {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), false);
        let count = buf.len().min(state.ring.len());
        for (to, byte) in buf.iter_mut().zip(state.ring.drain(..count)) {
            *to = byte;
        }
        state.searched = state.searched.saturating_sub(count);
        drop(state);
        self.wire.host_wakes.notify_all();
        count
    }

    /// Are there received bytes to read?
    pub(crate) fn has_input(&self) -> bool {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), false);
        !state.ring.is_empty()
    }

    /// Did bytes come in that were not yet searched for the interrupt character?
    pub(crate) fn has_unsearched(&self) -> bool {
        let mut state = self.wire.lock();
        state.settle_board(Instant::now(), false);
        state.searched < state.ring.len() || state.interrupt_overrun
    }

    /// Search what came in for the interrupt character (-1: none). When it is there, it and all before
    /// it are gone, as on a board with USB (`shared/tinyusb/mp_usbd_cdc.c`).
    pub(crate) fn take_interrupt(&self, interrupt_character: i32) -> bool {
        let mut state = self.wire.lock();
        let overrun = std::mem::take(&mut state.interrupt_overrun);
        let Ok(wanted) = u8::try_from(interrupt_character) else {
            state.searched = state.ring.len();
            return false;
        };
        let searched = state.searched;
        match state
            .ring
            .iter()
            .skip(searched)
            .rposition(|&byte| byte == wanted)
        {
            Some(position) => {
                state.ring.drain(..=searched + position);
                state.searched = state.ring.len();
                true
            }
            None => {
                state.searched = state.ring.len();
                overrun && wanted == CTRL_C
            }
        }
    }

    /// Wait until there is input or an event, or until `deadline`.
    pub(crate) fn wait_input(&self, deadline: Option<Instant>) -> Wake {
        self.wait(deadline, |state| !state.ring.is_empty())
    }

    /// Wait until there is input that was not searched for the interrupt character, or an event.
    pub(crate) fn wait_unsearched(&self, deadline: Option<Instant>) -> Wake {
        self.wait(deadline, |state| {
            state.searched < state.ring.len() || state.interrupt_overrun
        })
    }

    fn wait(&self, deadline: Option<Instant>, ready: impl Fn(&State) -> bool) -> Wake {
        let mut state = self.wire.lock();
        let mut waiting = false;
        loop {
            let now = Instant::now();
            state.settle_board(now, waiting);
            waiting = true;
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
        }
    }

    /// Send bytes to the host. Waits for room while a host has the line open; ends early on an event.
    ///
    /// What is sent while no host has the line open is lost, but for what a board says before it was
    /// opened for the first time.
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
            let room = CAPACITY.saturating_sub(state.received.len() + state.to_host.len());
            if room == 0 {
                if state.open.is_none() {
                    return;
                }
                let next = earlier(state.to_host.next_arrival(), state.next_at_board());
                state = sleep(&self.wire.board_wakes, state, next, now);
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

    /// What happened from outside, if anything did; it is told once.
    pub(crate) fn take_event(&self) -> Option<Event> {
        let mut state = self.wire.lock();
        if state.shutdown {
            return Some(Event::Shutdown);
        }
        state.event.take()
    }

    /// The line goes away, from the board's side.
    pub(crate) fn vanish(&self, returns_after: Option<Duration>) {
        self.wire.lock().vanish(returns_after, Instant::now());
        self.wire.host_wakes.notify_all();
    }

    /// Wait until the line is back. False: the board is not wanted any more.
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

    /// The board has booted so far that it hears its line again.
    pub(crate) fn listen(&self) {
        let mut state = self.wire.lock();
        if state.deaf {
            state.to_board.clear();
            state.clear_ring();
            state.deaf = false;
            state.event = None;
        }
    }

    /// The board is about to reset by itself: what it has received is lost.
    pub(crate) fn forget_input(&self) {
        self.wire.lock().go_deaf();
        self.wire.host_wakes.notify_all();
    }
}

impl State {
    fn has_event(&self) -> bool {
        self.shutdown || self.event.is_some()
    }

    /// Put bytes on the line to the host; true when the line vanished on the way.
    fn send_to_host(&mut self, bytes: &[u8], now: Instant) -> bool {
        let mut sent = VecDeque::with_capacity(bytes.len());
        for &byte in bytes {
            if let Some(returns_after) = self.faults.vanishes_before_byte() {
                self.vanish_after(sent, returns_after, now);
                return true;
            }
            sent.extend(self.faults.to_host.pass(byte));
        }
        if self.options.bytes_per_second.is_none()
            && self.options.latency.is_zero()
            && self.to_host.len() == 0
        {
            self.received.append(&mut sent);
        } else {
            let options = self.options;
            self.to_host.send(sent, &options, now);
        }
        false
    }

    /// The line vanishes; what was sent before it did is still delivered to the host.
    fn vanish_after(&mut self, sent: VecDeque<u8>, returns_after: Duration, now: Instant) {
        while let Some(byte) = self.to_host.land(now + WHOLE_FLIGHT) {
            self.received.push_back(byte);
        }
        self.received.extend(sent);
        self.vanish(Some(returns_after), now);
        self.event = Some(Event::Unplugged);
    }
}

/// Longer than any byte travels.
const WHOLE_FLIGHT: Duration = Duration::from_secs(24 * 60 * 60);
