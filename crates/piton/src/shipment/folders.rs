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
    drive_path: PathBuf,
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
            drive_path: drive.to_owned(),
        })
    }

    /// Opens a folder in this one. A link is refused.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`]; [`io::ErrorKind::NotADirectory`] for a link or a file.
    pub(super) fn child(&self, name: &str) -> io::Result<Folder> {
        let drive_path = self.drive_path.join(name);
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::{Mode, OFlags};
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
                Ok(handle) => Folder::held(handle.into(), drive_path),
                Err(rustix::io::Errno::LOOP | rustix::io::Errno::NOTDIR) => Err(no_folder()),
                Err(error) => Err(error.into()),
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        {
            if !drive_path.symlink_metadata()?.is_dir() {
                return Err(no_folder());
            }
            let path = drive_path.clone();
            Ok(Folder { path, drive_path })
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
    fn held(handle: std::fs::File, drive_path: PathBuf) -> io::Result<Folder> {
        let path = through(&handle).unwrap_or_else(|| drive_path.clone());
        Ok(Folder {
            path,
            drive_path,
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
        let is_there = self.drive_path.metadata().is_ok_and(|metadata| {
            let held = self.handle.metadata();
            held.is_ok_and(|held| identity(&held) == identity(&metadata))
        });
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        let is_there = self.drive_path.is_dir();
        match is_there {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "something else took the place of `{}`",
                self.drive_path.display()
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
        let path_of = |name: &str| drive.path().join(name);
        fs::create_dir_all(path_of("lib/net")).unwrap();
        let file = "lib/net/a.mpy".parse().unwrap();
        let folder = Folder::of_file(drive.path(), &file).unwrap();
        fs::write(folder.join("a.mpy"), "one").unwrap();
        folder.check().unwrap();
        assert_eq!(fs::read(path_of("lib/net/a.mpy")).unwrap(), b"one");
        fs::rename(path_of("lib/net"), path_of("lib/old")).unwrap();
        symlink(elsewhere.path(), path_of("lib/net")).unwrap();
        fs::write(folder.join("a.mpy"), "two").unwrap();
        assert_eq!(fs::read(path_of("lib/old/a.mpy")).unwrap(), b"two");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert!(folder.check().is_err());
        let error = Folder::of_file(drive.path(), &file).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        fs::remove_file(path_of("lib/net")).unwrap();
        fs::write(path_of("lib/net"), "").unwrap();
        let error = Folder::of_file(drive.path(), &file).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        fs::remove_file(path_of("lib/net")).unwrap();
        let error = Folder::of_file(drive.path(), &file).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
