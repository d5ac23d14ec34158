//! Renaming and removing files so that a power cut leaves each file old or new, also on FAT.
//!
//! FAT has no journal, and Linux writes one rename as up to three changes that wait in memory, each for its own reason:
//! the entry of the new name, which refers to the clusters of the content, is written with the file; the removal of the
//! old name with the old folder; and the clusters of the replaced file are freed with the table (`vfat_rename`,
//! `fat_evict_inode` and `fat_file_fsync` in the kernel's fs/fat). Without a forced order, a power cut between them can
//! lose a file: both names may have the same clusters, which are freed when either is removed, or a name may have
//! clusters that are free already. So this module forces the order, with a flush after each change: the old name is
//! removed, the new entry is written, the old clusters are freed. Between the first two the content has no name, which
//! is harmless.
//!
//! This needs two folders: in one folder, the removal of the old name and an empty new entry would be written together.
//! The folder of the old name must not be in that of the new one, because its own entry is flushed with it.

mod hidden;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::host_file::sync_folder;
use crate::regular;

pub(crate) use hidden::Hidden;

/// The start of names that reserve room for others, and of folders with files that are being written.
pub(crate) const PART: &str = ".piton-part";

/// Number of files that are removed with one flush. Each of them is open until then.
const REMOVED_AT_ONCE: usize = 100;

/// Renames a file or folder to a name in another folder. `file` is the opened file, whose content is on the drive
/// already. A file with the new name is replaced.
pub(crate) fn rename(part: &Path, file: &File, place: &Path) -> io::Result<()> {
    if place.symlink_metadata().is_err() {
        keep_room(place)?;
    }
    let old = hold(place);
    fs::rename(part, place)?;
    sync_parent(part);
    file.sync_all()?;
    sync_parent(place);
    drop(old);
    Ok(())
}

/// Creates a folder. `scratch` is a name in another folder, which must not be in that of the new one.
///
/// Entry and empty content of a folder wait together, as changes of the parent folder, and the old content of the
/// clusters must not be taken for entries. So the folder is created under the scratch name, whose entry is removed
/// before it is used.
pub(crate) fn make_folder(scratch: &Path, place: &Path) -> io::Result<()> {
    keep_room(place)?;
    fs::create_dir(scratch)?;
    // A folder that cannot be opened cannot be flushed.
    let new = hold(scratch);
    fs::rename(scratch, place)?;
    sync_parent(scratch);
    if let Some(new) = new {
        new.sync_all()?;
    }
    sync_parent(place);
    Ok(())
}

/// Removes an empty folder. Its clusters are freed after its name is removed from the drive. A missing folder is not an
/// error.
pub(crate) fn remove_folder(folder: &Path) -> io::Result<()> {
    let old = hold(folder);
    match fs::remove_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    sync_parent(folder);
    drop(old);
    Ok(())
}

/// Removes a file. Its clusters are freed after its name is removed from the drive.
pub(crate) fn remove(place: &Path) -> io::Result<()> {
    let old = hold(place);
    fs::remove_file(place)?;
    sync_parent(place);
    drop(old);
    Ok(())
}

/// Removes a folder and its contents in the same order. A missing folder is not an error.
pub(crate) fn remove_tree(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        } else {
            files.push(entry.path());
        }
    }
    for files in files.chunks(REMOVED_AT_ONCE) {
        let old: Vec<Option<File>> = files.iter().map(|path| hold(path)).collect();
        files.iter().try_for_each(fs::remove_file)?;
        sync_folder(folder);
        drop(old);
    }
    remove_folder(folder)
}

fn sync_parent(place: &Path) {
    if let Some(folder) = place.parent() {
        sync_folder(folder);
    }
}

/// Opens a file to keep its content after its name is removed. Windows would refuse to replace an open file, and
/// opening a pipe ever.
fn hold(place: &Path) -> Option<File> {
    if cfg!(unix) {
        regular::hold(place)
    } else {
        None
    }
}

/// Enlarges the folder, if one more name needs it, before the name refers to a file.
fn keep_room(place: &Path) -> io::Result<()> {
    let mut name = OsString::from(PART);
    name.push(".");
    name.push(place.file_name().unwrap_or_default());
    if name.len() > 255 {
        // The longest name takes the most room.
        name = OsString::from(format!("{PART}.{:.<240}", ""));
    }
    let room: PathBuf = place.with_file_name(name);
    File::create(&room)?;
    sync_parent(&room);
    fs::remove_file(&room)
}

#[cfg(test)]
mod tests;
