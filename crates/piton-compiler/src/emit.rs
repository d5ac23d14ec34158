//! What the compiler asks an emitter for, scope by scope.
//!
//! The compiler walks each scope once and writes down [`Instruction`]s. Identifiers stay names in
//! them until all scopes are known. An emitter turns the instructions of a scope into code:
//! [`bytecode`] into that of the virtual machine, [`native`] into that of a processor.

pub(crate) mod bytecode;
pub(crate) mod inline;
mod jumps;
pub(crate) mod native;
mod tables;

pub(crate) use self::tables::Tables;
use piton_mpy::opcode::Opcode;
use piton_mpy::raw_code;

use crate::scope::ScopeId;
use piton_syntax::interner::Qstr;

/// A place in a scope's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(pub(crate) u32);

/// What is done with an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Load,
    Store,
    Delete,
}

/// Numbers of the operators the compiler itself uses, counted as in `py/runtime0.h`.
pub(crate) mod operator {
    pub(crate) const UNARY_POSITIVE: u8 = 0;
    pub(crate) const UNARY_NEGATIVE: u8 = 1;
    pub(crate) const UNARY_INVERT: u8 = 2;
    pub(crate) const UNARY_NOT: u8 = 3;
    pub(crate) const LESS: u8 = 0;
    pub(crate) const MORE: u8 = 1;
    pub(crate) const IN: u8 = 6;
    pub(crate) const IS: u8 = 7;
    pub(crate) const EXCEPTION_MATCH: u8 = 8;
    pub(crate) const INPLACE_OR: u8 = 9;
    pub(crate) const INPLACE_ADD: u8 = INPLACE_OR + 5;
    pub(crate) const OR: u8 = 22;
    pub(crate) const LEFT_SHIFT: u8 = OR + 3;
    pub(crate) const POWER: u8 = OR + 12;
}

/// One request to the emitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    /// What follows belongs to this source line, which is greater than any before.
    Line(u32),
    Label(Label),
    /// The stack is that much higher than the instructions say.
    AdjustStack(i32),
    /// An opcode without an argument.
    Plain(Opcode),
    /// An opcode with a number.
    Number(Opcode, u32),
    /// An opcode with an index into the module's string table.
    Name(Opcode, u32),
    /// Loads the object with this index in the module's object table.
    Object(u32),
    SmallInteger(i32),
    /// Loads the small integer with this index in [`Code::wide_integers`].
    WideInteger(u32),
    /// A unary operator by its number.
    Unary(u8),
    /// A binary operator by its number.
    Binary(u8),
    /// A binary operator by its number, and the opposite of its result: `not in`, `is not`.
    NegatedBinary(u8),
    /// An opcode with a label.
    Jump(Opcode, Label),
    /// A jump out of exception blocks: their number, and bit 7 if it also leaves a `for` loop.
    UnwindJump(u8, Label),
    /// Drops the iterator of a `for` loop before a jump out of it.
    PopIterator,
    Identifier(Access, Qstr),
    /// Stores in a name as it is in the scope around this one, as `:=` did up to MicroPython 1.19.
    StoreAround(Qstr),
    /// Jumps, unless the last instruction was a return: the only dead code that was left out up to MicroPython 1.19.
    JumpUnlessReturned(Label),
    /// Returns `None`, unless the last instruction was a return.
    ReturnUnlessReturned,
    /// Loads the first parameter, for `super()`.
    FirstParameter,
    /// Loads what a class body returns: its `__class__` cell if there is one, else `None`.
    ClassCell(Qstr),
    /// Makes a function of a scope, and whether it has default arguments.
    MakeFunction(ScopeId, bool),
    /// Deletes the attribute with this name, an index into the module's string table.
    DeleteAttribute(u32),
    DeleteSubscript,
    /// Begins the handlers of a `try`: the exception comes onto the stack.
    StartHandlers,
    /// Ends the handlers of a `try`.
    EndHandlers,
    /// Ends the block of a `try`, or one of its handlers (if the flag is set), and jumps.
    LeaveExcept(Label, bool),
    /// Ends the block of a `with` whose exceptions come to this label.
    CloseWith(Label),
    /// Jumps if the block of an `async with` was left without an exception. Native code only.
    JumpUnlessException(Label),
    /// The next instruction has labels of its own, from this number on. Native code only.
    OwnLabels(u32),
    /// Children of a node follow. Native code only.
    OpenList,
    /// A child ends that has this line, or 0: after an error the others are left out. Native code only.
    EndChild(u32),
    CloseList,
    /// A function or lambda is made, up to [`Instruction::MakeFunction`]: after an error none is. Native code only.
    OpenFunction,
}

impl Instruction {
    /// Returns whether what follows can't be reached except by a label.
    pub(crate) fn ends_block(self) -> bool {
        match self {
            Instruction::UnwindJump(..) | Instruction::LeaveExcept(..) => true,
            Instruction::Jump(opcode, _) => opcode == Opcode::JUMP,
            Instruction::Plain(opcode) => matches!(
                opcode,
                Opcode::RETURN_VALUE | Opcode::RAISE_LAST | Opcode::RAISE_OBJ | Opcode::RAISE_FROM
            ),
            _ => false,
        }
    }

    /// Returns how many labels native code needs for the instruction itself.
    pub(crate) fn own_labels(self) -> u32 {
        match self {
            Instruction::CloseWith(_) | Instruction::Plain(Opcode::YIELD_FROM) => 3,
            Instruction::Plain(Opcode::END_FINALLY | Opcode::YIELD_VALUE) => 1,
            _ => 0,
        }
    }
}

/// Labels that native code needs at the start of each function.
pub(crate) const START_LABELS: u32 = 6;

/// The instructions of a scope.
#[derive(Debug, Default)]
pub(crate) struct Code {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) wide_integers: Vec<i64>,
    pub(crate) labels: u32,
}

/// What an emitter makes of a scope.
#[derive(Debug)]
pub(crate) struct Function {
    /// Bytecode or machine code.
    pub(crate) code: raw_code::Code,
    /// The scopes that its children are made of.
    pub(crate) children: Vec<ScopeId>,
}
