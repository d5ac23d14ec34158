//! Building images of read-only file systems from folders of this computer. The images themselves are made by
//! [`piton_firmware::romfs`], and written to boards by [`piton_fs::rom`].

mod images;

use std::io;
use std::path::{Path, PathBuf};

use piton_compiler::{Diagnostic, Options};
use piton_project::cache::Cache;

use crate::compile::{self, compile_cached};
use crate::host_tree::{self, Kind, Rules, WalkError};
use crate::patterns::Patterns;

pub use images::{Conflict, Difference, ExtractError, add_file, differences, extract, merge};
pub use piton_firmware::romfs::{
    BuildError, Content, Entry, HashCheck, ImageOptions, MAX_DEPTH, ReadError, build, build_with,
    check_hashes, files, header_size, image_size, read,
};

/// Why a source could not be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The compiler does not accept it.
    #[error("{path}: {}", String::from_utf8_lossy(&diagnostic.traceback()).trim_end())]
    Rejected {
        /// Its path, as the compiler got it.
        path: String,
        /// What is wrong.
        diagnostic: Diagnostic,
    },
    /// What it compiles to does not fit the format.
    #[error("{path}: {source}")]
    Unwritable {
        /// Its path, as the compiler got it.
        path: String,
        /// What does not fit.
        source: piton_mpy::error::Error,
    },
}

/// Compiles the `.py` files of a tree to `.mpy`, but for those that have a `.mpy` file of that name beside them, or
/// takes them from `cache`.
///
/// `folder` is put before the paths, ends in a slash or is empty, and is what tracebacks on the board show. Of `options` the
/// names do not count. Bytecode is for any processor, machine code for that of the options.
///
/// # Errors
///
/// [`CompileError`] for the first source that is not accepted; the tree is then changed in part.
pub fn compile_sources(
    entries: &mut [Entry],
    folder: &str,
    options: &Options,
    cache: Option<&Cache>,
) -> Result<(), CompileError> {
    piton_firmware::romfs::compile_sources(entries, folder, &mut |path, source| {
        let options = Options {
            input_name: path.as_bytes().to_vec(),
            ..options.clone()
        };
        let compiled = compile_cached(source, &options, cache);
        let path = path.to_owned();
        match compiled {
            Ok(compiled) => Ok(compiled.mpy),
            Err(compile::CompileError::Rejected(diagnostic)) => {
                Err(CompileError::Rejected { path, diagnostic })
            }
            Err(compile::CompileError::Unwritable(source)) => {
                Err(CompileError::Unwritable { path, source })
            }
        }
    })
}

/// Returns whether a source in a tree asks for machine code, so that it takes a processor to compile it for.
pub fn asks_for_machine_code(entries: &[Entry]) -> bool {
    let mut left: Vec<&Entry> = entries.iter().collect();
    while let Some(entry) = left.pop() {
        match &entry.content {
            Content::Folder(inside) => left.extend(inside),
            Content::File(content) if entry.name.ends_with(".py") => {
                if compile::native::first_line(content).is_some() {
                    return true;
                }
            }
            Content::File(_) => {}
        }
    }
    false
}

/// A folder that cannot become an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file or folder cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A name that is not UTF-8.
    #[error("the name of `{}` is not UTF-8", path.display())]
    Name {
        /// Its path.
        path: PathBuf,
    },
    /// Folders are nested deeper than [`MAX_DEPTH`], possibly through a link to a parent folder.
    #[error("`{}` is deeper than {MAX_DEPTH} folders", path.display())]
    TooDeep {
        /// Its path.
        path: PathBuf,
    },
}

/// Returns the content of `folder` without what `excluded` covers, sorted by name. Links are followed.
///
/// # Errors
///
/// [`FolderError`] for the first entry that cannot be read.
pub fn read_folder(folder: &Path, excluded: &Patterns) -> Result<Vec<Entry>, FolderError> {
    let rules = Rules {
        max_depth: MAX_DEPTH,
        ..Rules::default()
    };
    // The parents of the current folder, with their entries so far. The first is `folder` itself.
    let mut open = vec![(String::new(), Vec::new())];
    let mut walk = host_tree::walk(folder, rules);
    while let Some(entry) = walk.next() {
        let entry = entry?;
        let is_folder = matches!(entry.kind, Kind::Folder | Kind::Circle);
        if !excluded.is_empty() && excluded.covers(&entry.lossy_text(), is_folder) {
            if is_folder {
                walk.skip_folder();
            }
            continue;
        }
        let name = entry.name().to_str().ok_or_else(|| FolderError::Name {
            path: entry.path.clone(),
        })?;
        while open.len() > entry.depth() {
            close(&mut open);
        }
        let path = &entry.path;
        let unreadable = |source| FolderError::Read {
            path: path.clone(),
            source,
        };
        let content = match entry.kind {
            Kind::Folder => {
                open.push((name.to_owned(), Vec::new()));
                continue;
            }
            Kind::File => std::fs::read(path).map_err(unreadable)?,
            Kind::Broken(error) => return Err(unreadable(error)),
            Kind::Circle => return Err(FolderError::TooDeep { path: path.clone() }),
            Kind::Special | Kind::Link | Kind::FolderLink => {
                let text = "it is neither a file nor a folder";
                return Err(unreadable(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    text,
                )));
            }
        };
        if let Some((_, entries)) = open.last_mut() {
            entries.push(Entry::new(name, Content::File(content)));
        }
    }
    while open.len() > 1 {
        close(&mut open);
    }
    Ok(open.pop().map(|(_, entries)| entries).unwrap_or_default())
}

/// Adds the innermost folder to its parent.
fn close(open: &mut Vec<(String, Vec<Entry>)>) {
    if let Some((name, entries)) = open.pop()
        && let Some((_, outer)) = open.last_mut()
    {
        outer.push(Entry::new(&name, Content::Folder(entries)));
    }
}

impl From<WalkError> for FolderError {
    fn from(error: WalkError) -> FolderError {
        match error {
            WalkError::Read { path, source } => FolderError::Read { path, source },
            WalkError::NotText { path } => FolderError::Name { path },
            WalkError::TooDeep { path, .. } => FolderError::TooDeep { path },
        }
    }
}
