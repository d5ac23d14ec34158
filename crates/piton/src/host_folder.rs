//! Replacing a folder of this computer: at each moment the old one or the new one has its name.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tracing::debug;

use crate::host_file::{refuse_link, sync_folder};

/// A folder that is made beside another one, to take its place.
pub(crate) struct Replacement {
    folder: PathBuf,
    /// The new folder; after the exchange, the old one.
    new: PathBuf,
    /// The old folder, where the system cannot exchange two names.
    old: PathBuf,
}

impl Replacement {
    /// Returns the replacement for `folder`, which need not exist. Nothing is done yet.
    pub(crate) fn of(folder: &Path) -> Replacement {
        let beside = |end: &str| {
            let mut name = OsString::from(".");
            name.push(folder.file_name().unwrap_or_default());
            name.push(end);
            folder.with_file_name(name)
        };
        Replacement {
            new: beside(".piton-new"),
            old: beside(".piton-old"),
            folder: folder.to_owned(),
        }
    }

    /// Removes what an interrupted run left. If it was cut off between its two last steps, the old folder gets its name back.
    pub(crate) fn settle(&self) -> io::Result<()> {
        for left in [&self.old, &self.new] {
            refuse_link(left)?;
        }
        if !self.folder.exists() && self.old.is_dir() {
            debug!(old = %self.old.display(), "the old folder is restored after an interrupted change");
            fs::rename(&self.old, &self.folder)?;
        }
        for left in [&self.old, &self.new] {
            if left.is_dir() {
                fs::remove_dir_all(left)?;
            }
        }
        Ok(())
    }

    /// Creates the new folder, empty, and returns its path.
    pub(crate) fn begin(&self) -> io::Result<PathBuf> {
        self.settle()?;
        fs::create_dir_all(&self.new)?;
        Ok(self.new.clone())
    }

    /// Returns the path of the new folder, which need not exist.
    pub(crate) fn new_folder(&self) -> &Path {
        &self.new
    }

    /// Gives the new folder its name, and removes the old one. The content of the new one must be on the disk: [`sync_all`].
    pub(crate) fn finish(&self) -> io::Result<()> {
        refuse_link(&self.folder)?;
        if !self.folder.exists() {
            fs::rename(&self.new, &self.folder)?;
        } else if !swap_names(&self.new, &self.folder) {
            fs::rename(&self.folder, &self.old)?;
            if let Err(error) = fs::rename(&self.new, &self.folder) {
                fs::rename(&self.old, &self.folder)?;
                return Err(error);
            }
        }
        if let Some(parent) = self.folder.parent() {
            sync_folder(parent);
        }
        self.settle()
    }
}

/// Exchanges two names in one step, if the system and the file system support it.
pub(crate) fn swap_names(one: &Path, other: &Path) -> bool {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    {
        let _ = (one, other);
        false
    }
}

/// Flushes the content of all files before they get their names. Otherwise a power cut could leave empty files.
pub(crate) fn sync_all(folder: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        rustix::fs::syncfs(File::open(folder)?)?;
        Ok(())
    }
    #[cfg(not(target_os = "linux"))]
    {
        for entry in folder.read_dir()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                sync_all(&entry.path())?;
            } else {
                File::options().write(true).open(entry.path())?.sync_all()?;
            }
        }
        Ok(())
    }
}

/// Copies a file or folder; files are linked where the file system can. Links stay links.
pub(crate) fn hard_copy(from: &Path, to: &Path) -> io::Result<()> {
    let kind = from.symlink_metadata()?.file_type();
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in from.read_dir()? {
            let entry = entry?;
            hard_copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_old_or_new_whatever_step_is_the_last() {
        for steps in 0..4 {
            let parent = tempfile::tempdir().unwrap();
            let folder = parent.path().join("x");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("old"), "").unwrap();
            let replacement = Replacement::of(&folder);
            // What a system without an exchange does, cut off after each step.
            if steps > 0 {
                fs::write(replacement.begin().unwrap().join("new"), "").unwrap();
            }
            if steps > 1 {
                fs::rename(&folder, &replacement.old).unwrap();
            }
            if steps > 2 {
                fs::rename(&replacement.new, &folder).unwrap();
            }
            replacement.settle().unwrap();
            let name = if steps > 2 { "new" } else { "old" };
            assert!(folder.join(name).exists(), "{steps}");
            assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "{steps}");
        }
    }

    #[test]
    fn a_folder_is_replaced_and_created() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/x");
        for content in ["1", "2"] {
            let replacement = Replacement::of(&folder);
            let new = replacement.begin().unwrap();
            fs::write(new.join("file"), content).unwrap();
            sync_all(&new).unwrap();
            replacement.finish().unwrap();
            assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), content);
        }
        hard_copy(&folder, &parent.path().join("copy")).unwrap();
        assert_eq!(
            fs::read_to_string(parent.path().join("copy/file")).unwrap(),
            "2"
        );
        assert_eq!(fs::read_dir(parent.path().join("a")).unwrap().count(), 1);
    }
}
