//! `eval`: print the value of an expression.

use piton::program::Code;

use super::exec::{Task, WatchArgs, execute};
use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A Python expression; the board prints its value
    pub(crate) expression: String,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let source = format!("print({})", args.expression);
    let code = Code::Expression {
        text: &args.expression,
        source: source.as_bytes(),
    };
    let task = Task::new(code, &WatchArgs::default(), "<eval>", "", ctx.compatibility);
    execute(ctx, &task)
}
