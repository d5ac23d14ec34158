//! When to stop waiting: a point in time, and a flag that a person can raise.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// By how much time-outs are longer than usual, in hundredths.
static FACTOR: AtomicU32 = AtomicU32::new(100);

/// Multiplies the time-outs of this process by `factor`, for boards that are slower than all known ones.
/// Values outside of 0.1 to 1,000 are taken for the nearest of these.
pub fn set_timeout_factor(factor: f64) {
    // Within these bounds the number fits.
    FACTOR.store(
        (factor.clamp(0.1, 1000.0) * 100.0) as u32,
        Ordering::Relaxed,
    );
}

/// Returns a time-out as [`set_timeout_factor`] wants it.
pub fn scaled(duration: Duration) -> Duration {
    duration.saturating_mul(FACTOR.load(Ordering::Relaxed)) / 100
}

/// The point in time at which a wait gives up. Never counts as an answer.
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
        // A duration too long to add to the clock is as good as never.
        Deadline(Instant::now().checked_add(duration))
    }

    /// Returns the earlier of this deadline and `duration` from now, [`scaled`]: one step of a longer exchange.
    pub fn sooner(self, duration: Duration) -> Deadline {
        self.slice(scaled(duration))
    }

    /// Returns the earlier of this deadline and exactly `duration` from now: one slice of a longer wait, after which somebody looks at
    /// something else.
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

/// A flag that ends a running exchange: raised by Ctrl-C, looked at every 50 ms by every wait.
///
/// Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Flag>);

/// What the clones of a [`Cancel`] share.
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

    /// Returns a flag that is raised as well when `probe` returns true. Every wait calls it each 50 ms, on the thread that waits:
    /// an interpreter runs the handlers of its signals there.
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

    /// Returns whether both are clones of one flag.
    pub fn is_same(&self, other: &Cancel) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Takes the flag down, and returns whether it was raised. Called by the code that handles the interruption.
    pub fn take(&self) -> bool {
        self.0.is_raised.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_never_outlives_its_deadline() {
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
