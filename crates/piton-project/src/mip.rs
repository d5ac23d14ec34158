//! Packages in the formats of mip, MicroPython's package manager: where they are, what is in them, what they need.
//!
//! # Layout
//!
//! - [`source::Source`] is what a person asks for: `name@1.2`, `github:org/repo`, an address, a folder here.
//! - [`package::PackageJson`] is what a package says of itself; [`manifest_py::ManifestPy`] what a library of
//!   micropython-lib does.
//! - [`resolve::Resolver`] goes from one to the other and on to the packages that are needed, asking its caller for
//!   one document at a time: it opens no connection itself.
//! - [`record::Record`] is what was installed on a board.
//!
//! The formats are described in MicroPython's docs/reference/packages.rst; what mpremote makes of them is in its
//! `mip.py`. Here every path is checked before it is used, every hash after a download, and everything has a limit.

pub mod manifest_py;
pub mod package;
pub mod record;
pub mod resolve;
pub mod source;

/// The index of micropython-lib, which mpremote asks too.
pub const INDEX: &str = "https://micropython.org/pi/v2";

/// Most bytes of a package's description.
pub const DESCRIPTION_LIMIT: u64 = 1 << 20;

/// Most bytes of one file: more than the flash of any board that mip is used with.
pub const FILE_LIMIT: u64 = 32 << 20;
