//! Files of this computer, as the destination of a copy.

use std::io::{self, Write};
use std::path::Path;

/// Write a file so that at every moment the old one or the new one is there, complete.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Through a link to the file that it names.
    let place = path.canonicalize();
    let path = place.as_deref().unwrap_or(path);
    let existing = path.metadata().ok();
    if existing
        .as_ref()
        .is_some_and(|existing| !existing.is_file())
    {
        // A device or a pipe: nothing to keep whole.
        return std::fs::write(path, bytes);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What an ordinary new file gets, less the umask.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
