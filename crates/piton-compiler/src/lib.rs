//! Compiles Python source to MicroPython bytecode, byte for byte what the official compiler
//! `mpy-cross` 1.29 writes.
//!
//! [`compile`] is a pure function: it reads no files, no clock and no environment, and it uses no
//! recursion, so that deeply nested source can't overflow the stack.
//!
//! ```
//! let options = piton_compiler::Options::new("main.py");
//! let module = piton_compiler::compile(b"print('hello')\n", &options)?;
//! let mpy = piton_mpy::writer::write(&module)?;
//! assert_eq!(mpy[..4], [b'M', 6, 0, 31]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//! In the order the data flows: `lexer` makes tokens of bytes, `parse` runs the grammar's rule table
//! over them and folds constants, `compile` walks the tree scope by scope and writes instructions,
//! `scope` decides what names mean, `emit` makes code of the instructions. `interner`, `constants`
//! and `number` hold the strings and values all of them share. `minify` stands apart: from source to
//! smaller source.

mod byte_table;
mod compile;
mod constants;
mod diagnostic;
mod emit;
mod interner;
mod lexer;
mod minify;
mod module;
mod number;
mod options;
mod parse;
mod scope;
mod token;

use piton_mpy::module::Module;

pub use diagnostic::{Diagnostic, ErrorType, Location};
pub use minify::{MinifyOptions, UnclosedBracket, minify, unclosed_bracket};
pub use options::{Emitter, Optimisation, Options, Target};

/// Compiles a source to a module.
///
/// # Errors
/// A [`Diagnostic`] with the official compiler's words if the source is not accepted.
pub fn compile(source: &[u8], options: &Options) -> Result<Module, Diagnostic> {
    module::compile_module(source, options)
}
