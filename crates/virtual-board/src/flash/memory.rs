//! Files in memory.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::files::{Entry, FileId, Kind, OpenFlags, Space, Stat};
use super::{Errno, FlashPath, Storage};

enum Content {
    File(Vec<u8>),
    Directory(BTreeMap<String, u64>),
}

struct Node {
    content: Content,
    modified: i64,
    /// The number of times that it is open.
    opened: usize,
    /// Whether its name was removed. It is dropped when it is closed for the last time.
    removed: bool,
}

impl Node {
    fn new(content: Content) -> Self {
        Self {
            content,
            modified: now(),
            opened: 0,
            removed: false,
        }
    }

    fn stat(&self) -> Stat {
        let (kind, size) = match &self.content {
            Content::File(bytes) => (Kind::File, bytes.len() as u64),
            Content::Directory(_) => (Kind::Directory, 0),
        };
        Stat {
            kind,
            size,
            modified: self.modified,
        }
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(0))
}

const ROOT: u64 = 0;

/// Files in memory, up to a number of bytes.
pub(crate) struct MemoryStorage {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    capacity: u64,
    used: u64,
}

impl MemoryStorage {
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            nodes: BTreeMap::from([(ROOT, Node::new(Content::Directory(BTreeMap::new())))]),
            next: ROOT + 1,
            capacity,
            used: 0,
        }
    }

    fn node(&self, id: u64) -> Result<&Node, Errno> {
        self.nodes.get(&id).ok_or(Errno::BAD_FILE)
    }

    fn node_mut(&mut self, id: u64) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&id).ok_or(Errno::BAD_FILE)
    }

    fn find(&self, names: &[String]) -> Result<u64, Errno> {
        let mut id = ROOT;
        for name in names {
            match &self.node(id)?.content {
                Content::Directory(entries) => id = *entries.get(name).ok_or(Errno::NO_ENTRY)?,
                Content::File(_) => return Err(Errno::NOT_DIR),
            }
        }
        Ok(id)
    }

    fn entries(&self, id: u64) -> Result<&BTreeMap<String, u64>, Errno> {
        match &self.node(id)?.content {
            Content::Directory(entries) => Ok(entries),
            Content::File(_) => Err(Errno::NOT_DIR),
        }
    }

    fn entries_mut(&mut self, id: u64) -> Result<&mut BTreeMap<String, u64>, Errno> {
        let node = self.node_mut(id)?;
        node.modified = now();
        match &mut node.content {
            Content::Directory(entries) => Ok(entries),
            Content::File(_) => Err(Errno::NOT_DIR),
        }
    }

    /// Returns the folder of `path`, which must exist, and its last name.
    fn parent(&self, path: &FlashPath) -> Result<(u64, String), Errno> {
        let (folder, name) = path.split().ok_or(Errno::EXISTS)?;
        let folder = self.find(folder)?;
        self.entries(folder)?;
        Ok((folder, name.to_owned()))
    }

    fn create(&mut self, path: &FlashPath, content: Content) -> Result<u64, Errno> {
        let (folder, name) = self.parent(path)?;
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, Node::new(content));
        self.entries_mut(folder)?.insert(name, id);
        Ok(id)
    }

    /// Removes the name of a node, and drops the node if it is not open.
    fn remove(&mut self, path: &FlashPath, id: u64) -> Result<(), Errno> {
        let (folder, name) = self.parent(path)?;
        self.entries_mut(folder)?.remove(&name);
        self.node_mut(id)?.removed = true;
        self.free_if_unused(id);
        Ok(())
    }

    fn free_if_unused(&mut self, id: u64) {
        let unused = self
            .nodes
            .get(&id)
            .is_some_and(|node| node.removed && node.opened == 0);
        if let Some(node) = unused.then(|| self.nodes.remove(&id)).flatten() {
            self.used -= node.stat().size;
        }
    }
}

impl Storage for MemoryStorage {
    fn stat(&self, path: &FlashPath) -> Result<Stat, Errno> {
        let id = self.find(path.names())?;
        Ok(self.node(id)?.stat())
    }

    fn list(&self, path: &FlashPath) -> Result<Vec<Entry>, Errno> {
        let entries = self.entries(self.find(path.names())?)?;
        entries
            .iter()
            .map(|(name, id)| {
                let kind = self.node(*id)?.stat().kind;
                Ok(Entry {
                    name: name.clone(),
                    kind,
                })
            })
            .collect()
    }

