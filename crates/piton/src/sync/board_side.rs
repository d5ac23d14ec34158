//! A folder of a board as a tree.

use std::collections::BTreeMap;

use piton_board::deadline::Deadline;
use piton_fs::error::Error as FsError;
use piton_fs::listing::Kind;
use piton_fs::plan::{Node, Tree};
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::{Candidate, ShortDigest, Space, SurveyEntry};
use piton_fs::write::TEMPORARY_SUFFIX;
use piton_path::BoardPath;
use piton_path::RelativePath;
use tracing::debug;

use super::{Content, Error, Options};
use crate::times::CONTENT_TIME;

/// The content of a folder of a board.
pub(super) struct Survey {
    /// The kind of the root.
    pub(super) root: Root,
    /// The content of the folder.
    pub(super) tree: Tree,
    /// The space on its file system, if the board reports it.
    pub(super) space: Option<Space>,
    /// The temporary files of interrupted transfers, with the file that each would have become.
    pub(super) leftovers: Vec<(RelativePath, BoardPath)>,
    /// Files with the name of a journal that are not journals.
    pub(super) foreign_journals: Vec<BoardPath>,
    /// Hashes of the files that have the requested size.
    digests: BTreeMap<RelativePath, ShortDigest>,
}

/// The kind of the root on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    Missing,
    Folder,
    Other,
}

/// Surveys a folder of the board, without the file systems that are mounted below it. Files that have the size in
/// `sizes` are hashed. One exchange on boards that have SHA-256, unless a change was interrupted.
pub(super) fn survey(
    remote: &mut RemoteFs<'_, '_>,
    root: &BoardPath,
    sizes: &BTreeMap<RelativePath, u64>,
    options: &Options,
) -> Result<Survey, Error> {
    let candidates = sizes.iter().map(|(path, size)| Candidate {
        path: path.below(root),
        size: *size,
    });
    let candidates = candidates.collect::<Vec<Candidate>>();
    let roots = std::slice::from_ref(root);
    let mut found = remote.survey_with_space(roots, &candidates, Deadline::after(CONTENT_TIME))?;
    let mut foreign_journals = Vec::new();
    if options.settle && !found.unfinished.is_empty() {
        for folder in &found.unfinished {
            debug!(%folder, "a change of packages was interrupted, the board completes it first");
            match remote.settle_swap(folder, Deadline::after(CONTENT_TIME)) {
                Err(FsError::NotAJournal { path }) => foreign_journals.push(path),
                settled => drop(settled?),
            }
        }
        found = remote.survey_with_space(roots, &candidates, Deadline::after(CONTENT_TIME))?;
    }
    let mut survey = Survey {
        root: Root::Missing,
        tree: Tree::new(),
        space: found.space,
        leftovers: Vec::new(),
        foreign_journals,
        digests: BTreeMap::new(),
    };
    for entry in &found.entries {
        match tree_path(root, &entry.path)? {
            None if entry.kind == Kind::Directory => survey.root = Root::Folder,
            None => survey.root = Root::Other,
            Some(path) => survey.add(path, entry)?,
        }
    }
    for leftover in found.leftovers {
        let becomes = leftover.as_str().strip_suffix(TEMPORARY_SUFFIX);
        if let Some(becomes) = becomes.and_then(|path| path.parse().ok())
            && let Some(path) = tree_path(root, &becomes)?
        {
            survey.leftovers.push((path, leftover));
        }
    }
    Ok(survey)
}

/// Returns the path from `root` on; `None` for the root itself.
fn tree_path(root: &BoardPath, path: &BoardPath) -> Result<Option<RelativePath>, Error> {
    if path == root {
        return Ok(None);
    }
    let unsafe_name = || Error::UnsafeName {
        path: path.to_string(),
    };
    let folder = root.as_str().trim_end_matches('/');
    let rest = path.as_str().strip_prefix(folder).ok_or_else(unsafe_name)?;
    // `library` begins as the folder `lib` does, and is not in it.
    if !folder.is_empty() && !rest.starts_with('/') {
        return Err(unsafe_name());
    }
    let rest = rest.trim_start_matches('/').parse();
    rest.map(Some).map_err(|_| unsafe_name())
}

