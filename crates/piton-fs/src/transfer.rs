//! Many files at a time: one stream to the board, or from it.
//!
//! The board runs a program (`device/send.py`) that takes frames and answers with short messages; docs/transfer.md has
//! the protocol. What it needs of the firmware is found out by trying, once for each connection. Boards without it get
//! their files one by one, as literals in programs.

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

/// How long the board's program may take to end: a board that is out of memory or writes to flash gets to it late.
const END_TIME: Duration = Duration::from_secs(10);

/// One change of the board's files.
#[derive(Debug)]
pub enum Step<'s> {
    /// Make a folder, whose parent exists. One that is there already is fine.
    MakeDir(BoardPath),
    /// Write a file.
    Write(Outgoing<'s>),
    /// Remove a file. One that is not there is fine.
    Remove(BoardPath),
    /// Remove an empty folder. One that is not there is fine.
    RemoveDir(BoardPath),
}

impl Step<'_> {
    /// Returns what the step changes.
    pub fn path(&self) -> &BoardPath {
        match self {
            Step::MakeDir(path) | Step::Remove(path) | Step::RemoveDir(path) => path,
            Step::Write(file) => &file.path,
        }
    }
}

/// A file on its way to the board.
pub struct Outgoing<'s> {
    /// Where it goes.
    pub path: BoardPath,
    /// How many bytes it has.
    pub size: u64,
    /// The size of the file that it replaces, 0 if there is none; `None` if that is not known.
    pub replaces: Option<u64>,
    /// It is written under its own name, not beside it: nobody reads a file of this name before it is complete.
    pub in_place: bool,
    /// Opens it, when its turn has come.
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

/// How to send. `SendOptions::default()` will do.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SendOptions {
    /// Have the board read each file back from its flash before it takes the place of the old one. Without it the board
    /// compares what arrived, not what the flash kept.
    pub verify: bool,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferEvent {
    /// Content went over the wire.
    Moved {
        /// Index of the step, or of the path.
        step: usize,
        /// Bytes of this file so far. Fewer than before when something has to be sent again.
        bytes: u64,
        /// Bytes of this file in all.
        of: u64,
    },
    /// The step is carried out, or the file has arrived whole.
    Done {
        /// Index of the step, or of the path.
        step: usize,
    },
}

/// What a transfer has moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Files.
    pub files: usize,
    /// Bytes of content.
    pub bytes: u64,
}
