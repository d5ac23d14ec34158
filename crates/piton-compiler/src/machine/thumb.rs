//! Thumb (`py/asmthumb.c`): ARMv6-M, and ARMv7-M with its 32-bit instructions.

pub(crate) mod encode;
mod release;

use piton_syntax::diagnostic::DiagnosticCode;
use piton_syntax::target::{Elements, NativeRules};

use self::encode::{Alu, Immediate8, Indexed, condition};
use super::arm::{DESCRIPTION, condition_of};
use super::{
    Arithmetic, Assembler, Comparison, Description, Fun, Machine, Pass, Register, Shift, Width,
    load_at_sum, store_at_sum,
};
use crate::emit::Label;

const R0: Register = Register(0);
const R1: Register = Register(1);
const R2: Register = Register(2);
const R3: Register = Register(3);
const R4: Register = Register(4);
const R7: Register = Register(7);
const SP: u32 = 13;
const PC: u32 = 15;

/// The most that the offset of formats 9 and 10 counts.
const LAST_UNIT: u32 = 31;

/// A Thumb processor.
#[derive(Debug)]
pub(crate) struct Thumb {
    assembler: Assembler,
    has_v7m: bool,
    rules: &'static NativeRules,
    saved: u32,
    /// Words of the frame beside those of the saved registers.
    frame: u32,
}

/// Returns the number of a register as the encodings take it.
fn number(register: Register) -> u32 {
    register.0.into()
}

