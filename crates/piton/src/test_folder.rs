//! Folders with files for unit tests.

use std::fs;

use tempfile::TempDir;

/// Returns a folder with these files, each `PATH` or `PATH=CONTENT`.
pub(crate) fn with(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let (path, content) = file.split_once('=').unwrap_or((file, ""));
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}
