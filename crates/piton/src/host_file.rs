//! Files of this computer, as the place of a result.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Write a file so that at every moment the old one or the new one is there, complete.
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
    // Renaming asks for the right to write the folder only. The file's own counts as well.
    match OpenOptions::new().write(true).open(path) {
        Ok(existing) => replace(existing, path, bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => put(path, None, bytes),
        Err(error) => Err(error),
    }
}

/// Write a file that is not there yet, so that at every moment none or all of it is there. One that comes into being
/// meanwhile is replaced.
///
/// # Errors
///
/// As [`write()`].
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put(path, None, bytes)
}

fn replace(mut existing: File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let metadata = existing.metadata()?;
    if !metadata.is_file() {
        return existing.write_all(bytes);
    }
    // Through a link to the file that it names.
    let place = path.canonicalize()?;
    match put(&place, Some(&metadata), bytes) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            existing.write_all(bytes)?;
            existing.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
        }
        done => done,
    }
}

fn put(path: &Path, existing: Option<&Metadata>, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = temporary().tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
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

/// Have the names in a folder on the disk, where folders can be opened.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
