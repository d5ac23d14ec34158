//! Paths that others choose: below a folder, portable, and never one of our own records.

use std::cmp::Ordering;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::RelativePath;

/// Maximum length in bytes. No board's file system has longer paths, and few computers' have.
const MAXIMUM_LENGTH: usize = 1024;

/// A path below a folder, from a package, a manifest or an archive.
///
/// It is a [`RelativePath`] that means the same on every file system: it has no `\`, no `:` and no control characters,
/// which some file systems do not take for part of a name, no characters that change the direction of text, and no
/// [reserved](is_reserved) name. It has at most 1,024 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortablePath(RelativePath);

/// A text that is not a [`PortablePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {}: {problem}", text.escape_debug(), if self.is_reserved() { "is refused" } else { "is not a path below a folder" })]
pub struct PortablePathError {
    /// The text, cut after 200 characters.
    pub text: String,
    /// The reason, as a clause.
    pub problem: &'static str,
}

impl PortablePathError {
    /// Returns whether the only problem is a [reserved](is_reserved) name.
    pub fn is_reserved(&self) -> bool {
        self.problem == RESERVED
    }
}

/// The problem of a path with a reserved name.
const RESERVED: &str = "names with `.piton-` are reserved for records that piton keeps";

/// Every reserved name contains this.
const MARK: &str = ".piton-";

/// Every short name that FAT gives to a reserved name starts with this: FAT leaves out the dot and keeps six letters,
/// or two where several names begin alike.
const SHORT_MARK: &str = "pi";

/// Returns whether a file of this name may be a record of ours: a journal, a part of a file, the list of installed
/// packages, the record of a sync. All of these have `.piton-` in their names, and nothing that comes from elsewhere
/// may have it.
///
/// The name is read as the most tolerant file system reads it: upper and lower case are equal, dots and spaces at the
/// end do not count (FAT), nor do letters without a width (HFS+), and a short name (`PITON-~1`) stands for a long one.
///
/// ```
/// use piton_path::is_reserved;
///
/// for name in [".piton-swap", "a.py.piton-next", ".PITON-Swap. ", "PITON-~1.PIT"] {
///     assert!(is_reserved(name));
/// }
/// assert!(!is_reserved("piton.py") && !is_reserved(".pitonignore"));
/// ```
pub fn is_reserved(name: &str) -> bool {
    // Both, since `\u{17f}` is an `S` in upper case only, and `\u{212a}` a `k` in lower case only.
    let folded = name.to_uppercase().to_lowercase();
    let seen: String = folded
        .chars()
        .filter(|letter| !has_no_width(*letter))
        .collect();
    let seen = seen.trim_end_matches(['.', ' ']);
    let base = seen.split('.').next().unwrap_or_default();
    let is_short = base.len() <= 8 && base.starts_with(SHORT_MARK) && base.contains('~');
    seen.contains(MARK) || is_short
}

/// Returns whether HFS+ ignores the letter when it compares names: Apple's Technical Note 1150, "Unicode Subtleties".
fn has_no_width(letter: char) -> bool {
    matches!(
        letter,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
    )
}

impl PortablePath {
    /// Returns the path as text, with `/` between the names.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the same path without the promise that it is portable.
    pub fn as_relative(&self) -> &RelativePath {
        &self.0
    }

    /// Returns the names, outermost first. There is at least one.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.names()
    }

    /// Returns the last name.
    pub fn file_name(&self) -> &str {
        self.0.file_name()
    }

    /// Returns a [reserved](is_reserved) name, for a record of our own directly below a folder.
    pub fn of_record(name: &'static str) -> PortablePath {
        PortablePath(RelativePath::unchecked(name.to_owned()))
    }

    /// Returns the folder of the last name; `None` for a single name.
    pub fn parent(&self) -> Option<PortablePath> {
        self.0.parent().map(PortablePath)
    }

    /// Returns the extension of the last name, without its dot.
    pub fn extension(&self) -> Option<&str> {
        match self.file_name().rsplit_once('.') {
            Some(("", _)) | None => None,
            Some((_, extension)) => Some(extension),
        }
    }

    /// Returns the path with another extension, given without its dot.
    #[must_use]
    pub fn with_extension(&self, extension: &str) -> PortablePath {
        let cut = self.extension().map_or(0, |old| old.len() + 1);
        let text = self.as_str();
        let stem = text.get(..text.len() - cut).unwrap_or_default();
        PortablePath(RelativePath::unchecked(format!("{stem}.{extension}")))
    }

    /// Returns the path as a relative path of this computer.
    pub fn to_path(&self) -> PathBuf {
        self.names().collect()
    }
}

