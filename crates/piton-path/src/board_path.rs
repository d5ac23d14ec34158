//! Paths on a board.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A path on a board: names separated by `/`, absolute if it starts with one, else relative to the board's current
/// folder. The empty path is the current folder itself.
///
/// The text is kept as given: `.` and `..` are the board's to resolve.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoardPath(String);

/// A path that contains a NUL byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a path on a board can't hold a NUL byte: {text:?}")]
pub struct BoardPathError {
    /// The text as given.
    pub text: String,
}

impl BoardPath {
    /// Returns the root folder, `/`.
    pub fn root() -> BoardPath {
        BoardPath("/".to_owned())
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is the empty path, the board's current folder.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `other` below this folder; an absolute `other` is returned unchanged.
    pub fn join(&self, other: &BoardPath) -> BoardPath {
        if self.is_empty() || other.0.starts_with('/') {
            return other.clone();
        }
        BoardPath(format!("{}/{}", self.0.trim_end_matches('/'), other.0))
    }

    /// Returns the names from the root down to this path, for an absolute path, with `.` and `..` resolved. A `..` at the root stays
    /// at the root, as on a board.
    pub fn resolved(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for name in self.0.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop()),
                name => names.push(name),
            }
        }
        names
    }

    /// Returns the folder of the path's last name: the empty path for a single name, `None` for the root and the empty path.
    pub fn parent(&self) -> Option<BoardPath> {
        let trimmed = self.0.trim_end_matches('/');
        if trimmed.is_empty() {
            return None;
        }
        Some(BoardPath(match trimmed.rsplit_once('/') {
            None => String::new(),
            Some((folder, _)) => match folder.trim_end_matches('/') {
                "" => "/".to_owned(),
                folder => folder.to_owned(),
            },
        }))
    }

    /// Returns the last name; `None` for the root and for the empty path.
    pub fn file_name(&self) -> Option<&str> {
        let trimmed = self.0.trim_end_matches('/');
        let name = trimmed.rsplit('/').next().unwrap_or(trimmed);
        (!name.is_empty()).then_some(name)
    }

    /// Returns the path with `suffix` appended to its last name.
    pub fn with_suffix(&self, suffix: &str) -> BoardPath {
        BoardPath(format!("{}{suffix}", self.0.trim_end_matches('/')))
    }
}

impl FromStr for BoardPath {
    type Err = BoardPathError;

    /// Refuses a NUL byte: a board would cut the path there, and the rest names another file.
    fn from_str(text: &str) -> Result<BoardPath, BoardPathError> {
        match text.contains('\0') {
            true => Err(BoardPathError {
                text: text.to_owned(),
            }),
            false => Ok(BoardPath(text.to_owned())),
        }
    }
}

impl fmt::Display for BoardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for BoardPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> BoardPath {
        text.parse().unwrap()
    }

    #[test]
    fn parents_and_names() {
        for (text, parent, name) in [
            ("a", Some(""), Some("a")),
            ("a/b", Some("a"), Some("b")),
            ("/a", Some("/"), Some("a")),
            ("/a/b/", Some("/a"), Some("b")),
            ("a//b", Some("a"), Some("b")),
            ("/", None, None),
            ("", None, None),
        ] {
            assert_eq!(path(text).parent(), parent.map(path), "parent of {text:?}");
            assert_eq!(path(text).file_name(), name, "name of {text:?}");
        }
    }

    #[test]
    fn resolved() {
        for (text, names) in [
            ("/", &[][..]),
            ("/a/./b//c/", &["a", "b", "c"]),
            ("/a/../../b", &["b"]),
        ] {
            assert_eq!(path(text).resolved(), names, "{text}");
        }
    }

    #[test]
    fn joined() {
        for (folder, name, whole) in [
            ("", "a", "a"),
            ("/", "a", "/a"),
            ("lib/", "a/b", "lib/a/b"),
            ("lib", "/a", "/a"),
        ] {
            assert_eq!(path(folder).join(&path(name)), path(whole));
        }
    }

    #[test]
    fn a_nul_is_refused() {
        assert!("main.py\0.txt".parse::<BoardPath>().is_err());
    }

    #[test]
    fn a_suffix_goes_to_the_last_name_and_text_stays_as_given() {
        for text in ["a.py", "/lib/a.py", "../a.py", "./a b/ü.py"] {
            assert_eq!(path(text).to_string(), text);
            let whole = format!("{text}.piton-new");
            assert_eq!(path(text).with_suffix(".piton-new"), path(&whole));
        }
        assert!(path("").is_empty() && !BoardPath::root().is_empty());
        assert_eq!(BoardPath::default(), path(""));
    }

    #[test]
    fn a_refused_path_is_shown_with_its_nul_escaped() {
        let error = "a\0b".parse::<BoardPath>().unwrap_err().to_string();
        assert!(error.ends_with("\"a\\0b\""), "{error}");
        assert!(!error.contains('\0'));
    }
}
