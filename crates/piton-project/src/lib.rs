//! Packages for MicroPython boards, settings in `pyproject.toml`, and the cache of compiled modules.
//!
//! # Layout
//!
//! - [`cache`] keeps compiled modules on disk.
//! - [`mip`] reads the packages of MicroPython's package manager.
//! - [`pyproject`] reads the settings for builds that people keep in `pyproject.toml`, [`project`] those for packages.
//! - [`dependency`] is where a dependency of a project comes from, [`version`] which versions of it will do.
//! - [`solve`] chooses a version of each package, [`lock`] is what was chosen, as a file.
//!
//! # Architecture invariants
//!
//! Nothing here knows a board or a terminal. What a server sends is checked before it is used.

pub mod cache;
pub mod dependency;
pub mod lock;
pub mod mip;
pub mod project;
pub mod pyproject;
pub mod solve;
pub mod version;
