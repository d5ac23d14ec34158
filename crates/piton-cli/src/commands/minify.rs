//! `minify`: removes what has no meaning from a Python source.

use std::path::PathBuf;

use piton::syntax::{MinifyOptions, minify};

use super::compile::excerpt;
use crate::context::Context;
use crate::error::CommandError;
use crate::local_file;

/// Arguments of `minify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the result here (default: to standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep docstrings
    #[arg(long)]
    keep_docstrings: bool,
    /// Also remove line ends, which changes line numbers
    #[arg(long)]
    join_lines: bool,
    /// The Python source
    #[arg(value_name = "FILE")]
    source: PathBuf,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let source = local_file::read(&args.source)?;
    let options = MinifyOptions {
        input_name: args.source.as_os_str().as_encoded_bytes().to_vec(),
        keep_docstrings: args.keep_docstrings,
        join_lines: args.join_lines,
    };
    let minified = match minify(&source, &options) {
        Ok(minified) => minified,
        Err(diagnostic) => {
            let text = excerpt::of_source(&args.source, &diagnostic, &source);
            ctx.ui.failure(&format!("{text}\n"));
            return Err(CommandError::NotCompiled);
        }
    };
    match &args.output {
        Some(output) => local_file::write(output, &minified),
        None => ctx.ui.bytes(&minified),
    }
}
