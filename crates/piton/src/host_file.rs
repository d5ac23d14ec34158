//! Writing results to files of this computer.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file so that at every moment the old or the new content is there, complete.
///
/// The new content is written to a temporary file in the same folder, which is then renamed and gets the permissions of
/// the old file. A symbolic link is kept, and its target is replaced. Devices and pipes are written directly, and so is
/// a writable file in a folder that is not writable.
///
/// # Errors
///
/// The operating system's error, as for an ordinary write: no such folder, a folder in the place of the
/// file, no permission to write the file, no space.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Incoming::begin(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Writes a file as [`write()`] does, with its content and its name on the disk in the end: after a power cut it is the old file or
/// the new one. The temporary file has always the same name, for [`remove_unfinished`]: only one process may write the file.
pub(crate) fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The target of a link is replaced, not the link.
    let place = match path.is_symlink() {
        true => path.canonicalize()?,
        false => path.to_owned(),
    };
    let existing = match OpenOptions::new().write(true).open(&place) {
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let new = unfinished(&place);
    refuse_link(&new)?;
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        if let Some(existing) = &existing {
            file.set_permissions(existing.metadata()?.permissions())?;
        }
        file.sync_data()
    });
    drop(existing);
    if let Err(error) = written.and_then(|()| std::fs::rename(&new, &place)) {
        let _ = std::fs::remove_file(&new);
        return Err(error);
    }
    if let Some(folder) = place.parent() {
        sync_folder(folder);
    }
    Ok(())
}

/// Removes what a [`write_through`] has left that was cut off.
pub(crate) fn remove_unfinished(path: &Path) -> io::Result<()> {
    let place = match path.is_symlink() {
        true => path.canonicalize()?,
        false => path.to_owned(),
    };
    match std::fs::remove_file(unfinished(&place)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".piton-new");
    path.with_file_name(name)
}

/// Writes a file that does not exist yet, so that at every moment it is missing or complete. A file that another
/// program creates meanwhile is replaced.
///
/// # Errors
///
/// As [`write()`].
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Incoming::beside(path.to_owned(), None)?;
    file.write_all(bytes)?;
    file.commit()
}

/// A file that is written piece by piece, with the guarantees of [`write()`]: the old file does not change before
/// [`Incoming::commit`], and dropping this removes the temporary file.
#[derive(Debug)]
pub struct Incoming(Target);

/// The place of the content.
#[derive(Debug)]
enum Target {
    /// A temporary file in the folder of the destination.
    Beside {
        file: NamedTempFile,
        place: PathBuf,
        /// The existing file.
        existing: Option<File>,
    },
    /// A temporary file in another folder, whose content is copied to the existing file in the end.
    Elsewhere { file: File, existing: File },
    /// A device or a pipe, which is written directly.
    Device(File),
}

impl Incoming {
    /// Begins a file at `path`.
    ///
    /// # Errors
    ///
    /// As [`write()`].
    pub fn begin(path: &Path) -> io::Result<Incoming> {
        // Renaming needs only the permission to write the folder. The permission of the file itself is checked too.
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
        // The target of a link is replaced, not the link.
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

    /// Replaces the old file.
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
                    // A file of another user in a sticky folder may be written but not replaced.
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

/// Returns whether a file must not be created or replaced in a folder.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Copies the content of `file` to `existing`.
fn copy_over(mut file: File, mut existing: File) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let size = io::copy(&mut file, &mut existing)?;
    existing.set_len(size)
}

/// Returns a builder of files with the permissions of an ordinary new file.
fn temporary() -> tempfile::Builder<'static, 'static> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut builder = tempfile::Builder::new();
        // The system subtracts the umask.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
        builder
    }
    #[cfg(not(unix))]
    tempfile::Builder::new()
}

/// Refuses a link in the place of a file that Piton creates, never as a link: it comes from elsewhere, and its target
/// must not be moved or removed.
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

/// Flushes the names in a folder to the disk, on systems where folders can be opened.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_is_kept_until_the_commit() {
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
    fn content_of_a_temporary_file_elsewhere_replaces_the_old_content() {
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
    fn a_file_that_cannot_be_written_is_an_error_and_stays() {
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

    #[test]
    fn a_file_that_is_written_through_leaves_nothing_and_what_a_cut_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        for content in ["1", "2"] {
            write_through(&path, content.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(names(), 1);
        std::fs::write(unfinished(&path), "half").unwrap();
        remove_unfinished(&path).unwrap();
        remove_unfinished(&path).unwrap();
        assert_eq!(names(), 1);
        assert!(write_through(folder.path(), b"").is_err(), "a folder");
    }

    #[cfg(unix)]
    #[test]
    fn links_devices_and_permissions_are_kept() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("real")).unwrap();
        std::fs::write(path("real/a"), "old").unwrap();
        symlink("real/a", path("link")).unwrap();
        std::fs::set_permissions(path("real/a"), std::fs::Permissions::from_mode(0o640)).unwrap();
        write_through(&path("link"), b"newer").unwrap();
        assert_eq!(std::fs::read(path("real/a")).unwrap(), b"newer");
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
