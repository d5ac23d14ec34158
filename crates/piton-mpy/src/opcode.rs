//! The instructions of the virtual machine, as a table (py/bc0.h).

use serde::Serialize;

/// One instruction, or a group of instructions that carry their operand in the opcode byte.
#[derive(Debug, PartialEq, Eq)]
pub struct OpcodeRow {
    /// The (first) opcode byte.
    pub first: u8,
    /// The last opcode byte of a group; equal to `first` for a single instruction.
    pub last: u8,
    /// The name in py/bc0.h without `MP_BC_`.
    pub name: &'static str,
    /// What follows the opcode byte and what it means.
    pub operand: OperandKind,
    /// The change of the value stack when execution continues after the instruction.
    pub stack: StackEffect,
}

/// What an instruction's operand means, which also says how it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperandKind {
    /// No operand.
    None,
    /// Index into the qstr table, vuint.
    Qstr,
    /// Index into the object table, vuint.
    Object,
    /// Number of a local, vuint.
    Local,
    /// Number of items, vuint.
    Count,
    /// Index of a child raw code, vuint.
    Child,
    /// Index of a child raw code, vuint, then a byte: the number of closed-over variables.
    Closure,
    /// Vuint: number of keyword arguments << 8 | number of positional arguments.
    Call,
    /// Vuint: items after the starred one << 8 | items before it.
    UnpackEx,
    /// Vuint: stack position << 2 | 0 for a list, 1 for a dict, 2 for a set.
    Comprehension,
    /// A signed number as in [`crate::vuint::push_signed`].
    SmallInt,
    /// Jump to either side: one byte 0x40 + distance, or two, low 7 bits first, 0x4000 + distance.
    SignedOffset,
    /// Jump forward: one byte of distance, or two, low 7 bits first.
    UnsignedOffset,
    /// As [`OperandKind::SignedOffset`], then a byte: exception handlers to unwind, with bit 7 set
    /// to leave a `for` loop. The distance counts from that byte (py/vm.c).
    Unwind,
    /// The opcode byte minus 0x80 is the value.
    SmallIntInOpcode,
    /// The low four bits of the opcode byte are the local's number.
    LocalInOpcode,
    /// The opcode byte minus the first of the group is the operator in [`UNARY_OPERATORS`].
    UnaryOp,
    /// The opcode byte minus the first of the group is the operator in [`BINARY_OPERATORS`].
    BinaryOp,
}

/// How an instruction changes the height of the value stack (as py/emitbc.c counts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackEffect {
    /// By this much.
    Fixed(i32),
    /// By this much, minus the operand.
    MinusCount(i32),
    /// By this much, plus the operand.
    PlusCount(i32),
    /// By this much, minus the number of closed-over variables.
    MinusClosed(i32),
    /// By this much, minus positional arguments, minus twice the keyword arguments.
    MinusArguments(i32),
    /// By the number of items to either side of the starred one.
    UnpackEx,
    /// By -2 for a dict, else by -1.
    Comprehension,
}

impl StackEffect {
    /// Returns the change for an operand and the byte after it, 0 where there is none.
    pub fn of(self, operand: u32, extra: u8) -> i64 {
        let halves = (i64::from(operand & 0xff), i64::from(operand >> 8 & 0xff));
        match self {
            StackEffect::Fixed(change) => i64::from(change),
            StackEffect::MinusCount(base) => i64::from(base) - i64::from(operand),
            StackEffect::PlusCount(base) => i64::from(base) + i64::from(operand),
            StackEffect::MinusClosed(base) => i64::from(base) - i64::from(extra),
            StackEffect::MinusArguments(base) => i64::from(base) - halves.0 - 2 * halves.1,
            StackEffect::UnpackEx => halves.0 + halves.1,
            StackEffect::Comprehension => {
                if operand & 3 == 1 {
                    -2
                } else {
                    -1
                }
            }
        }
    }
}

impl OpcodeRow {
    /// Returns the name that MicroPython's `tools/mpy-tool.py` prints: instructions whose operand is part of the opcode
    /// byte come without `_MULTI`.
    pub fn mnemonic(&self) -> &'static str {
        self.name.strip_suffix("_MULTI").unwrap_or(self.name)
    }

    /// Returns the row of an opcode byte; `None` for the bytes that mean nothing.
    pub fn of(byte: u8) -> Option<&'static OpcodeRow> {
        let row = ROW_OF_BYTE.get(usize::from(byte))?;
        OPCODES.get(usize::from((*row)?))
    }
}

/// An opcode, by the names of py/bc0.h; of a group of instructions that carry their operand in the opcode byte, the
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opcode(u8);

impl Opcode {
    /// Returns the byte in bytecode.
    #[inline]
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Returns the byte of the instruction of this group that carries `operand`.
    #[inline]
    #[must_use]
    pub const fn with_operand(self, operand: u8) -> u8 {
        self.0.wrapping_add(operand)
    }

    /// Returns the row of the opcode.
    #[must_use]
    pub fn row(self) -> Option<&'static OpcodeRow> {
        OpcodeRow::of(self.0)
    }
}

