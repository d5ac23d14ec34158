//! `romfs`: images of the read-only file system that a board mounts at `/rom`.

use std::path::Path;

use piton::romfs::{Content, Entry, build, compile_sources, read_folder};

use crate::args::Face;
use crate::args::chain::UsageError;
use crate::context::Context;
use crate::error::CommandError;

/// Arguments of `romfs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compile `.py` files to `.mpy` (default)
    #[arg(short, long, conflicts_with = "no_mpy")]
    mpy: bool,
    /// Take `.py` files as they are
    #[arg(long)]
    pub(crate) no_mpy: bool,
    /// The image file (default: the folder's name and `.romfs`)
    #[arg(short, long)]
    pub(crate) output: Option<String>,
    /// `build`: make an image file of a folder
    pub(crate) command: String,
    /// The folder
    pub(crate) path: Option<String>,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    if args.command != "build" {
        return Err(CommandError::Usage(UsageError::NotARomfsCommand {
            word: args.command.clone(),
        }));
    }
    let Some(path) = &args.path else {
        return Err(CommandError::Refused {
            command: "romfs build",
            problem: "source path not given",
        });
    };
    let image = make(path, !args.no_mpy, ctx)?;
    let output = match &args.output {
        Some(output) => output.clone(),
        None => format!("{}.romfs", stem(path, ctx.face)),
    };
    ctx.ui.step(&format!(
        "Writing {} bytes to output file {output}",
        image.len()
    ))?;
    piton::host_file::write(Path::new(&output), &image).map_err(|source| CommandError::WriteFile {
        path: output,
        source,
    })
}

/// What the image file is called after. mpremote puts the image of `folder/` into the folder.
fn stem(path: &str, face: Face) -> &str {
    match path.trim_end_matches(std::path::is_separator) {
        "" => path,
        _ if face == Face::Mpremote => path,
        trimmed => trimmed,
    }
}

/// The image of a folder; what goes into it is told as mpremote does.
fn make(path: &str, mpy: bool, ctx: &Context) -> Result<Vec<u8>, CommandError> {
    let folder = if path.ends_with('/') {
        path.to_owned()
    } else {
        format!("{path}/")
    };
    ctx.ui.step(&format!(
        "Building romfs filesystem, source directory: {folder}"
    ))?;
    ctx.ui.step("/")?;
    let mut entries = read_folder(Path::new(&folder)).map_err(CommandError::RomfsFolder)?;
    if mpy {
        // Tracebacks on the board show the sources' paths as given here.
        compile_sources(&mut entries, &folder).map_err(CommandError::RomfsCompile)?;
    }
    draw(&entries, "", ctx)?;
    build(&entries).map_err(CommandError::RomfsBuild)
}

fn draw(entries: &[Entry], before: &str, ctx: &Context) -> Result<(), CommandError> {
    for (index, entry) in entries.iter().enumerate() {
        let (branch, below) = if index + 1 == entries.len() {
            ("\\--", "    ")
        } else {
            ("|--", "|   ")
        };
        match (&entry.content, &entry.compiled_from) {
            (Content::Folder(inside), _) => {
                ctx.ui.step(&format!("{before}{branch} {}/", entry.name))?;
                draw(inside, &format!("{before}{below}"), ctx)?;
            }
            (Content::File(_), Some(source)) => {
                ctx.ui.step(&format!("{before}{branch} {source} -> .mpy"))?;
            }
            (Content::File(_), None) => ctx.ui.step(&format!("{before}{branch} {}", entry.name))?,
        }
    }
    Ok(())
}
