//! Versions of packages, and ranges of versions as people write them.
//!
//! ```
//! use piton_project::version::{Version, VersionRange};
//!
//! let range: VersionRange = "^1.2".parse()?;
//! assert!(range.contains(&"1.10".parse()?));
//! assert!(!range.contains(&"2.0".parse()?));
//! assert!("1.0rc1".parse::<Version>()? < "1.0".parse()?);
//! # Ok::<(), piton_project::version::VersionError>(())
//! ```

use std::cmp::Ordering;
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use version_ranges::Ranges;

/// Maximum length of a version, in bytes.
const LONGEST: usize = 100;

/// The version of a package: numbers with dots between them, then maybe letters.
///
/// `1.0` and `1.0.0` are the same version. Letters after the numbers make a version that comes before the plain one
/// (`1.0rc1`, `1.0-preview`), except for `post` and what begins with `+`, which come after it. A word without numbers
/// (`main`) comes before all others.
#[derive(Clone, Debug)]
pub struct Version {
    text: String,
    /// Without zeros at the end.
    numbers: Vec<u64>,
    suffix: Suffix,
}

/// The part of a version after its numbers, in the order of versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    /// Before all versions with these numbers: the end of a range, never the version of a package.
    Start,
    Before(Vec<Chunk>),
    None,
    After(Vec<Chunk>),
}

/// A piece of a suffix. Numbers are compared as numbers: `rc9` is before `rc10`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Chunk {
    Letters(String),
    Number(u64),
}

/// A text that is not a version, or not a range of versions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a {expected}", text.escape_debug())]
pub struct VersionError {
    /// The text, cut after 100 characters.
    pub text: String,
    /// What was expected, with an example.
    pub expected: &'static str,
}

impl VersionError {
    fn new(text: &str, expected: &'static str) -> VersionError {
        VersionError {
            text: text.chars().take(LONGEST).collect(),
            expected,
        }
    }
}

const VERSION: &str = "version, such as `1.2.0`";
const RANGE: &str = "version or range, such as `1.2.0`, `^1.2`, `~1.2`, `>=1.2,<2` or `*`";

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Version, VersionError> {
        let is_word = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
        let only_dots = text.bytes().all(|byte| byte == b'.');
        if !is_word || only_dots || text.len() > LONGEST {
            return Err(VersionError::new(text, VERSION));
        }
        let mut rest = match text.strip_prefix('v') {
            Some(rest) if rest.starts_with(|letter: char| letter.is_ascii_digit()) => rest,
            _ => text,
        };
        let mut numbers = Vec::new();
        loop {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let Ok(number) = number.parse() else {
                break;
            };
            numbers.push(number);
            rest = after;
            match after.strip_prefix('.') {
                Some(next) if next.starts_with(|letter: char| letter.is_ascii_digit()) => {
                    rest = next;
                }
                _ => break,
            }
        }
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Ok(Version {
            text: text.to_owned(),
            numbers,
            suffix: Suffix::of(rest),
        })
    }
}

impl Suffix {
    fn of(text: &str) -> Suffix {
        let trimmed = text.trim_start_matches(['.', '-', '_']);
        match text {
            "" => Suffix::None,
            _ if text.starts_with('+') || trimmed.starts_with("post") => {
                Suffix::After(chunks(text))
            }
            _ => Suffix::Before(chunks(trimmed)),
        }
    }
}

fn chunks(text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let is_digit = first.is_ascii_digit();
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() == is_digit)
            .count();
        let (chunk, after) = rest.split_at(length);
        chunks.push(match chunk.parse() {
            Ok(number) => Chunk::Number(number),
            Err(_) => Chunk::Letters(chunk.to_ascii_lowercase()),
        });
        rest = after;
    }
    chunks
}

impl Version {
    /// Returns the version as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether it comes before the version with the same numbers and nothing else: `1.0rc1`, `main`.
    pub fn is_early(&self) -> bool {
        matches!(self.suffix, Suffix::Before(_))
    }

