//! The texts of tools/mpy-tool.py: constants as Python shows them, opcodes, dumps.

use std::fmt::Write as _;

use piton_mpy::opcode::OpcodeRow;

use super::file::{CodeKind, Module, Object, RawCode, SegmentKind};
use super::json::{Columns, Label, Line, Link, Source};
use super::prelude::Prelude;
use crate::python::text::{bytes_repr, float_repr, text_repr};

/// The methods of unary operators, by number.
const UNARY: [&str; 4] = ["__pos__", "__neg__", "__invert__", "<not>"];

/// The methods of binary operators, by number.
#[rustfmt::skip]
const BINARY: [&str; 35] = [
    "__lt__", "__gt__", "__eq__", "__le__", "__ge__", "__ne__", "<in>", "<is>", "<exception match>", "__ior__", "__ixor__", "__iand__",
    "__ilshift__", "__irshift__", "__iadd__", "__isub__", "__imul__", "__imatmul__", "__ifloordiv__", "__itruediv__", "__imod__",
    "__ipow__", "__or__", "__xor__", "__and__", "__lshift__", "__rshift__", "__add__", "__sub__", "__mul__", "__matmul__",
    "__floordiv__", "__truediv__", "__mod__", "__pow__",
];

/// The names of processors, by number.
const ARCHITECTURES: [&str; 13] = [
    "NONE",
    "X86",
    "X64",
    "ARMV6",
    "ARMV6M",
    "ARMV7M",
    "ARMV7EM",
    "ARMV7EMSP",
    "ARMV7EMDP",
    "XTENSA",
    "XTENSAWIN",
    "RV32IMC",
    "RV64IMC",
];

