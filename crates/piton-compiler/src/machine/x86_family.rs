//! What the two x86 machines have in common: instructions that are the same bytes, but for a REX prefix on the 64-bit one.

use super::{Arithmetic, Assembler, Comparison, Register, Shift, Width};
use crate::emit::Label;

/// Bits of the REX prefix of the 64-bit machine.
pub(super) const REX: u8 = 0x40;
pub(super) const REX_W: u8 = 0x08;
pub(super) const REX_R: u8 = 0x04;
pub(super) const REX_B: u8 = 0x01;
/// Makes an instruction one of 16 bits.
pub(super) const OPERAND_SIZE: u8 = 0x66;

/// The stack pointer, and the register that [`memory`] needs a displacement for.
const SP: u8 = 4;
const BP: u8 = 5;

/// Conditions of `jcc` and `setcc`.
pub(super) mod condition {
    pub(in crate::machine) const BELOW: u8 = 0x2;
    pub(in crate::machine) const ABOVE_OR_EQUAL: u8 = 0x3;
    pub(in crate::machine) const EQUAL: u8 = 0x4;
    pub(in crate::machine) const NOT_EQUAL: u8 = 0x5;
    pub(in crate::machine) const BELOW_OR_EQUAL: u8 = 0x6;
    pub(in crate::machine) const ABOVE: u8 = 0x7;
    pub(in crate::machine) const LESS: u8 = 0xc;
    pub(in crate::machine) const GREATER_OR_EQUAL: u8 = 0xd;
    pub(in crate::machine) const LESS_OR_EQUAL: u8 = 0xe;
    pub(in crate::machine) const GREATER: u8 = 0xf;
}

/// Returns the condition of a comparison.
pub(super) fn condition_of(comparison: Comparison, is_unsigned: bool) -> u8 {
    match (comparison, is_unsigned) {
        (Comparison::Less, true) => condition::BELOW,
        (Comparison::More, true) => condition::ABOVE,
        (Comparison::LessOrEqual, true) => condition::BELOW_OR_EQUAL,
        (Comparison::MoreOrEqual, true) => condition::ABOVE_OR_EQUAL,
        (Comparison::Less, false) => condition::LESS,
        (Comparison::More, false) => condition::GREATER,
        (Comparison::LessOrEqual, false) => condition::LESS_OR_EQUAL,
        (Comparison::MoreOrEqual, false) => condition::GREATER_OR_EQUAL,
        (Comparison::Equal, _) => condition::EQUAL,
        (Comparison::NotEqual, _) => condition::NOT_EQUAL,
    }
}

/// Returns the opcode of an operation on two registers; none for `imul`, in which they stand the other way round.
pub(super) fn opcode_of(operation: Arithmetic) -> Option<u8> {
    match operation {
        Arithmetic::Or => Some(0x09),
        Arithmetic::Xor => Some(0x31),
        Arithmetic::And => Some(0x21),
        Arithmetic::Add => Some(0x01),
        Arithmetic::Subtract => Some(0x29),
        Arithmetic::Multiply => None,
    }
}

/// Returns the extension of the opcode of a shift by `cl`.
pub(super) fn extension_of(shift: Shift) -> u8 {
    match shift {
        Shift::Left => 4,
        Shift::RightLogical => 5,
        Shift::RightArithmetic => 7,
    }
}

/// Returns the opcode that loads from memory, with zeros in the bits above.
pub(super) fn load_opcode(width: Width) -> &'static [u8] {
    match width {
        Width::Bits8 => &[0x0f, 0xb6],
        Width::Bits16 => &[0x0f, 0xb7],
        Width::Bits32 => &[0x8b],
    }
}

/// Returns the opcode that stores to memory. An instruction of 16 bits has [`OPERAND_SIZE`] before it.
pub(super) fn store_opcode(width: Width) -> u8 {
    if width == Width::Bits8 { 0x88 } else { 0x89 }
}

/// Returns the number of a register in the lower three bits, as ModRM has it.
pub(super) fn low(register: Register) -> u8 {
    register.0 & 7
}

/// Returns whether a register has a number that only the 64-bit machine has.
pub(super) fn is_high(register: Register) -> bool {
    register.0 >= 8
}

/// Returns the ModRM byte of two registers, or of an extension of the opcode and a register.
pub(super) fn mod_registers(reg: u8, rm: Register) -> u8 {
    0xc0 | (reg & 7) << 3 | low(rm)
}

/// Returns whether a number is that of its lowest byte. Only the low 32 bits count.
fn fits_8(value: i64) -> bool {
    matches!(value & 0xffff_ff80, 0 | 0xffff_ff80)
}

/// Appends ModRM and displacement of `[base + displacement]`. Of the displacement the low 32 bits count.
pub(super) fn memory(assembler: &mut Assembler, reg: Register, base: Register, displacement: i64) {
    let displacement = i64::from(displacement as i32);
    let mode = if displacement == 0 && low(base) != BP {
        0x00
    } else if fits_8(displacement) {
        0x40
    } else {
        0x80
    };
    assembler.emit(&[mode | low(reg) << 3 | low(base)]);
    if low(base) == SP {
        // These bases need a SIB byte.
        assembler.emit(&[0x24]);
    }
    match mode {
        0x40 => assembler.data(1, displacement),
        0x80 => assembler.data(4, displacement),
        _ => {}
    }
}

/// `push register`
pub(super) fn push(assembler: &mut Assembler, register: Register) {
    stack(assembler, 0x50, register);
}

/// `pop register`
pub(super) fn pop(assembler: &mut Assembler, register: Register) {
    stack(assembler, 0x58, register);
}

