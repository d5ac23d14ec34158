//! Failures of file operations, on this computer and on the board, in mpremote's words if it has the message.

use std::io;

use piton::error::{BoardError, CopyError};

/// Why a file operation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// A file operation was refused.
    #[error("{command}: {path}: {reason}.")]
    Failed {
        /// The file command.
        command: String,
        /// The path that it was about.
        path: String,
        /// The reason, in the words of the C library.
        reason: String,
        /// What else is known.
        detail: Option<String>,
    },
    /// The arguments of a command are incomplete, or do not match the files.
    #[error("{command}: {problem}")]
    Arguments {
        /// The command.
        command: &'static str,
        /// The problem.
        problem: &'static str,
    },
    /// A path must be a folder, and is not one.
    #[error("{command}: '{path}' is not a directory")]
    NotADirectory {
        /// The command.
        command: &'static str,
        /// The path on the board.
        path: String,
    },
    /// A name of the board or of this computer cannot be copied.
    #[error("cp: {0}")]
    Copy(CopyError),
    /// A mounted folder is not removed from the board.
    #[error("rm -r not permitted on /remote directory")]
    MountedFolder,
    /// A folder of a tree that is being removed stays.
    #[error("rm -r: cannot remove :{path} {reason}")]
    CannotRemove {
        /// The path on the board.
        path: String,
        /// The reason, in the words of the C library.
        reason: String,
    },
    /// A local file cannot be read.
    #[error("could not read file '{path}'")]
    Read {
        /// Path as given.
        path: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A local file cannot be written.
    #[error("could not write file '{path}'")]
    Write {
        /// Path as given.
        path: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl FileError {
    /// Returns the error of the exchange with a board, if this one stems from it.
    pub(super) fn board(&self) -> Option<&BoardError> {
        match self {
            FileError::Copy(error) => error.board(),
            _ => None,
        }
    }

    /// Returns what else is known.
    pub(super) fn hints(&self) -> Vec<String> {
        match self {
            FileError::Read { source, .. } | FileError::Write { source, .. } => {
                vec![source.to_string()]
            }
            FileError::Failed { detail, .. } => detail.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
