//! `mount` and `umount`: let the board use a folder of this computer.

use std::path::Path;

use piton::mount::{MOUNT_POINT, Settings};

use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `mount`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Follow symbolic links that lead out of the folder
    #[arg(short = 'l', long, overrides_with = "no_unsafe_links")]
    pub(crate) unsafe_links: bool,
    /// Refuse them (default)
    #[arg(long)]
    no_unsafe_links: bool,
    /// Compile modules when the board imports them (default)
    #[arg(short = 'm', long, overrides_with = "no_auto_mpy")]
    auto_mpy: bool,
    /// Let the board compile them
    #[arg(long)]
    no_auto_mpy: bool,
    /// Also write each compiled module to the folder of its source
    #[arg(long)]
    write_mpy: bool,
    /// Refuse all changes by the board
    #[arg(long)]
    read_only: bool,
    /// The folder
    pub(crate) path: String,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let mut settings = Settings::default();
    settings.unsafe_links = args.unsafe_links;
    settings.read_only = args.read_only;
    settings.auto_mpy = !args.no_auto_mpy;
    settings.write_mpy = args.write_mpy;
    settings.report = ctx.ui.mount_reporter();
    // The automatic soft reset, if one is due, comes first: it would unmount the folder.
    ctx.session.raw_repl()?;
    let board = ctx.session.board()?;
    board.mount(Path::new(&args.path), &settings)?;
    ctx.ui.late_step(&format!(
        "Local directory {} is mounted at {MOUNT_POINT}",
        args.path
    ))
}

/// Unmounts the folder. Without one nothing is done, as in mpremote.
pub(super) fn umount(ctx: &mut Context) -> Result<(), CommandError> {
    if ctx.session.board()?.mounted().is_none() {
        return Ok(());
    }
    ctx.session.raw_repl()?;
    Ok(ctx.session.board()?.umount()?)
}
