//! What goes into MicroPython firmware beside the interpreter.
//!
//! # Layout
//!
//! [`romfs`] builds and reads the images of read-only file systems that a board mounts at `/rom`.
//!
//! # Architecture invariants
//!
//! Nothing here opens a file, knows a board or asks a clock: the same input gives the same bytes, anywhere.

pub mod romfs;
