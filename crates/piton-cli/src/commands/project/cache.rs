//! `cache`: what was fetched for projects, and removing it.

use piton::workspace::cache::{clear, folder, items};
use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, FileError};
use crate::local_file;

/// Arguments of `cache`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `clear` everything
    #[arg(short, long)]
    all: bool,
    /// Only print what would be removed
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// `info` prints where the cache is and how large, `list` what is in it, `clear` removes entries
    #[arg(value_enum)]
    command: What,
    /// How the names of the entries to clear begin
    #[arg(conflicts_with = "all")]
    prefix: Option<String>,
}

/// What to do with the cache.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    Info,
    List,
    Clear,
}

/// What `cache info --json` prints.
#[derive(Serialize)]
struct Info {
    location: String,
    elements: usize,
    bytes: u64,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let ui = &ctx.ui;
    let folder = folder().map_err(|error| {
        local_file::not_read("the cache".as_ref(), std::io::Error::other(error))
    })?;
    let failed = |source| local_file::not_read(&folder, source);
    match args.command {
        What::Info => {
            let items = items(&folder).map_err(failed)?;
            let info = Info {
                location: folder.display().to_string(),
                elements: items.len(),
                bytes: items.iter().map(|item| item.bytes).sum(),
            };
            if ui.json() {
                return ui.json_line(&info);
            }
            ui.line(&format!("Location: {}", info.location))?;
            ui.line(&format!("Elements: {}", info.elements))?;
            ui.line(&format!("Total Size: {} bytes", info.bytes))
        }
        What::List => {
            let items = items(&folder).map_err(failed)?;
            if ui.json() {
                return ui.json_line(&items);
            }
            items.iter().try_for_each(|item| ui.line(&item.name))
        }
        What::Clear => {
            let prefix = match &args.prefix {
                Some(prefix) => prefix.as_str(),
                None if args.all => "",
                None => {
                    return Err(CommandError::from(FileError::Arguments {
                        command: "cache clear",
                        problem: "name the beginning of the entries, or put `--all` before `clear`",
                    }));
                }
            };
            let removed = clear(&folder, prefix, args.dry_run).map_err(failed)?;
            if ui.json() {
                return ui.json_line(&removed);
            }
            for item in &removed {
                ui.step(&format!("removed {} ({} bytes)", item.name, item.bytes))?;
            }
            Ok(())
        }
    }
}
