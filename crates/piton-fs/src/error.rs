//! Errors of a board's file system: one variant for each case that a caller can act on.

use piton_board::error::{Error as BoardError, ErrorKind};
use piton_board::exception::OsError;
use piton_path::BoardPath;

/// Why an operation on a board's files failed.
///
/// Unless the error is [`Error::Torn`], a file that was to be written is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No file or folder has this name; or, when writing, its folder does not exist.
    #[error("no such file or folder on the board: `{path}`")]
    NotFound {
        /// The path as requested.
        path: BoardPath,
    },
    /// A folder where a file is wanted.
    #[error("`{path}` on the board is a folder")]
    IsADirectory {
        /// The path as requested.
        path: BoardPath,
    },
    /// A file where a folder is wanted.
    #[error("`{path}` on the board is not a folder")]
    NotADirectory {
        /// The path as requested.
        path: BoardPath,
    },
    /// The name is taken.
    #[error("`{path}` exists on the board")]
    Exists {
        /// The path as requested.
        path: BoardPath,
    },
    /// The folder to remove has entries.
    #[error("folder `{path}` on the board is not empty")]
    NotEmpty {
        /// The path as requested.
        path: BoardPath,
    },
    /// The file system is full.
    #[error("no space for `{path}` on the board{}", Space(*needed, *free))]
    NoSpace {
        /// The path as requested.
        path: BoardPath,
        /// Size of the content to be written, in bytes. A file that is replaced keeps its space until the new one is
        /// complete.
        needed: Option<u64>,
        /// Free bytes, if the board can report them.
        free: Option<u64>,
    },
    /// The file system cannot be written to: a ROM file system, or CircuitPython while the USB drive is mounted on
    /// a computer.
    #[error("`{path}` is on a read-only file system of the board")]
    ReadOnly {
        /// The path as requested.
        path: BoardPath,
    },
    /// Another error of the board's file system.
    #[error("the board refused `{path}`: {error}")]
    Os {
        /// The path as requested.
        path: BoardPath,
        /// Number, name and meaning.
        error: OsError,
    },
    /// The board's firmware lacks the function.
    #[error("the board's firmware can't do that to `{path}`: {message}")]
    Unsupported {
        /// The path as requested.
        path: BoardPath,
        /// The board's message.
        message: String,
    },
    /// The board does not have enough free memory for the operation.
    #[error("the board does not have enough free memory to work on `{path}`")]
    OutOfMemory {
        /// The path as requested.
        path: BoardPath,
    },
    /// The received content differs from the content that was sent.
    #[error("`{path}` was damaged in transit: {expected} expected, {found} found")]
    Damaged {
        /// The path as requested.
        path: BoardPath,
        /// Size or hash of the content that was sent.
        expected: String,
        /// Size or hash of the received content.
        found: String,
    },
    /// A write failed after the old file was removed.
    #[error("{source}; `{path}` {state}")]
    Torn {
        /// The path as requested.
        path: BoardPath,
        /// The state of the file now.
        state: FileState,
        /// The cause.
        source: Box<Error>,
    },
    /// A file of the host could not be read or written, or has changed meanwhile.
    #[error("can't copy the file of the host for `{path}`: {source}")]
    Source {
        /// The path on the board.
        path: BoardPath,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A change of several files names a path outside of the folder that it changes.
    #[error("`{path}` is not a file inside of `{folder}`")]
    Outside {
        /// The name.
        path: BoardPath,
        /// The folder.
        folder: BoardPath,
    },
    /// A file has the name of a journal but not its form, or names paths outside of its folder.
    #[error(
        "`{path}` on the board has the name of piton's journal but not its form: no change of it was made"
    )]
    NotAJournal {
        /// The file.
        path: BoardPath,
    },
    /// The board's answer is not what its program should print.
    #[error("unexpected answer about `{path}`: {}", received.escape_ascii())]
    Answer {
        /// The path as requested.
        path: BoardPath,
        /// The answer.
        received: Vec<u8>,
    },
    /// The exchange with the board failed.
    #[error(transparent)]
    Board(#[from] BoardError),
}

