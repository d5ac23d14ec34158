//! 32-bit RISC-V (`py/asmrv32.c`): RV32IMC, and Zba and Zcmp where the flags of the architecture have them.

pub(crate) mod code;
pub(crate) mod encode;
mod memory;

use self::code::{fits, half, split, word};
use super::{
    Arithmetic, Assembler, Comparison, Description, Fun, Machine, Register, Shift, Width,
    load_at_sum, store_at_sum,
};
use crate::emit::Label;
use piton_syntax::target::{Elements, NativeRules};

const ZERO: u32 = 0;
const RA: u32 = 1;
const SP: u32 = 2;
const S0: u32 = 8;
const S1: Register = Register(9);
const A0: Register = Register(10);
const A1: Register = Register(11);
const A2: Register = Register(12);
const A3: Register = Register(13);
const A4: Register = Register(14);
const A5: Register = Register(15);
const A6: Register = Register(16);
const S2: Register = Register(18);
const S3: Register = Register(19);
const S4: Register = Register(20);
const S5: Register = Register(21);
/// t1 to t3.
const OLD_TEMPORARIES: [Register; 3] = [Register(6), Register(7), Register(28)];

static DESCRIPTION: Description = Description {
    word_size: 4,
    result: A0,
    arguments: [A0, A1, A2, A3],
    parent_result: A0,
    parent_arguments: [A0, A1, A2, A3],
    temporaries: [A4, A5, A6],
    locals: [S3, S2, S4],
    fun_table: S1,
    zero: Some(Register(0)),
    nlr_registers: 14,
    nlr_locals: [6, 7, 8],
    needs_setjmp: false,
    arguments_on_stack: false,
    shift_count: None,
    stores_from_argument_3: false,
    has_not: true,
    loads_any_element: [true; 3],
    stores_any_element: [true; 3],
};

static DESCRIPTION_1_28: Description = Description {
    temporaries: OLD_TEMPORARIES,
    ..DESCRIPTION
};

static DESCRIPTION_1_25: Description = Description {
    locals: [S3, S4, S5],
    ..DESCRIPTION_1_28
};

static DESCRIPTION_1_24: Description = Description {
    zero: None,
    ..DESCRIPTION_1_25
};

/// Bits of `-march-flags`.
const ZBA: u32 = 1;
const ZCMP: u32 = 2;

/// A RISC-V processor.
#[derive(Debug)]
pub(crate) struct Rv32 {
    assembler: Assembler,
    rules: &'static NativeRules,
    flags: u32,
    /// Registers that functions save. What a function adds, all later ones save too.
    saved: u32,
    /// Bytes of the frame. With Zcmp those that `cm.push` does not make, and in the lowest two bits how often it makes
    /// 16 more.
    frame: u32,
    /// Bytes of the frame in front of the locals.
    locals_offset: u32,
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

/// Returns whether a register is one of those that compressed instructions take.
fn is_in_window(register: u32) -> bool {
    (8..16).contains(&register)
}

/// Returns how many registers `cm.push` saves, from ra on, to save all of a set.
fn sequence_length(saved: u32) -> u32 {
    let sequence = (saved >> 1 & 1) | (saved >> 7 & 6) | (saved >> 15 & 0x1ff8);
    match 32 - sequence.leading_zeros() {
        // There is no list that ends with s10.
        12 => 13,
        length => length,
    }
}

impl Rv32 {
    pub(crate) fn new(flags: u32, rules: &'static NativeRules) -> Rv32 {
        Rv32 {
            assembler: Assembler::default(),
            rules,
            flags,
            saved: 0,
            frame: 0,
            locals_offset: 0,
        }
    }

    /// Returns a temporary register as encodings take it.
    fn temporary(&self, index: usize) -> u32 {
        let temporaries = &self.description().temporaries;
        temporaries
            .get(index)
            .map_or(0, |&register| number(register))
    }

    /// Loads a number by its two parts.
    fn load_full(&mut self, rd: u32, value: u32) {
        let (upper, lower) = split(value);
        if self.rules.riscv_first && lower >= 0xfe0 {
            code::load_upper(&mut self.assembler, rd, upper);
            self.half(encode::c_addi(rd, lower | 0xffff_f000));
        } else {
            code::load_full(&mut self.assembler, rd, value);
        }
    }

    fn half(&mut self, instruction: u32) {
        half(&mut self.assembler, instruction);
    }

    fn word(&mut self, instruction: u32) {
        word(&mut self.assembler, instruction);
    }

    /// Loads what `lui` can of a number, and adds a register.
    fn load_upper_of(&mut self, rd: u32, upper: u32, base: u32) {
        code::load_upper(&mut self.assembler, rd, upper);
        self.half(encode::c_add(rd, base));
    }