/// Returns a constant as `repr` shows it, or, without `quoted`, as `str` does.
pub(super) fn object(value: &Object, quoted: bool) -> String {
    match value {
        Object::FunctionTable => "mp_fun_table".to_owned(),
        Object::None => "None".to_owned(),
        Object::False => "False".to_owned(),
        Object::True => "True".to_owned(),
        Object::Ellipsis => "Ellipsis".to_owned(),
        Object::Text(text) if quoted => text_repr(text),
        Object::Text(text) => text.clone(),
        Object::Bytes(bytes) => bytes_repr(bytes),
        Object::Integer(digits) => digits.clone(),
        Object::Float(value) => float_repr(*value),
        Object::Complex(real, imaginary) => complex(*real, *imaginary),
        Object::Tuple(items) => match items.as_slice() {
            [one] => format!("({},)", object(one, true)),
            items => format!(
                "({})",
                items
                    .iter()
                    .map(|item| object(item, true))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        },
    }
}

fn complex(real: f64, imaginary: f64) -> String {
    let part = |value: f64| {
        let text = float_repr(value);
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    if real == 0.0 && real.is_sign_positive() {
        return format!("{}j", part(imaginary));
    }
    let sign = if imaginary.is_sign_negative() && !imaginary.is_nan() {
        ""
    } else {
        "+"
    };
    format!("({}{sign}{}j)", part(real), part(imaginary))
}

/// What an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    None,
    Qstr,
    Number,
    Offset,
}

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction {
    pub(super) byte: u8,
    pub(super) format: Format,
    pub(super) length: usize,
    pub(super) argument: i64,
}

/// Decodes the instruction at `at`; none if the code ends before it does.
pub(super) fn decode(code: &[u8], at: usize) -> Option<Instruction> {
    let byte = *code.get(at)?;
    let format = match (0x3a4_u32 >> (2 * (byte >> 4))) & 3 {
        0 => Format::None,
        1 => Format::Qstr,
        2 => Format::Number,
        _ => Format::Offset,
    };
    let mut end = at + 1;
    let mut argument = 0_i64;
    match format {
        Format::None => {}
        Format::Qstr | Format::Number => {
            let first = *code.get(end)?;
            argument = i64::from(first & 0x7f);
            if byte == 0x22 && first & 0x40 != 0 {
                argument |= -1 << 7;
            }
            while code.get(end)? & 0x80 != 0 {
                end += 1;
                argument = argument.wrapping_shl(7) | i64::from(code.get(end)? & 0x7f);
            }
            end += 1;
        }
        Format::Offset => {
            let signed = matches!(byte, 0x40 | 0x42..=0x44);
            let first = *code.get(end)?;
            if first & 0x80 == 0 {
                argument = i64::from(first) - if signed { 0x40 } else { 0 };
                end += 1;
            } else {
                argument = (i64::from(first & 0x7f) | (i64::from(*code.get(end + 1)?) << 7))
                    - if signed { 0x4000 } else { 0 };
                end += 2;
            }
        }
    }
    if byte & 0x9e == 0 {
        code.get(end)?;
        end += 1;
    }
    Some(Instruction {
        byte,
        format,
        length: end - at,
        argument,
    })
}

/// Returns the name of an opcode.
pub(super) fn opcode(byte: u8) -> String {
    let numbered = |names: &[&str], number: u8| {
        names
            .get(usize::from(number))
            .copied()
            .unwrap_or_default()
            .to_owned()
    };
    match byte {
        0x00 => "BASE_RESERVED".to_owned(),
        0x41 => "unknown".to_owned(),
        0x70..=0xaf => format!("LOAD_CONST_SMALL_INT {}", i32::from(byte) - 0x70 - 16),
        0xb0..=0xbf => format!("LOAD_FAST {}", byte - 0xb0),
        0xc0..=0xcf => format!("STORE_FAST {}", byte - 0xc0),
        0xd0..=0xd3 => format!("UNARY_OP {} {}", byte - 0xd0, numbered(&UNARY, byte - 0xd0)),
        0xd7..=0xf9 => format!(
            "BINARY_OP {} {}",
            byte - 0xd7,
            numbered(&BINARY, byte - 0xd7)
        ),
        _ => OpcodeRow::of(byte).map_or_else(|| unused(byte).to_owned(), |row| row.name.to_owned()),
    }
}

/// The names that the tool gives to numbers that are no opcodes: those of its groups and counts.
fn unused(byte: u8) -> &'static str {
    match byte {
        0x04 => "UNARY_OP_MULTI_NUM",
        0x10 => "STORE_FAST_MULTI_NUM",
        0x23 => "BINARY_OP_MULTI_NUM",
        0x40 => "LOAD_CONST_SMALL_INT_MULTI_NUM",
        0x60 => "BASE_BYTE_E",
        _ => "unknown",
    }
}

/// Returns bytes in hexadecimal, with colons.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// Returns the texts of a list, as Python shows them.
fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(text_repr).collect::<Vec<_>>().join(", "))
}

/// Adds the lines that `mpy-tool.py -d` prints of a file.
pub(super) fn disassemble(module: &Module, out: &mut Vec<Line>) {
    let mut line = |text: String| out.push(Line::plain(text));
    line(format!("mpy_source_file: {}", module.path));
    let source_file = module.qstrs.first().map_or("", |qstr| &qstr.text);
    line(format!("source_file: {source_file}"));
    line(format!("header: {}", hex(&module.header)));
    let [_, _, features, _] = module.header;
    let arch = usize::from((features >> 2) & 0x2f);
    let arch = ARCHITECTURES.get(arch).unwrap_or(&"UNKNOWN");
    line(format!("arch: {arch}"));
    if features & 0x40 != 0 {
        line(format!("arch_flags: {:#x}", module.arch_flags));
    }
    line(format!("qstr_table[{}]:", module.qstrs.len()));
    for qstr in &module.qstrs {
        line(format!("    {}", qstr.text));
    }
    let objects: Vec<String> = module
        .objects
        .iter()
        .map(|value| object(value, true))
        .collect();
    line(format!("obj_table: [{}]", objects.join(", ")));
    code(module, &module.code, out);
}

