//! Numbers of constant expressions: integers of any size and floats, with the arithmetic the
//! official compiler uses to fold them.

mod extended;
mod float_text;
mod former_float;
mod integer;
mod literal;
mod operation;
mod scaled_float;

pub(crate) use former_float::former_decimal_value;
pub use integer::Integer;
pub(crate) use literal::{Decimal, LiteralError, parse_decimal, parse_integer};
pub(crate) use operation::{BinaryOperator, binary_operation};

use crate::target::Floats;

/// Returns the text of a float constant: always with a point, an exponent, or as `inf` or `nan`.
pub fn float_text(value: f64, floats: Floats) -> String {
    let mut text = number_text(value, floats);
    if !text.contains(['.', 'e', 'n']) {
        text.push_str(".0");
    }
    text
}

/// Returns the text of a complex constant without a real part.
pub fn complex_text(imaginary: f64, floats: Floats) -> String {
    number_text(imaginary, floats) + "j"
}

fn number_text(value: f64, floats: Floats) -> String {
    match floats {
        Floats::Scaled => scaled_float::number_text(value),
        Floats::ScaledThenSubtracted | Floats::Subtracted | Floats::Whole => {
            former_float::former_number_text(value)
        }
        Floats::Extended => float_text::number_text(value),
    }
}

/// A constant that takes part in folding. `True` and `False` do not.
#[derive(Clone, Debug)]
pub enum Number {
    /// An integer of any size.
    Integer(Integer),
    /// A float.
    Float(f64),
}
