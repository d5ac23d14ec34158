//! A folder of this computer as a tree: what is in it, less what is ignored.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use piton_fs::hash::HashAlgorithm;
use piton_fs::plan::{Node, Tree};
use piton_path::RelativePath;

use super::{Error, IGNORE_NAME, Links, has_reserved_name};
use crate::left_out::{self, Reason};
use crate::patterns::Patterns;

/// Folders that lie deeper are a mistake, or a trap.
const DEEPEST: usize = 64;

/// What a file of a tree holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// What is in this file.
    File {
        /// Its path.
        path: PathBuf,
        /// When it was changed last, where the system tells.
        modified: Option<SystemTime>,
    },
    /// These bytes, which were made from a file.
    Made(Vec<u8>),
}

impl Content {
    /// Opens them for reading.
    pub(super) fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
        match self {
            Content::Made(bytes) => Ok(Box::new(bytes.as_slice())),
            Content::File { path, .. } => Ok(Box::new(fs::File::open(path)?)),
        }
    }

    /// The bytes.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Content::Made(bytes) => Ok(bytes.clone()),
            Content::File { path, .. } => fs::read(path).map_err(|source| Error::Read {
                path: path.clone(),
                source,
            }),
        }
    }

    /// Their SHA-256.
    pub(super) fn sha256(&self) -> Result<Vec<u8>, Error> {
        let digest = self
            .open()
            .and_then(|mut reader| HashAlgorithm::Sha256.digest_of(&mut *reader));
        digest.map_err(|source| Error::Read {
            path: match self {
                Content::File { path, .. } => path.clone(),
                Content::Made(_) => PathBuf::new(),
            },
            source,
        })
    }
}

/// A folder of this computer, seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTree {
    /// What is in it.
    pub tree: Tree,
    /// What its files hold.
    pub contents: BTreeMap<RelativePath, Content>,
    /// The patterns of what is ignored: the defaults, those of all `.pitonignore` files, those of the caller.
    pub ignored: Patterns,
    /// Symbolic links that name nothing.
    pub dangling: Vec<PathBuf>,
    /// Files that are ignored and usually hold passwords or secret keys.
    pub private: Vec<PathBuf>,
    /// What has a [reserved](piton_path::is_reserved) name, and no pattern leaves out: it is not in the
    /// tree.
    pub reserved: Vec<PathBuf>,
}

/// How to look at a folder.
#[derive(Clone, Copy)]
enum Role {
    /// It is copied from: links by the caller's choice, nothing that is ignored.
    Source(Links),
    /// It is copied to: links and what is ignored are not to be touched.
    Destination,
}

/// Look at all of a folder, but for what is ignored: by default, by `.pitonignore` files, by `ignore`.
///
/// # Errors
///
/// [`Error::Read`], [`Error::NotText`], [`Error::Circle`].
pub fn walk(folder: &Path, ignore: &Patterns, links: Links) -> Result<HostTree, Error> {
    look(folder, ignore, Role::Source(links))
}

/// The same for a folder that is copied to: what must not be touched is there as [`Node::Foreign`].
pub(super) fn walk_destination(folder: &Path, ignore: &Patterns) -> Result<HostTree, Error> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut nothing = HostTree {
                ignored: left_out::patterns(),
                ..HostTree::default()
            };
            nothing.ignored.append(ignore);
            Ok(nothing)
        }
        _ => look(folder, ignore, Role::Destination),
    }
}

fn look(folder: &Path, ignore: &Patterns, role: Role) -> Result<HostTree, Error> {
    let mut walker = Walker {
        root: folder,
        role,
        files: left_out::patterns(),
        ignore,
        found: HostTree::default(),
        open: Vec::new(),
    };
    walker.renew_patterns();
    if folder.is_file() {
        return Err(Error::Read {
            path: folder.to_path_buf(),
            source: io::ErrorKind::NotADirectory.into(),
        });
    }
    walker.enter(folder, None)?;
    Ok(walker.found)
}

struct Walker<'a> {
    root: &'a Path,
    role: Role,
    /// The default patterns, and those of files.
    files: Patterns,
    /// The caller's: they come last, so they count first.
    ignore: &'a Patterns,
    found: HostTree,
    /// The folders being walked, links resolved.
    open: Vec<PathBuf>,
}