fn code(module: &Module, raw: &RawCode, out: &mut Vec<Line>) {
    let name = |number: &usize| {
        module
            .qstrs
            .get(*number)
            .map_or("", |qstr| qstr.text.as_str())
    };
    out.push(Line {
        defines: vec![raw.escaped.clone()],
        ..Line::plain(format!("simple_name: {}", raw.simple_name))
    });
    let mut line = |text: String| out.push(Line::plain(text));
    let data = &raw.data;
    if raw.kind == CodeKind::Bytecode {
        line(format!("  raw bytecode: {} {}", data.len(), hex(data)));
    } else {
        let shown = data.get(..32).unwrap_or(data);
        let rest = if data.len() > 32 { "..." } else { "" };
        line(format!("  raw data: {} {} {rest}", data.len(), hex(shown)));
    }
    let Some(prelude) = &raw.prelude else { return };
    line(format!("  prelude: {}", prelude.signature));
    let names = list(prelude.names.iter().skip(1).map(name));
    line(format!("  args: {names}"));
    let line_info = data
        .get(prelude.line_info..prelude.opcodes)
        .unwrap_or_default();
    if raw.kind == CodeKind::Bytecode {
        line(format!("  line info: {}", hex(line_info)));
        instructions(module, raw, prelude, out);
    } else {
        line(format!("  line info: {}", bytes_repr(line_info)));
        for row in data
            .get(..raw.prelude_offset)
            .unwrap_or_default()
            .chunks(16)
        {
            line(format!("  {}", hex(row)));
        }
    }
    out.push(children(raw));
    for child in &raw.children {
        code(module, child, out);
    }
}

/// Returns the line of the functions in a function.
fn children(raw: &RawCode) -> Line {
    let mut line = Line::plain("  children: [");
    let mut labels = Vec::new();
    line.defines.push(format!("{}.children", raw.escaped));
    for (child, number) in raw.children.iter().zip(0..) {
        if number > 0 {
            line.text.push_str(", ");
        }
        let start_col = line.text.chars().count() + 1;
        line.text.push_str(&child.simple_name);
        let name = format!("{}.child{number}", raw.escaped);
        line.defines.push(name.clone());
        labels.push(Label {
            name,
            target: child.escaped.clone(),
            range: Columns {
                start_col,
                end_col: line.text.chars().count() + 1,
            },
        });
    }
    line.text.push(']');
    line.labels = Some(labels);
    line
}

fn instructions(module: &Module, raw: &RawCode, prelude: &Prelude, out: &mut Vec<Line>) {
    let data = &raw.data;
    let mut at = prelude.opcodes;
    while let Some(instruction) = decode(data, at) {
        let number = usize::try_from(instruction.argument).unwrap_or(usize::MAX);
        let argument = match instruction.format {
            _ if instruction.byte == 0x23 => module
                .objects
                .get(number)
                .map(|value| object(value, true))
                .unwrap_or_default(),
            Format::Qstr => module
                .qstrs
                .get(number)
                .map(|qstr| qstr.text.clone())
                .unwrap_or_default(),
            Format::Number | Format::Offset => instruction.argument.to_string(),
            Format::None => String::new(),
        };
        let bytes = hex(data.get(at..at + instruction.length).unwrap_or_default());
        let name = opcode(instruction.byte);
        let front = format!("  {bytes:<11} {name} ");
        let column = front.chars().count();
        let mut line = Line {
            source: Some(Source {
                file: None,
                line: source_line(data, prelude, at),
            }),
            disassembly: Some(name),
            defines: vec![format!("{}.{at}", raw.escaped)],
            ..Line::plain(front + &argument)
        };
        refer(&mut line, raw, at, instruction, column);
        out.push(line);
        at += instruction.length;
    }
}

