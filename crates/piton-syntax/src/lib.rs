//! Reads Python source as MicroPython 1.29 does: tokens, parse trees with folded constants, numbers, and the official
//! error messages. Removes comments and white space from a source.
//!
//! Nothing here reads files, the clock or the environment, and nothing recurses with the depth of a source.
//!
//! ```
//! use piton_syntax::{MinifyOptions, minify};
//!
//! let source = b"x = 1  # one\n";
//! assert_eq!(minify(source, &MinifyOptions::default()).unwrap(), b"x=1\n");
//! ```
//!
//! # Layout
//! In the order the data flows: `lexer` makes tokens of bytes, `parse` runs the grammar's rule table over them and
//! folds constants. `interner`, `constants` and `number` hold the strings and values of the tree. `diagnostic` has the
//! errors.
//!
//! `scan` splits a source into the text of its tokens, by the rules of both MicroPython and CPython. It is used by
//! `minify` (from source to smaller source, and where brackets are not closed) and `script` (assignments and calls with
//! literals, read without running them). `functions` lists what a module defines, from the parse tree.

mod byte_table;
pub mod constants;
pub mod diagnostic;
pub mod functions;
pub mod interner;
pub mod lexer;
pub mod minify;
pub mod number;
pub mod parse;
mod scan;
pub mod script;
pub mod target;
pub mod token;

pub use diagnostic::{Diagnostic, DiagnosticCode, ErrorType, Location};
pub use functions::{Function, functions};
pub use minify::{MinifyOptions, UnclosedBracket, minify, unclosed_bracket};
pub use target::{Rules, Target};