impl Walker<'_> {
    fn renew_patterns(&mut self) {
        self.found.ignored = self.files.clone();
        self.found.ignored.append(self.ignore);
    }

    fn enter(&mut self, folder: &Path, tree_path: Option<&RelativePath>) -> Result<(), Error> {
        let unreadable = |source| Error::Read {
            path: folder.to_path_buf(),
            source,
        };
        let place = folder.canonicalize().map_err(unreadable)?;
        if self.open.contains(&place) || self.open.len() >= DEEPEST {
            return Err(Error::Circle {
                path: folder.to_path_buf(),
            });
        }
        self.read_patterns(folder, tree_path)?;
        self.open.push(place);
        let mut entries = fs::read_dir(folder)
            .and_then(Iterator::collect::<io::Result<Vec<fs::DirEntry>>>)
            .map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            self.take(&entry.path(), &entry.file_name(), tree_path)?;
        }
        self.open.pop();
        Ok(())
    }

    fn read_patterns(
        &mut self,
        folder: &Path,
        tree_path: Option<&RelativePath>,
    ) -> Result<(), Error> {
        let path = folder.join(IGNORE_NAME);
        // A device, which a link can name, may have no end.
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(Error::Read {
                path,
                source: io::Error::new(io::ErrorKind::InvalidInput, "it is no file"),
            });
        }
        match fs::read_to_string(&path) {
            Ok(text) => {
                let base = tree_path.map_or("", RelativePath::as_str);
                self.files.add_lines_below(base, &text);
                self.renew_patterns();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    fn take(
        &mut self,
        path: &Path,
        name: &std::ffi::OsStr,
        folder: Option<&RelativePath>,
    ) -> Result<(), Error> {
        let unreadable = |source| Error::Read {
            path: path.to_path_buf(),
            source,
        };
        let itself = fs::symlink_metadata(path).map_err(unreadable)?;
        let tree_path = name.to_str().and_then(|name| match folder {
            Some(folder) => folder.join(name).ok(),
            None => name.parse().ok(),
        });
        let is_folder = path.is_dir();
        let Some(tree_path) = tree_path else {
            // What is ignored may have any name.
            let shown = match folder {
                Some(folder) => format!("{folder}/{}", name.to_string_lossy()),
                None => name.to_string_lossy().into_owned(),
            };
            return match self.role {
                Role::Source(_) if !self.found.ignored.cover_entry(&shown, is_folder) => {
                    Err(Error::NotText {
                        path: path.to_path_buf(),
                    })
                }
                // No board has such a name, so nothing will be written there; its folder is not empty.
                _ => Ok(()),
            };
        };
        let ignored = self
            .found
            .ignored
            .cover_entry(tree_path.as_str(), is_folder);
        let reserved = has_reserved_name(&tree_path);
        match self.role {
            Role::Source(_) if ignored => {
                let reason = left_out::reason(tree_path.as_str(), is_folder);
                // A program on the board may want it, which a person has to decide.
                if reason == Some(Reason::Private) && !is_folder {
                    self.found.private.push(path.to_path_buf());
                }
                return Ok(());
            }
            Role::Source(_) if reserved => {
                self.found.reserved.push(path.to_path_buf());
                return Ok(());
            }
            Role::Destination if ignored || reserved || itself.is_symlink() => {
                self.add(tree_path, Node::Foreign);
                return Ok(());
            }
            Role::Source(Links::Skip) if itself.is_symlink() => return Ok(()),
            _ => {}
        }
        let metadata = match fs::metadata(path) {
            Err(error) if itself.is_symlink() && error.kind() == io::ErrorKind::NotFound => {
                self.found.dangling.push(path.to_path_buf());
                return Ok(());
            }
            other => other.map_err(unreadable)?,
        };
        self.take_entry(path, tree_path, &metadata)
    }

    fn take_entry(
        &mut self,
        path: &Path,
        tree_path: RelativePath,
        metadata: &Metadata,
    ) -> Result<(), Error> {
        if metadata.is_dir() {
            self.add(tree_path.clone(), Node::Folder);
            return self.enter(path, Some(&tree_path));
        }
        if !metadata.is_file() {
            // A pipe or a device has no content to copy, and is no place for a copy.
            if matches!(self.role, Role::Destination) {
                self.add(tree_path, Node::Foreign);
            }
            return Ok(());
        }
        let node = Node::File {
            size: Some(metadata.len()),
            digest: None,
        };
        let content = Content::File {
            path: path.to_path_buf(),
            modified: metadata.modified().ok(),
        };
        self.add(tree_path.clone(), node);
        self.found.contents.insert(tree_path, content);
        Ok(())
    }

    fn add(&mut self, path: RelativePath, node: Node) {
        // Each entry of a folder comes once, after the folder.
        let added = self.found.tree.insert(path, node);
        debug_assert!(added.is_ok(), "{added:?} in {}", self.root.display());
    }
}