/// The state of a file after a failed write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// The file is gone.
    Missing,
    /// The file has its old content, its new content, or a part of the new one.
    Unknown,
    /// The new content is complete, but has this name.
    Temporary(BoardPath),
    /// The connection broke while the file was renamed. The file is complete, old or new. On a file system that cannot
    /// rename onto an existing file, the new one may have this name.
    OldOrNew(BoardPath),
}

impl std::fmt::Display for FileState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FileState::Missing => f.write_str("is gone"),
            FileState::Unknown => f.write_str("may be old, new, or have a part of its new content"),
            FileState::Temporary(part) => write!(f, "is complete under the name `{part}`"),
            FileState::OldOrNew(part) => {
                write!(
                    f,
                    "is complete, old or new, or is complete under the name `{part}`"
                )
            }
        }
    }
}

impl Error {
    /// Returns the error for an exception that the board raised in an operation on `path`.
    pub(crate) fn new(path: &BoardPath, error: BoardError) -> Error {
        let path = path.clone();
        let BoardError::Exception(exception) = &error else {
            return Error::Board(error);
        };
        let message = exception.message.clone();
        match exception.type_name.as_str() {
            "MemoryError" => Error::OutOfMemory { path },
            "AttributeError" => Error::Unsupported { path, message },
            // The micro:bit raises `OSError` with this text and no number (source/microbit/microbitfs.c).
            "OSError" if message == "file not found" => Error::NotFound { path },
            _ => match exception.os_error() {
                Some(error) => Error::from_os(path, error),
                None => Error::Board(error),
            },
        }
    }

    fn from_os(path: BoardPath, error: OsError) -> Error {
        match error.number {
            2 => Error::NotFound { path },
            17 => Error::Exists { path },
            20 => Error::NotADirectory { path },
            21 => Error::IsADirectory { path },
            28 => Error::NoSpace {
                path,
                needed: None,
                free: None,
            },
            30 => Error::ReadOnly { path },
            39 => Error::NotEmpty { path },
            _ => Error::Os { path, error },
        }
    }

    /// Returns the kind of the failure: that of the board's error, if it stems from one.
    pub fn kind(&self) -> ErrorKind {
        self.board().map_or(ErrorKind::Refused, BoardError::kind)
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        match self {
            Error::Board(error) => Some(error),
            Error::Torn { source, .. } => source.board(),
            _ => None,
        }
    }

    /// Returns the path that the error is about, as requested.
    pub fn path(&self) -> Option<&BoardPath> {
        match self {
            Error::NotFound { path }
            | Error::IsADirectory { path }
            | Error::NotADirectory { path }
            | Error::Exists { path }
            | Error::NotEmpty { path }
            | Error::NoSpace { path, .. }
            | Error::ReadOnly { path }
            | Error::Os { path, .. }
            | Error::Unsupported { path, .. }
            | Error::OutOfMemory { path }
            | Error::Damaged { path, .. }
            | Error::Source { path, .. }
            | Error::Torn { path, .. }
            | Error::Outside { path, .. }
            | Error::NotAJournal { path }
            | Error::Answer { path, .. } => Some(path),
            Error::Board(_) => None,
        }
    }

    /// Returns the number of the board's `OSError`, in MicroPython's table, if the error stems from one.
    pub fn os_error_number(&self) -> Option<i32> {
        match self {
            Error::NotFound { .. } => Some(2),
            Error::Exists { .. } => Some(17),
            Error::NotADirectory { .. } => Some(20),
            Error::IsADirectory { .. } => Some(21),
            Error::NoSpace { .. } => Some(28),
            Error::ReadOnly { .. } => Some(30),
            Error::NotEmpty { .. } => Some(39),
            Error::Os { error, .. } => Some(error.number),
            Error::Torn { source, .. } => source.os_error_number(),
            Error::Unsupported { .. }
            | Error::OutOfMemory { .. }
            | Error::Damaged { .. }
            | Error::Outside { .. }
            | Error::NotAJournal { .. }
            | Error::Answer { .. }
            | Error::Source { .. }
            | Error::Board(_) => None,
        }
    }
}

/// The space that was needed, and the free space, in bytes.
struct Space(Option<u64>, Option<u64>);

impl std::fmt::Display for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(needed) = self.0 {
            write!(f, ", {needed} bytes needed")?;
        }
        if let Some(free) = self.1 {
            write!(f, ", {free} bytes free")?;
        }
        Ok(())
    }
}
