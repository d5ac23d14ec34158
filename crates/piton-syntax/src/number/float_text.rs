//! Floats as text, as the official compiler's `repr` prints them (`py/formatfloat.c`).

use super::extended::Extended;
use super::literal::decimal_value;

/// The digits tried first; enough for most floats.
const FIRST_DIGITS: i32 = 16;
/// The most digits ever printed.
const MAXIMUM_DIGITS: i32 = 19;
/// From this decimal exponent on numbers are written with an exponent.
const EXPONENT_LIMIT: i32 = 16;

/// Returns the text of a number as the releases from 1.26 on print it.
pub(super) fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let value = value.abs();
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let exponent = decimal_exponent(value);
    let mut digits = FIRST_DIGITS;
    loop {
        let text = format_digits(value, digits, exponent);
        // More digits, until the text gives the same float back.
        if digits == MAXIMUM_DIGITS || decimal_value(text.as_bytes()).to_bits() == value.to_bits() {
            return format!("{sign}{text}");
        }
        digits += 1;
    }
}

/// Returns the exponent of the leading decimal digit, found with the rounded powers of ten that the
/// formatting uses too.
fn decimal_exponent(value: f64) -> i32 {
    if value == 0.0 {
        return 0;
    }
    let binary = i32::try_from(value.to_bits() >> 52 & 0x7ff).unwrap_or(0) - 1023;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 324 in size, cut like the C code"
    )]
    #[expect(
        clippy::approx_constant,
        reason = "the constant as the C code spells it"
    )]
    let mut exponent = (f64::from(binary) * 0.301_029_995_663_981_2) as i32;
    let power = |exponent| Extended::from_u64(1).scale(exponent).to_f64();
    if value < 1.0 {
        while value < power(exponent) {
            exponent -= 1;
        }
    } else {
        while value >= power(exponent + 1) {
            exponent += 1;
        }
    }
    exponent
}

fn format_digits(value: f64, digits: i32, exponent: i32) -> String {
    let scale = if value == 0.0 {
        0
    } else {
        digits - exponent - 1
    };
    let mut mantissa = Extended::from_f64(value).scale(scale).round_to_u64();
    let mut exponent = exponent;
    if mantissa >= 10_u64.pow(digits.unsigned_abs()) {
        mantissa /= 10;
        exponent += 1;
    }
    // The digits with the point after the first, and zeros up to the maximum.
    let mut digits = digits;
    let mut trailing_zeros = MAXIMUM_DIGITS - digits;
    let mut point = 0;
    let mut text = String::new();
    if (0..EXPONENT_LIMIT).contains(&exponent) && exponent != 0 {
        point = exponent;
        if point >= digits {
            trailing_zeros = point - (digits - 1);
        }
        exponent = 0;
    } else if (-4..0).contains(&exponent) {
        // Leading zeros, as many as there are zeros at the end to give for them.
        let mut removed = 0;
        while exponent < 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            removed += 1;
            exponent += 1;
        }
        digits -= removed;
        text.push_str("0.");
        text.extend((0..removed - exponent - 1).map(|_| '0'));
        point = i32::MAX;
        exponent = 0;
    }
    push_mantissa(&mut text, mantissa, digits, point, trailing_zeros);
    push_exponent(&mut text, exponent);
    text
}

/// Adds the digits with a point after digit number `point` and more zeros. Cuts zeros after the point.
fn push_mantissa(text: &mut String, mantissa: u64, digits: i32, point: i32, trailing_zeros: i32) {
    let mut has_point = point == i32::MAX;
    let width = usize::try_from(digits).unwrap_or(0);
    let all = format!("{mantissa:0width$}");
    // Digits that do not fit are lost at the front.
    let all = all.get(all.len() - width..).unwrap_or_default();
    let zeros = (0..trailing_zeros).map(|_| '0');
    for (digit, index) in all.chars().chain(zeros).zip(0..) {
        if index == point.saturating_add(1) {
            text.push('.');
            has_point = true;
        }
        text.push(digit);
    }
    if has_point {
        text.truncate(text.trim_end_matches('0').len());
        if text.ends_with('.') {
            text.pop();
        }
    }
}

fn push_exponent(text: &mut String, exponent: i32) {
    if exponent != 0 {
        let sign = if exponent < 0 { '-' } else { '+' };
        text.push_str(&format!("e{sign}{:02}", exponent.unsigned_abs()));
    }
}
