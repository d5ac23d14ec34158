//! Floats as text, as MicroPython printed them up to 1.19: a number is scaled to one digit before the point, then its
//! digits are taken off one by one (`py/formatfloat.c` of MicroPython 1.12 to 1.19).

/// The significant digits that are printed.
const DIGITS: i32 = 16;
/// The powers that numbers are scaled with, and what each adds to the exponent.
const POWERS: [(f64, f64, i32); 9] = [
    (1e256, 1e-256, 256),
    (1e128, 1e-128, 128),
    (1e64, 1e-64, 64),
    (1e32, 1e-32, 32),
    (1e16, 1e-16, 16),
    (1e8, 1e-8, 8),
    (1e4, 1e-4, 4),
    (1e2, 1e-2, 2),
    (1e1, 1e-1, 1),
];
/// From here on a number below one is printed as one.
const ALMOST_ONE: f64 = 0.999_999_999_995;

/// A number while it is printed.
#[derive(Debug)]
struct Layout {
    text: Vec<u8>,
    /// What is left of the number.
    left: f64,
    /// The decimal exponent, without its sign.
    exponent: i32,
    /// The sign of the exponent, if it is printed.
    exponent_sign: Option<u8>,
    /// How many digits are to come before the point, less one.
    point: i32,
    /// How many digits are to come.
    count: i32,
    /// 0 for a whole number of as many digits as there are.
    precision: i32,
}

/// Returns the text of a number, in the format `%.16g`.
pub(super) fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let value = value.abs();
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let mut layout = Layout {
        text: Vec::new(),
        left: value,
        exponent: 0,
        exponent_sign: None,
        point: 0,
        count: DIGITS,
        precision: DIGITS,
    };
    if value != 0.0 {
        if value < 1.0 {
            layout.begin_small();
        } else {
            layout.begin_large();
        }
    }
    layout.push_digits();
    if layout.left >= 5.0 {
        layout.round_up();
    }
    let mut text: String = layout.text.iter().copied().map(char::from).collect();
    if layout.precision > 0 {
        text.truncate(text.trim_end_matches('0').len());
        if text.ends_with('.') {
            text.pop();
        }
    }
    if let Some(exponent_sign) = layout.exponent_sign {
        let exponent = layout.exponent;
        text += &format!("e{}{exponent:02}", char::from(exponent_sign));
    }
    sign.to_owned() + &text
}

impl Layout {
    /// Scales a number below one. Down to four zeros after the point it is printed without an exponent.
    fn begin_small(&mut self) {
        let first = if self.left >= ALMOST_ONE { b'1' } else { b'0' };
        for (power, inverse, digits) in POWERS {
            if inverse > self.left {
                self.exponent += digits;
                self.left *= power;
            }
        }
        let mut sign = b'-';
        if self.left < 1.0 && self.left >= ALMOST_ONE {
            self.left = 1.0;
            if self.exponent == 0 {
                sign = b'+';
            }
        } else if self.left < 1.0 {
            self.exponent += 1;
            self.left *= 10.0;
        }
        if self.exponent > 4 {
            self.exponent_sign = Some(sign);
            return;
        }
        self.point = -1;
        self.text.extend_from_slice(&[first, b'.']);
        self.precision += self.exponent - 1;
        self.count = self.precision;
        loop {
            self.exponent -= 1;
            if self.exponent == 0 || self.count == 0 {
                return;
            }
            self.text.push(b'0');
            self.count -= 1;
        }
    }

    fn begin_large(&mut self) {
        for (power, inverse, digits) in POWERS {
            if power <= self.left {
                self.exponent += digits;
                self.left *= inverse;
            }
        }
        if self.left >= 10.0 {
            self.exponent += 1;
            self.left *= 0.1;
        }
        if self.exponent < self.precision {
            self.precision -= self.exponent + 1;
            self.point = self.exponent;
            self.count = self.precision + self.exponent + 1;
        } else {
            self.exponent_sign = Some(b'+');
        }
    }

    fn push_digits(&mut self) {
        for _ in 0..self.count {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a digit; below zero it is 0, like in the C code"
            )]
            let digit = self.left as u8;
            self.text.push(b'0'.wrapping_add(digit));
            if self.point == 0 && self.precision > 0 {
                self.text.push(b'.');
            }
            self.left -= self.left.trunc();
            self.left *= 10.0;
            self.point -= 1;
        }
    }

    fn round_up(&mut self) {
        for digit in self.text.iter_mut().rev().filter(|digit| **digit != b'.') {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        let is_scientific = self.exponent_sign.is_some();
        if let (Some(sign), [first, second, ..]) =
            (&mut self.exponent_sign, self.text.as_mut_slice())
            && *second == b'.'
            && is_scientific
        {
            // 9.99e5 becomes 1.00e6: the point moves.
            (*first, *second) = (b'.', b'0');
            if *sign == b'-' {
                self.exponent -= 1;
                if self.exponent == 0 {
                    *sign = b'+';
                }
            } else {
                self.exponent += 1;
            }
            self.text.pop();
        }
        self.text.insert(0, b'1');
    }
}
