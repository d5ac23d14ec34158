//! A folder of this computer as a tree, without ignored files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use piton_fs::hash::HashAlgorithm;
use piton_fs::plan::{Node, Tree};
use piton_path::RelativePath;

use super::{Error, IGNORE_NAME, Links, has_reserved_name};
use crate::host_tree::{self, Entry, Kind, Rules, WalkError};
use crate::left_out::{self, Reason};
use crate::patterns::Patterns;
use crate::spool::Spooled;

/// Maximum depth of folders. A deeper folder is a mistake, or was made to harm.
const MAX_DEPTH: usize = 63;

/// The content of a file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The content of this file.
    File {
        /// Its path.
        path: PathBuf,
        /// The time of its last change, if the system reports it.
        modified: Option<SystemTime>,
    },
    /// Bytes that were made from a file.
    Made(Vec<u8>),
    /// Stored bytes, which may exceed the memory.
    Spooled(Spooled),
}

impl Content {
    /// Opens the content for reading.
    pub(crate) fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
        match self {
            Content::Made(bytes) => Ok(Box::new(bytes.as_slice())),
            Content::Spooled(content) => Ok(Box::new(content.reader())),
            Content::File { path, .. } => Ok(Box::new(fs::File::open(path)?)),
        }
    }

    /// Returns the bytes.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Content::Made(bytes) => Ok(bytes.clone()),
            Content::Spooled(content) => content.read().map_err(|source| Error::Read {
                path: PathBuf::new(),
                source,
            }),
            Content::File { path, .. } => fs::read(path).map_err(|source| Error::Read {
                path: path.clone(),
                source,
            }),
        }
    }

    /// Returns the SHA-256 of the bytes.
    pub(super) fn sha256(&self) -> Result<Vec<u8>, Error> {
        let digest = self
            .open()
            .and_then(|mut reader| HashAlgorithm::Sha256.digest_of(&mut *reader));
        digest.map_err(|source| Error::Read {
            path: match self {
                Content::File { path, .. } => path.clone(),
                Content::Made(_) | Content::Spooled(_) => PathBuf::new(),
            },
            source,
        })
    }
}

/// A folder of this computer with its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTree {
    /// The files and folders in it.
    pub tree: Tree,
    /// The contents of its files.
    pub contents: BTreeMap<RelativePath, Content>,
    /// The patterns of ignored files: the defaults, those of all `.pitonignore` files, those of the caller.
    pub ignored: Patterns,
    /// Symbolic links without a target.
    pub dangling: Vec<PathBuf>,
    /// Files that are ignored and usually hold passwords or secret keys.
    pub private: Vec<PathBuf>,
    /// Files with a [reserved](piton_path::is_reserved) name that no pattern leaves out. They are not in the
    /// tree.
    pub reserved: Vec<PathBuf>,
}

impl HostTree {
    /// Returns a tree of one file, under this name.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] for anything but a file that is there; [`Error::Unwritable`] for a name that is a path.
    pub(super) fn of_file(file: &Path, name: &RelativePath) -> Result<HostTree, Error> {
        let not_read = |source| Error::Read {
            path: file.to_owned(),
            source,
        };
        let facts = fs::metadata(file).map_err(not_read)?;
        if !facts.is_file() {
            return Err(not_read(io::Error::other("it is not a file")));
        }
        let mut host = HostTree::default();
        let node = Node::File {
            size: Some(facts.len()),
            digest: None,
        };
        host.tree
            .insert(name.clone(), node)
            .map_err(|error| Error::Unwritable {
                path: name.clone(),
                reason: error.to_string(),
            })?;
        let content = Content::File {
            path: file.to_owned(),
            modified: facts.modified().ok(),
        };
        host.contents.insert(name.clone(), content);
        Ok(host)
    }

    /// Removes the files that the patterns cover from the tree.
    pub(super) fn remove(&mut self, patterns: &Patterns) {
        if patterns.is_empty() {
            return;
        }
        let mut rest = Tree::new();
        for (path, node) in self.tree.iter() {
            if patterns.covers(path.as_str(), node.is_folder()) {
                self.contents.remove(path);
            } else {
                // The folder of a path that is not covered is not covered either, so no path lacks its folder.
                let _ = rest.insert(path.clone(), node.clone());
            }
        }
        self.tree = rest;
    }
}

/// The role of a walked folder.
#[derive(Clone, Copy)]
enum Role {
    /// The source of a copy: links by the caller's choice, no ignored files.
    Source(Links),
    /// The destination of a copy: links and ignored files must not be changed.
    Destination,
}

/// Walks a folder, without the files that are ignored by default, by `.pitonignore` files, or by `ignore`.
///
/// # Errors
///
/// [`Error::Read`], [`Error::NotText`], [`Error::Circle`].
pub fn walk(folder: &Path, ignore: &Patterns, links: Links) -> Result<HostTree, Error> {
    walk_as(folder, ignore, Role::Source(links))
}

/// As [`walk`], for the destination of a copy. Entries that must not be changed are in the tree as [`Node::Foreign`].
pub(super) fn walk_destination(folder: &Path, ignore: &Patterns) -> Result<HostTree, Error> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut empty = HostTree {
                ignored: left_out::patterns(),
                ..HostTree::default()
            };
            empty.ignored.append(ignore);
            Ok(empty)
        }
        _ => walk_as(folder, ignore, Role::Destination),
    }
}

