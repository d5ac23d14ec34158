//! Renaming and removing so that a power cut finds each file old or new, on FAT too.
//!
//! FAT has no journal, and Linux writes one rename as up to three things that wait in memory, each for its own cause: the
//! entry of the new name, which then holds the place of the content, goes with the file; the end of the old name goes
//! with the old folder; and the place of what was replaced is given free with the table (`vfat_rename`, `fat_evict_inode`
//! and `fat_file_fsync` in the kernel's fs/fat). Whatever order they reach the drive in by themselves, a cut between
//! them costs a file: both names may have the same place, which is given free when either goes, or a name may have a
//! place that is free already. So here the order is forced, with a flush after each: the old name goes, the new entry
//! comes, the old place is given free. Between the first two the content has no name, which harms nobody.
//!
//! That takes two folders: in one, the end of the old name and an empty new entry would be written together. And the
//! folder of the old name must not lie in that of the new one, for its own entry is flushed with it.

mod hidden;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::host_file::sync_folder;
use crate::regular;

pub(crate) use hidden::Hidden;

/// Begins the names that keep room for others, and those of folders of files that are being written.
pub(crate) const PART: &str = ".piton-part";

/// How many files are removed with one flush. Each is open until then.
const REMOVED_AT_ONCE: usize = 100;

/// Gives a file or folder a name in another folder. `file` is it, opened, and all of it is on the drive already. A file
/// of that name is replaced.
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

/// Makes a folder. `scratch` is a name in another folder, which must not lie in that of the new one.
///
/// The entry and the empty content of a folder wait together, as changes of the folder above, and what had the content's
/// place before must not be taken for entries. So the folder is made where its entry is gone before anything is written.
pub(crate) fn make_folder(scratch: &Path, place: &Path) -> io::Result<()> {
    keep_room(place)?;
    fs::create_dir(scratch)?;
    // One that cannot be opened cannot be flushed.
    let new = hold(scratch);
    fs::rename(scratch, place)?;
    sync_parent(scratch);
    if let Some(new) = new {
        new.sync_all()?;
    }
    sync_parent(place);
    Ok(())
}

/// Removes an empty folder. Its place is given free when its name is gone from the drive. One that is not there is no
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

/// Removes a file. Its place is given free when its name is gone from the drive.
pub(crate) fn remove(place: &Path) -> io::Result<()> {
    let old = hold(place);
    fs::remove_file(place)?;
    sync_parent(place);
    drop(old);
    Ok(())
}

/// Removes a folder and all that is in it, in that order as well. One that is not there is no error.
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

/// Keeps the content alive beyond its name. Windows would refuse to replace an open file, and to open a pipe may take for
/// ever.
fn hold(place: &Path) -> Option<File> {
    if cfg!(unix) {
        regular::hold(place)
    } else {
        None
    }
}

/// Makes the folder grow, if it must for one more name, before there is something behind that name.
fn keep_room(place: &Path) -> io::Result<()> {
    let mut name = OsString::from(PART);
    name.push(".");
    name.push(place.file_name().unwrap_or_default());
    if name.len() > 255 {
        // The longest name takes the most room that there can be.
        name = OsString::from(format!("{PART}.{:.<240}", ""));
    }
    let room: PathBuf = place.with_file_name(name);
    File::create(&room)?;
    sync_parent(&room);
    fs::remove_file(&room)
}

#[cfg(test)]
mod tests;
