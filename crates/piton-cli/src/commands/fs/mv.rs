//! `fs mv`: rename and move files and folders of the board. mpremote has no such command.

use piton::error::FsError;

use super::cp::{base_name, join, without_end_slashes};
use super::{Files, content, refused, step};
use crate::error::CommandError;

/// MicroPython's number for "invalid argument".
const EINVAL: i32 = 22;

/// MicroPython's number for "cross-device link".
const EXDEV: i32 = 18;

pub(super) fn run(files: &mut Files<'_, '_, '_>) -> Result<(), CommandError> {
    let args = files.args;
    let Some((destination, sources)) = files
        .paths
        .split_last()
        .filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(does_not_fit("missing destination path"));
    };
    let destination = on_board(destination);
    let target = without_end_slashes(destination);
    let target_path = files.board_path(target)?;
    let is_folder = files
        .remote
        .is_dir(&target_path, step())
        .map_err(|error| files.refused(&target_path, error))?;
    if !is_folder && (sources.len() > 1 || target != destination) {
        return Err(does_not_fit("destination is not a directory"));
    }
    for source in sources {
        let source = without_end_slashes(on_board(source));
        if !args.no_verbose {
            files.ui.step(&format!("mv :{source} :{destination}"))?;
        }
        let target = if is_folder {
            join(target, base_name(&format!(":{source}")))
        } else {
            target.to_owned()
        };
        rename(files, source, &target)?;
    }
    Ok(())
}

fn rename(files: &mut Files<'_, '_, '_>, source: &str, target: &str) -> Result<(), CommandError> {
    let source_path = files.board_path(source)?;
    // The `./` is for the eye: a board without folders would take it for a part of the name.
    let target_path = files.board_path(target.strip_prefix("./").unwrap_or(target))?;
    match files.remote.rename(&source_path, &target_path, content()) {
        Err(error @ FsError::NotFound { .. }) => {
            // Of the two, the source may be there: then the folder to move it to is not.
            match files.remote.exists(&source_path, step()) {
                Ok(true) => Err(refused("mv", target, error)),
                _ => Err(files.refused(&source_path, error)),
            }
        }
        Err(error) => {
            let hint = match error.os_error_number() {
                Some(EINVAL) => Some("nothing is moved onto itself, and no folder into itself"),
                Some(EXDEV) => {
                    Some("a folder does not move to another file system: use `cp -r`, then `rm -r`")
                }
                _ => None,
            };
            let mut error = files.refused(&source_path, error);
            if let (CommandError::File { detail, .. }, Some(hint)) = (&mut error, hint) {
                *detail = Some(hint.to_owned());
            }
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

/// All paths are the board's: its `:` may be left out.
fn on_board(path: &str) -> &str {
    path.strip_prefix(':').unwrap_or(path)
}

fn does_not_fit(problem: &'static str) -> CommandError {
    CommandError::Refused {
        command: "mv",
        problem,
    }
}
