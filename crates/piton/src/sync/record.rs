//! The record of the files that a sync has written to a folder of this computer. Files that are unchanged since then
//! are copies of the board's, which may be replaced and removed.
//!
//! The record is a file in the folder, in the format of `sha256sum`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;
use piton_path::RelativePath;

use super::Error;
use crate::host_file::{self, refuse_link};

/// The name of the record.
pub const FILE_NAME: &str = ".piton-sync";

/// Hashes (SHA-256, hexadecimal) by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record(BTreeMap<RelativePath, String>);

impl Record {
    /// Reads the record of a folder; empty if there is none. Invalid lines are skipped: their files
    /// are not known as copies.
    pub(super) fn load(folder: &Path) -> Result<Record, Error> {
        let path = folder.join(FILE_NAME);
        // A link would let a folder from elsewhere name any file, which saving the record would overwrite.
        let text = match refuse_link(&path).and_then(|()| fs::read(&path)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::default()),
            Err(source) => return Err(Error::Read { path, source }),
        };
        let text = String::from_utf8_lossy(&text);
        Ok(Record(text.lines().filter_map(entry).collect()))
    }

    /// Returns whether a file with this content is a copy.
    pub(super) fn knows(&self, path: &RelativePath, sha256: &[u8]) -> bool {
        self.0
            .get(path)
            .is_some_and(|known| *known == HEXLOWER.encode(sha256))
    }

    /// Adds a copy.
    pub(super) fn add(&mut self, path: RelativePath, sha256: &[u8]) {
        self.0.insert(path, HEXLOWER.encode(sha256));
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, path: &RelativePath) {
        self.0.remove(path);
    }

    /// Writes the record into the folder.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE_NAME);
        refuse_link(&path)
            .and_then(|()| host_file::write(&path, self.text().as_bytes()))
            .map_err(|source| Error::Write { path, source })
    }

    /// Returns the text of the record.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (path, hash) in &self.0 {
            let name = path.as_str();
            // Writing to a `String` cannot fail.
            let _ = match name.contains(['\\', '\n', '\r']) {
                true => writeln!(text, "\\{hash}  {}", escaped(name)),
                false => writeln!(text, "{hash}  {name}"),
            };
        }
        text
    }
}

fn entry(line: &str) -> Option<(RelativePath, String)> {
    let (is_escaped, line) = match line.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (hash, name) = line.split_once("  ")?;
    let name = match is_escaped {
        true => plain(name),
        false => name.to_owned(),
    };
    Some((name.parse().ok()?, hash.to_owned()))
}

fn plain(escaped: &str) -> String {
    let mut name = String::new();
    let mut letters = escaped.chars();
    while let Some(letter) = letters.next() {
        name.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                other => other.unwrap_or(letter),
            },
            letter => letter,
        });
    }
    name
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_record_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::default();
        for name in ["a", "lib/b c", "new\nline", "back\\slash", "back\\n"] {
            record.add(name.parse().unwrap(), name.as_bytes());
        }
        record.save(folder.path()).unwrap();
        let loaded = Record::load(folder.path()).unwrap();
        assert_eq!(loaded, record);
        assert!(loaded.knows(&"a".parse().unwrap(), b"a"));
        assert!(!loaded.knows(&"a".parse().unwrap(), b"b"));
    }

    #[test]
    fn a_line_that_leads_out_of_the_folder_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), "61  ../a\nnonsense\n61  b\n").unwrap();
        let record = Record::load(folder.path()).unwrap();
        assert_eq!(record.0.len(), 1);
    }
}
