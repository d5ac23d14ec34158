//! Files of this computer that a command reads or writes whole: the error names the path.

use std::io;
use std::path::Path;

use piton::host_file;

use crate::error::{CommandError, FileError};

/// Reads a file.
///
/// # Errors
///
/// [`FileError::Read`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|source| not_read(path, source))
}

/// Writes a file beside `path` and renames it into place.
///
/// # Errors
///
/// [`FileError::Write`].
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    host_file::write(path, content).map_err(|source| not_written(path, source))
}

/// Returns the error for a file that cannot be read.
pub(crate) fn not_read(path: &Path, source: io::Error) -> CommandError {
    CommandError::from(FileError::Read {
        path: path.display().to_string(),
        source,
    })
}

/// Returns the error for a file that cannot be written.
pub(crate) fn not_written(path: &Path, source: io::Error) -> CommandError {
    CommandError::from(FileError::Write {
        path: path.display().to_string(),
        source,
    })
}
