//! A folder of a board as a tree, and changing it.

use std::collections::BTreeMap;

use piton_board::deadline::Deadline;
use piton_fs::error::Error as FsError;
use piton_fs::hash::HashAlgorithm;
use piton_fs::listing::{Kind, Sizes};
use piton_fs::path::BoardPath;
use piton_fs::plan::{Node, Tree, TreePath};
use piton_fs::remote::RemoteFs;

use super::{CONTENT_TIME, Content, Error, STEP_TIME};

/// What a board's folder holds.
pub(super) struct Survey {
    /// Whether there is such a folder.
    pub(super) root: Root,
    /// What is in it.
    pub(super) tree: Tree,
    /// Hashes of the files that have the size that was asked for.
    pub(super) digests: BTreeMap<TreePath, Vec<u8>>,
    /// Free bytes on its file system, where the board can tell.
    pub(super) free: Option<u64>,
}

/// What has the folder's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    Missing,
    Folder,
    Other,
}

/// What of the board's folder is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All of it.
    All,
    /// File systems that are mounted below it are only named.
    OneFileSystem,
}

/// Look at a folder of the board. Files that have the size in `sizes` are hashed.
pub(super) fn survey(
    remote: &mut RemoteFs<'_, '_>,
    root: &BoardPath,
    sizes: &BTreeMap<TreePath, u64>,
    reach: Reach,
) -> Result<Survey, Error> {
    let mut survey = Survey {
        root: Root::Folder,
        tree: Tree::new(),
        digests: BTreeMap::new(),
        free: None,
    };
    let step = || Deadline::after(STEP_TIME);
    let entries = match remote.tree(root, Sizes::Measured, step()) {
        Ok(entries) => entries,
        Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => {
            survey.root = match remote.exists(root, step())? {
                true => Root::Other,
                false => Root::Missing,
            };
            return Ok(survey);
        }
        Err(error) => return Err(error.into()),
    };
    let mounts = match reach {
        Reach::All => Vec::new(),
        Reach::OneFileSystem => remote.mounts_below(root, step())?,
    };
    let mounts = mounts
        .iter()
        .filter_map(|mount| mount.parse().ok())
        .collect::<Vec<TreePath>>();
    for entry in entries {
        let unsafe_name = || Error::UnsafeName {
            path: entry.path.to_string(),
        };
        let path = entry.path.as_str().parse::<TreePath>();
        let path = path.map_err(|_| unsafe_name())?;
        if mounts.iter().any(|mount| path.is_below(mount)) {
            continue;
        }
        let node = match entry.kind {
            _ if mounts.contains(&path) => Node::Foreign,
            Kind::Directory => Node::Folder,
            Kind::File => Node::File {
                size: entry.size,
                digest: None,
            },
        };
        survey
            .tree
            .insert(path.clone(), node)
            .map_err(|_| unsafe_name())?;
        if entry.size.is_some() && entry.size == sizes.get(&path).copied() {
            let digest = remote.hash(
                &path.below(root),
                HashAlgorithm::Sha256,
                Deadline::after(CONTENT_TIME),
            )?;
            survey.digests.insert(path, digest);
        }
    }
    Ok(survey)
}

/// Put down in both trees which files are the same, by the hashes of the board.
pub(super) fn settle_digests(
    here: &mut Tree,
    contents: &BTreeMap<TreePath, Content>,
    survey: &mut Survey,
) -> Result<(), Error> {
    for (path, digest) in std::mem::take(&mut survey.digests) {
        let Some(content) = contents.get(&path) else {
            continue;
        };
        here.set_digest(&path, content.sha256()?);
        survey.tree.set_digest(&path, digest);
    }
    Ok(())
}

/// Sizes of the files of a tree.
pub(super) fn sizes(tree: &Tree) -> BTreeMap<TreePath, u64> {
    let sizes = tree.iter().filter_map(|(path, node)| match node {
        Node::File {
            size: Some(size), ..
        } => Some((path.clone(), *size)),
        _ => None,
    });
    sizes.collect()
}

/// The folders that lead to `root`, and itself, outermost first.
pub(super) fn folders_to(root: &BoardPath) -> Vec<BoardPath> {
    let mut folders = Vec::new();
    let mut next = Some(root.clone());
    while let Some(folder) = next {
        next = folder.parent();
        if folder.file_name().is_some() {
            folders.push(folder);
        }
    }
    folders.reverse();
    folders
}
