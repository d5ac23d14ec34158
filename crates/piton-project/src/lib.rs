//! Packages for MicroPython boards: where they come from, what they hold, and the cache of what was made from them.
//!
//! # Layout
//!
//! - [`cache`] keeps what was compiled.
//! - [`mip`] knows the packages of MicroPython's package manager.
//! - [`pyproject`] reads the settings that people keep in `pyproject.toml`.
//!
//! # Architecture invariants
//!
//! Nothing here knows a board or a terminal. What a server sends is checked before anything is made of it.

pub mod cache;
pub mod mip;
pub mod pyproject;
