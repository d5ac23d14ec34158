//! The files of a board, seen from the host.
//!
//! # Layout
//!
//! - [`plan`] decides what to do so that one tree becomes like another.
//! - [`remote::RemoteFs`] lists, reads, writes and removes, over a [`piton_board::repl::RawRepl`].
//! - [`transfer`] adds the methods for many files in one stream.
//! - [`start_files`] lists the files that a board runs by itself.
//! - [`rom`] writes images to partitions for read-only file systems.
//! - [`mount`] serves a folder of the host to the board.
//! - [`error::Error`] has the refusals of the board's file system, and the state of a file after a failed write.
//!
//! The programs that run on the board are Python files in `device/`. They are sent with every operation, and nothing
//! stays on the board. Each program detects the functions of the board, which saves an exchange before each operation:
//! the oldest boards (MicroPython 1.9 on a micro:bit) have neither folders nor `os.stat`.
//!
//! # Architecture invariants
//!
//! Only [`mount`] opens files of the host, and only in the folder that it was given. No module draws on a terminal or
//! knows how bytes reach the board. Arguments are quoted as Python literals, never pasted. A write leaves the old
//! file or the new one; where a board cannot guarantee that, [`error::Error::Torn`] has the state of the file.

mod blocks;
mod device;
pub mod disk;
pub mod error;
pub mod hash;
pub mod listing;
pub mod mount;
pub mod plan;
pub mod put;
mod read;
pub mod remote;
pub mod rom;
pub mod start_files;
pub mod swap;
pub mod transfer;
mod wire;
pub mod write;

/// Progress of one file that is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileEvent {
    /// The host has received content.
    Read {
        /// Bytes so far.
        bytes: u64,
        /// Size of the file, if the board could report it beforehand.
        of: Option<u64>,
    },
    /// The board has written content.
    Wrote {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
}
