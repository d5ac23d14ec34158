//! What goes into MicroPython firmware beside the interpreter.
//!
//! # Layout
//!
//! [`romfs`] builds and reads the images of read-only file systems that a board mounts at `/rom`. [`frozen`] makes the C file of
//! frozen modules. [`manifest`] evaluates the
//! Python files that list what is frozen; `python` is the interpreter that they run in.
//!
//! # Architecture invariants
//!
//! Nothing here knows a board or asks a clock: the same input gives the same bytes, anywhere. Files are read through one door,
//! `manifest::disk`, and none is written. Only `python::child` starts a program: the Python that a caller names.

pub mod frozen;
pub mod link;
pub mod manifest;
mod python;
pub mod romfs;
