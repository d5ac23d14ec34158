//! The folders of a drive, held open: a link or folder that replaces one of them during a copy is not written to.
//!
//! On Linux files are created through the open folder, wherever its path leads by then. Elsewhere the path is checked
//! before and after.

use std::io;
use std::path::{Path, PathBuf};

use piton_path::PortablePath;

/// A folder of the drive.
pub(crate) struct Folder {
    /// A path that leads to it.
    path: PathBuf,
    /// Its path on the drive.
    place: PathBuf,
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    handle: std::fs::File,
}

/// Returns the error for a link, or a file, in the place of a folder.
pub(super) fn no_folder() -> io::Error {
    io::Error::new(
        io::ErrorKind::NotADirectory,
        "it is a link or a file, expected a folder",
    )
}

impl Folder {
    /// Opens the drive itself, which may be named by a link.
    pub(super) fn of_drive(drive: &Path) -> io::Result<Folder> {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::{Mode, OFlags};
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let handle = rustix::fs::open(drive, flags, Mode::empty())?;
            Folder::held(handle.into(), drive.to_owned())
        }
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        Ok(Folder {
            path: drive.to_owned(),
            place: drive.to_owned(),
        })
    }

    /// Opens a folder in this one. A link is refused.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`]; [`io::ErrorKind::NotADirectory`] for a link or a file.
    pub(super) fn child(&self, name: &str) -> io::Result<Folder> {
        let place = self.place.join(name);
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::{Mode, OFlags};
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
                Ok(handle) => Folder::held(handle.into(), place),
                Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => Err(no_folder()),
                Err(error) => Err(error.into()),
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        {
            if !place.symlink_metadata()?.is_dir() {
                return Err(no_folder());
            }
            let path = place.clone();
            Ok(Folder { path, place })
        }
    }

    /// Opens the folder of a file of the drive.
    ///
    /// # Errors
    ///
    /// As for [`Folder::child`].
    pub(super) fn of_file(drive: &Path, file: &PortablePath) -> io::Result<Folder> {
        let folder = Folder::of_drive(drive)?;
        let parent = file.parent();
        let mut names = parent.iter().flat_map(PortablePath::names);
        names.try_fold(folder, |folder, name| folder.child(name))
    }

    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn held(handle: std::fs::File, place: PathBuf) -> io::Result<Folder> {
        let path = through(&handle).unwrap_or_else(|| place.clone());
        Ok(Folder {
            path,
            place,
            handle,
        })
    }

    /// Returns the path of a name in it, which stays valid as long as the folder is held.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Checks that its path on the drive still leads to it.
    ///
    /// # Errors
    ///
    /// Something else is at the path: the written file is not where it should be.
    pub(super) fn check(&self) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        let is_there = self.place.metadata().is_ok_and(|there| {
            let held = self.handle.metadata();
            held.is_ok_and(|held| identity(&held) == identity(&there))
        });
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        let is_there = self.place.is_dir();
        match is_there {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "something else took the place of `{}`",
                self.place.display()
            ))),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Returns a path that leads to the open folder whatever its name is by then, if the system has such paths.
#[cfg(target_os = "linux")]
fn through(handle: &std::fs::File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd;
    let path = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
    // A container may have no `/proc`.
    let same = identity(&path.metadata().ok()?) == identity(&handle.metadata().ok()?);
    same.then_some(path)
}

#[cfg(target_os = "macos")]
fn through(_: &std::fs::File) -> Option<PathBuf> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What a second program can do between two steps of a copy.
    #[test]
    fn a_folder_that_is_swapped_for_a_link() {
        let drive = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let place = |name: &str| drive.path().join(name);
        fs::create_dir_all(place("lib/net")).unwrap();
        let file = "lib/net/a.mpy".parse().unwrap();
        let folder = Folder::of_file(drive.path(), &file).unwrap();
        fs::write(folder.join("a.mpy"), "one").unwrap();
        folder.check().unwrap();
        assert_eq!(fs::read(place("lib/net/a.mpy")).unwrap(), b"one");
        fs::rename(place("lib/net"), place("lib/old")).unwrap();
        symlink(elsewhere.path(), place("lib/net")).unwrap();
        fs::write(folder.join("a.mpy"), "two").unwrap();
        assert_eq!(fs::read(place("lib/old/a.mpy")).unwrap(), b"two");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert!(folder.check().is_err());
        let error = Folder::of_file(drive.path(), &file).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        fs::remove_file(place("lib/net")).unwrap();
        fs::write(place("lib/net"), "").unwrap();
        let error = Folder::of_file(drive.path(), &file).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        fs::remove_file(place("lib/net")).unwrap();
        let error = Folder::of_file(drive.path(), &file).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
