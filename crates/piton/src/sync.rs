//! Making a folder of a board like a folder of this computer, or the other way round.
//!
//! [`push`] and [`pull`] compare both sides and decide, without changing anything. Their result can be printed
//! (its [`plan`]) and carried out. Both leave out what [`crate::left_out`] lists, and what `.pitonignore` files and
//! [`Options::ignore`] cover, on both sides. Files with a [reserved name](piton_path::is_reserved) are left
//! out in any case, so that a folder from elsewhere cannot contain files that Piton takes for its own records.
//!
//! ```
//! use std::ops::ControlFlow::Continue;
//!
//! use piton::deadline::Deadline;
//! use piton::fs::remote::RemoteFs;
//! use piton::path::BoardPath;
//! use piton::repl::Entry;
//! use piton::{Board, sync};
//!
//! # let folder = tempfile::tempdir()?;
//! # let project = folder.path();
//! std::fs::write(project.join("main.py"), "import helper\n")?;
//! std::fs::write(project.join("helper.py"), "print('helped')\n")?;
//! let mut board = Board::connect(&"virtual".parse()?, &Default::default())?;
//! let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER)?;
//! let mut remote = RemoteFs::new(&mut raw);
//!
//! let options = sync::Options::default();
//! let push = sync::push(&mut remote, project, &BoardPath::root(), &options)?;
//! assert_eq!(push.plan().to_string(), "create   helper.py\ncreate   main.py\n");
//! push.apply(&mut remote, &mut |_| Continue(()))?;
//!
//! let again = sync::push(&mut remote, project, &BoardPath::root(), &options)?;
//! assert!(again.plan().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`plan`]: Push::plan

mod belay;
mod board_side;
mod drive;
mod host_side;
mod make;
mod pull;
mod push;
mod record;
mod watch;

use std::io;
use std::path::PathBuf;

use piton_board::error::{Error as BoardError, ErrorKind};
use piton_compiler::Diagnostic;
use piton_fs::error::Error as FsError;
use piton_fs::plan::{Conflict, Plan};
use piton_path::BoardPath;
use piton_path::RelativePath;
use piton_path::is_reserved;
use piton_project::cache::{COMPILED_LIMIT, Cache};
use tracing::{debug, trace};

use crate::board_format::NotCompilable;
use crate::patterns::Patterns;
use crate::shipment::to_drive::ToDriveError;

pub use belay::{Keep, belay_options, push_file};
pub use drive::{DrivePush, drive_compiler_options, is_drive, push_to_drive};
pub use host_side::{Content, HostTree, walk};
pub(crate) use make::make;
pub use make::{check, compiler_options};
pub use pull::{Pull, pull};
pub use push::{Push, push, push_tree};
pub use record::FILE_NAME as RECORD_NAME;
pub use watch::{FolderState, Watcher};

/// The file with patterns of the files to leave out of its folder.
pub const IGNORE_NAME: &str = ".pitonignore";

/// Options of a sync. `Options::default()` copies new and changed files, and removes nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Remove files and folders that the source does not have.
    pub delete: bool,
    /// Replace and remove files of this computer even if they are not known as unchanged copies of a board's files.
    pub force: bool,
    /// The files of the destination that are neither removed nor replaced.
    pub keep: Patterns,
    /// The files to leave out on both sides, in addition to [`crate::left_out`] and `.pitonignore` files. These
    /// patterns have priority.
    pub ignore: Patterns,
    /// The files that are not sent. They count as missing in the source: [`Options::delete`] removes them from the
    /// destination.
    pub unsent: Patterns,
    /// The treatment of symbolic links in a source folder of this computer.
    pub links: Links,
    /// The conversion of Python sources for the board.
    pub make: Make,
    /// Let the board read back and compare the written files.
    pub verify: bool,
    /// Let the board complete interrupted changes of packages before its files are surveyed: see
    /// [`piton_fs::swap`]. Without this, comparing changes nothing.
    pub settle: bool,
}

/// The treatment of symbolic links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Use their targets, because a board has no links.
    #[default]
    Follow,
    /// Leave them out.
    Skip,
}

/// The conversion of Python sources. By default they are sent unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Make {
    /// Compile them to `.mpy` files with these options, except the sources that a board starts with. See
    /// [`compiler_options`].
    pub compile: Option<piton_compiler::Options>,
    /// Send a source as it is if only the processor for its machine code (`@micropython.viper`) is not known, instead of
    /// [`Error::NotCompiled`]. A board that runs machine code compiles it itself.
    pub keep_native: bool,
    /// Remove comments, docstrings and unneeded spaces from the files that stay source.
    pub minify: bool,
    /// The cache folder of compiled modules; `None` for no cache.
    pub cache: Option<PathBuf>,
}

impl Make {
    fn open_cache(&self) -> Option<Cache> {
        let folder = self.cache.as_ref()?;
        Some(Cache::new(folder, COMPILED_LIMIT))
    }
}

/// Progress of carrying out a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyncEvent {
    /// Content has been moved.
    Moved {
        /// The step, counted from 0.
        step: usize,
        /// Bytes of its file so far.
        bytes: u64,
    },
    /// A step is done.
    Done {
        /// The step, counted from 0.
        step: usize,
    },
}

