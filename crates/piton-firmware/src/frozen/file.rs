//! Reads `.mpy` files for freezing: the bytes stay as they are in the file, and each stretch of them has a name.

use piton_mpy::qstr::StaticQstr;

use super::FreezeError;
use super::names;
use super::prelude::{self, Prelude};

/// How deep tuples and functions may be nested: about as deep as Python's own limit.
const MAXIMUM_DEPTH: usize = 900;

/// A string that has a number in firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Qstr {
    pub(super) text: String,
    pub(super) escaped: String,
}

impl Qstr {
    pub(super) fn new(text: &str) -> Qstr {
        Qstr {
            text: text.to_owned(),
            escaped: names::escape(text),
        }
    }
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    FunctionTable,
    None,
    False,
    True,
    Ellipsis,
    Text(String),
    Bytes(Vec<u8>),
    /// In decimal digits.
    Integer(String),
    Float(f64),
    Complex(f64, f64),
    Tuple(Vec<Object>),
}

/// What a stretch of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentKind {
    Meta,
    Qstr,
    Object,
    Code,
}

/// A stretch of a file.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) kind: SegmentKind,
    pub(super) name: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// How code is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeKind {
    Bytecode,
    Native,
    Viper,
    Assembler,
}

impl CodeKind {
    /// Returns its name in C.
    pub(super) fn name(self) -> &'static str {
        match self {
            CodeKind::Bytecode => "MP_CODE_BYTECODE",
            CodeKind::Native => "MP_CODE_NATIVE_PY",
            CodeKind::Viper => "MP_CODE_NATIVE_VIPER",
            CodeKind::Assembler => "MP_CODE_NATIVE_ASM",
        }
    }
}

/// A function.
#[derive(Clone, Debug)]
pub(super) struct RawCode {
    pub(super) kind: CodeKind,
    pub(super) data: Vec<u8>,
    pub(super) prelude_offset: usize,
    /// For bytecode and native code.
    pub(super) prelude: Option<Prelude>,
    pub(super) scope_flags: usize,
    pub(super) n_pos_args: usize,
    pub(super) type_signature: usize,
    pub(super) simple_name: String,
    /// Its name in C, without the prefix.
    pub(super) escaped: String,
    pub(super) children: Vec<RawCode>,
}

/// A `.mpy` file.
#[derive(Clone, Debug)]
pub(super) struct Module {
    /// The path, as it was given.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    pub(super) header: [u8; 4],
    pub(super) arch_flags: usize,
    pub(super) qstrs: Vec<Qstr>,
    pub(super) objects: Vec<Object>,
    pub(super) code: RawCode,
    pub(super) escaped: String,
    pub(super) segments: Vec<Segment>,
}

/// What the files of one run share.
pub(super) struct Shared {
    /// All strings, in the order in which they were met; the static ones come first.
    pub(super) qstrs: Vec<Qstr>,
    known: std::collections::HashSet<String>,
    escaped: std::collections::HashSet<String>,
    /// The processor of native code.
    pub(super) arch: u8,
}

impl Shared {
    pub(super) fn new() -> Shared {
        let mut shared = Shared {
            qstrs: Vec::new(),
            known: std::collections::HashSet::new(),
            escaped: std::collections::HashSet::new(),
            arch: 0,
        };
        for number in 1.. {
            let Some(qstr) = StaticQstr::from_number(number) else {
                break;
            };
            shared.add(Qstr::new(qstr.text()));
        }
        shared
    }

    fn add(&mut self, qstr: Qstr) {
        self.known.insert(qstr.text.clone());
        self.qstrs.push(qstr);
    }

    /// Returns the string that is known already.
    pub(super) fn find(&self, text: &str) -> Option<Qstr> {
        self.known.contains(text).then(|| Qstr::new(text))
    }

    /// Makes a name of C that no other function has.
    fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let mut number = 2_usize;
        while !self.escaped.insert(unique.clone()) {
            unique = format!("{name}{number}");
            number += 1;
        }
        unique
    }
}

