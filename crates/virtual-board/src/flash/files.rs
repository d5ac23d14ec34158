//! Open files, the current folder, and the faults of the flash: everything that does not depend on the
//! storage.

use super::{Errno, FlashPath, Meter, Storage};
use crate::device;
use crate::host::BOOT_DIRECTORY;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
}

/// The facts of `os.stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: Kind,
    /// In bytes; 0 for folders.
    pub(crate) size: u64,
    /// In seconds since 1970.
    pub(crate) modified: i64,
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Capacity and free space of the flash, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total: u64,
    pub(crate) free: u64,
}

/// A file that a [`Storage`] has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(pub(super) u64);

/// The flags of `open(2)`, with the numbers of musl and Emscripten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenFlags(u32);

impl OpenFlags {
    const ACCESS_MODE: u32 = 3;
    const CREATE: u32 = 0x40;
    const EXCLUSIVE: u32 = 0x80;
    const TRUNCATE: u32 = 0x200;
    const APPEND: u32 = 0x400;
    const DIRECTORY: u32 = 0x10000;

    pub(crate) fn new(flags: u32) -> Self {
        Self(flags)
    }

    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    pub(super) fn writes(self) -> bool {
        self.has(Self::ACCESS_MODE)
    }

    pub(super) fn reads(self) -> bool {
        self.0 & Self::ACCESS_MODE != 1
    }

    pub(super) fn creates(self) -> bool {
        self.has(Self::CREATE)
    }

    pub(super) fn is_exclusive(self) -> bool {
        self.has(Self::CREATE) && self.has(Self::EXCLUSIVE)
    }

    pub(super) fn truncates(self) -> bool {
        self.writes() && self.has(Self::TRUNCATE)
    }
}

enum Handle {
    File {
        id: FileId,
        position: u64,
        flags: OpenFlags,
    },
    Directory {
        path: FlashPath,
        entries: Vec<Entry>,
        next: usize,
    },
    /// A part of the start-up code.
    Embedded {
        content: &'static [u8],
        position: u64,
    },
}

/// 0 to 2 are the line.
const FIRST_FD: i32 = 3;
const MAX_OPEN: usize = 512;

/// The files of a running board.
pub(crate) struct Files {
    storage: Box<dyn Storage>,
    meter: Meter,
    current: FlashPath,
    handles: Vec<Option<Handle>>,
    /// Whether the start-up code is visible.
    pub(crate) boots: bool,
}

type Metered<T> = Result<Result<T, Errno>, wasmi::Error>;

impl Files {
    pub(crate) fn new(storage: Box<dyn Storage>, meter: Meter) -> Self {
        Self {
            storage,
            meter,
            current: FlashPath::root(),
            handles: Vec::new(),
            boots: false,
        }
    }

    /// Returns the storage, which survives a reset.
    pub(crate) fn into_storage(mut self) -> Box<dyn Storage> {
        for handle in self.handles.drain(..).flatten() {
            if let Handle::File { id, .. } = handle {
                self.storage.close(id);
            }
        }
        self.storage
    }

    fn path(&self, text: &str) -> FlashPath {
        self.current.join(text)
    }

