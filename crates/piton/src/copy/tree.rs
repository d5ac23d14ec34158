//! Listing the folder of a source.

use std::io;
use std::path::Path;

use piton_fs::listing::{Kind, Sizes};
use piton_fs::remote::RemoteFs;
use piton_path::is_reserved;
use piton_path::{BoardPath, RelativePath};

use super::{Error, Place, step};
use crate::host_name;
use crate::host_tree::{self, Rules, WalkError};
use crate::patterns::Patterns;

/// The entries below a folder, each list in the order of its names.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) folders: Vec<RelativePath>,
    /// The files, with their sizes if they are known.
    pub(super) files: Vec<(RelativePath, Option<u64>)>,
    /// The files that patterns left out of a folder of the host.
    pub(super) left_out: Vec<String>,
    /// The files and folders that are left out because of a reserved name.
    pub(super) reserved: Vec<Place>,
}

/// An entry below a folder.
struct Entry {
    path: RelativePath,
    kind: Kind,
    size: Option<u64>,
}

/// Lists the entries below `folder`. `ignore` leaves names out of a folder of the host. The names in a folder of the
/// board must be valid on the host if the copy `is_to_host`.
///
/// # Errors
///
/// [`Error::ReadBoard`], [`Error::ReadHost`], [`Error::NotText`], [`Error::UnsafeName`], [`Error::SameName`].
pub(super) fn list(
    remote: &mut RemoteFs<'_, '_>,
    folder: &Place,
    ignore: &Patterns,
    is_to_host: bool,
) -> Result<Tree, Error> {
    let mut tree = Tree::default();
    let mut entries = match folder {
        Place::Board(path) => on_board(remote, path)?,
        Place::Host(path) => on_host(path, ignore, &mut tree.left_out)?,
    };
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    for Entry { path, kind, size } in entries {
        let is_in_reserved = path.names().rev().skip(1).any(is_reserved);
        match kind {
            _ if is_in_reserved => {}
            _ if is_reserved(path.file_name()) => tree.reserved.push(folder.below(&path)),
            Kind::Directory => tree.folders.push(path),
            Kind::File => tree.files.push((path, size)),
        }
    }
    if let (Place::Board(path), true) = (folder, is_to_host) {
        check_host_names(&tree, path)?;
    }
    Ok(tree)
}

fn on_board(remote: &mut RemoteFs<'_, '_>, folder: &BoardPath) -> Result<Vec<Entry>, Error> {
    let listed = remote.tree(folder, Sizes::AsListed, step());
    let entries = listed.map_err(Error::ReadBoard)?.into_iter().map(|entry| {
        let path = entry.path.as_str().parse();
        Ok(Entry {
            path: path.map_err(|_| Error::UnsafeName {
                path: entry.path.to_string(),
            })?,
            kind: entry.kind,
            // The stream from the board has the size.
            size: None,
        })
    });
    entries.collect()
}

fn on_host(
    folder: &Path,
    ignore: &Patterns,
    left_out: &mut Vec<String>,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    // Links are followed, as mpremote does.
    let mut walk = host_tree::walk(folder, Rules::default());
    while let Some(found) = walk.next() {
        let found = found.map_err(walk_error)?;
        let is_folder = matches!(found.kind, host_tree::Kind::Folder);
        let leads_to_folder = is_folder || matches!(found.kind, host_tree::Kind::Circle);
        // Reserved names are reported separately, because no option copies them.
        let is_own = found.name().to_str().is_some_and(is_reserved);
        // An entry that is left out may have any name, or be a link without a target.
        if !is_own && ignore.cover_entry(&found.lossy_text(), leads_to_folder) {
            left_out.push(found.lossy_text());
            walk.skip_folder();
            continue;
        }
        let not_text = || Error::NotText {
            path: found.path.clone(),
        };
        let path = found.text().map_err(walk_error)?;
        let path = path.parse().map_err(|_| not_text())?;
        let refused = |source| Error::ReadHost {
            path: found.path.clone(),
            source,
        };
        let (kind, size) = match found.kind {
            host_tree::Kind::File => {
                let metadata = found.path.metadata().map_err(refused)?;
                (Kind::File, Some(metadata.len()))
            }
            host_tree::Kind::Folder | host_tree::Kind::FolderLink => (Kind::Directory, None),
            host_tree::Kind::Broken(source) => return Err(refused(source)),
            host_tree::Kind::Circle => {
                return Err(refused(io::Error::other(
                    "the link leads back to a folder that it is in",
                )));
            }
            // A pipe or a device may have no end. It is read only if it is a source itself.
            host_tree::Kind::Special | host_tree::Kind::Link => {
                return Err(refused(io::Error::other("it is a pipe or a device")));
            }
        };
        entries.push(Entry { path, kind, size });
    }
    Ok(entries)
}

fn walk_error(error: WalkError) -> Error {
    match error {
        WalkError::NotText { path } => Error::NotText { path },
        error => {
            let (path, source) = error.into_io();
            Error::ReadHost { path, source }
        }
    }
}

/// Checks that each name is valid on this computer, and that no two of them are the same file.
fn check_host_names(tree: &Tree, folder: &BoardPath) -> Result<(), Error> {
    let files = tree.files.iter().map(|(path, _)| path);
    let paths = tree.folders.iter().chain(files).collect::<Vec<_>>();
    for path in &paths {
        check_host_name(path, &path.below(folder))?;
    }
    match host_name::twins(paths) {
        None => Ok(()),
        Some((first, second)) => Err(Error::SameName {
            first: first.clone(),
            second: second.clone(),
        }),
    }
}

/// Checks that `name`, of a file of the board at `path`, is valid on this computer.
pub(super) fn check_host_name(name: &RelativePath, path: &BoardPath) -> Result<(), Error> {
    match host_name::is_valid(name) {
        true => Ok(()),
        false => Err(Error::UnsafeName {
            path: path.to_string(),
        }),
    }
}
