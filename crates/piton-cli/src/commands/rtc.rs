//! `rtc`: reads or sets the board's clock.

use piton::clock::{self, ClockError};
use piton::error::FsError;

use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `rtc`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Set the board's clock to this computer's local time
    #[arg(short, long, conflicts_with = "no_set")]
    pub(crate) set: bool,
    /// Print the board's clock (default)
    #[arg(long)]
    no_set: bool,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let mut raw_repl = ctx.session.raw_repl()?;
    if args.set {
        return clock::set_to_local_time(&mut raw_repl).map_err(clock_error);
    }
    let time = clock::read(&mut raw_repl).map_err(clock_error)?;
    if ctx.ui.json() {
        return ctx.ui.json_line(&time.fields());
    }
    ctx.ui.line(&time.to_string())
}

fn clock_error(error: ClockError) -> CommandError {
    match error {
        ClockError::NoClock { message } => CommandError::NoClock { message },
        // Made an error of files, whose message shows the traceback, as mpremote does.
        ClockError::Board(error) => FsError::from(error).into(),
    }
}
