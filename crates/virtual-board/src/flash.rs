//! The board's files as the firmware sees them, independent of their storage.

mod directory;
mod errno;
mod files;
mod folders;
mod memory;
mod meter;
mod path;
mod scratch;

pub(crate) use directory::DirectoryStorage;
pub(crate) use errno::Errno;
pub(crate) use files::{Files, Kind, OpenFlags, Stat};
pub(crate) use folders::FolderStorage;
pub(crate) use memory::MemoryStorage;
pub(crate) use meter::Meter;
pub(crate) use path::FlashPath;
pub(crate) use scratch::ScratchStorage;

use files::{Entry, FileId, Space};

/// A storage of files.
pub(crate) trait Storage: Send {
    fn stat(&self, path: &FlashPath) -> Result<Stat, Errno>;
    /// The names in a folder, sorted.
    fn list(&self, path: &FlashPath) -> Result<Vec<Entry>, Errno>;
    /// Opens a file, not a folder. The flags may create and truncate it.
    fn open(&mut self, path: &FlashPath, flags: OpenFlags) -> Result<FileId, Errno>;
    fn close(&mut self, file: FileId);
    fn stat_open(&self, file: FileId) -> Result<Stat, Errno>;
    fn read(&mut self, file: FileId, offset: u64, buf: &mut [u8]) -> Result<usize, Errno>;
    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<usize, Errno>;
    fn make_dir(&mut self, path: &FlashPath) -> Result<(), Errno>;
    fn remove_dir(&mut self, path: &FlashPath) -> Result<(), Errno>;
    fn remove_file(&mut self, path: &FlashPath) -> Result<(), Errno>;
    fn rename(&mut self, from: &FlashPath, to: &FlashPath) -> Result<(), Errno>;
    fn space(&self) -> Space;
}
