//! `run`: run a local script on the board, without copying it there.

use super::exec::{Following, execute};
use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show what the script prints until it ends (default)
    #[arg(short, long, conflicts_with = "no_follow")]
    pub(crate) follow: bool,
    /// Start the script and leave it running
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// Path of the script on this computer
    pub(crate) path: String,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let source = std::fs::read(&args.path).map_err(|source| CommandError::ReadFile {
        path: args.path.clone(),
        source,
    })?;
    execute(ctx, &source, Following::unless(args.no_follow))
}
