//! The seam between the native emitter and the machines it writes code for.
//!
//! [`Machine`] is what the emitter in `emit::native` asks of a processor: some fifty operations, each of which appends
//! a short, fixed sequence of instructions. The emitter is written once; a machine is one file below this one. What an
//! operation does is described at the operation; which bytes it becomes is the machine's own matter, and the official
//! compiler's `py/asm*.h` is the specification of them.
//!
//! # Passes
//! Every function is written three times, with the same operations in the same order ([`Pass`]). The first two passes
//! only measure: the first one with a wrong size of the frame, since the depth of the stack is not known yet. The last
//! pass writes the bytes, and must come to the same sizes as the one before it. A machine that needs something of an
//! earlier pass (a table's size) keeps it in itself: one machine object serves all functions of a module, and what it
//! keeps is still there in the next function, as in the official compiler.
//!
//! # Labels
//! In the measuring passes a label has no offset until it is assigned, so that a backward jump differs from a forward one.
//! In the last pass all labels have the offsets of the pass before. [`Assembler::label`] returns none for a label
//! without an offset; the official compiler has the offset -1 there and goes on computing.
//!
//! # Dead code
//! After [`Assembler::suppress`] nothing is written and nothing counted until the next label is assigned. Machines
//! need not look at it: [`Assembler::emit`] does. Only [`Assembler::align_like_c`] moves on all the same.
//!
//! # Errors
//! What a machine can't encode it reports by [`Assembler::fail`] and goes on; the emitter looks after each
//! instruction of the source.

pub(crate) mod arm;
mod assembler;
pub(crate) mod debug;
mod runtime;
pub(crate) mod rv32;
#[cfg(test)]
mod tests;
pub(crate) mod thumb;
pub(crate) mod x64;
pub(crate) mod x86;
mod x86_family;
pub(crate) mod xtensa;

pub(crate) use assembler::{Assembler, Pass};
pub(crate) use runtime::Fun;

use crate::emit::Label;
use piton_mpy::header::Arch;
use piton_syntax::target::NativeRules;

/// Returns the machine of an architecture with these flags, if there is one, as a compiler with these rules has it.
pub(crate) fn machine(
    arch: Arch,
    flags: u32,
    rules: &'static NativeRules,
) -> Option<Box<dyn Machine>> {
    match arch {
        Arch::X86 => Some(Box::new(x86::X86::new(rules))),
        Arch::X64 => Some(Box::new(x64::X64::new(rules))),
        Arch::Debug => Some(Box::new(debug::Debug::default())),
        Arch::ArmV6 => Some(Box::new(arm::Arm::new(rules))),
        Arch::ArmV6M => Some(Box::new(thumb::Thumb::new(false, rules))),
        Arch::ArmV7M | Arch::ArmV7EM | Arch::ArmV7EMSP | Arch::ArmV7EMDP => {
            Some(Box::new(thumb::Thumb::new(true, rules)))
        }
        Arch::Xtensa => Some(Box::new(xtensa::Xtensa::new(false, rules))),
        Arch::XtensaWin => Some(Box::new(xtensa::Xtensa::new(true, rules))),
        Arch::Rv32Imc => Some(Box::new(rv32::Rv32::new(flags, rules))),
        Arch::Rv64Imc => None,
    }
}

/// A register, by the number that the machine has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register(pub(crate) u8);

/// What the emitter needs to know of a machine: its registers and its peculiarities.
#[derive(Debug)]
pub(crate) struct Description {
    /// Bytes of a machine word: 4 or 8.
    pub(crate) word_size: u8,
    /// The result of a call (`REG_RET`).
    pub(crate) result: Register,
    /// The arguments of a call (`REG_ARG_1` ...).
    pub(crate) arguments: [Register; 4],
    /// Where a function puts its own result (`REG_PARENT_RET`): [`Description::result`], unless registers are windowed.
    pub(crate) parent_result: Register,
    /// Where a function finds its own arguments (`REG_PARENT_ARG_1` ...). On a machine with
    /// [`Description::arguments_on_stack`] where it puts them first.
    pub(crate) parent_arguments: [Register; 4],
    /// Registers that calls destroy (`REG_TEMP0` ...).
    pub(crate) temporaries: [Register; 3],
    /// Registers that calls keep (`REG_LOCAL_1` ...).
    pub(crate) locals: [Register; 3],
    /// The table of runtime functions (`REG_FUN_TABLE`).
    pub(crate) fun_table: Register,
    /// A register that is always 0, if there is one (`REG_ZERO`).
    pub(crate) zero: Option<Register>,
    /// Registers that `nlr_push` saves (`MICROPY_NLR_NUM_REGS_*`).
    pub(crate) nlr_registers: u8,
    /// The words of `nlr_buf_t` that have [`Description::locals`] (`NLR_BUF_IDX_LOCAL_1` ...).
    pub(crate) nlr_locals: [u8; 3],
    /// Whether `setjmp` is called after `nlr_push` (`N_NLR_SETJMP`).
    pub(crate) needs_setjmp: bool,
    /// Whether a function's own arguments come on the stack: [`Machine::load_argument`] brings them.
    pub(crate) arguments_on_stack: bool,
    /// The register that must have the count of a shift, if only one can. [`Machine::shift`] then is asked for shifts of
    /// [`Description::result`] by this register only.
    pub(crate) shift_count: Option<Register>,
    /// Whether values are stored to memory from the third argument register only, in viper.
    pub(crate) stores_from_argument_3: bool,
    /// Whether there is [`Machine::not`]; if not, the emitter makes an exclusive or with -1.
    pub(crate) has_not: bool,
    /// Whether [`Machine::load_element`] takes any index, by width: 8, 16, 32 bits. Where it does not, the emitter adds
    /// the index to the base and asks for index 0.
    pub(crate) loads_any_element: [bool; 3],
    /// The same for [`Machine::store_element`].
    pub(crate) stores_any_element: [bool; 3],
}

