//! Notices changes of a folder of this computer, by looking at it again and again.

use std::io;
use std::path::{Path, PathBuf};

use super::{Error, HostTree, Links, walk};
use crate::patterns::Patterns;

/// A folder that is looked at again and again.
///
/// What counts are names, sizes and times of change, as a sync would see them: what is ignored does not.
#[derive(Debug)]
pub struct Watcher {
    folder: PathBuf,
    ignore: Patterns,
    links: Links,
    /// As it was at the last [`FolderState::Changed`], or at the start.
    known: HostTree,
    /// As it was when it was looked at last.
    last: HostTree,
}

/// The state of a watched folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderState {
    /// It is as it was.
    Same,
    /// It is changing right now: an editor may be half-way through its files.
    Changing,
    /// It has changed, and is quiet since the last look.
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

    /// Looks at the folder. A pause between two looks separates a whole change from half of one: half a second will
    /// do.
    ///
    /// # Errors
    ///
    /// As for [`walk`], but for a file that went away while it was looked at.
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
