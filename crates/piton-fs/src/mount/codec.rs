//! Encoding and decoding the content of requests and answers, as device/mount.py does.

use std::fs::Metadata;
use std::time::{SystemTime, UNIX_EPOCH};

use super::errno::Errno;
use super::frame::Answer;

/// The requests, as device/mount.py numbers them.
pub(super) mod kind {
    pub(in crate::mount) const CHANGE_FOLDER: u8 = 1;
    pub(in crate::mount) const STAT: u8 = 2;
    pub(in crate::mount) const LIST: u8 = 3;
    pub(in crate::mount) const OPEN: u8 = 4;
    pub(in crate::mount) const READ: u8 = 5;
    pub(in crate::mount) const WRITE: u8 = 6;
    pub(in crate::mount) const SEEK: u8 = 7;
    pub(in crate::mount) const CLOSE: u8 = 8;
    pub(in crate::mount) const REMOVE: u8 = 9;
    pub(in crate::mount) const RENAME: u8 = 10;
    pub(in crate::mount) const MAKE_FOLDER: u8 = 11;
    pub(in crate::mount) const REMOVE_FOLDER: u8 = 12;
    pub(in crate::mount) const SPACE: u8 = 13;
}

/// MicroPython's `S_IFDIR` and `S_IFREG`.
const FOLDER: u32 = 0x4000;
pub(super) const FILE: u32 = 0x8000;

/// The bytes of an entry of a listing besides its name: mode, size and length of the name.
const ENTRY_OVERHEAD: usize = 7;

/// The status of a listing that goes on in another answer.
const MORE: i16 = 1;

/// One name in a folder.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) mode: u32,
    pub(super) size: u32,
}

/// Returns the answer to a listing: the entries, as many as fit into `room` bytes, and a status that says whether more follow.
pub(super) fn listing<'e>(entries: impl Iterator<Item = &'e Entry>, room: usize) -> Answer {
    let mut content = Vec::new();
    for entry in entries {
        let length = u8::try_from(entry.name.len()).unwrap_or(u8::MAX);
        // A long name cannot be split, so it is alone in an answer that is too long. The next request continues after it.
        if !content.is_empty() && content.len() + ENTRY_OVERHEAD + usize::from(length) > room {
            return Answer {
                status: MORE,
                content,
                packed: false,
            };
        }
        content.extend((entry.mode as u16).to_le_bytes());
        content.extend(entry.size.to_le_bytes());
        content.push(length);
        content.extend(entry.name.as_bytes());
    }
    with_content(content)
}

/// Reads the file's number, the origin and the offset of a seek.
pub(super) fn seek(content: &[u8]) -> Result<(u8, u8, i32), Errno> {
    let &[number, whence, o0, o1, o2, o3] = content else {
        return Err(Errno::INVAL);
    };
    Ok((number, whence, i32::from_le_bytes([o0, o1, o2, o3])))
}

/// Returns the answer that refuses a request.
pub(super) fn refusal(errno: Errno) -> Answer {
    Answer {
        status: -errno.0,
        ..Answer::default()
    }
}

/// Returns the answer of a request that succeeded.
pub(super) fn with_content(content: Vec<u8>) -> Answer {
    Answer {
        content,
        ..Answer::default()
    }
}

/// Reads a path, or another text.
pub(super) fn text(content: &[u8]) -> Result<&str, Errno> {
    std::str::from_utf8(content).map_err(|_| Errno::INVAL)
}

/// Reads two texts with a NUL between them.
pub(super) fn two_texts(content: &[u8]) -> Result<(&str, &str), Errno> {
    text(content)?.split_once('\0').ok_or(Errno::INVAL)
}

/// Returns mode, size, and the times of access, modification and creation in seconds since 1970, four bytes each.
pub(super) fn describe(metadata: &Metadata) -> Vec<u8> {
    let seconds = |time: std::io::Result<SystemTime>| {
        let since = time
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        clamped(since.unwrap_or_default().as_secs())
    };
    let modified = seconds(metadata.modified());
    let created = metadata.created();
    let numbers = [
        mode(metadata),
        size(metadata),
        seconds(metadata.accessed()),
        modified,
        if created.is_ok() {
            seconds(created)
        } else {
            modified
        },
    ];
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

/// Returns the type of a file or folder as in MicroPython's `os.stat`.
pub(super) fn mode(metadata: &Metadata) -> u32 {
    if metadata.is_dir() { FOLDER } else { FILE }
}

/// Returns the size of a file; 0 for a folder.
pub(super) fn size(metadata: &Metadata) -> u32 {
    if metadata.is_dir() {
        0
    } else {
        clamped(metadata.len())
    }
}

/// Returns a number limited to the board's 32 bits.
pub(super) fn clamped(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
