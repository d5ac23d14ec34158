//! Images of MicroPython's read-only file system (extmod/vfs_rom.c).
//!
//! An image is a record of its own kind that holds all others. A record is a kind, a length and a payload; numbers
//! have seven bits in a byte, the highest first, and all bytes but the last have bit 7 set. The size of an image is
//! even: a 0x80 before the length, a zero digit, makes it so.
//!
//! ```
//! use piton_firmware::romfs::{Content, Entry, build, read};
//!
//! let entries = [Entry::new("boot.txt", Content::File(b"hello".to_vec()))];
//! let image = build(&entries)?;
//! assert_eq!(read(&image).unwrap(), entries);
//! # Ok::<(), piton_firmware::romfs::BuildError>(())
//! ```

mod hashes;
mod layout;
mod read;

use std::collections::BTreeSet;

pub use hashes::{HashCheck, check_hashes, files};
pub use layout::{ImageOptions, MAX_ALIGNMENT, build_with};
pub use read::{ReadError, header_size, image_size, read};

/// The first bytes of an image: the kind of its record, 0x14A6B1.
pub const MAGIC: [u8; 3] = [0xd2, 0xcd, 0x31];

/// The kinds of records, from extmod/vfs_rom.c.
mod kind {
    pub(super) const UNUSED: u64 = 0;
    pub(super) const PADDING: u64 = 1;
    pub(super) const DATA_VERBATIM: u64 = 2;
    pub(super) const DATA_POINTER: u64 = 3;
    pub(super) const DIRECTORY: u64 = 4;
    pub(super) const FILE: u64 = 5;
}

/// Folders in folders, at most. A board's paths are shorter; a hostile image's are not.
pub const MAX_DEPTH: usize = 32;

/// A file or folder of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without slashes.
    pub name: String,
    /// What is in it.
    pub content: Content,
    /// The name of the source that a `.mpy` file was compiled from by [`compile_sources`].
    pub compiled_from: Option<String>,
}

/// What is in a file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file's bytes.
    File(Vec<u8>),
    /// What a folder holds.
    Folder(Vec<Entry>),
}

impl Entry {
    /// A file or folder with its content.
    pub fn new(name: &str, content: Content) -> Entry {
        Entry {
            name: name.to_owned(),
            content,
            compiled_from: None,
        }
    }
}

/// Why no image can be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A name that no board could open.
    #[error("`{name}` is no name for a file in an image")]
    Name {
        /// The name.
        name: String,
    },
    /// A folder would hold two entries of one name.
    #[error("`{name}` is there twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Folders in folders, more than [`MAX_DEPTH`].
    #[error("`{name}` is deeper than {MAX_DEPTH} folders")]
    TooDeep {
        /// The name.
        name: String,
    },
    /// Contents cannot be aligned so.
    #[error("an alignment of {alignment} bytes is not a power of two up to {MAX_ALIGNMENT}")]
    Alignment {
        /// The alignment asked for.
        alignment: usize,
    },
}

/// Makes the `.mpy` file of a source, which it is given with its path.
pub type Compile<'a, E> = dyn FnMut(&str, &[u8]) -> Result<Vec<u8>, E> + 'a;

/// Compiles the `.py` files of a tree to `.mpy`, but for those that have a `.mpy` file of that name beside them.
///
/// The path that `compile` is given is `folder`, which ends in a slash or is empty, and the names below it. Tracebacks
/// on the board show it.
///
/// # Errors
///
/// What `compile` says of the first source that it does not accept; the tree is then changed in part.
pub fn compile_sources<E>(
    entries: &mut [Entry],
    folder: &str,
    compile: &mut Compile<'_, E>,
) -> Result<(), E> {
    let names = entries
        .iter()
        .map(|entry| entry.name.clone())
        .collect::<BTreeSet<String>>();
    for entry in entries {
        let path = format!("{folder}{}", entry.name);
        match &mut entry.content {
            Content::Folder(inside) => compile_sources(inside, &format!("{path}/"), compile)?,
            Content::File(content) => {
                let Some(stem) = entry.name.strip_suffix(".py") else {
                    continue;
                };
                let compiled = format!("{stem}.mpy");
                if names.contains(&compiled) {
                    continue;
                }
                *content = compile(&path, content)?;
                entry.compiled_from = Some(std::mem::replace(&mut entry.name, compiled));
            }
        }
    }
    Ok(())
}

/// The image that holds these, in this order, as mpremote makes it.
///
/// # Errors
///
/// [`BuildError`] for names and depths that a board could not reach.
pub fn build(entries: &[Entry]) -> Result<Vec<u8>, BuildError> {
    build_with(entries, &ImageOptions::default())
}

/// The records of these; contents that are at `places` are pointed to.
fn records(
    entries: &[Entry],
    depth: usize,
    places: &layout::Places<'_>,
) -> Result<Vec<u8>, BuildError> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for Entry { name, content, .. } in entries {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(BuildError::Name { name: name.clone() });
        }
        if !seen.insert(name) {
            return Err(BuildError::Twice { name: name.clone() });
        }
        if depth >= MAX_DEPTH {
            return Err(BuildError::TooDeep { name: name.clone() });
        }
        let mut payload = number(name.len());
        payload.extend_from_slice(name.as_bytes());
        let kind = match content {
            Content::Folder(inside) => {
                payload.extend(records(inside, depth + 1, places)?);
                kind::DIRECTORY
            }
            Content::File(content) => {
                payload.extend(match places.get(content.as_slice()) {
                    Some(place) => {
                        let pointer = [number(content.len()), number(*place)].concat();
                        record(kind::DATA_POINTER, &pointer)
                    }
                    None => record(kind::DATA_VERBATIM, content),
                });
                kind::FILE
            }
        };
        all.extend(record(kind, &payload));
    }
    Ok(all)
}

fn record(kind: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = encoded(kind);
    record.extend(number(payload.len()));
    record.extend_from_slice(payload);
    record
}

fn number(value: usize) -> Vec<u8> {
    // A `usize` has 64 bits at most.
    encoded(value as u64)
}

/// Seven bits in a byte, the highest first.
fn encoded(mut value: u64) -> Vec<u8> {
    let mut digits = Vec::new();
    loop {
        let more = if digits.is_empty() { 0 } else { 0x80 };
        digits.push((value & 0x7f) as u8 | more);
        value >>= 7;
        if value == 0 {
            break;
        }
    }
    digits.reverse();
    digits
}

#[cfg(test)]
mod tests;
