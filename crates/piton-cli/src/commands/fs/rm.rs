//! `fs rm -r`: remove a folder and all that is in it.

use piton::error::FsError;
use piton::fs::listing::{Kind, Sizes};
use piton::fs::path::BoardPath;

use super::{Files, error_text, step};
use crate::error::CommandError;

/// MicroPython's number for "invalid argument": what removing a mount point gets.
const EINVAL: i32 = 22;

pub(super) fn run_recursive(
    files: &mut Files<'_, '_, '_>,
    path: &BoardPath,
) -> Result<(), CommandError> {
    let is_dir = files
        .remote
        .is_dir(path, step())
        .map_err(|error| files.refused(path, error))?;
    if !is_dir {
        return remove_file(files, path);
    }
    let entries = files
        .remote
        .tree(path, Sizes::AsListed, step())
        .map_err(|error| files.refused(path, error))?;
    // Folders whose entries are being removed, outermost first.
    let mut open = Vec::new();
    for entry in &entries {
        close_folders(files, &mut open, entry.depth)?;
        let below = path.join(&entry.path);
        match entry.kind {
            Kind::File => remove_file(files, &below)?,
            Kind::Directory => open.push(below),
        }
    }
    close_folders(files, &mut open, 0)?;
    // The board's current folder stays.
    if path.is_empty() {
        return Ok(());
    }
    remove_dir(files, path)
}

/// Remove the folders that nothing more is in, down to `depth`.
fn close_folders(
    files: &mut Files<'_, '_, '_>,
    open: &mut Vec<BoardPath>,
    depth: usize,
) -> Result<(), CommandError> {
    while open.len() > depth
        && let Some(folder) = open.pop()
    {
        remove_dir(files, &folder)?;
    }
    Ok(())
}

fn remove_file(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    files
        .remote
        .remove_file(path, step())
        .map_err(|error| files.refused(path, error))?;
    say(files, &format!("removed: '{path}'"))
}

fn remove_dir(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    match files.remote.remove_dir(path, step()) {
        Ok(()) => say(files, &format!("removed directory: '{path}'")),
        Err(FsError::Os { error, .. }) if error.number == EINVAL => {
            say(files, &format!("skipped: '{path}' (vfs mountpoint)"))
        }
        Err(error) => match error.os_error_number() {
            Some(number) => Err(CommandError::CannotRemove {
                path: path.to_string(),
                reason: error_text(number),
            }),
            None => Err(files.refused(path, error)),
        },
    }
}

/// What mpremote says only when asked to.
fn say(files: &Files<'_, '_, '_>, text: &str) -> Result<(), CommandError> {
    if files.args.verbose {
        files.ui.step(text)
    } else {
        Ok(())
    }
}
