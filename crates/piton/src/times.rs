//! How long a board may take: the limits that several operations share.
//!
//! They bound waits for boards that are broken or gone, and are far above what a working board needs. All of them grow with
//! [`set_timeout_factor`](crate::deadline::set_timeout_factor).

use std::time::Duration;

/// How long a board may take to reach its prompt, and for each short answer after it.
///
/// A soft reset runs `boot.py`, which often connects to a network first.
pub const ENTRY_TIME: Duration = Duration::from_secs(10);

/// How long a board may take for one step on its file system, other than the content of a file.
///
/// A board that writes to a littlefs or FAT may have to compact it first.
pub const STEP_TIME: Duration = Duration::from_secs(30);

/// How long the content of all files of an operation may take: 16 MB of flash over a line of 115,200 baud need 25
/// minutes.
pub const CONTENT_TIME: Duration = Duration::from_secs(3600);

/// How long a board may take to accept keys that are typed.
///
/// A USB board whose program reads no input accepts nothing once its buffer is full, and would block the writer.
pub const KEY_TIME: Duration = Duration::from_secs(2);
