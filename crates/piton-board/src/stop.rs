//! Stopping an operation from inside the closure that receives its events.
//!
//! Operations report what they do to a closure that returns [`ControlFlow`]: `Continue(())`, or `Break(())` when nobody
//! wants the rest, as when the output cannot be written any more. Breaking is an interruption by the program instead of a
//! person: the operation raises the [`Cancel`] flag of the connection itself, so that both take one path and leave the board
//! and all files in one state.

use std::ops::ControlFlow;

use crate::deadline::Cancel;

/// Turns the answers of an event closure into an interruption of the operation that reports to it.
///
/// The flag that it raised is down again when it is dropped.
#[derive(Debug)]
pub struct Stop {
    cancel: Cancel,
    is_raised: bool,
}

impl Stop {
    /// Creates a stop for an operation that `cancel` ends.
    pub fn new(cancel: &Cancel) -> Stop {
        Stop {
            cancel: cancel.clone(),
            is_raised: false,
        }
    }

    /// Reports an event, unless the closure has stopped the operation: `report` calls it.
    pub fn report(&mut self, report: impl FnOnce() -> ControlFlow<()>) {
        if !self.is_raised && report().is_break() {
            self.is_raised = true;
            self.cancel.cancel();
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if self.is_raised {
            self.cancel.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_that_breaks_raises_the_flag_and_is_not_called_again() {
        let cancel = Cancel::new();
        let mut stop = Stop::new(&cancel);
        stop.report(|| ControlFlow::Continue(()));
        assert!(!cancel.is_cancelled());
        stop.report(|| ControlFlow::Break(()));
        assert!(cancel.is_cancelled());
        stop.report(|| panic!("called again"));
        // Whoever cleans up takes the flag down; the operation stays stopped.
        assert!(cancel.take());
        stop.report(|| panic!("called again"));
        assert!(!cancel.is_cancelled());
    }

    #[test]
    fn the_flag_is_down_after_the_operation() {
        let cancel = Cancel::new();
        Stop::new(&cancel).report(|| ControlFlow::Break(()));
        assert!(!cancel.is_cancelled());
    }

    #[test]
    fn an_interruption_by_a_person_stays() {
        let cancel = Cancel::new();
        cancel.cancel();
        drop(Stop::new(&cancel));
        assert!(cancel.is_cancelled());
    }
}
