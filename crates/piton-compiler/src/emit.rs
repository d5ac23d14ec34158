//! What the compiler asks an emitter for, scope by scope.
//!
//! The compiler walks each scope once and writes down [`Instruction`]s. Identifiers stay names in
//! them until all scopes are known. An emitter turns the instructions of a scope into machine or
//! byte code; [`bytecode`] is the one there is.

pub(crate) mod bytecode;
mod prelude;
mod tables;

pub(crate) use self::tables::Tables;
use crate::interner::Qstr;
use crate::scope::ScopeId;

macro_rules! opcodes {
    ($($name:ident $code:literal $effect:literal;)*) => {
        /// An opcode of the bytecode (`py/bc0.h`). Loads and stores of the first locals, small
        /// integers and operators have opcodes of their own, see [`Instruction`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Opcode {
            $($name = $code,)*
        }

        impl Opcode {
            /// How many values the stack grows by, apart from what depends on the argument.
            pub(crate) const fn effect(self) -> i32 {
                match self {
                    $(Opcode::$name => $effect,)*
                }
            }
        }
    };
}

opcodes! {
    LoadConstString 0x10 1;
    LoadName 0x11 1;
    LoadGlobal 0x12 1;
    LoadAttr 0x13 0;
    LoadMethod 0x14 1;
    LoadSuperMethod 0x15 -1;
    StoreName 0x16 -1;
    StoreGlobal 0x17 -1;
    StoreAttr 0x18 -2;
    DeleteName 0x19 0;
    DeleteGlobal 0x1a 0;
    ImportName 0x1b -1;
    ImportFrom 0x1c 1;
    MakeClosure 0x20 1;
    MakeClosureDefargs 0x21 -1;
    LoadConstSmallInt 0x22 1;
    LoadConstObj 0x23 1;
    LoadFastN 0x24 1;
    LoadDeref 0x25 1;
    StoreFastN 0x26 -1;
    StoreDeref 0x27 -1;
    DeleteFast 0x28 0;
    DeleteDeref 0x29 0;
    BuildTuple 0x2a 1;
    BuildList 0x2b 1;
    BuildMap 0x2c 1;
    BuildSet 0x2d 1;
    BuildSlice 0x2e 1;
    StoreComp 0x2f -1;
    UnpackSequence 0x30 -1;
    UnpackEx 0x31 0;
    MakeFunction 0x32 1;
    MakeFunctionDefargs 0x33 -1;
    CallFunction 0x34 0;
    CallFunctionVarKw 0x35 -1;
    CallMethod 0x36 -1;
    CallMethodVarKw 0x37 -2;
    UnwindJump 0x40 0;
    Jump 0x42 0;
    PopJumpIfTrue 0x43 -1;
    PopJumpIfFalse 0x44 -1;
    JumpIfTrueOrPop 0x45 -1;
    JumpIfFalseOrPop 0x46 -1;
    SetupWith 0x47 2;
    SetupExcept 0x48 0;
    SetupFinally 0x49 0;
    PopExceptJump 0x4a 0;
    ForIter 0x4b 1;
    LoadConstFalse 0x50 1;
    LoadConstNone 0x51 1;
    LoadConstTrue 0x52 1;
    LoadNull 0x53 1;
    LoadBuildClass 0x54 1;
    LoadSubscr 0x55 -1;
    StoreSubscr 0x56 -3;
    DupTop 0x57 1;
    DupTopTwo 0x58 2;
    PopTop 0x59 -1;
    RotTwo 0x5a 0;
    RotThree 0x5b 0;
    WithCleanup 0x5c 2;
    EndFinally 0x5d -1;
    GetIter 0x5e 0;
    GetIterStack 0x5f 3;
    StoreMap 0x62 -2;
    ReturnValue 0x63 -1;
    RaiseLast 0x64 0;
    RaiseObj 0x65 -1;
    RaiseFrom 0x66 -2;
    YieldValue 0x67 0;
    YieldFrom 0x68 -1;
    ImportStar 0x69 -1;
}

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
    /// An opcode with a label.
    Jump(Opcode, Label),
    /// A jump out of exception blocks: their number, and bit 7 if it also leaves a `for` loop.
    UnwindJump(u8, Label),
    /// Drops the iterator of a `for` loop before a jump out of it.
    PopIterator,
    Identifier(Access, Qstr),
    /// Loads the first parameter, for `super()`.
    FirstParameter,
    /// Loads what a class body returns: its `__class__` cell if there is one, else `None`.
    ClassCell,
    /// Makes a function of a scope, and whether it has default arguments.
    MakeFunction(ScopeId, bool),
}

impl Instruction {
    /// Whether what follows can't be reached except by a label.
    pub(crate) fn ends_block(self) -> bool {
        match self {
            Instruction::UnwindJump(..) => true,
            Instruction::Jump(opcode, _) => {
                matches!(opcode, Opcode::Jump | Opcode::PopExceptJump)
            }
            Instruction::Plain(opcode) => matches!(
                opcode,
                Opcode::ReturnValue | Opcode::RaiseLast | Opcode::RaiseObj | Opcode::RaiseFrom
            ),
            _ => false,
        }
    }
}

/// The instructions of a scope.
#[derive(Debug, Default)]
pub(crate) struct Code {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) wide_integers: Vec<i64>,
    pub(crate) labels: u32,
}
