//! The board's clock against that of the host.
//!
//! The board counts milliseconds since its start (`time.ticks_ms`), modulo a power of two. The offset is the host's time at which
//! the count would have been 0; it comes from the exchanges that took the least time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;

use super::error::DeviceError;
use super::options::CallOptions;
use super::session::Request;
use super::{Device, for_brackets, lock};

/// How many milliseconds the boards count: `MICROPY_PY_TIME_TICKS_PERIOD` is 2 to the power of 30 where small integers have 31 bits,
/// and a multiple of it elsewhere.
const PERIOD: f64 = (1_u64 << 30) as f64;

/// Puts the clock where expressions find it.
const TICKS: &str = "_o.update(t=__import__('time').ticks_ms)";

/// What is known of the board's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The host's time at the count of 0, in seconds since 1970; counts later by whole periods are folded into it.
    offset: f64,
    epoch: u64,
}

/// One reading of the board's clock.
struct Reading {
    /// The host's time in the middle of the exchange.
    host: f64,
    /// How long the exchange took.
    turn: f64,
    /// The count of the board, in milliseconds.
    ticks: f64,
}

impl Device {
    /// Synchronizes the time with up to `samples` exchanges (at least one), and returns the offset: the host's time, in seconds since
    /// 1970, at which the board's count was 0. It is about half as exact as the fastest exchange was long.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval`]; [`DeviceError::Raised`] on boards without `time.ticks_ms`.
    pub fn synchronize_time(&self, samples: u32) -> Result<f64, DeviceError> {
        self.declare_expression(TICKS)?;
        let mut best: Option<Reading> = None;
        for _ in 0..samples.max(1) {
            let reading = self.read_ticks()?;
            if best.as_ref().is_none_or(|best| reading.turn < best.turn) {
                best = Some(reading);
            }
        }
        let Some(best) = best else {
            return Err(DeviceError::NotSynchronized);
        };
        let offset = best.host - best.ticks / 1000.0;
        let epoch = self.session().epoch();
        *lock(&self.shared.clock) = Some(Clock { offset, epoch });
        Ok(offset)
    }

    /// Returns the offset of the last [`Device::synchronize_time`].
    ///
    /// # Errors
    ///
    /// [`DeviceError::NotSynchronized`] before that, and after a reset of the board.
    pub fn time_offset(&self) -> Result<f64, DeviceError> {
        Ok(self.clock()?.offset)
    }

    /// Returns the value of a Python expression, and the time at which the board evaluated it.
    ///
    /// # Errors
    ///
    /// As for [`Device::eval`]; [`DeviceError::NotSynchronized`].
    pub fn eval_timed<T: DeserializeOwned>(
        &self,
        expression: &str,
    ) -> Result<(T, SystemTime), DeviceError> {
        let clock = self.clock()?;
        let expression = for_brackets(expression);
        let timed = format!("(_o['t'](),({expression}),_o['t']())");
        let returned = {
            let mut session = self.turn()?;
            let request = Request::evaluate(&timed);
            session.call(request, CallOptions::default().deadline())?
        };
        let (before, value, after): (f64, T, f64) = returned.read()?;
        let elapsed = (after - before).rem_euclid(PERIOD);
        let ticks = before + elapsed / 2.0;
        Ok((value, clock.time(ticks, seconds(SystemTime::now()))))
    }

    fn clock(&self) -> Result<Clock, DeviceError> {
        let clock = *lock(&self.shared.clock);
        let epoch = self.session().epoch();
        clock
            .filter(|clock| clock.epoch == epoch)
            .ok_or(DeviceError::NotSynchronized)
    }

    fn read_ticks(&self) -> Result<Reading, DeviceError> {
        let mut session = self.turn()?;
        let deadline = CallOptions::default().deadline();
        let begin = seconds(SystemTime::now());
        let returned = session.call(Request::evaluate("_o['t']()"), deadline)?;
        let end = seconds(SystemTime::now());
        Ok(Reading {
            host: f64::midpoint(begin, end),
            turn: end - begin,
            ticks: returned.read()?,
        })
    }
}

impl Clock {
    /// The time of a count that was read shortly before `now`: the count has gone round as often as brings it nearest.
    fn time(&self, ticks: f64, now: f64) -> SystemTime {
        let period = PERIOD / 1000.0;
        let time = self.offset + ticks / 1000.0;
        let rounds = ((now - time) / period).round();
        let since_1970 = (time + rounds * period).max(0.0);
        Duration::try_from_secs_f64(since_1970).map_or(UNIX_EPOCH, |since| UNIX_EPOCH + since)
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_went_round_is_the_nearest_time() {
        let clock = Clock {
            offset: 1_000_000.0,
            epoch: 1,
        };
        let period = PERIOD / 1000.0;
        for (ticks, now, expected) in [
            (5_000.0, 1_000_005.1, 1_000_005.0),
            (
                5_000.0,
                1_000_005.1 + 3.0 * period,
                1_000_005.0 + 3.0 * period,
            ),
            // Read just before the count went round.
            (
                PERIOD - 1.0,
                1_000_000.0 + period + 0.5,
                1_000_000.0 + period,
            ),
        ] {
            let time = seconds(clock.time(ticks, now));
            assert!((time - expected).abs() < 0.01, "{ticks} {now}: {time}");
        }
    }
}
