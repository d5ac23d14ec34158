//! Surveying the files of packages on the board, before they are fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use data_encoding::HEXLOWER;
use piton_board::deadline::Deadline;
use piton_board::stop::Stop;
use piton_fs::hash::HashAlgorithm;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::Hashing;
use piton_path::BoardPath;
use piton_project::mip::package::ShortHash;
use piton_project::mip::record::Record;
use piton_project::mip::resolve::File as PackageFile;

use super::change::Found;
use super::{Described, Library, MipError, MipEvent, Packages, RecordUse};
use crate::times::CONTENT_TIME;

/// The files of packages that the board has, and its record.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// The entries at the paths of the packages' files and of their folders.
    pub(super) found: Found,
    pub(super) record: Option<Record>,
    /// The SHA-256 of each file that agrees with its package, by path: see [`place_of`].
    there: BTreeMap<String, String>,
}

impl Looked {
    /// Returns the SHA-256 of a file on the board that agrees with its package. Without a record, the first 24 digits.
    pub(super) fn sha256(&self, file: &PackageFile) -> Option<&str> {
        let sha256 = self.there.get(&place_of(file));
        sha256.filter(|_| file.hash.is_some()).map(String::as_str)
    }
}

/// Returns the path of a file in lower case, because some file systems ignore the case.
pub(super) fn place_of(file: &PackageFile) -> String {
    file.path.as_str().to_lowercase()
}

impl Packages<'_> {
    /// Asks the board what it has of these packages, and for the record of what is installed. An interrupted change is
    /// completed first. One look; each file that is there and not on record costs one exchange more.
    ///
    /// # Errors
    ///
    /// [`MipError::Record`], [`MipError::Fs`].
    pub fn look(
        &mut self,
        described: &[Described],
        record_use: RecordUse,
        events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Looked, MipError> {
        let Packages { repl, library } = self;
        let mut stop = Stop::new(repl.cancel());
        let events = &mut |event: MipEvent<'_>| stop.report(|| events(event));
        let remote = &mut RemoteFs::new(repl);
        let files: Vec<&PackageFile> = described.iter().flat_map(Described::files).collect();
        let wanted = files.iter().map(|file| (*file, Hashing::Always));
        let (found, record) = survey(remote, library, wanted, record_use, events)?;
        let keeps_record = record.is_some() || record_use == RecordUse::Keep;
        let mut there = BTreeMap::new();
        for (place, (file, hash)) in agreed(&files) {
            let path = library.place(file.path.as_str())?;
            // A board without SHA-256 would have to send the file, which takes longer than to fetch it.
            let Some(digest) = found.get(&path).and_then(|entry| entry.digest) else {
                continue;
            };
            if !digest.agrees_with(&hash.as_str().to_ascii_lowercase()) {
                continue;
            }
            let packages = record.iter().flat_map(|record| &record.packages);
            let mut recorded = packages.flat_map(|package| &package.files);
            let recorded = recorded
                .find(|(known, sha256)| *known == file.path && digest.matches_text(sha256))
                .map(|(_, sha256)| sha256.clone());
            let sha256 = match recorded {
                Some(sha256) => sha256,
                None if keeps_record => {
                    let deadline = Deadline::after(CONTENT_TIME);
                    HEXLOWER.encode(&remote.hash(&path, HashAlgorithm::Sha256, deadline)?)
                }
                None => digest.to_string(),
            };
            if hash.begins(&sha256) || sha256.len() < hash.as_str().len() {
                there.insert(place, sha256);
            }
        }
        Ok(Looked {
            found,
            record,
            there,
        })
    }
}