fn stack(assembler: &mut Assembler, opcode: u8, register: Register) {
    if is_high(register) {
        assembler.emit(&[REX | REX_B]);
    }
    assembler.emit(&[opcode | low(register)]);
}

/// `add sp, value`
pub(super) fn add_stack_pointer(assembler: &mut Assembler, prefix: &[u8], value: i64) {
    move_stack_pointer(assembler, prefix, 0, value);
}

/// `sub sp, value`
pub(super) fn sub_stack_pointer(assembler: &mut Assembler, prefix: &[u8], value: i64) {
    move_stack_pointer(assembler, prefix, 5, value);
}

fn move_stack_pointer(assembler: &mut Assembler, prefix: &[u8], extension: u8, value: i64) {
    let size = if fits_8(value) { 1 } else { 4 };
    let opcode = if size == 1 { 0x83 } else { 0x81 };
    assembler.emit(prefix);
    assembler.emit(&[opcode, mod_registers(extension, Register(SP))]);
    assembler.data(size, value);
}

/// Saves registers, and makes a frame.
pub(super) fn entry(assembler: &mut Assembler, prefix: &[u8], saved: [Register; 4], frame: i64) {
    for register in saved {
        push(assembler, register);
    }
    sub_stack_pointer(assembler, prefix, frame);
}

/// Undoes [`entry`], and returns.
pub(super) fn exit(assembler: &mut Assembler, prefix: &[u8], saved: [Register; 4], frame: i64) {
    // As the official compiler does: less by a negative number.
    sub_stack_pointer(assembler, prefix, -frame);
    for register in saved.into_iter().rev() {
        pop(assembler, register);
    }
    assembler.emit(&[0xc3]);
}

/// `jmp label`
pub(super) fn jump(assembler: &mut Assembler, label: Label) {
    jump_by(assembler, label, 0xeb, &[0xe9]);
}

/// `jcc label`
pub(super) fn jump_on(assembler: &mut Assembler, condition: u8, label: Label) {
    jump_by(
        assembler,
        label,
        0x70 | condition,
        &[0x0f, 0x80 | condition],
    );
}

/// A jump: two bytes if it goes back no further than a byte can say.
fn jump_by(assembler: &mut Assembler, label: Label, short: u8, long: &[u8]) {
    let distance = assembler.distance(label);
    let backward = assembler.label(label).is_some() && distance < 0;
    if backward && fits_8(distance - 2) {
        assembler.emit(&[short]);
        assembler.data(1, distance - 2);
    } else {
        assembler.emit(long);
        assembler.data(4, distance.wrapping_sub(long.len() as i64 + 4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Pass;

    const AX: Register = Register(0);

    /// Returns the bytes that a function appends.
    fn bytes(write: impl Fn(&mut Assembler)) -> Vec<u8> {
        let mut assembler = Assembler::default();
        for pass in [Pass::Compute, Pass::Emit] {
            assembler.start_pass(pass);
            write(&mut assembler);
        }
        assembler.take_code().unwrap()
    }

    #[test]
    fn addresses_take_the_shortest_displacement_but_of_bp() {
        let address = |base, displacement| bytes(|to| memory(to, AX, Register(base), displacement));
        // [bx], [bx + 127], [bx + 128], [bx - 128]
        assert_eq!(address(3, 0), [0x03]);
        assert_eq!(address(3, 127), [0x43, 0x7f]);
        assert_eq!(address(3, 128), [0x83, 0x80, 0, 0, 0]);
        assert_eq!(address(3, -128), [0x43, 0x80]);
        assert_eq!(address(3, -129), [0x83, 0x7f, 0xff, 0xff, 0xff]);
        // [bp + 0], [sp], and r13 and r12, which have the same lower bits
        assert_eq!(address(5, 0), [0x45, 0]);
        assert_eq!(address(4, 0), [0x04, 0x24]);
        assert_eq!(address(13, 0), [0x45, 0]);
        assert_eq!(address(12, 8), [0x44, 0x24, 8]);
    }

    #[test]
    fn a_jump_back_is_short_while_a_byte_can_say_it() {
        let back = |gap: usize| {
            let code = bytes(|to| {
                to.assign(Label(0));
                to.emit(&vec![0x90; gap]);
                jump_on(to, condition::EQUAL, Label(0));
            });
            code[gap..].to_vec()
        };
        // To itself it counts as forward.
        assert_eq!(back(0), [0x0f, 0x84, 0xfa, 0xff, 0xff, 0xff]);
        assert_eq!(back(1), [0x74, 0xfd]);
        assert_eq!(back(126), [0x74, 0x80]);
        assert_eq!(back(127), [0x0f, 0x84, 0x7b, 0xff, 0xff, 0xff]);
        // Forward it is long, whatever the distance.
        let forward = bytes(|to| {
            jump(to, Label(0));
            to.assign(Label(0));
        });
        assert_eq!(forward, [0xe9, 0, 0, 0, 0]);
    }

    #[test]
    fn a_frame_is_made_and_undone_by_subtraction() {
        let saved = [Register(5), Register(3), Register(12), Register(13)];
        let prefix = [REX | REX_W];
        assert_eq!(
            bytes(|to| entry(to, &prefix, saved, 0x80)),
            [
                0x55, 0x53, 0x41, 0x54, 0x41, 0x55, 0x48, 0x81, 0xec, 0x80, 0, 0, 0
            ]
        );
        assert_eq!(
            bytes(|to| exit(to, &prefix, saved, 0x80)),
            [
                0x48, 0x83, 0xec, 0x80, 0x41, 0x5d, 0x41, 0x5c, 0x5b, 0x5d, 0xc3
            ]
        );
    }
}
