//! From the bytes of a file of version 5 to a module (`mp_raw_code_load`, py/persistentcode.c of MicroPython 1.18).

use std::collections::{HashMap, HashSet};

use super::instruction::{Frame, read as read_instruction};
use super::{NAME_BYTES, STATIC_MARK, WINDOW_SIZE, Window, native_prelude};
use crate::cursor::{Cursor, invalid};
use crate::error::Error;
use crate::header::{FORMER_VERSION, Header};
use crate::line_info::LineInfo;
use crate::module::{ConstObject, Module, Qstr};
use crate::opcode::{OpcodeRow, OperandKind};
use crate::prelude::{Prelude, Signature, read_sizes};
use crate::qstr::StaticQstr;
use crate::raw_code::{
    Bytecode, Code, Kind, LinkKind, Links, NativeCode, NativeLinks, RawCode, StringLink, VIPER_BSS,
    VIPER_RELOCATIONS, VIPER_RODATA, ViperCode,
};
use crate::reader::{
    read_asm, read_complex, read_data, read_float, read_int, read_machine_code, read_relocations,
    read_size, read_viper_flags, viper_code,
};
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
        has_source: false,
        relocated: HashSet::new(),
    };
    // The functions whose children are not complete, and how many are missing.
    let mut open = Vec::new();
    open.push((0, reader.raw_code()?));
    while let Some((parent, left)) = open.pop() {
        if left == 0 {
            reader.relocations(parent)?;
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
    reader.end()
}

struct Reader<'a, 'b> {
    cursor: &'a mut Cursor<'b>,
    module: Module,
    window: Window<u32>,
    /// The strings' indices in the module's table.
    numbers: HashMap<Qstr, u32>,
    /// Whether the source's name was met, which only functions with a prelude have.
    has_source: bool,
    /// The functions behind whose children are relocations.
    relocated: HashSet<usize>,
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
        let (code, n_children) = match kind {
            Kind::Bytecode => self.bytecode(length)?,
            Kind::Native => self.native(length)?,
            Kind::Viper => self.viper(index, length)?,
            Kind::Asm => (Code::Asm(read_asm(self.cursor, length)?), 0),
        };
        self.module.raw_codes.push(RawCode {
            code,
            children: Vec::new(),
        });
        Ok(n_children)
    }

    fn bytecode(&mut self, length: usize) -> Result<(Code, usize), Error> {
        let mut bytecode = self.prelude(length)?;
        self.opcodes(&mut bytecode, length)?;
        let (n_objects, n_children) = self.counts()?;
        bytecode.prelude.arg_names = self.arg_names(&bytecode.prelude.signature)?;
        bytecode.objects = self.objects(n_objects)?;
        Ok((Code::Bytecode(bytecode), n_children))
    }

    fn native(&mut self, length: usize) -> Result<(Code, usize), Error> {
        let code = read_machine_code(self.cursor, length)?;
        let mut strings = self.links(length)?;
        let start = self.cursor.at();
        let prelude_offset = read_size(self.cursor, "prelude offset")?;
        let prelude = code.get(prelude_offset as usize..).unwrap_or_default();
        let signature = native_prelude(prelude)
            .map_err(|_| {
                let found = prelude_offset.to_string();
                invalid(start, "prelude offset", "the offset of a prelude", found)
            })?
            .signature;
        let mut simple_name = self.name("simple name")?;
        let at = self.cursor.at();
        let source = self.name("source name")?;
        if let Some(moved) = self.place_source_name(source, at)? {
            simple_name = exchanged(simple_name, moved);
            for link in &mut strings {
                link.string = exchanged(link.string, moved);
            }
        }
        let (n_objects, n_children) = self.counts()?;
        let arg_names = self.arg_names(&signature)?;
        let objects = self.objects(n_objects)?;
        let code = NativeCode {
            code,
            prelude_offset,
            links: Some(NativeLinks {
                own: Links { strings, objects },
                simple_name,
                arg_names,
            }),
        };
        Ok((Code::Native(code), n_children))
    }

    fn viper(&mut self, index: usize, length: usize) -> Result<(Code, usize), Error> {
        let code = read_machine_code(self.cursor, length)?;
        let strings = self.links(length)?;
        let flags = read_viper_flags(self.cursor)?;
        let (n_objects, n_children) = self.counts()?;
        let mut viper = viper_code(code, flags);
        if flags & VIPER_RODATA != 0 {
            let size = read_size(self.cursor, "read-only data size")? as usize;
            viper.rodata = Some(read_data(self.cursor, size)?);
        }
        if flags & VIPER_BSS != 0 {
            viper.bss_size = Some(read_size(self.cursor, "zeroed data size")?);
        }
        if flags & VIPER_RELOCATIONS != 0 {
            self.relocated.insert(index);
        }
        let objects = self.objects(n_objects)?;
        viper.links = Some(Links { strings, objects });
        Ok((Code::Viper(viper), n_children))
    }

    /// Reads the relocations of a function whose children are complete, if it has some.
    fn relocations(&mut self, index: usize) -> Result<(), Error> {
        if !self.relocated.remove(&index) {
            return Ok(());
        }
        let list = read_relocations(self.cursor, FORMER_VERSION)?;
        if let Some(raw_code) = self.module.raw_codes.get_mut(index)
            && let Code::Viper(viper) = &mut raw_code.code
        {
            viper.relocations = Some(list);
        }
        Ok(())
    }

    /// Reads the places of strings in machine code.
    fn links(&mut self, length: usize) -> Result<Vec<StringLink>, Error> {
        let count = self.cursor.count("number of links", 2)?;
        let mut links = Vec::with_capacity(count);
        for _ in 0..count {
            let start = self.cursor.at();
            let place = self.cursor.vuint("place of a string")?;
            let (offset, kind) = (place >> 2, LinkKind::of(place));
            if offset as usize >= length {
                let expected = format!("below {length}, the length of the code");
                return Err(invalid(
                    start,
                    "place of a string",
                    expected,
                    offset.to_string(),
                ));
            }
            self.cursor
                .note(start, "place of a string", || format!("{offset}, {kind:?}"));
            let string = self.name("string")?;
            links.push(StringLink {
                offset,
                kind,
                string,
            });
        }
        Ok(links)
    }

    /// Reads how many objects and children a function has.
    fn counts(&mut self) -> Result<(usize, usize), Error> {
        let n_objects = self.cursor.count("number of objects", 1)?;
        let n_children = self.cursor.count("number of children", 2)?;
        Ok((n_objects, n_children))
    }

    fn arg_names(&mut self, signature: &Signature) -> Result<Vec<u32>, Error> {
        let mut names = Vec::new();
        for _ in 0..signature.n_args() {
            names.push(self.name("argument name")?);
        }
        Ok(names)
    }

    fn objects(&mut self, count: usize) -> Result<Vec<u32>, Error> {
        let mut objects = Vec::with_capacity(count);
        for _ in 0..count {
            let object = self.object()?;
            objects.push(self.module.objects.len() as u32);
            self.module.objects.push(object);
        }
        Ok(objects)
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
        let moved = self.place_source_name(source, at)?;
        let simple_name = moved.map_or(simple_name, |moved| exchanged(simple_name, moved));
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

    /// Makes the source name of the first function with a prelude number 0; in the others it must be the same. Returns the
    /// number that it had, if it was moved: what has that number now was number 0.
    fn place_source_name(&mut self, source: u32, at: usize) -> Result<Option<u32>, Error> {
        if std::mem::replace(&mut self.has_source, true) {
            return match source {
                0 => Ok(None),
                _ => {
                    let expected = "the same in all functions";
                    let found = show::qstr(&self.module.qstrs, source);
                    Err(invalid(at, "source name", expected, found))
                }
            };
        }
        self.move_to_front(source);
        Ok(Some(source))
    }

    /// Exchanges the string of number 0 with another.
    fn move_to_front(&mut self, number: u32) {
        self.module.qstrs.swap(0, number as usize);
        for index in self.numbers.values_mut().chain(&mut self.window.0) {
            *index = exchanged(*index, number);
        }
        for raw_code in &mut self.module.raw_codes {
            if let Code::Viper(ViperCode {
                links: Some(links), ..
            }) = &mut raw_code.code
            {
                for link in &mut links.strings {
                    link.string = exchanged(link.string, number);
                }
            }
        }
    }

    /// Returns the module. If no function has the source's name, that is empty.
    fn end(mut self) -> Result<Module, Error> {
        if !self.has_source {
            let empty = StaticQstr::from_number(1).map(Qstr::Static);
            let number = self.module.qstrs.len() as u32;
            self.module.qstrs.extend(empty);
            self.move_to_front(number);
        }
        Ok(self.module)
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

/// Returns the number of a string after that of number 0 and another were exchanged.
fn exchanged(number: u32, other: u32) -> u32 {
    match number {
        0 => other,
        _ if number == other => 0,
        _ => number,
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
