//! The faults of the flash: it fills up, or the power fails while it is written.

use std::sync::{Arc, Mutex, PoisonError};

use super::Errno;
use crate::options::{Fault, Outage};
use crate::vm::stop::{Stop, stop};

#[derive(Debug, Default)]
struct State {
    /// How many bytes may still be written.
    bytes_left: Option<u64>,
    /// How many operations still succeed, and what happens then.
    operations_left: Option<(u64, Outage)>,
}

/// The armed faults of the flash, shared with the code that arms more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    state: Arc<Mutex<State>>,
}

impl Meter {
    /// Arms a fault of the flash. Faults of the line are ignored.
    pub(crate) fn arm(&self, fault: &Fault) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *fault {
            Fault::FlashFull { after_bytes } => state.bytes_left = Some(after_bytes),
            Fault::PowerCut {
                after_writes,
                outage,
            } => {
                state.operations_left = Some((after_writes, outage));
            }
            _ => {}
        }
    }

    /// One operation on the flash is about to happen. An error: it does not, because the power fails.
    pub(super) fn operation(&self) -> Result<(), wasmi::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut state.operations_left {
            Some((0, outage)) => {
                let outage = *outage;
                state.operations_left = None;
                Err(stop(Stop::from(outage)))
            }
            Some((left, _)) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Returns how many of `wanted` bytes can be written.
    pub(super) fn bytes(&self, wanted: usize) -> Result<usize, Errno> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = &mut state.bytes_left else {
            return Ok(wanted);
        };
        let granted = usize::try_from(*left).map_or(wanted, |left| left.min(wanted));
        if granted == 0 && wanted > 0 {
            return Err(Errno::NO_SPACE);
        }
        *left -= granted as u64;
        Ok(granted)
    }
}
