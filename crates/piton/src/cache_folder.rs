//! The folder of files that Piton can fetch or make again.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use piton_project::cache::{COMPILED_LIMIT, Cache};
use walkdir::WalkDir;

use crate::environment::CACHE_FOLDER;

/// The folder is unknown: the user has no home folder, and [`CACHE_FOLDER`] is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no folder for the cache: there is no home folder, and `{CACHE_FOLDER}` is not set")]
pub struct NoCacheFolder;

/// Returns the folder: the one that [`CACHE_FOLDER`] names, else `piton` in the user's cache folder (`~/.cache/piton`
/// on Linux). It need not exist.
///
/// # Errors
///
/// [`NoCacheFolder`].
pub fn cache_folder() -> Result<PathBuf, NoCacheFolder> {
    if let Some(folder) = env::var_os(CACHE_FOLDER).filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let strategy = etcetera::choose_base_strategy().map_err(|_| NoCacheFolder)?;
    Ok(strategy.cache_dir().join("piton"))
}

/// Returns the folder in it for compiled modules, which all commands share.
///
/// # Errors
///
/// [`NoCacheFolder`].
pub fn compiled_folder() -> Result<PathBuf, NoCacheFolder> {
    Ok(cache_folder()?.join("mpy"))
}

/// Returns the cache of compiled modules; `None` if there is no cache folder. The folder is created with the first
/// write.
pub fn compiled_modules() -> Option<Cache> {
    let folder = compiled_folder().ok()?;
    Some(Cache::new(folder, COMPILED_LIMIT))
}

/// Something that is kept in a folder of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Element {
    /// Its name in the folder.
    pub name: String,
    /// The bytes of its files.
    pub bytes: u64,
}

/// Returns what is in a folder of the cache, by name; nothing for a folder that does not exist. Links are not followed.
///
/// # Errors
///
/// The folder, or one below, cannot be read.
pub fn elements(folder: &Path) -> io::Result<Vec<Element>> {
    let mut found = Vec::new();
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let mut bytes = 0;
        for below in WalkDir::new(entry.path()) {
            let below = below?;
            if below.file_type().is_file() {
                bytes += below.metadata()?.len();
            }
        }
        found.push(Element {
            name: entry.file_name().to_string_lossy().into_owned(),
            bytes,
        });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Removes what [`elements`] found in a folder of the cache.
///
/// # Errors
///
/// It cannot be removed, or the name is a path.
pub fn remove_element(folder: &Path, name: &str) -> io::Result<()> {
    if Path::new(name).file_name() != Some(OsStr::new(name)) {
        return Err(io::Error::other("it is not the name of an element"));
    }
    let path = folder.join(name);
    match fs::symlink_metadata(&path)?.is_dir() {
        true => fs::remove_dir_all(&path),
        false => fs::remove_file(&path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_listed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        assert_eq!(elements(&cache).unwrap(), Vec::new());
        fs::create_dir_all(cache.join("b/deep")).unwrap();
        fs::write(cache.join("b/deep/x"), "12345").unwrap();
        fs::write(cache.join("a"), "123").unwrap();
        let sizes = |found: Vec<Element>| {
            let found = found.into_iter();
            found
                .map(|element| (element.name, element.bytes))
                .collect::<Vec<_>>()
        };
        let expected = [("a".to_owned(), 3), ("b".to_owned(), 5)];
        assert_eq!(sizes(elements(&cache).unwrap()), expected);
        remove_element(&cache, "b").unwrap();
        remove_element(&cache, "../cache").unwrap_err();
        remove_element(&cache, "..").unwrap_err();
        assert_eq!(sizes(elements(&cache).unwrap()), expected[..1]);
    }
}
