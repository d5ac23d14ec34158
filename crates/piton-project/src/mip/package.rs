//! The description of a package: `package.json`, or the index's file of the same format.

use std::fmt;
use std::str::FromStr;

use piton_path::{PortablePath, PortablePathError, Sha256Hex};
use serde::Deserialize;

use super::manifest_py::ManifestPyError;

/// Maximum number of files, and of dependencies, of one package.
const COUNT_LIMIT: usize = 4096;

/// A package's description, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageJson {
    /// Its version.
    pub version: Option<String>,
    /// Files that the index stores by their hash: path below the target, and hash.
    pub hashes: Vec<(PortablePath, ShortHash)>,
    /// Files elsewhere: path below the target, and address, which may be relative to the description.
    pub urls: Vec<(PortablePath, String)>,
    /// Packages that it needs: name or address, and version.
    pub deps: Vec<(String, Option<String>)>,
}

/// Why a text is not a valid description of a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The text is not JSON, or not of this form.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The path of a file is not below the target folder.
    #[error("{0}")]
    Path(#[from] PortablePathError),
    /// A hash is invalid.
    #[error("{0}")]
    Hash(#[from] HashError),
    /// The description is a `manifest.py` with more than calls with literals, or an invalid one.
    #[error("{0}")]
    Manifest(#[from] ManifestPyError),
    /// There are more files or dependencies than the limit.
    #[error("it lists more than {COUNT_LIMIT} {unit}")]
    TooMany {
        /// `files` or `dependencies`.
        unit: &'static str,
    },
    /// The version has control characters or is too long.
    #[error("its version is not a text of up to 100 letters")]
    Version,
}

/// The fields of the JSON that are used.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Raw {
    version: Option<String>,
    #[serde(default)]
    hashes: Vec<(String, String)>,
    #[serde(default)]
    urls: Vec<(String, String)>,
    #[serde(default)]
    deps: Vec<(String, Option<String>)>,
}

impl PackageJson {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// The text is not JSON of this form, or a part of it is invalid. No part of an invalid description is used.
    pub fn parse(text: &[u8]) -> Result<PackageJson, PackageError> {
        let raw: Raw = serde_json::from_slice(text)?;
        if raw.hashes.len() + raw.urls.len() > COUNT_LIMIT {
            return Err(PackageError::TooMany { unit: "files" });
        }
        if raw.deps.len() > COUNT_LIMIT {
            return Err(PackageError::TooMany {
                unit: "dependencies",
            });
        }
        let is_shown = |version: &String| {
            version.chars().count() <= 100 && !version.chars().any(char::is_control)
        };
        if !raw.version.iter().all(is_shown) {
            return Err(PackageError::Version);
        }
        let hashes = raw.hashes.iter();
        let hashes = hashes.map(|(path, hash)| Ok((path.parse()?, hash.parse()?)));
        let urls = raw.urls.into_iter();
        let urls = urls.map(|(path, url)| Ok((path.parse()?, url)));
        Ok(PackageJson {
            version: raw.version,
            hashes: hashes.collect::<Result<_, PackageError>>()?,
            urls: urls.collect::<Result<_, PackageError>>()?,
            deps: raw.deps,
        })
    }
}

/// The beginning of a SHA-256, or all of it, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortHash(String);

/// A text that is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a hash: expected 8 to 64 hexadecimal digits", text.escape_debug())]
pub struct HashError {
    /// The text, cut where it is very long.
    pub text: String,
}

impl ShortHash {
    /// Returns the digits as they were written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether `content` has this hash.
    pub fn matches(&self, content: &[u8]) -> bool {
        self.begins(Sha256Hex::of(content).as_str())
    }

    /// Returns whether `sha256`, a complete hash in lower-case hexadecimal, begins with these digits.
    pub fn begins(&self, sha256: &str) -> bool {
        sha256.starts_with(&self.0.to_ascii_lowercase())
    }

    /// Returns the address of the file in an index.
    pub fn url(&self, index: &str) -> String {
        let folder = self.0.get(..2).unwrap_or_default();
        format!("{}/file/{folder}/{}", index.trim_end_matches('/'), self.0)
    }
}

impl FromStr for ShortHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<ShortHash, HashError> {
        let is_hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_hexadecimal && (8..=64).contains(&text.len()) {
            true => Ok(ShortHash(text.to_owned())),
            false => Err(HashError {
                text: text.chars().take(80).collect(),
            }),
        }
    }
}

