//! Numbers of constant expressions: integers of any size and floats, with the arithmetic the
//! official compiler uses to fold them.

mod extended;
mod float_text;
mod former_float;
mod integer;
mod literal;
mod operation;

pub use float_text::{complex_text, float_text};
pub(crate) use former_float::former_decimal_value;
pub use former_float::{former_float_text, former_number_text};
pub use integer::Integer;
pub(crate) use literal::{Decimal, LiteralError, parse_decimal, parse_integer};
pub(crate) use operation::{BinaryOperator, binary_operation};

/// A constant that takes part in folding. `True` and `False` do not.
#[derive(Clone, Debug)]
pub enum Number {
    /// An integer of any size.
    Integer(Integer),
    /// A float.
    Float(f64),
}
