//! Errors of starting a virtual board.

use std::io;
use std::path::PathBuf;

/// Why a VM file could not be used, or a board not be started.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The VM file could not be read; the message names it.
    #[error("could not read the VM file: {0}")]
    Read(#[source] io::Error),
    /// The bytes are not a WebAssembly module that can be run.
    #[error("not a WebAssembly module: {0}")]
    NotWasm(String),
    /// It is a WebAssembly module, but not MicroPython's `pyscript` build from version 1.25 on.
    #[error("not a MicroPython 1.25 or later built for WebAssembly: {0}")]
    NotMicroPython(String),
    /// The firmware ended before it reached its prompt.
    #[error("the firmware crashed while it started: {0}")]
    Boot(String),
    /// The folder that should hold the board's files can't be used.
    #[error("could not use `{}` as the board's flash: {source}", path.display())]
    Flash {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// No thread could be started for the board.
    #[error("could not start a thread for the board: {0}")]
    Thread(#[source] io::Error),
}