impl Survey {
    fn add(&mut self, path: RelativePath, entry: &SurveyEntry) -> Result<(), Error> {
        let node = match entry.kind {
            _ if entry.is_mount => Node::Foreign,
            Kind::Directory => Node::Folder,
            Kind::File => Node::File {
                size: Some(entry.size),
                digest: None,
            },
        };
        self.tree
            .insert(path.clone(), node)
            .map_err(|_| Error::UnsafeName {
                path: entry.path.to_string(),
            })?;
        if let Some(digest) = entry.digest {
            self.digests.insert(path, digest);
        }
        Ok(())
    }
}

/// Marks the files that are the same in both trees, by the hashes of the board.
pub(super) fn note_equal_files(
    host: &mut Tree,
    contents: &BTreeMap<RelativePath, Content>,
    survey: &mut Survey,
) -> Result<(), Error> {
    for (path, digest) in std::mem::take(&mut survey.digests) {
        let Some(content) = contents.get(&path) else {
            continue;
        };
        let sha256 = content.sha256()?;
        let is_same = digest.matches(&sha256);
        host.set_digest(&path, sha256.clone());
        // An empty hash marks a difference.
        let on_board = if is_same { sha256 } else { Vec::new() };
        survey.tree.set_digest(&path, on_board);
    }
    Ok(())
}

/// Returns the sizes of the files of a tree.
pub(super) fn sizes(tree: &Tree) -> BTreeMap<RelativePath, u64> {
    let sizes = tree.iter().filter_map(|(path, node)| match node {
        Node::File {
            size: Some(size), ..
        } => Some((path.clone(), *size)),
        _ => None,
    });
    sizes.collect()
}

/// Returns the parent folders of `root`, and `root` itself, outermost first.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn below(root: &str, path: &str) -> Option<String> {
        let found = tree_path(&root.parse().unwrap(), &path.parse().unwrap());
        match found {
            Ok(Some(path)) => Some(path.as_str().to_owned()),
            Ok(None) => Some("the root".to_owned()),
            Err(_) => None,
        }
    }

    #[test]
    fn paths_of_a_board_are_taken_from_the_root_of_the_sync() {
        for (root, path, expected) in [
            ("/", "/", Some("the root")),
            ("/", "/a/b.py", Some("a/b.py")),
            ("", "a/b.py", Some("a/b.py")),
            ("", "", Some("the root")),
            ("lib", "lib/a.py", Some("a.py")),
            ("/lib", "/lib/a.py", Some("a.py")),
            ("/lib/", "/lib/a.py", Some("a.py")),
            // Another folder, whose name begins alike.
            ("lib", "library/a.py", None),
            ("lib", "a.py", None),
            ("lib", "lib/../a.py", None),
        ] {
            assert_eq!(below(root, path).as_deref(), expected, "{root:?} {path:?}");
        }
    }

    #[test]
    fn the_folders_above_a_missing_root_are_made_from_the_outside() {
        let folders = |root: &str| {
            let folders = folders_to(&root.parse().unwrap());
            let folders = folders.iter().map(|folder| folder.as_str().to_owned());
            folders.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(folders("/"), "");
        assert_eq!(folders(""), "");
        assert_eq!(folders("/a"), "/a");
        assert_eq!(folders("/a/b/c"), "/a /a/b /a/b/c");
        assert_eq!(folders("a/b"), "a a/b");
    }

    #[test]
    fn only_files_with_a_known_size_can_be_equal() {
        let mut tree = Tree::new();
        let file = |size| Node::File { size, digest: None };
        for (path, node) in [
            ("a", file(Some(1))),
            ("b", file(None)),
            ("c", Node::Folder),
            ("c/d", file(Some(0))),
            ("e", Node::Foreign),
        ] {
            tree.insert(path.parse().unwrap(), node).unwrap();
        }
        let sizes: Vec<String> = sizes(&tree)
            .iter()
            .map(|(path, size)| format!("{path}:{size}"))
            .collect();
        assert_eq!(sizes, ["a:1", "c/d:0"]);
    }
}
