//! Paths that strangers give us: below a folder, never out of it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most bytes of a path. Longer ones fit no board's file system, and most computers' neither.
const MAXIMUM: usize = 1024;

/// A path below a folder that somebody else chose, with `/` between its parts.
///
/// Whatever it says, it names something inside: no `..`, no root, no drive, no empty part, nothing that a file
/// system would take for something else (`\`, `:`, control characters).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

/// Why a text is no [`RelativePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no path below a folder: {problem}", text.escape_debug())]
pub struct RelativePathError {
    /// The text, cut where it is very long.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl RelativePath {
    /// The text, with `/` between the parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts, at least one.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// What is before the last part, if there are several.
    pub fn parent(&self) -> Option<RelativePath> {
        let (parent, _) = self.0.rsplit_once('/')?;
        Some(RelativePath(parent.to_owned()))
    }

    /// The ending of the last part, without its dot.
    pub fn extension(&self) -> Option<&str> {
        match self.file_name().rsplit_once('.') {
            Some(("", _)) | None => None,
            Some((_, extension)) => Some(extension),
        }
    }

    /// The same path with another ending, without its dot.
    #[must_use]
    pub fn with_extension(&self, extension: &str) -> RelativePath {
        let cut = self.extension().map_or(0, |old| old.len() + 1);
        let stem = self.0.get(..self.0.len() - cut).unwrap_or_default();
        RelativePath(format!("{stem}.{extension}"))
    }

    /// A path of this computer, relative as this one.
    pub fn to_path(&self) -> PathBuf {
        self.parts().collect()
    }
}

impl FromStr for RelativePath {
    type Err = RelativePathError;

    fn from_str(text: &str) -> Result<RelativePath, RelativePathError> {
        match problem(text) {
            None => Ok(RelativePath(text.to_owned())),
            Some(problem) => Err(RelativePathError {
                text: text.chars().take(200).collect(),
                problem,
            }),
        }
    }
}

fn problem(text: &str) -> Option<&'static str> {
    if text.len() > MAXIMUM {
        return Some("it is too long");
    }
    if text.starts_with('/') {
        return Some("it begins at the root");
    }
    if text
        .chars()
        .any(|letter| letter.is_control() || matches!(letter, '\\' | ':'))
    {
        return Some("it has a character that some file systems do not take for part of a name");
    }
    text.split('/').find_map(|part| match part {
        "" => Some("a part of it is empty"),
        "." | ".." => Some("it has a part of dots only"),
        _ => None,
    })
}

impl TryFrom<String> for RelativePath {
    type Error = RelativePathError;

    fn try_from(text: String) -> Result<RelativePath, RelativePathError> {
        text.parse()
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> String {
        path.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_below_is_a_path() {
        for text in ["a", "a.py", "lib/a/b.mpy", ".hidden", "a..b", "ä/ü", "..."] {
            assert_eq!(text.parse::<RelativePath>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_could_lead_out_is_none() {
        for text in [
            "", "/", "/a", "..", "../a", "a/../b", "a/..", ".", "./a", "a//b", "a/", "a\\b",
            "..\\a", "C:a", "C:\\a", "a\0", "a\nb", "\u{7f}",
        ] {
            assert!(text.parse::<RelativePath>().is_err(), "{text:?}");
        }
        assert!("a".repeat(1025).parse::<RelativePath>().is_err());
    }

    #[test]
    fn endings() {
        let with = |text: &str| {
            let path = text.parse::<RelativePath>().unwrap();
            let extension = path.extension().map(str::to_owned);
            (extension, path.with_extension("mpy").to_string())
        };
        assert_eq!(
            with("a/b.py"),
            (Some("py".to_owned()), "a/b.mpy".to_owned())
        );
        assert_eq!(with("a.b/c"), (None, "a.b/c.mpy".to_owned()));
        assert_eq!(with(".py"), (None, ".py.mpy".to_owned()));
    }
}