struct Reader<'a> {
    path: &'a str,
    bytes: &'a [u8],
    at: usize,
    segments: Vec<Segment>,
}

impl Reader<'_> {
    fn error(&self, message: &str) -> FreezeError {
        FreezeError::Read {
            path: self.path.to_owned(),
            message: message.to_owned(),
        }
    }

    fn byte(&mut self) -> Result<u8, FreezeError> {
        let byte = self
            .bytes
            .get(self.at)
            .copied()
            .ok_or_else(|| self.error("corrupt .mpy file"))?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, FreezeError> {
        let end = self.at.checked_add(length);
        let taken = end
            .and_then(|end| self.bytes.get(self.at..end))
            .ok_or_else(|| self.error("corrupt .mpy file"))?;
        self.at += length;
        Ok(taken.to_vec())
    }

    fn number(&mut self) -> Result<usize, FreezeError> {
        let mut value = 0_usize;
        loop {
            let byte = self.byte()?;
            if value > usize::MAX >> 8 {
                return Err(self.error("corrupt .mpy file"));
            }
            value = (value << 7) | usize::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    fn text(&mut self, length: usize) -> Result<String, FreezeError> {
        let bytes = self.take(length)?;
        String::from_utf8(bytes).map_err(|_| self.error("a string that is not UTF-8"))
    }

    fn segment(&mut self, kind: SegmentKind, name: String, start: usize) {
        let end = self.at;
        self.segments.push(Segment {
            kind,
            name,
            start,
            end,
        });
    }
}

/// Reads a file.
pub(super) fn read(
    path: &str,
    bytes: &[u8],
    shared: &mut Shared,
) -> Result<(Module, u8), FreezeError> {
    let mut reader = Reader {
        path,
        bytes,
        at: 0,
        segments: Vec::new(),
    };
    let header: [u8; 4] = reader
        .take(4)?
        .try_into()
        .map_err(|_| reader.error("corrupt .mpy file"))?;
    let [_, _, features, small_int_bits] = header;
    check_header(&reader, header, shared)?;
    let arch_flags = if features & 0x40 == 0 {
        0
    } else {
        reader.number()?
    };
    let (n_qstrs, n_objects) = (reader.number()?, reader.number()?);
    let mut qstrs = Vec::new();
    for _ in 0..n_qstrs {
        qstrs.push(qstr(&mut reader, shared)?);
    }
    let mut objects = Vec::new();
    for _ in 0..n_objects {
        objects.push(object(&mut reader, shared, 0)?);
    }
    let name = qstrs
        .first()
        .map(|qstr| qstr.text.clone())
        .ok_or_else(|| reader.error("corrupt .mpy file"))?;
    if !name
        .chars()
        .all(|character| matches!(character, ' '..='\x7f'))
    {
        return Err(reader.error("cannot have unicode characters in module name"));
    }
    // All but the last of what the dots part, joined by underscores.
    let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
    let escaped: String = stem
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '_'
            }
        })
        .collect();
    let code = raw_code(&mut reader, &escaped, &qstrs, shared, 0)?;
    let module = Module {
        path: path.to_owned(),
        bytes: bytes.to_vec(),
        header,
        arch_flags,
        qstrs,
        objects,
        code,
        escaped,
        segments: reader.segments,
    };
    Ok((module, small_int_bits))
}

/// Checks that a file is one that can be frozen with those before it.
fn check_header(
    reader: &Reader<'_>,
    header: [u8; 4],
    shared: &mut Shared,
) -> Result<(), FreezeError> {
    let [letter, version, features, _] = header;
    if letter != b'M' {
        return Err(reader.error("not a valid .mpy file"));
    }
    if version != piton_mpy::header::VERSION {
        return Err(reader.error("incompatible .mpy version"));
    }
    let arch = (features >> 2) & 0x2f;
    if arch != 0 {
        if features & 3 != piton_mpy::header::SUB_VERSION {
            return Err(reader.error("incompatible .mpy sub-version"));
        }
        if shared.arch == 0 {
            shared.arch = arch;
        } else if shared.arch != arch {
            return Err(reader.error("native architecture mismatch"));
        }
    }
    Ok(())
}

