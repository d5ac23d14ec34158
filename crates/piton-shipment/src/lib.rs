//! The files that describe and carry a build: manifest, index of several targets, archives, signatures.
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
//! Nothing here knows a board or a terminal. Input is checked before it is used: paths are
//! [`piton_path::PortablePath`], sizes and counts have limits, and no message contains a control character of the
//! input.

pub mod archive;
pub mod index;
pub mod manifest;
pub mod signature;
pub mod timestamp;
pub mod version;