fn walk_as(folder: &Path, ignore: &Patterns, role: Role) -> Result<HostTree, Error> {
    let mut walk = FolderWalk {
        role,
        files: left_out::patterns(),
        ignore,
        host: HostTree::default(),
    };
    if folder.is_file() {
        return Err(Error::Read {
            path: folder.to_path_buf(),
            source: io::ErrorKind::NotADirectory.into(),
        });
    }
    walk.renew_patterns();
    walk.read_patterns(folder, "")?;
    let rules = Rules {
        links: match role {
            Role::Source(Links::Follow) => host_tree::Links::Follow,
            Role::Source(Links::Skip) | Role::Destination => host_tree::Links::Keep,
        },
        max_depth: MAX_DEPTH,
        ..Rules::default()
    };
    let mut entries = host_tree::walk(folder, rules);
    while let Some(entry) = entries.next() {
        let is_wanted = walk.take(entry.map_err(walk_error)?)?;
        if !is_wanted {
            entries.skip_folder();
        }
    }
    Ok(walk.host)
}

fn walk_error(error: WalkError) -> Error {
    match error {
        WalkError::Read { path, source } => Error::Read { path, source },
        WalkError::NotText { path } => Error::NotText { path },
        WalkError::TooDeep { path, .. } => Error::Circle { path },
    }
}

/// A walk through a folder.
struct FolderWalk<'a> {
    role: Role,
    /// The default patterns, and those of files.
    files: Patterns,
    /// The patterns of the caller. They come last, so they have priority.
    ignore: &'a Patterns,
    host: HostTree,
}

impl FolderWalk<'_> {
    fn renew_patterns(&mut self) {
        self.host.ignored = self.files.clone();
        self.host.ignored.append(self.ignore);
    }

    /// Reads the patterns of the folder whose path in the tree is `base`.
    fn read_patterns(&mut self, folder: &Path, base: &str) -> Result<(), Error> {
        let path = folder.join(IGNORE_NAME);
        // The name may be a link to a device, which has no end.
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(Error::Read {
                path,
                source: io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"),
            });
        }
        match fs::read_to_string(&path) {
            Ok(text) => {
                self.files.add_lines_below(base, &text);
                self.renew_patterns();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Adds an entry to the tree, or leaves it out. Returns whether the contents of a folder are needed.
    fn take(&mut self, entry: Entry) -> Result<bool, Error> {
        let is_folder = match entry.kind {
            Kind::Folder | Kind::FolderLink | Kind::Circle => true,
            Kind::Link => entry.path.is_dir(),
            Kind::File | Kind::Broken(_) | Kind::Special => false,
        };
        let tree_path = entry.text().ok();
        let tree_path = tree_path.and_then(|text| text.parse::<RelativePath>().ok());
        let Some(tree_path) = tree_path else {
            // An ignored file may have any name.
            let shown = entry.lossy_text();
            return match self.role {
                Role::Source(_) if !self.host.ignored.cover_entry(&shown, is_folder) => {
                    Err(Error::NotText { path: entry.path })
                }
                // No board has such a name, so it will not be written to.
                _ => Ok(false),
            };
        };
        let text = tree_path.as_str();
        let ignored = self.host.ignored.cover_entry(text, is_folder);
        let reserved = has_reserved_name(&tree_path);
        match self.role {
            Role::Source(_) if ignored => {
                let reason = left_out::reason(text, is_folder);
                // A program on the board may need the file, so it is reported.
                if reason == Some(Reason::Private) && !is_folder {
                    self.host.private.push(entry.path);
                }
                Ok(false)
            }
            Role::Source(_) if reserved => {
                self.host.reserved.push(entry.path);
                Ok(false)
            }
            Role::Destination if ignored || reserved => {
                self.add(tree_path, Node::Foreign);
                Ok(false)
            }
            _ => self.add_entry(entry, tree_path),
        }
    }

    fn add_entry(&mut self, entry: Entry, tree_path: RelativePath) -> Result<bool, Error> {
        let path = entry.path;
        match entry.kind {
            Kind::Folder => {
                self.add(tree_path.clone(), Node::Folder);
                self.read_patterns(&path, tree_path.as_str())?;
                return Ok(true);
            }
            Kind::File => {
                let metadata = match fs::metadata(&path) {
                    Ok(metadata) => metadata,
                    Err(source) => return Err(Error::Read { path, source }),
                };
                let node = Node::File {
                    size: Some(metadata.len()),
                    digest: None,
                };
                let modified = metadata.modified().ok();
                self.add(tree_path.clone(), node);
                let content = Content::File { path, modified };
                self.host.contents.insert(tree_path, content);
            }
            Kind::Circle => return Err(Error::Circle { path }),
            Kind::Broken(error) if error.kind() == io::ErrorKind::NotFound => {
                self.host.dangling.push(path);
            }
            Kind::Broken(source) => return Err(Error::Read { path, source }),
            // A link or a device of a destination must not be written to. In a source it has no content to copy.
            Kind::Link | Kind::FolderLink | Kind::Special => {
                if matches!(self.role, Role::Destination) {
                    self.add(tree_path, Node::Foreign);
                }
            }
        }
        Ok(false)
    }

    fn add(&mut self, path: RelativePath, node: Node) {
        // Each entry comes once, and after its folder, so this does not fail.
        let added = self.host.tree.insert(path, node);
        debug_assert!(added.is_ok(), "{added:?}");
    }
}
