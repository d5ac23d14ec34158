//! Compiles what manifests list: as tools/makemanifest.py and tools/build.py do it, through the cache and on several threads.

use std::fs;
use std::num::NonZeroUsize;
use std::thread;

use piton_board::deadline::Cancel;
use piton_compiler::Options;
use piton_firmware::frozen;
use piton_firmware::manifest::{Data, File};
use piton_project::cache::Cache;

use super::freezing::MakeError;
use crate::compile::{CompileError, compile_cached};
use crate::workers;

/// Makes the compiler's options for one file: its path on the board, the path of the `.mpy` file, and the level of optimization that the
/// manifest asks for.
pub type OptionsOf<'a> = dyn Fn(&str, &str, Option<&str>) -> Result<Options, String> + Sync + 'a;

/// How files are compiled.
#[derive(Clone, Copy)]
pub struct Compiling<'a> {
    /// The options of each file.
    pub options_of: &'a OptionsOf<'a>,
    /// Where compiled modules are kept; without it all are compiled each time.
    pub cache: Option<&'a Cache>,
}

/// A file as it is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompiledFile {
    /// The source, with the version of its package at the end.
    pub(crate) source: String,
    /// The `.mpy` file.
    pub(crate) mpy: Vec<u8>,
}

impl Compiling<'_> {
    /// Compiles files on all processors; the results are in the order of the files, each of which has the path of its `.mpy` file beside it.
    ///
    /// # Errors
    /// The error of the first file that has one; later files are then not begun.
    pub(crate) fn each(&self, files: &[(&File, String)]) -> Result<Vec<CompiledFile>, MakeError> {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let cancel = Cancel::new();
        let work = |(file, path): &(&File, String)| {
            let result = self.one(file, path);
            if result.is_err() {
                cancel.cancel();
            }
            result
        };
        // Files are begun in order: all before the first one with an error have a result.
        let results = workers::each(files, threads, &cancel, work, |_| {});
        results.into_iter().flatten().collect()
    }

    fn one(&self, file: &File, path: &str) -> Result<CompiledFile, MakeError> {
        let target = &file.target;
        let source = tagged(file)?;
        let level = level(&file.opt);
        let options =
            (self.options_of)(target, path, level.as_deref()).map_err(|text| MakeError::Flags {
                target: target.clone(),
                text,
            })?;
        let rejected = |text: String| MakeError::Rejected {
            target: target.clone(),
            text,
        };
        match compile_cached(source.as_bytes(), &options, self.cache) {
            Ok(compiled) => Ok(CompiledFile {
                source,
                mpy: compiled.mpy,
            }),
            Err(CompileError::Rejected(diagnostic)) => Err(rejected(
                String::from_utf8_lossy(&diagnostic.traceback()).into_owned(),
            )),
            Err(CompileError::Unwritable(error)) => Err(rejected(error.to_string())),
        }
    }
}

/// Reads a source as text, as Python does, and adds the version of its package.
fn tagged(file: &File) -> Result<String, MakeError> {
    let text = String::from_utf8(read(&file.source)?).map_err(|_| MakeError::NotText {
        path: file.source.clone(),
    })?;
    let text = if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    };
    let version = match &file.metadata.version {
        Data::Text(version) if !version.is_empty() => Some(version.as_str()),
        _ => None,
    };
    Ok(frozen::tagged_source(&text, version))
}

/// Returns the level of optimization as Python prints it.
fn level(opt: &Data) -> Option<String> {
    Some(match opt {
        Data::None => return None,
        Data::Bool(true) => "True".to_owned(),
        Data::Bool(false) => "False".to_owned(),
        Data::Integer(level) => level.to_string(),
        Data::Float(level) => level.to_string(),
        Data::Text(text) | Data::Other(text) => text.clone(),
        Data::Sequence(_) | Data::Mapping(_) => "?".to_owned(),
    })
}

/// Reads a file that a manifest lists.
///
/// # Errors
/// [`MakeError::Read`]
pub(crate) fn read(path: &str) -> Result<Vec<u8>, MakeError> {
    fs::read(path).map_err(|source| MakeError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Returns the path of a file's `.mpy` file in the folder of a build.
pub(crate) fn mpy_path(file: &File, build_folder: &str) -> String {
    let kept = file.target.chars().count().saturating_sub(3);
    let stem: String = file.target.chars().take(kept).collect();
    format!("{build_folder}/frozen_mpy/{stem}.mpy")
}
