//! The timeouts of boards that several operations share.
//!
//! They limit waits for boards that are broken or disconnected, and are much longer than a working board needs. All of
//! them are multiplied by [`set_timeout_factor`](crate::deadline::set_timeout_factor).

use std::time::Duration;

/// Timeout of reaching the prompt, and of each short answer after it.
///
/// A soft reset runs `boot.py`, which often connects to a network first.
pub const ENTRY_TIME: Duration = Duration::from_secs(10);

/// Timeout of the board's facts, and of other programs that are sent to it and answer in one line.
///
/// A board without flow control receives such a program in pieces of 256 bytes with pauses between them.
pub const FACTS_TIME: Duration = Duration::from_secs(30);

/// Timeout of one step on the board's file system, without the content of a file.
///
/// A board that writes to a littlefs or FAT may have to compact it first.
pub const STEP_TIME: Duration = Duration::from_secs(30);

/// Timeout of the contents of all files of an operation: 16 MB of flash over a line of 115,200 baud need 25
/// minutes.
pub const CONTENT_TIME: Duration = Duration::from_secs(3600);

/// Timeout of sending typed keys.
///
/// A USB board whose program reads no input accepts nothing once its buffer is full, and would block the writer.
pub const KEY_TIME: Duration = Duration::from_secs(2);
