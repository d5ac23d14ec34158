//! What the emitter knows of the values on the stack: type and place.

use crate::machine::Register;
use crate::scope::NativeType;

/// The type of a value. In native functions every value is an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Native(NativeType),
    /// `None`, which is also a null pointer.
    None,
    /// A local that nothing was stored in yet.
    Unbound,
    /// The name of a type, about to be called.
    Cast,
}

impl ValueType {
    pub(super) const OBJECT: ValueType = ValueType::Native(NativeType::Object);
    pub(super) const BOOL: ValueType = ValueType::Native(NativeType::Bool);
    pub(super) const INT: ValueType = ValueType::Native(NativeType::Int);
    pub(super) const UINT: ValueType = ValueType::Native(NativeType::Uint);

    /// Returns the number that the runtime's conversions are given (`vtype_kind_t`).
    pub(super) fn number(self) -> i64 {
        match self {
            ValueType::Native(native) => native as i64,
            ValueType::None => 0x54,
            ValueType::Unbound => 0x60,
            ValueType::Cast => 0x70,
        }
    }

    /// Returns the name that messages have for the type.
    pub(super) fn name(self) -> &'static str {
        match self {
            ValueType::Native(NativeType::Object) => "object",
            ValueType::Native(NativeType::Bool) => "bool",
            ValueType::Native(NativeType::Int) => "int",
            ValueType::Native(NativeType::Uint) => "uint",
            ValueType::Native(NativeType::Ptr) => "ptr",
            ValueType::Native(NativeType::Ptr8) => "ptr8",
            ValueType::Native(NativeType::Ptr16) => "ptr16",
            ValueType::Native(NativeType::Ptr32) => "ptr32",
            ValueType::None | ValueType::Unbound | ValueType::Cast => "None",
        }
    }

    /// Returns whether it is a signed or unsigned integer.
    pub(super) fn is_integer(self) -> bool {
        self == ValueType::INT || self == ValueType::UINT
    }

    /// Returns whether it is an integer or a truth value.
    pub(super) fn is_integer_or_bool(self) -> bool {
        self.is_integer() || self == ValueType::BOOL
    }
}

/// Where a value on the stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In its word of the function's frame.
    Memory,
    Register(Register),
    /// Nowhere: it is a number that is known.
    Immediate,
}

/// A value on the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) value_type: ValueType,
    pub(super) place: Place,
    /// The number that the value is or was.
    pub(super) immediate: i64,
}

impl Value {
    pub(super) const UNKNOWN: Value = Value {
        value_type: ValueType::Unbound,
        place: Place::Memory,
        immediate: 0,
    };
}
