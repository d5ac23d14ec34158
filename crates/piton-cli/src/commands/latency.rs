//! `latency`: measures how long a call to the board takes.

use std::path::{Path, PathBuf};

use piton::device::{Device, DeviceError, DeviceOptions};
use piton::latency::{self, Latency};
use piton::selector::BoardSelector;
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::local_file;

/// Arguments of `latency`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many calls to measure
    #[arg(short, long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Write the measurements to this file too, as CSV
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The times, and the board that they are of.
#[derive(Serialize)]
struct Report<'a> {
    device: &'a str,
    unit: &'static str,
    #[serde(flatten)]
    latency: &'a Latency,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let device = ctx.session.board()?.device_name().to_owned();
    let latency = measure(ctx, args.count, &mut |_| {})?;
    if let Some(file) = &args.output {
        write_csv(file, &latency)?;
    }
    if ctx.ui.json() {
        return ctx.ui.json_line(&Report {
            device: &device,
            unit: "ms",
            latency: &latency,
        });
    }
    ctx.ui.text(&statistics(&latency))
}

/// Measures calls to the board of the session, whose connection it ends. `report` is called with the milliseconds of each call.
pub(crate) fn measure(
    ctx: &mut Context,
    count: u32,
    report: &mut dyn FnMut(f64),
) -> Result<Latency, CommandError> {
    ctx.session.board()?;
    let selector = ctx
        .session
        .selector()
        .cloned()
        .unwrap_or(BoardSelector::Auto);
    // A port can be opened only once.
    ctx.session.disconnect();
    let options = ctx.session.connect_options();
    let device = Device::connect(&selector, options, DeviceOptions::default())?;
    let measured = latency::measure(&device, count, report);
    let closed = device.close();
    let latency = measured?;
    closed?;
    Ok(latency)
}

/// Writes the times to a file.
pub(crate) fn write_csv(file: &Path, latency: &Latency) -> Result<(), CommandError> {
    local_file::write(file, latency.csv().as_bytes())
}

/// Returns the lines that `belay latency` prints.
pub(crate) fn statistics(latency: &Latency) -> String {
    let rows = [
        ("Min:", latency.min()),
        ("Max:", latency.max()),
        ("Average:", latency.mean()),
        ("Median:", latency.median()),
        ("Std Dev:", latency.deviation()),
    ];
    let rows = rows.map(|(name, time)| format!("  {name:<8} {time:6.2} ms\n"));
    format!(
        "Statistics ({} samples):\n{}",
        latency.samples().len(),
        rows.concat()
    )
}

impl From<DeviceError> for CommandError {
    fn from(error: DeviceError) -> CommandError {
        match error {
            DeviceError::Interrupted => CommandError::Interrupted,
            DeviceError::NotConnected(error) | DeviceError::Lost(error) => (*error).into(),
            error => CommandError::Device(error),
        }
    }
}
