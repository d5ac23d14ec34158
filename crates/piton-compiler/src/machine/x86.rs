//! 32-bit x86 (`py/asmx86.c`).

use super::x86_family::{
    self, OPERAND_SIZE, condition, condition_of, extension_of, load_opcode, mod_registers,
    opcode_of, store_opcode,
};
use super::{Arithmetic, Assembler, Comparison, Description, Fun, Machine, Register, Shift, Width};
use crate::emit::Label;
use piton_syntax::target::NativeRules;

const EAX: Register = Register(0);
const ECX: Register = Register(1);
const EDX: Register = Register(2);
const EBX: Register = Register(3);
const ESP: Register = Register(4);
const EBP: Register = Register(5);
const ESI: Register = Register(6);
const EDI: Register = Register(7);

static DESCRIPTION: Description = Description {
    word_size: 4,
    result: EAX,
    arguments: [EAX, ECX, EDX, EBX],
    parent_result: EAX,
    parent_arguments: [EAX, ECX, EDX, EBX],
    temporaries: [EAX, ECX, EDX],
    locals: [EBX, ESI, EDI],
    fun_table: EBP,
    zero: None,
    nlr_registers: 6,
    nlr_locals: [5, 7, 6],
    needs_setjmp: false,
    arguments_on_stack: true,
    shift_count: Some(ECX),
    stores_from_argument_3: true,
    has_not: true,
    loads_any_element: [true; 3],
    stores_any_element: [true; 3],
};

const WORD: i64 = 4;
/// Words between a function's frame and its arguments: the saved registers and the address to return to.
const SAVED_WORDS: i64 = 5;
/// The registers that a function saves.
const SAVED: [Register; 4] = [EBP, EBX, ESI, EDI];

/// The 32-bit x86.
#[derive(Debug)]
pub(crate) struct X86 {
    assembler: Assembler,
    rules: &'static NativeRules,
    /// Words of the frame.
    locals: i64,
}

/// Returns how many arguments a runtime function takes (`mp_f_n_args`, py/emitnx86.c).
fn argument_count(fun: Fun) -> i64 {
    match fun {
        Fun::ConstNone | Fun::ConstFalse | Fun::ConstTrue | Fun::LoadBuildClass | Fun::NlrPop => 0,
        Fun::SwapGlobals
        | Fun::LoadName
        | Fun::LoadGlobal
        | Fun::IsTrue
        | Fun::BuildMap
        | Fun::NextItem
        | Fun::NlrPush
        | Fun::Raise
        | Fun::ImportAll
        | Fun::DeleteName
        | Fun::DeleteGlobal
        | Fun::Setjmp => 1,
        Fun::ConvertObjectToNative
        | Fun::ConvertNativeToObject
        | Fun::LoadAttribute
        | Fun::LoadSuperMethod
        | Fun::StoreName
        | Fun::StoreGlobal
        | Fun::UnaryOperator
        | Fun::BuildTuple
        | Fun::BuildList
        | Fun::BuildSet
        | Fun::StoreSet
        | Fun::ListAppend
        | Fun::GetIterator
        | Fun::ImportFrom
        | Fun::FloorDivide
        | Fun::Modulo => 2,
        Fun::LoadMethod
        | Fun::StoreAttribute
        | Fun::Subscript
        | Fun::BinaryOperator
        | Fun::StoreMap
        | Fun::MakeFunction
        | Fun::CallFunction
        | Fun::CallMethod
        | Fun::CallMethodWithStars
        | Fun::ImportName
        | Fun::NewSlice
        | Fun::UnpackSequence
        | Fun::UnpackEx
        | Fun::NewClosure
        | Fun::CheckArgumentCount
        | Fun::YieldFrom => 3,
        Fun::SetupCodeState => 4,
    }
}

