//! `run`: runs a local script, or a `.mpy` file, on the board without copying it to its file system.

use std::io::Read as _;
use std::path::Path;

use piton::program::{Code, is_mpy};

use super::exec::{Task, WatchArgs, execute};
use crate::context::Context;
use crate::error::CommandError;
use crate::local_file;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What follows a `--`, up to a `+`, becomes the program's `sys.argv`, behind PATH. `input()` reads a line of \
                  this computer's stdin."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Path of the script, or `.mpy` file, on this computer; `-` reads it from stdin
    pub(crate) path: String,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let source = read(Path::new(&args.path))?;
    let code = if is_mpy(&source) {
        Code::Mpy(&source)
    } else {
        Code::Source(&source)
    };
    let task = Task::new(code, &args.watch, &args.path, &args.path, ctx.compatibility);
    execute(ctx, &task)
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    if path != Path::new("-") {
        return local_file::read(path);
    }
    let mut source = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut source);
    read.map_err(|error| local_file::not_read(path, error))?;
    Ok(source)
}
