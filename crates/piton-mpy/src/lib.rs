//! The `.mpy` container of MicroPython, versions 5 and 6: model, reader, writer and tables.
//!
//! A `.mpy` file holds one compiled Python module: a header, a table of interned strings (qstrs), a
//! table of constant objects, and a tree of raw codes (one for the module, one for each function,
//! class body, lambda and comprehension in it).
//!
//! - [`reader::read`] turns bytes into a [`module::Module`], [`writer::write`] turns it back. What is
//!   accepted is written back byte for byte.
//! - [`disassembly`] shows what a module does, [`hexdump`] what each byte of a file means, [`merge`]
//!   joins several modules into one.
//! - [`imports`] lists the modules that a module imports.
//! - [`opcode`], [`qstr`], [`prelude`], [`line_info`] and [`vuint`] are the tables and codecs that a
//!   compiler needs as well, [`fun_table`] is one that a linker needs.
//!
//! ```
//! // What the official compiler makes of `x = 1` in `a.py`.
//! let file = b"M\x06\x00\x1f\x03\x00\x08a.py\0\x0f\x02x\0\x40\x00\x02\x01\x81\x16\x02\x51\x63";
//! let module = piton_mpy::reader::read(file)?;
//! assert_eq!(module.source_name(), Some(&b"a.py"[..]));
//! assert_eq!(piton_mpy::writer::write(&module)?, file);
//!
//! let listing = piton_mpy::disassembly::disassemble(&module);
//! let names: Vec<_> = listing.raw_codes[0].instructions.iter().map(|found| found.name).collect();
//! assert_eq!(names, ["LOAD_CONST_SMALL_INT", "STORE_NAME", "LOAD_CONST_NONE", "RETURN_VALUE"]);
//! # Ok::<(), piton_mpy::error::Error>(())
//! ```
//!
//! Facts come from MicroPython 1.29: `py/persistentcode.c`, `py/bc.h`, `py/bc0.h`, `py/emitbc.c`
//! and `py/makeqstrdata.py` at commit 1c3c201.
//!
//! Nothing here reads a file, a clock or the environment, and no input can make it panic.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod disassembly;
pub mod error;
pub mod fun_table;
pub mod header;
pub mod hexdump;
pub mod imports;
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
mod former;
mod show;
