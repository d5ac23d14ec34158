//! From the bytes of a file of version 5 to a module (`mp_raw_code_load`, py/persistentcode.c of MicroPython 1.18).

use std::collections::HashMap;

use super::instruction::{Frame, read as read_instruction};
use super::{NAME_BYTES, STATIC_MARK, WINDOW_SIZE, Window};
use crate::cursor::{Cursor, invalid};
use crate::error::Error;
use crate::header::Header;
use crate::line_info::LineInfo;
use crate::module::{ConstObject, Module, Qstr};
use crate::opcode::{OpcodeRow, OperandKind};
use crate::prelude::{Prelude, Signature, read_sizes};
use crate::qstr::StaticQstr;
use crate::raw_code::{Bytecode, Code, Kind, RawCode};
use crate::reader::{read_complex, read_float, read_int};
use crate::show;

/// Reads everything after the four bytes of the header.
pub(crate) fn read_module(cursor: &mut Cursor<'_>, header: Header) -> Result<Module, Error> {
    let start = cursor.at();
    let size = cursor.vuint("window size")?;
    if size as usize != WINDOW_SIZE {
        let expected = format!("{WINDOW_SIZE}");
        return Err(invalid(start, "window size", expected, size.to_string()));
    }
    cursor.note(start, "window size", || size.to_string());
    let mut reader = Reader {
        cursor,
        module: Module {
            header,
            qstrs: Vec::new(),
            objects: Vec::new(),
            raw_codes: Vec::new(),
        },
        window: Window::new(),
        numbers: HashMap::new(),
    };
    // The functions whose children are not complete, and how many are missing.
    let mut open = Vec::new();
    open.push((0, reader.raw_code()?));
    while let Some((parent, left)) = open.pop() {
        if left == 0 {
            continue;
        }
        open.push((parent, left - 1));
        let child = reader.module.raw_codes.len();
        if let Some(parent) = reader.module.raw_codes.get_mut(parent) {
            parent.children.push(child);
        }
        let children = reader.raw_code()?;
        open.push((child, children));
    }
    Ok(reader.module)
}

struct Reader<'a, 'b> {
    cursor: &'a mut Cursor<'b>,
    module: Module,
    window: Window<u32>,
    /// The strings' indices in the module's table.
    numbers: HashMap<Qstr, u32>,
}

