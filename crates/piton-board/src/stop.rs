//! Stopping an operation from inside the closure that receives its events.
//!
//! Operations report events to a closure that returns [`ControlFlow`]: `Continue(())`, or `Break(())` to end the operation,
//! for example when its output cannot be written any more. Then the operation raises the [`Cancel`] flag of the connection
//! itself. So an interruption by the program has the same effect on the board and its files as one by a person.

use std::ops::ControlFlow;

use crate::deadline::Cancel;

/// Converts a `Break` of an event closure into an interruption of the operation.
///
/// When it is dropped, it clears the flag that it raised.
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

    /// Calls `report`, which passes an event to the closure, unless the closure has stopped the operation.
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
        // The code that handles the interruption clears the flag. The operation stays stopped.
        assert!(cancel.take());
        stop.report(|| panic!("called again"));
        assert!(!cancel.is_cancelled());
    }

    #[test]
    fn the_flag_is_cleared_after_the_operation() {
        let cancel = Cancel::new();
        Stop::new(&cancel).report(|| ControlFlow::Break(()));
        assert!(!cancel.is_cancelled());
    }

    #[test]
    fn an_interruption_by_a_person_is_kept() {
        let cancel = Cancel::new();
        cancel.cancel();
        drop(Stop::new(&cancel));
        assert!(cancel.is_cancelled());
    }
}
