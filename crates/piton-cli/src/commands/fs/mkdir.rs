//! `fs mkdir -p`: makes a folder with its parents. mpremote has no such option.

use piton::error::FsError;
use piton::fs::listing::Kind;
use piton::path::BoardPath;

use super::files::{Files, step};
use super::missing::not_written;
use crate::error::{CommandError, FileError};

/// Makes a folder and those above it, unless they exist.
pub(super) fn run(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    let mut missing = Vec::new();
    let mut folder = Some(path.clone());
    while let Some(path) = folder.filter(|path| !path.is_empty() && path.as_str() != "/") {
        match files.remote.stat(&path, step()) {
            Ok(found) if found.kind == Kind::Directory => break,
            Ok(_) => {
                return Err(FileError::NotADirectory {
                    command: "mkdir",
                    path: path.to_string(),
                }
                .into());
            }
            Err(FsError::NotFound { .. }) => {}
            // A parent of this path is a file: the next turn of the loop finds it.
            Err(FsError::NotADirectory { .. }) => {}
            Err(error) => return Err(files.refused(&path, error)),
        }
        folder = path.parent();
        missing.push(path);
    }
    for path in missing.iter().rev() {
        let made = files.remote.make_dir(path, step());
        made.map_err(|error| not_written(files, path, error))?;
    }
    Ok(())
}