    /// Moves the stack pointer by a number of bytes.
    fn move_sp(&mut self, bytes: u32) {
        if bytes == 0 {
            return;
        }
        if fits(bytes, 6) {
            self.half(encode::c_addi(SP, bytes));
        } else if fits(bytes, 12) {
            self.word(encode::addi(SP, SP, bytes));
        } else {
            let temporary = self.temporary(0);
            self.load_full(temporary, bytes);
            self.half(encode::c_add(SP, temporary));
        }
    }

    /// Returns the saved registers with their places in the frame.
    fn saved_places(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let saved = self.saved;
        let registers = (0..32).filter(move |register| saved >> register & 1 != 0);
        registers.zip((0..).step_by(4))
    }

    /// Begins a function by `cm.push`, which saves registers after the locals that it makes room for.
    fn push(&mut self, locals: u32) {
        let length = sequence_length(self.saved);
        let room = length.next_multiple_of(4) - length;
        let left = locals.saturating_sub(room);
        let chunks = (left / 4).min(3);
        let left = left.wrapping_sub(chunks * 4).wrapping_mul(4);
        self.half(encode::cmpp(0x18, (3 + length).min(15), chunks));
        self.move_sp(left.wrapping_neg());
        self.frame = left | chunks;
    }

    /// Returns how far a label is, and whether it is backward.
    fn distance(&self, label: Label) -> (i64, bool) {
        let distance = self.assembler.distance(label);
        let is_backward = self.assembler.label(label).is_some() && distance < 0;
        (distance, is_backward)
    }

    /// Jumps anywhere: `auipc` and `jalr`.
    fn jump_far(&mut self, distance: i64) {
        let (upper, lower) = split(low(distance));
        let temporary = self.temporary(2);
        self.word(encode::auipc(temporary, upper));
        self.word(encode::i(0x67, 0, ZERO, temporary, lower));
    }

    fn branch_if_equal(&mut self, first: u32, second: u32, label: Label) {
        const BEQ: u32 = 0;
        const BNE: u32 = 1;
        let (distance, is_backward) = self.distance(label);
        if is_backward && fits(low(distance), 13) {
            self.word(encode::b(BEQ, first, second, low(distance)));
        } else {
            // Around the jump.
            self.word(encode::b(BNE, first, second, 12));
            self.jump_far(distance - 4);
        }
    }

    /// Sets the result by a branch over the instruction after, up to MicroPython 1.26.
    fn compare_by_branch(&mut self, first: u32, second: u32, less: Option<bool>) {
        self.half(encode::c_li(number(A0), 1));
        match less {
            Some(is_unsigned) => {
                self.word(encode::b(0, first, second, 8));
                self.set_less(is_unsigned, first, second);
            }
            None => {
                self.word(encode::b(0, first, second, 6));
                self.half(encode::c_li(number(A0), 0));
            }
        }
    }

    /// Sets the result to whether a register is less than another one.
    fn set_less(&mut self, is_unsigned: bool, first: u32, second: u32) {
        let funct3 = 2 | u32::from(is_unsigned);
        self.word(encode::r(funct3, 0, number(A0), first, second));
    }

    /// Sets the result to 1 if it is 0, else to 0, where it is one of these.
    fn invert_result(&mut self) {
        self.word(encode::i(0x13, 4, number(A0), number(A0), 1));
    }
}

impl Machine for Rv32 {
    fn description(&self) -> &'static Description {
        if self.rules.riscv_argument_temporaries {
            &DESCRIPTION
        } else if self.rules.riscv_keeps_index {
            &DESCRIPTION_1_28
        } else if self.rules.riscv_zero {
            &DESCRIPTION_1_25
        } else {
            &DESCRIPTION_1_24
        }
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn entry(&mut self, locals: usize, _name: &[u8]) {
        // The table of functions and the locals.
        let description = self.description();
        let saved = description.locals.iter().chain([&description.fun_table]);
        self.saved |= saved.fold(0, |saved, &register| saved | 1 << number(register));
        if self.rules.riscv_first {
            self.saved |= 1 << S0;
        }
        if self.flags & ZCMP != 0 {
            self.push(u32::try_from(locals).unwrap_or(u32::MAX));
            return;
        }
        self.locals_offset = self.saved.count_ones() * 4;
        self.frame = self.locals_offset.wrapping_add(bytes(locals));
        self.move_sp(self.frame.wrapping_neg());
        for (register, place) in self.saved_places() {
            self.half(encode::c_swsp(register, place));
        }
    }

    fn exit(&mut self) {
        if self.flags & ZCMP != 0 {
            self.move_sp(self.frame & !3);
            let registers = (3 + sequence_length(self.saved)).min(15);
            self.half(encode::cmpp(0x1e, registers, self.frame));
            return;
        }
        for (register, place) in self.saved_places() {
            self.half(encode::c_lwsp(register, place));
        }
        self.move_sp(self.frame);
        self.half(encode::c_jr(RA));
    }

