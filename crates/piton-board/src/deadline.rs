//! The end of a wait: a point in time, and a flag that a person can raise.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The factor of all timeouts, in hundredths.
static FACTOR: AtomicU32 = AtomicU32::new(100);

/// Multiplies the timeouts of this process by `factor`, for boards that are slower than all known ones. `factor` is
/// limited to 0.1 to 1,000.
pub fn set_timeout_factor(factor: f64) {
    // Within these bounds the number fits.
    FACTOR.store(
        (factor.clamp(0.1, 1000.0) * 100.0) as u32,
        Ordering::Relaxed,
    );
}

/// Returns a timeout multiplied by the factor of [`set_timeout_factor`].
pub fn scaled(duration: Duration) -> Duration {
    duration.saturating_mul(FACTOR.load(Ordering::Relaxed)) / 100
}

/// The point in time at which a wait ends with an error. That time has passed is never taken for an answer.
///
/// The default is [`Deadline::NEVER`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No end: only for user code that a person is watching and can interrupt with a [`Cancel`].
    pub const NEVER: Deadline = Deadline(None);

    /// Returns the deadline `duration` from now, [`scaled`].
    pub fn after(duration: Duration) -> Deadline {
        Deadline::exactly_after(scaled(duration))
    }

    fn exactly_after(duration: Duration) -> Deadline {
        // A duration that is too long to add to the clock never ends.
        Deadline(Instant::now().checked_add(duration))
    }

    /// Returns the earlier of this deadline and `duration` from now, [`scaled`]: one step of a longer exchange.
    pub fn sooner(self, duration: Duration) -> Deadline {
        self.slice(scaled(duration))
    }

    /// Returns the earlier of this deadline and exactly `duration` from now: one slice of a longer wait, after which the
    /// caller checks another condition.
    pub fn slice(self, duration: Duration) -> Deadline {
        let slice = Deadline::exactly_after(duration);
        match (self.0, slice.0) {
            (Some(own), Some(other)) => Deadline(Some(own.min(other))),
            (None, _) => slice,
            (Some(_), None) => self,
        }
    }

    /// Returns the time left: `None` means for ever, zero means passed.
    pub fn remaining(self) -> Option<Duration> {
        self.0
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the point in time has passed.
    pub fn has_passed(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }
}

/// A flag that ends a running exchange. Ctrl-C raises it, and every wait checks it each 50 ms.
///
/// Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Flag>);

/// The state that the clones of a [`Cancel`] share.
#[derive(Default)]
struct Flag {
    is_raised: AtomicBool,
    probe: Option<fn() -> bool>,
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.is_raised.fmt(f)
    }
}

impl Cancel {
    /// Returns a flag that is not raised.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Returns a flag that is raised also when `probe` returns true. Every wait calls `probe` each 50 ms on its own thread,
    /// so that an interpreter can run the handlers of its signals there.
    pub fn with_probe(probe: fn() -> bool) -> Cancel {
        Cancel(Arc::new(Flag {
            is_raised: AtomicBool::new(false),
            probe: Some(probe),
        }))
    }

    /// Raises the flag.
    pub fn cancel(&self) {
        self.0.is_raised.store(true, Ordering::SeqCst);
    }

    /// Returns whether the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        if self.0.is_raised.load(Ordering::SeqCst) {
            return true;
        }
        let is_raised = self.0.probe.is_some_and(|probe| probe());
        if is_raised {
            self.cancel();
        }
        is_raised
    }

    /// Returns what the probe says, and leaves the flag as it is: only the thread that asks is interrupted.
    pub fn probe(&self) -> bool {
        self.0.probe.is_some_and(|probe| probe())
    }

    /// Returns whether both are clones of one flag.
    pub fn is_same(&self, other: &Cancel) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Clears the flag, and returns whether it was raised. For the code that handles the interruption.
    pub fn take(&self) -> bool {
        self.0.is_raised.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_at_its_deadline_at_the_latest() {
        let short = Deadline::after(Duration::from_millis(5));
        assert_eq!(short.sooner(Duration::from_secs(60)), short);
        assert!(
            Deadline::NEVER
                .sooner(Duration::from_millis(5))
                .remaining()
                .is_some()
        );
        assert!(Deadline::after(Duration::ZERO).has_passed());
        assert!(!Deadline::NEVER.has_passed());
    }

    #[test]
    fn clones_share_the_flag() {
        let cancel = Cancel::new();
        cancel.clone().cancel();
        assert!(cancel.take());
        assert!(!cancel.is_cancelled());
    }
}
