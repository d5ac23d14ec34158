//! `fs rm`: removes a file, or with `-r` a folder and everything in it.

use piton::error::FsError;
use piton::fs::listing::{Kind, Sizes, in_board_order};
use piton::path::BoardPath;

use super::files::{Files, step};
use super::refused::error_text;
use crate::error::{CommandError, FileError};

/// MicroPython's number for "invalid argument": the answer when a mount point is removed.
const EINVAL: i32 = 22;

/// The name of the mounted folder of this computer in the board's root. It is never removed: it holds the user's work.
const MOUNTED: &str = "remote";

pub(super) fn run(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    if files.args.recursive {
        return run_recursive(files, path);
    }
    match files.remote.remove_file(path, step()) {
        Err(FsError::NotFound { .. }) if files.forgives_missing() => Ok(()),
        removed => removed.map_err(|error| files.refused(path, error)),
    }
}

fn run_recursive(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    let absolute = files.current.as_ref().map(|current| current.join(path));
    let names = absolute.as_ref().map(BoardPath::resolved);
    if names.as_ref().and_then(|names| names.first()) == Some(&MOUNTED) {
        return Err(FileError::MountedFolder.into());
    }
    // It is not removed as a part of the root either.
    let holds_mount = names.is_some_and(|names| names.is_empty());
    let is_dir = files
        .remote
        .is_dir(path, step())
        .map_err(|error| files.refused(path, error))?;
    if !is_dir {
        return remove_file(files, path, "");
    }
    let entries = files
        .remote
        .tree(path, Sizes::AsListed, step())
        .map_err(|error| files.refused(path, error))?;
    let mut entries = in_board_order(entries);
    if holds_mount {
        entries.retain(|entry| entry.path.resolved().first() != Some(&MOUNTED));
        say(files, "skipped: '/remote' (vfs mountpoint)")?;
    }
    // mpremote shows paths in the current folder with `./`.
    let prefix = if path.is_empty() { "./" } else { "" };
    // Folders with entries still to remove, outermost first.
    let mut open = Vec::new();
    for entry in &entries {
        close_folders(files, &mut open, entry.depth, prefix)?;
        let below = path.join(&entry.path);
        match entry.kind {
            Kind::File => remove_file(files, &below, prefix)?,
            Kind::Directory => open.push(below),
        }
    }
    close_folders(files, &mut open, 0, prefix)?;
    // The board's current folder itself is not removed.
    if path.is_empty() {
        return Ok(());
    }
    remove_dir(files, path, "")
}

/// Removes the folders whose entries are all removed, down to `depth`.
fn close_folders(
    files: &mut Files<'_, '_, '_>,
    open: &mut Vec<BoardPath>,
    depth: usize,
    prefix: &str,
) -> Result<(), CommandError> {
    while open.len() > depth
        && let Some(folder) = open.pop()
    {
        remove_dir(files, &folder, prefix)?;
    }
    Ok(())
}

fn remove_file(
    files: &mut Files<'_, '_, '_>,
    path: &BoardPath,
    prefix: &str,
) -> Result<(), CommandError> {
    match files.remote.remove_file(path, step()) {
        Err(FsError::NotFound { .. }) if files.forgives_missing() => return Ok(()),
        removed => removed.map_err(|error| files.refused(path, error))?,
    }
    say(files, &format!("removed: '{prefix}{path}'"))
}

fn remove_dir(
    files: &mut Files<'_, '_, '_>,
    path: &BoardPath,
    prefix: &str,
) -> Result<(), CommandError> {
    match files.remote.remove_dir(path, step()) {
        Ok(()) => say(files, &format!("removed directory: '{prefix}{path}'")),
        Err(FsError::Os { error, .. }) if error.number == EINVAL => say(
            files,
            &format!("skipped: '{prefix}{path}' (vfs mountpoint)"),
        ),
        Err(error) => match error.os_error_number() {
            Some(number) => Err(FileError::CannotRemove {
                path: path.to_string(),
                reason: error_text(number),
            }
            .into()),
            None => Err(files.refused(path, error)),
        },
    }
}

/// Prints a line that mpremote prints only with `-v`.
fn say(files: &Files<'_, '_, '_>, text: &str) -> Result<(), CommandError> {
    if files.args.verbose {
        files.ui.step(text)
    } else {
        Ok(())
    }
}
