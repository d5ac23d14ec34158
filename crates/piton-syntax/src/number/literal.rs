//! Number literals in source text (`py/parsenum.c`).

use num_bigint::BigInt;

use super::Integer;
use super::extended::Extended;
use crate::diagnostic::{DiagnosticCode, Failure};
use crate::target::Rules;

/// The most digits of an integer. The official compiler can't hold the text of more in its default
/// heap, and the time to convert them grows with the square of their number.
const MAXIMUM_DIGITS: usize = 1_000_000;

/// A number with a point, an exponent or a `j`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decimal {
    Real(f64),
    Imaginary(f64),
}

/// What is wrong with a number.
#[derive(Clone, Debug)]
pub(crate) enum LiteralError {
    /// An integer of this base (0: with a leading zero), and its digits.
    Integer { base: u32, digits: String },
    /// A float or complex number.
    Decimal,
    /// More digits than the official compiler has memory for.
    TooLarge,
}

impl LiteralError {
    /// Returns the failure in the official compiler's words.
    pub(crate) fn failure(&self, line: u32) -> Failure {
        match self {
            LiteralError::Integer { base, digits } => {
                let code = DiagnosticCode::InvalidInteger;
                Failure {
                    message: format!("{} {base}: '{digits}'", code.message()).into(),
                    ..Failure::in_line(code, line)
                }
            }
            LiteralError::Decimal => Failure::in_line(DiagnosticCode::InvalidNumber, line),
            LiteralError::TooLarge => Failure::too_large(),
        }
    }
}

/// Returns the value of an integer token; its text is letters and digits.
pub(crate) fn parse_integer(text: &[u8], rules: &Rules) -> Result<Integer, LiteralError> {
    let (base, digits) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', b'o' | b'O', digits @ ..] => (8, digits),
        [b'0', b'b' | b'B', digits @ ..] => (2, digits),
        // A leading zero: only more zeros may follow, as in a number of base 1.
        [b'0', _, ..] if rules.no_leading_zeros => (1, text),
        _ => (10, text),
    };
    let error = || LiteralError::Integer {
        base: if base == 1 { 0 } else { base },
        digits: String::from_utf8_lossy(digits).into_owned(),
    };
    let value = |digit: &u8| {
        char::from(*digit)
            .to_digit(36)
            .filter(|&value| value < base)
    };
    if digits.is_empty() || !digits.iter().all(|digit| value(digit).is_some()) {
        return Err(error());
    }
    let mut total = 0_i64;
    for digit in digits.iter().filter_map(value) {
        let next = total
            .checked_mul(i64::from(base))
            .and_then(|high| high.checked_add(digit.into()));
        match next {
            Some(next) if next <= Integer::MAXIMUM_SMALL => total = next,
            _ if digits.len() > MAXIMUM_DIGITS => return Err(LiteralError::TooLarge),
            _ => {
                return BigInt::parse_bytes(digits, base)
                    .map(Integer::Big)
                    .ok_or_else(error);
            }
        }
    }
    Ok(Integer::Small(total))
}

/// Returns the value of a float or complex token.
pub(crate) fn parse_decimal(text: &[u8]) -> Result<Decimal, LiteralError> {
    let (value, rest) = scan_decimal(text).ok_or(LiteralError::Decimal)?;
    match rest {
        [] => Ok(Decimal::Real(value)),
        [b'j' | b'J'] => Ok(Decimal::Imaginary(value)),
        _ => Err(LiteralError::Decimal),
    }
}

/// Returns the value of a number as `repr` prints it.
pub(super) fn decimal_value(text: &[u8]) -> f64 {
    scan_decimal(text).map_or(f64::NAN, |(value, _)| value)
}

/// The digits of a decimal number while they are read.
#[derive(Debug, Default)]
struct Digits {
    mantissa: u64,
    /// The exponent from digits after the point or beyond the mantissa's range.
    exponent: i32,
    /// Zeros that count only if another digit follows.
    integer_zeros: i32,
    fraction_zeros: i32,
}

/// From here on the mantissa takes no more digits.
const MANTISSA_LIMIT: u64 = 0x1999_9999_9999_9998;
/// From here on the exponent takes no more digits: the number is infinite or zero anyway.
const EXPONENT_LIMIT: i32 = (i32::MAX / 2 - 9) / 10;

impl Digits {
    fn push(&mut self, digit: u8, fraction: bool) {
        if digit == 0 || self.mantissa >= MANTISSA_LIMIT {
            let zeros = if fraction {
                &mut self.fraction_zeros
            } else {
                &mut self.integer_zeros
            };
            *zeros = zeros.saturating_add(1);
            return;
        }
        for _ in 0..std::mem::take(&mut self.integer_zeros) {
            self.accept(0, false);
        }
        for _ in 0..std::mem::take(&mut self.fraction_zeros) {
            self.accept(0, true);
        }
        self.accept(digit, fraction);
    }

    fn accept(&mut self, digit: u8, fraction: bool) {
        if self.mantissa < MANTISSA_LIMIT {
            self.mantissa = self.mantissa * 10 + u64::from(digit);
            self.exponent = self.exponent.saturating_sub(i32::from(fraction));
        } else {
            self.exponent = self.exponent.saturating_add(i32::from(!fraction));
        }
    }
}

/// Reads a number as far as it goes; gives its value and the rest. None if an exponent has no
/// digits to come.
fn scan_decimal(text: &[u8]) -> Option<(f64, &[u8])> {
    let (mantissa, exponent, rest) = scan(text)?;
    let value = Extended::from_u64(mantissa).scale(exponent).to_f64();
    Some((value, rest))
}

/// Returns the mantissa and the decimal exponent of a literal that is known to be a number.
pub(super) fn scan_digits(text: &[u8]) -> (u64, i32) {
    scan(text).map_or((0, 0), |(mantissa, exponent, _)| (mantissa, exponent))
}

/// Reads a number as far as it goes; gives its mantissa, its decimal exponent and the rest.
fn scan(text: &[u8]) -> Option<(u64, i32, &[u8])> {
    let mut digits = Digits::default();
    let mut rest = text;
    let mut fraction = false;
    let mut exponent = 0_i32;
    let mut negative = false;
    let mut in_exponent = false;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' if in_exponent => {
                if exponent < EXPONENT_LIMIT {
                    exponent = exponent * 10 + i32::from(byte - b'0');
                }
            }
            b'0'..=b'9' => digits.push(byte - b'0', fraction),
            b'.' if !fraction && !in_exponent => fraction = true,
            b'e' | b'E' if !in_exponent => {
                in_exponent = true;
                rest = tail;
                if let [sign @ (b'+' | b'-'), tail @ ..] = rest {
                    negative = *sign == b'-';
                    rest = tail;
                }
                if rest.is_empty() {
                    return None;
                }
                continue;
            }
            _ => break,
        }
        rest = tail;
    }
    let exponent = if negative { -exponent } else { exponent };
    let exponent = exponent
        .saturating_add(digits.exponent)
        .saturating_add(digits.integer_zeros);
    Some((digits.mantissa, exponent, rest))
}
