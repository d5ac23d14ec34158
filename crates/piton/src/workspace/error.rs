//! Why the packages of a project cannot be had.

use std::io;
use std::path::PathBuf;

use piton_board::error::ErrorKind;
use piton_path::PortablePathError;
use piton_project::lock::{Conflict, LockError};
use piton_project::mip::source::SourceError;
use piton_project::project::{ProjectError, SchemaError};
use piton_project::solve::SolveError;

use super::tree::Difference;
use crate::http::HttpError;
use crate::mip::MipError;
use crate::sync::Error as SyncError;

/// Why the packages of a project cannot be had, or not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// There is no project, or its settings cannot be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A change of the settings is not possible.
    #[error("`pyproject.toml`, {0}")]
    Edit(#[from] SchemaError),
    /// The lock cannot be used.
    #[error("`{}` cannot be used: {source}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<LockError>,
    },
    /// There is no lock, and none may be made.
    #[error("there is no `piton.lock`")]
    NotLocked,
    /// The lock is not that of the settings, and must not be changed.
    #[error("`piton.lock` is not that of `pyproject.toml`: {}", changed.join(", "))]
    Stale {
        /// What differs.
        changed: Vec<String>,
    },
    /// A source of a dependency is invalid.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No versions fit together, or the packages are too many or contradict each other in too many ways.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A chain of packages is too long.
    #[error("packages need each other over more than {limit} steps")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// There is no such package, file or repository.
    #[error("{location} does not exist")]
    NoPackage {
        /// Its address.
        location: String,
    },
    /// A repository has no such branch, tag or commit.
    #[error("{repository} has no branch, tag or commit `{reference}`")]
    NoReference {
        /// The repository.
        repository: String,
        /// The reference.
        reference: String,
        /// The branches and tags that it has.
        names: Vec<String>,
    },
    /// The description of a package cannot be used.
    #[error("{location} cannot be used: {reason}")]
    Description {
        /// Where it is.
        location: String,
        /// The reason, as a clause.
        reason: String,
    },
    /// The file of a package would be outside of the package.
    #[error("`{}` is not a file of its package", url.escape_debug())]
    Outside {
        /// The address.
        url: String,
    },
    /// The name of a file is refused.
    #[error(transparent)]
    Path(#[from] PortablePathError),
    /// One package is needed at two references.
    #[error("one package is needed as {first}, and as {second}")]
    References {
        /// The source, and who needs it.
        first: String,
        /// Another source of the same package, and who needs that.
        second: String,
    },
    /// Two packages have one name.
    #[error("two packages have the name `{name}`: a dependency of the project, and another one")]
    Name {
        /// The name.
        name: String,
    },
    /// Two packages have different files at one path.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The content of a file differs from what is known of it.
    #[error(
        "{url} is damaged or was changed: its SHA-256 is {found:.16}..., expected {expected:.16}"
    )]
    Hash {
        /// Its address.
        url: String,
        /// The expected hash, or its beginning.
        expected: String,
        /// The hash of the content.
        found: String,
    },
    /// A package has other files than in the lock, and the same version.
    #[error("{name} {version} was changed without a new version: {}", paths.join(", "))]
    Changed {
        /// The package.
        name: String,
        /// Its version.
        version: String,
        /// The files that differ.
        paths: Vec<String>,
    },
    /// The folder of the dependencies is not what the lock says.
    #[error(
        "the folder of the dependencies differs from `piton.lock`: {}",
        shown(differences)
    )]
    Different {
        /// The differences.
        differences: Vec<Difference>,
    },
    /// A document is not in the cache, and no server may be asked.
    #[error("{url} is not in the cache, and `--offline` asks no server")]
    Offline {
        /// Its address.
        url: String,
    },
    /// A dependency is there already.
    #[error("the dependency `{name}` exists already in the group `{group}`")]
    Exists {
        /// Its name.
        name: String,
        /// The group.
        group: String,
    },
    /// A dependency, group or package is not in the project.
    #[error("there is no {kind} `{name}` in the project")]
    Unknown {
        /// `dependency`, `group` or `package`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The name of a dependency is not one.
    #[error("`{}` is not a Python identifier, which the name of a dependency is", name.escape_debug())]
    NotAName {
        /// The name.
        name: String,
    },
    /// Only files and folders of this computer can be in development.
    #[error("{source_text} is not a file or folder of this computer, as `--develop` needs")]
    NotLocal {
        /// The source.
        source_text: String,
    },
    /// The program `git` failed.
    #[error("git could not read {url}: {reason}")]
    Git {
        /// The repository.
        url: String,
        /// What git said.
        reason: String,
    },
    /// A folder of this computer cannot be read.
    #[error("could not read `{}`: {reason}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A file of this computer cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file of this computer cannot be written.
    #[error("could not write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another process writes to the project, and does not end.
    #[error("another piton is writing to the project `{}`", folder.display())]
    Busy {
        /// The project's folder.
        folder: PathBuf,
    },
    /// The settings were changed since they were read.
    #[error("`{}` was changed meanwhile", path.display())]
    Meanwhile {
        /// The file.
        path: PathBuf,
    },
    /// All files together are too large.
    #[error("the files have more than {limit} bytes")]
    TooMuch {
        /// The limit.
        limit: u64,
    },
    /// A `manifest.py` cannot be used.
    #[error(transparent)]
    Manifest(#[from] Box<MipError>),
    /// A source for a board cannot be read or compiled.
    #[error(transparent)]
    Sync(#[from] Box<SyncError>),
    /// A server failed or cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl PackageError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            PackageError::Http(error) => error.kind(),
            _ => ErrorKind::Refused,
        }
    }
}

impl From<SyncError> for PackageError {
    fn from(error: SyncError) -> PackageError {
        PackageError::Sync(Box::new(error))
    }
}

impl From<MipError> for PackageError {
    fn from(error: MipError) -> PackageError {
        PackageError::Manifest(Box::new(error))
    }
}

/// Returns the first of many differences.
fn shown(differences: &[Difference]) -> String {
    const SHOWN: usize = 5;
    let first = differences.iter().take(SHOWN).map(ToString::to_string);
    let mut text = first.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = differences.len().checked_sub(SHOWN) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
