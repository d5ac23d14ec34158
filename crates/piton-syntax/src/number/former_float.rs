//! Floats as MicroPython read and printed them up to 1.25, and CircuitPython 9 does: in doubles, digit by digit.
//!
//! Every step rounds, so neither direction is exact. The steps are those of `py/parsenum.c` and `py/formatfloat.c` of
//! MicroPython 1.12 to 1.25.

use super::literal::scan_digits;
use crate::target::Floats;

/// From here on the mantissa takes no more digits.
const MANTISSA_LIMIT: f64 = 1e200;
/// The smallest power of ten that is a normal number, and its exponent.
const SMALLEST_POWER: f64 = 1e-307;
const SMALLEST_EXPONENT: i32 = -307;
/// Powers of ten up to this one are exact.
const EXACT_EXPONENT: i32 = 22;
/// From here on the exponent takes no more digits.
const EXPONENT_LIMIT: i32 = (i32::MAX / 2 - 9) / 10;
/// The significant digits that are printed.
const DIGITS: i32 = 16;

/// Returns what `pow` of the C library gives.
fn power_of_ten(exponent: i32) -> f64 {
    // With a constant base the optimiser takes `exp10`, whose last bit can be another.
    std::hint::black_box(10_f64).powf(exponent.into())
}

/// The mantissa of a literal while it is read.
#[derive(Debug, Default)]
struct Mantissa {
    value: f64,
    /// What the digits add to the exponent.
    exponent: i32,
    in_fraction: bool,
    /// Zeros that count only if another digit follows.
    integer_zeros: i32,
    fraction_zeros: i32,
}

impl Mantissa {
    fn digit(&mut self, digit: u8) {
        if digit == 0 || self.value >= MANTISSA_LIMIT {
            let zeros = if self.in_fraction {
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
        self.accept(digit, self.in_fraction);
    }

    fn accept(&mut self, digit: u8, in_fraction: bool) {
        if self.value < MANTISSA_LIMIT {
            self.value = 10.0 * self.value + f64::from(digit);
            self.exponent = self.exponent.saturating_sub(in_fraction.into());
        } else if !in_fraction {
            self.exponent = self.exponent.saturating_add(1);
        }
    }
}

/// Returns the value of a float or complex literal that is known to be one.
pub(crate) fn former_decimal_value(text: &[u8], floats: Floats) -> f64 {
    if matches!(floats, Floats::Scaled | Floats::ScaledThenSubtracted) {
        return first_decimal_value(text);
    }
    if floats == Floats::Whole {
        let (mantissa, exponent) = scan_digits(text);
        #[expect(clippy::cast_precision_loss, reason = "rounded like the C code")]
        return scaled(mantissa as f64, exponent);
    }
    let mut mantissa = Mantissa::default();
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        match byte {
            b'0'..=b'9' => mantissa.digit(byte - b'0'),
            b'.' => mantissa.in_fraction = true,
            _ => break,
        }
        rest = behind;
    }
    let exponent = exponent_behind(rest)
        .saturating_add(mantissa.exponent)
        .saturating_add(mantissa.integer_zeros);
    scaled(mantissa.value, exponent)
}

/// Returns the value as the releases up to 1.19 read it: each digit counts at once.
fn first_decimal_value(text: &[u8]) -> f64 {
    let mut mantissa = Mantissa::default();
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        match byte {
            b'0'..=b'9' => mantissa.accept(byte - b'0', mantissa.in_fraction),
            b'.' => mantissa.in_fraction = true,
            _ => break,
        }
        rest = behind;
    }
    let exponent = exponent_behind(rest).saturating_add(mantissa.exponent);
    scaled(mantissa.value, exponent)
}

/// Returns the exponent that follows the digits, 0 if there is none.
fn exponent_behind(rest: &[u8]) -> i32 {
    match rest {
        [b'e' | b'E', digits @ ..] => exponent_value(digits),
        _ => 0,
    }
}

/// Returns a number with its decimal exponent.
fn scaled(mut value: f64, mut exponent: i32) -> f64 {
    if exponent < SMALLEST_EXPONENT {
        exponent -= SMALLEST_EXPONENT;
        value *= SMALLEST_POWER;
    }
    if (-EXACT_EXPONENT..0).contains(&exponent) {
        value / power_of_ten(-exponent)
    } else {
        value * power_of_ten(exponent)
    }
}

fn exponent_value(text: &[u8]) -> i32 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let value = digits.fold(0, |value: i32, digit| {
        if value < EXPONENT_LIMIT {
            10 * value + i32::from(digit - b'0')
        } else {
            value
        }
    });
    if negative { -value } else { value }
}

/// Returns the text of a number, in the format `%.16g`.
pub(super) fn former_number_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let value = value.abs();
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let mut layout = Layout::of(value);
    let mut text = layout.digits(value);
    if layout.precision > 0 {
        text.truncate(text.trim_end_matches('0').len());
        if text.ends_with('.') {
            text.pop();
        }
    }
    if let Some(exponent_sign) = layout.exponent_sign {
        text += &format!("e{exponent_sign}{:02}", layout.exponent);
    }
    sign.to_owned() + &text
}

