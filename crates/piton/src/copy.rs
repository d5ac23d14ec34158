//! Copying files and folders from, to and on a board, as `cp` does.
//!
//! [`plan()`] compares both sides and decides without changing anything. [`apply()`] carries the plan out: all files
//! for the board in one stream, and all files from it in another. A file that the board has already, by its SHA-256, is
//! not sent.
//!
//! The rules are those of cp(1): a destination that is a folder gets each source under its own name; another
//! destination becomes the copy. Nothing is removed. Links of the host are followed. Files with a [reserved] name are
//! left out of folders on both sides, so that a folder from elsewhere cannot contain files that Piton takes for its own
//! records.
//!
//! ```
//! use piton::copy::{self, Place};
//! use piton::deadline::Deadline;
//! use piton::fs::remote::RemoteFs;
//! use piton::path::BoardPath;
//! use piton::repl::Entry;
//! use piton::Board;
//! use std::ops::ControlFlow;
//!
//! # let folder = tempfile::tempdir()?;
//! let source = folder.path().join("app");
//! std::fs::create_dir(&source)?;
//! std::fs::write(source.join("main.py"), "print('hello')\n")?;
//! let mut board = Board::connect(&"virtual".parse()?, &Default::default())?;
//! let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER)?;
//! let mut remote = RemoteFs::new(&mut raw);
//!
//! let mut options = copy::Options::default();
//! options.recursive = true;
//! let root = Place::Board(BoardPath::root());
//! let plan = copy::plan(&mut remote, &[Place::Host(source)], &root, &options)?;
//! copy::apply(plan, &mut remote, &mut |_| ControlFlow::Continue(()))?;
//!
//! let copied = remote.read(&"/app/main.py".parse()?, &mut |_| {}, Deadline::NEVER)?;
//! assert_eq!(copied, b"print('hello')\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [reserved]: piton_path::is_reserved

mod apply;
mod compare;
mod place;
mod plan;
mod to_board;
mod to_host;
mod tree;

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use piton_board::deadline::Deadline;
use piton_board::error::{Error as BoardError, ErrorKind};
use piton_fs::error::Error as FsError;
use piton_path::{BoardPath, RelativePath};

use crate::patterns::Patterns;
use crate::times::{CONTENT_TIME, STEP_TIME};

pub use apply::apply;
pub use place::Place;
pub use plan::{Plan, PlannedSource, Step, plan};

/// Options of a copy. `Options::default()` copies files, and no folders.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Copy folders with their contents.
    pub recursive: bool,
    /// Send files even if the board has them already.
    pub force: bool,
    /// The files to leave out of folders of the host; [`crate::left_out`] has a list.
    pub ignore: Patterns,
}

/// Progress of carrying out a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CopyEvent<'a> {
    /// A source begins.
    Source {
        /// Its index among the sources of the plan.
        index: usize,
    },
    /// The board has this file already: it is not sent.
    Unchanged {
        /// Its path on the board.
        path: &'a BoardPath,
    },
    /// A stream of files begins, from the board or to it.
    Begin {
        /// The size of the stream in bytes, as far as it is known.
        of: u64,
    },
    /// Content of the stream was transferred.
    Moved {
        /// Bytes of the stream so far.
        bytes: u64,
        /// Bytes in all, as far as they are known.
        of: u64,
    },
    /// The stream has ended.
    End,
}

/// Handles the events. After a `Break` no further source begins.
pub type CopyEvents<'e> = dyn FnMut(CopyEvent<'_>) -> ControlFlow<()> + 'e;

/// Why a copy failed.
///
/// Each file is then old or new, never incomplete. The sources before the one that failed are copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are several sources, and the destination does not exist.
    #[error("the destination does not exist")]
    NoDestination,
    /// The destination has to be a folder, and is not one.
    #[error("the destination is not a folder")]
    DestinationNotAFolder,
    /// The source is a folder, and folders are not to be copied.
    #[error("a folder is copied only with its contents")]
    IsAFolder,
    /// A name of the host is not UTF-8 text. Names on a board are UTF-8.
    #[error("the name `{}` is not UTF-8 text", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// A name on the board would lead out of the destination, or is invalid on this computer.
    #[error("the board's `{path}` is not a valid name for a file on this computer")]
    UnsafeName {
        /// The path on the board.
        path: String,
    },
    /// Two files of the board would be one on this computer.
    #[error("the board's `{first}` and `{second}` are one name on this computer")]
    SameName {
        /// One path below the folder that is copied.
        first: RelativePath,
        /// The other one.
        second: RelativePath,
    },
    /// A file or folder of the host could not be read.
    #[error("could not read `{}`: {source}", path.display())]
    ReadHost {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file or folder of the host could not be written.
    #[error("could not write `{}`: {source}", path.display())]
    WriteHost {
        /// Its path; the folder for temporary files, where content is stored on its way from board to board.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file or folder of the board could not be read.
    #[error(transparent)]
    ReadBoard(FsError),
    /// A file or folder of the board could not be written.
    #[error(transparent)]
    WriteBoard(FsError),
    /// The handler of the events returned `Break`.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// Returns the kind of the failure: that of the board's error, if it stems from one.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Stopped => ErrorKind::Interrupted,
            error => error.board().map_or(ErrorKind::Refused, BoardError::kind),
        }
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        self.fs()?.board()
    }

    /// Returns the error of the board's files, if this one stems from it.
    pub fn fs(&self) -> Option<&FsError> {
        match self {
            Error::ReadBoard(error) | Error::WriteBoard(error) => Some(error),
            _ => None,
        }
    }
}

/// Returns a deadline for a step without the content of files.
fn step() -> Deadline {
    Deadline::after(STEP_TIME)
}

/// Returns a deadline for the content of files.
fn content() -> Deadline {
    Deadline::after(CONTENT_TIME)
}

/// Reports an event.
fn report(events: &mut CopyEvents<'_>, event: CopyEvent<'_>) -> Result<(), Error> {
    match events(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Stopped),
    }
}
