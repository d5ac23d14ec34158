//! Packages in the formats of mip, MicroPython's package manager: their sources, files and dependencies.
//!
//! # Layout
//!
//! - [`source::Source`] names a package or a file, as a person writes it: `name@1.2`, `github:org/repo`, an address,
//!   a folder of this computer.
//! - [`package::PackageJson`] is the description of a package; [`manifest_py::ManifestPy`] that of a library of
//!   micropython-lib.
//! - [`resolve::Resolver`] finds all packages that a package needs. It asks its caller for one document at a time and
//!   opens
//!   no connection itself.
//! - [`record::Record`] is the list of the packages that are installed on a board.
//!
//! The formats are described in MicroPython's docs/reference/packages.rst; mpremote's reading of them is in its
//! `mip.py`. Every path is checked before it is used, every hash after a download, and all sizes and counts have
//! limits.

pub mod manifest_py;
pub mod package;
pub mod record;
pub mod resolve;
pub mod source;

/// The index of micropython-lib, the default of mpremote too.
pub const INDEX: &str = "https://micropython.org/pi/v2";

/// Maximum size of a package's description, in bytes.
pub const DESCRIPTION_LIMIT: u64 = 1 << 20;

/// Maximum size of one file, in bytes: more than the flash of any board that mip is used with.
pub const FILE_LIMIT: u64 = 32 << 20;