impl X86 {
    pub(crate) fn new(rules: &'static NativeRules) -> X86 {
        X86 {
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

    /// Appends an instruction with two registers, or with one and an extension of the opcode.
    fn registers(&mut self, opcode: u8, rm: Register, reg: u8) {
        self.emit(&[opcode, mod_registers(reg, rm)]);
    }

    /// `mov destination, [base + displacement]`
    fn load32(&mut self, destination: Register, base: Register, displacement: i64) {
        self.emit(&[0x8b]);
        self.memory(destination, base, displacement);
    }

    /// `mov [base + displacement], source`
    fn store32(&mut self, source: Register, base: Register, displacement: i64) {
        self.emit(&[0x89]);
        self.memory(source, base, displacement);
    }

    /// `test register, register`, of the low byte or of all
    fn test(&mut self, register: Register, is_bool: bool) {
        let opcode = if is_bool { 0x84 } else { 0x85 };
        self.registers(opcode, register, register.0);
    }

    fn jump_on(&mut self, condition: u8, label: Label) {
        x86_family::jump_on(&mut self.assembler, condition, label);
    }
}

impl Machine for X86 {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn assembler(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    fn entry(&mut self, locals: usize, _name: &[u8]) {
        // Three more than a multiple of four keep the stack aligned to 16 bytes.
        self.locals = locals as i64 | if self.rules.aligns_x86_calls { 3 } else { 1 };
        x86_family::entry(&mut self.assembler, &[], SAVED, self.locals * WORD);
    }

    fn exit(&mut self) {
        x86_family::exit(&mut self.assembler, &[], SAVED, self.locals * WORD);
    }

    fn load_argument(&mut self, index: u8, destination: Register) {
        let words = self.locals + SAVED_WORDS + i64::from(index);
        self.load32(destination, ESP, words * WORD);
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
        self.registers(0x39, second, first.0);
        self.jump_on(condition::EQUAL, label);
    }

    fn jump_to(&mut self, register: Register) {
        self.registers(0xff, register, 4);
    }

    fn call(&mut self, fun: Fun) {
        let count = argument_count(fun);
        // The stack is aligned to four words.
        let padding = if self.rules.aligns_x86_calls {
            -count & 3
        } else {
            0
        };
        if padding > 0 {
            x86_family::sub_stack_pointer(&mut self.assembler, &[], padding * WORD);
        }
        let arguments = DESCRIPTION.arguments.into_iter().zip(0..count);
        for (register, _) in arguments.collect::<Vec<_>>().into_iter().rev() {
            x86_family::push(&mut self.assembler, register);
        }
        self.load32(EAX, EBP, fun.index() as i64 * WORD);
        self.registers(0xff, EAX, 2);
        if count > 0 {
            x86_family::add_stack_pointer(&mut self.assembler, &[], (count + padding) * WORD);
        }
    }

    fn store_local(&mut self, local: usize, source: Register) {
        self.store32(source, ESP, local as i64 * WORD);
    }

    fn load_local(&mut self, destination: Register, local: usize) {
        self.load32(destination, ESP, local as i64 * WORD);
    }

    fn load_local_address(&mut self, destination: Register, local: usize) {
        if local == 0 {
            self.copy(destination, ESP);
        } else {
            self.emit(&[0x8d]);
            self.memory(destination, ESP, local as i64 * WORD);
        }
    }

    fn load_immediate(&mut self, destination: Register, value: i64) {
        self.load_replaceable(destination, value, true);
    }

    fn load_replaceable(&mut self, destination: Register, value: i64, _is_word: bool) -> usize {
        self.emit(&[0xb8 | destination.0]);
        let offset = self.assembler.offset();
        self.word32(value);
        offset
    }

    fn copy(&mut self, destination: Register, source: Register) {
        self.registers(0x89, destination, source.0);
    }

    fn load_label_address(&mut self, destination: Register, label: Label) {
        // `call` of the next instruction, which pops the address and adds the distance to it.
        self.emit(&[0xe8, 0, 0, 0, 0]);
        let distance = self.assembler.distance(label);
        x86_family::pop(&mut self.assembler, destination);
        self.registers(0x81, destination, 0);
        self.word32(distance);
    }

    fn clear(&mut self, register: Register) {
        self.arithmetic(Arithmetic::Xor, register, register);
    }

    fn not(&mut self, register: Register) {
        self.registers(0xf7, register, 2);
    }

    fn negate(&mut self, register: Register) {
        self.registers(0xf7, register, 3);
    }

    fn shift(&mut self, shift: Shift, destination: Register, _count: Register) {
        self.registers(0xd3, destination, extension_of(shift));
    }

    fn arithmetic(&mut self, operation: Arithmetic, destination: Register, source: Register) {
        match opcode_of(operation) {
            Some(opcode) => self.registers(opcode, destination, source.0),
            None => {
                self.emit(&[0x0f]);
                self.registers(0xaf, source, destination.0);
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
        self.clear(EAX);
        self.registers(0x39, left, right.0);
        self.emit(&[0x0f, 0x90 | condition, mod_registers(0, EAX)]);
    }

    fn load_word(&mut self, destination: Register, base: Register, offset: usize) {
        self.load32(destination, base, offset as i64 * WORD);
    }

    fn store_word(&mut self, source: Register, base: Register, offset: usize) {
        self.store32(source, base, offset as i64 * WORD);
    }

    fn load_element(&mut self, width: Width, destination: Register, base: Register, index: i64) {
        self.emit(load_opcode(width));
        let displacement = index.wrapping_mul(width.bytes().into());
        self.memory(destination, base, displacement);
    }

    fn store_element(&mut self, width: Width, source: Register, base: Register, index: i64) {
        if width == Width::Bits16 {
            self.emit(&[OPERAND_SIZE]);
        }
        self.emit(&[store_opcode(width)]);
        let displacement = index.wrapping_mul(width.bytes().into());
        self.memory(source, base, displacement);
    }
}
