//! `completions`: the script that makes a shell complete our lines.

use crate::complete::Shell;
use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `bash`, `zsh`, `fish` or `powershell`
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(Shell::NAMES))]
    shell: String,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let script = Shell::named(&args.shell).map_or("", Shell::script);
    ctx.ui.text(script)
}
