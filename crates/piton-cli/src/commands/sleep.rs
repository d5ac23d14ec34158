//! `sleep`: waits before the next command.

use std::time::Duration;

use piton::deadline::Deadline;

use crate::context::Context;
use crate::error::CommandError;

/// How often the wait checks for Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// Arguments of `sleep`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long, in seconds
    #[arg(value_parser = parse_seconds)]
    pub(crate) seconds: Duration,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse::<f64>()
        .map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "expected a number of seconds, zero or more".to_owned())
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let deadline = Deadline::after(args.seconds);
    while !deadline.has_passed() {
        if ctx.cancel.is_cancelled() {
            return Err(CommandError::Interrupted);
        }
        std::thread::sleep(deadline.remaining().map_or(SLICE, |left| left.min(SLICE)));
    }
    Ok(())
}
