//! `fs ls`: lists a folder, in the board's order.

use piton::error::FsError;
use piton::fs::listing::{DirEntry, Kind};
use piton::path::BoardPath;

use super::files::{Files, step};
use super::tree::human_size;
use crate::error::CommandError;

pub(super) fn run(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    let entries = match files.remote.list(path, files.sizes, step()) {
        Ok(entries) => entries,
        // In mpremote, listing a file is an error. A pattern matches files more often than folders.
        Err(FsError::NotADirectory { .. }) if files.compatibility.extended_files => {
            vec![file(files, path)?]
        }
        Err(error) => return Err(files.refused(path, error)),
    };
    if files.ui.json() {
        return files.ui.json_line(&entries);
    }
    for entry in entries {
        let slash = match entry.kind {
            Kind::Directory => "/",
            Kind::File => "",
        };
        let size = entry.size.unwrap_or(0);
        let size = match files.args.human && files.compatibility.extended_files {
            true => human_size(size),
            false => size.to_string(),
        };
        files
            .ui
            .line(&format!("{size:>12} {}{slash}", entry.name))?;
    }
    Ok(())
}

/// Returns the entry of a file, with its whole path as its name.
fn file(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<DirEntry, CommandError> {
    let metadata = files.remote.stat(path, step());
    let metadata = metadata.map_err(|error| files.refused(path, error))?;
    Ok(DirEntry {
        name: path.to_string(),
        kind: metadata.kind,
        size: Some(metadata.size),
    })
}
