//! Sequences of RISC-V instructions that the native emitter and the inline assembler share (`py/asmrv32.c`).

use super::encode;
use crate::machine::Assembler;

/// An instruction by its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    /// 16 bits.
    Half(u32),
    /// 32 bits.
    Word(u32),
}

/// Appends an instruction.
pub(crate) fn emit(assembler: &mut Assembler, instruction: Instruction) {
    match instruction {
        Instruction::Half(bits) => {
            let [a, b, ..] = bits.to_le_bytes();
            assembler.emit(&[a, b]);
        }
        Instruction::Word(bits) => assembler.emit(&bits.to_le_bytes()),
    }
}

/// Appends an instruction of 16 bits.
pub(crate) fn half(assembler: &mut Assembler, bits: u32) {
    emit(assembler, Instruction::Half(bits));
}

/// Appends an instruction of 32 bits.
pub(crate) fn word(assembler: &mut Assembler, bits: u32) {
    emit(assembler, Instruction::Word(bits));
}

/// Returns whether a number in two's complement has at most this many bits, sign included.
pub(crate) const fn fits(value: u32, bits: u32) -> bool {
    let high = !((1 << (bits - 1)) - 1);
    value & high == 0 || value & high == high
}

/// Returns what `lui` loads and what `addi` adds to it for a number.
pub(crate) const fn split(value: u32) -> (u32, u32) {
    let lower = value & 0xfff;
    let carry = (lower & 0x800) << 1;
    ((value & 0xffff_f000).wrapping_add(carry), lower)
}

/// Loads the upper part of a number.
pub(crate) fn load_upper(assembler: &mut Assembler, rd: u32, upper: u32) {
    if fits(upper, 17) && upper >> 12 != 0 {
        half(assembler, encode::c_lui(rd, upper));
    } else {
        word(assembler, encode::lui(rd, upper));
    }
}

/// Loads a number by its two parts.
pub(crate) fn load_full(assembler: &mut Assembler, rd: u32, value: u32) {
    let (upper, lower) = split(value);
    load_upper(assembler, rd, upper);
    match lower {
        0 => {}
        // Not signed: the official compiler uses the long form for negative numbers.
        1..=31 => half(assembler, encode::c_addi(rd, lower)),
        _ => word(assembler, encode::addi(rd, rd, lower)),
    }
}

/// Loads a number by the shortest sequence (`li`).
pub(crate) fn load_immediate(assembler: &mut Assembler, rd: u32, value: u32) {
    if fits(value, 6) {
        half(assembler, encode::c_li(rd, value));
    } else if fits(value, 12) {
        word(assembler, encode::addi(rd, 0, value));
    } else {
        load_full(assembler, rd, value);
    }
}

/// Loads the address that is this far away (`la`).
pub(crate) fn load_address(assembler: &mut Assembler, rd: u32, distance: u32) {
    let (upper, lower) = split(distance);
    word(assembler, encode::auipc(rd, upper));
    word(assembler, encode::addi(rd, rd, lower));
}
