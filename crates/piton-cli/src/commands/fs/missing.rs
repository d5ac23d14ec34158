//! Hints about a destination whose folder does not exist. The board's answer does not say that: it is `ENOENT`, as for
//! a missing file.

use std::io;
use std::path::Path;

use piton::copy::Place;
use piton::error::FsError;
use piton::path::BoardPath;

use super::files::{Files, step};
use super::refused::refused;
use crate::error::CommandError;
use crate::suggest::quoted;

/// Returns the error for a path that could not be written or made. If its folder does not exist, a hint says so.
pub(super) fn not_written(
    files: &mut Files<'_, '_, '_>,
    path: &BoardPath,
    error: FsError,
) -> CommandError {
    let hint = match &error {
        FsError::NotFound { .. } => hint_for_board(files, path),
        _ => None,
    };
    refused(&files.args.command, path.as_str(), error).with_detail(hint)
}

/// Returns the hint for a file of the board that could not be written, if its folder does not exist.
pub(super) fn hint_for_board(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Option<String> {
    if !files.compatibility.extended_files {
        return None;
    }
    missing_on_board(files, &path.parent()?)
}

/// Returns the hint for a file of this computer that could not be written, if its folder does not exist.
pub(super) fn hint_for_host(
    files: &Files<'_, '_, '_>,
    path: &Path,
    error: &io::Error,
) -> Option<String> {
    if !files.compatibility.extended_files || error.kind() != io::ErrorKind::NotFound {
        return None;
    }
    missing_on_host(path.parent()?)
}

/// Returns the hint for a destination that has to be a folder, if it does not exist.
pub(super) fn hint_for_destination(
    files: &mut Files<'_, '_, '_>,
    destination: &Place,
) -> Option<String> {
    match destination {
        _ if !files.compatibility.extended_files => None,
        Place::Board(path) => match path.as_str().trim_end_matches('/') {
            "" => None,
            trimmed => missing_on_board(files, &trimmed.parse().ok()?),
        },
        Place::Host(path) => missing_on_host(path),
    }
}

fn missing_on_board(files: &mut Files<'_, '_, '_>, folder: &BoardPath) -> Option<String> {
    // A name without a folder is in the current folder, which always exists.
    if folder.is_empty() || files.remote.exists(folder, step()).ok()? {
        return None;
    }
    let shown = quoted(&format!(":{folder}"));
    Some(format!(
        "the folder {shown} is not there: `piton mkdir -p {shown}` makes it"
    ))
}

fn missing_on_host(folder: &Path) -> Option<String> {
    let is_missing = !folder.as_os_str().is_empty() && !folder.exists();
    is_missing.then(|| {
        format!(
            "there is no folder `{}` on this computer: make it first",
            folder.display()
        )
    })
}
