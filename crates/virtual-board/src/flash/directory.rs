//! Files in a folder of the host, and never outside of it.
//!
//! Paths are resolved here, name by name from the root, not by the operating system: `..` at the
//! root stays there, and a symbolic link that leaves the root can't be followed.

#[cfg(any(not(unix), test))]
mod portable;
#[cfg(unix)]
mod unix;

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

#[cfg(not(unix))]
use portable::Root;
#[cfg(unix)]
use unix::Root;

use super::files::{Entry, FileId, Kind, OpenFlags, Space, Stat};
use super::{Errno, FlashPath, Storage};

/// Files in a folder of the host.
pub(crate) struct DirectoryStorage {
    root: Root,
    open: BTreeMap<FileId, File>,
    next: u64,
}

impl DirectoryStorage {
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            root: Root::new(path)?,
            open: BTreeMap::new(),
            next: 0,
        })
    }

    fn file(&self, id: FileId) -> Result<&File, Errno> {
        self.open.get(&id).ok_or(Errno::BAD_FILE)
    }
}

/// Returns the host's facts about a file as the board sees them; `None` for other entries than files and folders.
fn stat_of(metadata: &Metadata) -> Option<Stat> {
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let (kind, size) = if metadata.is_file() {
        (Kind::File, metadata.len())
    } else if metadata.is_dir() {
        (Kind::Directory, 0)
    } else {
        return None;
    };
    Some(Stat {
        kind,
        size,
        modified: modified.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(0)),
    })
}

impl Storage for DirectoryStorage {
    fn stat(&self, path: &FlashPath) -> Result<Stat, Errno> {
        self.root.stat(path)
    }

    fn list(&self, path: &FlashPath) -> Result<Vec<Entry>, Errno> {
        let mut entries = self.root.list(path)?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn open(&mut self, path: &FlashPath, flags: OpenFlags) -> Result<FileId, Errno> {
        let file = self.root.open(path, flags)?;
        if !file.metadata()?.is_file() {
            return Err(Errno::ACCESS);
        }
        let id = FileId(self.next);
        self.next += 1;
        self.open.insert(id, file);
        Ok(id)
    }

    fn close(&mut self, file: FileId) {
        self.open.remove(&file);
    }

    fn stat_open(&self, file: FileId) -> Result<Stat, Errno> {
        stat_of(&self.file(file)?.metadata()?).ok_or(Errno::ACCESS)
    }

    fn read(&mut self, file: FileId, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let mut file = self.file(file)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut filled = 0;
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let mut file = self.file(file)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn make_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        self.root.make_dir(path)
    }

    fn remove_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        self.root.remove_dir(path)
    }

    fn remove_file(&mut self, path: &FlashPath) -> Result<(), Errno> {
        self.root.remove_file(path)
    }

    fn rename(&mut self, from: &FlashPath, to: &FlashPath) -> Result<(), Errno> {
        self.root.rename(from, to)
    }

    fn space(&self) -> Space {
        self.root.space()
    }
}
