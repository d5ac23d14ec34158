//! Folders of the host whose changes stay in memory: a program may write whatever it wants, and leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Entry, FileId, Kind, OpenFlags, Space, Stat};
use super::{Errno, FlashPath, FolderStorage, MemoryStorage, Storage};

/// The layer that an open file is in.
#[derive(Clone, Copy)]
enum Layer {
    Host,
    Memory,
}

/// Folders of the host, which are only read, below files in memory.
pub(crate) struct ScratchStorage {
    host: FolderStorage,
    memory: MemoryStorage,
    /// Removed paths of the host. What is in a removed folder is gone, too.
    hidden: BTreeSet<FlashPath>,
    open: BTreeMap<FileId, (Layer, FileId)>,
    next: u64,
}

/// Opens a file for reading and writing, and creates it.
const CREATE: u32 = 0x42;
/// Bytes that are copied at once.
const CHUNK: usize = 64 * 1024;

impl ScratchStorage {
    /// Returns the storage, with room for `capacity` bytes in memory.
    pub(crate) fn new(host: FolderStorage, capacity: u64) -> Self {
        Self {
            host,
            memory: MemoryStorage::new(capacity),
            hidden: BTreeSet::new(),
            open: BTreeMap::new(),
            next: 0,
        }
    }

    /// Returns the host's facts about a path, unless it was removed.
    fn host_stat(&self, path: &FlashPath) -> Result<Stat, Errno> {
        let mut folder = Some(path.clone());
        while let Some(path) = folder {
            if self.hidden.contains(&path) {
                return Err(Errno::NO_ENTRY);
            }
            folder = path.parent();
        }
        self.host.stat(path)
    }

    /// Returns the storage of an open file, and its number there.
    fn layer(&mut self, file: FileId) -> Result<(&mut dyn Storage, FileId), Errno> {
        match self.open.get(&file) {
            Some((Layer::Host, inner)) => Ok((&mut self.host, *inner)),
            Some((Layer::Memory, inner)) => Ok((&mut self.memory, *inner)),
            None => Err(Errno::BAD_FILE),
        }
    }

    /// Makes the folders above `path` in memory, which must exist in one of the layers.
    fn make_way(&mut self, path: &FlashPath) -> Result<(), Errno> {
        let Some(folder) = path.parent() else {
            return Ok(());
        };
        match self.stat(&folder)?.kind {
            Kind::File => return Err(Errno::NOT_DIR),
            Kind::Directory if self.memory.stat(&folder).is_ok() => return Ok(()),
            Kind::Directory => {}
        }
        self.make_way(&folder)?;
        self.memory.make_dir(&folder)
    }

    /// Copies a file of the host into memory.
    fn copy_up(&mut self, path: &FlashPath) -> Result<(), Errno> {
        self.make_way(path)?;
        let from = self.host.open(path, OpenFlags::new(0))?;
        let copied = self.copy_content(from, path);
        self.host.close(from);
        if copied.is_err() {
            // Half a copy would hide the whole file.
            self.memory.remove_file(path)?;
        }
        copied
    }

    fn copy_content(&mut self, from: FileId, path: &FlashPath) -> Result<(), Errno> {
        let to = self.memory.open(path, OpenFlags::new(CREATE))?;
        let mut buf = vec![0; CHUNK];
        let mut offset = 0;
        let result = loop {
            let count = match self.host.read(from, offset, &mut buf) {
                Ok(0) => break Ok(()),
                Ok(count) => count,
                Err(errno) => break Err(errno),
            };
            let bytes = buf.get(..count).unwrap_or_default();
            if let Err(errno) = self.memory.write(to, offset, bytes) {
                break Err(errno);
            }
            offset += count as u64;
        };
        self.memory.close(to);
        result
    }

    /// Brings a file into memory before it is changed, or its folders before it is created.
    fn prepare(&mut self, path: &FlashPath, flags: OpenFlags) -> Result<(), Errno> {
        match self.host_stat(path) {
            Ok(_) if flags.is_exclusive() => Err(Errno::EXISTS),
            Ok(_) if !flags.truncates() => self.copy_up(path),
            Ok(_) => {
                self.make_way(path)?;
                let empty = self.memory.open(path, OpenFlags::new(CREATE))?;
                self.memory.close(empty);
                Ok(())
            }
            Err(_) if flags.creates() => self.make_way(path),
            Err(errno) => Err(errno),
        }
    }

