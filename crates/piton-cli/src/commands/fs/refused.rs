//! The errors of the file commands, in the words of the C library, as in mpremote.

use std::io;
use std::path::Path;

use piton::error::FsError;
use piton::fs::listing::Sizes;
use piton::path::BoardPath;

use super::files::{Files, step};
use crate::error::{CommandError, FileError};
use crate::suggest::{did_you_mean, nearest};

/// The C library's number for "No such file or directory".
pub(super) const ENOENT: i32 = 2;

impl Files<'_, '_, '_> {
    /// Returns the error for the board's answer about `path`. For a missing file the board is asked for a similar name.
    pub(super) fn refused(&mut self, path: &BoardPath, error: FsError) -> CommandError {
        let is_missing = matches!(error, FsError::NotFound { .. });
        let error = refused(&self.args.command, path.as_str(), error);
        let hint = match is_missing {
            true => self.similar(path).map(|name| did_you_mean(&name)),
            false => None,
        };
        error.with_detail(hint)
    }

    /// Returns the path in the same folder whose name is nearest to that of `path`.
    fn similar(&mut self, path: &BoardPath) -> Option<String> {
        let folder = path.parent()?;
        let entries = self.remote.list(&folder, Sizes::AsListed, step()).ok()?;
        let name = nearest(path.file_name()?, entries.iter().map(|entry| &entry.name))?;
        Some(folder.join(&name.parse().ok()?).to_string())
    }
}

/// Returns the error for the board's answer about `path`, in mpremote's words if it has the message.
pub(in crate::commands) fn refused(command: &str, path: &str, error: FsError) -> CommandError {
    if let Some(number) = error.os_error_number() {
        let detail = match &error {
            FsError::NoSpace { .. } | FsError::Torn { .. } => Some(error.to_string()),
            _ => None,
        };
        return CommandError::from(FileError::Failed {
            command: command.to_owned(),
            path: path.to_owned(),
            reason: error_text(number),
            detail,
        });
    }
    error.into()
}

impl CommandError {
    /// Adds a hint to the error, if there is one and the error takes it.
    pub(super) fn with_detail(mut self, hint: Option<String>) -> CommandError {
        if let (CommandError::File(FileError::Failed { detail, .. }), Some(hint)) =
            (&mut self, hint)
        {
            *detail = Some(hint);
        }
        self
    }
}

/// Returns the C library's sentence for an error number. MicroPython's numbers are Linux'; elsewhere they agree as far
/// as files go.
pub(super) fn error_text(number: i32) -> String {
    let text = io::Error::from_raw_os_error(number).to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// Returns the error for this computer's answer about `path`, in the words of the board's.
pub(super) fn local_error(command: &str, path: &str, error: &io::Error) -> CommandError {
    let text = error.to_string();
    let reason = text
        .split_once(" (os error")
        .map_or(text.as_str(), |(text, _)| text);
    let detail = match error.kind() {
        io::ErrorKind::NotFound => similar_file(Path::new(path)),
        _ => None,
    };
    CommandError::from(FileError::Failed {
        command: command.to_owned(),
        path: path.to_owned(),
        reason: reason.to_owned(),
        detail: detail.map(|name| did_you_mean(&name)),
    })
}

/// Returns the file in the same folder of this computer whose name is nearest to that of `path`.
fn similar_file(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let readable = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let names = std::fs::read_dir(readable)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = nearest(path.file_name()?.to_str()?, names)?;
    Some(folder.join(name).display().to_string())
}
