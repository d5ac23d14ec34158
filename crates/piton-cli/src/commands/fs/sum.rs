//! `fs sha256sum` and the like: prints the digest of a file.

use data_encoding::HEXLOWER;
use piton::fs::hash::HashAlgorithm;
use piton::path::BoardPath;

use super::files::{Files, content};
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
    files.ui.line(&HEXLOWER.encode(&digest))
}
