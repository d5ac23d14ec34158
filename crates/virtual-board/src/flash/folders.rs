//! Several folders of the host, each at its own path of the board. Nothing else exists: the folders above them hold
//! nothing but the way to them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::files::{Entry, FileId, Kind, OpenFlags, Space, Stat};
use super::{DirectoryStorage, Errno, FlashPath, Storage};
use crate::options::HostFolder;

/// A folder of the host at a path of the board.
struct Mount {
    at: FlashPath,
    storage: DirectoryStorage,
    is_writable: bool,
}

/// Folders of the host at their paths.
pub(crate) struct FolderStorage {
    mounts: Vec<Mount>,
    open: BTreeMap<FileId, (usize, FileId)>,
    next: u64,
}

/// The facts of a folder that only leads to others.
const WAY: Stat = Stat {
    kind: Kind::Directory,
    size: 0,
    modified: 0,
};

impl FolderStorage {
    /// Opens the folders. The error has the path of the folder that can't be opened.
    pub(crate) fn new(folders: &[HostFolder]) -> Result<Self, (PathBuf, io::Error)> {
        let open = |folder: &HostFolder| {
            let path: &Path = &folder.path;
            let storage = DirectoryStorage::new(path).map_err(|error| (path.to_owned(), error))?;
            Ok(Mount {
                at: FlashPath::root().join(&folder.at),
                storage,
                is_writable: folder.is_writable,
            })
        };
        Ok(Self {
            mounts: folders.iter().map(open).collect::<Result<_, _>>()?,
            open: BTreeMap::new(),
            next: 0,
        })
    }

    /// Returns the index of the folder that a path is in, and the path inside of it.
    fn place(&self, path: &FlashPath) -> Option<(usize, FlashPath)> {
        let places = self.mounts.iter().enumerate();
        let inside = places.filter_map(|(index, mount)| Some((index, path.below(&mount.at)?)));
        inside.min_by_key(|(_, rest)| rest.names().len())
    }

    /// Returns the names of the folders that lead from `path` to others.
    fn ways(&self, path: &FlashPath) -> BTreeSet<String> {
        let rests = self.mounts.iter().filter_map(|mount| mount.at.below(path));
        rests
            .filter_map(|rest| rest.names().first().cloned())
            .collect()
    }

    fn mount(&mut self, index: usize) -> Result<&mut Mount, Errno> {
        self.mounts.get_mut(index).ok_or(Errno::NO_ENTRY)
    }

    fn known(&self, index: usize) -> Result<&DirectoryStorage, Errno> {
        let mount = self.mounts.get(index).ok_or(Errno::NO_ENTRY)?;
        Ok(&mount.storage)
    }

    /// Returns the storage to change at `path`, with the path inside of it.
    fn writable(&mut self, path: &FlashPath) -> Result<(&mut DirectoryStorage, FlashPath), Errno> {
        let Some((index, rest)) = self.place(path) else {
            return Err(match path.parent().map(|parent| self.stat(&parent)) {
                Some(Err(errno)) => errno,
                _ => Errno::READ_ONLY,
            });
        };
        let mount = self.mount(index)?;
        match mount.is_writable && rest.split().is_some() {
            true => Ok((&mut mount.storage, rest)),
            false => Err(Errno::READ_ONLY),
        }
    }

    fn handle(&self, file: FileId) -> Result<(usize, FileId), Errno> {
        self.open.get(&file).copied().ok_or(Errno::BAD_FILE)
    }
}

impl Storage for FolderStorage {
    fn stat(&self, path: &FlashPath) -> Result<Stat, Errno> {
        let found = match self.place(path) {
            Some((index, rest)) => self.known(index)?.stat(&rest),
            None => Err(Errno::NO_ENTRY),
        };
        match found {
            Err(_) if !self.ways(path).is_empty() => Ok(WAY),
            found => found,
        }
    }

    fn list(&self, path: &FlashPath) -> Result<Vec<Entry>, Errno> {
        let mut entries = match self.place(path) {
            Some((index, rest)) => self.known(index)?.list(&rest)?,
            None => Vec::new(),
        };
        for name in self.ways(path) {
            if !entries.iter().any(|entry| entry.name == name) {
                let kind = Kind::Directory;
                entries.push(Entry { name, kind });
            }
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn open(&mut self, path: &FlashPath, flags: OpenFlags) -> Result<FileId, Errno> {
        let (index, rest) = match self.place(path) {
            Some(place) => place,
            None if flags.creates() => return self.writable(path).and(Err(Errno::READ_ONLY)),
            None => return Err(Errno::NO_ENTRY),
        };
        let mount = self.mount(index)?;
        if !mount.is_writable && (flags.writes() || flags.creates()) {
            return Err(Errno::READ_ONLY);
        }
        let inner = mount.storage.open(&rest, flags)?;
        let id = FileId(self.next);
        self.next += 1;
        self.open.insert(id, (index, inner));
        Ok(id)
    }

    fn close(&mut self, file: FileId) {
        if let Some((index, inner)) = self.open.remove(&file)
            && let Ok(mount) = self.mount(index)
        {
            mount.storage.close(inner);
        }
    }

    fn stat_open(&self, file: FileId) -> Result<Stat, Errno> {
        let (index, inner) = self.handle(file)?;
        self.known(index)?.stat_open(inner)
    }

    fn read(&mut self, file: FileId, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let (index, inner) = self.handle(file)?;
        self.mount(index)?.storage.read(inner, offset, buf)
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let (index, inner) = self.handle(file)?;
        self.mount(index)?.storage.write(inner, offset, bytes)
    }

    fn make_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        if self.stat(path).is_ok() {
            return Err(Errno::EXISTS);
        }
        let (storage, rest) = self.writable(path)?;
        storage.make_dir(&rest)
    }

    fn remove_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        self.stat(path)?;
        let (storage, rest) = self.writable(path)?;
        storage.remove_dir(&rest)
    }

    fn remove_file(&mut self, path: &FlashPath) -> Result<(), Errno> {
        self.stat(path)?;
        let (storage, rest) = self.writable(path)?;
        storage.remove_file(&rest)
    }

    fn rename(&mut self, from: &FlashPath, to: &FlashPath) -> Result<(), Errno> {
        self.stat(from)?;
        let (_, to_rest) = self.writable(to)?;
        let (from_index, to_index) = (self.place(from), self.place(to));
        if from_index.map(|place| place.0) != to_index.map(|place| place.0) {
            return Err(Errno::CROSS_DEVICE);
        }
        let (storage, from_rest) = self.writable(from)?;
        storage.rename(&from_rest, &to_rest)
    }

    fn space(&self) -> Space {
        let first = self.mounts.first();
        first.map_or(Space { total: 0, free: 0 }, |mount| mount.storage.space())
    }
}
