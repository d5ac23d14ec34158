//! How names, constants and numbers are shown to a person.

use std::fmt::Write;

use crate::header::{Arch, FEATURE_LOOKUP_CACHE, FEATURE_UNICODE};
use crate::instruction::{Container, Operand};
use crate::module::{ConstObject, Module, Qstr};
use crate::raw_code::{Place, Relocation, Section, Target};

/// Returns text as a Python string literal. Bytes that are not UTF-8 show as `\xNN`.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut shown = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => shown.extend(['\\', character]),
                _ => push_printable(&mut shown, character),
            }
        }
        push_hex_escapes(&mut shown, chunk.invalid());
    }
    shown.push('"');
    shown
}

/// Returns a name unchanged if it is unambiguous, else as a literal.
pub(crate) fn name(bytes: &[u8]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.<>-/*".contains(&byte);
    match str::from_utf8(bytes) {
        Ok(name) if !name.is_empty() && name.bytes().all(is_plain) => name.into(),
        _ => text(bytes),
    }
}

fn bytes_literal(bytes: &[u8]) -> String {
    let mut shown = String::from("b\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => shown.extend(['\\', char::from(byte)]),
            0x20..0x7f => shown.push(char::from(byte)),
            _ => push_hex_escapes(&mut shown, &[byte]),
        }
    }
    shown.push('"');
    shown
}

fn push_printable(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        _ if character.is_control() => shown.extend(character.escape_unicode()),
        _ => shown.push(character),
    }
}

fn push_hex_escapes(shown: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(shown, "\\x{byte:02x}");
    }
}

/// Returns a constant as Python would write it. Uses a stack of its own for tuples inside tuples.
pub(crate) fn object(object: &ConstObject) -> String {
    let mut shown = String::new();
    // The tuples that are not complete yet: all items, and those still to show.
    let mut open: Vec<(&[ConstObject], std::slice::Iter<'_, ConstObject>)> = Vec::new();
    let mut next = Some(object);
    while let Some(object) = next {
        if let ConstObject::Tuple(items) = object {
            shown.push('(');
            open.push((items, items.iter()));
        } else {
            push_scalar(&mut shown, object);
        }
        next = None;
        while let Some((items, left)) = open.last_mut() {
            let is_first = left.len() == items.len();
            next = left.next();
            if next.is_some() {
                shown.push_str(if is_first { "" } else { ", " });
                break;
            }
            shown.push_str(if items.len() == 1 { ",)" } else { ")" });
            open.pop();
        }
    }
    shown
}

fn push_scalar(shown: &mut String, object: &ConstObject) {
    match object {
        ConstObject::FunTable => shown.push_str("<function table>"),
        ConstObject::None => shown.push_str("None"),
        ConstObject::False => shown.push_str("False"),
        ConstObject::True => shown.push_str("True"),
        ConstObject::Ellipsis => shown.push_str("..."),
        ConstObject::Str(data) => shown.push_str(&text(data)),
        ConstObject::Bytes(data) => shown.push_str(&bytes_literal(data)),
        ConstObject::Int(text) | ConstObject::Float(text) | ConstObject::Complex(text) => {
            shown.push_str(text);
        }
        ConstObject::Tuple(_) => {}
    }
}

/// Returns the features of a file of version 5 in words.
pub(crate) fn features(features: u8) -> &'static str {
    match (
        features & FEATURE_UNICODE != 0,
        features & FEATURE_LOOKUP_CACHE != 0,
    ) {
        (true, false) => "Unicode strings",
        (true, true) => "Unicode strings, room for looked-up names",
        (false, false) => "strings of bytes",
        (false, true) => "strings of bytes, room for looked-up names",
    }
}

/// Returns the architecture flags by name.
pub(crate) fn arch_flags(arch: Option<Arch>, flags: u32) -> String {
    let known = arch.map_or(&[][..], Arch::flag_names);
    let names: Vec<_> = known
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    if names.is_empty() {
        format!("{flags:#x}")
    } else {
        format!("{flags:#x} {}", names.join(" "))
    }
}

/// Returns what an assembler function returns.
pub(crate) fn return_type(number: u32) -> String {
    let name = match number {
        0 => "object",
        1 => "bool",
        2 => "int",
        3 => "uint",
        _ => "unknown",
    };
    format!("{number} {name}")
}

/// Returns a relocation: `text word 3 += address of rodata, 2 times`.
pub(crate) fn relocation(relocation: &Relocation) -> String {
    let mut shown = match relocation.place {
        Some(Place {
            section: Section::Text,
            word,
        }) => format!("text word {word}"),
        Some(Place {
            section: Section::Rodata,
            word,
        }) => format!("rodata word {word}"),
        None => "next word".into(),
    };
    shown.push_str(" += address of ");
    shown.push_str(&target(relocation.target));
    if let Some(count) = relocation.count {
        shown.push_str(&format!(", {count} words in a row"));
    }
    shown
}

/// Returns a qstr of the module by index; an index outside the table shows as such.
pub(crate) fn qstr(qstrs: &[Qstr], index: u32) -> String {
    match qstrs.get(index as usize) {
        Some(qstr) => name(qstr.bytes()),
        None => format!("<no qstr {index}>"),
    }
}

/// Returns an operand, without jump targets, which are shown as labels.
pub(crate) fn operand(operand: Operand, module: &Module) -> String {
    match operand {
        Operand::None | Operand::Jump(_) => String::new(),
        Operand::Qstr(index) => qstr(&module.qstrs, index),
        Operand::Object(index) => match module.objects.get(index as usize) {
            Some(constant) => object(constant),
            None => format!("<no object {index}>"),
        },
        Operand::Local(number) => format!("local {number}"),
        Operand::Count(count) => count.to_string(),
        Operand::Child(child) => format!("child {child}"),
        Operand::Closure { child, closed } => format!("child {child}, {closed} closed over"),
        Operand::Call {
            positional,
            keyword: 0,
        } => format!("{positional} positional"),
        Operand::Call {
            positional,
            keyword,
        } => format!("{positional} positional, {keyword} keyword"),
        Operand::UnpackEx { before, after } => format!("{before} before, {after} after"),
        Operand::Comprehension {
            position,
            container,
        } => {
            let container = match container {
                Container::List => "list",
                Container::Dict => "dict",
                Container::Set => "set",
            };
            format!("{container} at {position}")
        }
        Operand::SmallInt(value) => value.to_string(),
        Operand::Unwind {
            handlers,
            leaves_for,
            ..
        } => {
            let leaves = if leaves_for { ", leaves `for`" } else { "" };
            format!("unwinds {handlers}{leaves}")
        }
        Operand::UnaryOperator(operator) | Operand::BinaryOperator(operator) => operator.into(),
    }
}

/// Returns what a relocation adds, in words.
pub(crate) fn target(target: Target) -> String {
    match target {
        Target::Text => "text".to_owned(),
        Target::Rodata => "rodata".to_owned(),
        Target::Bss => "bss".to_owned(),
        Target::QstrTable => "qstr table".to_owned(),
        Target::ObjectTable => "object table".to_owned(),
        Target::FunTable => "function table".to_owned(),
        Target::Fun(number) => format!("function {number}"),
    }
}
