//! Writing values as text that every board can evaluate: ASCII escapes for control characters, UTF-8 unchanged.

use std::fmt::{self, Write};

use super::value::Value;

/// Returns `text` as a Python str literal, in quotes.
///
/// Control characters are escaped, so that the literal can be sent in any mode of the REPL. Other characters are not
/// escaped, because a board built without Unicode accepts their UTF-8 bytes but refuses `\u` escapes.
pub fn py_str(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    let quote = quote_for(text.as_bytes());
    literal.push(char::from(quote));
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => push_escaped(&mut literal, byte, quote),
            _ => literal.push(character),
        }
    }
    literal.push(char::from(quote));
    literal
}

/// Returns `bytes` as a Python bytes literal: `b` and the quoted content, in ASCII.
pub fn py_bytes(bytes: &[u8]) -> String {
    let mut literal = String::with_capacity(bytes.len() + 3);
    let quote = quote_for(bytes);
    literal.push('b');
    literal.push(char::from(quote));
    for byte in bytes {
        push_escaped(&mut literal, *byte, quote);
    }
    literal.push(char::from(quote));
    literal
}

/// Returns the quote to use: double quotes if that saves escapes, as in Python.
fn quote_for(content: &[u8]) -> u8 {
    match content.contains(&b'\'') && !content.contains(&b'"') {
        true => b'"',
        false => b'\'',
    }
}

fn push_escaped(literal: &mut String, byte: u8, quote: u8) {
    match byte {
        b'\\' => literal.push_str("\\\\"),
        b'\n' => literal.push_str("\\n"),
        b'\r' => literal.push_str("\\r"),
        b'\t' => literal.push_str("\\t"),
        _ if byte == quote => {
            literal.push('\\');
            literal.push(char::from(byte));
        }
        b' '..=b'~' => literal.push(char::from(byte)),
        _ => {
            const HEX: [char; 16] = [
                '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
            ];
            literal.push_str("\\x");
            for digit in [byte >> 4, byte & 15] {
                literal.extend(HEX.get(usize::from(digit)));
            }
        }
    }
}

/// The part of an array's literal that `repr()` does not write.
pub const ARRAY_MODULE: &str = "__import__('array').";

/// The expression that makes an array. It does not need an import of the module.
pub(super) const ARRAY_CALL: &str = "__import__('array').array";

/// Writes a float. `inf` and `nan` have no literal and become calls.
pub(super) fn write_f64(out: &mut impl Write, number: f64) -> fmt::Result {
    if number.is_finite() {
        write!(out, "{number:?}")
    } else {
        out.write_str(special_float(number.is_nan(), number > 0.0))
    }
}

/// As [`write_f64`], with the digits that single precision needs.
pub(super) fn write_f32(out: &mut impl Write, number: f32) -> fmt::Result {
    if number.is_finite() {
        write!(out, "{number:?}")
    } else {
        out.write_str(special_float(number.is_nan(), number > 0.0))
    }
}

fn special_float(is_nan: bool, is_positive: bool) -> &'static str {
    match (is_nan, is_positive) {
        (true, _) => "float('nan')",
        (false, true) => "float('inf')",
        (false, false) => "float('-inf')",
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            // A program can rebind the name `Ellipsis`, and some boards do not have it.
            Value::Ellipsis => f.write_str("..."),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::Int(number) => write!(f, "{number}"),
            Value::Float(number) => write_f64(f, *number),
            Value::Complex { real, imaginary } => {
                // A call, because `a+bj` is an addition, which loses the sign of a zero.
                f.write_str("complex(")?;
                write_f64(f, *real)?;
                f.write_str(", ")?;
                write_f64(f, *imaginary)?;
                f.write_str(")")
            }
            Value::Str(text) => f.write_str(&py_str(text)),
            Value::Bytes(bytes) => f.write_str(&py_bytes(bytes)),
            Value::ByteArray(bytes) => write!(f, "bytearray({})", py_bytes(bytes)),
            Value::Tuple(items) => write_tuple(f, items.len(), items),
            Value::NamedTuple(fields) => {
                write_tuple(f, fields.len(), fields.iter().map(|(_, value)| value))
            }
            Value::List(items) => {
                f.write_str("[")?;
                write_items(f, items)?;
                f.write_str("]")
            }
            Value::Dict(items) => {
                f.write_str("{")?;
                for (index, (key, value)) in items.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{key}: {value}")?;
                }
                f.write_str("}")
            }
            Value::Set(items) if items.is_empty() => f.write_str("set()"),
            Value::Set(items) => write_set(f, items),
            Value::Array { typecode, items } => {
                write!(
                    f,
                    "{ARRAY_CALL}({}, [",
                    py_str(typecode.encode_utf8(&mut [0; 4]))
                )?;
                write_items(f, items)?;
                f.write_str("])")
            }
            Value::FrozenSet(items) if items.is_empty() => f.write_str("frozenset()"),
            Value::FrozenSet(items) => {
                f.write_str("frozenset(")?;
                write_set(f, items)?;
                f.write_str(")")
            }
        }
    }
}

fn write_tuple<'a>(
    f: &mut fmt::Formatter<'_>,
    length: usize,
    items: impl IntoIterator<Item = &'a Value>,
) -> fmt::Result {
    f.write_str("(")?;
    write_items(f, items)?;
    f.write_str(if length == 1 { ",)" } else { ")" })
}

fn write_set(f: &mut fmt::Formatter<'_>, items: &[Value]) -> fmt::Result {
    f.write_str("{")?;
    write_items(f, items)?;
    f.write_str("}")
}

fn write_items<'a>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = &'a Value>,
) -> fmt::Result {
    for (index, value) in items.into_iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}{value}")?;
    }
    Ok(())
}
