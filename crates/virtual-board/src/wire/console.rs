//! What a program of the host has instead of a serial line: input that is fetched when it reads, and that can end, and
//! interrupts that are no bytes of the input.

use std::sync::Arc;
use std::time::Instant;

use super::{BoardEnd, CTRL_C, HostEnd, State, Wire, sleep};

/// The state of the console. The default is that of a line.
#[derive(Debug, Default)]
pub(super) struct Console {
    /// Whether a Ctrl-C in the input is a byte like any other.
    takes_all_bytes: bool,
    /// Interrupts that the firmware has not taken yet.
    interrupts: usize,
    /// Whether no more input will come.
    has_ended: bool,
    /// Whether the program waits for input, or has looked for it.
    is_wanted: bool,
}

impl State {
    /// Returns the number of interrupts that the firmware has not taken yet: those of the console, and each Ctrl-C in
    /// the input that was not searched for.
    pub(super) fn waiting_interrupts(&self) -> usize {
        let unsearched = match self.console.takes_all_bytes {
            true => 0,
            false => {
                let unsearched = self.ring.iter().skip(self.searched);
                unsearched.filter(|&&byte| byte == CTRL_C).count()
            }
        };
        unsearched + self.console.interrupts
    }

    /// Returns whether there is something that can be an interrupt.
    pub(super) fn may_be_interrupted(&self) -> bool {
        let unsearched = !self.console.takes_all_bytes && self.searched < self.ring.len();
        unsearched || self.interrupt_overrun || self.console.interrupts > 0
    }

    /// Returns whether there are interrupts that are no bytes of the input.
    pub(super) fn has_console_interrupts(&self) -> bool {
        self.console.interrupts > 0
    }

    /// Returns whether a read does not wait: for bytes, or for the end of the input.
    pub(super) fn can_read(&self) -> bool {
        !self.ring.is_empty() || self.console.has_ended
    }

    /// Returns how many received bytes a program can read: none that may be an interrupt.
    pub(super) fn readable(&self) -> usize {
        match self.console.takes_all_bytes {
            true => self.ring.len(),
            false => self.searched,
        }
    }

    /// Notes that the program wants input. Returns true if the host is to be notified.
    pub(super) fn want_input(&mut self) -> bool {
        let is_new = !self.can_read() && !self.console.is_wanted;
        self.console.is_wanted |= is_new;
        is_new
    }

    /// Takes the interrupts of the console. `None`: a Ctrl-C of the input counts, too.
    pub(super) fn take_console_interrupts(&mut self) -> Option<bool> {
        let waiting = std::mem::take(&mut self.console.interrupts) > 0;
        match self.console.takes_all_bytes {
            true => {
                self.searched = self.ring.len();
                Some(waiting)
            }
            false => waiting.then_some(true),
        }
    }
}

impl BoardEnd {
    /// Makes every byte of the input one for the program: only [`ConsoleEnd::interrupt`] interrupts it.
    pub(crate) fn take_all_bytes(&self, all: bool) {
        self.wire.lock().console.takes_all_bytes = all;
    }

    /// Takes the interrupts that are no bytes of the input, for a prompt, where they are a key.
    pub(crate) fn take_interrupts(&self) -> bool {
        std::mem::take(&mut self.wire.lock().console.interrupts) > 0
    }

    /// Returns whether all input was read, and no more will come.
    pub(crate) fn input_has_ended(&self) -> bool {
        let state = self.wire.lock();
        state.ring.is_empty() && state.console.has_ended
    }

    /// Notes that the program wants input.
    pub(super) fn want_input(&self) {
        if self.wire.lock().want_input() {
            self.wire.host_wakes.notify_all();
        }
    }
}

/// The host's end of a program's console.
#[derive(Clone)]
pub(crate) struct ConsoleEnd {
    wire: Arc<Wire>,
    line: Arc<HostEnd>,
}

impl ConsoleEnd {
    pub(crate) fn open(wire: &Arc<Wire>) -> std::io::Result<ConsoleEnd> {
        Ok(ConsoleEnd {
            wire: Arc::clone(wire),
            line: Arc::new(HostEnd::open(wire)?),
        })
    }

    /// Waits until the program wants input. Returns false if it has ended.
    pub(crate) fn wait_wanted(&self) -> bool {
        let mut state = self.wire.lock();
        loop {
            if state.shutdown {
                return false;
            }
            if std::mem::take(&mut state.console.is_wanted) {
                return true;
            }
            state = sleep(&self.wire.host_wakes, state, None, Instant::now());
        }
    }

    /// Sends input. What the program does not read any more is lost.
    pub(crate) fn send(&self, bytes: &[u8]) {
        // An error says that the program has ended.
        let _ = self.line.write_all(bytes, None);
    }

    /// Ends the input.
    pub(crate) fn end(&self) {
        self.wire.lock().console.has_ended = true;
        self.wire.board_wakes.notify_all();
    }

    /// Interrupts the program. Returns how many interrupts it has not taken yet, with this one.
    pub(crate) fn interrupt(&self) -> usize {
        let mut state = self.wire.lock();
        state.console.interrupts += 1;
        let waiting = state.console.interrupts;
        drop(state);
        self.wire.board_wakes.notify_all();
        waiting
    }
}
