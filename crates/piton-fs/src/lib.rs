//! The files of a board, seen from the host.
//!
//! # Layout
//!
//! - [`plan`] decides what to do so that one tree becomes like another.
//! - [`remote::RemoteFs`] lists, reads, writes and removes, over a [`piton_board::repl::RawRepl`].
//! - [`transfer`] has its methods for many files at a time, as one stream.
//! - [`start_files`] knows which files a board runs by itself.
//! - [`rom`] writes images to partitions for read-only file systems.
//! - [`mount`] serves a folder of the host to the board.
//! - [`error::Error`] says what the board's file system refused, and what state a file is in.
//!
//! The programs that run on the board are real Python files in `device/`, sent with every operation: nothing stays
//! on the board. They find out by themselves what the board can do, so that no operation needs a question before
//! it: the oldest boards (MicroPython 1.9 on a micro:bit) have neither folders nor `os.stat`.
//!
//! # Architecture invariants
//!
//! Nothing here but [`mount`] opens a file of the host, and that only in the folder it was given. Nothing draws on a terminal, or knows how bytes reach the board. Arguments
//! reach the board quoted, never pasted. A write leaves the old file or the new one; where a board cannot do
//! that, [`error::Error::Torn`] says so.

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

/// How far a transfer is. Reported after each part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The host has received content.
    Read {
        /// Bytes so far.
        bytes: u64,
        /// Size of the file, where the board could tell beforehand.
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
