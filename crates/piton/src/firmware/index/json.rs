//! The JSON of an index, with the bytes of Python's `json.dump`: the order of the names is kept, and only ASCII is written.

use std::fmt;
use std::io;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// The version of `index.json`.
const INDEX_VERSION: u32 = 2;

/// The version of the description of a package.
const PACKAGE_VERSION: u32 = 1;

/// `index.json`
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Index {
    pub(super) packages: Vec<Package>,
    #[serde(default)]
    v: u32,
    #[serde(default)]
    updated: u64,
}

/// A package in `index.json`.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Package {
    pub(super) name: String,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) author: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) license: String,
    #[serde(default)]
    pub(super) versions: Versions,
    #[serde(default)]
    pub(super) path: String,
}

impl Package {
    /// Returns a package of which only the name is known.
    pub(super) fn new(name: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: String::new(),
            author: String::new(),
            description: String::new(),
            license: String::new(),
            versions: Versions::default(),
            path: String::new(),
        }
    }
}

/// The versions of a package for `py` and for each version of `.mpy` files, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Versions(Vec<(String, Vec<String>)>);

impl Versions {
    /// Adds a version. Returns whether it is new.
    pub(super) fn add(&mut self, channel: &str, version: &str) -> bool {
        let place = self.0.iter_mut().find(|(name, _)| name == channel);
        match place {
            Some((_, versions)) if versions.iter().any(|known| known == version) => return false,
            Some((_, versions)) => versions.push(version.to_owned()),
            None => self.0.push((channel.to_owned(), vec![version.to_owned()])),
        }
        true
    }
}

impl Serialize for Versions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (channel, versions) in &self.0 {
            map.serialize_entry(channel, versions)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Versions, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Versions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("lists of versions")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Versions, A::Error> {
                let mut versions = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    versions.push(entry);
                }
                Ok(Versions(versions))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// What is no JSON, or not that of an index.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Index, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Sorts the packages by name, and sets the time in seconds since 1970.
    pub(super) fn finish(&mut self, updated: u64) {
        self.v = INDEX_VERSION;
        self.updated = updated;
        self.packages.sort_by(|one, two| one.name.cmp(&two.name));
    }

    /// Returns the content of the file.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let formatter = PrettyFormatter::with_indent(b"  ");
        to_json(self, Ascii(formatter))
    }
}

/// `latest.json`, or that of a version.
#[derive(Debug, Serialize)]
pub(super) struct PackageFile {
    v: u32,
    /// Paths on the board, each with the hash that names its file.
    pub(super) hashes: Vec<(String, String)>,
    version: String,
}

impl PackageFile {
    /// Returns the description of a package without files.
    pub(super) fn new(version: &str) -> PackageFile {
        PackageFile {
            v: PACKAGE_VERSION,
            hashes: Vec::new(),
            version: version.to_owned(),
        }
    }

    /// Returns the content of the file.
    pub(super) fn to_json(&self) -> Vec<u8> {
        to_json(self, Ascii(CompactFormatter))
    }
}

fn to_json(value: &impl Serialize, formatter: impl Formatter) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Texts, numbers and lists of them always have a text, and memory can be written to.
    let written = value.serialize(&mut serializer);
    debug_assert!(written.is_ok());
    bytes.push(b'\n');
    bytes
}

/// Writes all that is not printable ASCII as `\uXXXX`, as Python does.
struct Ascii<F>(F);

impl<F: Formatter> Formatter for Ascii<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for letter in fragment.chars() {
            if matches!(letter, ' '..='~') {
                write!(writer, "{letter}")?;
                continue;
            }
            for unit in letter.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_keeps_its_order_and_is_ascii() {
        // As Python's json.dump(..., indent=2) writes it.
        let text = "{\n  \"packages\": [\n    {\n      \"name\": \"a\",\n      \"version\": \"1\",\n      \"author\": \"\",\n      \
            \"description\": \"\\u00e9\\u007f\\ud83d\\ude00 \\\"\\\\\\n\",\n      \"license\": \"MIT\",\n      \"versions\": {\n        \
            \"py\": [\n          \"1\"\n        ],\n        \"5\": [],\n        \"6\": [\n          \"0.9\",\n          \"1\"\n        ]\n      },\n      \
            \"path\": \"micropython/a\"\n    },\n    {\n      \"name\": \"b\",\n      \"version\": \"\",\n      \"author\": \"\",\n      \
            \"description\": \"\",\n      \"license\": \"MIT\",\n      \"versions\": {},\n      \"path\": \"b\"\n    }\n  ],\n  \
            \"v\": 2,\n  \"updated\": 1770374762\n}\n";
        let mut index = Index::from_json(text.as_bytes()).unwrap();
        index.packages.reverse();
        index.finish(1_770_374_762);
        assert_eq!(String::from_utf8(index.to_json()).unwrap(), text);
    }
}
