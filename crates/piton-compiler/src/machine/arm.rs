//! ARMv6 in ARM state (`py/asmarm.c`).

use super::thumb::encode::condition;
use super::{
    Arithmetic, Assembler, Comparison, Description, Fun, Machine, Register, Shift, Width,
    load_at_sum,
};
use crate::emit::Label;
use piton_syntax::target::{Elements, NativeRules};

const R0: Register = Register(0);
const R1: Register = Register(1);
const R2: Register = Register(2);
const R3: Register = Register(3);
const R4: Register = Register(4);
const R5: Register = Register(5);
const R6: Register = Register(6);
const R7: Register = Register(7);
/// For the machine itself.
const TEMPORARY: u32 = 8;
const SP: u32 = 13;
const LR: u32 = 14;
const PC: u32 = 15;

/// Thumb, too: both states have the same registers and the same calls.
pub(super) static DESCRIPTION: Description = Description {
    word_size: 4,
    result: R0,
    arguments: [R0, R1, R2, R3],
    parent_result: R0,
    parent_arguments: [R0, R1, R2, R3],
    temporaries: [R0, R1, R2],
    locals: [R4, R5, R6],
    fun_table: R7,
    zero: None,
    // With those of a floating-point unit, so that the code runs where there is one.
    nlr_registers: 16,
    nlr_locals: [3, 4, 5],
    needs_setjmp: false,
    arguments_on_stack: false,
    shift_count: None,
    stores_from_argument_3: false,
    has_not: true,
    loads_any_element: [true; 3],
    stores_any_element: [true; 3],
};

/// Always.
const AL: u32 = 14;
/// r1 to r8.
const SAVED: u32 = 0x1fe;

/// Returns the condition that a comparison is, by its number in ARM and Thumb.
pub(super) fn condition_of(comparison: Comparison, is_unsigned: bool) -> u32 {
    match (comparison, is_unsigned) {
        (Comparison::Less, true) => condition::CC,
        (Comparison::More, true) => condition::HI,
        (Comparison::LessOrEqual, true) => condition::LS,
        (Comparison::MoreOrEqual, true) => condition::CS,
        (Comparison::Less, false) => condition::LT,
        (Comparison::More, false) => condition::GT,
        (Comparison::LessOrEqual, false) => condition::LE,
        (Comparison::MoreOrEqual, false) => condition::GE,
        (Comparison::Equal, _) => condition::EQ,
        (Comparison::NotEqual, _) => condition::NE,
    }
}

/// Data-processing operations.
#[derive(Clone, Copy, Debug)]
enum Op {
    And = 0,
    Eor = 1,
    Sub = 2,
    Rsb = 3,
    Add = 4,
    Cmp = 10,
    Orr = 12,
    Mov = 13,
    Mvn = 15,
}

/// op rd, rn, rm
fn registers(op: Op, rd: u32, rn: u32, rm: u32) -> u32 {
    let sets_flags = u32::from(matches!(op, Op::Cmp));
    (op as u32) << 21 | sets_flags << 20 | rn << 16 | rd << 12 | rm
}

/// op rd, rn, #imm8
fn immediate(op: Op, rd: u32, rn: u32, imm8: u32) -> u32 {
    1 << 25 | registers(op, rd, rn, imm8 & 0xff)
}

/// `mov` rd, rm, shifted by rs or by a number, in the bits from 4 on.
fn shifted(rd: u32, rm: u32, shift: u32) -> u32 {
    registers(Op::Mov, rd, 0, rm) | shift << 4
}

/// The base of `ldr`, `ldrb`, `str`, `strb` rd, [rn, #imm12 or register]
fn transfer(is_load: bool, is_byte: bool, rd: u32, rn: u32) -> u32 {
    5 << 24 | 1 << 23 | u32::from(is_byte) << 22 | u32::from(is_load) << 20 | rn << 16 | rd << 12
}

/// Makes the offset of [`transfer`] a register.
const BY_REGISTER: u32 = 1 << 25;
/// Makes it a register shifted left by 2.
const LSL_2: u32 = 2 << 7;

/// The base of `ldrh`, `strh` rd, [rn, register]
fn transfer_half(is_load: bool, rd: u32, rn: u32) -> u32 {
    0x0180_00b0 | u32::from(is_load) << 20 | rn << 16 | rd << 12
}

/// Makes the offset of [`transfer_half`] a number of eight bits.
fn half_offset(imm8: u32) -> u32 {
    1 << 22 | (imm8 >> 4) << 8 | imm8 & 0xf
}

/// An ARM processor.
#[derive(Debug)]
pub(crate) struct Arm {
    assembler: Assembler,
    rules: &'static NativeRules,
    /// Bytes of the frame.
    frame: u32,
}

fn number(register: Register) -> u32 {
    register.0.into()
}

