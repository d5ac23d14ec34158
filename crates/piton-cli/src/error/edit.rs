//! Failures of `edit`.

use std::io;
use std::process::ExitStatus;

use super::CommandError;

/// Why a file was not edited.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    /// There is no editor.
    #[error("edit: $EDITOR not set")]
    NoEditor,
    /// The editor cannot be started.
    #[error("edit: could not start the editor `{editor}`: {source}")]
    Start {
        /// The command line of the editor.
        editor: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The editor ended with a failure.
    #[error("edit: the editor `{editor}` failed ({status}); `:{path}` stays as it was")]
    Failed {
        /// The command line of the editor.
        editor: String,
        /// How it ended.
        status: ExitStatus,
        /// The file on the board.
        path: String,
    },
    /// An edited file did not reach the board.
    #[error("{error}")]
    NotUploaded {
        /// The reason.
        error: Box<CommandError>,
        /// The path of the edited file on this computer.
        copy: String,
    },
}
