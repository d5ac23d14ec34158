//! `fs mv`: renames and moves files and folders of the board. mpremote has no such command.

use piton::error::FsError;
use piton::path::BoardPath;

use super::files::{Files, content, step};
use super::missing::not_written;
use super::paths::board_paths;
use crate::error::{CommandError, FileError};

/// MicroPython's number for "invalid argument": the answer when a path is moved onto itself, or a folder into itself.
const EINVAL: i32 = 22;

/// MicroPython's number for "cross-device link": the answer when the two paths are on different file systems.
const EXDEV: i32 = 18;

pub(super) fn run(files: &mut Files<'_, '_, '_>) -> Result<(), CommandError> {
    let args = files.args;
    let paths = board_paths(files)?;
    let Some((destination, sources)) = paths.split_last().filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(does_not_fit("missing destination path"));
    };
    let target = without_end_slashes(destination);
    let is_folder = files
        .remote
        .is_dir(&target, step())
        .map_err(|error| files.refused(&target, error))?;
    if !is_folder && (sources.len() > 1 || target != *destination) {
        return Err(does_not_fit("destination is not a directory"));
    }
    for source in sources {
        let source = without_end_slashes(source);
        if !args.no_verbose {
            files.ui.step(&format!("mv :{source} :{destination}"))?;
        }
        let name = source.file_name().and_then(|name| name.parse().ok());
        let target = match name.filter(|_| is_folder) {
            Some(name) => target.join(&name),
            None => target.clone(),
        };
        rename(files, &source, &target)?;
    }
    Ok(())
}

fn rename(
    files: &mut Files<'_, '_, '_>,
    source: &BoardPath,
    target: &BoardPath,
) -> Result<(), CommandError> {
    // A board without folders (micro:bit) treats a leading `./` as a part of the name.
    let rest = target.as_str().strip_prefix("./");
    let target = rest
        .and_then(|rest| rest.parse().ok())
        .unwrap_or_else(|| target.clone());
    match files.remote.rename(source, &target, content()) {
        // The board's `ENOENT` does not name a path. If the source exists, the destination's folder does not.
        Err(error @ FsError::NotFound { .. }) => match files.remote.exists(source, step()) {
            Ok(true) => Err(not_written(files, &target, error)),
            _ => Err(files.refused(source, error)),
        },
        Err(error) => {
            let hint = match error.os_error_number() {
                Some(EINVAL) => Some("nothing is moved onto itself, and no folder into itself"),
                Some(EXDEV) => {
                    Some("a folder does not move to another file system: use `cp -r`, then `rm -r`")
                }
                _ => None,
            };
            let error = files.refused(source, error);
            Err(error.with_detail(hint.map(ToOwned::to_owned)))
        }
        Ok(()) => Ok(()),
    }
}

/// Returns the path without the slashes at its end; the root stays the root.
fn without_end_slashes(path: &BoardPath) -> BoardPath {
    match path.as_str().trim_end_matches('/') {
        "" if !path.is_empty() => BoardPath::root(),
        // A part of a path without NUL has none.
        trimmed => trimmed.parse().unwrap_or_else(|_| path.clone()),
    }
}

fn does_not_fit(problem: &'static str) -> CommandError {
    CommandError::from(FileError::Arguments {
        command: "mv",
        problem,
    })
}
