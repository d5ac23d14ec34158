//! Failures as JSON, for `--json`.

use std::io;

use piton::Error;
use piton::error::{BoardError, ErrorKind};
use serde::Serialize;

use super::{CommandError, EditError, FileError, NO_CONNECTION, ProgramError, RomfsError, USAGE};
use crate::compatibility::Compatibility;

/// A failure as JSON: one object on one line, the last one on stderr.
#[derive(Serialize)]
struct Report<'e> {
    error: Facts<'e>,
}

#[derive(Serialize)]
struct Facts<'e> {
    kind: &'e str,
    message: String,
    hints: Vec<String>,
    exit_code: u8,
}

impl CommandError {
    /// Returns the failure as a line of JSON; `None` for an end that is not a failure (the reader closed the output).
    pub(crate) fn json(&self, compatibility: &Compatibility) -> Option<String> {
        if matches!(self, CommandError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
            || matches!(
                self,
                CommandError::Firmware(super::FirmwareError::Printed { .. })
            )
        {
            return None;
        }
        let report = Report {
            error: Facts {
                kind: self.kind(compatibility),
                message: self.text(),
                hints: self.hints(compatibility),
                exit_code: self.exit_code(compatibility),
            },
        };
        let text = serde_json::to_string(&report).ok()?;
        Some(format!("{text}\n"))
    }

    /// Returns the kind of the failure, a word that does not change between releases.
    fn kind(&self, compatibility: &Compatibility) -> &'static str {
        match self {
            CommandError::Edit(EditError::NotUploaded { error, .. }) => error.kind(compatibility),
            CommandError::Program(ProgramError::Raised) => "exception",
            CommandError::Program(ProgramError::Exited { .. }) => "exit",
            CommandError::Interrupted => "interrupted",
            CommandError::Output(_) => "output",
            CommandError::ReplLost => "connection_lost",
            CommandError::File(FileError::Copy(_) | FileError::MountedFolder) => "refused",
            CommandError::File(_) => "file",
            CommandError::NotCompiled | CommandError::Romfs(RomfsError::Compile(_)) => "compile",
            CommandError::Config(_) | CommandError::PyProject(_) => "settings",
            CommandError::NotBuilt => "build",
            CommandError::Problems(_) => "problems",
            CommandError::TestsFailed | CommandError::NoTests => "tests",
            CommandError::Firmware(_) => "manifest",
            CommandError::Ship(_) => "shipment",
            CommandError::Piton(error) => library_kind(error),
            CommandError::WrongPlace { error, .. } => board_kind(error),
            _ => match self.exit_code(compatibility) {
                USAGE => "usage",
                NO_CONNECTION => "no_connection",
                _ => "refused",
            },
        }
    }
}

fn library_kind(error: &Error) -> &'static str {
    if let Some(error) = error.board() {
        return board_kind(error);
    }
    if error.fs().is_some() {
        return "file";
    }
    match (error, error.kind()) {
        (_, ErrorKind::Interrupted) => "interrupted",
        (_, ErrorKind::Usage) => "usage",
        (_, ErrorKind::NoConnection) => "no_connection",
        (Error::Build(_), _) => "build",
        (Error::Shipment(_) | Error::Deploy(_) | Error::ToBoard(_), _) => "shipment",
        (Error::Mip(_) | Error::Package(_), _) => "package",
        _ => "refused",
    }
}

fn board_kind(error: &BoardError) -> &'static str {
    match error {
        BoardError::Selector { .. } => "usage",
        BoardError::NoBoard { .. }
        | BoardError::NoSuchSerialNumber { .. }
        | BoardError::NoSuchPort { .. } => "no_board",
        BoardError::PortBusy { .. } => "busy",
        BoardError::PortPermission { .. } => "permission",
        BoardError::PasswordNeeded { .. } | BoardError::PasswordRefused { .. } => "password",
        BoardError::Disconnected { .. } => "connection_lost",
        BoardError::NoRawRepl { .. } | BoardError::Timeout { .. } => "no_answer",
        BoardError::Open { .. } | BoardError::NoControlLines { .. } => "no_connection",
        BoardError::Cancelled => "interrupted",
        BoardError::Exception(_) => "exception",
        _ => "refused",
    }
}
