//! Firmware that takes no Ctrl-C: it is busy in C code, which looks for exceptions only between two bytecodes.
//!
//! `7 ** 10 ** 6` is one bytecode, and takes minutes. Hardware has a reset button for this. Here, a second request, when
//! the firmware has had its time, gets a reset.

/// Where a Ctrl-C is that the firmware has not reacted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupts {
    /// One is pending in the firmware.
    Pending,
    /// So many, not 0, wait on the line: while it compiles a program the firmware does not want any.
    Waiting(usize),
}

/// How long the firmware has not reacted to a Ctrl-C.
pub(crate) struct Stuck {
    /// How much fuel it may use up before it counts as stuck.
    limit: u64,
    /// The Ctrl-C that it has not reacted to, and how much fuel it has used up since.
    unanswered: Option<(Interrupts, u64)>,
}

impl Stuck {
    pub(super) fn new(limit: u64) -> Stuck {
        Stuck {
            limit,
            unanswered: None,
        }
    }

    /// The firmware has worked for so much fuel.
    pub(super) fn work(&mut self, fuel: u64) {
        if let Some((_, used)) = &mut self.unanswered {
            *used = used.saturating_add(fuel);
        }
    }

    /// What there is before the line is looked at: has the firmware reacted?
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

    /// There is a Ctrl-C. True: it is a new one, and the firmware had its time for the one before.
    pub(super) fn ask(&mut self, interrupts: Interrupts) -> bool {
        let (is_new, used) = match (self.unanswered, interrupts) {
            (Some((Interrupts::Pending, used)), Interrupts::Pending) => (true, used),
            (Some((Interrupts::Waiting(before), used)), Interrupts::Waiting(now)) => {
                (now > before, used)
            }
            // One that has waited and is pending now: the firmware came on.
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
    fn only_a_later_one_finds_the_firmware_stuck() {
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
    fn one_that_waits_asks_once() {
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
    fn a_program_that_is_compiled_at_last_has_its_time() {
        let mut stuck = Stuck::new(100);
        assert!(!stuck.ask(Waiting(1)));
        stuck.work(1000);
        assert!(!stuck.ask(Pending));
        stuck.work(100);
        assert!(stuck.ask(Pending));
    }
}
