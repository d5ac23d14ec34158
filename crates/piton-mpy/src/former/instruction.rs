//! Takes bytecode of version 5 apart.

use crate::cursor::{Cursor, invalid};
use crate::error::Error;
use crate::header::Header;
use crate::instruction::{Instruction, Operand, read_operand};
use crate::opcode::{Opcode, OpcodeRow, OperandKind};
use crate::raw_code::Bytecode;

/// What the instructions of a function mean by their numbers.
pub(crate) struct Frame<'a> {
    /// How many arguments stand in front of the objects.
    arguments: u32,
    /// The function's objects, as indices into the module's.
    objects: &'a [u32],
    /// Whether a byte for the board to remember a place follows where names are looked up (`-mcache-lookup-bc`).
    has_cache: bool,
}

impl<'a> Frame<'a> {
    pub(crate) fn of(bytecode: &'a Bytecode, header: &Header) -> Frame<'a> {
        let arguments = u32::try_from(bytecode.prelude.arg_names.len()).unwrap_or(u32::MAX);
        Frame {
            arguments,
            objects: &bytecode.objects,
            has_cache: header.has_lookup_cache(),
        }
    }

    /// Returns whether a byte of the board follows the name of this instruction.
    pub(super) fn caches(&self, byte: u8) -> bool {
        self.has_cache && is_looked_up(byte)
    }

    /// Returns what the number of a constant stands for.
    fn constant(&self, number: u32) -> Result<Operand, u32> {
        let number = number.checked_sub(self.arguments).ok_or(number)?;
        match self.objects.get(number as usize) {
            Some(&object) => Ok(Operand::Object(object)),
            None => Err(number - self.objects.len() as u32),
        }
    }
}

/// Decodes instruction after instruction; ends after the last one or after the first error, whose address counts from
/// the first opcode.
pub(crate) fn instructions<'a>(
    opcodes: &'a [u8],
    frame: Frame<'a>,
) -> impl Iterator<Item = Result<Instruction, Error>> + 'a {
    let mut cursor = Cursor::new(opcodes);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || cursor.left() == 0 {
            return None;
        }
        let instruction = read(&mut cursor, &frame);
        failed = instruction.is_err();
        Some(instruction)
    })
}

pub(super) fn read(cursor: &mut Cursor<'_>, frame: &Frame<'_>) -> Result<Instruction, Error> {
    let start = cursor.at();
    let byte = cursor.byte("opcode")?;
    let opcode = OpcodeRow::of(byte)
        .ok_or_else(|| invalid(start, "opcode", "a known opcode", format!("{byte:#04x}")))?;
    let kind = opcode.operand;
    let is_jump = [OperandKind::SignedOffset, OperandKind::UnsignedOffset].contains(&kind);
    let operand = if kind == OperandKind::Qstr {
        let name = two_bytes(cursor, "qstr index")?;
        if frame.caches(byte) {
            cursor.byte("lookup cache")?;
        }
        Operand::Qstr(name)
    } else if is_jump {
        Operand::Jump(read_target(cursor, byte)?)
    } else if kind == OperandKind::Unwind {
        let target = read_target(cursor, byte)?;
        let depth = cursor.byte("handlers to unwind")?;
        Operand::Unwind {
            target,
            handlers: depth & 0x7f,
            leaves_for: depth & 0x80 != 0,
        }
    } else {
        translate(read_operand(cursor, byte, opcode)?, frame)
    };
    Ok(Instruction {
        offset: start as u32,
        length: (cursor.at() - start) as u32,
        byte,
        opcode,
        operand,
    })
}

/// Returns the operand with the module's numbers in place of the function's.
fn translate(operand: Operand, frame: &Frame<'_>) -> Operand {
    let child = |number: u32| match frame.constant(number) {
        Ok(_) => u32::MAX,
        Err(child) => child,
    };
    if let Operand::Object(number) = operand {
        return frame.constant(number).unwrap_or(Operand::Object(u32::MAX));
    }
    if let Operand::Child(number) = operand {
        return Operand::Child(child(number));
    }
    if let Operand::Closure {
        child: number,
        closed,
    } = operand
    {
        let child = child(number);
        return Operand::Closure { child, closed };
    }
    operand
}

/// Returns whether the board looks a name up here.
fn is_looked_up(byte: u8) -> bool {
    [
        Opcode::LOAD_NAME,
        Opcode::LOAD_GLOBAL,
        Opcode::LOAD_ATTR,
        Opcode::STORE_ATTR,
    ]
    .iter()
    .any(|opcode| opcode.byte() == byte)
}

fn two_bytes(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u32, Error> {
    let low = cursor.byte(field)?;
    let high = cursor.byte(field)?;
    Ok(u16::from_le_bytes([low, high]).into())
}

/// Reads a jump distance, which counts from the byte after it.
fn read_target(cursor: &mut Cursor<'_>, byte: u8) -> Result<i64, Error> {
    let number = i64::from(two_bytes(cursor, "jump offset")?);
    let bias = if is_signed(byte) { SIGNED_BIAS } else { 0 };
    Ok(cursor.at() as i64 + number - bias)
}

/// What is added to the offset of a jump in both directions.
pub(crate) const SIGNED_BIAS: i64 = 0x8000;

/// Returns whether an opcode jumps in both directions.
pub(crate) fn is_signed(byte: u8) -> bool {
    byte <= Opcode::JUMP_IF_FALSE_OR_POP.byte()
}