    fn jump(&mut self, label: Label) {
        let (distance, is_backward) = self.distance(label);
        if is_backward && fits(low(distance), 12) {
            self.half(encode::c_jump(5, low(distance)));
        } else {
            self.jump_far(distance);
        }
    }

    fn jump_if_zero(&mut self, register: Register, label: Label, _is_bool: bool) {
        self.branch_if_equal(number(register), ZERO, label);
    }

    fn jump_if_nonzero(&mut self, register: Register, label: Label, _is_bool: bool) {
        const C_BEQZ: u32 = 6;
        const C_BNEZ: u32 = 7;
        let register = number(register);
        let (distance, is_backward) = self.distance(label);
        let is_compressed = is_backward && is_in_window(register);
        if is_compressed && fits(low(distance), 8) {
            self.half(encode::c_branch(C_BNEZ, register, low(distance)));
        } else if is_backward && fits(low(distance), 13) {
            self.word(encode::b(1, register, ZERO, low(distance)));
        } else if is_compressed {
            self.half(encode::c_branch(C_BEQZ, register, 10));
            self.jump_far(distance - 2);
        } else {
            self.word(encode::b(0, register, ZERO, 12));
            self.jump_far(distance - 4);
        }
    }

    fn jump_if_equal(&mut self, first: Register, second: Register, label: Label) {
        self.branch_if_equal(number(first), number(second), label);
    }

    fn jump_to(&mut self, register: Register) {
        self.half(encode::c_jr(number(register)));
    }

    fn call(&mut self, fun: Fun) {
        self.saved |= 1 << RA;
        let offset = bytes(fun.index());
        let table = number(S1);
        if offset < 0x40 {
            self.saved |= 1 << S0;
            self.half(encode::c_word(2, S0, table, offset));
            self.half(encode::c_jalr(S0));
        } else {
            let temporary = self.temporary(2);
            self.word(encode::i(3, 2, temporary, table, offset));
            self.half(encode::c_jalr(temporary));
        }
    }

    fn store_local(&mut self, local: usize, source: Register) {
        let offset = self.locals_offset.wrapping_add(bytes(local));
        let rs = number(source);
        if offset < 0x100 {
            self.half(encode::c_swsp(rs, offset));
        } else if offset < 0x800 {
            self.word(encode::s(2, SP, rs, offset));
        } else {
            let (upper, lower) = split(offset);
            let temporary = self.temporary(2);
            self.load_upper_of(temporary, upper, SP);
            self.word(encode::s(2, temporary, rs, lower));
        }
    }

    fn load_local(&mut self, destination: Register, local: usize) {
        let offset = self.locals_offset.wrapping_add(bytes(local));
        let rd = number(destination);
        if offset < 0x100 {
            self.half(encode::c_lwsp(rd, offset));
        } else if offset < 0x800 {
            self.word(encode::i(3, 2, rd, SP, offset));
        } else {
            let (upper, lower) = split(offset);
            self.load_upper_of(rd, upper, SP);
            self.word(encode::i(3, 2, rd, rd, lower));
        }
    }

    fn load_local_address(&mut self, destination: Register, local: usize) {
        let offset = self.locals_offset.wrapping_add(bytes(local));
        let rd = number(destination);
        if (1..0x400).contains(&offset) && is_in_window(rd) {
            self.half(encode::c_addi4spn(rd, offset));
        } else if offset < 0x800 {
            self.word(encode::addi(rd, SP, offset));
        } else {
            self.load_full(rd, offset);
            self.half(encode::c_add(rd, SP));
        }
    }

    fn load_immediate(&mut self, destination: Register, value: i64) {
        let (rd, value) = (number(destination), low(value));
        if fits(value, 12) {
            code::load_immediate(&mut self.assembler, rd, value);
        } else {
            self.load_full(rd, value);
        }
    }

    fn copy(&mut self, destination: Register, source: Register) {
        self.half(encode::c_mv(number(destination), number(source)));
    }

    fn load_label_address(&mut self, destination: Register, label: Label) {
        let distance = low(self.assembler.distance(label));
        code::load_address(&mut self.assembler, number(destination), distance);
    }

    fn clear(&mut self, register: Register) {
        self.half(encode::c_li(number(register), 0));
    }

    fn not(&mut self, register: Register) {
        let register = number(register);
        self.word(encode::i(0x13, 4, register, register, u32::MAX));
    }

    fn negate(&mut self, register: Register) {
        self.word(encode::sub(number(register), ZERO, number(register)));
    }

