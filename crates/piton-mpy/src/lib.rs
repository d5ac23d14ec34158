//! The `.mpy` container of MicroPython, version 6: model, reader, writer and tables.
//!
//! A `.mpy` file holds one compiled Python module: a header, a table of interned strings (qstrs), a
//! table of constant objects, and a tree of raw codes (one for the module, one for each function,
//! class body, lambda and comprehension in it).
//!
//! - `reader::read` turns bytes into a [`module::Module`], [`writer::write`] turns it back. A file
//!   that is accepted is written back byte for byte.
//! - [`opcode`], [`qstr`], [`prelude`], [`line_info`] and [`vuint`] are the tables and codecs that a
//!   compiler needs as well.
//!
//! Facts come from MicroPython 1.29: `py/persistentcode.c`, `py/bc.h`, `py/bc0.h`, `py/emitbc.c`
//! and `py/makeqstrdata.py` at commit 1c3c201.
//!
//! Nothing here reads a file, a clock or the environment, and no input can make it panic.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod disassembly;
pub mod error;
pub mod header;
pub mod hexdump;
pub mod instruction;
pub mod line_info;
pub mod merge;
pub mod module;
pub mod opcode;
pub mod prelude;
pub mod qstr;
pub mod raw_code;
pub mod reader;
pub mod vuint;
pub mod writer;

mod cursor;
mod show;
