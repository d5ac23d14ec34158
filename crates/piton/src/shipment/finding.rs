//! The findings of a check.

use std::fmt;

use piton_path::PortablePath;
use piton_shipment::manifest::Problem;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::building::{INDEX, MANIFEST};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, by path below the folder `mpy`; `None` for the manifest and the list of targets.
    pub path: Option<PortablePath>,
    /// The problem.
    pub kind: FindingKind,
}

/// The problem of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The file differs from the manifest.
    File(Problem),
    /// The manifest has another address for the file.
    DownloadPath {
        /// The path of the file.
        expected: String,
        /// The path in the manifest.
        found: PortablePath,
    },
    /// The header of a `.mpy` file differs from the manifest.
    Header {
        /// The bytes in the manifest, in hexadecimal.
        expected: String,
        /// The bytes in the file.
        found: String,
    },
    /// The file is not a valid `.mpy` file.
    NotMpy(String),
    /// The board cannot load it.
    Board(String),
    /// The manifest is not the one that the list of targets names.
    Index,
    /// The manifest is not signed.
    NotSigned,
    /// The signature of the manifest is not valid.
    Signature(String),
    /// The version is older than the demanded one.
    Version {
        /// The version.
        found: String,
        /// The oldest accepted version.
        minimum: String,
    },
    /// The file imports a module of the project that is not in the build, since its source did not compile.
    LeftOut {
        /// The source, by path below the folder of the sources.
        source: PortablePath,
    },
    /// The manifest is one of several, and their list is missing.
    NoIndex,
    /// The list of targets is older than the field of manifests that refers to it.
    OldIndex,
    /// The list of targets is not signed.
    IndexNotSigned,
    /// The signature of the list of targets is not valid.
    IndexSignature(String),
}

impl FindingKind {
    /// Returns the name of the problem, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            FindingKind::File(Problem::Missing) => "missing",
            FindingKind::File(Problem::Size { .. }) => "size",
            FindingKind::File(Problem::Changed { .. }) => "changed",
            FindingKind::File(Problem::Extra) => "extra",
            FindingKind::File(Problem::Link) => "link",
            FindingKind::File(Problem::Special) => "no-file",
            FindingKind::DownloadPath { .. } => "download-path",
            FindingKind::Header { .. } => "header",
            FindingKind::NotMpy(_) => "not-mpy",
            FindingKind::Board(_) => "board",
            FindingKind::Index => "index",
            FindingKind::NotSigned => "not-signed",
            FindingKind::Signature(_) => "signature",
            FindingKind::Version { .. } => "version",
            FindingKind::LeftOut { .. } => "left-out",
            FindingKind::NoIndex => "no-index",
            FindingKind::OldIndex => "old-index",
            FindingKind::IndexNotSigned => "index-not-signed",
            FindingKind::IndexSignature(_) => "index-signature",
        }
    }

    /// Returns whether it is about the list of targets, so that all targets have it.
    pub fn is_of_index(&self) -> bool {
        matches!(
            self,
            FindingKind::NoIndex
                | FindingKind::OldIndex
                | FindingKind::IndexNotSigned
                | FindingKind::IndexSignature(_)
        )
    }
}

