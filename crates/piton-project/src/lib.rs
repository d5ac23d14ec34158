//! Packages for MicroPython boards, settings in `pyproject.toml`, and the cache of compiled modules.
//!
//! # Layout
//!
//! - [`cache`] keeps compiled modules on disk.
//! - [`mip`] reads the packages of MicroPython's package manager.
//! - [`pyproject`] reads the settings that people keep in `pyproject.toml`.
//!
//! # Architecture invariants
//!
//! Nothing here knows a board or a terminal. What a server sends is checked before it is used.

pub mod cache;
pub mod mip;
pub mod pyproject;