/// How many bits of memory are read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Bits8,
    Bits16,
    Bits32,
}

impl Width {
    /// Returns the power of two that the width has in bytes: 0, 1 or 2.
    pub(crate) fn log2_bytes(self) -> u8 {
        match self {
            Width::Bits8 => 0,
            Width::Bits16 => 1,
            Width::Bits32 => 2,
        }
    }

    /// Returns the width in bytes.
    pub(crate) fn bytes(self) -> u8 {
        1 << self.log2_bytes()
    }
}

/// An operation on two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Or,
    Xor,
    And,
    Add,
    Subtract,
    /// The low word of the product.
    Multiply,
}

/// A shift of a register by a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Left,
    /// Zeros come in.
    RightLogical,
    /// The sign comes in.
    RightArithmetic,
}

/// A comparison, in the order of MicroPython's operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    More,
    Equal,
    LessOrEqual,
    MoreOrEqual,
    NotEqual,
}

impl Comparison {
    /// The comparisons in the order of their operators.
    pub(crate) const ALL: [Comparison; 6] = [
        Comparison::Less,
        Comparison::More,
        Comparison::Equal,
        Comparison::LessOrEqual,
        Comparison::MoreOrEqual,
        Comparison::NotEqual,
    ];
}

/// A processor that the native emitter writes code for.
///
/// "Local" is the number of a word in the function's frame, from 0. Offsets and indices count elements, not bytes.
pub(crate) trait Machine: std::fmt::Debug {
    /// Returns the registers and peculiarities.
    fn description(&self) -> &'static Description;

    /// Returns the buffer that the operations append to.
    fn assembler(&mut self) -> &mut Assembler;

    /// Assigns a label to this place.
    fn assign(&mut self, label: Label) {
        self.assembler().assign(label);
    }

    /// Returns whether the new function is copied to the first argument before a closure is made of it.
    fn copies_closed_function(&self) -> bool {
        let description = self.description();
        description.arguments.first() != Some(&description.result)
    }

    /// Returns the listing of what was written so far, for a machine that has one, and forgets it.
    fn take_listing(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Ends a pass over a function, after all its code and data (`ASM_END_PASS`).
    fn end_pass(&mut self) {}

    /// Begins a function: saves the registers that calls keep and makes a frame of this many words (`ASM_ENTRY`).
    /// `name` is the qualified name of the function, for listings.
    fn entry(&mut self, locals: usize, name: &[u8]);

    /// Undoes [`Machine::entry`] and returns to the caller (`ASM_EXIT`).
    fn exit(&mut self);

    /// Loads the function's own argument number `index`. Asked for only where
    /// [`Description::arguments_on_stack`] is set (`asm_x86_mov_arg_to_r32`).
    fn load_argument(&mut self, index: u8, destination: Register) {
        let _ = (index, destination);
    }

    /// Goes on at a label (`ASM_JUMP`).
    fn jump(&mut self, label: Label);

    /// Goes on at a label if a register is 0 (`ASM_JUMP_IF_REG_ZERO`). If `is_bool`, only the low byte of the register
    /// has a value, 0 or 1.
    fn jump_if_zero(&mut self, register: Register, label: Label, is_bool: bool);

    /// Goes on at a label if a register is not 0 (`ASM_JUMP_IF_REG_NONZERO`).
    fn jump_if_nonzero(&mut self, register: Register, label: Label, is_bool: bool);

    /// Goes on at a label if two registers are equal (`ASM_JUMP_IF_REG_EQ`).
    fn jump_if_equal(&mut self, first: Register, second: Register, label: Label);

    /// Goes on at the address in a register (`ASM_JUMP_REG`).
    fn jump_to(&mut self, register: Register);

    /// Calls a runtime function with what is in the argument registers (`ASM_CALL_IND`).
    fn call(&mut self, fun: Fun);

    /// Calls a runtime function that takes all four arguments: the address can't pass through the fourth argument's
    /// register, as it does in [`Machine::call`] on ARM (`MP_F_SETUP_CODE_STATE`).
    fn call_with_four_arguments(&mut self, fun: Fun) {
        self.call(fun);
    }

    /// Stores a register in a local (`ASM_MOV_LOCAL_REG`).
    fn store_local(&mut self, local: usize, source: Register);

    /// Loads a local (`ASM_MOV_REG_LOCAL`).
    fn load_local(&mut self, destination: Register, local: usize);

    /// Loads the address of a local (`ASM_MOV_REG_LOCAL_ADDR`).
    fn load_local_address(&mut self, destination: Register, local: usize);

    /// Loads a number, by the shortest sequence that the official compiler knows (`ASM_MOV_REG_IMM`). Machines with
    /// 32-bit words take the low 32 bits.
    fn load_immediate(&mut self, destination: Register, value: i64);

    /// Loads a number by instructions that are the same for all numbers, so that a loader can put another one in, and
    /// returns their offset (`ASM_MOV_REG_IMM_FIX_U16`, or `ASM_MOV_REG_IMM_FIX_WORD` if `is_word`). Only asked for where
    /// [`NativeRules::function_tables`] is set.
    fn load_replaceable(&mut self, destination: Register, value: i64, is_word: bool) -> usize {
        let _ = is_word;
        let offset = self.assembler().offset();
        self.load_immediate(destination, value);
        offset
    }

    /// Copies a register (`ASM_MOV_REG_REG`). Also asked for where both are the same.
    fn copy(&mut self, destination: Register, source: Register);

    /// Loads the address of a label (`ASM_MOV_REG_PCREL`).
    fn load_label_address(&mut self, destination: Register, label: Label);

    /// Sets a register to 0 (`ASM_CLR_REG`).
    fn clear(&mut self, register: Register);

    /// Inverts all bits of a register (`ASM_NOT_REG`). Asked for only where [`Description::has_not`] is set.
    fn not(&mut self, register: Register);

    /// Negates a register (`ASM_NEG_REG`).
    fn negate(&mut self, register: Register);

    /// Shifts `destination` by `count` (`ASM_LSL_REG_REG` ..., on x86 `ASM_LSL_REG` ...).
    fn shift(&mut self, shift: Shift, destination: Register, count: Register);

    /// Changes `destination` by `source` (`ASM_OR_REG_REG` ...).
    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register);