/// Declares an opcode for each row and the table of all rows.
macro_rules! opcodes {
    ($(op($first:literal, $last:literal, $name:ident, $operand:ident, $stack:ident$(($change:literal))?);)*) => {
        /// Every instruction, by rising opcode.
        pub static OPCODES: &[OpcodeRow] = &[$(OpcodeRow {
            first: $first,
            last: $last,
            name: stringify!($name),
            operand: OperandKind::$operand,
            stack: StackEffect::$stack$(($change))?,
        },)*];

        impl Opcode {
            $(
                #[doc = concat!("`MP_BC_", stringify!($name), "`, py/bc0.h.")]
                pub const $name: Opcode = Opcode($first);
            )*
        }

        /// For each opcode byte its row in [`OPCODES`].
        static ROW_OF_BYTE: [Option<u8>; 256] = rows(&[$(($first, $last),)*]);
    };
}

opcodes! {
    op(0x10, 0x10, LOAD_CONST_STRING, Qstr, Fixed(1));
    op(0x11, 0x11, LOAD_NAME, Qstr, Fixed(1));
    op(0x12, 0x12, LOAD_GLOBAL, Qstr, Fixed(1));
    op(0x13, 0x13, LOAD_ATTR, Qstr, Fixed(0));
    op(0x14, 0x14, LOAD_METHOD, Qstr, Fixed(1));
    op(0x15, 0x15, LOAD_SUPER_METHOD, Qstr, Fixed(-1));
    op(0x16, 0x16, STORE_NAME, Qstr, Fixed(-1));
    op(0x17, 0x17, STORE_GLOBAL, Qstr, Fixed(-1));
    op(0x18, 0x18, STORE_ATTR, Qstr, Fixed(-2));
    op(0x19, 0x19, DELETE_NAME, Qstr, Fixed(0));
    op(0x1a, 0x1a, DELETE_GLOBAL, Qstr, Fixed(0));
    op(0x1b, 0x1b, IMPORT_NAME, Qstr, Fixed(-1));
    op(0x1c, 0x1c, IMPORT_FROM, Qstr, Fixed(1));
    op(0x20, 0x20, MAKE_CLOSURE, Closure, MinusClosed(1));
    op(0x21, 0x21, MAKE_CLOSURE_DEFARGS, Closure, MinusClosed(-1));
    op(0x22, 0x22, LOAD_CONST_SMALL_INT, SmallInt, Fixed(1));
    op(0x23, 0x23, LOAD_CONST_OBJ, Object, Fixed(1));
    op(0x24, 0x24, LOAD_FAST_N, Local, Fixed(1));
    op(0x25, 0x25, LOAD_DEREF, Local, Fixed(1));
    op(0x26, 0x26, STORE_FAST_N, Local, Fixed(-1));
    op(0x27, 0x27, STORE_DEREF, Local, Fixed(-1));
    op(0x28, 0x28, DELETE_FAST, Local, Fixed(0));
    op(0x29, 0x29, DELETE_DEREF, Local, Fixed(0));
    op(0x2a, 0x2a, BUILD_TUPLE, Count, MinusCount(1));
    op(0x2b, 0x2b, BUILD_LIST, Count, MinusCount(1));
    op(0x2c, 0x2c, BUILD_MAP, Count, Fixed(1));
    op(0x2d, 0x2d, BUILD_SET, Count, MinusCount(1));
    op(0x2e, 0x2e, BUILD_SLICE, Count, MinusCount(1));
    op(0x2f, 0x2f, STORE_COMP, Comprehension, Comprehension);
    op(0x30, 0x30, UNPACK_SEQUENCE, Count, PlusCount(-1));
    op(0x31, 0x31, UNPACK_EX, UnpackEx, UnpackEx);
    op(0x32, 0x32, MAKE_FUNCTION, Child, Fixed(1));
    op(0x33, 0x33, MAKE_FUNCTION_DEFARGS, Child, Fixed(-1));
    op(0x34, 0x34, CALL_FUNCTION, Call, MinusArguments(0));
    op(0x35, 0x35, CALL_FUNCTION_VAR_KW, Call, MinusArguments(-1));
    op(0x36, 0x36, CALL_METHOD, Call, MinusArguments(-1));
    op(0x37, 0x37, CALL_METHOD_VAR_KW, Call, MinusArguments(-2));
    op(0x40, 0x40, UNWIND_JUMP, Unwind, Fixed(0));
    op(0x42, 0x42, JUMP, SignedOffset, Fixed(0));
    op(0x43, 0x43, POP_JUMP_IF_TRUE, SignedOffset, Fixed(-1));
    op(0x44, 0x44, POP_JUMP_IF_FALSE, SignedOffset, Fixed(-1));
    op(0x45, 0x45, JUMP_IF_TRUE_OR_POP, UnsignedOffset, Fixed(-1));
    op(0x46, 0x46, JUMP_IF_FALSE_OR_POP, UnsignedOffset, Fixed(-1));
    op(0x47, 0x47, SETUP_WITH, UnsignedOffset, Fixed(2));
    op(0x48, 0x48, SETUP_EXCEPT, UnsignedOffset, Fixed(0));
    op(0x49, 0x49, SETUP_FINALLY, UnsignedOffset, Fixed(0));
    op(0x4a, 0x4a, POP_EXCEPT_JUMP, UnsignedOffset, Fixed(0));
    op(0x4b, 0x4b, FOR_ITER, UnsignedOffset, Fixed(1));
    op(0x50, 0x50, LOAD_CONST_FALSE, None, Fixed(1));
    op(0x51, 0x51, LOAD_CONST_NONE, None, Fixed(1));
    op(0x52, 0x52, LOAD_CONST_TRUE, None, Fixed(1));
    op(0x53, 0x53, LOAD_NULL, None, Fixed(1));
    op(0x54, 0x54, LOAD_BUILD_CLASS, None, Fixed(1));
    op(0x55, 0x55, LOAD_SUBSCR, None, Fixed(-1));
    op(0x56, 0x56, STORE_SUBSCR, None, Fixed(-3));
    op(0x57, 0x57, DUP_TOP, None, Fixed(1));
    op(0x58, 0x58, DUP_TOP_TWO, None, Fixed(2));
    op(0x59, 0x59, POP_TOP, None, Fixed(-1));
    op(0x5a, 0x5a, ROT_TWO, None, Fixed(0));
    op(0x5b, 0x5b, ROT_THREE, None, Fixed(0));
    op(0x5c, 0x5c, WITH_CLEANUP, None, Fixed(-2));
    op(0x5d, 0x5d, END_FINALLY, None, Fixed(-1));
    op(0x5e, 0x5e, GET_ITER, None, Fixed(0));
    op(0x5f, 0x5f, GET_ITER_STACK, None, Fixed(3));
    op(0x62, 0x62, STORE_MAP, None, Fixed(-2));
    op(0x63, 0x63, RETURN_VALUE, None, Fixed(-1));
    op(0x64, 0x64, RAISE_LAST, None, Fixed(0));
    op(0x65, 0x65, RAISE_OBJ, None, Fixed(-1));
    op(0x66, 0x66, RAISE_FROM, None, Fixed(-2));
    op(0x67, 0x67, YIELD_VALUE, None, Fixed(0));
    op(0x68, 0x68, YIELD_FROM, None, Fixed(-1));
    op(0x69, 0x69, IMPORT_STAR, None, Fixed(-1));
    op(0x70, 0xaf, LOAD_CONST_SMALL_INT_MULTI, SmallIntInOpcode, Fixed(1));
    op(0xb0, 0xbf, LOAD_FAST_MULTI, LocalInOpcode, Fixed(1));
    op(0xc0, 0xcf, STORE_FAST_MULTI, LocalInOpcode, Fixed(-1));
    op(0xd0, 0xd3, UNARY_OP_MULTI, UnaryOp, Fixed(0));
    op(0xd7, 0xf9, BINARY_OP_MULTI, BinaryOp, Fixed(-1));
}

