//! What is pinned: `pins.toml` and `requirements.txt` as data.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

const PINS: &str = include_str!("../pins.toml");

/// The Python packages of the peers with everything they depend on, in pip's requirements format: each
/// with its version and the SHA-256 of every file that the registry offers for it.
pub const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// All pinned programs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// Builds of the virtual board's machine, the default one first.
    pub vm: Vec<Vm>,
    /// Programs and data from Debian's archive.
    pub debian: Vec<DebianPackage>,
    /// Those that Debian has for amd64 alone.
    pub debian_amd64: Vec<DebianPackage>,
    /// The tools that Piton replaces, from the Python package registry.
    pub peer: Vec<Peer>,
}

/// A build of MicroPython for WebAssembly, the virtual board's machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vm {
    /// Version of the npm package.
    pub version: String,
    /// Name of the npm package.
    pub package: String,
    /// SHA-512 of the package's archive, hexadecimal.
    pub sha512: String,
    /// Path of the VM file in the archive.
    pub file: String,
    /// SHA-256 of the VM file, hexadecimal.
    pub sha256: String,
}

/// A package of Debian's archive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DebianPackage {
    /// Name of the package.
    pub name: String,
    /// Code name of the release that it is taken from.
    pub release: String,
    /// Version as Debian writes it, with epoch and revision.
    pub version: String,
    /// Whether another version than the pinned one is accepted, with a notice.
    pub successors: bool,
    /// The program's path under the folder that the package is unpacked in; `None` for mere data.
    pub executable: Option<String>,
    /// Files and folders that are kept beside the program and its libraries.
    #[serde(default)]
    pub data: Vec<String>,
    /// Folders with libraries under the architecture's usual one.
    #[serde(default)]
    pub library_folders: Vec<String>,
    /// SHA-256 of the package file, hexadecimal, for each architecture.
    pub sha256: BTreeMap<String, String>,
}

impl DebianPackage {
    /// The package file's SHA-256 on an architecture (`dpkg --print-architecture`), if it is pinned.
    pub fn sha256(&self, architecture: &str) -> Option<&str> {
        (self.sha256.get(architecture))
            .or_else(|| self.sha256.get("all"))
            .map(String::as_str)
    }

    /// The version without the epoch: no colon, as a path in a library search list needs it.
    pub fn version_without_epoch(&self) -> &str {
        self.version
            .split_once(':')
            .map_or(self.version.as_str(), |(_, version)| version)
    }
}

/// A Python package whose command the tests compare Piton with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The pinned programs of this source tree.
pub fn pins() -> &'static Pins {
    static PARSED: OnceLock<Pins> = OnceLock::new();
    PARSED.get_or_init(|| match toml_edit::de::from_str(PINS) {
        Ok(pins) => pins,
        Err(error) => panic!("crates/test-programs/pins.toml: {error}"),
    })
}
