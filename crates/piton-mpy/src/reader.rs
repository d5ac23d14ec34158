//! From the bytes of a file to a module.

use crate::cursor::{Cursor, invalid};
use crate::error::Error;
use crate::former;
use crate::header::{Arch, Dialect, FEATURE_ARCH_FLAGS, FORMER_VERSION, Header, VERSION};
use crate::hexdump;
use crate::module::{ConstObject, MAX_TUPLE_DEPTH, Module, ObjectTag, Qstr};
use crate::prelude::Prelude;
use crate::qstr::StaticQstr;
use crate::raw_code::{
    AsmCode, Bytecode, Code, Kind, NativeCode, Place, RELOCATIONS_END, RawCode, Relocation,
    Section, Target, VIPER_BSS, VIPER_FUNCTION, VIPER_RELOCATIONS, VIPER_RODATA, ViperCode,
};
use crate::show;

/// Reads a whole file (`mp_raw_code_load`, py/persistentcode.c).
///
/// It accepts exactly what [`crate::writer::write`] can write: numbers must be in their shortest
/// form, strings end in NUL, and nothing may follow the last raw code. Opcodes and machine code are
/// not looked at.
///
/// # Errors
/// [`Error::NotMpy`] for something else than a `.mpy` file of version 5 or 6; [`Error::Truncated`],
/// [`Error::Invalid`] and [`Error::TrailingBytes`] for a damaged one.
pub fn read(bytes: &[u8]) -> Result<Module, Error> {
    read_from(&mut Cursor::new(bytes))
}

/// Reads the header only: what a board looks at before anything else. What follows is not checked.
///
/// # Errors
/// As for [`read`], of the first bytes.
pub fn header(bytes: &[u8]) -> Result<Header, Error> {
    read_header(&mut Cursor::new(bytes))
}

pub(crate) fn read_from(cursor: &mut Cursor<'_>) -> Result<Module, Error> {
    let header = read_header(cursor)?;
    if header.version == FORMER_VERSION {
        let module = former::read_module(cursor, header)?;
        return ended(cursor, module);
    }
    // A qstr takes 1 byte at least, an object too.
    let start = cursor.at();
    let n_qstrs = cursor.count("number of qstrs", 1)?;
    cursor.note(start, "number of qstrs", || n_qstrs.to_string());
    let start = cursor.at();
    let n_objects = cursor.count("number of objects", 1)?;
    cursor.note(start, "number of objects", || n_objects.to_string());
    let mut module = Module {
        header,
        qstrs: Vec::new(),
        objects: Vec::new(),
        raw_codes: Vec::new(),
    };
    for index in 0..n_qstrs {
        module.qstrs.push(read_qstr(cursor, index)?);
    }
    for _ in 0..n_objects {
        module.objects.push(read_object(cursor)?);
    }
    read_raw_codes(cursor, &mut module)?;
    ended(cursor, module)
}

/// Returns the module, if the file ends after it.
fn ended(cursor: &Cursor<'_>, module: Module) -> Result<Module, Error> {
    match cursor.left() {
        0 => Ok(module),
        count => Err(Error::TrailingBytes {
            at: cursor.at(),
            count,
        }),
    }
}

