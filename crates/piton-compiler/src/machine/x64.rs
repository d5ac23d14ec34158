//! 64-bit x86 (`py/asmx64.c`).

use super::x86_family::{
    self, OPERAND_SIZE, REX, REX_B, REX_R, REX_W, condition, condition_of, extension_of, is_high,
    load_opcode, low, mod_registers, opcode_of, store_opcode,
};
use super::{Arithmetic, Assembler, Comparison, Description, Fun, Machine, Register, Shift, Width};
use crate::emit::Label;
use piton_syntax::diagnostic::DiagnosticCode;
use piton_syntax::target::NativeRules;

const RAX: Register = Register(0);
const RCX: Register = Register(1);
const RDX: Register = Register(2);
const RBX: Register = Register(3);
const RSP: Register = Register(4);
const RBP: Register = Register(5);
const RSI: Register = Register(6);
const RDI: Register = Register(7);
const R12: Register = Register(12);
const R13: Register = Register(13);

const DESCRIPTION: Description = Description {
    word_size: 8,
    result: RAX,
    arguments: [RDI, RSI, RDX, RCX],
    parent_result: RAX,
    parent_arguments: [RDI, RSI, RDX, RCX],
    temporaries: [RAX, RDI, RSI],
    locals: [RBX, R12, R13],
    fun_table: RBP,
    zero: None,
    // The most that any operating system needs: Windows.
    nlr_registers: 10,
    nlr_locals: [5, 6, 7],
    needs_setjmp: false,
    arguments_on_stack: false,
    shift_count: Some(RCX),
    stores_from_argument_3: true,
    has_not: true,
    loads_any_element: [true; 3],
    stores_any_element: [true; 3],
};

/// The same where elements are stored from any register.
const FORMER_DESCRIPTION: Description = Description {
    stores_from_argument_3: false,
    ..DESCRIPTION
};

const WORD: i64 = 8;

/// Makes an instruction with the stack pointer one of 64 bits.
const WIDE: [u8; 1] = [REX | REX_W];
/// The registers that a function saves.
const SAVED: [Register; 4] = [RBP, RBX, R12, R13];

/// The 64-bit x86.
#[derive(Debug)]
pub(crate) struct X64 {
    assembler: Assembler,
    rules: &'static NativeRules,
    /// Words of the frame.
    locals: i64,
}

/// Returns the REX prefix of an instruction with these registers in ModRM's `reg` and `rm`.
fn rex(wide: bool, reg: Register, rm: Register) -> u8 {
    REX | if wide { REX_W } else { 0 }
        | if is_high(reg) { REX_R } else { 0 }
        | if is_high(rm) { REX_B } else { 0 }
}

impl X64 {
    pub(crate) fn new(rules: &'static NativeRules) -> X64 {
        X64 {
            assembler: Assembler::default(),
            rules,
            locals: 0,
        }
    }

    fn emit(&mut self, bytes: &[u8]) {
        self.assembler.emit(bytes);
    }

    fn word32(&mut self, value: i64) {
        self.assembler.data(4, value);
    }

    /// Appends ModRM and displacement of `[base + displacement]`.
    fn memory(&mut self, reg: Register, base: Register, displacement: i64) {
        x86_family::memory(&mut self.assembler, reg, base, displacement);
    }

    /// Appends a 64-bit instruction with two registers.
    fn registers(&mut self, opcode: u8, rm: Register, reg: Register) {
        self.emit(&[rex(true, reg, rm), opcode, mod_registers(reg.0, rm)]);
    }

    /// Appends a 64-bit instruction with one register and an extension of the opcode.
    fn register(&mut self, opcode: u8, extension: u8, rm: Register) {
        self.registers(opcode, rm, Register(extension));
    }

    /// `mov destination, [base + displacement]`
    fn load64(&mut self, destination: Register, base: Register, displacement: i64) {
        self.emit(&[rex(true, destination, base), 0x8b]);
        self.memory(destination, base, displacement);
    }

    /// `mov [base + displacement], source`
    fn store64(&mut self, source: Register, base: Register, displacement: i64) {
        self.emit(&[rex(true, source, base), 0x89]);
        self.memory(source, base, displacement);
    }

    /// The REX prefix of a narrow access, where one is needed.
    fn narrow_rex(&mut self, reg: Register, base: Register) {
        if is_high(reg) || is_high(base) {
            self.emit(&[rex(false, reg, base)]);
        }
    }

    /// `test register, register`, of the low byte or of all
    fn test(&mut self, register: Register, is_bool: bool) {
        if is_bool {
            self.emit(&[0x84, mod_registers(register.0, register)]);
        } else {
            self.registers(0x85, register, register);
        }
    }

    fn jump_on(&mut self, condition: u8, label: Label) {
        x86_family::jump_on(&mut self.assembler, condition, label);
    }
}

