//! What is pinned: `pins.toml` and `requirements.txt` as data.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

const PINS: &str = include_str!("../pins.toml");

/// A Python virtual environment that the set-up makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// The tools that Piton replaces.
    Peers,
    /// The emulator of the RP2040.
    Emulator,
    /// What the Python package is built, tested and checked with.
    Tools,
    /// What builds a release for other systems. No test needs it: `cargo xtask dist` makes it.
    Release,
}

impl Environment {
    /// Its packages with everything they depend on, in pip's requirements format: each with its version and the SHA-256
    /// of every file that the registry offers for it.
    pub fn requirements(self) -> &'static str {
        match self {
            Environment::Peers => include_str!("../requirements.txt"),
            Environment::Emulator => include_str!("../requirements-emulator.txt"),
            Environment::Tools => include_str!("../requirements-tools.txt"),
            Environment::Release => include_str!("../requirements-release.txt"),
        }
    }
}

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
    pub peer: Vec<PythonPackage>,
    /// The emulator of the RP2040, from the same registry.
    pub emulator: Vec<PythonPackage>,
    /// What the Python package is built, tested and checked with, from the same registry.
    pub python_tool: Vec<PythonPackage>,
    /// Files out of that registry's wheels.
    pub wheel: Vec<WheelPackage>,
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
    /// Returns the package file's SHA-256 on an architecture (`dpkg --print-architecture`), if it is pinned.
    pub fn sha256(&self, architecture: &str) -> Option<&str> {
        (self.sha256.get(architecture))
            .or_else(|| self.sha256.get("all"))
            .map(String::as_str)
    }

    /// Returns the version without the epoch: no colon, as a path in a library search list needs it.
    pub fn version_without_epoch(&self) -> &str {
        self.version
            .split_once(':')
            .map_or(self.version.as_str(), |(_, version)| version)
    }
}

/// A Python package of which the set-up keeps some files and installs nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelPackage {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The only system that the files run on, as [`std::env::consts::OS`] has it; `None` for every one.
    pub system: Option<String>,
    /// The only machine that they run on, as [`std::env::consts::ARCH`] has it; `None` for every one.
    pub machine: Option<String>,
    /// What is kept, each file from a wheel of its own.
    pub file: Vec<WheelFile>,
}

/// A file of a wheel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelFile {
    /// SHA-256 of the wheel, hexadecimal.
    pub wheel_sha256: String,
    /// Which of the release's wheels it is; `None` if there is one for all.
    pub tag: Option<WheelTag>,
    /// Path of the file in the wheel.
    pub member: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

/// The part of a wheel's name that the others of its release do not have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelTag {
    /// Version of CPython without the dot, such as `311`.
    pub python: String,
    /// Platform as pip calls it, such as `manylinux_2_28_x86_64`.
    pub platform: String,
}

impl WheelPackage {
    /// Returns whether the files are of use on the machine that this crate is built for.
    pub fn is_for_this_machine(&self) -> bool {
        let is = |wanted: &Option<String>, here: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == here)
        };
        is(&self.system, std::env::consts::OS) && is(&self.machine, std::env::consts::ARCH)
    }
}

impl WheelFile {
    /// Name under which the file is kept: that which it has in the wheel, without folders.
    pub fn name(&self) -> &str {
        self.member
            .rsplit_once('/')
            .map_or(self.member.as_str(), |(_, name)| name)
    }
}

/// A Python package that is installed for its command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonPackage {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Returns the pinned programs of this source tree.
pub fn pins() -> &'static Pins {
    static PARSED: OnceLock<Pins> = OnceLock::new();
    PARSED.get_or_init(|| match toml_edit::de::from_str(PINS) {
        Ok(pins) => pins,
        Err(error) => panic!("crates/test-programs/pins.toml: {error}"),
    })
}