impl fmt::Display for ShortHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_of_each_kind_are_read() {
        let index = PackageJson::parse(
            br#"{"v": 1, "version": "1.2", "hashes": [["a/b.mpy", "0123abcd"]], "deps": [["c", "latest"]]}"#,
        );
        let index = index.unwrap();
        assert_eq!(index.version.as_deref(), Some("1.2"));
        assert_eq!(index.hashes[0].0.as_str(), "a/b.mpy");
        assert_eq!(
            index.hashes[0].1.url("http://index/"),
            "http://index/file/01/0123abcd"
        );
        assert_eq!(index.deps, [("c".to_owned(), Some("latest".to_owned()))]);
        let urls = PackageJson::parse(br#"{"urls": [["b.py", "github:o/r/b.py"]], "x": {}}"#);
        assert_eq!(urls.unwrap().urls[0].1, "github:o/r/b.py");
    }

    #[test]
    fn invalid_descriptions_are_refused() {
        for (text, expected) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("<html>", "expected value at line 1 column 1"),
            (
                "[]",
                "invalid length 0, expected an object at line 1 column 2",
            ),
            (
                "{\"hashes\": 1}",
                "invalid type: integer `1`, expected a sequence at line 1 column 12",
            ),
            (
                "{\"urls\": [[\"a\"]]}",
                "invalid length 1, expected a tuple of size 2 at line 1 column 15",
            ),
            (
                "{\"version\": 1}",
                "invalid type: integer `1`, expected a string at line 1 column 13",
            ),
            (
                "{\"version\": \"\\u001b[2J\"}",
                "its version is not a text of up to 100 letters",
            ),
            (
                "{\"hashes\": [[\"a\", \"0123\"]]}",
                "`0123` is not a hash: expected 8 to 64 hexadecimal digits",
            ),
            (
                "{\"hashes\": [[\"a\", \"../../xx\"]]}",
                "`../../xx` is not a hash: expected 8 to 64 hexadecimal digits",
            ),
        ] {
            let found = PackageJson::parse(text.as_bytes()).unwrap_err();
            assert_eq!(found.to_string(), expected, "{text}");
        }
        for path in [
            "../a",
            "/a",
            "a/../../b",
            "a\\\\b",
            "C:/a",
            "a\\u0000",
            "a\\n",
            "",
            "a//b",
        ] {
            for key in ["hashes", "urls"] {
                let text = format!("{{\"{key}\": [[\"{path}\", \"01234567\"]]}}");
                let found = PackageJson::parse(text.as_bytes()).unwrap_err();
                assert!(matches!(found, PackageError::Path(_)), "{text}: {found}");
            }
        }
        let many = format!(
            "{{\"urls\": [{}[\"a\", \"b\"]]}}",
            "[\"a\", \"b\"],".repeat(COUNT_LIMIT)
        );
        assert!(matches!(
            PackageJson::parse(many.as_bytes()),
            Err(PackageError::TooMany { .. })
        ));
        let deep = format!("{{\"x\": {}", "[".repeat(100_000));
        assert!(PackageJson::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn hashes_match_by_their_beginning() {
        let whole = Sha256Hex::of(b"hello").as_str().to_owned();
        for length in [8, 9, 64] {
            let hash: ShortHash = whole[..length].to_ascii_uppercase().parse().unwrap();
            assert!(hash.matches(b"hello"));
            assert!(!hash.matches(b"hellO"));
        }
    }
}