    /// Returns the place before all versions that begin with these numbers.
    fn start_of(numbers: &[u64]) -> Version {
        let text = numbers.iter().map(u64::to_string).collect::<Vec<_>>();
        let mut numbers = numbers.to_vec();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Version {
            text: text.join("."),
            numbers,
            suffix: Suffix::Start,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        numbers.then_with(|| self.suffix.cmp(&other.suffix))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

/// Versions that are accepted.
///
/// | text | accepts |
/// |---|---|
/// | `*`, `latest`, nothing | all |
/// | `1.2`, `==1.2`, `=1.2` | 1.2 only |
/// | `1.2.*`, `==1.2.*` | 1.2 and what begins with 1.2 |
/// | `^1.2.3` | from 1.2.3 to before 2; the first number that is not 0 stays |
/// | `~1.2.3`, `~1.2` | from there to before 1.3; `~1` to before 2 |
/// | `~=1.2.3` | from there to before 1.3; `~=1.2` to before 2, as in Python |
/// | `>=1.2`, `>1.2`, `<=1.2`, `<1.2`, `!=1.2` | what the sign says |
/// | `>=1.2,<2` | what all parts accept |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    text: String,
    ranges: Ranges<Version>,
}

impl VersionRange {
    /// Returns the range that accepts every version.
    pub fn any() -> VersionRange {
        VersionRange {
            text: "*".to_owned(),
            ranges: Ranges::full(),
        }
    }

    /// Returns the range that accepts only this version.
    pub fn exactly(version: Version) -> VersionRange {
        VersionRange {
            text: format!("=={version}"),
            ranges: Ranges::singleton(version),
        }
    }

    /// Returns whether the version is accepted.
    pub fn contains(&self, version: &Version) -> bool {
        self.ranges.contains(version)
    }

    /// Returns whether every version is accepted.
    pub fn is_any(&self) -> bool {
        self.ranges == Ranges::full()
    }

    /// Returns the only accepted version, if the range is one version.
    pub fn single(&self) -> Option<&Version> {
        self.ranges.as_singleton()
    }

    /// Returns the range as it was written; `*` for all versions.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether an end of the range is an early version.
    pub(crate) fn names_early(&self) -> bool {
        let is_early = |bound: &Bound<Version>| match bound {
            Bound::Included(version) | Bound::Excluded(version) => version.is_early(),
            Bound::Unbounded => false,
        };
        let mut ends = self.ranges.iter();
        ends.any(|(start, end)| is_early(start) || is_early(end))
    }

    pub(crate) fn ranges(&self) -> &Ranges<Version> {
        &self.ranges
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for VersionRange {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<VersionRange, VersionError> {
        let trimmed = text.trim();
        if matches!(trimmed, "" | "*" | "latest") {
            return Ok(VersionRange::any());
        }
        let mut ranges = Ranges::full();
        for part in trimmed.split(',') {
            let part = part.trim();
            let range = range_of(part).ok_or_else(|| VersionError::new(text, RANGE))?;
            ranges = ranges.intersection(&range);
        }
        Ok(VersionRange {
            text: trimmed.to_owned(),
            ranges,
        })
    }
}

/// Returns the versions that one part of a range accepts; `None` if it is not one.
fn range_of(part: &str) -> Option<Ranges<Version>> {
    let signs = part
        .bytes()
        .take_while(|byte| b"=<>!~^".contains(byte))
        .count();
    let (sign, rest) = part.split_at(signs);
    let rest = rest.trim_start();
    if let Some(begin) = rest.strip_suffix(".*") {
        let numbers = numbers_of(begin)?;
        let range = before(&numbers, numbers.len() - 1, Version::start_of(&numbers))?;
        return match sign {
            "" | "=" | "==" => Some(range),
            "!=" => Some(range.complement()),
            _ => None,
        };
    }
    let version: Version = rest.parse().ok()?;
    Some(match sign {
        "" | "=" | "==" => Ranges::singleton(version),
        "!=" => Ranges::singleton(version).complement(),
        ">=" => Ranges::higher_than(version),
        ">" => Ranges::strictly_higher_than(version),
        "<=" => Ranges::lower_than(version),
        "<" => Ranges::strictly_lower_than(version),
        "^" => {
            let numbers = numbers_of(rest)?;
            let first = numbers.iter().position(|number| *number != 0);
            before(&numbers, first.unwrap_or(numbers.len() - 1), version)?
        }
        "~" => {
            let numbers = numbers_of(rest)?;
            before(&numbers, (numbers.len() - 1).min(1), version)?
        }
        "~=" => {
            let numbers = numbers_of(rest)?;
            before(&numbers, numbers.len().checked_sub(2)?, version)?
        }
        _ => return None,
    })
}

/// Returns the versions from `version` on, to before those whose number at `place` is larger.
fn before(numbers: &[u64], place: usize, version: Version) -> Option<Ranges<Version>> {
    let mut end = numbers.get(..=place)?.to_vec();
    let last = end.last_mut()?;
    *last = last.checked_add(1)?;
    Some(Ranges::between(version, Version::start_of(&end)))
}

/// Returns the numbers at the beginning of a version, with zeros at the end; `None` without numbers.
fn numbers_of(text: &str) -> Option<Vec<u64>> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text
        .find(|letter: char| letter != '.' && !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let numbers = text.get(..end)?;
    let numbers = match end < text.len() {
        true => numbers.trim_end_matches('.'),
        false => numbers,
    };
    numbers
        .split('.')
        .map(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_their_numbers() {
        let order = [
            "main",
            "0",
            "0.0.1",
            "0.9",
            "1.0.dev2",
            "1.0rc1",
            "1.0rc2",
            "1.0-rc10",
            "1.0",
            "1.0+a",
            "1.0.post1",
            "1.0.1",
            "1.2-preview",
            "1.2",
            "1.10",
            "2",
            "18446744073709551615",
        ];
        let versions: Vec<Version> = order.iter().map(|text| text.parse().unwrap()).collect();
        for pair in versions.windows(2) {
            assert!(pair[0] < pair[1], "{} {}", pair[0], pair[1]);
        }
        assert_eq!("1.0.0".parse::<Version>(), "v1".parse::<Version>());
        assert!("1.0rc1".parse::<Version>().unwrap().is_early());
        for text in ["", "..", "a b", "1\n", "1/2", &"1".repeat(101), "é"] {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ranges_accept_what_their_signs_say() {
        for (range, inside, outside) in [
            ("*", "0.1 5 main 1rc1", ""),
            ("latest", "0.1 5", ""),
            ("1.2", "1.2 1.2.0 v1.2", "1.2.1 1.1 1.2rc1"),
            ("==1.2.*", "1.2 1.2.9 1.2rc1", "1.3 1.1 1.20"),
            ("!=1.2", "1.1 1.2.1", "1.2"),
            ("^1.2.3", "1.2.3 1.9", "1.2.2 2.0 2.0rc1 0.9"),
            ("^0.2.3", "0.2.3 0.2.9", "0.3 0.2.2 1.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("^0", "0.5", "1.0"),
            ("~1.2.3", "1.2.3 1.2.9", "1.3 1.2.2"),
            ("~1.2", "1.2 1.2.9", "1.3"),
            ("~1", "1.0 1.9", "2.0 2.0b1"),
            ("~=1.4.2", "1.4.2 1.4.9", "1.5"),
            ("~=1.4", "1.4 1.9", "2"),
            (">=1.2, <2", "1.2 1.9", "2 1.1"),
            (">1,<=2,!=1.5", "1.1 2", "1 1.5 2.1"),
            (">=2,<1", "", "0 1 2 3"),
        ] {
            let parsed: VersionRange = range.parse().unwrap();
            for version in inside.split_whitespace() {
                assert!(
                    parsed.contains(&version.parse().unwrap()),
                    "{range} {version}"
                );
            }
            for version in outside.split_whitespace() {
                assert!(
                    !parsed.contains(&version.parse().unwrap()),
                    "{range} {version}"
                );
            }
        }
        for text in [
            "^",
            ">",
            "=>1",
            "^main",
            "~=1",
            "1..*",
            ",",
            "1,",
            "^18446744073709551615",
            ">=1.*",
        ] {
            assert!(text.parse::<VersionRange>().is_err(), "{text:?}");
        }
    }
}
