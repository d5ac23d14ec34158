//! Installing packages on boards, as `mip` does: they are found, fetched and checked on this computer first, then
//! copied so that the board has the whole package or no part of it.
//!
//! ```no_run
//! use std::ops::ControlFlow::Continue;
//!
//! use piton::deadline::Cancel;
//! use piton::mip::{self, FetchOptions, RecordUse};
//! use piton::session::{Session, SessionOptions};
//!
//! let mut session = Session::connect(&"a0".parse()?, SessionOptions::default())?;
//! let mut packages = session.packages(None)?;
//! let cancel = Cancel::new();
//! let mut options = FetchOptions::default();
//! options.format = Some(packages.library().format.clone());
//! let described = [mip::describe(&"aioble".parse()?, &options, &cancel, &mut |_| Continue(()))?];
//! let looked = packages.look(&described, RecordUse::Keep, &mut |_| Continue(()))?;
//! let [package] = described;
//! let fetched = [mip::fetch(package, &looked, &cancel, &mut |_| Continue(()))?];
//! packages.install(&fetched, Some(looked), RecordUse::Keep, &mut |_| Continue(()))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! [`describe()`] and [`fetch()`] need no board: without one, [`FetchOptions::format`] says what to fetch, and
//! `Looked::default()` stands for a board that has nothing. [`Packages`] are those on a board, in the folder [`Library`]; it needs
//! no network. [`fetch()`] leaves out what [`Packages::look`] has found on the board. What names a package is
//! [`piton_project::mip::source::Source`].
//!
//! A closure that receives events stops the operation by [`ControlFlow::Break`](std::ops::ControlFlow): see
//! [`piton_board::stop`].

mod apply;
mod change;
mod fetch;
mod install;
mod library;
mod look;
mod manage;
pub(crate) mod manifest;
mod packages;
mod plan;
mod project;
mod report;

use std::io;
use std::path::PathBuf;

use piton_board::error::{Error as BoardError, ErrorKind};
use piton_fs::error::Error as FsError;
use piton_path::BoardPath;
use piton_project::mip::record::RecordError;
use piton_project::mip::resolve::{Package, ResolveError, Visit};
use piton_project::mip::source::Location;

use serde::Serializer;

use crate::board_format::Unusable;
use crate::events;
use crate::http::HttpError;

pub use fetch::{Described, FetchOptions, Fetched, describe, fetch};
pub use install::{Installation, RecordUse};
pub use library::Library;
pub use look::Looked;
pub use manage::Removal;
pub use packages::Packages;
pub use piton_project::mip::{INDEX, record, resolve, source};
pub use project::{ProjectImage, ProjectInstallation, ProjectPackage};
pub use report::{InstallReport, InstalledPackage, UninstallReport};

/// Why a package was not installed, or not removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MipError {
    /// The package, or one that it needs, cannot be used.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// There is no such package.
    #[error("Package not found: {location}")]
    NoPackage {
        /// The location of its description.
        location: Location,
    },
    /// A file of a package is not at its address.
    #[error("File not found: {url}")]
    NoFile {
        /// Its address.
        url: String,
    },
    /// A server failed or cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A file of this computer cannot be read.
    #[error("{source} opening {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The content of a file differs from the package's hash.
    #[error("{location} is damaged: its SHA-256 is {found:.16}..., the package has {expected:.16}")]
    Hash {
        /// The location of the file.
        location: Location,
        /// The hash of the package.
        expected: String,
        /// The hash of the content.
        found: String,
    },
    /// Two packages have different files with one name.
    #[error("{first} and {second} have different files `{path}`")]
    Conflict {
        /// Its path below the folder.
        path: String,
        /// A package.
        first: String,
        /// Another one.
        second: String,
    },
    /// A file that was not fetched, because the board had it, has changed or was removed.
    #[error("`{path}` on the board has changed since it was compared")]
    Gone {
        /// The file.
        path: BoardPath,
    },
    /// The board cannot use a file.
    #[error("the board cannot use `{path}`: {source}")]
    Unusable {
        /// The file, below the folder for packages.
        path: String,
        /// Why it cannot.
        source: Unusable,
    },
    /// All files together are too large.
    #[error("the files have more than {limit} bytes")]
    TooMuch {
        /// Maximum number of bytes.
        limit: u64,
    },
    /// The board has no folder for libraries.
    #[error("the board's `sys.path` has no folder whose name ends in `/lib`")]
    NoLibrary,
    /// The name of the folder is not a valid path on a board.
    #[error("`{}` is not a valid folder on a board", target.escape_debug())]
    Target {
        /// The name.
        target: String,
    },
    /// The record of what is installed is damaged.
    #[error("`{path}` on the board is not a record of packages: {source}")]
    Record {
        /// The file.
        path: BoardPath,
        /// What is wrong with it.
        source: RecordError,
    },
    /// No package of this name is on record.
    #[error("{name} is not installed by piton")]
    NotInstalled {
        /// The name.
        name: String,
        /// The names that are.
        installed: Vec<String>,
    },
    /// Other packages need the package that is to be removed.
    #[error("{name} is needed by {}", by.join(", "))]
    Needed {
        /// The package.
        name: String,
        /// The packages that need it.
        by: Vec<String>,
    },
    /// An operation on the board's files failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The exchange with the board failed.
    #[error(transparent)]
    Board(#[from] BoardError),
}

impl MipError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            MipError::Http(error) => error.kind(),
            error => error.board().map_or(ErrorKind::Refused, BoardError::kind),
        }
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        match self {
            MipError::Board(error) => Some(error),
            error => error.fs()?.board(),
        }
    }

    /// Returns the error of the board's files, if this one stems from it.
    pub fn fs(&self) -> Option<&FsError> {
        match self {
            MipError::Fs(error) => Some(error),
            _ => None,
        }
    }
}

/// Progress of the functions of this module.
#[derive(Clone, Copy, Debug, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MipEvent<'a> {
    /// A description is fetched.
    Looking {
        /// The requested package.
        #[serde(serialize_with = "events::text")]
        source: &'a source::Source,
        /// The location of its description.
        #[serde(serialize_with = "events::text")]
        location: &'a Location,
    },
    /// Files are fetched.
    Fetched {
        /// The number of fetched files.
        done: usize,
        /// The number of all files.
        of: usize,
    },
    /// The next requested package begins.
    Request {
        /// The index of the request, from 0.
        index: usize,
    },
    /// The files of a package begin.
    Package {
        /// The package that needs it, and whether it was visited before.
        #[serde(skip)]
        visit: &'a Visit,
        /// The package; in JSON its source.
        #[serde(serialize_with = "source_text")]
        package: &'a Package,
    },
    /// A file begins.
    File {
        /// Its path on the board.
        path: &'a str,
        /// Whether the board has it already and it is not written.
        same: bool,
        /// Whether the package has its hash.
        hashed: bool,
    },
    /// Content of a file was written.
    Wrote {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
    /// A requested package and its dependencies are installed.
    Installed {
        /// The index of the request, from 0.
        index: usize,
        /// The changes.
        installation: &'a Installation,
    },
    /// An interrupted earlier change was completed.
    Finished {
        /// The folder, as the caller named it.
        folder: &'a str,
    },
    /// A file is removed.
    Removed {
        /// Its path on the board.
        path: &'a str,
    },
    /// A file was changed since it was installed, and stays.
    Changed {
        /// Its path on the board.
        path: &'a str,
    },
}

/// Writes a package as the text of its source.
fn source_text<S: Serializer>(package: &&Package, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&package.source)
}

#[cfg(test)]
mod tests;
