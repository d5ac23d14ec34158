//! Xtensa (`py/asmxtensa.c`), where functions call by `call0` or by `callx8`, which shifts the window of registers.

pub(crate) mod code;
pub(crate) mod encode;

use piton_syntax::diagnostic::DiagnosticCode;
use piton_syntax::target::{Elements, NativeRules};

use self::code::{Code, SAVED, SAVED_WINDOWED};
use self::encode::condition;
use super::{
    Arithmetic, Assembler, Comparison, Description, Fun, Machine, Register, Shift, Width,
    load_at_sum, store_at_sum,
};
use crate::emit::Label;

const A0: u32 = 0;
const A1: u32 = 1;
const A2: Register = Register(2);
const A3: Register = Register(3);
const A4: Register = Register(4);
const A5: Register = Register(5);
const A6: Register = Register(6);
const A7: Register = Register(7);
const A8: u32 = 8;
const A10: Register = Register(10);
const A11: Register = Register(11);
const A12: Register = Register(12);
const A13: Register = Register(13);
const A14: Register = Register(14);
const A15: Register = Register(15);

static DESCRIPTION: Description = Description {
    word_size: 4,
    result: A2,
    arguments: [A2, A3, A4, A5],
    parent_result: A2,
    parent_arguments: [A2, A3, A4, A5],
    temporaries: [A2, A3, A4],
    locals: [A12, A13, A14],
    fun_table: A15,
    zero: None,
    nlr_registers: 10,
    nlr_locals: [8, 9, 10],
    needs_setjmp: false,
    arguments_on_stack: false,
    shift_count: None,
    stores_from_argument_3: false,
    has_not: false,
    loads_any_element: [true; 3],
    stores_any_element: [true; 3],
};

static WINDOWED_DESCRIPTION: Description = Description {
    result: A10,
    arguments: [A10, A11, A12, A13],
    temporaries: [A10, A11, A12],
    locals: [A4, A5, A6],
    fun_table: A7,
    nlr_registers: 17,
    nlr_locals: [2 + 4, 2 + 5, 2 + 6],
    needs_setjmp: true,
    ..DESCRIPTION
};

/// An Xtensa processor.
#[derive(Debug)]
pub(crate) struct Xtensa {
    assembler: Assembler,
    code: Code,
    rules: &'static NativeRules,
    is_windowed: bool,
}

fn number(register: Register) -> u32 {
    register.0.into()
}

