//! `eval`: print the value of an expression.

use super::exec::{Following, execute};
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
    execute(ctx, source.as_bytes(), Following::Yes)
}
