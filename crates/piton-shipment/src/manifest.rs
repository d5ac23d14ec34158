//! `manifest.json` of a build: the list of its files, with size and hash of each.
//!
//! The first three fields, and the first four of each file, are those of the "Build MPY Files" workflow that many
//! projects use, in its order. The others are ours; readers of that workflow's manifests ignore them, and
//! manifests without them are valid too. `docs/manifest.schema.json` describes the format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use piton_path::{PortablePath, Sha256Hex};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Maximum size of a manifest, in bytes.
pub const MAXIMUM_SIZE: usize = 32 << 20;

/// Maximum number of files of a manifest.
pub const MAXIMUM_FILES: usize = 50_000;

/// Maximum length of a text that is not a path, in bytes: a version, a time, a name.
const MAXIMUM_TEXT: usize = 200;

/// Version of our own fields, as [`Manifest::schema`].
pub const SCHEMA: u32 = 1;

/// The result of a build for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "a manifest")]
pub struct Manifest {
    /// Version of what was built, as its author wrote it.
    pub version: String,
    /// When the sources were current, in UTC: `2026-02-06T10:46:02Z`. Not when the build ran.
    pub build_timestamp: String,
    /// The files, by path.
    #[serde(deserialize_with = "bounded")]
    pub files: Vec<ManifestFile>,
    /// Version of the fields that follow and of those in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<u32>,
    /// The firmware that the files are for: `micropython`, `circuitpython-10`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The compiler of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<Compiler>,
    /// Modules of the project that are not among the files, since their sources did not compile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutModule>,
    /// All targets of the build, where there are several: an index binds their manifests together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<String>>,
}

/// The compiler of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiler {
    /// Name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The options that change its output, in the spelling of `mpy-cross`.
    pub options: Vec<String>,
}

/// One file of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Path below the folder `mpy`.
    pub path: PortablePath,
    /// Path below the folder of the manifest.
    pub download_path: PortablePath,
    /// SHA-256 of the content.
    pub sha256: Sha256Hex,
    /// Size of the content, in bytes.
    pub size: u64,
    /// The kind of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileKind>,
    /// Whether the board runs the file by itself after a reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<bool>,
    /// Path of the source, below the folder of the sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PortablePath>,
    /// SHA-256 of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<Sha256Hex>,
    /// The requirements of a `.mpy` file to a board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mpy: Option<MpyFacts>,
}

/// A module of the project without a file in the build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutModule {
    /// The path that its file would have, below the folder `mpy`.
    pub path: PortablePath,
    /// Path of the source, below the folder of the sources.
    pub source: PortablePath,
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A compiled module.
    Mpy,
    /// Python source, unchanged.
    Source,
    /// Any other file, unchanged.
    Data,
}

/// The facts in the header of a `.mpy` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MpyFacts {
    /// Version of the format.
    pub version: u8,
    /// Sub-version, which counts for native code only.
    pub sub_version: u8,
    /// The processor whose native code is inside, if any.
    pub arch: Option<String>,
    /// Minimum of bits that a small integer of the board must have, with its sign.
    pub small_int_bits: u8,
    /// The bytes of the header, in hexadecimal.
    pub header: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is not JSON, or does not have these fields.
    #[error("the manifest cannot be read: {}", printable::line(&.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// The manifest is larger than that of any build.
    #[error("the manifest has {size} bytes, at most {MAXIMUM_SIZE} are read")]
    TooLarge {
        /// Its size, in bytes.
        size: usize,
    },
    /// A text is longer than any version or name.
    #[error("`{field}` of the manifest has {length} bytes, at most {MAXIMUM_TEXT} are read")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length, in bytes.
        length: usize,
    },
    /// A text contains a control character, which a terminal would obey.
    #[error("`{field}` of the manifest has a control character")]
    Control {
        /// The field.
        field: &'static str,
    },
    /// Two entries are about the same file.
    #[error("the manifest names `{path}` twice")]
    Twice {
        /// Path below the folder `mpy`.
        path: PortablePath,
    },
    /// An entry is both a file and the folder of another one.
    #[error("the manifest names `{path}`, and `{file}` as a file")]
    Inside {
        /// The file.
        file: PortablePath,
        /// The file below it.
        path: PortablePath,
    },
}

