//! `lock` and `update`: which versions the project has.

use piton::workspace::{LockOptions, Update};

use super::{NetworkArgs, lock_and_print, open};
use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `lock`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change nothing: fail if the lock is not that of `pyproject.toml`
    #[arg(long)]
    locked: bool,
    /// Only print what would be changed
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let mut options = LockOptions::default();
    options.locked = args.locked;
    let dry_run = args.dry_run || args.locked;
    lock_and_print(&mut open()?, &options, args.network, dry_run, ctx)
}

/// Arguments of `update`.
#[derive(Debug, clap::Args)]
pub(crate) struct UpdateArgs {
    /// Only print what would be changed
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    network: NetworkArgs,
    /// The dependencies or packages (default: all)
    names: Vec<String>,
}

pub(super) fn update(args: &UpdateArgs, ctx: &mut Context) -> Result<(), CommandError> {
    let mut options = LockOptions::default();
    options.update = match args.names.is_empty() {
        true => Update::Everything,
        false => Update::Named(args.names.clone()),
    };
    let mut workspace = open()?;
    lock_and_print(&mut workspace, &options, args.network, args.dry_run, ctx)?;
    if !args.dry_run {
        for path in workspace.clean(false)? {
            ctx.ui.note(&format!("removed {path}"));
        }
    }
    Ok(())
}