/// Returns the paths whose files all have the same hash, with the first of these files.
fn agreed<'f>(files: &[&'f PackageFile]) -> BTreeMap<String, (&'f PackageFile, &'f ShortHash)> {
    let mut hashes: BTreeMap<String, Option<(&PackageFile, &ShortHash)>> = BTreeMap::new();
    for file in files {
        let own = file.hash.as_ref().map(|hash| (*file, hash));
        let known = hashes.entry(place_of(file)).or_insert(own);
        let agrees = match (&known, &own) {
            (Some((other, one)), Some((_, hash))) => {
                other.path == file.path && one.as_str().eq_ignore_ascii_case(hash.as_str())
            }
            _ => false,
        };
        if !agrees {
            *known = None;
        }
    }
    let agreed = hashes.into_iter();
    agreed
        .filter_map(|(place, file)| Some((place, file?)))
        .collect()
}

/// Surveys these files and their folders, and reads the record of installed packages. An interrupted change is
/// completed first.
pub(super) fn survey<'f>(
    remote: &mut RemoteFs<'_, '_>,
    library: &Library,
    files: impl Iterator<Item = (&'f PackageFile, Hashing)>,
    record_use: RecordUse,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<(Found, Option<Record>), MipError> {
    let record_path = library.record_path()?;
    let mut wanted: Vec<(BoardPath, Hashing)> = vec![(record_path.clone(), Hashing::Never)];
    let mut folders = BTreeSet::new();
    folders.extend(library.folders(&record_path));
    for (file, hashing) in files {
        let place = library.place(file.path.as_str())?;
        folders.extend(library.folders(&place));
        wanted.push((place, hashing));
    }
    let folders = folders.into_iter();
    wanted.extend(folders.map(|folder| (folder, Hashing::Never)));
    let found = library.settled(remote, &wanted, events)?;
    let record = match (library.read_record(remote, &found), record_use) {
        (Ok(record), _) => record,
        (Err(MipError::Record { .. }), RecordUse::IfPresent) => None,
        (Err(error), _) => return Err(error),
    };
    Ok((found, record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mip::tests::file;

    /// Returns the paths that can be compared by a hash, of files `PATH` or `PATH=HASH`.
    fn paths(files: &[&str]) -> String {
        let files: Vec<PackageFile> = files
            .iter()
            .map(|text| match text.split_once('=') {
                Some((path, hash)) => PackageFile {
                    hash: Some(hash.parse().unwrap()),
                    ..file(path)
                },
                None => file(text),
            })
            .collect();
        let files: Vec<&PackageFile> = files.iter().collect();
        let agreed = agreed(&files);
        agreed.keys().cloned().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_path_is_compared_by_the_hash_that_all_its_files_have() {
        assert_eq!(paths(&["a.py=01234567", "b.py=01234567"]), "a.py b.py");
        assert_eq!(paths(&["a.py=0123abcd", "a.py=0123ABCD"]), "a.py");
        assert_eq!(paths(&["a.py=01234567", "a.py=01234568"]), "");
        // More digits could be those of another file.
        assert_eq!(paths(&["a.py=01234567", "a.py=0123456789"]), "");
    }

    #[test]
    fn a_file_without_a_hash_and_one_with_another_case_are_fetched() {
        assert_eq!(paths(&["a.py"]), "");
        assert_eq!(paths(&["a.py=01234567", "a.py"]), "");
        assert_eq!(paths(&["a.py", "a.py=01234567"]), "");
        assert_eq!(
            paths(&["a.py=01234567", "A.py=01234567", "b.py=01234567"]),
            "b.py"
        );
        // Once in doubt, always in doubt.
        assert_eq!(paths(&["a.py", "a.py=01234567", "a.py=01234567"]), "");
    }

    #[test]
    fn nothing_is_on_a_board_that_nobody_looked_at() {
        let mut one = file("Lib/A.py");
        one.hash = Some("01234567".parse().unwrap());
        let mut looked = Looked::default();
        assert_eq!(looked.sha256(&one), None);
        looked
            .there
            .insert("lib/a.py".to_owned(), "0123456789".to_owned());
        assert_eq!(looked.sha256(&one), Some("0123456789"));
        // Without a hash there is nothing that the board's file could agree with.
        one.hash = None;
        assert_eq!(looked.sha256(&one), None);
    }
}
