//! `inspect`: prints the content of `.mpy` files, or joins several into one.

use std::path::{Path, PathBuf};

use piton::board_format::loaders;
use piton::mpy::disassembly::disassemble;
use piton::mpy::header::{FORMER_VERSION, Outline};
use piton::mpy::hexdump::hexdump;
use piton::mpy::module::Module;
use piton::mpy::{merge, reader, writer};

use crate::context::Context;
use crate::error::CommandError;
use crate::local_file;

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show what each byte means
    #[arg(long, conflicts_with = "merge")]
    hex: bool,
    /// Join the files into one, which runs them one after the other when it is imported
    #[arg(long, requires = "output")]
    merge: bool,
    /// The joined file
    #[arg(short, long, value_name = "FILE", requires = "merge")]
    output: Option<PathBuf>,
    /// The `.mpy` files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    if let Some(output) = &args.output {
        return join(&args.files, output);
    }
    let many = args.files.len() > 1;
    for path in &args.files {
        let bytes = local_file::read(path)?;
        if many && !ctx.ui.json() {
            ctx.ui.line(&format!("{}:", path.display()))?;
        }
        if args.hex {
            show_bytes(path, &bytes, ctx)?;
        } else {
            show_listing(path, &bytes, ctx)?;
        }
        if let Some(releases) = Outline::of(&bytes).as_ref().and_then(loaders) {
            ctx.ui.note(&format!("{releases} can load it"));
        }
    }
    Ok(())
}

/// Prints the listing of a file, or the outline of one that is too old to be listed.
fn show_listing(path: &Path, bytes: &[u8], ctx: &Context) -> Result<(), CommandError> {
    let error = match reader::read(bytes) {
        Ok(module) => {
            #[cfg_attr(not(feature = "disassembler"), expect(unused_mut))]
            let mut listing = disassemble(&module);
            #[cfg(feature = "disassembler")]
            piton::mpy::disassembly::add_instructions(&mut listing, &module);
            if ctx.ui.json() {
                ctx.ui.json_line(&listing)?;
            } else {
                ctx.ui.text(&listing.to_string())?;
            }
            return Ok(());
        }
        Err(error) => error,
    };
    let is_old = |outline: &Outline| {
        outline.version < FORMER_VERSION
            || outline.version == FORMER_VERSION && outline.arch_number() != 0
    };
    let Some(outline) = Outline::of(bytes).filter(is_old) else {
        return Err(mpy_error(path, error));
    };
    if ctx.ui.json() {
        ctx.ui.json_line(&outline)?;
    } else {
        ctx.ui.text(&format!("{outline}\n"))?;
    }
    Ok(())
}

/// Prints the dump of a file. A damaged file is dumped up to the damage; the error follows.
fn show_bytes(path: &Path, bytes: &[u8], ctx: &Context) -> Result<(), CommandError> {
    let dump = hexdump(bytes);
    if ctx.ui.json() {
        ctx.ui.json_line(&dump)?;
    } else {
        ctx.ui.text(&dump.to_string())?;
    }
    parse(path, bytes).map(|_| ())
}

fn join(files: &[PathBuf], output: &Path) -> Result<(), CommandError> {
    let modules = files
        .iter()
        .map(|path| parse(path, &local_file::read(path)?))
        .collect::<Result<Vec<Module>, CommandError>>()?;
    let joined = merge::merge(&modules)
        .and_then(|module| writer::write(&module))
        .map_err(|source| mpy_error(output, source))?;
    local_file::write(output, &joined)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Module, CommandError> {
    reader::read(bytes).map_err(|source| mpy_error(path, source))
}

fn mpy_error(path: &Path, source: piton::mpy::error::Error) -> CommandError {
    CommandError::Mpy {
        path: path.display().to_string(),
        source,
    }
}
