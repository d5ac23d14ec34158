//! `cp` of one file to the board: one exchange that looks, and writes too where the file is small.

use std::fs;

use piton::fs::hash::HashAlgorithm;
use piton::fs::put::LONGEST_PUT;
use piton::path::BoardPath;

use super::{Found, Place, Target, base_name, recursive};
use crate::commands::fs::{Files, content, step};
use crate::error::CommandError;

/// Up to this size a file is read twice, for its hash; above it, the board's look at everything says more.
const LARGEST: u64 = 16 << 20;

/// What became of it.
pub(super) enum Outcome {
    /// It is copied, or was there.
    Done,
    /// It is still to be copied; whether the board has it already, if that is known.
    Unchanged(Option<bool>),
}

/// A file on its way to one place.
struct Single<'a> {
    local: &'a str,
    size: u64,
    /// The destination, and the file's place if that is a folder, as they show in messages.
    plain: &'a str,
    below: String,
    /// The same as paths.
    path: BoardPath,
    inside: BoardPath,
    /// The destination can only be a folder.
    is_folder: bool,
}

/// Copy it, or find out what the copy needs. What is not a file here and a path on the board is left alone.
pub(super) fn copy(
    files: &mut Files<'_, '_, '_>,
    source: &str,
    target: &mut Target<'_>,
) -> Result<Outcome, CommandError> {
    let Some(single) = settle(files, source, target)? else {
        return Ok(Outcome::Unchanged(None));
    };
    if single.size <= LONGEST_PUT as u64 && write(files, source, target, &single)? {
        return Ok(Outcome::Done);
    }
    let peek = files
        .remote
        .peek(&single.path, &single.inside, single.size, step());
    let Ok(Some(peek)) = peek else {
        // What is the matter shows on the long way.
        return Ok(Outcome::Unchanged(None));
    };
    target.found = Some(match single.is_folder || peek.in_folder {
        true => Found::Folder,
        // A file that is there is replaced, and one that is not is made.
        false => Found::File,
    });
    let digest = peek.digest.filter(|_| !files.args.force);
    let is_same = digest.is_some_and(|digest| {
        fs::read(single.local).is_ok_and(|content| HashAlgorithm::Sha256.digest(&content) == digest)
    });
    Ok(Outcome::Unchanged(Some(is_same)))
}

fn settle<'a>(
    files: &Files<'_, '_, '_>,
    source: &'a str,
    target: &Target<'a>,
) -> Result<Option<Single<'a>>, CommandError> {
    let (Place::Local(local), Place::Board(plain)) =
        (Place::parse(source), Place::parse(target.plain()))
    else {
        return Ok(None);
    };
    let is_folder = matches!(plain, "" | "/");
    // With a slash at its end the destination must be a folder.
    let must_be_folder = target.plain() != target.path && !is_folder;
    let metadata = fs::metadata(local).ok();
    let metadata = metadata.filter(|metadata| metadata.is_file() && metadata.len() <= LARGEST);
    let Some(metadata) = metadata.filter(|_| !files.args.recursive && !must_be_folder) else {
        return Ok(None);
    };
    let below = recursive::below(target.plain(), &[base_name(source).to_owned()]);
    let below = below.trim_start_matches(':').to_owned();
    let inside = board_path(files, &below)?;
    let path = match is_folder {
        true => inside.clone(),
        false => board_path(files, plain)?,
    };
    Ok(Some(Single {
        local,
        size: metadata.len(),
        plain,
        below,
        path,
        inside,
        is_folder,
    }))
}

/// Write a small file; false where the board needs the long way. Then nothing was done or said.
fn write(
    files: &mut Files<'_, '_, '_>,
    source: &str,
    target: &Target<'_>,
    single: &Single<'_>,
) -> Result<bool, CommandError> {
    let Ok(bytes) = fs::read(single.local) else {
        return Ok(false);
    };
    let force = files.args.force;
    let put = files
        .remote
        .put(&single.path, &single.inside, &bytes, force, content());
    if matches!(put, Ok(None)) {
        return Ok(false);
    }
    if !files.args.no_verbose {
        files.ui.step(&format!("cp {source} {}", target.path))?;
    }
    let shown = |in_folder: bool| match in_folder || single.is_folder {
        true => single.below.as_str(),
        false => single.plain,
    };
    match put {
        Ok(Some(put)) if put.unchanged => {
            let shown = shown(put.in_folder);
            files.ui.step(&format!("Up to date: {shown}"))?;
        }
        Ok(_) => {}
        Err(error) => return Err(super::super::refused("cp", shown(false), error)),
    }
    Ok(true)
}

/// mpremote's `./` is for the eye: a board without folders would take it for a part of the name.
fn board_path(files: &Files<'_, '_, '_>, shown: &str) -> Result<BoardPath, CommandError> {
    files.board_path(shown.strip_prefix("./").unwrap_or(shown))
}