    /// Removes a path from the host's layer, so that it does not come to light again.
    fn hide(&mut self, path: &FlashPath) {
        if self.host_stat(path).is_ok() {
            self.hidden.insert(path.clone());
        }
    }
}

impl Storage for ScratchStorage {
    fn stat(&self, path: &FlashPath) -> Result<Stat, Errno> {
        self.memory.stat(path).or_else(|_| self.host_stat(path))
    }

    fn list(&self, path: &FlashPath) -> Result<Vec<Entry>, Errno> {
        let mut entries = match self.host_stat(path) {
            Ok(_) => self.host.list(path)?,
            Err(_) => Vec::new(),
        };
        entries.retain(|entry| !self.hidden.contains(&path.join(&entry.name)));
        if self.memory.stat(path).is_ok() {
            let changed = self.memory.list(path)?;
            entries.retain(|entry| !changed.iter().any(|other| other.name == entry.name));
            entries.extend(changed);
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn open(&mut self, path: &FlashPath, flags: OpenFlags) -> Result<FileId, Errno> {
        let changes = flags.writes() || flags.creates();
        let in_memory = self.memory.stat(path).is_ok();
        if !in_memory && changes {
            self.prepare(path, flags)?;
        }
        let (layer, inner) = match in_memory || changes {
            true => (Layer::Memory, self.memory.open(path, flags)?),
            false => {
                self.host_stat(path)?;
                (Layer::Host, self.host.open(path, flags)?)
            }
        };
        let id = FileId(self.next);
        self.next += 1;
        self.open.insert(id, (layer, inner));
        Ok(id)
    }

    fn close(&mut self, file: FileId) {
        if let Ok((storage, inner)) = self.layer(file) {
            storage.close(inner);
        }
        self.open.remove(&file);
    }

    fn stat_open(&self, file: FileId) -> Result<Stat, Errno> {
        match self.open.get(&file) {
            Some((Layer::Host, inner)) => self.host.stat_open(*inner),
            Some((Layer::Memory, inner)) => self.memory.stat_open(*inner),
            None => Err(Errno::BAD_FILE),
        }
    }

    fn read(&mut self, file: FileId, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let (storage, inner) = self.layer(file)?;
        storage.read(inner, offset, buf)
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let (storage, inner) = self.layer(file)?;
        storage.write(inner, offset, bytes)
    }

    fn make_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        if self.stat(path).is_ok() {
            return Err(Errno::EXISTS);
        }
        self.make_way(path)?;
        self.memory.make_dir(path)
    }

    fn remove_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        match self.stat(path)?.kind {
            Kind::File => return Err(Errno::NOT_DIR),
            Kind::Directory if !self.list(path)?.is_empty() => return Err(Errno::NOT_EMPTY),
            Kind::Directory => {}
        }
        if self.memory.stat(path).is_ok() {
            self.memory.remove_dir(path)?;
        }
        self.hide(path);
        Ok(())
    }

    fn remove_file(&mut self, path: &FlashPath) -> Result<(), Errno> {
        if self.stat(path)?.kind == Kind::Directory {
            return Err(Errno::IS_DIR);
        }
        if self.memory.stat(path).is_ok() {
            self.memory.remove_file(path)?;
        }
        self.hide(path);
        Ok(())
    }

    /// Renames a file, or a folder that is in memory as a whole.
    fn rename(&mut self, from: &FlashPath, to: &FlashPath) -> Result<(), Errno> {
        let kind = self.stat(from)?.kind;
        let target = self.stat(to).map(|stat| stat.kind);
        match (kind, target) {
            (Kind::Directory, _) if self.host_stat(from).is_ok() => {
                return Err(Errno::CROSS_DEVICE);
            }
            (Kind::Directory, Ok(_)) => return Err(Errno::EXISTS),
            (Kind::File, Ok(Kind::Directory)) => return Err(Errno::IS_DIR),
            _ => {}
        }
        if self.memory.stat(from).is_err() {
            self.copy_up(from)?;
        }
        self.make_way(to)?;
        self.memory.rename(from, to)?;
        if from != to {
            self.hide(from);
        }
        Ok(())
    }

    fn space(&self) -> Space {
        self.memory.space()
    }
}
