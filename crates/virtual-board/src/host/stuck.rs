//! Firmware that does not react to Ctrl-C: it is busy in C code, and checks for exceptions only between two bytecodes.
//!
//! `7 ** 10 ** 6` is one bytecode, and takes minutes. Hardware has a reset button for this. Here a second Ctrl-C resets
//! the board if the firmware had enough time for the first.

/// The state of a Ctrl-C that the firmware has not reacted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupts {
    /// Pending in the firmware.
    Pending,
    /// So many, at least one, wait on the line: while the firmware compiles a program it has no interrupt character.
    Waiting(usize),
}

/// Measures how long the firmware does not react to a Ctrl-C.
pub(crate) struct Stuck {
    /// The fuel after which it counts as stuck.
    limit: u64,
    /// The Ctrl-C that it has not reacted to, and the fuel used since.
    unanswered: Option<(Interrupts, u64)>,
}

impl Stuck {
    pub(super) fn new(limit: u64) -> Stuck {
        Stuck {
            limit,
            unanswered: None,
        }
    }

    /// Counts used fuel.
    pub(super) fn work(&mut self, fuel: u64) {
        if let Some((_, used)) = &mut self.unanswered {
            *used = used.saturating_add(fuel);
        }
    }

    /// Notes the state before the line is checked, which shows whether the firmware has reacted.
    pub(super) fn settle(&mut self, is_pending: bool, waiting: usize) {
        let reacted = match self.unanswered {
            Some((Interrupts::Pending, _)) => !is_pending,
            Some((Interrupts::Waiting(_), _)) => waiting == 0,
            None => false,
        };
        if reacted {
            self.unanswered = None;
        }
    }

    /// Notes a Ctrl-C. Returns true if it is a new one and the firmware had enough time for the previous one.
    pub(super) fn ask(&mut self, interrupts: Interrupts) -> bool {
        let (is_new, used) = match (self.unanswered, interrupts) {
            (Some((Interrupts::Pending, used)), Interrupts::Pending) => (true, used),
            (Some((Interrupts::Waiting(before), used)), Interrupts::Waiting(now)) => {
                (now > before, used)
            }
            // It waited and is pending now: the firmware has made progress.
            _ => (true, 0),
        };
        self.unanswered = Some((interrupts, used));
        is_new && used >= self.limit && used > 0
    }
}

#[cfg(test)]
mod tests {
    use super::Interrupts::{Pending, Waiting};
    use super::*;

    #[test]
    fn only_a_later_ctrl_c_resets_stuck_firmware() {
        let mut stuck = Stuck::new(100);
        stuck.work(1000);
        assert!(!stuck.ask(Pending));
        stuck.work(99);
        assert!(!stuck.ask(Pending));
        stuck.work(1);
        assert!(stuck.ask(Pending));
    }

    #[test]
    fn a_reaction_ends_the_wait() {
        let mut stuck = Stuck::new(100);
        assert!(!stuck.ask(Pending));
        stuck.work(100);
        stuck.settle(true, 0);
        // The next one is already there when the reaction to the first is seen.
        stuck.settle(false, 1);
        assert!(!stuck.ask(Pending));
        stuck.work(100);
        assert!(stuck.ask(Pending));
    }

    #[test]
    fn a_waiting_program_requests_input_once() {
        let mut stuck = Stuck::new(100);
        assert!(!stuck.ask(Waiting(1)));
        stuck.work(100);
        stuck.settle(false, 1);
        assert!(!stuck.ask(Waiting(1)));
        assert!(stuck.ask(Waiting(2)));
        stuck.settle(false, 0);
        assert!(!stuck.ask(Waiting(1)));
    }

    #[test]
    fn only_steps_after_a_pending_interrupt_are_counted() {
        let mut stuck = Stuck::new(100);
        assert!(!stuck.ask(Waiting(1)));
        stuck.work(1000);
        assert!(!stuck.ask(Pending));
        stuck.work(100);
        assert!(stuck.ask(Pending));
    }
}
