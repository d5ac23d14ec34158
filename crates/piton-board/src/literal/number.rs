//! Parsing numbers: integers in four bases, floats, imaginary numbers, `inf` and `nan`.

use super::error::LiteralError;
use super::int::Int;
use super::parse::{Parser, Token, is_name};

/// Maximum number of digits in base 2, 8 or 16. The time to convert them to decimal grows with the square of their
/// number. Decimal numbers have no limit.
const RADIX_DIGITS_LIMIT: usize = 20_000;

pub(super) struct Number {
    magnitude: Magnitude,
    /// Whether a `j` follows.
    pub(super) imaginary: bool,
}

enum Magnitude {
    Int(Int),
    Float(f64),
}

impl Number {
    fn real(magnitude: Magnitude) -> Number {
        Number {
            magnitude,
            imaginary: false,
        }
    }

    pub(super) fn to_f64(&self) -> f64 {
        match &self.magnitude {
            Magnitude::Int(number) => number.to_f64(),
            Magnitude::Float(number) => *number,
        }
    }

    fn negated(self) -> Number {
        Number {
            magnitude: match self.magnitude {
                Magnitude::Int(number) => Magnitude::Int(number.negated()),
                Magnitude::Float(number) => Magnitude::Float(-number),
            },
            imaginary: self.imaginary,
        }
    }

    pub(super) fn into_token<'a>(self) -> Token<'a> {
        match self {
            Number {
                imaginary: true, ..
            } => Token::Complex {
                real: 0.0,
                imaginary: self.to_f64(),
            },
            Number {
                magnitude: Magnitude::Int(number),
                ..
            } => Token::Int(number),
            Number {
                magnitude: Magnitude::Float(number),
                ..
            } => Token::Float(number),
        }
    }
}

/// Parses a number with any number of signs in front.
pub(super) fn signed(parser: &mut Parser<'_>) -> Result<Number, LiteralError> {
    let mut negative = false;
    loop {
        match parser.peek() {
            Some(b'-') => negative = !negative,
            Some(b'+') => {}
            _ => break,
        }
        parser.at += 1;
        parser.skip_space();
    }
    let number = unsigned(parser)?;
    if parser.peek().is_some_and(is_name) {
        return Err(parser.expected("the end of the number"));
    }
    Ok(match negative {
        true => number.negated(),
        false => number,
    })
}

fn unsigned(parser: &mut Parser<'_>) -> Result<Number, LiteralError> {
    let start = parser.at;
    match parser.rest() {
        [b'0', b'x' | b'X', ..] => return radix(parser, 16),
        [b'0', b'o' | b'O', ..] => return radix(parser, 8),
        [b'0', b'b' | b'B', ..] => return radix(parser, 2),
        [b'a'..=b'z', ..] => return word(parser),
        _ => {}
    }
    digits(parser)?;
    let whole_end = parser.at;
    if parser.take(b'.') {
        if parser.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            digits(parser)?;
        } else if whole_end == start {
            parser.at = start;
            return Err(parser.expected("a number"));
        }
    } else if whole_end == start {
        return Err(parser.expected("a number"));
    }
    if let [b'e' | b'E', b'0'..=b'9', ..] | [b'e' | b'E', b'+' | b'-', b'0'..=b'9', ..] =
        parser.rest()
    {
        parser.at += 2;
        digits(parser)?;
    }
    let is_int = parser.at == whole_end;
    let written = parser.text.get(start..parser.at).unwrap_or_default();
    // The text consists of ASCII digits, points, signs and underscores.
    let written = std::str::from_utf8(written).unwrap_or_default();
    let digits = written.replace('_', "");
    let imaginary = parser.take(b'j') || parser.take(b'J');
    if is_int && !imaginary {
        let leading_zero = digits.starts_with('0') && digits.bytes().any(|digit| digit != b'0');
        return match Int::from_digits(false, &digits) {
            Some(number) if !leading_zero => Ok(Number::real(Magnitude::Int(number))),
            _ => {
                parser.at = start;
                Err(parser.expected("a number without leading zeros"))
            }
        };
    }
    match digits.parse() {
        Ok(number) => Ok(Number {
            magnitude: Magnitude::Float(number),
            imaginary,
        }),
        Err(_) => {
            parser.at = start;
            Err(parser.expected("a number"))
        }
    }
}

