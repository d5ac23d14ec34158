//! What can be done with images on this computer: joining folders, comparing, unpacking.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_firmware::romfs::{Content, Entry, files};
use piton_path::PortablePath;

use crate::host_file;

/// Two folders cannot become one image: both have this file, or one has a file where the other has a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is in two of the folders")]
pub struct Conflict {
    /// The path in the image.
    pub path: String,
}

/// Adds the content of another folder. Folders of one name are joined; entries are sorted by name again.
///
/// # Errors
///
/// [`Conflict`]
pub fn merge(entries: &mut Vec<Entry>, others: Vec<Entry>) -> Result<(), Conflict> {
    merge_below(entries, others, "")
}

fn merge_below(entries: &mut Vec<Entry>, others: Vec<Entry>, above: &str) -> Result<(), Conflict> {
    for other in others {
        let path = format!("{above}{}", other.name);
        let known = entries.iter_mut().find(|entry| entry.name == other.name);
        match (known.map(|entry| &mut entry.content), other.content) {
            (None, content) => entries.push(Entry { content, ..other }),
            (Some(Content::Folder(inside)), Content::Folder(more)) => {
                merge_below(inside, more, &format!("{path}/"))?;
            }
            (Some(_), _) => return Err(Conflict { path }),
        }
    }
    entries.sort_by(|one, two| one.name.cmp(&two.name));
    Ok(())
}

/// Adds a file at a path with slashes; folders are made as they are needed.
///
/// # Errors
///
/// [`Conflict`]
pub fn add_file(entries: &mut Vec<Entry>, path: &str, content: Vec<u8>) -> Result<(), Conflict> {
    let mut names = path.rsplit('/');
    let name = names.next().unwrap_or(path);
    let file = Entry::new(name, Content::File(content));
    let tree = names.fold(file, |inside, folder| {
        Entry::new(folder, Content::Folder(vec![inside]))
    });
    merge(entries, vec![tree])
}

/// How a file of one image is in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// It is only in the second.
    Added,
    /// It is only in the first.
    Removed,
    /// It has another content.
    Changed,
}

/// Compares the files of two images. Returns those that differ, by path; of several files with one path, boards see the first.
#[must_use]
pub fn differences(one: &[Entry], two: &[Entry]) -> BTreeMap<String, Difference> {
    let visible = |entries| {
        let mut seen: BTreeMap<String, &[u8]> = BTreeMap::new();
        for (path, content) in files(entries) {
            seen.entry(path).or_insert(content);
        }
        seen
    };
    let (one, two) = (visible(one), visible(two));
    let mut found = BTreeMap::new();
    for (path, content) in &one {
        match two.get(path) {
            None => found.insert(path.clone(), Difference::Removed),
            Some(other) if other != content => found.insert(path.clone(), Difference::Changed),
            Some(_) => None,
        };
    }
    let added = two.into_keys().filter(|path| !one.contains_key(path));
    found.extend(added.map(|path| (path, Difference::Added)));
    found
}

/// Why an image is not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// A path of the image cannot be one of this computer, or not of every computer.
    #[error("`{path}` is not a path of a file here")]
    Path {
        /// The path.
        path: String,
    },
    /// Two files have one path.
    #[error("`{path}` is there twice")]
    Twice {
        /// The path.
        path: String,
    },
    /// The folder has something in it.
    #[error("`{}` is not empty", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder cannot be written.
    #[error("could not write `{}`: {source}", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes the files and folders of an image to `folder`, which is made, or is empty. Returns how many files there are.
///
/// # Errors
///
/// [`ExtractError`]. All paths are checked before the first file is written.
pub fn extract(entries: &[Entry], folder: &Path) -> Result<usize, ExtractError> {
    let mut folders = Vec::new();
    let mut contents: BTreeMap<PortablePath, &[u8]> = BTreeMap::new();
    check(entries, "", &mut folders, &mut contents)?;
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| ExtractError::Write { path, source }
    };
    if fs::read_dir(folder).is_ok_and(|mut inside| inside.next().is_some()) {
        let folder = folder.to_owned();
        return Err(ExtractError::NotEmpty { folder });
    }
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    for path in folders {
        let path = folder.join(path.to_path());
        fs::create_dir_all(&path).map_err(unwritable(&path))?;
    }
    for (path, content) in &contents {
        let path = folder.join(path.to_path());
        host_file::create(&path, content).map_err(unwritable(&path))?;
    }
    Ok(contents.len())
}

fn check<'e>(
    entries: &'e [Entry],
    above: &str,
    folders: &mut Vec<PortablePath>,
    contents: &mut BTreeMap<PortablePath, &'e [u8]>,
) -> Result<(), ExtractError> {
    // Names that differ in upper and lower case only are one file on some systems.
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        let text = format!("{above}{}", entry.name);
        let Ok(path) = text.parse::<PortablePath>() else {
            return Err(ExtractError::Path { path: text });
        };
        if !seen.insert(entry.name.to_lowercase()) {
            return Err(ExtractError::Twice { path: text });
        }
        match &entry.content {
            Content::Folder(inside) => {
                folders.push(path);
                check(inside, &format!("{text}/"), folders, contents)?;
            }
            Content::File(content) => {
                contents.insert(path, content);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (path, content) in files {
            add_file(&mut entries, path, content.as_bytes().to_vec()).unwrap();
        }
        entries
    }

    #[test]
    fn folders_are_joined_and_files_are_not_replaced() {
        let mut entries = tree(&[("lib/a", "1"), ("main", "2")]);
        merge(&mut entries, tree(&[("lib/b", "3"), ("data/x", "4")])).unwrap();
        let paths: Vec<String> = files(&entries).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["data/x", "lib/a", "lib/b", "main"]);
        for path in ["lib/a", "main/x", "lib"] {
            let conflict = merge(&mut entries.clone(), tree(&[(path, "")])).unwrap_err();
            assert!(path.starts_with(&conflict.path), "{path}: {conflict}");
        }
    }

    #[test]
    fn files_that_differ_are_found() {
        let one = tree(&[("a", "1"), ("d/b", "2"), ("d/c", "3")]);
        let two = tree(&[("a", "1"), ("d/b", "x"), ("e", "4")]);
        let found = differences(&one, &two);
        let found: Vec<_> = found
            .iter()
            .map(|(path, how)| (path.as_str(), *how))
            .collect();
        let expected = [
            ("d/b", Difference::Changed),
            ("d/c", Difference::Removed),
            ("e", Difference::Added),
        ];
        assert_eq!(found, expected);
        assert!(differences(&one, &one).is_empty());
    }

    #[test]
    fn hostile_paths_are_not_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        let target = folder.path().join("deep/target");
        for name in ["..\\outside", "C:outside", "a\nb"] {
            let entries = [Entry::new(name, Content::File(b"x".to_vec()))];
            assert!(
                matches!(extract(&entries, &target), Err(ExtractError::Path { .. })),
                "{name}"
            );
        }
        let twice = ["A", "a"].map(|name| Entry::new(name, Content::File(Vec::new())));
        assert!(matches!(
            extract(&twice, &target),
            Err(ExtractError::Twice { .. })
        ));
        assert!(!target.exists() && !outside.exists());
        let good = tree(&[("lib/a", "1"), ("main", "2")]);
        assert_eq!(extract(&good, &target).unwrap(), 2);
        assert_eq!(fs::read(target.join("lib/a")).unwrap(), b"1");
        assert!(matches!(
            extract(&good, &target),
            Err(ExtractError::NotEmpty { .. })
        ));
    }
}
