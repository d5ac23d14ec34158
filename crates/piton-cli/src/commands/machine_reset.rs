//! `reset` and `bootloader`: the two ways to restart the chip. The board disconnects by itself after the snippet.

use piton::program::{Code, Program};

use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `reset`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Reset through the control lines of the serial port, without asking the board: for boards that are wired so (most
    /// ESP boards), also when they hang
    #[arg(long)]
    lines: bool,
}

/// Resets the board. The pause in the snippet lets the board send its answer first.
pub(super) fn reset(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    if args.lines {
        return Ok(ctx.session.reset_by_lines()?);
    }
    let source = "import time, machine; time.sleep_ms(100); machine.reset()";
    start(ctx, source)
}

/// Makes the board enter its boot loader.
pub(super) fn bootloader(ctx: &mut Context) -> Result<(), CommandError> {
    let source = "import time, machine; time.sleep_ms(100); machine.bootloader()";
    start(ctx, source)
}

fn start(ctx: &mut Context, source: &str) -> Result<(), CommandError> {
    let program = Program::new(Code::Snippet(source.as_bytes()), "");
    Ok(ctx.session.start_program(&program)?)
}
