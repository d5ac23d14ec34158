//! Transferring many files in one stream, to the board or from it.
//!
//! The board runs a program (`device/send.py`) that takes frames and answers with short messages; docs/transfer.md
//! describes the protocol. The host checks once for each connection whether the firmware has the functions that a
//! stream needs. Without them the files are sent one by one, as literals in programs.

use std::io::{self, Read};
use std::time::Duration;

use piton_path::BoardPath;

pub(crate) mod agent;
pub(crate) mod load;
mod packet;
mod receive;
mod room;
mod send;
mod sender;
mod source;
mod survey;

pub use agent::use_bytecode;
pub use load::{forget_programs, keeps_programs};
pub use receive::{Arrival, Sink};
pub use survey::{Candidate, Hashing, ShortDigest, Space, Survey, SurveyEntry};

/// Timeout of the end of the board's program. A board that collects garbage or writes to flash may need seconds.
const END_TIME: Duration = Duration::from_secs(10);

/// One change of the board's files.
#[derive(Debug)]
pub enum Step<'s> {
    /// Make a folder. Its parent exists; the folder itself may exist too.
    MakeDir(BoardPath),
    /// Write a file.
    Write(Outgoing<'s>),
    /// Remove a file, if it exists.
    Remove(BoardPath),
    /// Remove an empty folder, if it exists.
    RemoveDir(BoardPath),
}

impl Step<'_> {
    /// Returns the path that the step changes.
    pub fn path(&self) -> &BoardPath {
        match self {
            Step::MakeDir(path) | Step::Remove(path) | Step::RemoveDir(path) => path,
            Step::Write(file) => &file.path,
        }
    }
}

/// A file to send to the board.
pub struct Outgoing<'s> {
    /// The path on the board.
    pub path: BoardPath,
    /// Its size in bytes.
    pub size: u64,
    /// The size in bytes of the file that it replaces, 0 for a new file; `None` if it is unknown.
    pub replaces: Option<u64>,
    /// Whether it is written under its own name instead of a temporary one. Only for a file that no program reads
    /// before it is complete.
    pub in_place: bool,
    /// Opens the content, right before it is sent.
    pub open: Open<'s>,
}

/// Opens the content of a file.
pub type Open<'s> = Box<dyn FnOnce() -> io::Result<Box<dyn Read + 's>> + 's>;

impl<'s> Outgoing<'s> {
    /// Returns a file with this content.
    pub fn from_bytes(path: BoardPath, content: &'s [u8]) -> Outgoing<'s> {
        Outgoing {
            path,
            size: content.len() as u64,
            replaces: None,
            in_place: false,
            open: Box::new(move || Ok(Box::new(content))),
        }
    }
}

impl std::fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing")
            .field("path", &self.path)
            .field("size", &self.size)
            .field("replaces", &self.replaces)
            .finish_non_exhaustive()
    }
}

/// Options of sending. The default suits most callers.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SendOptions {
    /// Read each file back from the board's flash before it replaces the old one. Without this the board checks the
    /// received content, not the content of its flash.
    pub verify: bool,
    /// The caller has compared the sizes with the free space, so the board is not asked for it.
    pub fits: bool,
}

/// Progress of a stream of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransferEvent {
    /// Content was transferred.
    Moved {
        /// Index of the step, or of the path.
        step: usize,
        /// Bytes of this file so far. This can shrink when content must be sent again.
        bytes: u64,
        /// Bytes of this file in all.
        of: u64,
    },
    /// The step is carried out, or the file has arrived completely.
    Done {
        /// Index of the step, or of the path.
        step: usize,
    },
}

/// The totals of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Files.
    pub files: usize,
    /// Bytes of content.
    pub bytes: u64,
}
