//! The list of hashes in an image: a record of padding, which boards pass over.
//!
//! It begins with [`MARK`]. The SHA-256 of each file follows, in the order of the image, and then that of all paths, each with a line feed.

use sha2::{Digest, Sha256};

use super::{Content, Entry, ReadError};

/// The first bytes of the list.
pub(super) const MARK: &[u8] = b"piton sha256\n";

/// Bytes of a hash.
const SIZE: usize = 32;

/// What the hashes in an image say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashCheck {
    /// The image has no hashes.
    Absent,
    /// All files, and their paths, are as they were when the image was made.
    Good,
    /// These files have another content than when the image was made.
    Changed(Vec<String>),
    /// The list is of other files: there are others, or they have other paths.
    OtherFiles,
}

/// Makes the list of these files.
pub(super) fn list(entries: &[Entry]) -> Vec<u8> {
    let mut list = MARK.to_vec();
    let mut paths = Sha256::new();
    for (path, content) in files(entries) {
        list.extend(Sha256::digest(content));
        paths.update(path);
        paths.update(b"\n");
    }
    list.extend(paths.finalize());
    list
}

/// Returns the files of an image with their paths, in its order.
pub fn files(entries: &[Entry]) -> Vec<(String, &[u8])> {
    fn visit<'e>(entries: &'e [Entry], above: &str, found: &mut Vec<(String, &'e [u8])>) {
        for entry in entries {
            let path = format!("{above}{}", entry.name);
            match &entry.content {
                Content::Folder(inside) => visit(inside, &format!("{path}/"), found),
                Content::File(content) => found.push((path, content)),
            }
        }
    }
    let mut found = Vec::new();
    visit(entries, "", &mut found);
    found
}

/// Compares the files of an image with the hashes in it.
///
/// # Errors
///
/// [`ReadError`] for an image that is damaged.
pub fn check_hashes(image: &[u8]) -> Result<HashCheck, ReadError> {
    let entries = super::read(image)?;
    let Some(found) = super::read::marked_padding(image, MARK)? else {
        return Ok(HashCheck::Absent);
    };
    let expected = list(&entries);
    let expected = expected.get(MARK.len()..).unwrap_or_default();
    let (hashes, paths) = found.split_at(found.len().saturating_sub(SIZE));
    let (expected_hashes, expected_paths) = expected.split_at(expected.len().saturating_sub(SIZE));
    if paths != expected_paths || hashes.len() != expected_hashes.len() {
        return Ok(HashCheck::OtherFiles);
    }
    let pairs = hashes.chunks(SIZE).zip(expected_hashes.chunks(SIZE));
    let changed: Vec<String> = files(&entries)
        .into_iter()
        .zip(pairs)
        .filter(|(_, (found, expected))| found != expected)
        .map(|((path, _), _)| path)
        .collect();
    match changed.is_empty() {
        true => Ok(HashCheck::Good),
        false => Ok(HashCheck::Changed(changed)),
    }
}