    fn embedded(&self, path: &FlashPath) -> Option<&'static [u8]> {
        let boot = FlashPath::root().join(BOOT_DIRECTORY);
        if path.names().len() != 2 || !path.is_in(&boot) {
            return None;
        }
        let name = path.names().get(1)?;
        device::file(name, self.boots)
    }

    fn handle(&mut self, fd: i32) -> Result<&mut Handle, Errno> {
        let slot = usize::try_from(fd - FIRST_FD).map_err(|_| Errno::BAD_FILE)?;
        let handle = self.handles.get_mut(slot).and_then(Option::as_mut);
        handle.ok_or(Errno::BAD_FILE)
    }

    pub(crate) fn is_open(&mut self, fd: i32) -> bool {
        self.handle(fd).is_ok()
    }

    fn add(&mut self, handle: Handle) -> Result<i32, Errno> {
        let free = self.handles.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.handles.len());
        if slot >= MAX_OPEN {
            return Err(Errno::NO_FILES);
        }
        match self.handles.get_mut(slot) {
            Some(entry) => *entry = Some(handle),
            None => self.handles.push(Some(handle)),
        }
        let slot = i32::try_from(slot).map_err(|_| Errno::NO_FILES)?;
        Ok(slot + FIRST_FD)
    }

    pub(crate) fn open(&mut self, text: &str, flags: OpenFlags) -> Metered<i32> {
        let path = self.path(text);
        if let Some(content) = self.embedded(&path) {
            return Ok(self.add(Handle::Embedded {
                content,
                position: 0,
            }));
        }
        let known = self.storage.stat(&path);
        let changes = match known {
            Ok(_) => flags.truncates(),
            Err(_) => flags.creates(),
        };
        if changes {
            self.meter.operation()?;
        }
        Ok(self.open_known(path, flags, known))
    }

    fn open_known(
        &mut self,
        path: FlashPath,
        flags: OpenFlags,
        known: Result<Stat, Errno>,
    ) -> Result<i32, Errno> {
        if known.is_ok_and(|stat| stat.kind == Kind::Directory) {
            if flags.is_exclusive() {
                return Err(Errno::EXISTS);
            }
            if flags.writes() || flags.creates() {
                return Err(Errno::IS_DIR);
            }
            let entries = self.storage.list(&path)?;
            return self.add(Handle::Directory {
                path,
                entries,
                next: 0,
            });
        }
        if flags.has(OpenFlags::DIRECTORY) {
            return Err(known.map_or_else(|errno| errno, |_| Errno::NOT_DIR));
        }
        let id = self.storage.open(&path, flags)?;
        let handle = Handle::File {
            id,
            position: 0,
            flags,
        };
        self.add(handle).inspect_err(|_| self.storage.close(id))
    }

    pub(crate) fn close(&mut self, fd: i32) -> Result<(), Errno> {
        self.handle(fd)?;
        let slot = usize::try_from(fd - FIRST_FD).map_err(|_| Errno::BAD_FILE)?;
        let handle = self.handles.get_mut(slot).and_then(Option::take);
        if let Some(Handle::File { id, .. }) = handle {
            self.storage.close(id);
        }
        Ok(())
    }

    pub(crate) fn read(&mut self, fd: i32, buf: &mut [u8]) -> Result<usize, Errno> {
        match self.handle(fd)? {
            Handle::Directory { .. } => Err(Errno::IS_DIR),
            Handle::Embedded { content, position } => {
                let start = usize::try_from(*position).unwrap_or(usize::MAX);
                let rest = content.get(start..).unwrap_or_default();
                let count = rest.len().min(buf.len());
                buf.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
                *position += count as u64;
                Ok(count)
            }
            Handle::File { flags, .. } if !flags.reads() => Err(Errno::BAD_FILE),
            Handle::File { id, position, .. } => {
                let (id, at) = (*id, *position);
                let count = self.storage.read(id, at, buf)?;
                self.move_to(fd, at + count as u64)?;
                Ok(count)
            }
        }
    }

    pub(crate) fn write(&mut self, fd: i32, bytes: &[u8]) -> Metered<u32> {
        let (id, position, append) = match self.handle(fd) {
            Ok(Handle::File {
                id,
                position,
                flags,
            }) if flags.writes() => (*id, *position, flags.has(OpenFlags::APPEND)),
            _ => return Ok(Err(Errno::BAD_FILE)),
        };
        self.meter.operation()?;
        Ok(self.write_file(fd, id, position, append, bytes))
    }

    fn write_file(
        &mut self,
        fd: i32,
        id: FileId,
        position: u64,
        append: bool,
        bytes: &[u8],
    ) -> Result<u32, Errno> {
        let at = if append {
            self.storage.stat_open(id)?.size
        } else {
            position
        };
        let granted = self.meter.bytes(bytes.len())?;
        let bytes = bytes.get(..granted).unwrap_or_default();
        let count = self.storage.write(id, at, bytes)?;
        self.move_to(fd, at + count as u64)?;
        u32::try_from(count).map_err(|_| Errno::IO)
    }

    fn move_to(&mut self, fd: i32, to: u64) -> Result<(), Errno> {
        if let Handle::File { position, .. } | Handle::Embedded { position, .. } =
            self.handle(fd)?
        {
            *position = to;
        }
        Ok(())
    }

    pub(crate) fn seek(&mut self, fd: i32, offset: i64, whence: i32) -> Result<u64, Errno> {
        let (position, size) = match self.handle(fd)? {
            Handle::Directory { .. } => return Err(Errno::IS_DIR),
            Handle::Embedded { content, position } => (*position, content.len() as u64),
            Handle::File { id, position, .. } => {
                let (id, position) = (*id, *position);
                (position, self.storage.stat_open(id)?.size)
            }
        };
        let base = match whence {
            0 => 0,
            1 => position,
            2 => size,
            _ => return Err(Errno::INVALID),
        };
        let to = base.checked_add_signed(offset).ok_or(Errno::INVALID)?;
        self.move_to(fd, to)?;
        Ok(to)
    }

    /// Returns the next name in an open folder; the same one again until [`Files::next_entry`].
    pub(crate) fn peek_entry(&mut self, fd: i32) -> Result<Option<Entry>, Errno> {
        match self.handle(fd)? {
            Handle::Directory { entries, next, .. } => Ok(entries.get(*next).cloned()),
            _ => Err(Errno::NOT_DIR),
        }
    }

    /// Goes on to the next name in an open folder.
    pub(crate) fn next_entry(&mut self, fd: i32) -> Result<(), Errno> {
        match self.handle(fd)? {
            Handle::Directory { next, .. } => {
                *next += 1;
                Ok(())
            }
            _ => Err(Errno::NOT_DIR),
        }
    }

    pub(crate) fn stat(&self, text: &str) -> Result<Stat, Errno> {
        let path = self.path(text);
        if let Some(content) = self.embedded(&path) {
            return Ok(Stat {
                kind: Kind::File,
                size: content.len() as u64,
                modified: 0,
            });
        }
        self.storage.stat(&path)
    }

    pub(crate) fn stat_open(&mut self, fd: i32) -> Result<Stat, Errno> {
        match self.handle(fd)? {
            Handle::Embedded { content, .. } => Ok(Stat {
                kind: Kind::File,
                size: content.len() as u64,
                modified: 0,
            }),
            Handle::Directory { path, .. } => {
                let path = path.clone();
                self.storage.stat(&path)
            }
            Handle::File { id, .. } => {
                let id = *id;
                self.storage.stat_open(id)
            }
        }
    }

    pub(crate) fn current(&self) -> String {
        self.current.to_string()
    }

    pub(crate) fn change_dir(&mut self, text: &str) -> Result<(), Errno> {
        let path = self.path(text);
        match self.storage.stat(&path)?.kind {
            Kind::Directory => {
                self.current = path;
                Ok(())
            }
            Kind::File => Err(Errno::NOT_DIR),
        }
    }

    pub(crate) fn make_dir(&mut self, text: &str) -> Metered<()> {
        self.meter.operation()?;
        let path = self.path(text);
        if path.split().is_none() {
            return Ok(Err(Errno::EXISTS));
        }
        Ok(self.storage.make_dir(&path))
    }

    pub(crate) fn remove_dir(&mut self, text: &str) -> Metered<()> {
        self.meter.operation()?;
        let path = self.path(text);
        if path.split().is_none() {
            return Ok(Err(Errno::BUSY));
        }
        Ok(self.storage.remove_dir(&path))
    }

    pub(crate) fn remove_file(&mut self, text: &str) -> Metered<()> {
        self.meter.operation()?;
        let path = self.path(text);
        Ok(self.storage.remove_file(&path))
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Metered<()> {
        self.meter.operation()?;
        let (from, to) = (self.path(from), self.path(to));
        if from.split().is_none() || to.split().is_none() {
            return Ok(Err(Errno::BUSY));
        }
        if from != to && to.is_in(&from) {
            return Ok(Err(Errno::INVALID));
        }
        Ok(self.storage.rename(&from, &to))
    }

    pub(crate) fn space(&self) -> Space {
        self.storage.space()
    }
}
