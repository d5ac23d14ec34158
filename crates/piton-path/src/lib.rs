//! Checked paths and hashes: the types that keep everything below its folder.
//!
//! # Layout
//!
//! - [`BoardPath`] is a path on a board, as a person or a program gives it. It is never a path of the host.
//! - [`RelativePath`] is a path below a folder: it has no root, no `..` and no empty name, so it cannot leave the
//!   folder. Names
//!   that exist already, on a board or on this computer, have this type.
//! - [`PortablePath`] is a [`RelativePath`] that somebody else chose (a package, a manifest, an archive): it has the
//!   same meaning
//!   on every file system, and no [reserved name](is_reserved).
//! - [`Sha256Hex`] is a SHA-256 as text.
//!
//! # Architecture invariants
//!
//! Nothing here opens a file. The only ways to make these types check the text, so a function that gets one needs no
//! check.

mod board_path;
mod portable_path;
mod relative_path;
mod sha256;

pub use board_path::{BoardPath, BoardPathError};
pub use portable_path::{PortablePath, PortablePathError, is_reserved};
pub use relative_path::{RelativePath, RelativePathError};
pub use sha256::{Sha256Hex, Sha256HexError};
