//! From a module to the bytes of a file of version 5 (`mp_raw_code_save`, py/persistentcode.c of MicroPython 1.18).

use super::{Frame, NAME_BYTES, STATIC_MARK, WINDOW_SIZE, Window, instructions};
use crate::error::Error;
use crate::header::FORMER_VERSION;
use crate::instruction::Operand;
use crate::module::{ConstObject, Module, Qstr};
use crate::prelude::push_sizes;
use crate::raw_code::{Bytecode, Code, Kind, NativeCode, RawCode, StringLink, ViperCode};
use crate::vuint;
use crate::writer::{
    at_most, check_prelude, push_asm_data, push_count, push_length, push_relocations, viper_flags,
};

/// Writes everything after the four bytes of the header.
pub(crate) fn write(out: &mut Vec<u8>, module: &Module) -> Result<(), Error> {
    push_count(out, "window size", WINDOW_SIZE)?;
    let mut writer = Writer {
        out,
        module,
        window: Window::new(),
    };
    let mut reached = vec![false; module.raw_codes.len()];
    // The next one last; a function comes again behind its children.
    let mut left = vec![(0, false)];
    while let Some((index, is_complete)) = left.pop() {
        let (Some(raw_code), Some(seen)) = (module.raw_codes.get(index), reached.get_mut(index))
        else {
            return Err(Error::NotATree {
                raw_code: index,
                problem: "missing",
            });
        };
        if is_complete {
            push_relocations(writer.out, index, &raw_code.code, FORMER_VERSION)?;
            continue;
        }
        if std::mem::replace(seen, true) {
            return Err(Error::NotATree {
                raw_code: index,
                problem: "reached twice",
            });
        }
        writer.raw_code(index, raw_code)?;
        left.push((index, true));
        let children = raw_code.children.iter().rev();
        left.extend(children.map(|&child| (child, false)));
    }
    match reached.iter().position(|seen| !seen) {
        Some(raw_code) => Err(Error::NotATree {
            raw_code,
            problem: "not reached",
        }),
        None => Ok(()),
    }
}

