//! Communication with MicroPython and CircuitPython boards: bytes, deadlines, the raw REPL, board facts.
//!
//! # Layout
//!
//! There are three layers. Each one uses only the layer below:
//!
//! - **bytes**: a [`transport::Transport`] moves them, within a [`deadline::Deadline`]. It knows no protocol.
//! - **exchanges**: [`repl`] implements the protocol: friendly prompt, raw REPL, raw-paste, exceptions.
//! - **values**: [`facts`] reads the facts of a board, [`literal`] converts Python values both ways.
//!
//! In addition, [`selector`] names a board, [`discovery`] lists the connected boards, [`reopen`] finds a board again,
//! and [`webrepl_files`] transfers files without the REPL.
//!
//! # Architecture invariants
//!
//! This crate does not read files of a user, draw on a terminal, or know packages. Every wait has a deadline. Bytes from
//! a board are not decoded as text.

pub mod deadline;
pub mod discovery;
pub mod error;
pub mod exception;
pub mod facts;
pub mod literal;
pub mod open;
pub mod reopen;
pub mod repl;
pub mod selector;
pub mod stop;
pub mod transport;
pub mod webrepl_files;
pub mod wire_log;
