//! Writing the files of a drive so that a power cut finds each of them old or new.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use piton_project::manifest::hexadecimal;
use piton_project::relative_path::RelativePath;
use sha2::{Digest, Sha256};

use super::deploy::DeployError;
use crate::flushed::{self, PART};
use crate::host_file::sync_folder;

/// The hidden folder on the drive where files are written before they get their names. It is there from the first file
/// on, and goes with the value.
pub(super) struct Parts<'a> {
    drive: &'a Path,
    hidden: PathBuf,
    /// In the hidden folder: to flush it is to flush its entry, and what else is in that sector. At the top of the drive
    /// that may be the entry of a file that just comes.
    folder: PathBuf,
}

impl Parts<'_> {
    /// Remove what an interrupted copy left. `paths` are the files of the shipment.
    pub(super) fn open<'a>(
        drive: &'a Path,
        paths: impl Iterator<Item = &'a RelativePath> + Clone,
    ) -> Result<Parts<'a>, DeployError> {
        let hidden = drive.join(PART);
        let folder = hidden.join("new");
        let failed = |source| DeployError::Write {
            path: folder.clone(),
            source,
        };
        check_leftovers(drive, &folder, paths.clone())?;
        clean(&folder).map_err(failed)?;
        for room in rooms(drive, paths) {
            flushed::remove(&room).map_err(failed)?;
        }
        Ok(Parts {
            drive,
            hidden,
            folder,
        })
    }

    /// Write a file of the shipment. The old one, if any, is there until the new one is.
    pub(super) fn put(&self, path: &RelativePath, content: &[u8]) -> io::Result<()> {
        if !self.hidden.is_dir() {
            fs::create_dir(&self.hidden)?;
            sync_folder(self.drive);
        }
        if !self.folder.is_dir() {
            fs::create_dir(&self.folder)?;
            sync_folder(&self.hidden);
        }
        self.make_folders(path)?;
        let place = self.drive.join(path.to_path());
        let part = self.folder.join(part_name(path));
        let mut file = File::create(&part)?;
        file.write_all(content)?;
        // Its place is taken in the table before its entry says so: an entry whose place is free cannot be removed.
        sync_folder(&self.folder);
        file.sync_all()?;
        flushed::rename(&part, &file, &place)
    }

    /// Make the folders of a file. Each comes into its place when it is on the drive, empty.
    fn make_folders(&self, path: &RelativePath) -> io::Result<()> {
        let mut place = self.drive.to_owned();
        for name in path.parent().iter().flat_map(RelativePath::parts) {
            place.push(name);
            if place.is_dir() {
                continue;
            }
            // A folder that cannot be opened cannot be flushed, and is made as it is. Linux makes one in the right order
            // where it writes everything at once.
            if cfg!(not(unix)) || writes_at_once(self.drive) {
                fs::create_dir(&place)?;
                continue;
            }
            let part = self.folder.join("folder");
            fs::create_dir(&part)?;
            let new = File::open(&part)?;
            new.sync_all()?;
            sync_folder(&self.folder);
            flushed::rename(&part, &new, &place)?;
        }
        Ok(())
    }
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        if self.hidden.is_dir() {
            // What cannot be removed is removed next time.
            let _ = clean(&self.folder);
            let _ = fs::remove_dir(&self.folder);
            let _ = fs::remove_dir(&self.hidden);
        }
        sync_folder(self.drive);
    }
}

/// Whether the drive is mounted with `sync`.
fn writes_at_once(drive: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::StatVfsMountFlags;
        rustix::fs::statvfs(drive)
            .is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::SYNCHRONOUS))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = drive;
        false
    }
}

/// Files that kept room in the folders of a shipment when a copy was interrupted.
fn rooms<'a>(drive: &Path, paths: impl Iterator<Item = &'a RelativePath>) -> Vec<PathBuf> {
    let folders = paths.map(|path| {
        let parent = path.parent();
        parent.map_or(drive.to_owned(), |parent| drive.join(parent.to_path()))
    });
    let mut rooms = Vec::new();
    for folder in folders.collect::<BTreeSet<PathBuf>>() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let ours = entry.file_name().to_string_lossy().starts_with(PART);
            let empty = |there: fs::Metadata| there.is_file() && there.len() == 0;
            if ours && entry.metadata().is_ok_and(empty) {
                rooms.push(entry.path());
            }
        }
    }
    rooms
}

/// The name of a part: a file's path, as a hash, for a folder of parts has no folders.
fn part_name(path: &RelativePath) -> String {
    let hash = Sha256::digest(path.as_str());
    hexadecimal(hash.get(..8).unwrap_or_default())
}

/// Whether a name is one that [`part_name`] gives. A folder that a power cut damaged may have any.
fn is_part(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Look for a part that has the content of its file: the two may have one place on the drive, and removing the part
/// would give that free. Only a drive that Linux mounted with `sync` can have got there.
fn check_leftovers<'a>(
    drive: &Path,
    folder: &Path,
    paths: impl Iterator<Item = &'a RelativePath>,
) -> Result<(), DeployError> {
    for path in paths {
        let part = folder.join(part_name(path));
        let place = drive.join(path.to_path());
        if let (Ok(left), Ok(there)) = (fs::read(&part), fs::read(&place))
            && left == there
            && !left.is_empty()
        {
            return Err(DeployError::Shared { part, path: place });
        }
    }
    Ok(())
}

/// Remove the parts in their folder.
fn clean(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(is_part) {
            flushed::remove(&entry.path())?;
        } else if name == "folder" {
            fs::remove_dir(entry.path())?;
            sync_folder(folder);
        }
    }
    Ok(())
}