fn qstr(reader: &mut Reader<'_>, shared: &mut Shared) -> Result<Qstr, FreezeError> {
    let start = reader.at;
    let length = reader.number()?;
    if length & 1 == 1 {
        let number = u32::try_from(length >> 1).unwrap_or(u32::MAX);
        let qstr =
            StaticQstr::from_number(number).ok_or_else(|| reader.error("corrupt .mpy file"))?;
        let qstr = Qstr::new(qstr.text());
        reader.segments.push(Segment {
            kind: SegmentKind::Meta,
            name: qstr.text.clone(),
            start,
            end: start,
        });
        return Ok(qstr);
    }
    let start = reader.at;
    let text = reader.text(length >> 1)?;
    reader.byte()?;
    reader.segment(SegmentKind::Qstr, text.clone(), start);
    let qstr = Qstr::new(&text);
    shared.add(qstr.clone());
    Ok(qstr)
}

fn object(
    reader: &mut Reader<'_>,
    shared: &mut Shared,
    depth: usize,
) -> Result<Object, FreezeError> {
    if depth > MAXIMUM_DEPTH {
        return Err(reader.error("tuples are nested too deeply"));
    }
    let tag = reader.byte()?;
    match tag {
        0 => return Ok(Object::FunctionTable),
        1 => return Ok(Object::None),
        2 => return Ok(Object::False),
        3 => return Ok(Object::True),
        4 => return Ok(Object::Ellipsis),
        10 => {
            let length = reader.number()?;
            let mut items = Vec::new();
            for _ in 0..length {
                items.push(object(reader, shared, depth + 1)?);
            }
            return Ok(Object::Tuple(items));
        }
        _ => {}
    }
    let length = reader.number()?;
    let start = reader.at;
    let bytes = reader.take(length)?;
    if matches!(tag, 5 | 6) {
        reader.byte()?;
    }
    if tag == 6 {
        reader.segment(
            SegmentKind::Object,
            crate::python::text::bytes_repr(&bytes),
            start,
        );
        return Ok(Object::Bytes(bytes));
    }
    let text = String::from_utf8(bytes).map_err(|_| reader.error("a string that is not UTF-8"))?;
    let corrupt = || FreezeError::Read {
        path: reader.path.to_owned(),
        message: "corrupt .mpy file".to_owned(),
    };
    let value = match tag {
        5 => {
            // Short strings become qstrs: they need less room.
            if text.chars().count() < 25 && shared.find(&text).is_none() {
                shared.add(Qstr::new(&text));
            }
            Object::Text(text)
        }
        7 => {
            let digits = text.strip_prefix('-').unwrap_or(&text);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(corrupt());
            }
            let trimmed = digits.trim_start_matches('0');
            let sign = if text.starts_with('-') && !trimmed.is_empty() {
                "-"
            } else {
                ""
            };
            Object::Integer(format!(
                "{sign}{}",
                if trimmed.is_empty() { "0" } else { trimmed }
            ))
        }
        8 => Object::Float(text.parse().map_err(|_| corrupt())?),
        9 => complex(&text).ok_or_else(corrupt)?,
        _ => return Err(corrupt()),
    };
    let name = super::text::object(&value, false);
    reader.segment(SegmentKind::Object, name, start);
    Ok(value)
}

/// Parses a complex number: `1.5j`, or both parts in parentheses.
fn complex(text: &str) -> Option<Object> {
    let text = text
        .trim_start_matches('(')
        .trim_end_matches(')')
        .strip_suffix('j')?;
    let split = text.char_indices().skip(1).filter(|&(at, character)| {
        matches!(character, '+' | '-') && !matches!(text.as_bytes().get(at - 1), Some(b'e' | b'E'))
    });
    match split.last() {
        Some((at, _)) => {
            let (real, imaginary) = text.split_at_checked(at)?;
            Some(Object::Complex(real.parse().ok()?, imaginary.parse().ok()?))
        }
        None => Some(Object::Complex(0.0, text.parse().ok()?)),
    }
}

