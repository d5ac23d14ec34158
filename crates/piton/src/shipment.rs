//! The results of a build: reading, checking, choosing and deploying them.
//!
//! [`choose::load`] reads the shipments of a build, one for each target, from a folder, an archive ([`read()`]) or a
//! server ([`download`]). [`Shipment::check`] returns the findings of one, [`choose::choose`] the shipment for a board.
//! [`to_board`] copies it to a connected board, [`to_drive`] to a drive.
//!
//! Nothing is trusted: neither paths, sizes nor archives, nor that a name of a regular file leads to one.

mod check;
pub mod choose;
pub mod download;
mod finding;
pub(crate) mod folders;
pub mod keys;
mod needs;
mod order;
pub(crate) mod parts;
mod read;
pub mod record;
mod report;
pub mod to_board;
pub mod to_drive;

pub use piton_shipment::{archive, index, manifest, signature, timestamp, version};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use piton_board::error::ErrorKind;
use piton_fs::plan::Node;
use piton_path::RelativePath;
use piton_path::Sha256Hex;
use piton_path::{PortablePath, PortablePathError};
use piton_shipment::archive::ArchiveError;
use piton_shipment::index::{Index, IndexError};
use piton_shipment::manifest::{ActualFile, Manifest, ManifestError};

use crate::building::MANIFEST;
use crate::spool::Spooled;
use crate::sync::{Content, HostTree};

pub use check::Demands;
pub use finding::{Finding, FindingKind};
pub use read::{Reading, read};
pub use report::VerifyReport;

/// Files with the manifest that lists them.
#[derive(Debug)]
pub struct Shipment {
    /// The manifest.
    pub manifest: Manifest,
    /// The bytes of the manifest, which are signed.
    manifest_bytes: Vec<u8>,
    /// Its signature, if there is one.
    signature: Option<String>,
    /// The existing files and links, by path below the folder `mpy`.
    files: Items,
    /// Other entries of an archive, which do not belong to a build.
    beside: Vec<PortablePath>,
    /// Whether the files are where `build` puts them, so that the manifest's paths can be checked.
    is_laid_out: bool,
    /// The entry of the list of several targets, if there is one.
    listed: Option<Listed>,
    /// A file that is deployed with the others: see [`record`].
    record: Option<(PortablePath, Spooled)>,
}

/// The existing files and links, by path.
type Items = BTreeMap<PortablePath, Item>;

/// An existing file or link.
#[derive(Debug)]
struct Item {
    found: ActualFile,
    /// Its first bytes, if it is a file.
    head: Option<Vec<u8>>,
    /// Its content, if it has the size of the manifest and is needed.
    content: Option<Spooled>,
}

impl Item {
    fn of(found: ActualFile) -> Item {
        Item {
            found,
            head: None,
            content: None,
        }
    }
}

/// A list of targets, with the entry of one target.
#[derive(Debug)]
struct Listed {
    /// The hash that the manifest must have; `None` if the list does not know it.
    sha256: Option<Sha256Hex>,
    index: Arc<Indexed>,
}

impl Listed {
    /// Returns the entry by the name of the target, if the paths of the list do not apply.
    fn by_target(index: Indexed, manifest: &Manifest) -> Listed {
        let mut targets = index.index.targets.iter();
        let entry = targets.find(|entry| Some(&entry.target) == manifest.target.as_ref());
        Listed {
            sha256: entry.map(|entry| entry.sha256.clone()),
            index: Arc::new(index),
        }
    }
}

/// A list of targets with its signature.
#[derive(Debug)]
struct Indexed {
    index: Index,
    bytes: Vec<u8>,
    signature: Option<String>,
}

/// The purpose of reading a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Check it: contents are read, and not kept.
    Check,
    /// Copy it to a board.
    Copy,
}