/// Why a sync failed.
///
/// Each file is then old or new, never incomplete. Steps that were reported as [`SyncEvent::Done`] are carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder of this computer cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file or folder of this computer cannot be written or removed.
    #[error("could not write `{}`: {source}", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A name of this computer is not UTF-8 text. Names on a board are UTF-8.
    #[error("the name `{}` is not UTF-8 text", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// Links lead round in a circle.
    #[error("`{}` leads back to a folder that it is in", path.display())]
    Circle {
        /// The link.
        path: PathBuf,
    },
    /// A name on the board would lead out of the folder, or is invalid on this computer.
    #[error("the board's `{path}` is not a valid name for a file on this computer")]
    UnsafeName {
        /// The path on the board.
        path: String,
    },
    /// Two files of the board would be one on this computer.
    #[error("the board's `{first}` and `{second}` are one name on this computer")]
    SameName {
        /// One path.
        first: RelativePath,
        /// The other.
        second: RelativePath,
    },
    /// The root on the board is a file.
    #[error("`{path}` on the board is not a folder")]
    NotAFolder {
        /// The path on the board.
        path: BoardPath,
    },
    /// The root on the board does not exist.
    #[error("no such folder on the board: `{path}`")]
    NoFolder {
        /// The path on the board.
        path: BoardPath,
    },
    /// Existing files or folders are in the way.
    #[error("{} in the way: {}", Count(conflicts.len(), "thing is", "things are"), List(conflicts))]
    InTheWay {
        /// The entries in the way, and why they stay.
        conflicts: Vec<Conflict>,
    },
    /// Files of this computer would be lost that no sync has written, or that were changed since then.
    #[error(
        "{} would be lost: {}",
        Count(
            paths.len(),
            "file on this computer is not a copy of the board's and",
            "files on this computer are not copies of the board's and"
        ),
        List(paths)
    )]
    WouldBeLost {
        /// Their paths in the folder.
        paths: Vec<RelativePath>,
    },
    /// The folder holds more than one project, so nothing is removed from it.
    #[error("`{}` holds more than one project: nothing is removed from it", path.display())]
    TooBroad {
        /// Its path.
        path: PathBuf,
    },
    /// The compiler does not accept some sources. Nothing was sent.
    #[error("{} not compiled", Count(rejected.len(), "file was", "files were"))]
    NotCompiled {
        /// The sources.
        rejected: Vec<Rejected>,
    },
    /// The board loads no `.mpy` files that the compiler can make.
    #[error("the board does not load `.mpy` files of version 6{}", version.map_or(String::new(), |version| format!(", but of version {version}")))]
    NoMpy {
        /// The version that it loads.
        version: Option<u8>,
    },
    /// A compiled module cannot be written as a file.
    #[error("could not make `{path}`: {reason}")]
    Unwritable {
        /// The path of the source in its folder.
        path: RelativePath,
        /// Why.
        reason: String,
    },
    /// An operation on the board's drive failed.
    #[error(transparent)]
    Drive(#[from] ToDriveError),
    /// An operation on the board's files failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The exchange with the board failed.
    #[error(transparent)]
    Board(#[from] BoardError),
}

impl From<NotCompilable> for Error {
    fn from(error: NotCompilable) -> Error {
        Error::NoMpy {
            version: match error {
                NotCompilable::Version { version } => Some(version),
                _ => None,
            },
        }
    }
}

impl Error {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Drive(error) => error.kind(),
            error => error.board().map_or(ErrorKind::Refused, BoardError::kind),
        }
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        match self {
            Error::Board(error) => Some(error),
            error => error.fs()?.board(),
        }
    }

    /// Returns the error of the board's files, if this one stems from it.
    pub fn fs(&self) -> Option<&FsError> {
        match self {
            Error::Fs(error) => Some(error),
            _ => None,
        }
    }
}

/// A source that the compiler does not accept.
#[derive(Debug)]
pub struct Rejected {
    /// Its path.
    pub path: PathBuf,
    /// The reason.
    pub diagnostic: Diagnostic,
    /// Its content.
    pub source: Vec<u8>,
}

/// A count with its noun.
struct Count(usize, &'static str, &'static str);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Count(count, one, many) = self;
        write!(f, "{count} {}", if *count == 1 { one } else { many })
    }
}

/// The first few of many.
struct List<'a, T>(&'a [T]);

impl<T: std::fmt::Display> std::fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 5;
        for (index, item) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
        }
        match self.0.len().checked_sub(SHOWN) {
            Some(more @ 1..) => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}

/// Logs the decisions.
fn log_plan(plan: &Plan) {
    debug!(
        steps = plan.steps.len(),
        unchanged = plan.unchanged.len(),
        kept = plan.kept.len(),
        "the two folders were compared"
    );
    for path in &plan.unchanged {
        trace!(%path, "the file is the same on both sides");
    }
}

/// Returns whether one of the names in the path is reserved.
fn has_reserved_name(path: &RelativePath) -> bool {
    path.names().any(is_reserved)
}
