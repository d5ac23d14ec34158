//! The root folder on Unix: an open folder, and every path resolved from it one name at a time, so that
//! nothing that happens to the folder meanwhile can lead out of it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use crate::flash::files::{Entry, OpenFlags, Space, Stat};
use crate::flash::{Errno, FlashPath};

/// How many symbolic links one path may go through.
const MAX_LINKS: usize = 8;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

pub(super) struct Root {
    folder: OwnedFd,
}

/// What is left when a path is resolved: an open folder, and a name in it that is no `.` or `..` and, when
/// links were to be followed, no link.
struct Place {
    folder: OwnedFd,
    name: String,
}

impl From<rustix::io::Errno> for Errno {
    fn from(errno: rustix::io::Errno) -> Self {
        match errno {
            // A name became a link between two looks at it.
            rustix::io::Errno::LOOP => Errno::ACCESS,
            errno => io::Error::from(errno).into(),
        }
    }
}

impl Root {
    pub(super) fn new(path: &Path) -> io::Result<Root> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Root { folder })
    }

    /// Walks to the last name of a path. `follow`: also through a link that the last name is.
    fn resolve(&self, path: &FlashPath, follow: bool) -> Result<Place, Errno> {
        let mut stack: Vec<OwnedFd> = Vec::new();
        let mut names: VecDeque<String> = path.names().iter().cloned().collect();
        let mut links = 0;
        while let Some(name) = names.pop_front() {
            let folder = stack.last().unwrap_or(&self.folder);
            if name == ".." {
                // Only a link's text has these; the root has no parent.
                stack.pop().ok_or(Errno::ACCESS)?;
                continue;
            }
            let last = names.is_empty();
            let kind = kind_of(folder, &name);
            if (follow || !last) && kind == Ok(FileType::Symlink) {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::ACCESS);
                }
                for name in link_names(folder, &name)?.into_iter().rev() {
                    names.push_front(name);
                }
                continue;
            }
            if last {
                let folder = folder.try_clone().map_err(Errno::from)?;
                return Ok(Place { folder, name });
            }
            kind?;
            let folder = rustix::fs::openat(folder, &name, DIRECTORY, Mode::empty())?;
            stack.push(folder);
        }
        // The root itself, or a link to a folder on the way.
        let folder = stack.pop().map_or_else(|| self.folder.try_clone(), Ok);
        Ok(Place {
            folder: folder.map_err(Errno::from)?,
            name: ".".to_owned(),
        })
    }

    fn folder(&self, path: &FlashPath) -> Result<OwnedFd, Errno> {
        let place = self.resolve(path, true)?;
        Ok(rustix::fs::openat(
            &place.folder,
            &place.name,
            DIRECTORY,
            Mode::empty(),
        )?)
    }

    pub(super) fn stat(&self, path: &FlashPath) -> Result<Stat, Errno> {
        let place = self.resolve(path, true)?;
        stat_in(place.folder.as_fd(), &place.name)
    }

    pub(super) fn list(&self, path: &FlashPath) -> Result<Vec<Entry>, Errno> {
        let folder = self.folder(path)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            // Names that are not UTF-8 can't be named on the board.
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(name, "." | "..") {
                continue;
            }
            // So that a link shows as what it leads to; one that leads nowhere is not shown.
            let Ok(stat) = self.stat(&path.join(name)) else {
                continue;
            };
            entries.push(Entry {
                name: name.to_owned(),
                kind: stat.kind,
            });
        }
        Ok(entries)
    }

    pub(super) fn open(&self, path: &FlashPath, flags: OpenFlags) -> Result<File, Errno> {
        let place = self.resolve(path, !flags.is_exclusive())?;
        let mut how = match (flags.reads(), flags.writes()) {
            (true, true) => OFlags::RDWR,
            (false, _) => OFlags::WRONLY,
            (true, false) => OFlags::RDONLY,
        };
        // A pipe must not make the board wait for its other end.
        how |= OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        how.set(OFlags::CREATE, flags.creates());
        how.set(OFlags::EXCL, flags.is_exclusive());
        how.set(OFlags::TRUNC, flags.truncates());
        let mode = Mode::from_raw_mode(0o666);
        let file = rustix::fs::openat(&place.folder, &place.name, how, mode)?;
        Ok(File::from(file))
    }

    pub(super) fn make_dir(&self, path: &FlashPath) -> Result<(), Errno> {
        let place = self.resolve(path, false)?;
        let mode = Mode::from_raw_mode(0o777);
        Ok(rustix::fs::mkdirat(&place.folder, &place.name, mode)?)
    }

    pub(super) fn remove_dir(&self, path: &FlashPath) -> Result<(), Errno> {
        let place = self.resolve(path, false)?;
        Ok(rustix::fs::unlinkat(
            &place.folder,
            &place.name,
            AtFlags::REMOVEDIR,
        )?)
    }

    pub(super) fn remove_file(&self, path: &FlashPath) -> Result<(), Errno> {
        let place = self.resolve(path, false)?;
        // macOS answers EPERM for a folder.
        if kind_of(&place.folder, &place.name)? == FileType::Directory {
            return Err(Errno::IS_DIR);
        }
        Ok(rustix::fs::unlinkat(
            &place.folder,
            &place.name,
            AtFlags::empty(),
        )?)
    }

    pub(super) fn rename(&self, from: &FlashPath, to: &FlashPath) -> Result<(), Errno> {
        let from = self.resolve(from, false)?;
        let to = self.resolve(to, false)?;
        Ok(rustix::fs::renameat(
            &from.folder,
            &from.name,
            &to.folder,
            &to.name,
        )?)
    }

    pub(super) fn space(&self) -> Space {
        match rustix::fs::fstatvfs(&self.folder) {
            Ok(space) => Space {
                total: space.f_blocks.saturating_mul(space.f_frsize),
                free: space.f_bavail.saturating_mul(space.f_frsize),
            },
            Err(_) => Space { total: 0, free: 0 },
        }
    }
}

fn kind_of(folder: &OwnedFd, name: &str) -> Result<FileType, Errno> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

/// Returns the names that a link consists of; an error when it leaves the root by its first character.
fn link_names(folder: &OwnedFd, name: &str) -> Result<Vec<String>, Errno> {
    let target = rustix::fs::readlinkat(folder, name, Vec::new())?;
    let target = target.into_string().map_err(|_| Errno::ACCESS)?;
    if target.starts_with('/') {
        return Err(Errno::ACCESS);
    }
    let names = target.split('/').filter(|name| !matches!(*name, "" | "."));
    Ok(names.map(str::to_owned).collect())
}

fn stat_in(folder: BorrowedFd<'_>, name: &str) -> Result<Stat, Errno> {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => super::Kind::File,
        FileType::Directory => super::Kind::Directory,
        _ => return Err(Errno::ACCESS),
    };
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Ok(Stat {
        kind,
        size: if kind == super::Kind::File { size } else { 0 },
        modified: stat.st_mtime,
    })
}
