//! Replacing the folder of the results on a FAT drive.
//!
//! FAT cannot exchange two names in one write, and between the two writes both names are one folder: removing one of
//! them would remove both. So the old results move into a hidden folder, and the new ones out of it, in the order of
//! [`flushed`](crate::flushed). At each moment the old or the new results have a name and are complete. The existing
//! files decide which of them an interrupted build gets back.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::place::Output;
use crate::flushed::{self, Hidden, PART, remove_tree};
use crate::host_file::sync_folder;

/// Name of the new results in the hidden folder.
const NEW: &str = "new";

/// Name of the folder in there in which folders begin.
const FOLDERS: &str = "folders";

/// Returns whether the folder is on a FAT drive.
pub(super) fn is_fat(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        /// `MSDOS_SUPER_MAGIC` of the kernel's include/uapi/linux/magic.h.
        const MAGIC: u64 = 0x4d44;
        rustix::fs::statfs(folder).is_ok_and(|status| u64::try_from(status.f_type) == Ok(MAGIC))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        false
    }
}

/// The folder of the results, and the hidden one beside it.
pub(super) struct FatPlace<'a> {
    out: &'a Path,
    hidden: Hidden,
}

impl FatPlace<'_> {
    pub(super) fn new<'a>(parent: &'a Path, out: &'a Path) -> io::Result<FatPlace<'a>> {
        let mut suffix = OsString::from("-");
        suffix.push(out.file_name().unwrap_or_default());
        let hidden = Hidden::find(parent, &suffix)?;
        Ok(FatPlace { out, hidden })
    }

    /// Returns the folder in which the new results are made.
    pub(super) fn made(&self) -> PathBuf {
        self.hidden.inner().join(NEW)
    }

    fn old(&self) -> PathBuf {
        self.hidden.inner().join("old")
    }

    /// Returns the path of a file that exists when the new results are complete.
    fn whole(&self) -> PathBuf {
        self.hidden.inner().join("whole")
    }

    /// Restores the results that an interrupted build moved, removes its other files, and creates the hidden folder.
    pub(super) fn prepare(&self) -> io::Result<()> {
        if self.hidden.is_left() && self.out.symlink_metadata().is_err() {
            let (old, made) = (self.old(), self.made());
            if old.is_dir() {
                flushed::rename(&old, &File::open(&old)?, self.out)?;
            } else if self.whole().exists() && made.is_dir() {
                flushed::rename(&made, &File::open(&made)?, self.out)?;
            }
        }
        self.remove()?;
        self.hidden.make(&[NEW, FOLDERS])
    }

    fn remove(&self) -> io::Result<()> {
        if self.hidden.is_left() {
            remove_tree(self.hidden.inner())?;
        }
        self.hidden.remove()
    }

    /// Creates a folder of the new results and its missing parents. Each of them is on the drive before it gets
    /// content.
    pub(super) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.make_folder(parent)?;
        }
        let scratch = self.hidden.inner().join(FOLDERS).join("folder");
        flushed::make_folder(&scratch, folder)
    }

    /// Copies the files of the results that no build made.
    pub(super) fn keep_others(&self, output: &Output<'_>) -> io::Result<()> {
        for entry in fs::read_dir(self.out).into_iter().flatten() {
            let name = entry?.file_name();
            let own = name.to_str().is_some_and(|name| output.own.contains(name));
            if !own {
                self.copy(&self.out.join(&name), &self.made().join(&name))?;
            }
        }
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        if !from.is_dir() {
            return fs::copy(from, to).map(drop);
        }
        self.make_folder(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            self.copy(&from.join(&name), &to.join(&name))?;
        }
        Ok(())
    }

    /// Replaces the old results by the new ones, which are on the drive.
    pub(super) fn exchange(&self) -> io::Result<()> {
        File::create(self.whole())?;
        sync_folder(self.hidden.inner());
        let (old, made) = (self.old(), self.made());
        if self.out.is_dir() {
            flushed::rename(self.out, &File::open(self.out)?, &old)?;
        }
        let moved = File::open(&made).and_then(|file| flushed::rename(&made, &file, self.out));
        if moved.is_err() && old.is_dir() {
            flushed::rename(&old, &File::open(&old)?, self.out)?;
        }
        moved
    }

    /// Removes the hidden folder with the old results, or with incomplete new ones. It is kept if its content
    /// could not be restored.
    pub(super) fn tidy(&self) -> io::Result<()> {
        let has_results = self.out.symlink_metadata().is_ok();
        if !has_results && self.hidden.is_left() && (self.old().is_dir() || self.whole().exists()) {
            return Ok(());
        }
        self.remove()
    }

    /// Returns the folder of an interrupted build that is the same folder as the results, if there is one. This can
    /// happen only on a drive that Linux has mounted with `sync`.
    pub(super) fn shared(&self) -> Option<PathBuf> {
        let name = format!("{PART}-probe");
        let is_same = |left: &PathBuf| {
            let probe = left.join(&name);
            let made = self.out.is_dir() && left.is_dir() && File::create(&probe).is_ok();
            let same = made && self.out.join(&name).exists();
            made && (fs::remove_file(&probe).is_err() || same)
        };
        let left = [self.old(), self.made()];
        let is_left = self.hidden.is_left();
        left.into_iter().find(|left| is_left && is_same(left))
    }
}
