//! `vendor` and `clean`: the files of the project's packages in folders of this computer.

use std::path::{Path, PathBuf};

use piton::workspace::Selection;
use serde::Serialize;

use super::open;
use crate::context::Context;
use crate::error::CommandError;
use crate::local_file;

/// Arguments of `vendor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also take this optional group; may be repeated
    #[arg(long, value_name = "GROUP", action = clap::ArgAction::Append)]
    with: Vec<String>,
    /// Leave this group out; may be repeated
    #[arg(long, value_name = "GROUP", action = clap::ArgAction::Append)]
    without: Vec<String>,
    /// Only print what would be written
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// The folder; other files in it stay
    folder: PathBuf,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Vendored {
    folder: String,
    files: Vec<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let selection = Selection {
        with: args.with.clone(),
        without: args.without.clone(),
    };
    let image = open()?.image(&selection)?;
    let mut files = Vec::new();
    for file in &image.files {
        let path = args.folder.join(file.path.to_path());
        if !args.dry_run {
            let parent = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(parent)
                .map_err(|source| local_file::not_written(parent, source))?;
            local_file::write(&path, &file.content)?;
        }
        ctx.ui.step(&path.display().to_string())?;
        files.push(file.path.to_string());
    }
    match ctx.ui.json() {
        true => ctx.ui.json_line(&Vendored {
            folder: args.folder.display().to_string(),
            files,
        }),
        false => Ok(()),
    }
}

/// Arguments of `clean`.
#[derive(Debug, clap::Args)]
pub(crate) struct CleanArgs {
    /// Only print what would be removed
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub(super) fn clean(args: &CleanArgs, ctx: &mut Context) -> Result<(), CommandError> {
    let removed = open()?.clean(args.dry_run)?;
    if ctx.ui.json() {
        return ctx.ui.json_line(&removed);
    }
    for path in &removed {
        ctx.ui.step(&format!("removed {path}"))?;
    }
    Ok(())
}
