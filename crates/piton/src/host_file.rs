//! Files of this computer, as the place of a result.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file so that at every moment the old one or the new one is there, complete.
///
/// The new content goes to a file beside, which is then renamed into place with the permissions of the old one. A
/// symbolic link stays, and the file it names is replaced. Devices and pipes are written to as they are, and so is a
/// file that may be written in a folder that may not.
///
/// # Errors
///
/// What the operating system says where an ordinary write would fail: no such folder, a folder in the place of the
/// file, a file that may not be written, no space.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Incoming::begin(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Writes a file that does not exist yet, so that at every moment none or all of it is there. One that comes into being
/// meanwhile is replaced.
///
/// # Errors
///
/// As [`write()`].
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Incoming::beside(path.to_owned(), None)?;
    file.write_all(bytes)?;
    file.commit()
}

/// A file that is written piece by piece, as [`write()`] does it at once: nothing changes before
/// [`Incoming::commit`], and nothing is left of one that is dropped.
#[derive(Debug)]
pub struct Incoming(Target);

/// Where the content goes.
#[derive(Debug)]
enum Target {
    /// A file beside the place that it is to take.
    Beside {
        file: NamedTempFile,
        place: PathBuf,
        /// The file that is there.
        existing: Option<File>,
    },
    /// A file elsewhere, whose content goes into the existing one in the end.
    Elsewhere { file: File, existing: File },
    /// What is no file takes it at once.
    Device(File),
}

impl Incoming {
    /// Begins a file at `path`.
    ///
    /// # Errors
    ///
    /// As [`write()`].
    pub fn begin(path: &Path) -> io::Result<Incoming> {
        // Renaming asks for the right to write the folder only. The file's own counts as well.
        let existing = match OpenOptions::new().write(true).open(path) {
            Ok(existing) => existing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Incoming::beside(path.to_owned(), None);
            }
            Err(error) => return Err(error),
        };
        if !existing.metadata()?.is_file() {
            return Ok(Incoming(Target::Device(existing)));
        }
        // Through a link to the file that it names.
        match Incoming::beside(path.canonicalize()?, Some(existing.try_clone()?)) {
            Err(error) if is_refusal(&error) => Ok(Incoming(Target::Elsewhere {
                file: tempfile::tempfile()?,
                existing,
            })),
            begun => begun,
        }
    }

    fn beside(place: PathBuf, existing: Option<File>) -> io::Result<Incoming> {
        let folder = match place.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = temporary().tempfile_in(folder)?;
        Ok(Incoming(Target::Beside {
            file,
            place,
            existing,
        }))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    ///
    /// As [`write()`].
    pub fn commit(self) -> io::Result<()> {
        match self.0 {
            Target::Device(_) => Ok(()),
            Target::Elsewhere { file, existing } => copy_over(file, existing),
            Target::Beside {
                file,
                place,
                existing,
            } => {
                if let Some(existing) = &existing {
                    let permissions = existing.metadata()?.permissions();
                    file.as_file().set_permissions(permissions)?;
                }
                match (file.persist(&place), existing) {
                    (Ok(_), _) => Ok(()),
                    // In a folder whose files belong to others, a file may be written and not replaced.
                    (Err(error), Some(existing)) if is_refusal(&error.error) => {
                        copy_over(error.file.reopen()?, existing)
                    }
                    (Err(error), _) => Err(error.error),
                }
            }
        }
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Target::Beside { file, .. } => file.write(bytes),
            Target::Elsewhere { file, .. } | Target::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Target::Beside { file, .. } => file.flush(),
            Target::Elsewhere { file, .. } | Target::Device(file) => file.flush(),
        }
    }
}

/// Returns whether no file may be made or replaced in a folder.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Gives `existing` the content of `file`.
fn copy_over(mut file: File, mut existing: File) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let size = io::copy(&mut file, &mut existing)?;
    existing.set_len(size)
}

/// Makes files with the permissions of an ordinary new file.
fn temporary() -> tempfile::Builder<'static, 'static> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut builder = tempfile::Builder::new();
        // Less the umask.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
        builder
    }
    #[cfg(not(unix))]
    tempfile::Builder::new()
}

/// Refuses a link in the place of something that only we make, and never as a link: it came from elsewhere, and what it
/// names is not ours to move or remove.
pub(crate) fn refuse_link(path: &Path) -> io::Result<()> {
    match path.is_symlink() {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "`{}` is a link, which piton never makes: remove it",
                path.display()
            ),
        )),
        false => Ok(()),
    }
}

/// Flushes the names in a folder to the disk, where folders can be opened.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "the old one, which is longer").unwrap();
        let mut file = Incoming::begin(&path).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        let mut file = Incoming::begin(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(b"the old"));
        file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn content_from_elsewhere_replaces_all_of_the_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "the old one, which is longer").unwrap();
        let mut file = Incoming(Target::Elsewhere {
            file: tempfile::tempfile().unwrap(),
            existing: OpenOptions::new().write(true).open(&path).unwrap(),
        });
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn what_cannot_be_written_says_so_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(write(&path.join("b"), b"new").is_err(), "no such folder");
        assert!(write(folder.path(), b"new").is_err(), "a folder");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        create(&path, b"first").unwrap();
        create(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_devices_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("real")).unwrap();
        std::fs::write(path("real/a"), "old").unwrap();
        symlink("real/a", path("link")).unwrap();
        std::fs::set_permissions(path("real/a"), std::fs::Permissions::from_mode(0o640)).unwrap();
        write(&path("link"), b"new").unwrap();
        assert!(path("link").is_symlink());
        assert_eq!(std::fs::read(path("real/a")).unwrap(), b"new");
        let mode = |name: &str| path(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("real/a"), 0o640);
        // A new file has the permissions of any new file.
        std::fs::write(path("plain"), "").unwrap();
        write(&path("new"), b"new").unwrap();
        assert_eq!(mode("new"), mode("plain"));
        write(Path::new("/dev/null"), b"new").unwrap();
        assert!(!Path::new("/dev/null").is_file());
        // A file that may not be written is not replaced either. Root may write any.
        std::fs::set_permissions(path("plain"), std::fs::Permissions::from_mode(0o444)).unwrap();
        if OpenOptions::new().write(true).open(path("plain")).is_err() {
            assert!(write(&path("plain"), b"new").is_err());
        }
        assert!(refuse_link(&path("link")).is_err());
        assert!(refuse_link(&path("plain")).is_ok() && refuse_link(&path("none")).is_ok());
    }
}