/// Skips decimal digits with single underscores between them. There may be none.
fn digits(parser: &mut Parser<'_>) -> Result<(), LiteralError> {
    loop {
        parser.take_while(|byte| byte.is_ascii_digit());
        if parser.peek() != Some(b'_') {
            return Ok(());
        }
        let behind_digit = parser.at > 0
            && (parser.text.get(parser.at - 1)).is_some_and(|byte| byte.is_ascii_digit());
        parser.at += 1;
        if !behind_digit || !parser.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(parser.expected("a digit"));
        }
    }
}

/// Parses `0x1f`, `0o17`, `0b11`, with underscores.
fn radix(parser: &mut Parser<'_>, radix: u32) -> Result<Number, LiteralError> {
    let start = parser.at;
    parser.at += 2;
    let written = parser.take_while(is_name);
    let mut digits = Vec::with_capacity(written.len());
    let mut underscore = false;
    for (index, byte) in written.iter().enumerate() {
        match char::from(*byte).to_digit(radix) {
            Some(digit) => {
                digits.push(digit);
                underscore = false;
            }
            None if *byte == b'_' && !underscore => underscore = true,
            None => {
                parser.at = start + 2 + index;
                return Err(parser.expected("a digit of the number's base"));
            }
        }
    }
    if digits.is_empty() || underscore {
        return Err(parser.expected("a digit of the number's base"));
    }
    if digits.len() > RADIX_DIGITS_LIMIT {
        parser.at = start;
        return Err(parser.expected("at most 20000 digits"));
    }
    match Int::from_digits(false, &to_decimal(&digits, radix)) {
        Some(number) => Ok(Number::real(Magnitude::Int(number))),
        None => Err(parser.expected("a number")),
    }
}

/// Returns digits of base `radix`, most significant first, as decimal text.
fn to_decimal(digits: &[u32], radix: u32) -> String {
    const LIMB: u64 = 1_000_000_000;
    // Limbs of nine decimal digits, least significant first.
    let mut limbs: Vec<u32> = Vec::new();
    for digit in digits {
        let mut carry = u64::from(*digit);
        for limb in &mut limbs {
            let product = u64::from(*limb) * u64::from(radix) + carry;
            *limb = (product % LIMB) as u32;
            carry = product / LIMB;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    match limbs.split_last() {
        None => "0".to_owned(),
        Some((top, lower)) => {
            let mut text = top.to_string();
            for limb in lower.iter().rev() {
                text.push_str(&format!("{limb:09}"));
            }
            text
        }
    }
}

/// Parses `inf`, `nan`, `infj`, `nanj`, `float('inf')`, `float('-inf')`, `float('nan')`.
fn word(parser: &mut Parser<'_>) -> Result<Number, LiteralError> {
    let start = parser.at;
    let name = parser.take_while(is_name);
    let (number, imaginary) = match name {
        b"inf" => (f64::INFINITY, false),
        b"nan" => (f64::NAN, false),
        b"infj" => (f64::INFINITY, true),
        b"nanj" => (f64::NAN, true),
        b"float" => {
            parser.skip_space();
            let number = parser.take(b'(').then(|| float_argument(parser)).flatten();
            match number {
                Some(number) => (number, false),
                None => {
                    parser.at = start;
                    return Err(
                        parser.expected("`float('inf')`, `float('-inf')` or `float('nan')`")
                    );
                }
            }
        }
        _ => {
            parser.at = start;
            return Err(parser.expected("a number"));
        }
    };
    Ok(Number {
        magnitude: Magnitude::Float(number),
        imaginary,
    })
}

/// Parses the quoted argument of `float(...)` and the closing parenthesis.
fn float_argument(parser: &mut Parser<'_>) -> Option<f64> {
    parser.skip_space();
    let quote = parser.peek().filter(|byte| matches!(byte, b'\'' | b'"'))?;
    parser.at += 1;
    let argument = parser.take_while(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let number = match argument {
        b"inf" => f64::INFINITY,
        b"-inf" => f64::NEG_INFINITY,
        b"nan" | b"-nan" => f64::NAN,
        _ => return None,
    };
    if !parser.take(quote) {
        return None;
    }
    parser.skip_space();
    parser.take(b')').then_some(number)
}