    /// Sets the result register to 1 if the comparison holds, else to 0. `left` is always the second argument register,
    /// `right` never the result register.
    fn compare(
        &mut self,
        comparison: Comparison,
        is_unsigned: bool,
        left: Register,
        right: Register,
    );

    /// Loads the machine word `offset` words after `base` (`ASM_LOAD_REG_REG_OFFSET`).
    fn load_word(&mut self, destination: Register, base: Register, offset: usize);

    /// Stores a machine word `offset` words after `base` (`ASM_STORE_REG_REG_OFFSET`).
    fn store_word(&mut self, source: Register, base: Register, offset: usize);

    /// Loads element number `index` of an array at `base`, zeros above it (`ASM_LOAD8_REG_REG_OFFSET` ...). Index 0 is
    /// also `ASM_LOAD8_REG_REG`.
    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64);

    /// Stores element number `index` of an array at `base` (`ASM_STORE8_REG_REG_OFFSET` ...).
    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64);

    /// Loads the element of an array whose number is in a register (`ASM_LOAD8_REG_REG_REG` ...). May change `base`.
    fn load_indexed(
        &mut self,
        width: Width,
        destination: Register,
        base: Register,
        index: Register,
    ) {
        load_at_sum(self, width, destination, base, index);
    }

    /// Stores the element of an array whose number is in a register (`ASM_STORE8_REG_REG_REG` ...). May change `base`.
    fn store_indexed(&mut self, width: Width, source: Register, base: Register, index: Register) {
        store_at_sum(self, width, source, base, index);
    }

    /// Loads a name: entry number `index` of the table of names (`emit_native_mov_reg_qstr`).
    fn load_name(&mut self, destination: Register, table: Register, index: u32) {
        self.load_element(Width::Bits16, destination, table, index.into());
    }

    /// Returns whether [`Machine::load_element`] and [`Machine::store_element`] take an index other than 0 in releases
    /// before [`Elements::Any`](piton_syntax::target::Elements::Any).
    fn takes_small_index(&self, width: Width, index: i64) -> bool {
        let _ = (width, index);
        false
    }

    /// Returns whether an element with a known index is stored by [`Machine::store_indexed`] in those releases.
    fn stores_by_index(&self, width: Width) -> bool {
        let _ = width;
        false
    }
}

/// Loads an element whose number is in a register: adds the number to the base as often as the element has bytes.
fn load_at_sum<M: Machine + ?Sized>(
    machine: &mut M,
    width: Width,
    destination: Register,
    base: Register,
    index: Register,
) {
    for _ in 0..width.bytes() {
        machine.arithmetic(Arithmetic::Add, base, index);
    }
    machine.load_element(width, destination, base, 0);
}

/// As [`load_at_sum`], but stores.
fn store_at_sum<M: Machine + ?Sized>(
    machine: &mut M,
    width: Width,
    source: Register,
    base: Register,
    index: Register,
) {
    for _ in 0..width.bytes() {
        machine.arithmetic(Arithmetic::Add, base, index);
    }
    machine.store_element(width, source, base, 0);
}
