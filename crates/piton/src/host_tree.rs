//! The walk of a folder of this computer, for `sync`, `cp -r`, `compile`, `build`, `verify` and `romfs`.
//!
//! The callers choose [`Rules`]: whether links are followed, the maximum depth, whether hidden folders are walked. The
//! rest is the same for all of them: entries come sorted by name, a folder before its contents, without recursion. A
//! circle of links, a broken link and a device are entries with their own [`Kind`], so that the caller can leave them
//! out or refuse them, and the walk always ends.
//!
//! ```
//! use piton::host_tree::{Kind, Rules, walk};
//!
//! # let folder = tempfile::tempdir()?;
//! # let project = folder.path();
//! std::fs::create_dir_all(project.join("lib/.git"))?;
//! std::fs::write(project.join("lib/.git/config"), "")?;
//! std::fs::write(project.join("lib/helper.py"), "")?;
//! std::fs::write(project.join("main.py"), "")?;
//!
//! let mut entries = walk(project, Rules::default());
//! let mut files = Vec::new();
//! while let Some(entry) = entries.next() {
//!     let entry = entry?;
//!     match entry.kind {
//!         Kind::Folder if entry.is_hidden() => entries.skip_folder(),
//!         Kind::File => files.push(entry.text()?),
//!         _ => {}
//!     }
//! }
//! assert_eq!(files, ["lib/helper.py", "main.py"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// The treatment of symbolic links below the root of a walk. The root itself may always be a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// A link counts as its target: the walk follows links to folders.
    #[default]
    Follow,
    /// A link to a file counts as a file. A link to a folder is a [`Kind::FolderLink`], and is not followed.
    FollowToFiles,
    /// Each link is a [`Kind::Link`], whatever its target is.
    Keep,
}

/// The rules of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The treatment of symbolic links.
    pub links: Links,
    /// Maximum depth of folders below the root. A deeper folder is [`WalkError::TooDeep`].
    pub max_depth: usize,
    /// Whether folders whose names begin with a dot are walked. Files with such names are always entries.
    pub hidden_folders: bool,
}

impl Rules {
    /// The default of the maximum depth. A deeper folder is a mistake, or was made to harm.
    pub const MAX_DEPTH: usize = 255;
}

impl Default for Rules {
    /// Returns rules that follow links and enter hidden folders.
    fn default() -> Rules {
        Rules {
            links: Links::Follow,
            max_depth: Rules::MAX_DEPTH,
            hidden_folders: true,
        }
    }
}

/// Why a walk cannot continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// A folder or the metadata of an entry cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A name is not UTF-8 text. Names on a board are UTF-8.
    #[error("the name of `{}` is not UTF-8", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// A folder is deeper than [`Rules::max_depth`].
    #[error("`{}` is deeper than {max_depth} folders", path.display())]
    TooDeep {
        /// Its path.
        path: PathBuf,
        /// The maximum depth.
        max_depth: usize,
    },
}

impl WalkError {
    /// Returns the path and an error of the operating system's type, for callers that report nothing else.
    pub fn into_io(self) -> (PathBuf, io::Error) {
        let text = match &self {
            WalkError::Read { .. } => String::new(),
            WalkError::NotText { .. } => "its name is not UTF-8".to_owned(),
            WalkError::TooDeep { max_depth, .. } => {
                format!("it is deeper than {max_depth} folders")
            }
        };
        match self {
            WalkError::Read { path, source } => (path, source),
            WalkError::NotText { path } | WalkError::TooDeep { path, .. } => {
                (path, io::Error::new(io::ErrorKind::InvalidInput, text))
            }
        }
    }
}

/// The kind of an entry, by the rules of the walk.
#[derive(Debug)]
pub enum Kind {
    /// A file, or a link to one that is followed.
    File,
    /// A folder, or a link to one that is followed. Its contents come next.
    Folder,
    /// A link to a folder, if only links to files are followed.
    FolderLink,
    /// A link, if no links are followed.
    Link,
    /// A link that leads back to a folder that it is in.
    Circle,
    /// A link whose target cannot be read: [`io::ErrorKind::NotFound`] if the target does not exist.
    Broken(io::Error),
    /// A device, a pipe or a socket. Reading it may block for ever.
    Special,
}

/// An entry below the root of a walk.
#[derive(Debug)]
pub struct Entry {
    /// Its path, which begins with the root's.
    pub path: PathBuf,
    /// Its kind.
    pub kind: Kind,
    /// Whether it is a symbolic link itself.
    pub is_link: bool,
    /// The number of names of `path` that belong to the root.
    root_names: usize,
}

impl Entry {
    /// Returns its path below the root.
    pub fn relative(&self) -> PathBuf {
        self.path.iter().skip(self.root_names).collect()
    }

    /// Returns the number of names in its path below the root: 1 for an entry of the root itself.
    pub fn depth(&self) -> usize {
        self.path.iter().count().saturating_sub(self.root_names)
    }

