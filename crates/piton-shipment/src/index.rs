//! `index.json` of a build for several targets: which manifests belong together.

use std::collections::BTreeSet;

use piton_path::{PortablePath, Sha256Hex};
use serde::{Deserialize, Serialize};

/// Maximum size of an index, in bytes.
pub const MAXIMUM_SIZE: usize = 1 << 20;

/// Maximum number of targets of an index.
pub const MAXIMUM_TARGETS: usize = 100;

/// Version of the format, as [`Index::schema`]. From 2 on, the manifests say that they are in an index.
pub const SCHEMA: u32 = 2;

/// The targets of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "a list of targets")]
pub struct Index {
    /// Version of what was built, as its author wrote it.
    pub version: String,
    /// When the sources were current, in UTC.
    pub build_timestamp: String,
    /// The targets.
    pub targets: Vec<IndexTarget>,
    /// Version of the format.
    pub schema: u32,
}

/// One target of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexTarget {
    /// The firmware, as the manifest has it.
    pub target: String,
    /// Path of the manifest, below the folder of the index.
    pub manifest: PortablePath,
    /// SHA-256 of the manifest.
    pub sha256: Sha256Hex,
    /// The number of files that the manifest names.
    pub files: usize,
}

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The text is not JSON, or does not have these fields.
    #[error("the list of targets cannot be read: {}", printable::line(&.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// The index is larger than that of any build.
    #[error("the list of targets is larger than {MAXIMUM_SIZE} bytes or {MAXIMUM_TARGETS} targets")]
    TooLarge,
    /// Two entries are about the same target.
    #[error("the list of targets names `{}` twice", printable::line(name))]
    Twice {
        /// The target, or the path of its manifest.
        name: String,
    },
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    ///
    /// [`IndexError`], with line and column where JSON is at fault. A path that leads out of the folder is an error
    /// too.
    pub fn parse(bytes: &[u8]) -> Result<Index, IndexError> {
        if bytes.len() > MAXIMUM_SIZE {
            return Err(IndexError::TooLarge);
        }
        let index: Index = serde_json::from_slice(bytes)?;
        if index.targets.len() > MAXIMUM_TARGETS {
            return Err(IndexError::TooLarge);
        }
        let mut known = BTreeSet::new();
        let names = |entry: &IndexTarget| [entry.target.clone(), entry.manifest.to_string()];
        match index
            .targets
            .iter()
            .flat_map(names)
            .find(|name| !known.insert(name.clone()))
        {
            Some(name) => Err(IndexError::Twice { name }),
            None => Ok(index),
        }
    }

    /// Returns the bytes of `index.json`: the same for the same content.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Returns whether the listed manifests name the targets of the build: then a manifest without its index is
    /// recognized as incomplete.
    pub fn is_missed(&self) -> bool {
        self.schema >= SCHEMA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_indexes_are_refused() {
        let hash = "0".repeat(64);
        let entry = |target: &str, manifest: &str| {
            format!(
                r#"{{"target":"{target}","manifest":"{manifest}","sha256":"{hash}","files":1}}"#
            )
        };
        let index = |entries: &[String]| {
            let entries = entries.join(",");
            let text = format!(
                r#"{{"version":"1","build_timestamp":"","targets":[{entries}],"schema":2}}"#
            );
            Index::parse(text.as_bytes())
        };
        let whole = index(&[entry("a", "a/manifest.json"), entry("b", "b/manifest.json")]).unwrap();
        assert_eq!(Index::parse(&whole.to_json()).unwrap(), whole);
        let many = (0..101)
            .map(|number| entry(&number.to_string(), &format!("{number}/manifest.json")))
            .collect::<Vec<_>>();
        for (entries, message) in [
            (&many[..], "larger than"),
            (
                &[entry("a", "../manifest.json")],
                "not a path below a folder",
            ),
            (&[entry("a", "a/m"), entry("a", "b/m")], "names `a` twice"),
            (&[entry("a", "a/m"), entry("b", "a/m")], "names `a/m` twice"),
            (
                &[entry("a\",\"target\":\"b", "a/m")],
                "duplicate field `target`",
            ),
        ] {
            let error = index(entries).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let error = Index::parse(&[b' '; MAXIMUM_SIZE + 1]).unwrap_err();
        assert!(error.to_string().contains("larger than"), "{error}");
    }

    #[test]
    fn an_index_of_any_bytes_is_read_or_refused() {
        let hash = Sha256Hex::of(b"");
        let index = Index {
            version: "1".to_owned(),
            build_timestamp: "2026-02-06T10:46:02Z".to_owned(),
            targets: vec![IndexTarget {
                target: "micropython".to_owned(),
                manifest: "micropython/manifest.json".parse().unwrap(),
                sha256: hash,
                files: 3,
            }],
            schema: SCHEMA,
        };
        let bytes = index.to_json();
        assert!(
            index.is_missed()
                && !Index {
                    schema: 1,
                    ..index.clone()
                }
                .is_missed()
        );
        // Only the line end may be missing.
        for end in 0..bytes.len() - 1 {
            assert!(Index::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            if let Ok(read) = Index::parse(&damaged) {
                assert_eq!(Index::parse(&read.to_json()).unwrap(), read, "{at}");
            }
        }
        let error = Index::parse(b"{\"version\": \"\x1b[2J").unwrap_err();
        assert!(!error.to_string().contains('\x1b'), "{error}");
    }
}
