//! Writing a file as the official program does.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file in place, or a new one: who has the old file open, or knows it by another name, reads the new content.
///
/// An interrupted write leaves a part of the content, and so does a full disk.
///
/// # Errors
///
/// What the operating system says.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Not truncated first: ext4 then has the file on the disk before it is closed, which takes longer than compiling.
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let metadata = file.metadata()?;
    file.write_all(bytes)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if metadata.is_file() && metadata.len() > size {
        file.set_len(size)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_has_the_new_content_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for content in ["some", "longer than that", "short", ""] {
            write(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert!(write(folder.path(), b"").is_err());
    }
}
