//! One list, every way to ship: what a manifest lists as the files of an image, a folder or a package.

use std::path::Path;

use piton_firmware::manifest::{Data, Evaluation, File, Kind};
use piton_firmware::romfs::{Entry, files};

use super::compiling::{CompiledFile, Compiling, mpy_path, read};
use super::freezing::{MakeError, check};
use crate::romfs::{Conflict, ExtractError, add_file, extract};

/// Name of the description of a package.
const PACKAGE_JSON: &str = "package.json";

/// What becomes of the modules of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `.mpy` files, with the level of optimization that the manifest asks for. `freeze_as_str` stays a source.
    Compiled,
    /// Sources, with the version of their package at the end as in firmware. A `.mpy` file stays one.
    Sources,
}

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShippingError {
    /// A module cannot be used.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// Two modules are one file, or a file and a folder.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The files cannot be written.
    #[error(transparent)]
    Write(#[from] ExtractError),
}

/// Returns the files that a manifest lists, at their paths on the board, sorted by name.
///
/// # Errors
/// [`ShippingError`] for what cannot be read or compiled, and for two files of one path.
pub fn tree(
    evaluation: &Evaluation,
    form: Form,
    compiling: Compiling<'_>,
) -> Result<Vec<Entry>, ShippingError> {
    check(&evaluation.files)?;
    let is_source = |file: &&File| matches!(file.kind, Kind::FreezeAsMpy | Kind::CompileAsMpy);
    let jobs: Vec<(&File, String)> = evaluation
        .files
        .iter()
        .filter(is_source)
        .map(|file| (file, mpy_path(file, "")))
        .collect();
    let mut compiled = compiling.each(&jobs)?.into_iter();
    let mut entries = Vec::new();
    for file in &evaluation.files {
        let done = if is_source(&file) {
            compiled.next()
        } else {
            None
        };
        match (done, form) {
            (Some(CompiledFile { mpy, .. }), Form::Compiled) => {
                let stem = file.target.get(..file.target.len().saturating_sub(3));
                let path = format!("{}.mpy", stem.unwrap_or(&file.target));
                add_file(&mut entries, &path, mpy)?;
            }
            (Some(CompiledFile { source, .. }), Form::Sources) => {
                add_file(&mut entries, &file.target, source.into_bytes())?;
            }
            (None, _) => add_file(&mut entries, &file.target, read(&file.source)?)?,
        }
    }
    Ok(entries)
}

/// Writes the files that a manifest lists to `folder`, which is made, or is empty. Returns how many there are.
///
/// # Errors
/// [`ShippingError`]. All is compiled and checked before the first file is written.
pub fn write_folder(
    evaluation: &Evaluation,
    form: Form,
    with_package: bool,
    compiling: Compiling<'_>,
    folder: &Path,
) -> Result<usize, ShippingError> {
    let mut entries = tree(evaluation, form, compiling)?;
    if with_package {
        let package = package_json(evaluation, &entries);
        add_file(&mut entries, PACKAGE_JSON, package.into_bytes())?;
    }
    Ok(extract(&entries, folder)?)
}

/// Returns the `package.json` of a folder with these files, from which `mip` installs: each file is beside it.
fn package_json(evaluation: &Evaluation, entries: &[Entry]) -> String {
    let urls: Vec<[String; 2]> = files(entries)
        .into_iter()
        .map(|(path, _)| [path.clone(), path])
        .collect();
    let version = match &evaluation.metadata.version {
        Data::Text(version) => version.as_str(),
        _ => "",
    };
    let package = serde_json::json!({"urls": urls, "deps": [], "version": version});
    format!("{package:#}\n")
}
