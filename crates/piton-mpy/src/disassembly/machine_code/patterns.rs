//! Disassembly by a table of bit patterns, for processors that no well-kept crate covers.

use super::{Meaning, Table, filled_in};
use crate::disassembly::MachineInstruction;
use crate::hexdump::hex;

/// An instruction.
#[derive(Clone, Copy)]
pub(super) struct Row {
    mask: u32,
    value: u32,
    /// The mnemonic, and operands that the processor's function reads; other words are written as they are.
    text: &'static str,
}

/// Makes a row of the instruction's bits, the highest first: `0`, `1`, or any letter for a bit of an operand.
pub(super) const fn row(bits: &str, text: &'static str) -> Row {
    let bits = bits.as_bytes();
    let (mut mask, mut value, mut index) = (0, 0, 0);
    while index < bits.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "the loop's condition; tables are made while this is compiled"
        )]
        let bit = bits[index];
        if bit != b' ' {
            mask = mask << 1 | matches!(bit, b'0' | b'1') as u32;
            value = value << 1 | (bit == b'1') as u32;
        }
        index += 1;
    }
    Row { mask, value, text }
}

/// What an operand is.
pub(super) enum Operand {
    Register(&'static str),
    Number(i64),
    /// A number that is written in hexadecimal: a place in the code, or bits.
    Hexadecimal(i64),
    /// A list of registers.
    List(String),
}

/// A processor.
pub(super) struct Processor {
    /// The instructions. The first that fits is it.
    pub(super) rows: &'static [Row],
    /// Returns the length of the instruction that begins with a byte.
    pub(super) length: fn(u8) -> usize,
    /// Returns the operand of this name in an instruction at an address.
    pub(super) operand: fn(&str, u32, i64) -> Option<Operand>,
    /// The loads from the compiler's tables: the mnemonic and the register that has the table's address.
    pub(super) tables: &'static [(&'static str, &'static str, Table)],
}

/// Returns the number that the bits of an instruction make, each part given by its highest and lowest bit.
pub(super) fn unsigned(word: u32, parts: &[(u32, u32)]) -> i64 {
    let part = |(high, low): (u32, u32)| (word >> low & ((2 << (high - low)) - 1), high - low + 1);
    let number = parts.iter().fold(0, |number, &at| {
        let (bits, width) = part(at);
        number << width | bits
    });
    number.into()
}

/// Does as [`unsigned`], in two's complement.
pub(super) fn signed(word: u32, parts: &[(u32, u32)]) -> i64 {
    let width: u32 = parts.iter().map(|(high, low)| high - low + 1).sum();
    let number = unsigned(word, parts);
    if number >> (width - 1) == 0 {
        number
    } else {
        number - (1 << width)
    }
}

impl Processor {
    /// Lists code.
    pub(super) fn list(&self, code: &[u8], meaning: &Meaning<'_>) -> Vec<MachineInstruction> {
        let mut listed = Vec::new();
        let mut offset = 0;
        while let Some(&[first, ..]) = code.get(offset..) {
            if let Some((length, word)) = filled_in(code, offset as u64, 32, meaning) {
                listed.push(word);
                offset += length;
                continue;
            }
            let rest = code.get(offset..).unwrap_or_default();
            let bytes = rest.get(..(self.length)(first));
            let (text, note) = bytes
                .and_then(|bytes| self.instruction(bytes, offset, meaning))
                .unwrap_or_else(|| ("(bad)".to_owned(), None));
            let bytes = bytes.unwrap_or(rest);
            listed.push(MachineInstruction {
                offset: u32::try_from(offset).unwrap_or(u32::MAX),
                bytes: hex(bytes),
                text,
                note,
            });
            offset += bytes.len();
        }
        listed
    }

    /// Returns an instruction and what it refers to.
    fn instruction(
        &self,
        bytes: &[u8],
        offset: usize,
        meaning: &Meaning<'_>,
    ) -> Option<(String, Option<String>)> {
        let word = bytes
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u32::from(byte));
        let row = self.rows.iter().find(|row| word & row.mask == row.value)?;
        let (mnemonic, mut rest) = row.text.split_once(' ').unwrap_or((row.text, ""));
        let mut text = mnemonic.to_owned();
        if !rest.is_empty() {
            text.push(' ');
        }
        let (mut destination, mut base, mut displacement) = (None, "", 0);
        while !rest.is_empty() {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = match rest.find(|c| !is_word(c)) {
                Some(0) => rest.find(is_word),
                end => end,
            };
            let (token, others) = rest.split_at(end.unwrap_or(rest.len()));
            rest = others;
            match (self.operand)(token, word, i64::try_from(offset).ok()?) {
                Some(Operand::Register(name)) => {
                    destination.get_or_insert(name);
                    base = name;
                    text += name;
                }
                Some(Operand::Number(number)) => {
                    displacement = number;
                    text += &number.to_string();
                }
                Some(Operand::Hexadecimal(number)) if number < 0 => {
                    text += &format!("-{:#x}", number.unsigned_abs());
                }
                Some(Operand::Hexadecimal(number)) => text += &format!("{number:#x}"),
                Some(Operand::List(list)) => text += &list,
                None => text += token,
            }
        }
        // At its start a function loads the tables' addresses, not entries.
        let gets_table = self.tables.iter().any(|entry| Some(entry.1) == destination);
        let table = self.tables.iter().filter(|_| !gets_table);
        let table = table.filter(|entry| entry.0 == mnemonic && entry.1 == base);
        let note = table.map(|entry| entry.2).next().and_then(|table| {
            let displacement = u64::try_from(displacement).ok()?;
            meaning.of_load(table, displacement, 4)
        });
        Some((text, note))
    }
}
