//! Paths that strangers give us: below a folder, never out of it, and never one of our own records.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most bytes of a path. Longer ones fit no board's file system, and most computers' neither.
const MAXIMUM: usize = 1024;

/// A path below a folder that somebody else chose, with `/` between its parts.
///
/// Whatever it says, it names something inside: no `..`, no root, no drive, no empty part, nothing that a file
/// system would take for something else (`\`, `:`, control characters) or show as another one, and no [reserved](is_reserved) name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

/// Why a text is no [`RelativePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {}: {problem}", text.escape_debug(), if self.is_reserved() { "is refused" } else { "is no path below a folder" })]
pub struct RelativePathError {
    /// The text, cut where it is very long.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl RelativePathError {
    /// Whether the only fault is a [reserved](is_reserved) name.
    pub fn is_reserved(&self) -> bool {
        self.problem == RESERVED
    }
}

/// The problem of a path with a reserved name.
const RESERVED: &str = "names with `.piton-` are reserved for records that piton keeps";

/// What every reserved name has in it.
const MARK: &str = ".piton-";

/// What is before the `~` in every short name that FAT gives to a reserved name: it leaves out the dot, and keeps six
/// letters, or two if there are several such names.
const SHORT_MARK: &str = "pi";

/// Whether a file of this name may be a record of ours: a journal, a part of a file, what is installed, what a sync has
/// copied. All of these have `.piton-` in their names, and nothing that comes from elsewhere may.
///
/// The name is taken as the most tolerant file system does: upper and lower case are the same, dots and spaces at the
/// end do not count (FAT), nor do letters without a width (HFS+), and a short name (`PITON-~1`) stands for a long one.
///
/// ```
/// use piton_project::relative_path::is_reserved;
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

/// Letters that HFS+ passes over when it compares names: Apple's Technical Note 1150, "Unicode Subtleties".
fn has_no_width(letter: char) -> bool {
    matches!(
        letter,
        '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
    )
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

    /// A [reserved](is_reserved) name, for a record of our own at the top of a folder.
    pub fn of_record(name: &'static str) -> RelativePath {
        RelativePath(name.to_owned())
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

/// Whether a letter is shown as a change of the order of others ("Bidi_Control" of Unicode, PropList.txt).
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
            assert!(text.parse::<RelativePath>().is_err(), "{text:?}");
        }
        assert!("a".repeat(1025).parse::<RelativePath>().is_err());
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
            let error = text.parse::<RelativePath>().unwrap_err();
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
            assert!(text.parse::<RelativePath>().is_ok(), "{text}");
        }
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