    /// Returns its last name.
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// Returns its path below the root as text, with `/` between the names.
    ///
    /// # Errors
    ///
    /// [`WalkError::NotText`] if a name is not UTF-8.
    pub fn text(&self) -> Result<String, WalkError> {
        let names = self.path.iter().skip(self.root_names).map(OsStr::to_str);
        let names = names.collect::<Option<Vec<&str>>>();
        names
            .map(|names| names.join("/"))
            .ok_or_else(|| WalkError::NotText {
                path: self.path.clone(),
            })
    }

    /// Returns the same for a comparison with patterns. Bytes that are not UTF-8 become replacement characters.
    pub fn lossy_text(&self) -> String {
        let names = self.path.iter().skip(self.root_names);
        let names = names.map(|name| name.to_string_lossy());
        names.collect::<Vec<_>>().join("/")
    }

    /// Returns whether its name begins with a dot.
    pub fn is_hidden(&self) -> bool {
        is_hidden(self.name())
    }
}

/// Returns whether a name begins with a dot.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The entries below a folder: see [`walk`].
pub struct Walk {
    entries: walkdir::IntoIter,
    root: PathBuf,
    rules: Rules,
    root_names: usize,
    /// Whether the last entry was a folder, which can be skipped.
    at_folder: bool,
    /// The last entry, if it is a folder that is too deep. It is an error unless the caller skips it.
    too_deep: Option<PathBuf>,
}

/// Walks the entries below `root`, which is a folder or a link to one. The root itself is not an entry.
///
/// The entries of each folder come sorted by name. To skip the contents of the folder that was the last entry,
/// call [`Walk::skip_folder`].
pub fn walk(root: &Path, rules: Rules) -> Walk {
    let entries = WalkDir::new(root)
        .min_depth(1)
        .follow_links(rules.links == Links::Follow)
        .sort_by_file_name();
    Walk {
        entries: entries.into_iter(),
        root: root.to_path_buf(),
        rules,
        root_names: root.iter().count(),
        at_folder: false,
        too_deep: None,
    }
}

impl Walk {
    /// Skips the contents of the folder that was the last entry. Does nothing if the last entry was not a folder.
    pub fn skip_folder(&mut self) {
        if std::mem::take(&mut self.at_folder) {
            self.too_deep = None;
            self.entries.skip_current_dir();
        }
    }

    fn entry(&self, entry: &DirEntry) -> Entry {
        let path = entry.path().to_path_buf();
        let file_type = entry.file_type();
        let is_link = entry.path_is_symlink();
        let kind = if !file_type.is_symlink() {
            kind_of(file_type)
        } else if self.rules.links == Links::Keep {
            Kind::Link
        } else {
            match path.metadata() {
                Ok(metadata) if metadata.is_dir() => Kind::FolderLink,
                Ok(metadata) => kind_of(metadata.file_type()),
                Err(error) => Kind::Broken(error),
            }
        };
        Entry {
            path,
            kind,
            is_link,
            root_names: self.root_names,
        }
    }

    /// Returns an entry for a link that cannot be followed, and an error for a folder that cannot be read.
    fn failure(&self, error: walkdir::Error) -> Result<Entry, WalkError> {
        let path = error.path().unwrap_or(&self.root).to_path_buf();
        let is_link = path != self.root && path.is_symlink();
        let kind = match error.into_io_error() {
            // A circle of links is the only error without an error of the operating system.
            None => Kind::Circle,
            // The target of the link may be a folder without permission. Then the error is that of reading it.
            Some(source) if is_link && path.metadata().is_err() => Kind::Broken(source),
            Some(source) => return Err(WalkError::Read { path, source }),
        };
        Ok(Entry {
            path,
            kind,
            is_link,
            root_names: self.root_names,
        })
    }
}

fn kind_of(file_type: std::fs::FileType) -> Kind {
    if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Special
    }
}

impl Iterator for Walk {
    type Item = Result<Entry, WalkError>;

    fn next(&mut self) -> Option<Result<Entry, WalkError>> {
        loop {
            if let Some(path) = self.too_deep.take() {
                self.skip_folder();
                let max_depth = self.rules.max_depth;
                return Some(Err(WalkError::TooDeep { path, max_depth }));
            }
            self.at_folder = false;
            let found = match self.entries.next()? {
                Ok(found) => found,
                Err(error) => return Some(self.failure(error)),
            };
            let entry = self.entry(&found);
            self.at_folder = matches!(entry.kind, Kind::Folder);
            if self.at_folder && entry.is_hidden() && !self.rules.hidden_folders {
                self.skip_folder();
                continue;
            }
            if self.at_folder && found.depth() > self.rules.max_depth {
                self.too_deep = Some(entry.path.clone());
            }
            return Some(Ok(entry));
        }
    }
}

#[cfg(test)]
mod tests;
