//! The cache of packages: documents by their addresses, files by their hashes, and repositories of `git`.
//!
//! Everything in it can be fetched again. [`items`] lists it by name, as belay's `cache list` does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cache_folder::{NoCacheFolder, cache_folder};

/// The folder of documents and files, in the folder of the cache.
pub(super) const DOCUMENTS: &str = "documents";

/// An entry of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Item {
    /// Its name: `documents`, or `git-SERVER-REPOSITORY-HASH`.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The number of its files.
    pub files: usize,
}

/// Returns the folder of the cache: `packages` in [`cache_folder`]. It need not exist.
///
/// # Errors
///
/// [`NoCacheFolder`].
pub fn folder() -> Result<PathBuf, NoCacheFolder> {
    Ok(cache_folder()?.join("packages"))
}

/// Returns the entries of the cache, sorted by name.
///
/// # Errors
///
/// The folder cannot be read. A missing one has no entries.
pub fn items(folder: &Path) -> io::Result<Vec<Item>> {
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut items = Vec::new();
    for entry in entries {
        let entry = entry?;
        let mut item = Item {
            name: entry.file_name().to_string_lossy().into_owned(),
            bytes: 0,
            files: 0,
        };
        weigh(&entry.path(), &mut item)?;
        items.push(item);
    }
    items.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(items)
}

fn weigh(path: &Path, item: &mut Item) -> io::Result<()> {
    let metadata = path.symlink_metadata()?;
    if !metadata.is_dir() {
        item.bytes += metadata.len();
        item.files += 1;
        return Ok(());
    }
    for entry in path.read_dir()? {
        weigh(&entry?.path(), item)?;
    }
    Ok(())
}

/// Removes the entries whose names begin with `prefix`. Returns what was removed; with `dry_run` nothing is.
///
/// # Errors
///
/// An entry cannot be removed.
pub fn clear(folder: &Path, prefix: &str, dry_run: bool) -> io::Result<Vec<Item>> {
    let mut items = items(folder)?;
    items.retain(|item| item.name.starts_with(prefix));
    for item in items.iter().filter(|_| !dry_run) {
        let path = folder.join(&item.name);
        match path.symlink_metadata()?.is_dir() {
            true => fs::remove_dir_all(&path)?,
            false => fs::remove_file(&path)?,
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_listed_and_cleared_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(items(&path.join("none")).unwrap(), []);
        fs::create_dir_all(path.join("git-a/x")).unwrap();
        fs::write(path.join("git-a/x/1"), "123").unwrap();
        fs::write(path.join("git-a/2"), "45").unwrap();
        fs::create_dir(path.join("documents")).unwrap();
        let listed = items(path).unwrap();
        let shown = listed
            .iter()
            .map(|item| (item.name.as_str(), item.bytes, item.files));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [("documents", 0, 0), ("git-a", 5, 2)]
        );
        assert_eq!(clear(path, "git", true).unwrap().len(), 1);
        assert_eq!(clear(path, "git", false).unwrap().len(), 1);
        assert_eq!(items(path).unwrap().len(), 1);
    }
}