impl Reader<'_, '_> {
    /// Reads a function up to its children. Returns how many it has.
    fn raw_code(&mut self) -> Result<usize, Error> {
        let index = self.module.raw_codes.len();
        let start = self.cursor.at();
        let head = self.cursor.vuint("raw code head")?;
        let length = head as usize >> 2;
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.number() == head & 3)
            .unwrap_or(Kind::Bytecode);
        self.cursor.note(start, "raw code", || {
            format!("{index}: {}, {length} bytes", kind.name())
        });
        if kind != Kind::Bytecode {
            let expected = "bytecode: machine code of version 5 is not read";
            return Err(invalid(start, "raw code", expected, kind.name()));
        }
        let mut bytecode = self.prelude(length)?;
        self.opcodes(&mut bytecode, length)?;
        let n_objects = self.cursor.count("number of objects", 1)?;
        let n_children = self.cursor.count("number of children", 2)?;
        for _ in 0..bytecode.prelude.signature.n_args() {
            let name = self.name("argument name")?;
            bytecode.prelude.arg_names.push(name);
        }
        for _ in 0..n_objects {
            let object = self.object()?;
            bytecode.objects.push(self.module.objects.len() as u32);
            self.module.objects.push(object);
        }
        self.module.raw_codes.push(RawCode {
            code: Code::Bytecode(bytecode),
            children: Vec::new(),
        });
        Ok(n_children)
    }

    /// Reads a prelude, but for the names of its arguments, which come after the instructions.
    fn prelude(&mut self, length: usize) -> Result<Bytecode, Error> {
        let start = self.cursor.at();
        let signature = Signature::read(self.cursor)?;
        let (n_info, n_cell) = read_sizes(self.cursor)?;
        let head = self.cursor.at() - start;
        let lines = n_info
            .checked_sub(NAME_BYTES + 1)
            .filter(|_| head + n_info + n_cell <= length)
            .ok_or_else(|| {
                let expected = format!("names and lines in {length} bytes");
                invalid(start, "prelude sizes", expected, n_info.to_string())
            })?;
        let simple_name = self.name("simple name")?;
        let at = self.cursor.at();
        let source = self.name("source name")?;
        let simple_name = self.place_source_name(source, simple_name, at)?;
        let at = self.cursor.at();
        let broken = |found: &str| invalid(at, "line table", "whole entries and a zero", found);
        let encoded = self.cursor.take(lines, "line table")?;
        let line_info = LineInfo::from_encoded(encoded).ok_or_else(|| broken("half an entry"))?;
        self.cursor
            .note(at, "line table", || format!("{lines} bytes"));
        let end = self.cursor.byte("end of the line table")?;
        if end != 0 {
            return Err(broken("no zero"));
        }
        let at = self.cursor.at();
        let cells = self.cursor.take(n_cell, "cells")?.to_vec();
        if n_cell > 0 {
            self.cursor
                .note(at, "cells", || format!("locals {cells:?}"));
        }
        Ok(Bytecode {
            prelude: Prelude {
                signature,
                simple_name,
                arg_names: Vec::new(),
                line_info,
                cells,
            },
            opcodes: Vec::new(),
            objects: Vec::new(),
        })
    }

    /// Makes the source name of the module's own function number 0; in the others it must be the same. Returns the number
    /// of the simple name then.
    fn place_source_name(&mut self, source: u32, simple: u32, at: usize) -> Result<u32, Error> {
        let is_root = self.module.raw_codes.is_empty();
        match source {
            0 => Ok(simple),
            1 if is_root => {
                // The simple name was read first.
                self.module.qstrs.swap(0, 1);
                for index in self.numbers.values_mut().chain(&mut self.window.0) {
                    *index ^= 1;
                }
                Ok(1)
            }
            _ => {
                let expected = "the same in all functions";
                let found = show::qstr(&self.module.qstrs, source);
                Err(invalid(at, "source name", expected, found))
            }
        }
    }

    /// Reads the instructions and puts indices in place of the strings.
    fn opcodes(&mut self, bytecode: &mut Bytecode, length: usize) -> Result<(), Error> {
        let prelude = &bytecode.prelude;
        let lines = prelude.line_info.encoded().len();
        let mut head = Vec::new();
        prelude.signature.push(&mut head);
        crate::prelude::push_sizes(&mut head, NAME_BYTES + lines + 1, prelude.cells.len());
        let before = head.len() + NAME_BYTES + lines + 1 + prelude.cells.len();
        let wanted = length.saturating_sub(before);
        let frame_header = self.module.header;
        let start = self.cursor.at();
        while bytecode.opcodes.len() < wanted {
            let at = self.cursor.at();
            let byte = self.cursor.byte("opcode")?;
            let is_name = OpcodeRow::of(byte).is_some_and(|row| row.operand == OperandKind::Qstr);
            if is_name {
                let name = self.name("qstr")?;
                let name = u16::try_from(name)
                    .map_err(|_| invalid(at, "qstr", "at most 65536 strings", "more"))?;
                bytecode.opcodes.push(byte);
                bytecode.opcodes.extend_from_slice(&name.to_le_bytes());
                let frame = Frame::of(bytecode, &frame_header);
                if frame.caches(byte) {
                    let cache = self.cursor.byte("lookup cache")?;
                    bytecode.opcodes.push(cache);
                }
                continue;
            }
            let end = at + 1;
            let frame = Frame::of(bytecode, &frame_header);
            // Everything else stands as it is in a loaded function.
            let taken = self.cursor.revisit(at..usize::MAX, |cursor| {
                let begin = cursor.at();
                read_instruction(cursor, &frame).map(|_| cursor.at() - begin)
            })?;
            bytecode.opcodes.push(byte);
            let rest = self
                .cursor
                .take((at + taken).saturating_sub(end), "operand")?;
            bytecode.opcodes.extend_from_slice(rest);
        }
        self.cursor.note(start, "opcodes", String::new);
        if bytecode.opcodes.len() != wanted {
            let expected = format!("{wanted} bytes");
            let found = bytecode.opcodes.len().to_string();
            return Err(invalid(start, "opcodes", expected, found));
        }
        Ok(())
    }

    /// Reads a string; returns its index in the module's table.
    fn name(&mut self, field: &'static str) -> Result<u32, Error> {
        let start = self.cursor.at();
        let number = self.cursor.vuint(field)?;
        let index = if number == u32::from(STATIC_MARK) {
            let number = self.cursor.byte(field)?;
            let found = StaticQstr::from_number(number.into()).ok_or_else(|| {
                invalid(
                    start,
                    field,
                    "a static qstr from 1 to 165",
                    number.to_string(),
                )
            })?;
            self.index_of(Qstr::Static(found))
        } else if number & 1 == 1 {
            let place = number as usize >> 1;
            *self
                .window
                .pull(place)
                .ok_or_else(|| invalid(start, field, "a string in the window", place.to_string()))?
        } else {
            let text = self.cursor.take(number as usize >> 1, field)?.to_vec();
            let index = self.index_of(Qstr::New(text));
            self.window.push(index);
            index
        };
        let qstrs = &self.module.qstrs;
        self.cursor.note(start, field, || show::qstr(qstrs, index));
        Ok(index)
    }

    fn index_of(&mut self, qstr: Qstr) -> u32 {
        let next = self.module.qstrs.len() as u32;
        let index = *self.numbers.entry(qstr.clone()).or_insert(next);
        if index == next {
            self.module.qstrs.push(qstr);
        }
        index
    }

    fn object(&mut self) -> Result<ConstObject, Error> {
        let start = self.cursor.at();
        let letter = self.cursor.byte("object letter")?;
        let object = match Letter::of(letter).ok_or_else(|| {
            let found = show::text(&[letter]);
            invalid(start, "object letter", "one of e, s, b, i, f and c", found)
        })? {
            Letter::Str => ConstObject::Str(self.string()?),
            Letter::Bytes => ConstObject::Bytes(self.string()?),
            Letter::Int => read_int(self.cursor)?,
            Letter::Float => read_float(self.cursor)?,
            Letter::Complex => read_complex(self.cursor)?,
            Letter::Ellipsis => ConstObject::Ellipsis,
        };
        self.cursor
            .note(start, object.tag().name(), || show::object(&object));
        Ok(object)
    }

    fn string(&mut self) -> Result<Vec<u8>, Error> {
        let length = self.cursor.vuint("string length")? as usize;
        Ok(self.cursor.take(length, "string")?.to_vec())
    }
}

/// What the letter in front of an object says.
enum Letter {
    Ellipsis,
    Str,
    Bytes,
    Int,
    Float,
    Complex,
}

impl Letter {
    fn of(letter: u8) -> Option<Letter> {
        Some(match letter {
            b'e' => Letter::Ellipsis,
            b's' => Letter::Str,
            b'b' => Letter::Bytes,
            b'i' => Letter::Int,
            b'f' => Letter::Float,
            b'c' => Letter::Complex,
            _ => return None,
        })
    }
}