/// Why a shipment cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShipmentError {
    /// A file or folder cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// There is no manifest.
    #[error("there is no `{MANIFEST}` in `{}`", path.display())]
    NoManifest {
        /// The folder or archive.
        path: PathBuf,
    },
    /// The manifest is not valid.
    #[error("`{}`: {source}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// The archive is not valid, or damaged.
    #[error("`{}`: {source}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// A file has a name that is not valid in a manifest.
    #[error("`{}`: {source}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        source: PortablePathError,
    },
    /// A server does not have it, or failed.
    #[error(transparent)]
    Http(#[from] crate::http::HttpError),
    /// A build is larger than any board.
    #[error(
        "`{}` lists more than {} bytes of files",
        path.display(),
        archive::MAXIMUM_SIZE
    )]
    TooLarge {
        /// The manifest, or its address.
        path: PathBuf,
    },
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The list of targets is not valid.
    #[error("`{}`: {source}", path.display())]
    Index {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        source: IndexError,
    },
}

impl ShipmentError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ShipmentError::Interrupted => ErrorKind::Interrupted,
            ShipmentError::Http(error) => error.kind(),
            _ => ErrorKind::Refused,
        }
    }
}

/// Where the documents and the files of a build are, if not in their usual places.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The manifest, where it is not in the folder or archive.
    pub manifest: Option<PathBuf>,
    /// The folder with the files, where it is not `mpy` beside the manifest.
    pub files: Option<PathBuf>,
}

impl Shipment {
    fn new(
        manifest: Manifest,
        manifest_bytes: Vec<u8>,
        signature: Option<Vec<u8>>,
        files: Items,
    ) -> Shipment {
        Shipment {
            manifest,
            manifest_bytes,
            signature: signature.map(read::text),
            files,
            beside: Vec::new(),
            is_laid_out: false,
            listed: None,
            record: None,
        }
    }

    /// Returns the files of the manifest with their content, in its order, without those of another size. Only
    /// [`Shipment::check`] compares the hashes: call it first. Empty if the shipment was read for [`Purpose::Check`].
    ///
    /// The contents are those that were checked, even if the files have changed since.
    pub fn files(&self) -> impl Iterator<Item = (&PortablePath, &Spooled)> {
        let files = self.manifest.files.iter().filter_map(|file| {
            let content = self.files.get(&file.path)?.content.as_ref()?;
            Some((&file.path, content))
        });
        files.chain(self.record.iter().map(|(path, content)| (path, content)))
    }

    /// Returns the files as a tree to push to a board, and the paths on the board that would be imported instead of
    /// them.
    pub fn tree(&self) -> (HostTree, BTreeSet<RelativePath>) {
        let mut host = HostTree::default();
        let mut superseded = BTreeSet::new();
        for (path, content) in self.files() {
            let Ok(relative) = path.as_str().parse::<RelativePath>() else {
                continue;
            };
            let node = Node::File {
                size: Some(content.size()),
                digest: None,
            };
            // Parents come first; only the first file in a folder inserts them.
            let mut parents = std::iter::successors(path.parent(), PortablePath::parent)
                .filter_map(|parent| parent.as_str().parse().ok())
                .collect::<Vec<RelativePath>>();
            parents.reverse();
            for parent in parents {
                if host.tree.get(&parent).is_none() {
                    let _ = host.tree.insert(parent, Node::Folder);
                }
            }
            if host.tree.insert(relative.clone(), node).is_ok() {
                host.contents
                    .insert(relative, Content::Spooled(content.clone()));
            }
            let twin = to_drive::twin(path).filter(|twin| !self.files.contains_key(twin));
            superseded.extend(twin.and_then(|twin| twin.as_str().parse().ok()));
        }
        (host, superseded)
    }

    /// Returns the paths of the files in the order in which a board gets them: a module after the modules that it
    /// imports, `boot.py`, `main.py` and `code.py` last.
    pub fn order(&self) -> Vec<RelativePath> {
        let files = order::order(self).into_iter();
        files
            .filter_map(|(path, _)| path.as_str().parse().ok())
            .collect()
    }
}
