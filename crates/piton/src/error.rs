//! All errors of the library in one type.
//!
//! [`Error::kind`] says how a caller treats a failure. [`Error::board`], [`Error::fs`] and [`Error::exception`] find
//! its cause in all levels of errors.

use std::path::PathBuf;

use crate::building::BuildError;
use crate::compile::PlanError;
use crate::interpreter::InterpreterError;
use crate::mip::MipError;
use crate::program::ProgramError;
use crate::shipment::ShipmentError;
use crate::shipment::to_board::ToBoardError;
use crate::shipment::to_drive::ToDriveError;
use crate::vm::VmFileError;
use crate::workspace::PackageError;

pub use crate::copy::Error as CopyError;
pub use crate::sync::Error as SyncError;
pub use piton_board::error::{Error as BoardError, ErrorKind};
pub use piton_board::exception::BoardException;
pub use piton_fs::error::Error as FsError;
pub use piton_fs::mount::MountError;
pub use piton_fs::rom::RomError;
pub use virtual_board::VmError;

/// Why an operation failed: one variant for each crate or module with its own errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The exchange with the board, or the connection to it, failed.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// An operation on the board's files failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A folder could not be mounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The user could not be asked for the password of a WebREPL.
    #[error("cannot ask for the password of `{address}`: {source}")]
    Password {
        /// The address of the WebREPL.
        address: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// An image could not be written to the board.
    #[error(transparent)]
    Rom(#[from] RomError),
    /// A sync did not begin, or ended early.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// A copy did not begin, or ended early.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A package cannot be installed or removed.
    #[error(transparent)]
    Mip(#[from] MipError),
    /// The packages of a project cannot be had or written.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A program did not run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Compiling cannot begin.
    #[error(transparent)]
    Compile(#[from] PlanError),
    /// A build failed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A shipment cannot be read.
    #[error(transparent)]
    Shipment(#[from] ShipmentError),
    /// A shipment could not be copied to a drive.
    #[error(transparent)]
    Deploy(#[from] ToDriveError),
    /// A shipment could not be copied to a board.
    #[error(transparent)]
    ToBoard(#[from] ToBoardError),
    /// A program cannot be started on this computer.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// There is no VM file for the virtual board.
    #[error(transparent)]
    VmFile(#[from] VmFileError),
    /// The VM file cannot be run.
    #[error("VM file `{}`: {source}", path.display())]
    VmImage {
        /// The file.
        path: PathBuf,
        /// The error of the file.
        source: VmError,
    },
    /// The virtual board could not start.
    #[error(transparent)]
    Vm(#[from] VmError),
}

impl Error {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Board(error) => error.kind(),
            Error::Fs(error) => error.kind(),
            Error::Mount(error) => error.kind(),
            Error::Rom(error) => error.kind(),
            Error::Sync(error) => error.kind(),
            Error::Copy(error) => error.kind(),
            Error::Mip(error) => error.kind(),
            Error::Package(error) => error.kind(),
            Error::Program(error) => error.kind(),
            Error::Compile(error) => error.kind(),
            Error::Build(error) => error.kind(),
            Error::Shipment(error) => error.kind(),
            Error::Deploy(error) => error.kind(),
            Error::ToBoard(error) => error.kind(),
            Error::Interpreter(InterpreterError::UnknownFirmware { .. }) => ErrorKind::Usage,
            Error::Password { .. } | Error::Interpreter(_) => ErrorKind::Refused,
            Error::VmFile(_) | Error::VmImage { .. } | Error::Vm(_) => ErrorKind::Refused,
        }
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        match self {
            Error::Board(error) => Some(error),
            Error::Fs(error) => error.board(),
            Error::Mount(error) => error.board(),
            Error::Rom(error) => error.board(),
            Error::Sync(error) => error.board(),
            Error::Copy(error) => error.board(),
            Error::Mip(error) => error.board(),
            Error::ToBoard(error) => error.board(),
            _ => None,
        }
    }

    /// Returns the error of the board's files, if this one stems from it.
    pub fn fs(&self) -> Option<&FsError> {
        match self {
            Error::Fs(error) => Some(error),
            Error::Sync(error) => error.fs(),
            Error::Copy(error) => error.fs(),
            Error::Mip(error) => error.fs(),
            Error::ToBoard(error) => error.fs(),
            _ => None,
        }
    }

    /// Returns the exception, if a program on the board raised one.
    pub fn exception(&self) -> Option<&BoardException> {
        self.board()?.exception()
    }
}

#[cfg(test)]
mod tests;