/// Reads a list of files and stops with an error after [`MAXIMUM_FILES`], so that memory has a limit for any text.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ManifestFile>, D::Error> {
    struct Files;
    impl<'de> Visitor<'de> for Files {
        type Value = Vec<ManifestFile>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of files")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut files = Vec::new();
            while let Some(file) = list.next_element()? {
                if files.len() == MAXIMUM_FILES {
                    let message = format_args!("more than {MAXIMUM_FILES} files");
                    return Err(serde::de::Error::custom(message));
                }
                files.push(file);
            }
            Ok(files)
        }
    }
    deserializer.deserialize_seq(Files)
}

impl Manifest {
    /// Reads a manifest of ours, or one of the workflow whose format it extends.
    ///
    /// # Errors
    ///
    /// [`ManifestError`], with line and column where JSON is at fault. A path that leads out of the folder is an
    /// error too.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        if bytes.len() > MAXIMUM_SIZE {
            return Err(ManifestError::TooLarge { size: bytes.len() });
        }
        let manifest: Manifest = serde_json::from_slice(bytes)?;
        for (field, text) in [
            ("version", Some(&manifest.version)),
            ("build_timestamp", Some(&manifest.build_timestamp)),
            ("target", manifest.target.as_ref()),
        ] {
            let Some(text) = text else { continue };
            if text.len() > MAXIMUM_TEXT {
                let length = text.len();
                return Err(ManifestError::TooLong { field, length });
            }
            if text.contains(char::is_control) {
                return Err(ManifestError::Control { field });
            }
        }
        let mut known = BTreeSet::new();
        for file in &manifest.files {
            if !known.insert(&file.path) {
                return Err(ManifestError::Twice {
                    path: file.path.clone(),
                });
            }
        }
        for file in &manifest.files {
            let mut above = std::iter::successors(file.path.parent(), PortablePath::parent);
            if let Some(inside) = above.find(|folder| known.contains(folder)) {
                let path = file.path.clone();
                return Err(ManifestError::Inside { file: inside, path });
            }
        }
        Ok(manifest)
    }

    /// Returns the size of all files together, in bytes.
    pub fn size(&self) -> u64 {
        let sizes = self.files.iter().map(|file| file.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// Returns the bytes of `manifest.json`: the same for the same content.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// A difference between a file of a build and its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The file is missing.
    Missing,
    /// The file has another size.
    Size {
        /// Bytes that the manifest asks for.
        expected: u64,
        /// Bytes that the file has.
        actual: u64,
    },
    /// The file has the right size and other content.
    Changed {
        /// The hash that the manifest asks for.
        expected: Sha256Hex,
        /// The hash of the file.
        actual: Sha256Hex,
    },
    /// The manifest does not name the file.
    Extra,
    /// A link is in its place. Its target is not a part of the build.
    Link,
    /// A device, a pipe or a socket is in its place.
    Special,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing => f.write_str("missing"),
            Problem::Size { expected, actual } => {
                write!(f, "wrong size: {actual} bytes, expected {expected}")
            }
            Problem::Changed { expected, actual } => {
                write!(f, "changed: SHA-256 {actual}, expected {expected}")
            }
            Problem::Extra => f.write_str("extra: the manifest does not name it"),
            Problem::Link => f.write_str("a link, expected a file"),
            Problem::Special => f.write_str("a device, a pipe or a socket, expected a file"),
        }
    }
}

/// The facts about a file of a build as it is on disk or in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActualFile {
    /// A file whose content was read.
    File {
        /// Size, in bytes.
        size: u64,
        /// SHA-256 of the content.
        sha256: Sha256Hex,
    },
    /// A file whose content was not read: its size differs from the manifest's, or the manifest does not name it.
    Sized {
        /// Size, in bytes.
        size: u64,
    },
    /// A link.
    Link,
    /// A device, a pipe or a socket.
    Special,
}

