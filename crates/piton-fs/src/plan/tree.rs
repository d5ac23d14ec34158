//! A tree of files as a plan sees it: on a board or on this computer alike.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use crate::path::BoardPath;

/// The path of something in a [`Tree`]: one name or more, joined by `/`. It never leads out of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TreePath(String);

/// A text that is no path in a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no path below a folder")]
pub struct TreePathError {
    /// The text as given.
    pub text: String,
}

impl TreePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names on the way, outermost first.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// How many folders of the tree lead to it: 0 for what is in the tree's top folder.
    pub fn depth(&self) -> usize {
        self.names().count().saturating_sub(1)
    }

    /// The folder that holds it; `None` for what is in the tree's top folder.
    pub fn parent(&self) -> Option<TreePath> {
        let (folder, _) = self.0.rsplit_once('/')?;
        Some(TreePath(folder.to_owned()))
    }

    /// Whether it is somewhere below `folder`.
    pub fn is_below(&self, folder: &TreePath) -> bool {
        let rest = self.0.strip_prefix(&folder.0);
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// The path of `name` in this folder.
    ///
    /// # Errors
    ///
    /// A name that is none: empty, `.`, `..`, or with a `/` or a NUL in it.
    pub fn join(&self, name: &str) -> Result<TreePath, TreePathError> {
        match is_name(name) {
            true => Ok(TreePath(format!("{}/{name}", self.0))),
            false => Err(TreePathError {
                text: name.to_owned(),
            }),
        }
    }

    /// The same file with another end of its name: `lib/a.py` with `.mpy` for `.py`. `None` if its name does not
    /// end so, or would be empty.
    pub fn with_end(&self, old: &str, new: &str) -> Option<TreePath> {
        let stem = self.name().strip_suffix(old)?;
        let folder = self.0.get(..self.0.len() - self.name().len())?;
        let path = format!("{folder}{stem}{new}");
        path.parse().ok()
    }

    /// Where it is on a board whose folder `root` the tree stands for.
    pub fn below(&self, root: &BoardPath) -> BoardPath {
        // A path without NUL: checked when it was made.
        self.0
            .parse()
            .map_or_else(|_| root.clone(), |path| root.join(&path))
    }
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

impl FromStr for TreePath {
    type Err = TreePathError;

    fn from_str(text: &str) -> Result<TreePath, TreePathError> {
        match text.split('/').all(is_name) {
            true => Ok(TreePath(text.to_owned())),
            false => Err(TreePathError {
                text: text.to_owned(),
            }),
        }
    }
}

/// Name by name: a folder is followed by what is in it.
impl Ord for TreePath {
    fn cmp(&self, other: &TreePath) -> Ordering {
        self.names().cmp(other.names())
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &TreePath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for TreePath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What has a path in a tree.
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
    /// Something that a plan leaves alone and does not look into: a file system mounted there, a symbolic link.
    Foreign,
}

impl Node {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self, Node::Folder)
    }
}

/// Files and folders by path. Whatever is in it, its folders are too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<TreePath, Node>);

/// A second thing of the same path, or something below a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is there twice, or below what is no folder")]
pub struct TreeError {
    /// The path.
    pub path: TreePath,
}

impl Tree {
    /// A tree of nothing but its top folder.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// Add something, and the folders that lead to it. A folder may be added again.
    ///
    /// # Errors
    ///
    /// The path is taken, or leads through something that is no folder.
    pub fn insert(&mut self, path: TreePath, node: Node) -> Result<(), TreeError> {
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

    /// What has this path.
    pub fn get(&self, path: &TreePath) -> Option<&Node> {
        self.0.get(path)
    }

    /// Everything, each folder followed by what is in it.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&TreePath, &Node)> {
        self.0.iter()
    }

    /// What is below a folder, each folder followed by what is in it.
    pub fn below(&self, folder: &TreePath) -> impl Iterator<Item = (&TreePath, &Node)> {
        let from = (Bound::Excluded(folder), Bound::Unbounded);
        let below = self.0.range::<TreePath, _>(from);
        below.take_while(|(path, _)| path.is_below(folder))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Set the hash of a file that is in the tree.
    pub fn set_digest(&mut self, path: &TreePath, hash: Vec<u8>) {
        if let Some(Node::File { digest, .. }) = self.0.get_mut(path) {
            *digest = Some(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        text.parse().unwrap()
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for text in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\0"] {
            assert!(text.parse::<TreePath>().is_err(), "{text:?}");
        }
        assert!(path("a").join("..").is_err());
    }

    #[test]
    fn a_folder_is_followed_by_what_is_in_it() {
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

    #[test]
    fn ends_of_names() {
        let end = |text: &str| path(text).with_end(".py", ".mpy").map(|path| path.0);
        assert_eq!(end("lib/a.py").as_deref(), Some("lib/a.mpy"));
        assert_eq!(end("a.pyx"), None);
    }
}
