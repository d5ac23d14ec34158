//! An annotated hexdump: what each byte of a file means.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use crate::cursor::Cursor;
use crate::instruction::instructions;
use crate::module::Module;
use crate::prelude::Prelude;
use crate::reader;
use crate::show;

/// The fields of a file in order, without a gap. [`fmt::Display`] draws the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hexdump {
    /// The fields. If the file is damaged, the last one is what could not be read.
    pub fields: Vec<Field>,
    /// Why reading ended early, if it did.
    pub error: Option<String>,
}

/// Some bytes of a file and their meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Offset in the file.
    pub offset: usize,
    /// The bytes, as two hexadecimal digits each with a space between.
    pub bytes: String,
    /// What it is, such as `qstr` or `prelude signature`.
    pub name: &'static str,
    /// What its value means; empty where there is nothing to say.
    pub meaning: String,
}

/// Annotates each byte of a file. A damaged file is annotated up to the damage.
pub fn hexdump(file: &[u8]) -> Hexdump {
    let mut cursor = Cursor::recording(file);
    let error = reader::read_from(&mut cursor).err();
    let end = cursor.noted_end();
    if end < file.len() {
        cursor.note_range(end..file.len(), "not read", String::new);
    }
    let fields = cursor.into_fields().into_iter().map(|field| Field {
        offset: field.range.start,
        bytes: hex(file.get(field.range).unwrap_or_default()),
        name: field.name,
        meaning: field.meaning,
    });
    Hexdump {
        fields: fields.collect(),
        error: error.map(|error| error.to_string()),
    }
}

/// Returns two digits a byte, with a space between.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// Bytes shown on one line.
const LINE_BYTES: usize = 12;

impl fmt::Display for Hexdump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for field in &self.fields {
            let mut note = String::from(field.name);
            if !field.meaning.is_empty() {
                note = format!("{note}: {}", field.meaning);
            }
            // Three characters a byte, the last one without its space.
            let mut rest = field.bytes.as_str();
            let mut offset = field.offset;
            while !rest.is_empty() {
                let (line, after) = rest.split_at_checked(3 * LINE_BYTES).unwrap_or((rest, ""));
                writeln!(
                    f,
                    "{}",
                    format!("{offset:06x}  {line:37} {note}").trim_end()
                )?;
                note.clear();
                offset += LINE_BYTES;
                rest = after;
            }
        }
        match &self.error {
            Some(error) => writeln!(f, "error: {error}"),
            None => Ok(()),
        }
    }
}

/// Records each instruction of a function.
pub(crate) fn note_opcodes(cursor: &mut Cursor<'_>, start: usize, opcodes: &[u8], module: &Module) {
    if !cursor.is_recording() {
        return;
    }
    for instruction in instructions(opcodes) {
        match instruction {
            Ok(instruction) => {
                let at = start + instruction.offset as usize;
                cursor.note_range(at..at + instruction.length as usize, "opcode", || {
                    let mut shown = String::from(instruction.opcode.mnemonic());
                    let operand = show::operand(instruction.operand, module);
                    if !operand.is_empty() {
                        shown = format!("{shown} {operand}");
                    }
                    match instruction.target() {
                        Some(target) => format!("{shown} to {:06x}", start as i64 + target),
                        None => shown,
                    }
                });
            }
            Err(error) => {
                let range = cursor.noted_end().max(start)..start + opcodes.len();
                let error = error.moved_by(start);
                cursor.note_range(range, "not decodable", || error.to_string());
            }
        }
    }
}

/// Records the machine code in `range` and the prelude that is `prelude_offset` bytes into it.
pub(crate) fn note_native(
    cursor: &mut Cursor<'_>,
    range: Range<usize>,
    prelude_offset: usize,
    module: &Module,
) {
    if !cursor.is_recording() {
        return;
    }
    let prelude_start = range.start + prelude_offset;
    if prelude_offset > 0 {
        cursor.note_range(range.start..prelude_start, "machine code", String::new);
    }
    let prelude = cursor.revisit(prelude_start..range.end, |cursor| {
        Prelude::read(cursor, Some(&module.qstrs))
    });
    let rest = cursor.noted_end().max(prelude_start)..range.end;
    if !rest.is_empty() {
        cursor.note_range(rest, "behind the prelude", || {
            prelude
                .as_ref()
                .err()
                .map(ToString::to_string)
                .unwrap_or_default()
        });
    }
}
