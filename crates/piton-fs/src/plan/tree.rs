//! A tree of files for a plan, of a board or of this computer.

use std::collections::BTreeMap;
use std::ops::Bound;

use piton_path::RelativePath;

/// An entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Size in bytes, where it is known.
        size: Option<u64>,
        /// Hash of the content, where it is known. Both trees of a plan use one algorithm.
        digest: Option<Vec<u8>>,
    },
    /// An entry that a plan does not change or descend into: a mounted file system, a symbolic link.
    Foreign,
}

impl Node {
    /// Returns whether it is a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self, Node::Folder)
    }
}

/// Files and folders by path. The folders of every entry are entries too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<RelativePath, Node>);

/// A second entry of the same path, or an entry below a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is in the tree twice, or below a file")]
pub struct TreeError {
    /// The path.
    pub path: RelativePath,
}

impl Tree {
    /// Returns a tree that has only its top folder.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// Adds an entry and the folders that lead to it. A folder may be added again.
    ///
    /// # Errors
    ///
    /// The path is taken, or leads through something that is not a folder.
    pub fn insert(&mut self, path: RelativePath, node: Node) -> Result<(), TreeError> {
        let mut folder = path.parent();
        let mut missing = Vec::new();
        while let Some(path) = folder {
            match self.0.get(&path) {
                Some(Node::Folder) => break,
                Some(_) => return Err(TreeError { path }),
                None => {}
            }
            folder = path.parent();
            missing.push(path);
        }
        match self.0.get(&path) {
            Some(Node::Folder) if node == Node::Folder => return Ok(()),
            Some(_) => return Err(TreeError { path }),
            None => {}
        }
        self.0
            .extend(missing.into_iter().map(|path| (path, Node::Folder)));
        self.0.insert(path, node);
        Ok(())
    }

    /// Returns the entry of this path.
    pub fn get(&self, path: &RelativePath) -> Option<&Node> {
        self.0.get(path)
    }

    /// Returns all entries, each folder followed by its contents.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&RelativePath, &Node)> {
        self.0.iter()
    }

    /// Returns the entries below a folder, each folder followed by its contents.
    pub fn below(&self, folder: &RelativePath) -> impl Iterator<Item = (&RelativePath, &Node)> {
        let from = (Bound::Excluded(folder), Bound::Unbounded);
        let below = self.0.range::<RelativePath, _>(from);
        below.take_while(|(path, _)| path.is_below(folder))
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the hash of a file that is in the tree.
    pub fn set_digest(&mut self, path: &RelativePath, hash: Vec<u8>) {
        if let Some(Node::File { digest, .. }) = self.0.get_mut(path) {
            *digest = Some(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    #[test]
    fn a_folder_is_followed_by_its_contents() {
        let mut tree = Tree::new();
        let file = Node::File {
            size: Some(1),
            digest: None,
        };
        for text in ["a.py", "a/b", "a!", "b/c/d"] {
            tree.insert(path(text), file.clone()).unwrap();
        }
        let paths = tree.iter().map(|(path, _)| path.as_str());
        assert_eq!(
            paths.collect::<Vec<_>>(),
            ["a", "a/b", "a!", "a.py", "b", "b/c", "b/c/d"]
        );
        let folder = path("b");
        let below = tree.below(&folder).map(|(path, _)| path.as_str());
        assert_eq!(below.collect::<Vec<_>>(), ["b/c", "b/c/d"]);
        assert!(tree.insert(path("a.py/x"), file.clone()).is_err());
        assert!(tree.insert(path("a"), file).is_err());
        assert!(tree.insert(path("a"), Node::Folder).is_ok());
    }
}
