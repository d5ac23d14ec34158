//! How long a call to a board takes: to the board and back.
//!
//! ```
//! use piton::device::Device;
//! use piton::latency;
//!
//! let device = Device::connect(&"virtual".parse()?, &Default::default(), Default::default())?;
//! let latency = latency::measure(&device, 5, &mut |_| {})?;
//! assert!(latency.min() <= latency.median() && latency.median() <= latency.max());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

use crate::device::{CallOptions, Device, DeviceError};

/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(10);

/// The calls that bring the programs of a session to the board: a short one, then the one that stays.
const FIRST_CALLS: u32 = 2;

/// Times of calls in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    /// In the order of the calls. There is at least one.
    samples: Vec<f64>,
}

/// Measures `count` calls that do nothing, one at least, one after the other. `report` is called with the milliseconds of each.
///
/// # Errors
///
/// As for [`Device::eval_text`].
pub fn measure(
    device: &Device,
    count: u32,
    report: &mut dyn FnMut(f64),
) -> Result<Latency, DeviceError> {
    let call = || device.eval_text("0", CallOptions::within(CALL_TIME));
    for _ in 0..FIRST_CALLS {
        call()?;
    }
    let mut samples = Vec::new();
    for _ in 0..count.max(1) {
        let start = Instant::now();
        call()?;
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        report(milliseconds);
        samples.push(milliseconds);
    }
    Ok(Latency { samples })
}

impl Latency {
    /// Returns the times in the order of the calls.
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    /// Returns the shortest time.
    pub fn min(&self) -> f64 {
        self.samples.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Returns the longest time.
    pub fn max(&self) -> f64 {
        self.samples.iter().copied().fold(0.0, f64::max)
    }

    /// Returns the arithmetic mean.
    pub fn mean(&self) -> f64 {
        self.samples.iter().sum::<f64>() / self.samples.len() as f64
    }

    /// Returns the time in the middle; of an even number the mean of the two.
    pub fn median(&self) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let half = sorted.len() / 2;
        let upper = sorted.get(half).copied().unwrap_or_default();
        match half.checked_sub(1).and_then(|lower| sorted.get(lower)) {
            Some(lower) if sorted.len().is_multiple_of(2) => (lower + upper) / 2.0,
            _ => upper,
        }
    }

    /// Returns the standard deviation of a sample; 0 for one time.
    pub fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.samples.iter().map(|time| (time - mean).powi(2)).sum();
        match self.samples.len() {
            0 | 1 => 0.0,
            count => (squares / (count - 1) as f64).sqrt(),
        }
    }

    /// Returns the times as a table with one column, `latency_ms`, as `belay latency --output` writes it.
    pub fn csv(&self) -> String {
        let rows = self.samples.iter().map(|time| format!("{time:.2}\r\n"));
        std::iter::once("latency_ms\r\n".to_owned())
            .chain(rows)
            .collect()
    }
}

/// The keys are `count`, and in milliseconds `min`, `max`, `mean`, `median`, `deviation` and the list `samples`.
impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Report<'a> {
            count: usize,
            min: f64,
            max: f64,
            mean: f64,
            median: f64,
            deviation: f64,
            samples: &'a [f64],
        }
        let report = Report {
            count: self.samples.len(),
            min: self.min(),
            max: self.max(),
            mean: self.mean(),
            median: self.median(),
            deviation: self.deviation(),
            samples: &self.samples,
        };
        report.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_python() {
        // min(), max() and the functions of Python's `statistics`: mean, median, stdev.
        let latency = Latency {
            samples: vec![4.0, 1.0, 2.5, 8.5],
        };
        assert_eq!((latency.min(), latency.max()), (1.0, 8.5));
        assert_eq!((latency.mean(), latency.median()), (4.0, 3.25));
        assert!((latency.deviation() - 3.240_370_349_203_93).abs() < 1e-12);
        assert_eq!(
            latency.csv(),
            "latency_ms\r\n4.00\r\n1.00\r\n2.50\r\n8.50\r\n"
        );
        let one = Latency { samples: vec![2.0] };
        assert_eq!((one.median(), one.deviation()), (2.0, 0.0));
    }
}
