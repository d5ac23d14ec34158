//! Talks to MicroPython and CircuitPython boards: bytes, deadlines, the raw REPL, board facts.
//!
//! # Layout
//!
//! Three layers, each knowing only the one below:
//!
//! - **bytes**: a [`transport::Transport`] moves them, within a [`deadline::Deadline`]. It knows no protocol.
//! - **exchange**: [`repl`] gives the bytes their meaning: friendly prompt, raw REPL, raw-paste, exceptions.
//! - **meaning**: [`facts`] (what board is this), [`literal`] (Python values both ways).
//!
//! Beside them, [`selector`] names a board, [`discovery`] lists what is plugged in, [`reopen`] finds a board again,
//! and [`webrepl_files`] moves files beside the REPL.
//!
//! # Architecture invariants
//!
//! Nothing here reads a user's files, draws on a terminal, or knows what a package is. Nothing here
//! waits without a deadline. What a board sends stays bytes: no text decoding on the way.

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
