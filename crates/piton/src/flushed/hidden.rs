//! The hidden folder of a drive, in which files are written before they get their names.
//!
//! A power cut while a folder is created can leave it with the old content of its clusters. Linux takes the whole drive
//! for damaged as soon as a program reads such a folder. So a second file marks a complete folder. A folder without a
//! mark is never read, and another one with another name is used.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{PART, remove, remove_folder};
use crate::host_file::{refuse_link, sync_folder};

/// The start of the name of the mark.
const MADE: &str = ".piton-made";

/// Number of names for a hidden folder.
const NAMES: u32 = 100;

/// A hidden folder and its mark.
pub(crate) struct Hidden {
    /// The folder of both.
    parent: PathBuf,
    folder: PathBuf,
    mark: PathBuf,
    /// A folder in the hidden folder. Flushing it flushes its entry, and the other entries in the same sector. Next to
    /// other files these could be entries of other programs.
    inner: PathBuf,
}

impl Hidden {
    /// Finds the complete hidden folder of an interrupted run, else a free name for one. `suffix` distinguishes it from
    /// others.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or has damaged hidden folders of all names, or one that is a link.
    pub(crate) fn find(parent: &Path, suffix: &OsStr) -> io::Result<Hidden> {
        let names = fs::read_dir(parent)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<OsString>>>()?;
        let mut free = None;
        for number in 1..=NAMES {
            let mut end = suffix.to_owned();
            if number > 1 {
                end.push(format!("~{number}"));
            }
            let named = |start: &str| {
                let mut name = OsString::from(start);
                name.push(&end);
                name
            };
            let hidden = Hidden {
                folder: parent.join(named(PART)),
                mark: parent.join(named(MADE)),
                inner: parent.join(named(PART)).join("new"),
                parent: parent.to_owned(),
            };
            if names.contains(&named(MADE)) {
                refuse_link(&hidden.folder)?;
                refuse_link(&hidden.inner)?;
                return Ok(hidden);
            }
            if free.is_none() && !names.contains(&named(PART)) {
                free = Some(hidden);
            }
        }
        free.ok_or_else(|| io::Error::other("every name for a hidden folder is taken"))
    }

    /// Returns the folder to write into. It exists after [`Hidden::make`].
    pub(crate) fn inner(&self) -> &Path {
        &self.inner
    }

    /// Returns whether it is the complete folder of an interrupted run.
    pub(crate) fn is_left(&self) -> bool {
        self.mark.exists() && self.inner.is_dir()
    }

    /// Creates the hidden folder unless it exists, with folders of these names in the inner one.
    pub(crate) fn make(&self, names: &[&str]) -> io::Result<()> {
        if self.is_left() {
            return Ok(());
        }
        self.remove()?;
        make_plainly(&self.folder, &self.parent)?;
        make_plainly(&self.inner, &self.folder)?;
        for name in names {
            make_plainly(&self.inner.join(name), &self.inner)?;
        }
        File::create(&self.mark)?;
        sync_folder(&self.parent);
        Ok(())
    }

    /// Removes the hidden folder when the inner one is empty.
    pub(crate) fn remove(&self) -> io::Result<()> {
        if !self.mark.exists() {
            return Ok(());
        }
        remove_folder(&self.inner)?;
        remove_folder(&self.folder)?;
        remove(&self.mark)
    }
}

/// Creates a folder that no program reads yet.
fn make_plainly(folder: &Path, parent: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    // Its clusters are taken in the table before its entry refers to them.
    sync_folder(folder);
    sync_folder(parent);
    Ok(())
}
