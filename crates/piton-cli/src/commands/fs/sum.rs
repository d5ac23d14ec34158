//! `fs sha256sum` and its kin: print the digest of a file.

use std::fmt::Write as _;

use piton::fs::hash::HashAlgorithm;
use piton::fs::path::BoardPath;

use super::{Files, content};
use crate::error::CommandError;

pub(super) fn run(
    files: &mut Files<'_, '_, '_>,
    path: &BoardPath,
    algorithm: HashAlgorithm,
) -> Result<(), CommandError> {
    let digest = files
        .remote
        .hash(path, algorithm, content())
        .map_err(|error| files.refused(path, error))?;
    let text = digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    files.ui.line(&text)
}