#[expect(
    clippy::indexing_slicing,
    reason = "runs at compile time, where it is an error to be wrong"
)]
const fn rows(ranges: &[(u8, u8)]) -> [Option<u8>; 256] {
    let mut table = [None; 256];
    let mut row = 0;
    while row < ranges.len() {
        let mut byte = ranges[row].0 as usize;
        while byte <= ranges[row].1 as usize {
            table[byte] = Some(row as u8);
            byte += 1;
        }
        row += 1;
    }
    table
}

/// The operators of `UNARY_OP_MULTI`, in order (py/runtime0.h).
pub const UNARY_OPERATORS: [&str; 4] = ["+", "-", "~", "not"];

/// The operators of `BINARY_OP_MULTI`, in order (py/runtime0.h). `except` is the match of an
/// exception against the type in an `except` clause.
pub const BINARY_OPERATORS: [&str; 35] = [
    "<", ">", "==", "<=", ">=", "!=", "in", "is", "except", //
    "|=", "^=", "&=", "<<=", ">>=", "+=", "-=", "*=", "@=", "//=", "/=", "%=", "**=", //
    "|", "^", "&", "<<", ">>", "+", "-", "*", "@", "//", "/", "%", "**",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_mpy_tool() {
        let names = |bytes: std::ops::RangeInclusive<u8>| {
            let names = bytes.filter_map(OpcodeRow::of).map(OpcodeRow::mnemonic);
            let mut names = names.collect::<Vec<&str>>();
            names.dedup();
            names.join(" ")
        };
        assert_eq!(names(0x24..=0x26), "LOAD_FAST_N LOAD_DEREF STORE_FAST_N");
        // Only these have an operand in the opcode byte, and another form without.
        let packed = "LOAD_CONST_SMALL_INT LOAD_FAST STORE_FAST UNARY_OP BINARY_OP";
        assert_eq!(names(0x70..=0xff), packed);
        assert!(
            OPCODES
                .iter()
                .all(|row| !row.mnemonic().ends_with("_MULTI"))
        );
    }
}
