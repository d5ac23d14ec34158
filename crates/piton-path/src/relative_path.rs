//! Paths below a folder: whatever the text, they never lead out of it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::BoardPath;

/// A path below a folder, on a board or on this computer: one name or more, joined by `/`. It never leaves the folder.
///
/// Paths are ordered name by name: a folder is followed by its contents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelativePath(String);

/// A text that is not a path below a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a path below a folder", text.escape_debug())]
pub struct RelativePathError {
    /// The text as given.
    pub text: String,
}

impl RelativePath {
    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a text that was checked already.
    pub(crate) fn unchecked(text: String) -> RelativePath {
        RelativePath(text)
    }

    /// Returns the names, outermost first. There is at least one.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns the last name.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the number of folders on the way: 0 directly below the top folder.
    pub fn depth(&self) -> usize {
        self.names().count().saturating_sub(1)
    }

    /// Returns the folder of the last name; `None` directly below the top folder.
    pub fn parent(&self) -> Option<RelativePath> {
        let (folder, _) = self.0.rsplit_once('/')?;
        Some(RelativePath(folder.to_owned()))
    }

    /// Returns whether the path is below `folder`, at any depth.
    pub fn is_below(&self, folder: &RelativePath) -> bool {
        let rest = self.0.strip_prefix(&folder.0);
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns the path of `name` in this folder.
    ///
    /// # Errors
    ///
    /// The name is empty, `.` or `..`, or contains `/` or NUL.
    pub fn join(&self, name: &str) -> Result<RelativePath, RelativePathError> {
        match is_name(name) {
            true => Ok(RelativePath(format!("{}/{name}", self.0))),
            false => Err(RelativePathError {
                text: name.to_owned(),
            }),
        }
    }

    /// Returns the path with the end `old` of its last name replaced by `new`: `lib/a.mpy` for `lib/a.py`, `.py` and `.mpy`. Returns
    /// `None` if the name does not end with `old`, or nothing is left of it.
    pub fn with_end(&self, old: &str, new: &str) -> Option<RelativePath> {
        let stem = self.file_name().strip_suffix(old)?;
        let folder = self.0.get(..self.0.len() - self.file_name().len())?;
        let path = format!("{folder}{stem}{new}");
        path.parse().ok()
    }

    /// Returns the path on a board, where the folder is `root`.
    pub fn below(&self, root: &BoardPath) -> BoardPath {
        // The text has no NUL, so a board path takes it.
        self.0
            .parse()
            .map_or_else(|_| root.clone(), |path| root.join(&path))
    }
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

impl FromStr for RelativePath {
    type Err = RelativePathError;

    fn from_str(text: &str) -> Result<RelativePath, RelativePathError> {
        match text.split('/').all(is_name) {
            true => Ok(RelativePath(text.to_owned())),
            false => Err(RelativePathError {
                text: text.to_owned(),
            }),
        }
    }
}

impl Ord for RelativePath {
    fn cmp(&self, other: &RelativePath) -> Ordering {
        self.names().cmp(other.names())
    }
}

impl PartialOrd for RelativePath {
    fn partial_cmp(&self, other: &RelativePath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RelativePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for text in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\0"] {
            assert!(text.parse::<RelativePath>().is_err(), "{text:?}");
        }
        assert!(path("a").join("..").is_err());
    }

    #[test]
    fn ends_of_names() {
        let end = |text: &str| path(text).with_end(".py", ".mpy").map(|path| path.0);
        assert_eq!(end("lib/a.py").as_deref(), Some("lib/a.mpy"));
        assert_eq!(end("a.pyx"), None);
    }

    #[test]
    fn a_folder_is_followed_by_its_contents() {
        // By bytes, `a-b` would stand between `a` and `a/b`: `-` is less than `/`.
        let mut paths = ["b", "a/b/c", "a-b", "a/b", "a", "a.py"].map(path);
        paths.sort();
        assert_eq!(paths, ["a", "a/b", "a/b/c", "a-b", "a.py", "b"].map(path));
    }

    #[test]
    fn below_means_another_name_and_not_a_longer_text() {
        assert!(path("a/b/c").is_below(&path("a")));
        assert!(path("a/b/c").is_below(&path("a/b")));
        for other in ["a/b/c", "a/bc", "a/b/c/d", "b"] {
            assert!(!path("a/b/c").is_below(&path(other)), "{other}");
        }
    }

    #[test]
    fn parts_of_a_path() {
        for (text, parent, name, depth) in [
            ("a", None, "a", 0),
            ("lib/a.py", Some("lib"), "a.py", 1),
            ("x/y/z", Some("x/y"), "z", 2),
        ] {
            let whole = path(text);
            assert_eq!(whole.parent(), parent.map(path));
            assert_eq!((whole.file_name(), whole.depth()), (name, depth));
            assert_eq!(whole.names().count(), depth + 1);
            if let Some(parent) = whole.parent() {
                assert_eq!(parent.join(name).as_ref(), Ok(&whole));
            }
        }
        for name in ["", ".", "a/b", "a\0"] {
            assert!(path("x").join(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_path_on_a_board_is_below_its_root() {
        for (root, whole) in [("", "lib/a"), ("/", "/lib/a"), ("/sd", "/sd/lib/a")] {
            let root: BoardPath = root.parse().unwrap();
            assert_eq!(path("lib/a").below(&root).as_str(), whole);
        }
    }
}
