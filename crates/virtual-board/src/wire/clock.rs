//! The processor time of a board's program, which decides what its line has delivered.
//!
//! A board without flow control loses bytes that its program does not read in time. Here the program is a thread, and
//! the host may be busy: a line that followed the host's clock would overrun a board that is fast enough. So while a
//! program runs, the line delivers the bytes of the processor time that the program really had.

use std::time::{Duration, Instant};

/// The delay of a running program's line behind the host's clock.
#[derive(Debug)]
pub(super) struct ProgramClock {
    /// The time of the last update.
    looked: Instant,
    /// The thread's processor time at the last update; `None` before the first.
    processor_time: Option<Duration>,
    /// Intended waits of the program since the last update.
    waited: Duration,
    behind: Duration,
}

impl ProgramClock {
    /// Returns a clock that counts from now on.
    pub(super) fn new(now: Instant) -> ProgramClock {
        ProgramClock {
            looked: now,
            processor_time: None,
            waited: Duration::ZERO,
            behind: Duration::ZERO,
        }
    }

    /// Counts an intended wait of the program, or a rest or stall of the processor.
    pub(super) fn wait(&mut self, waited: Duration) {
        self.waited += waited;
    }

    /// Counts the time since the last update. `processor_time` is the total of the program's thread.
    pub(super) fn look(&mut self, now: Instant, processor_time: Duration) {
        let passed = now.saturating_duration_since(self.looked);
        let before = self.processor_time.unwrap_or(processor_time);
        let had = processor_time.saturating_sub(before) + std::mem::take(&mut self.waited);
        self.behind += passed.saturating_sub(had);
        self.looked = self.looked.max(now);
        self.processor_time = Some(processor_time);
    }

    /// Sets the delay after the program waited for a byte that the line delivered so long ago.
    pub(super) fn set_behind(&mut self, behind: Duration) {
        self.behind = behind;
    }

    /// Returns the delay of the line.
    pub(super) fn behind(&self) -> Duration {
        self.behind
    }
}

/// Returns the processor time of this thread; `None` on systems that do not report it, where the line follows the
/// host's clock.
pub(super) fn processor_time() -> Option<Duration> {
    #[cfg(unix)]
    return Duration::try_from(rustix::time::clock_gettime(
        rustix::time::ClockId::ThreadCPUTime,
    ))
    .ok();
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_that_the_program_did_not_have_puts_the_line_behind() {
        let start = Instant::now();
        let mut clock = ProgramClock::new(start);
        let mut look = |at: u64, had: u64, waited: u64| {
            clock.wait(Duration::from_millis(waited));
            let processor_time = Duration::from_millis(500 + had);
            clock.look(start + Duration::from_millis(at), processor_time);
            clock.behind().as_millis()
        };
        // What it had before the clock began does not count.
        assert_eq!(look(0, 0, 0), 0);
        // It ran all the time; then half of it; then it slept; then it slept and was woken late.
        assert_eq!(look(10, 10, 0), 0);
        assert_eq!(look(20, 15, 0), 5);
        assert_eq!(look(120, 15, 100), 5);
        assert_eq!(look(150, 16, 20), 14);
        // Clocks that disagree a little do not put it ahead.
        assert_eq!(look(151, 18, 0), 14);
        clock.set_behind(Duration::ZERO);
        assert_eq!(clock.behind(), Duration::ZERO);
    }
}