fn read_header(cursor: &mut Cursor<'_>) -> Result<Header, Error> {
    let letter = cursor.byte("letter")?;
    let dialect = Dialect::from_letter(letter).ok_or(Error::NotMpy {
        at: 0,
        field: "letter",
        expected: "0x4d (M, MicroPython) or 0x43 (C, CircuitPython)",
        found: letter,
    })?;
    cursor.note(0, "letter", || dialect.name().into());
    let version = cursor.byte("version")?;
    if ![FORMER_VERSION, VERSION].contains(&version) {
        return Err(Error::NotMpy {
            at: 1,
            field: "version",
            expected: "0x05 or 0x06",
            found: version,
        });
    }
    cursor.note(1, "version", || version.to_string());
    let feature = cursor.byte("feature byte")?;
    let sub_version = feature & 3;
    // The architecture has bits 2 to 5 and, above the flag, bit 7 (MPY_FEATURE_DECODE_ARCH).
    let arch = match feature >> 2 & 0x2f {
        0 => None,
        number => Some(Arch::from_number(number).ok_or_else(|| {
            invalid(
                2,
                "feature byte",
                "an architecture from 0 to 13",
                number.to_string(),
            )
        })?),
    };
    cursor.note(2, "feature byte", || {
        let arch = arch.map_or("no machine code", Arch::name);
        match version {
            FORMER_VERSION => format!("{arch}, {}", show::features(sub_version)),
            _ => format!("{arch}, sub-version {sub_version}"),
        }
    });
    let small_int_bits = cursor.byte("small int bits")?;
    cursor.note(3, "small int bits", || small_int_bits.to_string());
    let mut arch_flags = None;
    if version == VERSION && feature & FEATURE_ARCH_FLAGS != 0 {
        let start = cursor.at();
        let flags = cursor.vuint("architecture flags")?;
        cursor.note(start, "architecture flags", || {
            show::arch_flags(arch, flags)
        });
        arch_flags = Some(flags);
    }
    Ok(Header {
        dialect,
        version,
        sub_version,
        arch,
        arch_flags,
        small_int_bits,
    })
}

fn read_qstr(cursor: &mut Cursor<'_>, index: usize) -> Result<Qstr, Error> {
    let start = cursor.at();
    let number = cursor.vuint("qstr")?;
    let qstr = if number & 1 == 1 {
        Qstr::Static(StaticQstr::from_number(number >> 1).ok_or_else(|| {
            invalid(
                start,
                "qstr",
                "a static qstr from 1 to 165",
                (number >> 1).to_string(),
            )
        })?)
    } else {
        let text = cursor.take(number as usize >> 1, "qstr text")?;
        cursor.nul("qstr text")?;
        Qstr::New(text.to_vec())
    };
    cursor.note(start, "qstr", || match &qstr {
        Qstr::Static(number) => {
            format!(
                "{index} {} (static {})",
                show::text(number.text().as_bytes()),
                number.number()
            )
        }
        Qstr::New(text) => format!("{index} {}", show::text(text)),
    });
    Ok(qstr)
}

/// Reads an object, with a stack of its own for tuples inside tuples.
fn read_object(cursor: &mut Cursor<'_>) -> Result<ConstObject, Error> {
    // The tuples that are not complete yet: items missing, items read.
    let mut open: Vec<(usize, Vec<ConstObject>)> = Vec::new();
    loop {
        let start = cursor.at();
        let mut object = match read_object_head(cursor)? {
            ObjectHead::Scalar(object) => object,
            ObjectHead::Tuple(0) => ConstObject::Tuple(Vec::new()),
            ObjectHead::Tuple(_) if open.len() == MAX_TUPLE_DEPTH => {
                let expected = format!("at most {MAX_TUPLE_DEPTH} tuples inside each other");
                return Err(invalid(start, "tuple", expected, "one more"));
            }
            ObjectHead::Tuple(count) => {
                open.push((count, Vec::new()));
                continue;
            }
        };
        while let Some((mut missing, mut items)) = open.pop() {
            items.push(object);
            missing -= 1;
            object = ConstObject::Tuple(Vec::new());
            if missing > 0 {
                open.push((missing, items));
                break;
            }
            object = ConstObject::Tuple(items);
        }
        if open.is_empty() {
            return Ok(object);
        }
    }
}

enum ObjectHead {
    Scalar(ConstObject),
    /// A tuple of this many objects, which follow.
    Tuple(usize),
}