/// Compares the files with the manifest. Returns at most one problem for each path, ordered by path.
pub fn compare(
    manifest: &Manifest,
    actual: &BTreeMap<PortablePath, ActualFile>,
) -> BTreeMap<PortablePath, Problem> {
    let mut problems = BTreeMap::new();
    for file in &manifest.files {
        let problem = match actual.get(&file.path) {
            None => Problem::Missing,
            Some(ActualFile::Link) => Problem::Link,
            Some(ActualFile::Special) => Problem::Special,
            Some(ActualFile::File { size, .. }) if *size != file.size => Problem::Size {
                expected: file.size,
                actual: *size,
            },
            Some(ActualFile::Sized { size }) => Problem::Size {
                expected: file.size,
                actual: *size,
            },
            Some(ActualFile::File { sha256, .. }) if *sha256 != file.sha256 => Problem::Changed {
                expected: file.sha256.clone(),
                actual: sha256.clone(),
            },
            Some(ActualFile::File { .. }) => continue,
        };
        problems.insert(file.path.clone(), problem);
    }
    let named = manifest
        .files
        .iter()
        .map(|file| &file.path)
        .collect::<BTreeSet<&PortablePath>>();
    let extra = actual.keys().filter(|path| !named.contains(path));
    problems.extend(extra.map(|path| (path.clone(), Problem::Extra)));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the workflow's description, shortened.
    const REFERENCE: &str = r#"{
  "version": "1.0.0",
  "build_timestamp": "2026-02-06T10:46:02Z",
  "files": [
    {
      "path": "boot.mpy",
      "download_path": "mpy/boot.mpy",
      "sha256": "c2dde4b80967920d03184350367707da580f607bb11de98782ac660c0eb2c7fe",
      "size": 240
    }
  ]
}
"#;

    #[test]
    fn a_manifest_of_the_workflow_is_written_back_unchanged() {
        let manifest = Manifest::parse(REFERENCE.as_bytes()).unwrap();
        assert_eq!(manifest.files[0].size, 240);
        assert_eq!(
            String::from_utf8(manifest.to_json()).unwrap(),
            REFERENCE,
            "the fields' order, too"
        );
    }

    #[test]
    fn messages_about_a_manifest_have_no_control_characters() {
        refused(("1.0.0", "\\u001b[2J"), "`version` of the manifest");
        refused(("46:02Z", "46:02Z\\n"), "`build_timestamp` of the manifest");
        let kind = ("\"size\": 240", "\"size\": 240, \"kind\": \"\\u001b[2J\"");
        refused(kind, "unknown variant `\\x1b[2J`");
        let target = ("\"files\"", "\"target\": \"\\u009b2J\", \"files\"");
        refused(target, "`target` of the manifest");
    }

    fn refused(change: (&str, &str), message: &str) {
        let text = REFERENCE.replace(change.0, change.1);
        assert_ne!(text, REFERENCE);
        let error = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn hostile_manifests_are_refused() {
        refused(
            ("\"boot.mpy\"", "\"../boot.mpy\""),
            "not a path below a folder",
        );
        refused(("mpy/boot.mpy", "/etc/passwd"), "not a path below a folder");
        refused(("c2dd", "zzzz"), "not a SHA-256");
        refused(("c2dd", ""), "not a SHA-256");
        refused(("240", "-1"), "line 9");
        refused(("\"files\"", "\"filez\""), "missing field `files`");
        let entry = REFERENCE
            .split_once("[\n")
            .and_then(|(_, rest)| rest.split_once("\n  ]"))
            .map(|(entry, _)| entry)
            .unwrap();
        refused((entry, &format!("{entry},{entry}")), "`boot.mpy` twice");
        let below = entry.replace("\"boot.mpy\"", "\"boot.mpy/x/y\"");
        refused(
            (entry, &format!("{below},{entry}")),
            "names `boot.mpy/x/y`, and `boot.mpy` as a file",
        );
        // Of two fields with one name, Python's reader takes the last and others the first: they would disagree about
        // the file.
        refused(
            ("\"size\": 240", "\"size\": 240, \"size\": 241"),
            "duplicate field `size`",
        );
        refused(("240", "18446744073709551616"), "line 9");
        refused(("240", "2.4e2"), "line 9");
        refused(("1.0.0", &"1".repeat(201)), "`version` of the manifest has");
        let deep = format!("\"files\": {}", "[".repeat(100_000));
        refused(("\"files\": [", &deep), "line 4");
        let unknown = format!("\"x\": {}, \"files\"", "[".repeat(100_000));
        refused(("\"files\"", &unknown), "line 4");
    }

    #[test]
    fn a_manifest_with_too_many_files_is_refused() {
        let many = |count: usize| {
            let entry = |number| {
                let hash = "0".repeat(64);
                format!(r#"{{"path":"{number}","download_path":"a","sha256":"{hash}","size":0}}"#)
            };
            let files = (0..count).map(entry).collect::<Vec<_>>().join(",");
            format!(r#"{{"version":"1","build_timestamp":"","files":[{files}]}}"#)
        };
        let whole = Manifest::parse(many(MAXIMUM_FILES).as_bytes()).unwrap();
        assert_eq!(whole.files.len(), MAXIMUM_FILES);
        let error = Manifest::parse(many(MAXIMUM_FILES + 1).as_bytes()).unwrap_err();
        assert!(
            error.to_string().contains("more than 50000 files"),
            "{error}"
        );
    }

    #[test]
    fn every_difference_from_the_manifest_is_reported() {
        let path = |text: &str| text.parse::<PortablePath>().unwrap();
        let of = |content: &[u8]| ActualFile::File {
            size: content.len() as u64,
            sha256: Sha256Hex::of(content),
        };
        let file = |name: &str, content: &[u8]| ManifestFile {
            path: path(name),
            download_path: path(&format!("mpy/{name}")),
            sha256: Sha256Hex::of(content),
            size: content.len() as u64,
            kind: None,
            entry: None,
            source: None,
            source_sha256: None,
            mpy: None,
        };
        let manifest = Manifest {
            files: vec![
                file("changed", b"abc"),
                file("gone", b"abc"),
                file("same", b"abc"),
                file("short", b"abc"),
            ],
            ..Manifest::parse(REFERENCE.as_bytes()).unwrap()
        };
        let found = BTreeMap::from([
            (path("changed"), of(b"abd")),
            (path("extra"), of(b"")),
            (path("same"), of(b"abc")),
            (path("short"), of(b"ab")),
        ]);
        let problems = compare(&manifest, &found)
            .iter()
            .map(|(path, problem)| format!("{path}: {problem}"))
            .collect::<Vec<String>>();
        assert_eq!(
            problems,
            [
                "changed: changed: SHA-256 a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9, expected \
                 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "extra: extra: the manifest does not name it",
                "gone: missing",
                "short: wrong size: 2 bytes, expected 3",
            ]
        );
    }

    #[test]
    fn links_and_devices_and_unread_files_are_problems() {
        let manifest = Manifest::parse(REFERENCE.as_bytes()).unwrap();
        let path = |text: &str| text.parse::<PortablePath>().unwrap();
        for (actual, expected) in [
            (ActualFile::Link, Some(Problem::Link)),
            (ActualFile::Special, Some(Problem::Special)),
            (
                ActualFile::Sized { size: 7 },
                Some(Problem::Size {
                    expected: 240,
                    actual: 7,
                }),
            ),
            (
                ActualFile::File {
                    size: 240,
                    sha256: manifest.files[0].sha256.clone(),
                },
                None,
            ),
        ] {
            let files = BTreeMap::from([(path("boot.mpy"), actual)]);
            let problems = compare(&manifest, &files);
            assert_eq!(problems.get(&path("boot.mpy")), expected.as_ref());
        }
        // A link that the manifest does not name is extra, whatever it is.
        let files = BTreeMap::from([(path("x"), ActualFile::Link)]);
        assert_eq!(compare(&manifest, &files)[&path("x")], Problem::Extra);
    }

    #[test]
    fn fields_of_others_are_ignored_and_sizes_do_not_overflow() {
        let text = REFERENCE.replace(
            "\"size\": 240",
            "\"size\": 18446744073709551615, \"x\": [1]",
        );
        let mut manifest = Manifest::parse(text.as_bytes()).unwrap();
        let file = manifest.files[0].clone();
        manifest.files.push(file);
        assert_eq!(manifest.size(), u64::MAX);
        assert!(
            Manifest::parse(&manifest.to_json()).is_err(),
            "one name twice"
        );
    }

    #[test]
    fn a_manifest_of_any_bytes_is_read_or_refused() {
        let bytes = REFERENCE.as_bytes();
        for end in 0..bytes.len() - 1 {
            assert!(Manifest::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x20;
            if let Ok(read) = Manifest::parse(&damaged) {
                assert_eq!(Manifest::parse(&read.to_json()).unwrap(), read, "{at}");
            }
        }
    }
}
