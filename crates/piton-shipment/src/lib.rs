//! What a build ships: its manifest, its archives, the index of several builds, and what is signed of them.
//!
//! # Layout
//!
//! - [`manifest`] is `manifest.json`, the list of a build's files; [`index`] lists the builds of several targets.
//! - [`archive`] reads and writes `.tar.gz` and `.zip` files that are the same bytes for the same content.
//! - [`signature`] signs and checks in minisign's format.
//! - [`version`] orders versions, [`timestamp`] is the date of a build.
//!
//! # Architecture invariants
//!
//! Nothing here knows a board or a terminal. What others wrote is checked before anything is made of it: paths are
//! [`piton_path::PortablePath`], sizes and counts have limits, and a message never holds a control character of theirs.

pub mod archive;
pub mod index;
pub mod manifest;
pub mod signature;
pub mod timestamp;
pub mod version;
