//! One walk of a folder of this computer, for whoever reads one: `sync`, `cp -r`, `compile`, `build`, `verify`, `romfs`.
//!
//! The callers differ in [`Rules`]: whether links are followed, how deep folders may lie, whether hidden folders count. What
//! holds for all of them is here: entries come sorted by name, a folder before what is in it, without recursion; a circle
//! of links, a broken link or a device is an entry with a [`Kind`] of its own, so that the caller can leave it out or
//! refuse it, and never an endless walk.
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

/// What a walk does with symbolic links below its root. The root itself may always be one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// A link counts as what it names: folders are walked through it.
    #[default]
    Follow,
    /// A link to a file counts as a file; one to a folder is a [`Kind::FolderLink`], and not walked.
    FollowToFiles,
    /// Each link is a [`Kind::Link`], whatever it names.
    Keep,
}

/// The rules of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What is done with symbolic links.
    pub links: Links,
    /// How many folders may lie in each other below the root; one that lies deeper is [`WalkError::TooDeep`].
    pub max_depth: usize,
    /// Whether folders whose names begin with a dot are walked. Files with such names always are entries.
    pub hidden_folders: bool,
}

impl Rules {
    /// The depth that holds where the caller has no smaller one. What lies deeper is a mistake, or a trap.
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

/// Why a walk cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// A folder cannot be read, or an entry cannot be looked at.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A name is not UTF-8 text, which names on a board are.
    #[error("the name of `{}` is not UTF-8", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// A folder lies deeper than [`Rules::max_depth`].
    #[error("`{}` lies deeper than {max_depth} folders", path.display())]
    TooDeep {
        /// Its path.
        path: PathBuf,
        /// How deep a folder may lie.
        max_depth: usize,
    },
}

impl WalkError {
    /// Returns the path and the error as the operating system would have said it, for callers that tell no more of them.
    pub fn into_io(self) -> (PathBuf, io::Error) {
        let text = match &self {
            WalkError::Read { .. } => String::new(),
            WalkError::NotText { .. } => "its name is not UTF-8".to_owned(),
            WalkError::TooDeep { max_depth, .. } => {
                format!("it lies deeper than {max_depth} folders")
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

/// What an entry is, by the rules of the walk.
#[derive(Debug)]
pub enum Kind {
    /// A file, or a link to one that is followed.
    File,
    /// A folder, or a link to one that is followed. What is in it comes next.
    Folder,
    /// A link to a folder, where only links to files are followed.
    FolderLink,
    /// A link, where none is followed.
    Link,
    /// A link that leads back to a folder that it is in.
    Circle,
    /// A link whose target cannot be looked at: [`io::ErrorKind::NotFound`] if it names nothing.
    Broken(io::Error),
    /// A device, a pipe or a socket. Reading it may wait without end.
    Special,
}

/// Something below the root of a walk.
#[derive(Debug)]
pub struct Entry {
    /// Its path, which begins with the root's.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Whether it is a symbolic link itself.
    pub is_link: bool,
    /// How many names of `path` belong to the root.
    root_names: usize,
}

impl Entry {
    /// Returns its path below the root.
    pub fn relative(&self) -> PathBuf {
        self.path.iter().skip(self.root_names).collect()
    }

    /// Returns how many names its path below the root has: 1 for what is in the root itself.
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

    /// Returns the same for comparing with patterns: bytes that are not UTF-8 become replacement characters.
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
    /// Whether the last entry was a folder: only then is there something to skip.
    at_folder: bool,
    /// A folder that the last entry was and that lies too deep, unless the caller skips it.
    too_deep: Option<PathBuf>,
}

/// Walks all that is below `root`, which is a folder or a link to one, and is no entry itself.
///
/// The entries of each folder come sorted by name. A caller that does not want what is in the folder that it just got
/// calls [`Walk::skip_folder`].
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
    /// Leaves out what is in the folder that was the last entry; does nothing if the last entry was something else.
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

    /// Makes an entry of a link that cannot be followed, and an error of a folder that cannot be read.
    fn failure(&self, error: walkdir::Error) -> Result<Entry, WalkError> {
        let path = error.path().unwrap_or(&self.root).to_path_buf();
        let is_link = path != self.root && path.is_symlink();
        let kind = match error.into_io_error() {
            // The only error that no operation on files has led to.
            None => Kind::Circle,
            // The folder that a link names may be there and closed: that is an error of reading it.
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
