//! Logs a board's temperature as CSV: `cargo run -p piton --example sensor_logger -- virtual 10 100`.

use std::error::Error;
use std::io::{Write as _, stdout};

use piton::device::{Device, DeviceError, Generator};

/// The functions of `examples/board/sensor.py` as Rust methods.
#[piton::board(file = "examples/board/sensor.py")]
trait Sensor {
    /// Returns the mean of some measurements, in degrees Celsius.
    fn temperature(&self, count: u32) -> Result<f64, DeviceError>;

    /// Measures periodically. The board, not the host, waits between two items.
    fn temperatures(
        &self,
        count: u32,
        period_ms: u32,
    ) -> Result<Generator<(u32, f64)>, DeviceError>;
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [board, count, period_ms] = words.as_slice() else {
        return Err(
            "expected a board, a number of lines, and milliseconds between two lines".into(),
        );
    };
    let device = Device::connect(&board.parse()?, &Default::default(), Default::default())?;
    let sensor = Sensor::attach(&device)?;
    let mut output = stdout().lock();
    writeln!(output, "# at the start: {:.1}", sensor.temperature(16)?)?;
    writeln!(output, "milliseconds,celsius")?;
    for item in sensor.temperatures(count.parse()?, period_ms.parse()?)? {
        let (milliseconds, celsius) = item?;
        writeln!(output, "{milliseconds},{celsius:.1}")?;
    }
    device.close()?;
    Ok(())
}
