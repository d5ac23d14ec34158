//! Makes the image of folders, or of what a manifest lists, for `romfs build` and `romfs deploy`.

use std::path::Path;

use piton::cache_folder::compiled_modules;
use piton::compiler::Options;
use piton::firmware::compiling::Compiling;
use piton::firmware::shipping::{Form, tree};
use piton::firmware::{Mode, lints};
use piton::patterns::Patterns;
use piton::romfs::{
    Content, Entry, ImageOptions, asks_for_machine_code, build_with, compile_sources, files, merge,
    read_folder,
};

use super::Args;
use crate::commands::manifest::{evaluate, warn};
use crate::context::Context;
use crate::error::{CommandError, FirmwareError, RomfsError};
use crate::firmware::{for_target, options_of};

/// How many of the largest files are named when an image is too large.
const LARGEST: usize = 5;

/// What says how machine code is compiled, if a source has any.
type NativeOptions<'a> = dyn Fn(&mut Context) -> Result<Options, CommandError> + 'a;

/// Makes an image, and shows its content as mpremote does.
pub(super) fn make(
    args: &Args,
    ctx: &mut Context,
    options: &NativeOptions<'_>,
) -> Result<Vec<u8>, CommandError> {
    let mut entries = match (&args.path, &args.manifest) {
        (Some(path), _) => folder(path, args, ctx, options)?,
        (None, Some(manifest)) => listed(manifest, args, ctx)?,
        (None, None) => Vec::new(),
    };
    if args.path.is_some()
        && let Some(manifest) = &args.manifest
    {
        merge(&mut entries, listed(manifest, args, ctx)?).map_err(RomfsError::Conflict)?;
    }
    for path in &args.add {
        let more = compiled(path, "", args, ctx, options)?;
        merge(&mut entries, more).map_err(RomfsError::Conflict)?;
    }
    draw(&entries, "", ctx)?;
    let layout = ImageOptions {
        share: args.share,
        alignment: args.align,
        hashes: args.hashes,
    };
    let image = build_with(&entries, &layout).map_err(RomfsError::Build)?;
    if let Some(room) = args.max_size {
        fits(&image, &entries, room)?;
    }
    Ok(image)
}

/// Checks that an image is no larger than `room` bytes.
pub(super) fn fits(image: &[u8], entries: &[Entry], room: u64) -> Result<(), CommandError> {
    let size = image.len() as u64;
    if size <= room {
        return Ok(());
    }
    let mut largest: Vec<(String, usize)> = files(entries)
        .into_iter()
        .map(|(path, content)| (path, content.len()))
        .collect();
    largest.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    largest.truncate(LARGEST);
    Err(RomfsError::TooLarge {
        size,
        room,
        largest,
    }
    .into())
}

/// Reads the folder that the image is named after.
fn folder(
    path: &str,
    args: &Args,
    ctx: &mut Context,
    options: &NativeOptions<'_>,
) -> Result<Vec<Entry>, CommandError> {
    let folder = if path.ends_with('/') {
        path.to_owned()
    } else {
        format!("{path}/")
    };
    ctx.ui.step(&format!(
        "Building romfs filesystem, source directory: {folder}"
    ))?;
    ctx.ui.step("/")?;
    // Tracebacks on the board show the sources' paths as they were given.
    let names = if args.relative { "" } else { folder.as_str() };
    compiled(&folder, names, args, ctx, options)
}

/// Reads a folder, and compiles its sources; `names` goes before their paths.
fn compiled(
    folder: &str,
    names: &str,
    args: &Args,
    ctx: &mut Context,
    options: &NativeOptions<'_>,
) -> Result<Vec<Entry>, CommandError> {
    let mut excluded = Patterns::new();
    for pattern in &args.exclude {
        excluded.add(pattern);
    }
    let mut entries = read_folder(Path::new(folder), &excluded).map_err(RomfsError::Folder)?;
    if !args.no_mpy {
        let options = match args.target {
            Some(target) => for_target(Options::new(""), Some(target)),
            None if asks_for_machine_code(&entries) => options(ctx)?,
            None => Options::new(""),
        };
        compile_sources(&mut entries, names, &options, compiled_modules().as_ref())
            .map_err(RomfsError::Compile)?;
    }
    Ok(entries)
}

/// Makes the files that a manifest lists.
fn listed(manifest: &str, args: &Args, ctx: &Context) -> Result<Vec<Entry>, CommandError> {
    let evaluation = evaluate(&args.manifests, Mode::Freeze, &[manifest.to_owned()], ctx)?;
    warn(&lints::lints(&evaluation), ctx);
    let cache = compiled_modules();
    let compiling = Compiling {
        options_of: &|name, path, level| {
            let options = options_of(name, path, level, &[])?;
            Ok(for_target(options, args.target))
        },
        cache: cache.as_ref(),
    };
    let form = match args.no_mpy {
        true => Form::Sources,
        false => Form::Compiled,
    };
    Ok(tree(&evaluation, form, compiling).map_err(FirmwareError::Ship)?)
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