/// The layout of the digits of a number.
#[derive(Debug)]
struct Layout {
    /// The decimal exponent, without its sign.
    exponent: i32,
    /// The sign of the exponent, if it is printed.
    exponent_sign: Option<char>,
    /// The power of ten of the first digit.
    first: i32,
    /// How many digits are before the point, less one.
    point: i32,
    /// How many digits are printed; one more is computed.
    count: i32,
    /// 0 for a whole number of as many digits as there are.
    precision: i32,
}

impl Layout {
    fn of(value: f64) -> Layout {
        let binary = i32::try_from(value.to_bits() >> 52 & 0x7ff).unwrap_or(0) - 1023;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 308 in size, cut like the C code"
        )]
        #[expect(
            clippy::approx_constant,
            reason = "the constant as the C code spells it"
        )]
        let guess = (f64::from(binary) * 0.301_029_995_663_981_2) as i32;
        let mut layout = Layout {
            exponent: 0,
            exponent_sign: None,
            first: 0,
            point: 0,
            count: DIGITS,
            precision: DIGITS,
        };
        if value == 0.0 {
            return layout;
        }
        if value < 1.0 {
            let mut exponent = -guess;
            while power_of_ten(-exponent) > value {
                exponent += 1;
            }
            layout.exponent = exponent;
            if exponent <= 4 {
                layout.precision = DIGITS + exponent - 1;
                layout.count = layout.precision + 1;
            } else {
                layout.exponent_sign = Some('-');
                layout.first = -exponent;
            }
            return layout;
        }
        let mut exponent = guess;
        while value >= power_of_ten(exponent + 1) {
            exponent += 1;
        }
        layout.exponent = exponent;
        layout.first = exponent;
        if exponent < DIGITS {
            layout.precision = DIGITS - (exponent + 1);
            layout.point = exponent;
        } else {
            layout.exponent_sign = Some('+');
        }
        layout
    }

    /// Returns the digits, rounded. Rounding up to one digit more can change the exponent.
    fn digits(&mut self, value: f64) -> String {
        let mut left = if self.exponent_sign == Some('-') {
            value / power_of_ten(-self.exponent)
        } else {
            value
        };
        let mut text = Vec::new();
        let mut last = 0;
        for place in 0..=self.count {
            let index = self.first - place;
            // Below one the rest is scaled up instead.
            let unit = if index > 0 { power_of_ten(index) } else { 1.0 };
            last = 0;
            while last < 9 && left >= unit {
                left -= unit;
                last += 1;
            }
            if place < self.count {
                text.push(b'0' + last);
                if place == self.point && self.precision > 0 {
                    text.push(b'.');
                }
            }
            if index <= 0 {
                left *= 10.0;
            }
        }
        if last >= 5 {
            self.round_up(&mut text);
        }
        text.into_iter().map(char::from).collect()
    }

    fn round_up(&mut self, text: &mut Vec<u8>) {
        for digit in text.iter_mut().rev().filter(|digit| **digit != b'.') {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        text.insert(0, b'1');
        let Some(sign) = &mut self.exponent_sign else {
            return;
        };
        // 9.99e5 becomes 1.00e6: the point moves, and a digit goes.
        if let Some(point) = text.iter().position(|&byte| byte == b'.') {
            text.swap(point - 1, point);
            text.pop();
        }
        if *sign == '+' {
            self.exponent += 1;
            return;
        }
        self.exponent -= 1;
        if self.exponent == 0 {
            *sign = '+';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Literals and what `mpy-cross` 9.2.9 makes of them.
    const KNOWN: &[(&str, &str)] = &[
        ("0.085", "0.085"),
        ("0.1", "0.1"),
        ("0.07", "0.07000000000000001"),
        ("9.8", "9.800000000000001"),
        ("73.567", "73.56699999999999"),
        ("1e15", "1000000000000000.0"),
        ("1e16", "1e+16"),
        ("9999999999999999.0", "1e+16"),
        ("9.9999999999999999e22", "1e+23"),
        ("1e-4", "0.0001"),
        ("0.00012345", "0.00012345"),
        ("1e-5", "1e-05"),
        ("5e-324", "1e-323"),
        ("1.7976931348623157e308", "1.797693134862316e+308"),
        ("1e309", "inf"),
        ("0e999", "nan"),
        ("1e23", "1e+23"),
        ("6.02e23", "6.019999999999999e+23"),
        ("1.602e-19", "1.602e-19"),
        ("12345678901234567890.0", "1.234567890123457e+19"),
        ("0.0009999999999999999", "0.001"),
        (".5", "0.5"),
        ("1e-400", "0.0"),
    ];

    #[test]
    fn texts_are_those_of_circuitpython_9() {
        for (literal, text) in KNOWN {
            let value = former_decimal_value(literal.as_bytes(), Floats::Subtracted);
            assert_eq!(
                crate::number::float_text(value, Floats::Subtracted),
                *text,
                "{literal}"
            );
        }
    }
}