impl Machine for X64 {
    fn description(&self) -> &'static Description {
        if self.rules.x64_stores_from_argument_3 {
            &DESCRIPTION
        } else {
            &FORMER_DESCRIPTION
        }
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn entry(&mut self, locals: usize, _name: &[u8]) {
        // An odd number keeps the stack aligned to 16 bytes.
        self.locals = locals as i64 | 1;
        x86_family::entry(&mut self.assembler, &WIDE, SAVED, self.locals * WORD);
    }

    fn exit(&mut self) {
        x86_family::exit(&mut self.assembler, &WIDE, SAVED, self.locals * WORD);
    }

    fn jump(&mut self, label: Label) {
        x86_family::jump(&mut self.assembler, label);
    }

    fn jump_if_zero(&mut self, register: Register, label: Label, is_bool: bool) {
        self.test(register, is_bool);
        self.jump_on(condition::EQUAL, label);
    }

    fn jump_if_nonzero(&mut self, register: Register, label: Label, is_bool: bool) {
        self.test(register, is_bool);
        self.jump_on(condition::NOT_EQUAL, label);
    }

    fn jump_if_equal(&mut self, first: Register, second: Register, label: Label) {
        self.registers(0x39, second, first);
        self.jump_on(condition::EQUAL, label);
    }

    fn jump_to(&mut self, register: Register) {
        self.emit(&[0xff, mod_registers(4, register)]);
    }

    fn call(&mut self, fun: Fun) {
        self.load64(RAX, RBP, fun.index() as i64 * WORD);
        self.emit(&[0xff, mod_registers(2, RAX)]);
    }

    fn store_local(&mut self, local: usize, source: Register) {
        self.store64(source, RSP, local as i64 * WORD);
    }

    fn load_local(&mut self, destination: Register, local: usize) {
        self.load64(destination, RSP, local as i64 * WORD);
    }

    fn load_local_address(&mut self, destination: Register, local: usize) {
        if local == 0 {
            self.copy(destination, RSP);
        } else {
            self.emit(&[rex(true, destination, RSP), 0x8d]);
            self.memory(destination, RSP, local as i64 * WORD);
        }
    }

    fn load_immediate(&mut self, destination: Register, value: i64) {
        if u32::try_from(value).is_ok() {
            self.load_replaceable(destination, value, false);
        } else {
            let high = if is_high(destination) { REX_B } else { 0 };
            self.emit(&[REX | REX_W | high, 0xb8 | low(destination)]);
            self.assembler.data(8, value);
        }
    }

    fn load_replaceable(&mut self, destination: Register, value: i64, _is_word: bool) -> usize {
        // Zeros come into the upper half.
        if is_high(destination) {
            self.emit(&[REX | REX_B]);
        }
        self.emit(&[0xb8 | low(destination)]);
        let offset = self.assembler.offset();
        self.word32(value);
        offset
    }

    fn copy(&mut self, destination: Register, source: Register) {
        self.registers(0x89, destination, source);
    }

    fn load_label_address(&mut self, destination: Register, label: Label) {
        // `lea destination, [rip + distance]`, counted from the next instruction
        let distance = self.assembler.distance(label).wrapping_sub(7);
        self.emit(&[
            rex(true, destination, RAX),
            0x8d,
            low(destination) << 3 | low(RBP),
        ]);
        self.word32(distance);
    }

    fn clear(&mut self, register: Register) {
        self.arithmetic(Arithmetic::Xor, register, register);
    }

    fn not(&mut self, register: Register) {
        self.register(0xf7, 2, register);
    }

    fn negate(&mut self, register: Register) {
        self.register(0xf7, 3, register);
    }

    fn shift(&mut self, shift: Shift, destination: Register, _count: Register) {
        self.register(0xd3, extension_of(shift), destination);
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        match opcode_of(operation) {
            Some(opcode) => self.registers(opcode, destination, source),
            None => {
                self.emit(&[rex(true, destination, source), 0x0f, 0xaf]);
                self.emit(&[mod_registers(destination.0, source)]);
            }
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    ) {
        let condition = condition_of(comparison, is_unsigned);
        self.clear(RAX);
        self.registers(0x39, left, right);
        self.emit(&[0x0f, 0x90 | condition, mod_registers(0, RAX)]);
    }

    fn load_word(&mut self, destination: Register, base: Register, offset: usize) {
        self.load64(destination, base, offset as i64 * WORD);
    }

    fn store_word(&mut self, source: Register, base: Register, offset: usize) {
        self.store64(source, base, offset as i64 * WORD);
    }

    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64) {
        if is_high(base) && !self.rules.loads_x64_elements {
            self.assembler.fail(DiagnosticCode::NativeImpossible);
        }
        self.narrow_rex(destination, base);
        self.emit(load_opcode(width));
        self.memory(destination, base, index.wrapping_mul(width.bytes().into()));
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64) {
        if width == Width::Bits16 {
            self.emit(&[OPERAND_SIZE]);
        }
        self.narrow_rex(source, base);
        self.emit(&[store_opcode(width)]);
        self.memory(source, base, index.wrapping_mul(width.bytes().into()));
    }
}