/// Returns the low 32 bits.
fn low(value: i64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Returns whether the low 32 bits of an offset are a number of at most this many bits, sign included.
fn fits(offset: i64, bits: u32) -> bool {
    let high = u32::MAX << (bits - 1);
    matches!(low(offset) & high, 0) || low(offset) & high == high
}

impl Thumb {
    pub(crate) fn new(has_v7m: bool, rules: &'static NativeRules) -> Thumb {
        Thumb {
            assembler: Assembler::default(),
            has_v7m,
            rules,
            saved: 0,
            frame: 0,
        }
    }

    fn emit(&mut self, instruction: u32) {
        let [a, b, ..] = instruction.to_le_bytes();
        self.assembler.emit(&[a, b]);
    }

    fn wide(&mut self, [first, second]: [u32; 2]) {
        self.emit(first);
        self.emit(second);
    }

    fn is_aligned(&self) -> bool {
        self.assembler.offset() & 2 == 0
    }

    /// Returns how far a label is from pc in an instruction here.
    fn distance(&self, label: Label) -> i64 {
        self.assembler.distance(label) - 4
    }

    /// Returns whether a label that is this far from pc was assigned before this instruction.
    fn is_behind(&self, label: Label, distance: i64) -> bool {
        self.assembler.label(label).is_some() && distance <= -4
    }

    fn mov8(&mut self, rd: u32, imm8: u32) {
        self.emit(encode::immediate8(Immediate8::Mov, rd, imm8));
    }

    fn add8(&mut self, rd: u32, imm8: u32) {
        self.emit(encode::immediate8(Immediate8::Add, rd, imm8));
    }

    fn shift_left(&mut self, rd: u32, rs: u32, imm5: u32) {
        self.emit(encode::shift_immediate(encode::Shift::Lsl, rd, rs, imm5));
    }

    /// Loads 16 bits where there is no `movw`.
    fn mov16(&mut self, rd: u32, imm16: u32) {
        self.mov8(rd, imm16 >> 8 & 0xff);
        self.shift_left(rd, rd, 8);
        self.add8(rd, imm16 & 0xff);
    }

    /// Loads any 32 bits.
    fn mov32(&mut self, rd: u32, value: u32) {
        if self.has_v7m {
            self.wide(encode::movw(rd, value & 0xffff));
            self.wide(encode::movt(rd, value >> 16));
            return;
        }
        // A word in the code, jumped over.
        if !self.is_aligned() {
            self.emit(encode::NOP);
        }
        self.emit(encode::ldr_pc(rd, 0));
        self.emit(encode::branch(2));
        self.emit(value & 0xffff);
        self.emit(value >> 16);
    }

    /// Loads a number by the shortest sequence.
    fn load(&mut self, rd: u32, value: u32) {
        if value < 0x100 {
            self.mov8(rd, value);
        } else if !self.has_v7m {
            self.load_v6m(rd, value);
        } else if value < 0x1_0000 {
            self.wide(encode::movw(rd, value));
        } else {
            self.mov32(rd, value);
        }
    }

    /// Adds an offset, counted in units, to a base.
    fn add_offset(&mut self, rd: u32, base: u32, offset: u32, log2_bytes: u32) {
        let bytes = offset.wrapping_shl(log2_bytes);
        if bytes < 0x100 {
            if rd != base {
                self.emit(encode::mov(rd, base));
            }
            self.add8(rd, bytes);
        } else if rd == base {
            let other = rd ^ 7;
            self.emit(encode::push(1 << other, false));
            self.load_offset(other, bytes);
            self.emit(encode::add_register(rd, rd, other));
            self.emit(encode::pop(1 << other, false));
        } else {
            if offset < 0x100 {
                self.mov8(rd, offset);
                self.shift_left(rd, rd, log2_bytes);
            } else {
                self.load_offset(rd, bytes);
                if !self.rules.any_offset {
                    // The official compiler added the offset to itself.
                    self.emit(encode::add_register(rd, rd, rd));
                    return;
                }
            }
            self.emit(encode::add_register(rd, rd, base));
        }
    }

    fn load_offset(&mut self, rd: u32, bytes: u32) {
        if self.rules.any_offset {
            self.load(rd, bytes);
        } else {
            self.mov16(rd, bytes);
        }
    }

    /// Returns the offset in bytes, if a 32-bit instruction can have it.
    fn wide_offset(&self, offset: u32, log2_bytes: u32) -> Option<u32> {
        let bytes = offset.wrapping_shl(log2_bytes);
        (self.has_v7m && (bytes < 0x1000 || !self.rules.any_offset)).then_some(bytes)
    }

    fn load_from(&mut self, log2_bytes: u32, rd: u32, base: u32, offset: u32) {
        let op = TRANSFERS.get(log2_bytes as usize).map_or(0, |op| op + 1);
        if offset <= LAST_UNIT {
            self.emit(transfer(op, rd, base, offset));
        } else if let Some(bytes) = self.wide_offset(offset, log2_bytes) {
            self.wide(encode::load_wide(log2_bytes, rd, base, bytes));
        } else {
            self.add_offset(rd, base, offset.wrapping_sub(LAST_UNIT), log2_bytes);
            self.emit(transfer(op, rd, rd, LAST_UNIT));
        }
    }

    fn store_to(&mut self, log2_bytes: u32, rs: u32, base: u32, offset: u32) {
        let op = TRANSFERS.get(log2_bytes as usize).copied().unwrap_or(0);
        if offset <= LAST_UNIT || !self.rules.any_offset {
            self.emit(transfer(op, rs, base, offset & LAST_UNIT));
        } else if let Some(bytes) = self.wide_offset(offset, log2_bytes) {
            self.wide(encode::store_wide(log2_bytes, rs, base, bytes));
        } else {
            self.emit(encode::push(1 << base, false));
            self.add_offset(base, base, offset.wrapping_sub(LAST_UNIT), log2_bytes);
            self.emit(transfer(op, rs, base, LAST_UNIT));
            self.emit(encode::pop(1 << base, false));
        }
    }

    /// Lowers or raises the stack pointer by the frame.
    fn move_sp(&mut self, short: fn(u32) -> u32, long: fn(u32, u32, u32) -> [u32; 2]) {
        const MOST: u32 = 127;
        if self.frame == 0 {
            return;
        }
        if self.has_v7m && self.frame > MOST {
            self.wide(long(SP, SP, self.frame * 4));
            return;
        }
        let mut left = self.frame;
        while left > MOST {
            self.emit(short(MOST));
            left -= MOST;
        }
        self.emit(short(left));
    }

    /// A jump whose label is later or far away. It has the same size wherever the label is.
    fn jump_far(&mut self, distance: i64, is_known: bool) {
        if self.has_v7m {
            self.wide(encode::branch_wide(distance));
            return;
        }
        if !self.rules.far_thumb_jumps {
            if fits(distance, 12) {
                self.emit(encode::branch(distance));
            } else {
                self.emit(encode::NOP);
                if is_known {
                    self.assembler.fail(DiagnosticCode::NativeTooBig);
                }
            }
            return;
        }
        let needs_nop = !self.is_aligned();
        if fits(distance, 12) {
            self.emit(encode::branch(distance));
            for _ in 0..3 + u32::from(needs_nop) {
                self.emit(encode::NOP);
            }
            return;
        }
        // By a word in the code. r1 is free here: r0 can have the result of the function.
        if needs_nop {
            self.emit(encode::NOP);
        }
        let distance = low(distance - if needs_nop { 4 } else { 2 });
        self.emit(encode::ldr_pc(number(R1), 0));
        self.emit(encode::add_high(PC, number(R1)));
        self.emit(distance & 0xffff);
        self.emit(distance >> 16);
    }

    fn branch(&mut self, condition: u32, label: Label) {
        let distance = self.distance(label);
        if self.is_behind(label, distance) && fits(distance, 9) {
            self.emit(encode::branch_if(condition, distance));
        } else if self.has_v7m {
            let encode = if self.rules.wide_thumb_branches {
                encode::branch_if_wide
            } else {
                encode::branch_if_wide_before_1_27
            };
            self.wide(encode(condition, distance));
        } else if !self.rules.far_thumb_jumps {
            self.emit(encode::branch_if(condition ^ 1, 0));
            self.jump(label);
        } else {
            // Over a jump, whose size is known when it is written.
            let start = self.assembler.offset();
            self.emit(0);
            self.jump(label);
            let skipped = self.assembler.offset() - start;
            let skipped = i64::try_from(skipped).unwrap_or(0);
            let [a, b, ..] = encode::branch_if(condition ^ 1, skipped - 4).to_le_bytes();
            if !self.assembler.is_suppressed() {
                self.assembler.overwrite(start, &[a, b]);
            }
        }
    }

    fn call_through(&mut self, fun: Fun, register: Register) {
        let index = u32::try_from(fun.index()).unwrap_or(0);
        self.load_from(2, number(register), number(R7), index);
        self.emit(encode::blx(number(register)));
    }

    /// Returns the word of a local, for an instruction that has eight bits for it.
    fn local(&mut self, local: usize) -> u32 {
        if !self.rules.checks_thumb_locals {
            return word(local & 0xff);
        }
        if self.assembler.pass() == Pass::Emit && local > 0xff {
            self.assembler.fail(DiagnosticCode::NativeLocals);
        }
        word(local)
    }
}

/// Operation codes of stores by the power of 2 that the width has in bytes; those of loads are one higher.
const TRANSFERS: [u32; 3] = [14, 16, 12];

fn transfer(op: u32, rd: u32, rb: u32, imm5: u32) -> u32 {
    op << 11 | imm5 << 6 | rb << 3 | rd
}

fn word(local: usize) -> u32 {
    u32::try_from(local).unwrap_or(u32::MAX)
}

impl Machine for Thumb {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn entry(&mut self, locals: usize, _name: &[u8]) {
        // r1 to r3 are saved to have room for locals. r0 can't be: it has the result in the end.
        let locals = word(locals);
        self.saved = if locals < 2 { 0xf2 } else { 0xfe };
        self.frame = match locals {
            0..4 => 0,
            _ => (locals - 2) & !1,
        };
        self.emit(encode::push(self.saved, true));
        self.move_sp(encode::lower_sp, encode::subw);
    }

    fn exit(&mut self) {
        self.move_sp(encode::raise_sp, encode::addw);
        self.emit(encode::pop(self.saved, true));
    }

    fn jump(&mut self, label: Label) {
        let distance = self.distance(label);
        if self.is_behind(label, distance) && fits(distance, 12) {
            self.emit(encode::branch(distance));
        } else {
            let is_known = self.assembler.label(label).is_some();
            self.jump_far(distance, is_known);
        }
    }

    fn jump_if_zero(&mut self, register: Register, label: Label, _is_bool: bool) {
        self.emit(encode::immediate8(Immediate8::Cmp, number(register), 0));
        self.branch(condition::EQ, label);
    }

    fn jump_if_nonzero(&mut self, register: Register, label: Label, _is_bool: bool) {
        self.emit(encode::immediate8(Immediate8::Cmp, number(register), 0));
        self.branch(condition::NE, label);
    }

    fn jump_if_equal(&mut self, first: Register, second: Register, label: Label) {
        self.emit(encode::alu(Alu::Cmp, number(first), number(second)));
        self.branch(condition::EQ, label);
    }

    fn jump_to(&mut self, register: Register) {
        self.emit(encode::bx(number(register)));
    }

    fn call(&mut self, fun: Fun) {
        self.call_through(fun, R3);
    }

    fn call_with_four_arguments(&mut self, fun: Fun) {
        self.call_through(fun, R4);
    }

    fn store_local(&mut self, local: usize, source: Register) {
        let local = self.local(local);
        self.emit(encode::str_sp(number(source), local));
    }

    fn load_local(&mut self, destination: Register, local: usize) {
        let local = self.local(local);
        self.emit(encode::ldr_sp(number(destination), local));
    }

    fn load_local_address(&mut self, destination: Register, local: usize) {
        // Not checked: the official compiler does not either.
        self.emit(encode::add_sp(number(destination), word(local)));
    }

    fn load_immediate(&mut self, destination: Register, value: i64) {
        self.load(number(destination), low(value));
    }

    fn load_replaceable(&mut self, destination: Register, value: i64, is_word: bool) -> usize {
        let (rd, offset) = (number(destination), self.assembler.offset());
        if is_word {
            self.mov32(rd, low(value));
        } else {
            self.wide(encode::movw(rd, low(value) & 0xffff));
        }
        offset
    }

    fn copy(&mut self, destination: Register, source: Register) {
        self.emit(encode::mov(number(destination), number(source)));
    }

    fn load_label_address(&mut self, destination: Register, label: Label) {
        let rd = number(destination);
        // The lowest bit keeps the processor in Thumb state.
        let distance = self.assembler.distance(label) | 1;
        if !self.rules.signed_thumb_labels {
            self.wide(encode::movw(rd, low(distance - 8) & 0xffff));
        } else if self.has_v7m {
            self.wide(encode::movw(rd, low(distance - 10) & 0xffff));
            self.emit(encode::sxth(rd, rd));
        } else {
            self.mov16(rd, low(distance - 12));
            self.emit(encode::sxth(rd, rd));
        }
        self.emit(encode::add_high(rd, PC));
    }

    fn clear(&mut self, register: Register) {
        if self.rules.short_clear {
            self.mov8(number(register), 0);
        } else {
            self.arithmetic(Arithmetic::Xor, register, register);
        }
    }

    fn not(&mut self, register: Register) {
        self.emit(encode::alu(Alu::Mvn, number(register), number(register)));
    }

    fn negate(&mut self, register: Register) {
        self.emit(encode::alu(Alu::Neg, number(register), number(register)));
    }

    fn shift(&mut self, shift: Shift, destination: Register, count: Register) {
        let op = match shift {
            Shift::Left => Alu::Lsl,
            Shift::RightLogical => Alu::Lsr,
            Shift::RightArithmetic => Alu::Asr,
        };
        self.emit(encode::alu(op, number(destination), number(count)));
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        let (rd, rs) = (number(destination), number(source));
        self.emit(match operation {
            Arithmetic::Or => encode::alu(Alu::Orr, rd, rs),
            Arithmetic::Xor => encode::alu(Alu::Eor, rd, rs),
            Arithmetic::And => encode::alu(Alu::And, rd, rs),
            Arithmetic::Add => encode::add_register(rd, rd, rs),
            Arithmetic::Subtract => encode::sub_register(rd, rd, rs),
            Arithmetic::Multiply => encode::alu(Alu::Mul, rd, rs),
        });
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    ) {
        let condition = condition_of(comparison, is_unsigned);
        self.emit(encode::alu(Alu::Cmp, number(left), number(right)));
        if !self.rules.all_thumb_conditions {
            let (condition, holds) = release::former_condition(comparison);
            self.emit(encode::it(condition, (!condition & 1) << 3 | 4));
            self.mov8(number(R0), holds.into());
            self.mov8(number(R0), (!holds).into());
        } else if self.has_v7m {
            // `ite`: the second instruction has the opposite condition.
            self.emit(encode::it(condition, (!condition & 1) << 3 | 4));
            self.mov8(number(R0), 1);
            self.mov8(number(R0), 0);
        } else {
            self.emit(encode::branch_if(condition, 2));
            self.mov8(number(R0), 0);
            self.emit(encode::branch(0));
            self.mov8(number(R0), 1);
        }
    }

    fn load_word(&mut self, destination: Register, base: Register, offset: usize) {
        self.load_from(2, number(destination), number(base), word(offset));
    }

    fn store_word(&mut self, source: Register, base: Register, offset: usize) {
        self.store_to(2, number(source), number(base), word(offset));
    }

    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64) {
        let log2_bytes = width.log2_bytes().into();
        self.load_from(log2_bytes, number(destination), number(base), low(index));
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64) {
        let log2_bytes = width.log2_bytes().into();
        self.store_to(log2_bytes, number(source), number(base), low(index));
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
        let mut offset = number(index);
        if width != Width::Bits8 {
            if self.rules.thumb_keeps_index {
                offset = number(R2);
            }
            self.shift_left(offset, number(index), width.log2_bytes().into());
        }
        let op = match width {
            Width::Bits8 => Indexed::Ldrb,
            Width::Bits16 => Indexed::Ldrh,
            Width::Bits32 => Indexed::Ldr,
        };
        let (rd, rb) = (number(destination), number(base));
        self.emit(encode::transfer_indexed(op, rd, rb, offset));
    }

    fn store_indexed(&mut self, width: Width, source: Register, base: Register, index: Register) {
        if self.rules.elements != Elements::Any {
            return store_at_sum(self, width, source, base, index);
        }
        let (rs, rb, ro) = (number(source), number(base), number(index));
        let op = match width {
            Width::Bits8 => return self.emit(encode::transfer_indexed(Indexed::Strb, rs, rb, ro)),
            Width::Bits16 => Indexed::Strh,
            Width::Bits32 => Indexed::Str,
        };
        let keeps = self.rules.thumb_keeps_index;
        if keeps {
            self.emit(encode::push(1 << ro, false));
        }
        self.shift_left(ro, ro, width.log2_bytes().into());
        self.emit(encode::transfer_indexed(op, rs, rb, ro));
        if keeps {
            self.emit(encode::pop(1 << ro, false));
        }
    }

    fn takes_small_index(&self, _width: Width, index: i64) -> bool {
        (0..=i64::from(LAST_UNIT)).contains(&index)
    }
}
