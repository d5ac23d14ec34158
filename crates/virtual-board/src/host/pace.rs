//! Slowing the processor down.

use std::time::{Duration, Instant};

use crate::options::Processor;

/// Interpreter fuel between two checks of the line: about 0.3 milliseconds.
const SLICE: u64 = 2_000_000;
/// The same for a slow processor, so that its rests are short.
const SLOW_SLICE: u64 = 500_000;
/// Minimum of a slice for a processor with a given speed, whose slices take about a millisecond.
const SHORTEST_SLICE: u64 = 10_000;

/// Returns the fuel of the firmware until the next check of the line.
pub(crate) fn slice(processor: Processor) -> u64 {
    match processor {
        Processor::Unlimited | Processor::TimesSlower(0 | 1) => SLICE,
        Processor::TimesSlower(_) => SLOW_SLICE,
        Processor::StepsPerSecond(rate) => (rate / 1000).clamp(SHORTEST_SLICE, SLICE),
    }
}

/// Maximum delay of a busy host that later slices make up for.
const LONGEST_LATENESS: Duration = Duration::from_millis(100);

/// The pace of a processor.
pub(crate) struct Pace {
    /// The beginning of the current slice.
    began: Instant,
    /// Its fuel.
    fuel: u64,
    /// The delay of earlier slices.
    late: Duration,
}

impl Pace {
    pub(super) fn new() -> Pace {
        Pace {
            began: Instant::now(),
            fuel: 0,
            late: Duration::ZERO,
        }
    }

    /// Begins a slice of so much fuel.
    pub(crate) fn begin(&mut self, fuel: u64, now: Instant) {
        self.began = now;
        self.fuel = fuel;
    }

    /// Returns the fuel of the current slice.
    pub(super) fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Returns how long the processor rests after its slice. `waited` is the part of it that was spent waiting for
    /// the line.
    pub(super) fn rest(
        &mut self,
        processor: Processor,
        now: Instant,
        waited: Duration,
    ) -> Duration {
        let worked = now
            .saturating_duration_since(self.began)
            .saturating_sub(waited);
        let due = match processor {
            Processor::Unlimited | Processor::TimesSlower(0 | 1) => return Duration::ZERO,
            Processor::TimesSlower(times) => worked.saturating_mul(times),
            Processor::StepsPerSecond(rate) => {
                let nanoseconds = u128::from(self.fuel) * 1_000_000_000 / u128::from(rate.max(1));
                Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
            }
        };
        let took = worked + std::mem::take(&mut self.late);
        self.be_late(took.saturating_sub(due));
        due.saturating_sub(took)
    }

    /// Counts the delay of a rest.
    pub(super) fn be_late(&mut self, by: Duration) {
        self.late = (self.late + by).min(LONGEST_LATENESS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// Returns how many milliseconds a processor rests after each of some slices of 100,000 steps: of what they took,
    /// and waited for the line.
    fn rests<const COUNT: usize>(
        processor: Processor,
        slices: [(u32, u32); COUNT],
    ) -> [u128; COUNT] {
        let began = Instant::now();
        let mut pace = Pace::new();
        slices.map(|(took, waited)| {
            pace.begin(100_000, began);
            let rest = pace.rest(processor, began + took * MILLISECOND, waited * MILLISECOND);
            rest.as_millis()
        })
    }

    #[test]
    fn a_slow_processor_rests_for_as_long_as_it_worked_and_more() {
        for unlimited in [
            Processor::Unlimited,
            Processor::TimesSlower(0),
            Processor::TimesSlower(1),
        ] {
            assert_eq!(rests(unlimited, [(7, 0), (7, 2)]), [0, 0]);
        }
        assert_eq!(
            rests(Processor::TimesSlower(10), [(7, 0), (7, 2), (7, 9)]),
            [63, 45, 0]
        );
    }

    #[test]
    fn a_processor_with_a_speed_takes_the_same_time_on_every_host() {
        let million = Processor::StepsPerSecond(1_000_000);
        assert_eq!(rests(million, [(30, 10), (100, 0), (0, 0)]), [80, 0, 100]);
        // What was too long is made up for, unless it was very long.
        assert_eq!(rests(million, [(130, 0), (0, 0), (0, 0)]), [0, 70, 100]);
        assert_eq!(rests(million, [(5000, 0), (0, 0), (0, 0)]), [0, 0, 100]);
        assert_eq!(rests(Processor::StepsPerSecond(0), [(0, 0)]), [100_000_000]);
    }

    #[test]
    fn a_rest_that_took_too_long_shortens_the_next() {
        let mut pace = Pace::new();
        let now = Instant::now();
        pace.begin(1000, now);
        pace.be_late(MILLISECOND);
        assert_eq!(
            pace.rest(Processor::StepsPerSecond(200_000), now, Duration::ZERO),
            4 * MILLISECOND
        );
    }
}
