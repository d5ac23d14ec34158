//! What to say of a destination whose folder is not there: the board's answer is the same as for a missing file.

use std::path::Path;

use super::cp::without_end_slashes;
use super::{ENOENT, Files, error_text, step};
use crate::error::CommandError;
use crate::suggest::quoted;

/// The same error; if it is that the folder of what was to be written is not there, with a hint that says so.
pub(super) fn name_missing_folder(
    files: &mut Files<'_, '_, '_>,
    error: CommandError,
) -> CommandError {
    if !files.compatibility.extended_files {
        return error;
    }
    let Some(destination) = files.paths.last() else {
        return error;
    };
    match error {
        CommandError::File {
            command,
            path,
            reason,
            detail: None,
        } if reason == error_text(ENOENT) => {
            let detail = missing_parent(files, &command, &path, destination);
            CommandError::File {
                command,
                path,
                reason,
                detail,
            }
        }
        // Several sources, or a slash at the end: the destination itself is the folder.
        CommandError::Refused { command, .. } if command == "cp" => {
            match missing_destination(files, destination) {
                Some(hint) => CommandError::File {
                    command: command.to_owned(),
                    path: destination.clone(),
                    reason: error_text(ENOENT),
                    detail: Some(hint),
                },
                None => error,
            }
        }
        error => error,
    }
}

/// What is said when the folder of `path`, which was to be written, is not there.
fn missing_parent(
    files: &mut Files<'_, '_, '_>,
    command: &str,
    path: &str,
    destination: &str,
) -> Option<String> {
    let is_written = match command {
        "cp" => {
            let plain = without_end_slashes(destination.trim_start_matches(':'));
            !plain.is_empty() && path.trim_start_matches(':').starts_with(plain)
        }
        "mv" => path == destination.trim_start_matches(':'),
        "mkdir" | "touch" => true,
        _ => false,
    };
    if !is_written {
        return None;
    }
    let is_local = command == "cp" && !destination.starts_with(':');
    if is_local {
        let folder = Path::new(path).parent()?;
        let is_missing = !folder.as_os_str().is_empty() && !folder.exists();
        return is_missing.then(|| local_hint(&folder.display().to_string()));
    }
    let folder = files
        .board_path(path.trim_start_matches(':'))
        .ok()?
        .parent()?;
    if folder.is_empty() || files.remote.exists(&folder, step()).ok()? {
        return None;
    }
    Some(board_hint(folder.as_str()))
}

/// What is said when the destination, which must be a folder, is not there at all.
fn missing_destination(files: &mut Files<'_, '_, '_>, destination: &str) -> Option<String> {
    let plain = without_end_slashes(destination);
    let Some(path) = plain.strip_prefix(':') else {
        return (!Path::new(plain).exists()).then(|| local_hint(plain));
    };
    let folder = files.board_path(path).ok()?;
    match files.remote.exists(&folder, step()) {
        Ok(false) => Some(board_hint(path)),
        _ => None,
    }
}

fn board_hint(folder: &str) -> String {
    let shown = quoted(&format!(":{folder}"));
    format!("the folder {shown} is not there: `piton mkdir -p {shown}` makes it")
}

fn local_hint(folder: &str) -> String {
    format!("there is no folder `{folder}` on this computer: make it first")
}