fn read_object_head(cursor: &mut Cursor<'_>) -> Result<ObjectHead, Error> {
    let start = cursor.at();
    let number = cursor.byte("object tag")?;
    let tag = ObjectTag::from_number(number)
        .ok_or_else(|| invalid(start, "object tag", "0 to 10", number.to_string()))?;
    let object = match tag {
        ObjectTag::FunTable => ConstObject::FunTable,
        ObjectTag::None => ConstObject::None,
        ObjectTag::False => ConstObject::False,
        ObjectTag::True => ConstObject::True,
        ObjectTag::Ellipsis => ConstObject::Ellipsis,
        ObjectTag::Str => ConstObject::Str(read_string(cursor)?),
        ObjectTag::Bytes => ConstObject::Bytes(read_string(cursor)?),
        ObjectTag::Int => read_int(cursor)?,
        ObjectTag::Float => read_float(cursor)?,
        ObjectTag::Complex => read_complex(cursor)?,
        ObjectTag::Tuple => {
            let count = cursor.count("tuple length", 1)?;
            cursor.note(start, tag.name(), || format!("of {count}"));
            return Ok(ObjectHead::Tuple(count));
        }
    };
    cursor.note(start, tag.name(), || show::object(&object));
    Ok(ObjectHead::Scalar(object))
}