/// The error of machine code that is not for version 5.
fn no_links(raw_code: usize) -> Error {
    Error::Inconsistent {
        raw_code,
        field: "links",
        expected: "those of machine code of version 5".into(),
        found: "none".into(),
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    module: &'a Module,
    window: Window<&'a Qstr>,
}

impl<'a> Writer<'a> {
    /// Writes a function up to its children.
    fn raw_code(&mut self, index: usize, raw_code: &'a RawCode) -> Result<(), Error> {
        let children = raw_code.children.len();
        match &raw_code.code {
            Code::Bytecode(bytecode) => self.bytecode(index, bytecode, children),
            Code::Native(native) => self.native(index, native, children),
            Code::Viper(viper) => self.viper(index, viper, children),
            Code::Asm(asm) => {
                self.machine_code(Kind::Asm, &asm.code)?;
                push_asm_data(self.out, asm);
                Ok(())
            }
        }
    }

    fn bytecode(
        &mut self,
        index: usize,
        bytecode: &'a Bytecode,
        children: usize,
    ) -> Result<(), Error> {
        let prelude = &bytecode.prelude;
        check_prelude(index, prelude)?;
        let mut head = Vec::new();
        prelude.signature.push(&mut head);
        let lines = prelude.line_info.encoded();
        push_sizes(&mut head, NAME_BYTES + lines.len() + 1, prelude.cells.len());
        let length = head.len()
            + NAME_BYTES
            + lines.len()
            + 1
            + prelude.cells.len()
            + bytecode.opcodes.len();
        push_length(self.out, "raw code length", length, 2, 0)?;
        self.out.extend_from_slice(&head);
        self.name(index, prelude.simple_name)?;
        self.name(index, 0)?;
        self.out.extend_from_slice(lines);
        // The end of the lines.
        self.out.push(0);
        self.out.extend_from_slice(&prelude.cells);
        self.opcodes(index, bytecode)?;
        self.counts(&bytecode.objects, children)?;
        self.names(index, &prelude.arg_names)?;
        self.objects(index, &bytecode.objects)
    }

    fn native(
        &mut self,
        index: usize,
        native: &'a NativeCode,
        children: usize,
    ) -> Result<(), Error> {
        let links = native.links.as_ref().ok_or_else(|| no_links(index))?;
        self.machine_code(Kind::Native, &native.code)?;
        self.links(index, &links.own.strings)?;
        vuint::push(self.out, native.prelude_offset);
        self.name(index, links.simple_name)?;
        self.name(index, 0)?;
        self.counts(&links.own.objects, children)?;
        self.names(index, &links.arg_names)?;
        self.objects(index, &links.own.objects)
    }

    fn viper(&mut self, index: usize, viper: &'a ViperCode, children: usize) -> Result<(), Error> {
        let links = viper.links.as_ref().ok_or_else(|| no_links(index))?;
        self.machine_code(Kind::Viper, &viper.code)?;
        self.links(index, &links.strings)?;
        vuint::push(self.out, viper_flags(viper));
        self.counts(&links.objects, children)?;
        if let Some(rodata) = &viper.rodata {
            push_count(self.out, "read-only data size", rodata.len())?;
            self.out.extend_from_slice(rodata);
        }
        if let Some(bss_size) = viper.bss_size {
            vuint::push(self.out, bss_size);
        }
        self.objects(index, &links.objects)
    }

    fn machine_code(&mut self, kind: Kind, code: &[u8]) -> Result<(), Error> {
        push_length(self.out, "raw code length", code.len(), 2, kind.number())?;
        self.out.extend_from_slice(code);
        Ok(())
    }

    fn links(&mut self, index: usize, links: &'a [StringLink]) -> Result<(), Error> {
        push_count(self.out, "number of links", links.len())?;
        for link in links {
            let (offset, kind) = (link.offset as usize, link.kind as u32);
            push_length(self.out, "place of a string", offset, 2, kind)?;
            self.name(index, link.string)?;
        }
        Ok(())
    }

    fn counts(&mut self, objects: &[u32], children: usize) -> Result<(), Error> {
        push_count(self.out, "number of objects", objects.len())?;
        push_count(self.out, "number of children", children)
    }

    fn names(&mut self, index: usize, names: &[u32]) -> Result<(), Error> {
        names.iter().try_for_each(|&name| self.name(index, name))
    }

    fn objects(&mut self, index: usize, objects: &[u32]) -> Result<(), Error> {
        objects
            .iter()
            .try_for_each(|&object| self.object(index, object))
    }

    /// Writes the instructions, with strings in place of their indices.
    fn opcodes(&mut self, index: usize, bytecode: &'a Bytecode) -> Result<(), Error> {
        let frame = Frame::of(bytecode, &self.module.header);
        for instruction in instructions(&bytecode.opcodes, frame) {
            let instruction = instruction?;
            let start = instruction.offset as usize;
            let end = start + instruction.length as usize;
            let bytes = bytecode.opcodes.get(start..end).unwrap_or_default();
            if let (Operand::Qstr(name), [opcode, _, _, rest @ ..]) = (instruction.operand, bytes) {
                self.out.push(*opcode);
                self.name(index, name)?;
                self.out.extend_from_slice(rest);
            } else {
                self.out.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    fn name(&mut self, raw_code: usize, index: u32) -> Result<(), Error> {
        let Some(qstr) = self.module.qstrs.get(index as usize) else {
            return Err(Error::Inconsistent {
                raw_code,
                field: "qstr index",
                expected: format!("below {}", self.module.qstrs.len()),
                found: index.to_string(),
            });
        };
        let text = match qstr {
            Qstr::Static(number) => {
                self.out.extend_from_slice(&[STATIC_MARK, number.number()]);
                return Ok(());
            }
            Qstr::New(text) => text,
        };
        if let Some(place) = self.window.find(&qstr) {
            return push_length(self.out, "window place", place, 1, 1);
        }
        self.window.push(qstr);
        // No length would be the mark of a static qstr; the empty string is one.
        at_most("empty qstrs", u64::from(text.is_empty()), 0)?;
        push_length(self.out, "qstr length", text.len(), 1, 0)?;
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn object(&mut self, raw_code: usize, index: u32) -> Result<(), Error> {
        let wrong = |found: &str| Error::Inconsistent {
            raw_code,
            field: "object",
            expected: "a string, bytes, a number or `...`".into(),
            found: found.into(),
        };
        let object = self.module.objects.get(index as usize);
        let object = object.ok_or_else(|| wrong("none"))?;
        let (letter, data) = match object {
            ConstObject::Ellipsis => {
                self.out.push(b'e');
                return Ok(());
            }
            ConstObject::Str(data) => (b's', data.as_slice()),
            ConstObject::Bytes(data) => (b'b', data.as_slice()),
            ConstObject::Int(text) => (b'i', text.as_bytes()),
            ConstObject::Float(text) => (b'f', text.as_bytes()),
            ConstObject::Complex(text) => (b'c', text.as_bytes()),
            ConstObject::FunTable
            | ConstObject::None
            | ConstObject::False
            | ConstObject::True
            | ConstObject::Tuple(_) => return Err(wrong(object.tag().name())),
        };
        self.out.push(letter);
        push_count(self.out, "object length", data.len())?;
        self.out.extend_from_slice(data);
        Ok(())
    }
}