/// Adds what the operand refers to, which begins behind `column` characters of the line.
fn refer(line: &mut Line, raw: &RawCode, at: usize, instruction: Instruction, column: usize) {
    let length = line.text.chars().count() - column;
    let end = i64::try_from(at + instruction.length).unwrap_or(i64::MAX);
    let target = match instruction.byte {
        0x40 | 0x42..=0x4b => {
            let to = end.saturating_add(instruction.argument);
            line.link = Some(Link {
                offset: column,
                length,
                to,
            });
            format!("{}.{to}", raw.escaped)
        }
        // The four instructions that make a function of a child.
        0x20 | 0x21 | 0x32 | 0x33 => {
            let number = usize::try_from(instruction.argument).unwrap_or(usize::MAX);
            match raw.children.get(number) {
                Some(child) => child.escaped.clone(),
                None => format!("{}.children", raw.escaped),
            }
        }
        _ => return,
    };
    line.labels = Some(vec![Label {
        name: format!("{}.{at}", raw.escaped),
        target,
        range: Columns {
            start_col: column + 1,
            end_col: column + length + 1,
        },
    }]);
}

/// Returns the line of the source for the instruction at `at`.
fn source_line(data: &[u8], prelude: &Prelude, at: usize) -> u64 {
    let mut left = at.saturating_sub(prelude.opcodes);
    let mut line = 1;
    let table = data.get(prelude.line_info..prelude.opcodes);
    let mut table = table.unwrap_or_default().iter().copied();
    while let Some(byte) = table.next() {
        let (bytes, lines) = match byte & 0x80 {
            0 => (byte & 0x1f, u64::from(byte >> 5)),
            _ => {
                let Some(low) = table.next() else { break };
                (byte & 0xf, (u64::from(byte) << 4) & 0x700 | u64::from(low))
            }
        };
        let Some(rest) = left.checked_sub(usize::from(bytes)) else {
            break;
        };
        left = rest;
        line += lines;
    }
    line
}

/// Adds the lines that `mpy-tool.py -x` prints of a file: its bytes in colors, and the names of its stretches.
pub(super) fn hexdump(module: &Module, out: &mut Vec<Line>) {
    const OFF: &str = "\x1b[0m";
    let colors = |kind: SegmentKind, second: bool| match (kind, second) {
        (SegmentKind::Meta, _) => "",
        (SegmentKind::Qstr, false) => "\x1b[0;31m",
        (SegmentKind::Qstr, true) => "\x1b[0;91m",
        (SegmentKind::Object, false) => "\x1b[0;32m",
        (SegmentKind::Object, true) => "\x1b[0;92m",
        (SegmentKind::Code, false) => "\x1b[0;34m",
        (SegmentKind::Code, true) => "\x1b[0;94m",
    };
    let mut color = "";
    let mut second = false;
    let mut segments = module.segments.iter().peekable();
    for (row, bytes) in module.bytes.chunks(16).enumerate() {
        let offset = row * 16;
        let mut digits = color.to_owned();
        let mut letters = color.to_owned();
        let mut comment = String::new();
        for (index, byte) in bytes.iter().enumerate() {
            while let Some(segment) = segments.peek() {
                if offset + index == segment.start {
                    color = colors(segment.kind, second);
                    second = !second;
                    digits.push_str(color);
                    letters.push_str(color);
                    let _ = write!(comment, " {color}{}{OFF}", segment.name);
                }
                if offset + index != segment.end {
                    break;
                }
                color = "";
                digits.push_str(OFF);
                letters.push_str(OFF);
                segments.next();
            }
            if index % 2 == 0 {
                digits.push(' ');
            }
            let _ = write!(digits, "{byte:02x}");
            letters.push(if matches!(byte, 0x20..=0x7e) {
                char::from(*byte)
            } else {
                '.'
            });
        }
        if !color.is_empty() {
            digits.push_str(OFF);
            letters.push_str(OFF);
        }
        let pad = " ".repeat((16 - bytes.len()) * 5 / 2);
        out.push(Line::plain(format!(
            "{offset:08x}:{digits}{pad}  {letters} {comment}"
        )));
    }
}