/// By the bytes of the text: the order of files in manifests and archives.
impl Ord for PortablePath {
    fn cmp(&self, other: &PortablePath) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for PortablePath {
    fn partial_cmp(&self, other: &PortablePath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for PortablePath {
    type Err = PortablePathError;

    fn from_str(text: &str) -> Result<PortablePath, PortablePathError> {
        match problem(text) {
            None => Ok(PortablePath(RelativePath::unchecked(text.to_owned()))),
            Some(problem) => Err(PortablePathError {
                text: text.chars().take(200).collect(),
                problem,
            }),
        }
    }
}

fn problem(text: &str) -> Option<&'static str> {
    if text.len() > MAXIMUM_LENGTH {
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
    if text.contains(is_direction) {
        return Some("it has a character that makes it look like another name");
    }
    text.split('/').find_map(|part| match part {
        "" => Some("a part of it is empty"),
        "." | ".." => Some("it has a part of dots only"),
        part if is_reserved(part) => Some(RESERVED),
        _ => None,
    })
}

/// Returns whether a letter changes the order in which others are shown ("Bidi_Control" of Unicode, PropList.txt).
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl TryFrom<String> for PortablePath {
    type Error = PortablePathError;

    fn try_from(text: String) -> Result<PortablePath, PortablePathError> {
        text.parse()
    }
}

impl From<PortablePath> for String {
    fn from(path: PortablePath) -> String {
        path.0.as_str().to_owned()
    }
}

impl fmt::Display for PortablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_inside_the_folder_is_accepted() {
        for text in ["a", "a.py", "lib/a/b.mpy", ".hidden", "a..b", "ä/ü", "..."] {
            assert_eq!(text.parse::<PortablePath>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_path_that_could_leave_the_folder_is_refused() {
        for text in [
            "",
            "/",
            "/a",
            "..",
            "../a",
            "a/../b",
            "a/..",
            ".",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "..\\a",
            "C:a",
            "C:\\a",
            "a\0",
            "a\nb",
            "\u{7f}",
            "a\u{202e}yp.b",
        ] {
            assert!(text.parse::<PortablePath>().is_err(), "{text:?}");
        }
        assert!("a".repeat(1025).parse::<PortablePath>().is_err());
    }

    #[test]
    fn reserved_names_are_refused() {
        for text in [
            ".piton-swap",
            "lib/.piton-swap",
            ".piton-swap/a",
            ".piton-swap.piton-next",
            "a.py.piton-next",
            "a.piton-new",
            "a.piton-nex",
            "a.piton-old",
            ".piton-made",
            ".piton-part-build",
            ".piton-mip.json",
            ".piton-sync",
            ".Piton-Swap",
            ".PITON-SYNC",
            ".piton-swap.",
            ".piton-swap . .",
            ".pi\u{200c}ton-swap",
            ".p\u{131}ton-\u{17f}wap",
            "PITON-~1",
            "piton-~2.jso",
            "a/PI3F2A~1.PIT",
        ] {
            let error = text.parse::<PortablePath>().unwrap_err();
            assert!(error.is_reserved(), "{error}");
        }
        for text in [
            "piton.py",
            ".piton",
            ".pitonignore",
            "a.piton",
            "pi.py",
            "pictures~old",
            "a~1",
        ] {
            assert!(text.parse::<PortablePath>().is_ok(), "{text}");
        }
    }

    #[test]
    fn endings() {
        let with = |text: &str| {
            let path = text.parse::<PortablePath>().unwrap();
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

    #[test]
    fn a_path_in_a_document_is_checked_when_it_is_read() {
        use serde::de::value::{Error, StrDeserializer};
        let read = |text: &str| PortablePath::deserialize(StrDeserializer::<Error>::new(text));
        assert_eq!(read("lib/a.py").unwrap().as_str(), "lib/a.py");
        for text in ["../a", "/a", "", ".piton-swap"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_error_shows_a_limited_part_of_the_text_without_control_characters() {
        let text = format!("\u{1b}[2J{}", "/".repeat(100_000));
        let error = text.parse::<PortablePath>().unwrap_err();
        assert_eq!(error.text.chars().count(), 200);
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
    }

    #[test]
    fn paths_are_ordered_by_their_bytes() {
        let path = |text: &str| text.parse::<PortablePath>().unwrap();
        let mut paths = ["a/b", "a", "a-b", "B"].map(path);
        paths.sort();
        assert_eq!(paths, ["B", "a", "a-b", "a/b"].map(path));
        assert_eq!(path("a/b").parent(), Some(path("a")));
        assert_eq!(path("a").parent(), None);
        assert_eq!(path("a/b").to_path(), PathBuf::from("a").join("b"));
    }
}
