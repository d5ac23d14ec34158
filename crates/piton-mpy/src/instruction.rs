//! Takes bytecode apart into instructions.

use crate::cursor::{Cursor, invalid};
use crate::error::Error;
use crate::former;
use crate::header::{FORMER_VERSION, Header};
use crate::opcode::{OpcodeRow, OperandKind};
use crate::raw_code::Bytecode;

/// One instruction, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Where it starts, in bytes from the first opcode of the function.
    pub offset: u32,
    /// Its length in bytes, operand included.
    pub length: u32,
    /// The opcode byte.
    pub byte: u8,
    /// The table row of that byte.
    pub opcode: &'static OpcodeRow,
    /// The operand.
    pub operand: Operand,
}

/// The operand of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// None.
    None,
    /// Index into the qstr table.
    Qstr(u32),
    /// Index into the object table.
    Object(u32),
    /// Number of a local.
    Local(u32),
    /// Number of items.
    Count(u32),
    /// Index among the raw code's children.
    Child(u32),
    /// A child and how many variables it closes over.
    Closure {
        /// Index among the raw code's children.
        child: u32,
        /// Number of closed-over variables.
        closed: u8,
    },
    /// Arguments of a call.
    Call {
        /// Positional arguments.
        positional: u32,
        /// Keyword arguments.
        keyword: u32,
    },
    /// Targets around a starred one.
    UnpackEx {
        /// Targets before it.
        before: u32,
        /// Targets after it.
        after: u32,
    },
    /// What a comprehension adds to.
    Comprehension {
        /// Its position on the value stack.
        position: u32,
        /// Whether it is a list, a dict or a set.
        container: Container,
    },
    /// A small int.
    SmallInt(i64),
    /// A jump; see [`Instruction::offset`] for what the offset counts from. It may lie outside the
    /// function in damaged code.
    Jump(i64),
    /// A jump out of exception handlers.
    Unwind {
        /// As in [`Operand::Jump`].
        target: i64,
        /// How many handlers to unwind, 0 to 127.
        handlers: u8,
        /// Whether it also leaves a `for` loop.
        leaves_for: bool,
    },
    /// A unary operator as written in Python.
    UnaryOperator(&'static str),
    /// A binary operator as written in Python.
    BinaryOperator(&'static str),
}

/// What a comprehension builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// A list.
    List,
    /// A dict.
    Dict,
    /// A set.
    Set,
}

impl Instruction {
    /// Returns where the instruction jumps to, if it jumps.
    pub fn target(&self) -> Option<i64> {
        match self.operand {
            Operand::Jump(target) | Operand::Unwind { target, .. } => Some(target),
            Operand::None
            | Operand::Qstr(_)
            | Operand::Object(_)
            | Operand::Local(_)
            | Operand::Count(_)
            | Operand::Child(_)
            | Operand::Closure { .. }
            | Operand::Call { .. }
            | Operand::UnpackEx { .. }
            | Operand::Comprehension { .. }
            | Operand::SmallInt(_)
            | Operand::UnaryOperator(_)
            | Operand::BinaryOperator(_) => None,
        }
    }
}

/// Decodes the instructions of a function in a file with this header, as [`instructions`] does for the newest version.
pub fn instructions_of<'a>(
    bytecode: &'a Bytecode,
    header: &Header,
) -> Box<dyn Iterator<Item = Result<Instruction, Error>> + 'a> {
    if header.version == FORMER_VERSION {
        let frame = former::Frame::of(bytecode, header);
        return Box::new(former::instructions(&bytecode.opcodes, frame));
    }
    Box::new(instructions(&bytecode.opcodes))
}

/// Decodes instruction after instruction; ends after the last one or after the first error, whose
/// address counts from the first opcode.
pub fn instructions(opcodes: &[u8]) -> impl Iterator<Item = Result<Instruction, Error>> + '_ {
    let mut cursor = Cursor::new(opcodes);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || cursor.left() == 0 {
            return None;
        }
        let instruction = read(&mut cursor);
        failed = instruction.is_err();
        Some(instruction)
    })
}

