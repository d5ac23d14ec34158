//! `fs cat`: prints the bytes of a file.
//!
//! mpremote reads the file as text and lets the board's terminal turn line ends into CR LF; a binary file does not
//! survive that.

use piton::path::BoardPath;

use super::files::{Files, content};
use crate::error::CommandError;

pub(super) fn run(files: &mut Files<'_, '_, '_>, path: &BoardPath) -> Result<(), CommandError> {
    let mut written = Ok(());
    let ui = files.ui;
    let mut sink = |bytes: &[u8]| {
        if written.is_ok() {
            written = ui.bytes(bytes);
        }
    };
    let read = files
        .remote
        .read_to(path, &mut sink, &mut |_| {}, content());
    written?;
    read.map_err(|error| files.refused(path, error))
}