    fn open(&mut self, path: &FlashPath, flags: OpenFlags) -> Result<FileId, Errno> {
        let id = match self.find(path.names()) {
            Ok(_) if flags.is_exclusive() => return Err(Errno::EXISTS),
            Ok(id) => id,
            Err(Errno::NO_ENTRY) if flags.creates() => {
                self.create(path, Content::File(Vec::new()))?
            }
            Err(errno) => return Err(errno),
        };
        let node = self.node_mut(id)?;
        let Content::File(bytes) = &mut node.content else {
            return Err(Errno::IS_DIR);
        };
        node.opened += 1;
        if flags.truncates() {
            let freed = bytes.len() as u64;
            *bytes = Vec::new();
            node.modified = now();
            self.used -= freed;
        }
        Ok(FileId(id))
    }

    fn close(&mut self, file: FileId) {
        if let Some(node) = self.nodes.get_mut(&file.0) {
            node.opened = node.opened.saturating_sub(1);
        }
        self.free_if_unused(file.0);
    }

    fn stat_open(&self, file: FileId) -> Result<Stat, Errno> {
        Ok(self.node(file.0)?.stat())
    }

    fn read(&mut self, file: FileId, offset: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        let Content::File(bytes) = &self.node(file.0)?.content else {
            return Err(Errno::IS_DIR);
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = bytes.get(start..).unwrap_or_default();
        buf.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        Ok(rest.len().min(buf.len()))
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let room = self.capacity.saturating_sub(self.used);
        let node = self.node_mut(file.0)?;
        let Content::File(content) = &mut node.content else {
            return Err(Errno::IS_DIR);
        };
        let size = content.len() as u64;
        let end = offset
            .checked_add(bytes.len() as u64)
            .ok_or(Errno::NO_SPACE)?;
        // Write as much as fits, like a file system that runs out of blocks.
        let fits = end.min(size.saturating_add(room));
        if fits <= offset && !bytes.is_empty() {
            return Err(Errno::NO_SPACE);
        }
        let start = usize::try_from(offset).map_err(|_| Errno::NO_SPACE)?;
        let end = usize::try_from(fits).map_err(|_| Errno::NO_SPACE)?;
        if content.len() < end {
            content.resize(end, 0);
        }
        let target = content.get_mut(start..end).ok_or(Errno::NO_SPACE)?;
        target
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, byte)| *to = *byte);
        let written = target.len();
        node.modified = now();
        self.used += (end as u64).saturating_sub(size);
        Ok(written)
    }

    fn make_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        if self.find(path.names()).is_ok() {
            return Err(Errno::EXISTS);
        }
        self.create(path, Content::Directory(BTreeMap::new()))?;
        Ok(())
    }

    fn remove_dir(&mut self, path: &FlashPath) -> Result<(), Errno> {
        let id = self.find(path.names())?;
        if !self.entries(id)?.is_empty() {
            return Err(Errno::NOT_EMPTY);
        }
        self.remove(path, id)
    }

    fn remove_file(&mut self, path: &FlashPath) -> Result<(), Errno> {
        let id = self.find(path.names())?;
        if self.node(id)?.stat().kind == Kind::Directory {
            return Err(Errno::IS_DIR);
        }
        self.remove(path, id)
    }

    fn rename(&mut self, from: &FlashPath, to: &FlashPath) -> Result<(), Errno> {
        let id = self.find(from.names())?;
        let (old_folder, old_name) = self.parent(from)?;
        let (new_folder, new_name) = self.parent(to)?;
        if let Ok(other) = self.find(to.names()) {
            if other == id {
                return Ok(());
            }
            match (self.node(id)?.stat().kind, self.node(other)?.stat().kind) {
                (Kind::File, Kind::Directory) => return Err(Errno::IS_DIR),
                (Kind::Directory, Kind::File) => return Err(Errno::NOT_DIR),
                (Kind::Directory, Kind::Directory) if !self.entries(other)?.is_empty() => {
                    return Err(Errno::NOT_EMPTY);
                }
                _ => self.remove(to, other)?,
            }
        }
        self.entries_mut(old_folder)?.remove(&old_name);
        self.entries_mut(new_folder)?.insert(new_name, id);
        Ok(())
    }

    fn space(&self) -> Space {
        Space {
            total: self.capacity,
            free: self.capacity.saturating_sub(self.used),
        }
    }
}