fn raw_code(
    reader: &mut Reader<'_>,
    parent: &str,
    qstrs: &[Qstr],
    shared: &mut Shared,
    depth: usize,
) -> Result<RawCode, FreezeError> {
    if depth > MAXIMUM_DEPTH {
        return Err(reader.error("functions are nested too deeply"));
    }
    let head = reader.number()?;
    let kind = match head & 3 {
        0 => CodeKind::Bytecode,
        1 => CodeKind::Native,
        2 => CodeKind::Viper,
        _ => CodeKind::Assembler,
    };
    let start = reader.at;
    let data = reader.take(head >> 3)?;
    let end = reader.at;
    let place = reader.segments.len();
    let mut code = RawCode {
        kind,
        data,
        prelude_offset: 0,
        prelude: None,
        scope_flags: 0,
        n_pos_args: 0,
        type_signature: 0,
        simple_name: String::new(),
        escaped: String::new(),
        children: Vec::new(),
    };
    native_parts(reader, &mut code)?;
    if matches!(kind, CodeKind::Bytecode | CodeKind::Native) {
        let prelude = prelude::read(&code.data, code.prelude_offset)
            .ok_or_else(|| reader.error("corrupt .mpy file"))?;
        code.scope_flags = prelude.signature.scope_flags;
        code.n_pos_args = prelude.signature.n_pos_args;
        code.prelude = Some(prelude);
    }
    let name = code
        .prelude
        .as_ref()
        .and_then(|prelude| prelude.names.first().copied())
        .unwrap_or(0);
    let name = qstrs
        .get(name)
        .ok_or_else(|| reader.error("corrupt .mpy file"))?;
    code.simple_name.clone_from(&name.text);
    code.escaped = shared.unique(&format!("{parent}_{}", name.escaped));
    reader.segments.insert(
        place,
        Segment {
            kind: SegmentKind::Code,
            name: name.text.clone(),
            start,
            end,
        },
    );
    if head & 4 != 0 {
        // The name of the module itself is left out of the names of what is in it.
        let parent = if code.escaped.ends_with("_lt_module_gt_") {
            parent
        } else {
            &code.escaped.clone()
        };
        for _ in 0..reader.number()? {
            code.children
                .push(raw_code(reader, parent, qstrs, shared, depth + 1)?);
        }
    }
    Ok(code)
}

/// Reads what follows native code.
fn native_parts(reader: &mut Reader<'_>, code: &mut RawCode) -> Result<(), FreezeError> {
    match code.kind {
        CodeKind::Bytecode => {}
        CodeKind::Native => code.prelude_offset = reader.number()?,
        CodeKind::Viper => {
            code.scope_flags = reader.number()?;
            let rodata = if code.scope_flags & 0x20 != 0 {
                reader.number()?
            } else {
                0
            };
            if code.scope_flags & 0x40 != 0 {
                reader.number()?;
            }
            reader.take(rodata)?;
            if code.scope_flags & 0x10 != 0 {
                skip_relocations(reader)?;
            }
        }
        CodeKind::Assembler => {
            code.scope_flags = reader.number()?;
            code.n_pos_args = reader.number()?;
            code.type_signature = reader.number()?;
        }
    }
    Ok(())
}

fn skip_relocations(reader: &mut Reader<'_>) -> Result<(), FreezeError> {
    loop {
        let operation = reader.byte()?;
        if operation == 0xff {
            return Ok(());
        }
        if operation & 1 != 0 {
            reader.number()?;
        }
        let operation = operation >> 1;
        if operation <= 5 && operation & 1 != 0 {
            reader.number()?;
        }
    }
}