/// In JSON a finding has `problem`, its name; `path`, `null` where it is about no file; and `message`, as displayed.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Finding", 3)?;
        object.serialize_field("problem", self.kind.name())?;
        object.serialize_field("path", &self.path)?;
        object.serialize_field("message", &self.to_string())?;
        object.end()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}: ")?,
            None if self.kind.is_of_index() => write!(f, "{INDEX}: ")?,
            None => write!(f, "{MANIFEST}: ")?,
        }
        match &self.kind {
            FindingKind::File(problem) => problem.fmt(f),
            FindingKind::DownloadPath { expected, found } => {
                write!(f, "wrong `download_path`: `{found}`, expected `{expected}`")
            }
            FindingKind::Header { expected, found } => {
                write!(f, "wrong header: {found}, expected {expected}")
            }
            FindingKind::NotMpy(why) => write!(f, "no `.mpy` file: {why}"),
            FindingKind::Board(why) => write!(f, "the board cannot load it: {why}"),
            FindingKind::Index => write!(f, "changed: `{INDEX}` names another one"),
            FindingKind::NotSigned | FindingKind::IndexNotSigned => f.write_str("not signed"),
            FindingKind::Signature(why) | FindingKind::IndexSignature(why) => f.write_str(why),
            FindingKind::Version { found, minimum } => {
                write!(f, "version {found}, expected {minimum} or later")
            }
            FindingKind::LeftOut { source } => write!(
                f,
                "it imports `{source}`, which is left out of the build as it did not compile"
            ),
            FindingKind::NoIndex => {
                write!(f, "missing: `{MANIFEST}` is one of several that it lists")
            }
            FindingKind::OldIndex => {
                f.write_str("made by an older piton: its removal would not be seen")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use piton_path::Sha256Hex;

    use super::*;

    fn path(text: &str) -> PortablePath {
        text.parse().unwrap()
    }

    /// Every kind, each with its name for programs and its text for people.
    fn kinds() -> Vec<(FindingKind, &'static str, &'static str)> {
        let text = |text: &str| text.to_owned();
        let hash = |text: &str| Sha256Hex::of(text.as_bytes());
        vec![
            (FindingKind::File(Problem::Missing), "missing", "missing"),
            (
                FindingKind::File(Problem::Size {
                    expected: 1,
                    actual: 2,
                }),
                "size",
                "wrong size: 2 bytes, expected 1",
            ),
            (
                FindingKind::File(Problem::Changed {
                    expected: hash("a"),
                    actual: hash("b"),
                }),
                "changed",
                "changed: SHA-256 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d, expected \
                 ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
            ),
            (
                FindingKind::File(Problem::Extra),
                "extra",
                "extra: the manifest does not name it",
            ),
            (
                FindingKind::File(Problem::Link),
                "link",
                "a link, expected a file",
            ),
            (
                FindingKind::File(Problem::Special),
                "no-file",
                "a device, a pipe or a socket, expected a file",
            ),
            (
                FindingKind::DownloadPath {
                    expected: text("mpy/a.mpy"),
                    found: path("other/a.mpy"),
                },
                "download-path",
                "wrong `download_path`: `other/a.mpy`, expected `mpy/a.mpy`",
            ),
            (
                FindingKind::Header {
                    expected: text("4d06001f"),
                    found: text("4d05001f"),
                },
                "header",
                "wrong header: 4d05001f, expected 4d06001f",
            ),
            (
                FindingKind::NotMpy(text("it ends")),
                "not-mpy",
                "no `.mpy` file: it ends",
            ),
            (
                FindingKind::Board(text("it loads none")),
                "board",
                "the board cannot load it: it loads none",
            ),
            (
                FindingKind::Index,
                "index",
                "changed: `index.json` names another one",
            ),
            (FindingKind::NotSigned, "not-signed", "not signed"),
            (
                FindingKind::Signature(text("another key")),
                "signature",
                "another key",
            ),
            (
                FindingKind::Version {
                    found: text("1.0"),
                    minimum: text("1.1"),
                },
                "version",
                "version 1.0, expected 1.1 or later",
            ),
            (
                FindingKind::LeftOut {
                    source: path("b.py"),
                },
                "left-out",
                "it imports `b.py`, which is left out of the build as it did not compile",
            ),
            (
                FindingKind::NoIndex,
                "no-index",
                "missing: `manifest.json` is one of several that it lists",
            ),
            (
                FindingKind::OldIndex,
                "old-index",
                "made by an older piton: its removal would not be seen",
            ),
            (
                FindingKind::IndexNotSigned,
                "index-not-signed",
                "not signed",
            ),
            (
                FindingKind::IndexSignature(text("another key")),
                "index-signature",
                "another key",
            ),
        ]
    }

    #[test]
    fn each_kind_has_a_name_of_its_own_and_a_text() {
        let mut names = BTreeSet::new();
        for (kind, name, message) in kinds() {
            assert_eq!(kind.name(), name);
            assert!(names.insert(name), "two kinds are called {name}");
            let finding = Finding {
                path: Some(path("lib/a.mpy")),
                kind,
            };
            assert_eq!(finding.to_string(), format!("lib/a.mpy: {message}"));
            let json = serde_json::to_value(&finding).unwrap();
            let expected = serde_json::json!({
                "problem": name, "path": "lib/a.mpy", "message": finding.to_string()
            });
            assert_eq!(json, expected);
        }
    }

    #[test]
    fn a_finding_without_a_file_names_the_document_that_it_is_about() {
        for (kind, name, message) in kinds() {
            let of_index = name.contains("index") && name != "index";
            assert_eq!(kind.is_of_index(), of_index, "{name}");
            let document = if of_index {
                "index.json"
            } else {
                "manifest.json"
            };
            let finding = Finding { path: None, kind };
            assert_eq!(finding.to_string(), format!("{document}: {message}"));
            assert_eq!(
                serde_json::to_value(&finding).unwrap()["path"],
                serde_json::Value::Null
            );
        }
    }
}
