//! `run`: runs a local script, or a `.mpy` file, on the board without copying it to its file system.

use std::io::Read as _;
use std::time::Duration;

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::facts::board_facts;
use piton::program::{self, Guarded, check_mpy, is_mpy};
use piton::repl::RawRepl;

use super::exec::{Code, Task, WatchArgs, execute};
use crate::context::Context;
use crate::error::{CommandError, FileError, ProgramError};

/// How long a board may take to return its facts.
const FACTS_TIME: Duration = Duration::from_secs(10);

/// How long a board may take for each piece of a `.mpy` file.
const SEND_TIME: Duration = Duration::from_secs(300);

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
    let source = read(&args.path).map_err(|source| FileError::Read {
        path: args.path.clone(),
        source,
    })?;
    let code = if is_mpy(&source) {
        Code::Mpy {
            path: &args.path,
            file: &source,
        }
    } else {
        Code::Program(&source)
    };
    let task = Task::new(code, &args.watch, &args.path, &args.path, ctx.compatibility);
    execute(ctx, &task)
}

fn read(path: &str) -> std::io::Result<Vec<u8>> {
    if path != "-" {
        return std::fs::read(path);
    }
    let mut source = Vec::new();
    std::io::stdin().lock().read_to_end(&mut source)?;
    Ok(source)
}

/// Sends a `.mpy` file into the board's memory. Returns the code that runs it.
pub(super) fn send_mpy(
    raw: &mut RawRepl<'_>,
    path: &str,
    file: &[u8],
) -> Result<Guarded, CommandError> {
    let facts = board_facts(raw, Deadline::after(FACTS_TIME))?;
    check_mpy(file, &facts).map_err(|source| ProgramError::Mpy {
        path: path.to_owned(),
        source,
    })?;
    program::send_mpy(raw, file, Deadline::after(SEND_TIME)).map_err(|error| match error {
        BoardError::Exception(exception) => CommandError::from(ProgramError::NoMpyFromMemory {
            path: path.to_owned(),
            message: exception.to_string(),
        }),
        error => error.into(),
    })
}
