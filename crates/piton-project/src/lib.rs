//! Packages for MicroPython boards: where they come from, what they hold, and the cache of what was made from them.
//!
//! # Architecture invariants
//!
//! Nothing here knows a board or a terminal. What a server sends is checked before anything is made of it.

pub mod cache;
pub mod relative_path;