    fn shift(&mut self, shift: Shift, destination: Register, count: Register) {
        let rd = number(destination);
        let (funct3, funct7) = match shift {
            Shift::Left => (1, 0),
            Shift::RightLogical => (5, 0),
            Shift::RightArithmetic => (5, 0x20),
        };
        self.word(encode::r(funct3, funct7, rd, rd, number(count)));
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        let (rd, rs) = (number(destination), number(source));
        match operation {
            Arithmetic::Or => self.word(encode::r(6, 0, rd, rd, rs)),
            Arithmetic::Xor if rd == rs => self.half(encode::c_li(rd, 0)),
            Arithmetic::Xor => self.word(encode::r(4, 0, rd, rd, rs)),
            Arithmetic::And => self.word(encode::r(7, 0, rd, rs, rd)),
            Arithmetic::Add => self.half(encode::c_add(rd, rs)),
            Arithmetic::Subtract => self.word(encode::sub(rd, rd, rs)),
            Arithmetic::Multiply => self.word(encode::r(0, 1, rd, rd, rs)),
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    ) {
        let (left, right, result) = (number(left), number(right), number(A0));
        if !self.rules.riscv_straight_comparisons {
            let less = Some(is_unsigned);
            match comparison {
                Comparison::LessOrEqual => return self.compare_by_branch(left, right, less),
                Comparison::MoreOrEqual => return self.compare_by_branch(right, left, less),
                Comparison::Equal => return self.compare_by_branch(left, right, None),
                _ => {}
            }
        }
        match comparison {
            Comparison::Less => self.set_less(is_unsigned, left, right),
            Comparison::More => self.set_less(is_unsigned, right, left),
            Comparison::LessOrEqual => {
                self.set_less(is_unsigned, right, left);
                self.invert_result();
            }
            Comparison::MoreOrEqual => {
                self.set_less(is_unsigned, left, right);
                self.invert_result();
            }
            Comparison::Equal => {
                self.word(encode::sub(result, left, right));
                // `sltiu`
                self.word(encode::i(0x13, 3, result, result, 1));
            }
            Comparison::NotEqual => {
                self.word(encode::sub(result, right, left));
                self.set_less(true, ZERO, result);
            }
        }
    }

    fn load_word(&mut self, destination: Register, base: Register, offset: usize) {
        self.load(2, number(destination), number(base), bytes(offset));
    }

    fn store_word(&mut self, source: Register, base: Register, offset: usize) {
        self.store(2, number(source), number(base), bytes(offset));
    }

    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64) {
        let log2_bytes = width.log2_bytes();
        let offset = low(index).wrapping_shl(log2_bytes.into());
        if width == Width::Bits32 && index != 0 && self.rules.elements != Elements::Any {
            // `lw`, never compressed
            self.word(encode::i(3, 2, number(destination), number(base), offset));
            return;
        }
        self.load(log2_bytes, number(destination), number(base), offset);
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64) {
        let log2_bytes = width.log2_bytes();
        let offset = low(index).wrapping_shl(log2_bytes.into());
        self.store(log2_bytes, number(source), number(base), offset);
    }

    fn load_indexed(
        &mut self,
        width: Width,
        destination: Register,
        base: Register,
        index: Register,
    ) {
        let (rd, rn, log2_bytes) = (number(destination), number(base), width.log2_bytes());
        if self.rules.elements != Elements::Any && width != Width::Bits32 {
            return load_at_sum(self, width, destination, base, index);
        } else if self.rules.elements != Elements::Any {
            self.add_words(rn, number(index));
            self.word(encode::i(3, 2, rd, rn, 0));
            return;
        }
        let address = self.load_element_address(log2_bytes, rn, number(index));
        if width == Width::Bits32 && !self.rules.riscv_short_scaling {
            self.word(encode::i(3, 2, rd, address, 0));
        } else {
            self.load(log2_bytes, rd, address, 0);
        }
    }

    fn store_indexed(&mut self, width: Width, source: Register, base: Register, index: Register) {
        let (rs, rn, log2_bytes) = (number(source), number(base), width.log2_bytes());
        if self.rules.elements != Elements::Any && width != Width::Bits32 {
            return store_at_sum(self, width, source, base, index);
        } else if self.rules.elements != Elements::Any {
            self.add_words(rn, number(index));
            self.word(encode::s(2, rn, rs, 0));
            return;
        }
        let address = self.load_element_address(log2_bytes, rn, number(index));
        if width == Width::Bits32 && !self.rules.riscv_short_scaling {
            self.word(encode::s(2, address, rs, 0));
        } else {
            self.store(log2_bytes, rs, address, 0);
        }
    }

    fn takes_small_index(&self, width: Width, index: i64) -> bool {
        fits(low(index), 12 - u32::from(width.log2_bytes()))
    }
}
