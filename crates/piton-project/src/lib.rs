//! Packages for MicroPython boards: where they come from, what they hold, and the cache of what was made from them.
//!
//! # Layout
//!
//! - [`manifest`] is `manifest.json` of a build, [`index`] the list of several, [`archive`] its archives, [`signature`] what
//!   is signed of it, [`version`] the order of versions.
//! - [`cache`] keeps what was compiled.
//! - [`mip`] knows the packages of MicroPython's package manager.
//! - [`pyproject`] reads the settings that people keep in `pyproject.toml`.
//! - [`relative_path`] checks paths that strangers give us, [`timestamp`] writes dates.
//!
//! # Architecture invariants
//!
//! Nothing here knows a board or a terminal. What a server sends is checked before anything is made of it.

pub mod archive;
pub mod cache;
pub mod index;
pub mod manifest;
pub mod mip;
pub mod pyproject;
pub mod relative_path;
pub mod signature;
pub mod timestamp;
pub mod version;
