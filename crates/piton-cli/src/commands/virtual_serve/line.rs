//! Options for the line and the processor of a served board, and for their faults.

use std::str::FromStr;
use std::time::Duration;

use piton::virtual_board::{
    BoardOptions, ByteErrors, Direction, Fault, Interrupt, LineOptions, Overrun, Processor,
    StallAfter,
};

/// The arguments that describe a board.
#[derive(Debug, clap::Args)]
pub(super) struct LineArgs {
    /// Speed of the line, ten bits a byte (default: no limit)
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(300..=100_000_000))]
    baud: Option<u32>,
    /// How long a byte travels, in either direction
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=10_000_000))]
    latency: u32,
    /// How many bytes the board holds until its program reads them; more are lost, as on a UART (default: no
    /// limit)
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    receive_ring: Option<u32>,
    /// Bytes that find the receive ring full wait, as on USB, and are not lost
    #[arg(long, requires = "receive_ring")]
    flow_control: bool,
    /// A USB queue of this size: the board holds so many bytes, the line as many again, and the client's writes
    /// wait
    #[arg(long, value_name = "BYTES", conflicts_with_all = ["receive_ring", "flow_control"], value_parser = clap::value_parser!(u32).range(1..))]
    queue: Option<u32>,
    /// Ctrl-C leaves what the board received before it, as on the UART of an ESP32
    #[arg(long)]
    interrupt_keeps_ring: bool,
    /// The line pauses after so many bytes, and again after as many more; nothing is lost (default: once).
    /// DIRECTION is `to-board` or `to-host`; can be given more than once
    #[arg(long, value_name = "DIRECTION:BYTES:MILLISECONDS[:COUNT]")]
    pause: Vec<Pause>,
    /// How many times slower the board's processor is
    #[arg(long, value_name = "FACTOR", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    slow: Option<u32>,
    /// Lose or change bytes at random, with this probability for each byte; the same ones with the same seed
    /// (default: 0)
    #[arg(long, value_name = "RATE[:SEED]")]
    errors: Option<Errors>,
    /// The board stands still for so long each time a program has written so many bytes to files
    #[arg(long, value_name = "MILLISECONDS:BYTES")]
    stall: Option<Stall>,
}

impl LineArgs {
    fn line(&self) -> LineOptions {
        let bytes = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
        let waits = self.flow_control || self.queue.is_some();
        LineOptions {
            bytes_per_second: self.baud.map(|baud| baud / 10),
            latency: Duration::from_micros(self.latency.into()),
            receive_ring: self.receive_ring.or(self.queue).map(bytes),
            overrun: if waits { Overrun::Wait } else { Overrun::Lose },
            in_flight: self.queue.map(bytes),
            interrupt: if self.interrupt_keeps_ring {
                Interrupt::KeepsRing
            } else {
                Interrupt::ClearsRing
            },
            errors: self.errors.map(|errors| errors.0),
        }
    }

    /// Returns the options of that board, with its files in memory.
    pub(super) fn board(&self) -> BoardOptions {
        let pauses = self.pause.iter().map(|pause| pause.0.clone());
        let stall = self.stall.iter().map(|stall| stall.0.clone());
        BoardOptions {
            line: self.line(),
            processor: self
                .slow
                .map_or(Processor::Unlimited, Processor::TimesSlower),
            faults: pauses.chain(stall).collect(),
            ..BoardOptions::default()
        }
    }
}

/// A fault that holds back one direction of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pause(Fault);

impl FromStr for Pause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let direction = match parts.next() {
            Some("to-board") => Direction::ToBoard,
            Some("to-host") => Direction::ToHost,
            _ => return Err("it begins with neither `to-board` nor `to-host`".to_owned()),
        };
        let after = positive(parts.next(), "number of bytes")?;
        let length =
            Duration::from_millis(positive(parts.next(), "number of milliseconds")?.into());
        let times = parts
            .next()
            .map_or(Ok(1), |count| positive(Some(count), "count"))?;
        all_used(parts)?;
        Ok(Pause(Fault::Pause {
            direction,
            after: after.into(),
            length,
            times,
        }))
    }
}

/// A fault that stops the processor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stall(Fault);

impl FromStr for Stall {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let length =
            Duration::from_millis(positive(parts.next(), "number of milliseconds")?.into());
        let bytes = positive(parts.next(), "number of bytes")?;
        all_used(parts)?;
        Ok(Stall(Fault::Stall {
            after: StallAfter::FileBytes(bytes.into()),
            length,
            times: u32::MAX,
        }))
    }
}

/// Random errors of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Errors(ByteErrors);

impl FromStr for Errors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rate, seed) = text.split_once(':').unwrap_or((text, "0"));
        let rate = rate.parse::<f64>().ok();
        let rate = rate
            .filter(|rate| (0.0..=1.0).contains(rate))
            .ok_or("the rate is not a number from 0 to 1, such as 1e-5")?;
        let seed = seed
            .parse()
            .map_err(|_| "the seed is not a whole number".to_owned())?;
        Ok(Errors(ByteErrors {
            per_billion: (rate * 1e9).round() as u32,
            seed,
        }))
    }
}

/// Returns a whole number from 1 on.
fn positive(part: Option<&str>, name: &str) -> Result<u32, String> {
    let part = part.ok_or_else(|| format!("the {name} is missing"))?;
    let number = part.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("the {name} is not a whole number from 1 on: `{part}`"))
}

fn all_used<'a>(mut rest: impl Iterator<Item = &'a str>) -> Result<(), String> {
    match rest.next() {
        Some(part) => Err(format!("there is too much: `{part}`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_read() {
        let pause = |direction, after, milliseconds, times| {
            Ok(Pause(Fault::Pause {
                direction,
                after,
                length: Duration::from_millis(milliseconds),
                times,
            }))
        };
        for (text, expected) in [
            ("to-board:100:20", pause(Direction::ToBoard, 100, 20, 1)),
            ("to-host:1:1000:7", pause(Direction::ToHost, 1, 1000, 7)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for (text, part) in [
            ("host:1:1", "neither"),
            ("to-host", "number of bytes is missing"),
            ("to-host:1", "milliseconds is missing"),
            ("to-host:0:1", "bytes is not a whole number from 1 on: `0`"),
            ("to-host:1:x", "`x`"),
            ("to-host:1:1:-1", "count is not"),
            ("to-host:1:1:1:1", "too much"),
        ] {
            let error = text.parse::<Pause>().expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn stalls_are_read() {
        let expected = Stall(Fault::Stall {
            after: StallAfter::FileBytes(4096),
            length: Duration::from_millis(45),
            times: u32::MAX,
        });
        assert_eq!("45:4096".parse(), Ok(expected));
        for text in ["", "45", "45:0", "45:1:1", "1.5:1"] {
            text.parse::<Stall>().expect_err(text);
        }
    }

    #[test]
    fn error_rates_are_read() {
        let errors = |per_billion, seed| Ok(Errors(ByteErrors { per_billion, seed }));
        assert_eq!("1e-5".parse(), errors(10_000, 0));
        assert_eq!("0.001:42".parse(), errors(1_000_000, 42));
        assert_eq!("1".parse(), errors(1_000_000_000, 0));
        for text in ["", "2", "-1", "NaN", "1e-5:", "1e-5:x", "1e-5:1:1"] {
            text.parse::<Errors>().expect_err(text);
        }
    }
}
