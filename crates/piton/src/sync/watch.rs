//! Watching a folder of this computer for changes, by comparing it repeatedly.

use std::io;
use std::path::{Path, PathBuf};

use super::{Error, HostTree, Links, walk};
use crate::patterns::Patterns;

/// A folder that is watched for changes.
///
/// Names, sizes and times of change count, except those of ignored files.
#[derive(Debug)]
pub struct Watcher {
    folder: PathBuf,
    ignore: Patterns,
    links: Links,
    /// Its state at the last [`FolderState::Changed`], or at the start.
    known: HostTree,
    /// Its state at the last comparison.
    last: HostTree,
}

/// The state of a watched folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderState {
    /// It is unchanged.
    Same,
    /// It is being changed: an editor may not have written all files yet.
    Changing,
    /// It has changed, and is unchanged since the last comparison.
    Changed,
}

impl Watcher {
    /// Begins to watch a folder.
    ///
    /// # Errors
    ///
    /// As for [`walk`].
    pub fn new(folder: &Path, ignore: &Patterns, links: Links) -> Result<Watcher, Error> {
        let known = walk(folder, ignore, links)?;
        Ok(Watcher {
            folder: folder.to_path_buf(),
            ignore: ignore.clone(),
            links,
            last: known.clone(),
            known,
        })
    }

    /// Compares the folder with its last state. A pause of about half a second between two calls distinguishes complete
    /// changes from do.
    ///
    /// # Errors
    ///
    /// As for [`walk`], except for a file that was removed meanwhile.
    pub fn look(&mut self) -> Result<FolderState, Error> {
        let now = match walk(&self.folder, &self.ignore, self.links) {
            Ok(now) => now,
            Err(Error::Read { path, source })
                if source.kind() == io::ErrorKind::NotFound && path != self.folder =>
            {
                return Ok(FolderState::Changing);
            }
            Err(error) => return Err(error),
        };
        if now == self.known {
            self.last = now;
            return Ok(FolderState::Same);
        }
        if now != self.last {
            self.last = now;
            return Ok(FolderState::Changing);
        }
        self.known = now;
        Ok(FolderState::Changed)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_reported_once_and_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.py");
        fs::write(&path, "1").unwrap();
        let mut watcher = Watcher::new(folder.path(), &Patterns::new(), Links::Follow).unwrap();
        assert_eq!(watcher.look().unwrap(), FolderState::Same);
        fs::write(&path, "12").unwrap();
        assert_eq!(watcher.look().unwrap(), FolderState::Changing);
        fs::write(&path, "123").unwrap();
        assert_eq!(watcher.look().unwrap(), FolderState::Changing);
        assert_eq!(watcher.look().unwrap(), FolderState::Changed);
        assert_eq!(watcher.look().unwrap(), FolderState::Same);
        fs::write(folder.path().join(".a.py.swp"), "x").unwrap();
        assert_eq!(watcher.look().unwrap(), FolderState::Same);
        fs::remove_file(&path).unwrap();
        assert_eq!(watcher.look().unwrap(), FolderState::Changing);
        assert_eq!(watcher.look().unwrap(), FolderState::Changed);
        assert_eq!(watcher.look().unwrap(), FolderState::Same);
        drop(folder);
        assert!(watcher.look().is_err());
    }
}
