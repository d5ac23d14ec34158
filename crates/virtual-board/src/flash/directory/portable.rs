//! The root folder where there is no `openat`: every name on a path is looked at before the next one, and
//! a link is refused, wherever it leads.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::File;

use super::stat_of;
use crate::flash::files::{Entry, OpenFlags, Space, Stat};
use crate::flash::{Errno, FlashPath};

/// What a folder is said to hold, for there is no portable way to ask.
const NOMINAL_SPACE: u64 = 1 << 32;

/// Names that mean a device on Windows, in any folder and with any extension.
const DEVICES: &[&str] = &["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
const NUMBERED_DEVICES: &[&str] = &["COM", "LPT"];

pub(super) struct Root {
    folder: PathBuf,
}

/// May a file on Windows have this name, and does the name mean that file and nothing else?
fn is_plain(name: &str) -> bool {
    let special = |c: char| c < ' ' || "\\/:*?\"<>|".contains(c);
    if name.contains(special) || name.ends_with(['.', ' ']) {
        return false;
    }
    let stem = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_end()
        .to_uppercase();
    let numbered = NUMBERED_DEVICES.iter().any(|device| {
        stem.strip_prefix(device)
            .is_some_and(|number| number.chars().count() == 1)
    });
    !DEVICES.contains(&stem.as_str()) && !numbered
}

impl Root {
    pub(super) fn new(path: &Path) -> io::Result<Root> {
        let folder = fs::canonicalize(path)?;
        if !fs::metadata(&folder)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Root { folder })
    }

    /// Returns the host's path, none of whose parts is a link.
    fn resolve(&self, path: &FlashPath) -> Result<PathBuf, Errno> {
        let mut host = self.folder.clone();
        let mut names = path.names().iter().peekable();
        while let Some(name) = names.next() {
            if !is_plain(name) {
                return Err(Errno::INVALID);
            }
            host.push(name);
            let last = names.peek().is_none();
            match fs::symlink_metadata(&host) {
                Ok(metadata) if metadata.is_symlink() => return Err(Errno::ACCESS),
                Ok(metadata) if !last && !metadata.is_dir() => return Err(Errno::NOT_DIR),
                Ok(_) => {}
                Err(_) if last => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(host)
    }

    pub(super) fn stat(&self, path: &FlashPath) -> Result<Stat, Errno> {
        let metadata = fs::symlink_metadata(self.resolve(path)?)?;
        stat_of(&metadata).ok_or(Errno::ACCESS)
    }

    pub(super) fn list(&self, path: &FlashPath) -> Result<Vec<Entry>, Errno> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.resolve(path)?)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // A link's own metadata is neither that of a file nor of a folder.
            let Some(stat) = stat_of(&entry.metadata()?) else {
                continue;
            };
            entries.push(Entry {
                name,
                kind: stat.kind,
            });
        }
        Ok(entries)
    }

    pub(super) fn open(&self, path: &FlashPath, flags: OpenFlags) -> Result<std::fs::File, Errno> {
        let file = File::options()
            .read(flags.reads())
            .write(flags.writes())
            .create(flags.creates() && flags.writes())
            .create_new(flags.is_exclusive() && flags.writes())
            .truncate(flags.truncates())
            .open(self.resolve(path)?)?;
        Ok(file.into_file())
    }

    pub(super) fn make_dir(&self, path: &FlashPath) -> Result<(), Errno> {
        Ok(fs::create_dir(self.resolve(path)?)?)
    }

    pub(super) fn remove_dir(&self, path: &FlashPath) -> Result<(), Errno> {
        Ok(fs::remove_dir(self.resolve(path)?)?)
    }

    pub(super) fn remove_file(&self, path: &FlashPath) -> Result<(), Errno> {
        let host = self.resolve(path)?;
        if fs::symlink_metadata(&host)?.is_dir() {
            return Err(Errno::IS_DIR);
        }
        Ok(fs::remove_file(host)?)
    }

    pub(super) fn rename(&self, from: &FlashPath, to: &FlashPath) -> Result<(), Errno> {
        Ok(fs::rename(self.resolve(from)?, self.resolve(to)?)?)
    }

    pub(super) fn space(&self) -> Space {
        Space {
            total: NOMINAL_SPACE,
            free: NOMINAL_SPACE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::files::Kind;

    fn at(text: &str) -> FlashPath {
        FlashPath::root().join(text)
    }

    #[test]
    fn names_with_a_special_meaning_on_windows_are_refused() {
        for name in [
            "a\\b", "c:", "a:stream", "nul", "NUL.txt", "com1", "lpt9.log", "a.", "a ", "con",
        ] {
            assert!(!is_plain(name), "{name}");
        }
        for name in [
            "a",
            "main.py",
            "com10",
            "console",
            "nullable.txt",
            ".hidden",
            "µ",
        ] {
            assert!(is_plain(name), "{name}");
        }
    }

    #[test]
    fn files_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path()).unwrap();
        let create = OpenFlags::new(0x241);
        root.make_dir(&at("/lib")).unwrap();
        drop(root.open(&at("/lib/a.py"), create).unwrap());
        assert_eq!(root.stat(&at("/lib")).unwrap().kind, Kind::Directory);
        assert_eq!(root.list(&at("/lib")).unwrap().len(), 1);
        assert_eq!(root.remove_file(&at("/lib")), Err(Errno::IS_DIR));
        assert_eq!(root.stat(&at("/lib/a.py/b")).unwrap_err(), Errno::NOT_DIR);
        assert_eq!(root.stat(&at("/no/a.py")).unwrap_err(), Errno::NO_ENTRY);
        root.rename(&at("/lib/a.py"), &at("/b.py")).unwrap();
        root.remove_dir(&at("/lib")).unwrap();
        root.remove_file(&at("/b.py")).unwrap();
        assert!(root.list(&FlashPath::root()).unwrap().is_empty());
        assert_eq!(root.space().free, NOMINAL_SPACE);
        assert!(Root::new(&folder.path().join("missing")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        let root = Root::new(folder.path()).unwrap();
        assert_eq!(root.stat(&at("/out")).unwrap_err(), Errno::ACCESS);
        assert_eq!(root.make_dir(&at("/out/new")), Err(Errno::ACCESS));
        assert_eq!(
            root.open(&at("/out/new"), OpenFlags::new(0x241))
                .unwrap_err(),
            Errno::ACCESS
        );
        assert!(root.list(&FlashPath::root()).unwrap().is_empty());
    }
}