fn read(cursor: &mut Cursor<'_>) -> Result<Instruction, Error> {
    let start = cursor.at();
    let byte = cursor.byte("opcode")?;
    let opcode = OpcodeRow::of(byte)
        .ok_or_else(|| invalid(start, "opcode", "a known opcode", format!("{byte:#04x}")))?;
    let operand = read_operand(cursor, byte, opcode)?;
    let length = cursor.at() - start;
    Ok(Instruction {
        offset: start as u32,
        length: length as u32,
        byte,
        opcode,
        operand,
    })
}

pub(crate) fn read_operand(
    cursor: &mut Cursor<'_>,
    byte: u8,
    opcode: &OpcodeRow,
) -> Result<Operand, Error> {
    let in_group = usize::from(byte.wrapping_sub(opcode.first));
    let operator = |names: &[&'static str]| names.get(in_group).copied().unwrap_or_default();
    Ok(match opcode.operand {
        OperandKind::None => Operand::None,
        OperandKind::Qstr => Operand::Qstr(cursor.vuint("qstr index")?),
        OperandKind::Object => Operand::Object(cursor.vuint("object index")?),
        OperandKind::Local => Operand::Local(cursor.vuint("local number")?),
        OperandKind::Count => Operand::Count(cursor.vuint("count")?),
        OperandKind::Child => Operand::Child(cursor.vuint("child index")?),
        OperandKind::Closure => Operand::Closure {
            child: cursor.vuint("child index")?,
            closed: cursor.byte("number of closed-over variables")?,
        },
        OperandKind::Call => {
            let number = cursor.vuint("argument counts")?;
            Operand::Call {
                positional: number & 0xff,
                keyword: number >> 8,
            }
        }
        OperandKind::UnpackEx => {
            let number = cursor.vuint("target counts")?;
            Operand::UnpackEx {
                before: number & 0xff,
                after: number >> 8,
            }
        }
        OperandKind::Comprehension => {
            let start = cursor.at();
            let number = cursor.vuint("stack position")?;
            let container = match number & 3 {
                0 => Container::List,
                1 => Container::Dict,
                2 => Container::Set,
                _ => {
                    return Err(invalid(
                        start,
                        "stack position",
                        "a container from 0 to 2",
                        "3",
                    ));
                }
            };
            Operand::Comprehension {
                position: number >> 2,
                container,
            }
        }
        OperandKind::SmallInt => Operand::SmallInt(read_small_int(cursor)?),
        OperandKind::SignedOffset => Operand::Jump(read_target(cursor, 0x40, 0x4000)?),
        OperandKind::UnsignedOffset => Operand::Jump(read_target(cursor, 0, 0)?),
        OperandKind::Unwind => {
            let target = read_target(cursor, 0x40, 0x4000)?;
            let depth = cursor.byte("handlers to unwind")?;
            Operand::Unwind {
                target,
                handlers: depth & 0x7f,
                leaves_for: depth & 0x80 != 0,
            }
        }
        OperandKind::SmallIntInOpcode => Operand::SmallInt(i64::from(byte) - 0x80),
        OperandKind::LocalInOpcode => Operand::Local(u32::from(byte & 0xf)),
        OperandKind::UnaryOp => Operand::UnaryOperator(operator(&crate::opcode::UNARY_OPERATORS)),
        OperandKind::BinaryOp => {
            Operand::BinaryOperator(operator(&crate::opcode::BINARY_OPERATORS))
        }
    })
}

fn read_small_int(cursor: &mut Cursor<'_>) -> Result<i64, Error> {
    let start = cursor.at();
    let first = cursor.byte("small int")?;
    // Bit 6 of the first byte is the sign.
    let mut value = i64::from(first as i8) << 57 >> 57;
    let mut more = first & 0x80 != 0;
    while more {
        let byte = cursor.byte("small int")?;
        value = value
            .checked_mul(0x80)
            .ok_or_else(|| invalid(start, "small int", "a number of 64 bits", "a larger one"))?
            | i64::from(byte & 0x7f);
        more = byte & 0x80 != 0;
    }
    Ok(value)
}

/// Reads a jump distance, which counts from the byte after it.
fn read_target(cursor: &mut Cursor<'_>, bias: i64, long_bias: i64) -> Result<i64, Error> {
    let low = cursor.byte("jump offset")?;
    let distance = if low & 0x80 == 0 {
        i64::from(low) - bias
    } else {
        let high = cursor.byte("jump offset")?;
        (i64::from(low & 0x7f) | i64::from(high) << 7) - long_bias
    };
    Ok(cursor.at() as i64 + distance)
}
