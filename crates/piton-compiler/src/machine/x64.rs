//! 64-bit x86 (`py/asmx64.c`).

use super::{Arithmetic, Assembler, Comparison, Description, Fun, Machine, Register, Shift, Width};
use crate::emit::Label;

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

static DESCRIPTION: Description = Description {
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
    nlr_local_1: 5,
    needs_setjmp: false,
    arguments_on_stack: false,
    shift_count: Some(RCX),
    stores_from_argument_3: true,
    has_not: true,
    loads_any_element: [true; 3],
    stores_any_element: [true; 3],
};

const WORD: i64 = 8;

/// Bits of the REX prefix.
const REX: u8 = 0x40;
const REX_W: u8 = 0x08;
const REX_R: u8 = 0x04;
const REX_B: u8 = 0x01;
/// Makes an instruction one of 16 bits.
const OPERAND_SIZE: u8 = 0x66;

/// Conditions of `jcc` and `setcc`.
mod condition {
    pub(super) const BELOW: u8 = 0x2;
    pub(super) const ABOVE_OR_EQUAL: u8 = 0x3;
    pub(super) const EQUAL: u8 = 0x4;
    pub(super) const NOT_EQUAL: u8 = 0x5;
    pub(super) const BELOW_OR_EQUAL: u8 = 0x6;
    pub(super) const ABOVE: u8 = 0x7;
    pub(super) const LESS: u8 = 0xc;
    pub(super) const GREATER_OR_EQUAL: u8 = 0xd;
    pub(super) const LESS_OR_EQUAL: u8 = 0xe;
    pub(super) const GREATER: u8 = 0xf;
}

/// The 64-bit x86.
#[derive(Debug, Default)]
pub(crate) struct X64 {
    assembler: Assembler,
    /// Words of the frame.
    locals: i64,
}

/// Returns the number of a register in the lower three bits, as ModRM has it.
fn low(register: Register) -> u8 {
    register.0 & 7
}

fn is_high(register: Register) -> bool {
    register.0 >= 8
}

/// Returns the REX prefix of an instruction with these registers in ModRM's `reg` and `rm`.
fn rex(wide: bool, reg: Register, rm: Register) -> u8 {
    REX | if wide { REX_W } else { 0 }
        | if is_high(reg) { REX_R } else { 0 }
        | if is_high(rm) { REX_B } else { 0 }
}

/// Returns the ModRM byte of two registers.
fn mod_registers(reg: u8, rm: Register) -> u8 {
    0xc0 | (reg & 7) << 3 | low(rm)
}

/// Returns whether a number is that of its lowest byte. Only the low 32 bits count.
fn fits_8(value: i64) -> bool {
    matches!(value & 0xffff_ff80, 0 | 0xffff_ff80)
}

impl X64 {
    fn emit(&mut self, bytes: &[u8]) {
        self.assembler.emit(bytes);
    }

    fn word32(&mut self, value: i64) {
        self.assembler.data(4, value);
    }

    /// Appends ModRM and displacement of `[base + displacement]`. Of the displacement the low 32 bits count.
    fn memory(&mut self, reg: Register, base: Register, displacement: i64) {
        let displacement = i64::from(displacement as i32);
        let mode = if displacement == 0 && low(base) != low(RBP) {
            0x00
        } else if fits_8(displacement) {
            0x40
        } else {
            0x80
        };
        self.emit(&[mode | low(reg) << 3 | low(base)]);
        if low(base) == low(RSP) {
            // These bases need a SIB byte.
            self.emit(&[0x24]);
        }
        match mode {
            0x40 => self.assembler.data(1, displacement),
            0x80 => self.word32(displacement),
            _ => {}
        }
    }

    /// Appends a 64-bit instruction with two registers.
    fn registers(&mut self, opcode: u8, rm: Register, reg: Register) {
        self.emit(&[rex(true, reg, rm), opcode, mod_registers(reg.0, rm)]);
    }

    /// Appends a 64-bit instruction with one register and an extension of the opcode.
    fn register(&mut self, opcode: u8, extension: u8, rm: Register) {
        self.registers(opcode, rm, Register(extension));
    }

