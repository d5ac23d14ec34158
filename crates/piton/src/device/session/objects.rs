//! Objects that the board keeps for the host, until the host lets go of them.

use piton_board::deadline::Deadline;

use super::{Handle, Request, Session, State, closing};
use crate::device::error::DeviceError;
use crate::device::frame::Sums;
use crate::device::lock;
use crate::device::returned::Returned;

impl Session {
    /// Carries out a call of an expression that the session has made, and lets go of objects on the board that the host has
    /// released.
    pub(in crate::device) fn call_and_release(
        &mut self,
        request: Request<'_>,
        deadline: Deadline,
    ) -> Result<Returned, DeviceError> {
        self.ensure_ready()?;
        let released = self.take_released();
        let released = self.close_released(released, deadline)?;
        if released.is_empty() {
            return self.call(request, deadline);
        }
        let pops: String = released
            .iter()
            .map(|handle| format!(",_o.pop({},0)", handle.number))
            .collect();
        if self.framing.sums() == Sums::Two {
            // The stack of such a board is small: brackets around an expression can be too much for its compiler.
            self.call(Request::evaluate(&format!("len((0{pops}))")), deadline)?;
            return self.call(request, deadline);
        }
        let expression = format!("({}{pops})[0]", request.expression);
        let request = Request {
            expression: &expression,
            is_own: true,
            ..request
        };
        let answer = self.call(request, deadline);
        if answer.is_err() {
            // They may be there still: an exception comes before they are let go of.
            lock(&self.released).extend(released);
        }
        answer
    }

    /// Closes the released generators among objects, and returns the other objects.
    fn close_released(
        &mut self,
        released: Vec<Handle>,
        deadline: Deadline,
    ) -> Result<Vec<Handle>, DeviceError> {
        let (closing_ones, others): (Vec<Handle>, _) =
            released.into_iter().partition(|handle| handle.closes);
        for handle in closing_ones {
            match self.call(Request::evaluate(&closing(handle)), deadline) {
                // An exception of a `finally` block has no receiver.
                Ok(_) | Err(DeviceError::Raised(_)) => {}
                Err(error) => {
                    lock(&self.released).extend(others);
                    return Err(error);
                }
            }
        }
        Ok(others)
    }

    /// Whether the board is there and keeps the object.
    pub(in crate::device) fn keeps(&self, handle: Handle) -> bool {
        matches!(self.state, State::Ready { .. }) && handle.epoch == self.epoch
    }

    /// Takes some of the released objects that are on the board still.
    fn take_released(&self) -> Vec<Handle> {
        const AT_ONCE: usize = 8;
        let mut released = lock(&self.released);
        released.retain(|handle| handle.epoch == self.epoch);
        let from = released.len().saturating_sub(AT_ONCE);
        released.split_off(from)
    }
}