/// Returns the low 32 bits.
fn low(value: i64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn words(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Xtensa {
    pub(crate) fn new(is_windowed: bool, rules: &'static NativeRules) -> Xtensa {
        Xtensa {
            assembler: Assembler::default(),
            code: Code::new(rules),
            rules,
            is_windowed,
        }
    }

    fn wide(&mut self, instruction: u32) {
        self.code.wide(&mut self.assembler, instruction);
    }

    fn narrow(&mut self, instruction: u32) {
        self.code.narrow(&mut self.assembler, instruction);
    }

    /// Returns the word of the frame that a local is.
    fn local(&self, local: usize) -> u32 {
        let saved = if self.is_windowed {
            SAVED_WINDOWED
        } else {
            SAVED
        };
        words(local).saturating_add(saved)
    }

    fn branch_zero(&mut self, condition: u32, register: Register, label: Label) {
        let branched =
            self.code
                .branch_zero(&mut self.assembler, condition, number(register), label);
        self.check(branched);
    }

    fn check(&mut self, branched: Result<(), DiagnosticCode>) {
        if let Err(code) = branched {
            self.assembler.fail(code);
        }
    }

    /// Returns whether an element whose number is in a register is reached by an instruction that scales the number.
    fn has_scaled_index(&self, width: Width) -> bool {
        match self.rules.elements {
            Elements::Added => false,
            Elements::Small => width != Width::Bits8,
            Elements::Any => true,
        }
    }

    /// Returns the offset of a word, as far as the official compiler of the release looked at it.
    fn word_offset(&self, offset: usize) -> u32 {
        let offset = words(offset);
        if self.rules.long_xtensa_offsets {
            offset
        } else {
            offset & 0xf
        }
    }

    fn load_address_of(&mut self, log2_bytes: u8, base: u32, index: u32) {
        match log2_bytes {
            0 => self.narrow(encode::add_n(base, index, base)),
            1 => self.wide(encode::addx2(base, index, base)),
            _ => self.wide(encode::addx4(base, index, base)),
        }
    }
}

impl Machine for Xtensa {
    fn description(&self) -> &'static Description {
        if self.is_windowed {
            &WINDOWED_DESCRIPTION
        } else {
            &DESCRIPTION
        }
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn end_pass(&mut self) {
        self.code.end_pass();
    }

    fn entry(&mut self, locals: usize, _name: &[u8]) {
        let locals = words(locals);
        if self.is_windowed {
            self.code.enter_windowed(&mut self.assembler, locals);
        } else {
            self.code.enter(&mut self.assembler, locals);
        }
    }

    fn exit(&mut self) {
        if self.is_windowed {
            self.code.exit_windowed(&mut self.assembler);
        } else {
            self.code.exit(&mut self.assembler);
        }
    }

    fn jump(&mut self, label: Label) {
        self.code.jump(&mut self.assembler, label);
    }

    fn jump_if_zero(&mut self, register: Register, label: Label, _is_bool: bool) {
        self.branch_zero(encode::IF_ZERO, register, label);
    }

    fn jump_if_nonzero(&mut self, register: Register, label: Label, _is_bool: bool) {
        self.branch_zero(encode::IF_NOT_ZERO, register, label);
    }

    fn jump_if_equal(&mut self, first: Register, second: Register, label: Label) {
        let registers = [number(first), number(second)];
        let branched = self
            .code
            .branch(&mut self.assembler, condition::EQUAL, registers, label);
        self.check(branched);
    }

    fn jump_to(&mut self, register: Register) {
        self.wide(encode::jx(number(register)));
    }

    fn call(&mut self, fun: Fun) {
        let index = words(fun.index());
        let table = number(self.description().fun_table);
        let (address, call) = if self.is_windowed {
            (A8, encode::callx8(A8))
        } else {
            (A0, encode::callx0(A0))
        };
        self.code
            .load(&mut self.assembler, 2, [address, table], index);
        self.wide(call);
    }

    fn store_local(&mut self, local: usize, source: Register) {
        let word = self.local(local);
        self.wide(encode::store(2, number(source), A1, word.into()));
    }

    fn load_local(&mut self, destination: Register, local: usize) {
        let word = self.local(local);
        self.wide(encode::load(2, number(destination), A1, word.into()));
    }

    fn load_local_address(&mut self, destination: Register, local: usize) {
        let offset = i64::from(self.local(local)) * 4;
        let register = number(destination);
        if offset < 0x80 {
            self.wide(encode::addi(register, A1, offset));
        } else {
            self.wide(encode::movi(register, offset));
            self.narrow(encode::add_n(register, register, A1));
        }
    }

    fn load_immediate(&mut self, destination: Register, value: i64) {
        let value = low(value).cast_signed();
        self.code
            .load_immediate(&mut self.assembler, number(destination), value);
    }

    fn load_replaceable(&mut self, destination: Register, value: i64, _is_word: bool) -> usize {
        let value = low(value).cast_signed();
        self.code
            .load_constant(&mut self.assembler, number(destination), value)
    }

    fn copy(&mut self, destination: Register, source: Register) {
        self.narrow(encode::mov_n(number(destination), number(source)));
    }

    fn load_label_address(&mut self, destination: Register, label: Label) {
        self.code
            .load_label_address(&mut self.assembler, number(destination), label);
    }

    fn clear(&mut self, register: Register) {
        if self.rules.short_clear {
            self.narrow(encode::movi_n(number(register), 0));
        } else {
            self.arithmetic(Arithmetic::Xor, register, register);
        }
    }

    /// There is no such instruction ([`Description::has_not`]).
    fn not(&mut self, _register: Register) {}

    fn negate(&mut self, register: Register) {
        self.wide(encode::neg(number(register), number(register)));
    }

    fn shift(&mut self, shift: Shift, destination: Register, count: Register) {
        let register = number(destination);
        let (amount, shifted) = match shift {
            Shift::Left => (encode::ssl(number(count)), encode::sll(register, register)),
            Shift::RightLogical => (encode::ssr(number(count)), encode::srl(register, register)),
            Shift::RightArithmetic => (encode::ssr(number(count)), encode::sra(register, register)),
        };
        self.wide(amount);
        self.wide(shifted);
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        let (r, t) = (number(destination), number(source));
        match operation {
            Arithmetic::Or => self.wide(encode::or(r, r, t)),
            Arithmetic::Xor => self.wide(encode::xor(r, r, t)),
            Arithmetic::And => self.wide(encode::and(r, r, t)),
            Arithmetic::Add => self.narrow(encode::add_n(r, r, t)),
            Arithmetic::Subtract => self.wide(encode::sub(r, r, t)),
            Arithmetic::Multiply => self.wide(encode::mull(r, r, t)),
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    ) {
        let less = if is_unsigned {
            condition::LESS_UNSIGNED
        } else {
            condition::LESS
        };
        let (left, right) = (number(left), number(right));
        // What there is no condition for is the other one of swapped registers.
        let (condition, s, t) = match comparison {
            Comparison::Less => (less, left, right),
            Comparison::More => (less, right, left),
            Comparison::MoreOrEqual => (less ^ condition::OPPOSITE, left, right),
            Comparison::LessOrEqual => (less ^ condition::OPPOSITE, right, left),
            Comparison::Equal => (condition::EQUAL, left, right),
            Comparison::NotEqual => (condition::NOT_EQUAL, left, right),
        };
        let result = number(self.description().result);
        self.narrow(encode::movi_n(result, 1));
        self.wide(encode::branch(condition, s, t, 1));
        self.narrow(encode::movi_n(result, 0));
    }

    fn load_word(&mut self, destination: Register, base: Register, offset: usize) {
        let registers = [number(destination), number(base)];
        let offset = self.word_offset(offset);
        self.code.load(&mut self.assembler, 2, registers, offset);
    }

    fn store_word(&mut self, source: Register, base: Register, offset: usize) {
        let registers = [number(source), number(base)];
        let offset = self.word_offset(offset);
        self.code.store(&mut self.assembler, 2, registers, offset);
    }

    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64) {
        let registers = [number(destination), number(base)];
        let log2_bytes = width.log2_bytes().into();
        self.code
            .load(&mut self.assembler, log2_bytes, registers, low(index));
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64) {
        let mut registers = [number(source), number(base)];
        let log2_bytes = width.log2_bytes().into();
        if self.rules.elements == Elements::Small && index != 0 {
            // The official compiler took the register of results instead of that of the value.
            registers[0] = number(self.description().result);
        }
        self.code
            .store(&mut self.assembler, log2_bytes, registers, low(index));
    }

    fn load_indexed(
        &mut self,
        width: Width,
        destination: Register,
        base: Register,
        index: Register,
    ) {
        if !self.has_scaled_index(width) {
            return load_at_sum(self, width, destination, base, index);
        }
        self.load_address_of(width.log2_bytes(), number(base), number(index));
        self.load_element(width, destination, base, 0);
    }

    fn store_indexed(&mut self, width: Width, source: Register, base: Register, index: Register) {
        if !self.has_scaled_index(width) {
            return store_at_sum(self, width, source, base, index);
        }
        self.load_address_of(width.log2_bytes(), number(base), number(index));
        self.store_element(width, source, base, 0);
    }

    fn load_name(&mut self, destination: Register, table: Register, index: u32) {
        if self.rules.any_offset {
            self.load_element(Width::Bits16, destination, table, index.into());
        } else {
            let offset = i64::from(index & 0xff);
            self.wide(encode::load(1, number(destination), number(table), offset));
        }
    }

    fn takes_small_index(&self, _width: Width, index: i64) -> bool {
        self.rules.elements == Elements::Small && (0..0x100).contains(&index)
    }
}
