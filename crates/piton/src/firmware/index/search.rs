//! Finds the packages of a library: all folders with a `manifest.py`.

use std::fs;
use std::path::Path;

use super::IndexError;

/// Folders in folders, at most: as many links as Linux follows in a path, so that a link to a parent folder ends.
const MAX_DEPTH: usize = 40;

/// Returns the folders of packages below the library, with slashes, in the order of Python's `glob`: that of the file system, or by name.
pub(super) fn packages(
    library: &Path,
    folders: &[String],
    sorted: bool,
) -> Result<Vec<String>, IndexError> {
    let mut found = Vec::new();
    for folder in folders {
        visit(library, folder, (sorted, 0), &mut found)?;
    }
    Ok(found)
}

fn visit(
    library: &Path,
    folder: &str,
    (sorted, depth): (bool, usize),
    found: &mut Vec<String>,
) -> Result<(), IndexError> {
    let path = library.join(folder);
    if !path.is_dir() || depth > MAX_DEPTH {
        return Ok(());
    }
    if fs::symlink_metadata(path.join("manifest.py")).is_ok() {
        found.push(folder.to_owned());
    }
    let unreadable = |source| IndexError::Read {
        path: path.clone(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // What is not UTF-8 cannot be the name of a package.
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && entry.path().is_dir()
        {
            names.push(name);
        }
    }
    if sorted {
        names.sort();
    }
    for name in names {
        visit(
            library,
            &format!("{folder}/{name}"),
            (sorted, depth + 1),
            found,
        )?;
    }
    Ok(())
}