/// Returns the low 32 bits.
fn low(value: i64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn bytes(words: usize) -> u32 {
    u32::try_from(words).unwrap_or(u32::MAX).wrapping_mul(4)
}

impl Arm {
    pub(crate) fn new(rules: &'static NativeRules) -> Arm {
        Arm {
            assembler: Assembler::default(),
            rules,
            frame: 0,
        }
    }

    fn word(&mut self, word: u32) {
        self.assembler.emit(&word.to_le_bytes());
    }

    fn emit_if(&mut self, condition: u32, instruction: u32) {
        self.word(condition << 28 | instruction);
    }

    fn emit(&mut self, instruction: u32) {
        self.emit_if(AL, instruction);
    }

    /// Loads a word that stands in the code, jumped over. Returns its offset.
    fn load_literal(&mut self, rd: u32, value: u32) -> usize {
        self.emit(transfer(true, false, rd, PC));
        self.emit(0x0a00_0000);
        let offset = self.assembler.offset();
        self.word(value);
        offset
    }

    /// Loads a number by the shortest sequence.
    fn load(&mut self, rd: u32, value: u32) {
        if value < 0x100 {
            self.emit(immediate(Op::Mov, rd, 0, value));
        } else if !value < 0x100 {
            self.emit(immediate(Op::Mvn, rd, 0, !value));
        } else {
            self.load_literal(rd, value);
        }
    }

    fn move_sp(&mut self, op: Op) {
        match self.frame {
            0 => {}
            // `immediate` takes the low bits.
            bytes if bytes < 0x100 || !self.rules.any_arm_frame => {
                self.emit(immediate(op, SP, SP, self.frame))
            }
            _ => {
                self.load(TEMPORARY, self.frame);
                self.emit(registers(op, SP, SP, TEMPORARY));
            }
        }
    }

    fn branch(&mut self, condition: u32, label: Label) {
        let words = (self.assembler.distance(label) - 8) >> 2;
        // The official compiler writes nothing for a label that is too far away.
        if (-0x80_0000..0x80_0000).contains(&words) {
            self.emit_if(condition, 0x0a00_0000 | low(words) & 0xff_ffff);
        }
    }

    fn compare_with_zero(&mut self, register: Register) {
        self.emit(immediate(Op::Cmp, 0, number(register), 0));
    }

    /// Loads or stores an element at an offset in bytes.
    fn transfer(&mut self, is_load: bool, width: Width, rd: u32, rn: u32, offset: u32) {
        let (base, limit) = match width {
            Width::Bits16 => (transfer_half(is_load, rd, rn), 0x100),
            _ => (transfer(is_load, width == Width::Bits8, rd, rn), 0x1000),
        };
        if offset >= limit && self.rules.any_offset {
            self.load(TEMPORARY, offset);
            let by_register = match width {
                Width::Bits16 => 0,
                _ => BY_REGISTER,
            };
            self.emit(base | by_register | TEMPORARY);
        } else if width == Width::Bits16 {
            self.emit(base | half_offset(offset));
        } else {
            self.emit(base | offset);
        }
    }

    /// Loads or stores an element whose number is in a register.
    fn transfer_indexed(&mut self, is_load: bool, width: Width, rd: u32, rn: u32, index: u32) {
        match width {
            Width::Bits8 => self.emit(transfer(is_load, true, rd, rn) | BY_REGISTER | index),
            Width::Bits16 => {
                // These transfers have no shifted index.
                self.emit(shifted(TEMPORARY, index, 1 << 3));
                self.emit(transfer_half(is_load, rd, rn) | TEMPORARY);
            }
            Width::Bits32 => {
                self.emit(transfer(is_load, false, rd, rn) | BY_REGISTER | LSL_2 | index);
            }
        }
    }
}

impl Machine for Arm {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn entry(&mut self, locals: usize, _name: &[u8]) {
        // Three locals lie in the places of r1 to r3.
        self.frame = match locals {
            0..4 => 0,
            _ => bytes(locals.next_multiple_of(2)),
        };
        self.emit(0x092d_0000 | SAVED | 1 << LR);
        self.move_sp(Op::Sub);
    }

    fn exit(&mut self) {
        self.move_sp(Op::Add);
        self.emit(0x08bd_0000 | SAVED | 1 << PC);
    }

    fn jump(&mut self, label: Label) {
        self.branch(AL, label);
    }

    fn jump_if_zero(&mut self, register: Register, label: Label, _is_bool: bool) {
        self.compare_with_zero(register);
        self.branch(condition::EQ, label);
    }

    fn jump_if_nonzero(&mut self, register: Register, label: Label, _is_bool: bool) {
        self.compare_with_zero(register);
        self.branch(condition::NE, label);
    }

    fn jump_if_equal(&mut self, first: Register, second: Register, label: Label) {
        self.emit(registers(Op::Cmp, 0, number(first), number(second)));
        self.branch(condition::EQ, label);
    }

    fn jump_to(&mut self, register: Register) {
        self.emit(0x012f_ff10 | number(register));
    }

    fn call(&mut self, fun: Fun) {
        self.emit(registers(Op::Mov, LR, 0, PC));
        let load = transfer(true, false, PC, number(R7));
        self.emit(load | bytes(fun.index()));
    }

    fn store_local(&mut self, local: usize, source: Register) {
        self.emit(transfer(false, false, number(source), SP) | bytes(local));
    }

    fn load_local(&mut self, destination: Register, local: usize) {
        self.emit(transfer(true, false, number(destination), SP) | bytes(local));
    }

    fn load_local_address(&mut self, destination: Register, local: usize) {
        let rd = number(destination);
        if local < 0x40 || !self.rules.any_arm_frame {
            self.emit(immediate(Op::Add, rd, SP, bytes(local)));
        } else {
            self.load(TEMPORARY, bytes(local));
            self.emit(registers(Op::Add, rd, SP, TEMPORARY));
        }
    }

    fn load_immediate(&mut self, destination: Register, value: i64) {
        self.load(number(destination), low(value));
    }

    fn load_replaceable(&mut self, destination: Register, value: i64, _is_word: bool) -> usize {
        self.load_literal(number(destination), low(value))
    }

    fn copy(&mut self, destination: Register, source: Register) {
        self.emit(registers(Op::Mov, number(destination), 0, number(source)));
    }

    fn load_label_address(&mut self, destination: Register, label: Label) {
        let rd = number(destination);
        // From pc in the addition, which is 8 bytes ahead.
        let distance = self.assembler.distance(label) - 12 - 8;
        self.load_literal(rd, low(distance));
        self.emit(registers(Op::Add, rd, rd, PC));
    }

    fn clear(&mut self, register: Register) {
        let rd = number(register);
        self.emit(registers(Op::Eor, rd, rd, rd));
    }

    fn not(&mut self, register: Register) {
        self.emit(registers(Op::Mvn, number(register), 0, number(register)));
    }

    fn negate(&mut self, register: Register) {
        self.emit(immediate(Op::Rsb, number(register), number(register), 0));
    }

    fn shift(&mut self, shift: Shift, destination: Register, count: Register) {
        let rd = number(destination);
        let kind = match shift {
            Shift::Left => 1,
            Shift::RightLogical => 3,
            Shift::RightArithmetic => 5,
        };
        self.emit(shifted(rd, rd, number(count) << 4 | kind));
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        let (rd, rm) = (number(destination), number(source));
        let op = match operation {
            Arithmetic::Or => Op::Orr,
            Arithmetic::Xor => Op::Eor,
            Arithmetic::And => Op::And,
            Arithmetic::Add => Op::Add,
            Arithmetic::Subtract => Op::Sub,
            // The result can't be in the first factor, so that is the source.
            Arithmetic::Multiply => return self.emit(0x90 | rd << 16 | rd << 8 | rm),
        };
        self.emit(registers(op, rd, rd, rm));
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    ) {
        let condition = condition_of(comparison, is_unsigned);
        self.emit(registers(Op::Cmp, 0, number(left), number(right)));
        self.emit_if(condition, immediate(Op::Mov, number(R0), 0, 1));
        self.emit_if(condition ^ 1, immediate(Op::Mov, number(R0), 0, 0));
    }

    fn load_word(&mut self, destination: Register, base: Register, offset: usize) {
        let (rd, rn) = (number(destination), number(base));
        self.transfer(true, Width::Bits32, rd, rn, bytes(offset));
    }

    fn store_word(&mut self, source: Register, base: Register, offset: usize) {
        let (rd, rn) = (number(source), number(base));
        self.transfer(false, Width::Bits32, rd, rn, bytes(offset));
    }

    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64) {
        let offset = low(index).wrapping_shl(width.log2_bytes().into());
        self.transfer(true, width, number(destination), number(base), offset);
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64) {
        let offset = low(index).wrapping_shl(width.log2_bytes().into());
        self.transfer(false, width, number(source), number(base), offset);
    }

    fn load_indexed(
        &mut self,
        width: Width,
        destination: Register,
        base: Register,
        index: Register,
    ) {
        if self.rules.elements != Elements::Any {
            return load_at_sum(self, width, destination, base, index);
        }
        let (rd, rn) = (number(destination), number(base));
        self.transfer_indexed(true, width, rd, rn, number(index));
    }

    fn store_indexed(&mut self, width: Width, source: Register, base: Register, index: Register) {
        let (rd, rn) = (number(source), number(base));
        self.transfer_indexed(false, width, rd, rn, number(index));
    }

    fn load_name(&mut self, destination: Register, table: Register, index: u32) {
        if self.rules.plain_arm_names {
            self.load_element(Width::Bits16, destination, table, index.into());
        } else {
            /// Writes the address back to the base.
            const WRITE_BACK: u32 = 1 << 21;
            let load = transfer_half(true, number(destination), number(table));
            let offset = half_offset(index.wrapping_mul(2) & 0xff);
            self.emit(load | WRITE_BACK | offset);
        }
    }

    fn stores_by_index(&self, width: Width) -> bool {
        self.rules.elements != Elements::Any && width != Width::Bits16
    }
}
