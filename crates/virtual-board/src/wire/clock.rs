//! The time that a board's program had, as far as its line is concerned.
//!
//! A board without flow control loses what its program does not read in time. Its program here is a thread of a host
//! that may be busy with something else: a line that went on meanwhile would overrun a board that is fast enough. So
//! while a program runs, the line gives it what came in during the time of the processor that it really had.

use std::time::{Duration, Instant};

/// How far the line of a running program is behind the host's clock.
#[derive(Debug)]
pub(super) struct ProgramClock {
    /// When this was looked at last.
    looked: Instant,
    /// How much time of the processor the thread had had then; not known before the first look.
    processor_time: Option<Duration>,
    /// How long the program has waited since then because it wanted to.
    waited: Duration,
    behind: Duration,
}

impl ProgramClock {
    /// A clock that counts from now on.
    pub(super) fn new(now: Instant) -> ProgramClock {
        ProgramClock {
            looked: now,
            processor_time: None,
            waited: Duration::ZERO,
            behind: Duration::ZERO,
        }
    }

    /// The program has waited because it wanted to, or because the processor is to rest or to stand still.
    pub(super) fn wait(&mut self, waited: Duration) {
        self.waited += waited;
    }

    /// Count what has passed since the last look. `processor_time`: of the program's thread in all.
    pub(super) fn look(&mut self, now: Instant, processor_time: Duration) {
        let passed = now.saturating_duration_since(self.looked);
        let before = self.processor_time.unwrap_or(processor_time);
        let had = processor_time.saturating_sub(before) + std::mem::take(&mut self.waited);
        self.behind += passed.saturating_sub(had);
        self.looked = self.looked.max(now);
        self.processor_time = Some(processor_time);
    }

    /// The program has waited for something that the line brought so long ago, or brings now.
    pub(super) fn set_behind(&mut self, behind: Duration) {
        self.behind = behind;
    }

    /// How far the line is behind.
    pub(super) fn behind(&self) -> Duration {
        self.behind
    }
}

/// How much time of the processor this thread has had. `None` where the system does not tell: there the line goes by
/// the host's clock.
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
