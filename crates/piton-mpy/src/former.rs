//! Files of version 5, for MicroPython 1.12 to 1.18 and CircuitPython 7 and 8.
//!
//! They hold the same functions in another layout. Strings have no table: each stands where it is used, as a number if it
//! is static, as a place in a window of the last 32, or spelled out. Each function has constants and children of its
//! own, which its instructions number together, after its arguments. Jumps have an offset of two bytes.
//!
//! In a [`Module`](crate::module::Module) the strings are a table nevertheless: where a loaded function has the number of a
//! string, two bytes with the low one first, the instructions in [`Bytecode::opcodes`](crate::raw_code::Bytecode) have its
//! index there.
//!
//! Facts come from `py/persistentcode.c` and `py/emitbc.c` of MicroPython 1.12 and 1.18.

use crate::cursor::Cursor;
use crate::error::Error;
use crate::line_info::LineInfo;
use crate::prelude::{Prelude, Signature, read_sizes};

mod instruction;
mod reader;
mod writer;

pub(crate) use instruction::{Frame, instructions};
pub(crate) use reader::read_module;
pub(crate) use writer::write;

/// Reads the prelude in the machine code of a native function. The names are not in it.
pub(crate) fn native_prelude(bytes: &[u8]) -> Result<Prelude, Error> {
    let mut cursor = Cursor::new(bytes);
    let signature = Signature::read(&mut cursor)?;
    let (n_info, n_cell) = read_sizes(&mut cursor)?;
    cursor.take(n_info, "names")?;
    Ok(Prelude {
        signature,
        simple_name: 0,
        arg_names: Vec::new(),
        line_info: LineInfo::new(),
        cells: cursor.take(n_cell, "cells")?.to_vec(),
    })
}

/// How many strings the window holds (`QSTR_WINDOW_SIZE`).
const WINDOW_SIZE: usize = 32;

/// What stands in front of a new string's length, and what a static qstr begins with.
const STATIC_MARK: u8 = 0;

/// Bytes that the names of a function and of its source take in a loaded function.
const NAME_BYTES: usize = 4;

/// The last strings of a file, the newest first.
#[derive(Debug)]
struct Window<T>(Vec<T>);

impl<T: PartialEq> Window<T> {
    fn new() -> Window<T> {
        Window(Vec::new())
    }

    /// Moves a string that is in the window to its front. Returns where it was.
    fn find(&mut self, text: &T) -> Option<usize> {
        let place = self.0.iter().position(|known| known == text)?;
        self.pull(place);
        Some(place)
    }

    /// Moves what is at a place to the front.
    fn pull(&mut self, place: usize) -> Option<&T> {
        if place >= self.0.len() {
            return None;
        }
        let text = self.0.remove(place);
        self.0.insert(0, text);
        self.0.first()
    }

    fn push(&mut self, text: T) {
        self.0.truncate(WINDOW_SIZE - 1);
        self.0.insert(0, text);
    }
}
