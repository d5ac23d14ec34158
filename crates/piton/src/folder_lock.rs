//! A lock of a folder of this computer: one process at a time changes what is in it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use piton_path::Sha256Hex;

use crate::cache_folder::cache_folder;

/// The lock of a folder, until it is dropped. The lock file is in the cache, so nothing is written to the folder.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: Option<File>,
}

/// Takes the lock of a folder, which need not exist; `None` if another process has it. If no lock file can be created, the work
/// continues without one.
pub(crate) fn take(folder: &Path) -> Option<FolderLock> {
    let Ok(file) = lock_file(folder) else {
        return Some(FolderLock { _file: None });
    };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => None,
        Ok(()) | Err(fs::TryLockError::Error(_)) => Some(FolderLock { _file: Some(file) }),
    }
}

fn lock_file(folder: &Path) -> io::Result<File> {
    let locks = cache_folder().map_err(io::Error::other)?.join("locks");
    fs::create_dir_all(&locks)?;
    let folder = std::path::absolute(folder)?;
    let name = Sha256Hex::of(folder.as_os_str().as_encoded_bytes());
    File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(locks.join(name.as_str()))
}
