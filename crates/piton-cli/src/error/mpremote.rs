//! Messages that differ under mpremote's name: scripts look for them, word for word and on their stream.

use piton::Error;
use piton::error::{BoardError, RomError};
use piton::literal::py_str;
use piton::mip::MipError;
use piton::romfs::FolderError;

use super::{CommandError, RomfsError};
use crate::usage::UsageError;

/// Returns the text for stdout, where mpremote prints nothing on stderr: wrong arguments of a shortcut.
pub(super) fn output(error: &CommandError) -> Option<String> {
    match error {
        CommandError::Usage(error @ UsageError::ShortcutArguments { .. }) => {
            Some(format!("{error}\n"))
        }
        _ => None,
    }
}

/// Returns the lines of a message that mpremote words differently; `None` for other messages.
pub(super) fn message(error: &CommandError) -> Option<String> {
    if let CommandError::Romfs(RomfsError::Folder(error)) = error {
        return Some(format!("Error: {}\n", os_error(error)));
    }
    let CommandError::Piton(error) = error else {
        return None;
    };
    let text = match error {
        Error::Mip(MipError::NoLibrary) => {
            "Unable to find lib dir in sys.path, use --target to override".to_owned()
        }
        Error::Rom(RomError::NotEnabled) => "ROMFS is not enabled on this device".to_owned(),
        Error::Rom(RomError::NoPartition { number }) => {
            format!("ROMFS{number} partition not found on device")
        }
        error => return unopened(error.board()?),
    };
    Some(format!("mpremote: {text}\n"))
}

/// Returns the message for a port that does not open.
fn unopened(error: &BoardError) -> Option<String> {
    match error {
        // mpremote has one message for every port that does not open; the hint has the cause.
        BoardError::NoSuchPort { port: name, .. }
        | BoardError::PortBusy { port: name, .. }
        | BoardError::PortPermission { port: name }
        | BoardError::Open { address: name, .. } => Some(format!(
            "mpremote: failed to access {name} (it may be in use by another program)\n"
        )),
        _ => None,
    }
}

/// Returns the cause why a port did not open.
pub(super) fn unopened_reason(error: &BoardError) -> Option<String> {
    match error {
        BoardError::NoSuchPort { .. } => Some("there is no such port".to_owned()),
        BoardError::PortPermission { .. } => Some("permission denied".to_owned()),
        BoardError::Open { source, .. } => Some(source.to_string()),
        _ => None,
    }
}

/// Formats the error for an unreadable folder as Python does:
/// `OSError [Errno 2] No such file or directory: 'nowhere/'`.
fn os_error(error: &FolderError) -> String {
    let FolderError::Read { path, source } = error else {
        return error.to_string();
    };
    let Some(number) = source.raw_os_error() else {
        return error.to_string();
    };
    let text = source.to_string();
    let text = text
        .strip_suffix(&format!(" (os error {number})"))
        .unwrap_or(&text);
    let path = py_str(&path.to_string_lossy());
    format!("OSError [Errno {number}] {text}: {path}")
}