    fn push(&mut self, register: Register) {
        if is_high(register) {
            self.emit(&[REX | REX_B, 0x50 | low(register)]);
        } else {
            self.emit(&[0x50 | low(register)]);
        }
    }

    fn pop(&mut self, register: Register) {
        if is_high(register) {
            self.emit(&[REX | REX_B, 0x58 | low(register)]);
        } else {
            self.emit(&[0x58 | low(register)]);
        }
    }

    /// `sub rsp, value`
    fn sub_stack_pointer(&mut self, value: i64) {
        if fits_8(value) {
            self.emit(&[REX | REX_W, 0x83, mod_registers(5, RSP)]);
            self.assembler.data(1, value);
        } else {
            self.emit(&[REX | REX_W, 0x81, mod_registers(5, RSP)]);
            self.word32(value);
        }
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

    /// A jump: two bytes if it goes back no further than a byte can say.
    fn jump_by(&mut self, label: Label, short: u8, long: &[u8]) {
        let distance = self.assembler.distance(label);
        let backward = self.assembler.label(label).is_some() && distance < 0;
        if backward && fits_8(distance - 2) {
            self.emit(&[short]);
            self.assembler.data(1, distance - 2);
        } else {
            self.emit(long);
            self.word32(distance.wrapping_sub(long.len() as i64 + 4));
        }
    }

    fn jump_on(&mut self, condition: u8, label: Label) {
        self.jump_by(label, 0x70 | condition, &[0x0f, 0x80 | condition]);
    }
}

impl Machine for X64 {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn entry(&mut self, locals: usize, _name: &[u8]) {
        for register in [RBP, RBX, R12, R13] {
            self.push(register);
        }
        // An odd number keeps the stack aligned to 16 bytes.
        self.locals = locals as i64 | 1;
        self.sub_stack_pointer(self.locals * WORD);
    }

    fn exit(&mut self) {
        self.sub_stack_pointer(-self.locals * WORD);
        for register in [R13, R12, RBX, RBP] {
            self.pop(register);
        }
        self.emit(&[0xc3]);
    }

    fn jump(&mut self, label: Label) {
        self.jump_by(label, 0xeb, &[0xe9]);
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
        let opcode = 0xb8 | low(destination);
        let high = if is_high(destination) { REX_B } else { 0 };
        if u32::try_from(value).is_ok() {
            // Zeros come into the upper half.
            if high != 0 {
                self.emit(&[REX | high]);
            }
            self.emit(&[opcode]);
            self.word32(value);
        } else {
            self.emit(&[REX | REX_W | high, opcode]);
            self.assembler.data(8, value);
        }
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
        let extension = match shift {
            Shift::Left => 4,
            Shift::RightLogical => 5,
            Shift::RightArithmetic => 7,
        };
        self.register(0xd3, extension, destination);
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        let opcode = match operation {
            Arithmetic::Or => 0x09,
            Arithmetic::Xor => 0x31,
            Arithmetic::And => 0x21,
            Arithmetic::Add => 0x01,
            Arithmetic::Subtract => 0x29,
            Arithmetic::Multiply => {
                // `imul`: the registers stand the other way round.
                self.emit(&[rex(true, destination, source), 0x0f, 0xaf]);
                self.emit(&[mod_registers(destination.0, source)]);
                return;
            }
        };
        self.registers(opcode, destination, source);
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    ) {
        let condition = match (comparison, is_unsigned) {
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
        };
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
        self.narrow_rex(destination, base);
        match width {
            Width::Bits8 => self.emit(&[0x0f, 0xb6]),
            Width::Bits16 => self.emit(&[0x0f, 0xb7]),
            Width::Bits32 => self.emit(&[0x8b]),
        }
        self.memory(destination, base, index.wrapping_mul(width.bytes().into()));
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64) {
        if width == Width::Bits16 {
            self.emit(&[OPERAND_SIZE]);
        }
        self.narrow_rex(source, base);
        self.emit(&[if width == Width::Bits8 { 0x88 } else { 0x89 }]);
        self.memory(source, base, index.wrapping_mul(width.bytes().into()));
    }
}
