//! What can go wrong in any of the crates below, in one type.

use std::path::PathBuf;

use crate::vm::VmFileError;

pub use piton_board::error::Error as BoardError;
pub use piton_board::exception::BoardException;
pub use piton_fs::error::Error as FsError;
pub use piton_fs::mount::MountError;
pub use virtual_board::VmError;

/// Why an operation failed: one variant for each crate or module that has errors of its own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The board, or the way to it.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The board's files.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A folder could not be mounted.
    #[error(transparent)]
    Mount(MountError),
    /// The password of a WebREPL cannot be asked for.
    #[error("cannot ask for the password of `{address}`: {source}")]
    Password {
        /// The address of the WebREPL.
        address: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// There is no VM file for the virtual board.
    #[error(transparent)]
    VmFile(#[from] VmFileError),
    /// The VM file is none that can be run.
    #[error("VM file `{}`: {source}", path.display())]
    VmImage {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: VmError,
    },
    /// The virtual board could not start.
    #[error(transparent)]
    Vm(#[from] VmError),
}

impl From<MountError> for Error {
    fn from(error: MountError) -> Error {
        match error {
            MountError::Board(error) => Error::Board(error),
            error => Error::Mount(error),
        }
    }
}

impl Error {
    /// The exception, if a program on the board raised one.
    pub fn exception(&self) -> Option<&BoardException> {
        match self {
            Error::Board(BoardError::Exception(exception)) => Some(exception),
            _ => None,
        }
    }
}