fn read_string(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Error> {
    let length = cursor.vuint("string length")? as usize;
    let data = cursor.take(length, "string")?;
    cursor.nul("string")?;
    Ok(data.to_vec())
}

pub(crate) fn read_int(cursor: &mut Cursor<'_>) -> Result<ConstObject, Error> {
    read_number(cursor, "int", is_int).map(ConstObject::Int)
}

pub(crate) fn read_float(cursor: &mut Cursor<'_>) -> Result<ConstObject, Error> {
    read_number(cursor, "float", is_float).map(ConstObject::Float)
}

pub(crate) fn read_complex(cursor: &mut Cursor<'_>) -> Result<ConstObject, Error> {
    read_number(cursor, "complex", is_complex).map(ConstObject::Complex)
}

fn read_number(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    is_right: impl Fn(&str) -> bool,
) -> Result<String, Error> {
    let length = cursor.vuint(field)? as usize;
    let start = cursor.at();
    let data = cursor.take(length, field)?;
    match str::from_utf8(data) {
        Ok(text) if is_right(text) => Ok(text.into()),
        _ => Err(invalid(
            start,
            field,
            "the decimal text of a number",
            show::text(data),
        )),
    }
}

fn is_int(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_float(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// `1.5j`, or `(1+2j)` with a sign between the parts.
fn is_complex(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix("j)"))
    else {
        return text.strip_suffix('j').is_some_and(is_float);
    };
    // The sign between the parts, not one of an exponent or in front.
    inner.match_indices(['+', '-']).any(|(at, _)| {
        inner
            .split_at_checked(at)
            .is_some_and(|(real, imaginary)| is_float(real) && is_float(imaginary))
    })
}

/// What is still to be read of the tree.
enum Step {
    Children { parent: usize, left: usize },
    Relocations { raw_code: usize },
}

/// Reads the tree without recursion: files can be made that nest thousands of functions.
fn read_raw_codes(cursor: &mut Cursor<'_>, module: &mut Module) -> Result<(), Error> {
    let mut steps = Vec::new();
    read_raw_code(cursor, module, &mut steps)?;
    while let Some(step) = steps.pop() {
        match step {
            Step::Children { left: 0, .. } => {}
            Step::Children { parent, left } => {
                steps.push(Step::Children {
                    parent,
                    left: left - 1,
                });
                let child = module.raw_codes.len();
                if let Some(parent) = module.raw_codes.get_mut(parent) {
                    parent.children.push(child);
                }
                read_raw_code(cursor, module, &mut steps)?;
            }
            Step::Relocations { raw_code } => {
                let list = read_relocations(cursor, VERSION)?;
                if let Some(RawCode {
                    code: Code::Viper(viper),
                    ..
                }) = module.raw_codes.get_mut(raw_code)
                {
                    viper.relocations = Some(list);
                }
            }
        }
    }
    Ok(())
}

/// Reads a raw code up to its children, and adds what is to be read next to `steps`.
fn read_raw_code(
    cursor: &mut Cursor<'_>,
    module: &mut Module,
    steps: &mut Vec<Step>,
) -> Result<(), Error> {
    let index = module.raw_codes.len();
    let start = cursor.at();
    let head = cursor.vuint("raw code head")?;
    let length = head as usize >> 3;
    let has_children = head & 4 != 0;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.number() == head & 3)
        .unwrap_or(Kind::Bytecode);
    cursor.note(start, "raw code", || {
        let children = if has_children {
            "with children"
        } else {
            "no children"
        };
        format!("{index}: {}, {length} bytes, {children}", kind.name())
    });
    let mut has_relocations = false;
    let code = match kind {
        Kind::Bytecode => Code::Bytecode(read_bytecode(cursor, length, module)?),
        Kind::Native => Code::Native(read_native(cursor, length, module)?),
        Kind::Viper => {
            let (viper, relocations) = read_viper(cursor, length)?;
            has_relocations = relocations;
            Code::Viper(viper)
        }
        Kind::Asm => Code::Asm(read_asm(cursor, length)?),
    };
    module.raw_codes.push(RawCode {
        code,
        children: Vec::new(),
    });
    if has_relocations {
        steps.push(Step::Relocations { raw_code: index });
    }
    if has_children {
        let start = cursor.at();
        // A raw code has a head and at least one byte more.
        let left = cursor.count("number of children", 2)?;
        if left == 0 {
            return Err(invalid(start, "number of children", "at least 1", "0"));
        }
        cursor.note(start, "number of children", || left.to_string());
        steps.push(Step::Children {
            parent: index,
            left,
        });
    }
    Ok(())
}

fn read_bytecode(
    cursor: &mut Cursor<'_>,
    length: usize,
    module: &Module,
) -> Result<Bytecode, Error> {
    let outer = cursor.enter(length, "bytecode")?;
    let prelude = Prelude::read(cursor, Some(&module.qstrs))?;
    let start = cursor.at();
    let opcodes = cursor.take_rest();
    hexdump::note_opcodes(cursor, start, opcodes, module);
    cursor.leave(outer);
    Ok(Bytecode {
        prelude,
        opcodes: opcodes.to_vec(),
        objects: Vec::new(),
    })
}

fn read_native(
    cursor: &mut Cursor<'_>,
    length: usize,
    module: &Module,
) -> Result<NativeCode, Error> {
    let start = cursor.at();
    let code = cursor.take(length, "machine code")?.to_vec();
    let offset_at = cursor.at();
    let prelude_offset = cursor.vuint("prelude offset")?;
    if prelude_offset as usize > length {
        let expected = format!("at most {length}, the length of the code");
        return Err(invalid(
            offset_at,
            "prelude offset",
            expected,
            prelude_offset.to_string(),
        ));
    }
    hexdump::note_native(
        cursor,
        start..start + length,
        prelude_offset as usize,
        module,
    );
    cursor.note(offset_at, "prelude offset", || prelude_offset.to_string());
    Ok(NativeCode {
        code,
        prelude_offset,
        links: None,
    })
}

/// Returns viper code with these flags, and without its data.
pub(crate) fn viper_code(code: Vec<u8>, flags: u32) -> ViperCode {
    ViperCode {
        code,
        scope_flags: (flags & VIPER_FUNCTION) as u8,
        rodata: None,
        bss_size: None,
        relocations: None,
        links: None,
    }
}

/// Reads viper code and its data. Returns whether relocations follow the children.
fn read_viper(cursor: &mut Cursor<'_>, length: usize) -> Result<(ViperCode, bool), Error> {
    let code = read_machine_code(cursor, length)?;
    let flags = read_viper_flags(cursor)?;
    let mut viper = viper_code(code, flags);
    let rodata_size = match flags & VIPER_RODATA {
        0 => None,
        _ => Some(read_size(cursor, "read-only data size")? as usize),
    };
    if flags & VIPER_BSS != 0 {
        viper.bss_size = Some(read_size(cursor, "zeroed data size")?);
    }
    if let Some(size) = rodata_size {
        viper.rodata = Some(read_data(cursor, size)?);
    }
    Ok((viper, flags & VIPER_RELOCATIONS != 0))
}

pub(crate) fn read_machine_code(cursor: &mut Cursor<'_>, length: usize) -> Result<Vec<u8>, Error> {
    let start = cursor.at();
    let code = cursor.take(length, "machine code")?.to_vec();
    cursor.note(start, "machine code", String::new);
    Ok(code)
}

/// Reads what a viper function is, and which data it has.
pub(crate) fn read_viper_flags(cursor: &mut Cursor<'_>) -> Result<u32, Error> {
    let start = cursor.at();
    let flags = cursor.vuint("scope flags")?;
    if flags & !(VIPER_FUNCTION | VIPER_RELOCATIONS | VIPER_RODATA | VIPER_BSS) != 0 {
        let expected = "no bits but 0x7f (function, relocations, read-only data, zeroed data)";
        return Err(invalid(
            start,
            "scope flags",
            expected,
            format!("{flags:#x}"),
        ));
    }
    cursor.note(start, "scope flags", || format!("{flags:#04x}"));
    Ok(flags)
}

pub(crate) fn read_size(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u32, Error> {
    let start = cursor.at();
    let size = cursor.vuint(field)?;
    cursor.note(start, field, || size.to_string());
    Ok(size)
}

pub(crate) fn read_data(cursor: &mut Cursor<'_>, size: usize) -> Result<Vec<u8>, Error> {
    let start = cursor.at();
    let data = cursor.take(size, "read-only data")?.to_vec();
    cursor.note(start, "read-only data", String::new);
    Ok(data)
}

pub(crate) fn read_asm(cursor: &mut Cursor<'_>, length: usize) -> Result<AsmCode, Error> {
    let code = read_machine_code(cursor, length)?;
    let start = cursor.at();
    let flags = cursor.vuint("scope flags")?;
    if flags != 0 {
        return Err(invalid(
            start,
            "scope flags",
            "0 for an assembler function",
            format!("{flags:#x}"),
        ));
    }
    cursor.note(start, "scope flags", || flags.to_string());
    let start = cursor.at();
    let n_pos_args = cursor.vuint("number of arguments")?;
    cursor.note(start, "number of arguments", || n_pos_args.to_string());
    let start = cursor.at();
    let return_type = cursor.vuint("return type")?;
    cursor.note(start, "return type", || show::return_type(return_type));
    Ok(AsmCode {
        code,
        n_pos_args,
        return_type,
    })
}

/// Reads relocations of a file of this version. Version 5 has no tables of strings and objects.
pub(crate) fn read_relocations(
    cursor: &mut Cursor<'_>,
    version: u8,
) -> Result<Vec<Relocation>, Error> {
    let mut relocations = Vec::new();
    loop {
        let start = cursor.at();
        let operation = cursor.byte("relocation")?;
        if operation == RELOCATIONS_END {
            cursor.note(start, "end of relocations", String::new);
            return Ok(relocations);
        }
        let mut place = None;
        if operation & 1 != 0 {
            let number = cursor.vuint("relocation place")?;
            let section = if number & 1 == 0 {
                Section::Text
            } else {
                Section::Rodata
            };
            place = Some(Place {
                section,
                word: number >> 1,
            });
        }
        let (target, has_count) = match operation >> 1 {
            0 | 1 => (Target::Text, operation & 2 != 0),
            2 | 3 => (Target::Rodata, operation & 2 != 0),
            4 | 5 => (Target::Bss, operation & 2 != 0),
            6 if version == FORMER_VERSION => (Target::FunTable, false),
            number if version == FORMER_VERSION => (Target::Fun(number - 7), false),
            6 => (Target::QstrTable, false),
            7 => (Target::ObjectTable, false),
            8 => (Target::FunTable, false),
            number => (Target::Fun(number - 9), false),
        };
        let count = if has_count {
            Some(cursor.vuint("relocation count")?)
        } else {
            None
        };
        let relocation = Relocation {
            place,
            target,
            count,
        };
        cursor.note(start, "relocation", || show::relocation(&relocation));
        relocations.push(relocation);
    }
}
