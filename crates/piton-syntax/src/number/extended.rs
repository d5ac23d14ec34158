//! The 80-bit floats of the x87, as far as decimal conversion needs them.
//!
//! The official Linux build of `mpy-cross` converts between text and floats with `long double`. The
//! result is neither always the nearest float nor always the shortest text, and constants in
//! `.mpy` files are text, so its arithmetic is repeated here: 64-bit mantissas, each operation
//! rounded to nearest even.

/// The greatest exponent of a mantissa that has its top bit set.
const MAXIMUM_EXPONENT: i32 = 16383 - 63;
/// The exponent of the smallest (denormal) numbers.
const MINIMUM_EXPONENT: i32 = -16445;

/// A number that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extended {
    Infinite,
    /// `mantissa * 2**exponent`; the top bit of the mantissa is set unless the number is denormal
    /// or zero.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
}

impl Extended {
    const ZERO: Extended = Extended::Finite {
        mantissa: 0,
        exponent: 0,
    };

    pub(super) fn from_u64(value: u64) -> Extended {
        Extended::round(u128::from(value), false, 0)
    }

    /// Returns the value of a finite float that is not negative.
    pub(super) fn from_f64(value: f64) -> Extended {
        const FRACTION: u64 = (1 << 52) - 1;
        let bits = value.to_bits();
        let fraction = u128::from(bits & FRACTION);
        match i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0) {
            0 => Extended::round(fraction, false, -1074),
            exponent => Extended::round(fraction | 1 << 52, false, exponent - 1075),
        }
    }

    /// Returns `mantissa * 2**exponent` rounded to 64 bits. `sticky` says that a little more was cut off.
    fn round(mantissa: u128, sticky: bool, exponent: i32) -> Extended {
        if mantissa == 0 {
            return Extended::ZERO;
        }
        let bits = 128 - mantissa.leading_zeros().cast_signed();
        let shift = (bits - 64).max(MINIMUM_EXPONENT - exponent);
        let mut exponent = exponent + shift;
        let Ok(shift) = u32::try_from(shift) else {
            let Ok(mantissa) = u64::try_from(mantissa << shift.unsigned_abs()) else {
                return Extended::Infinite;
            };
            return Extended::Finite { mantissa, exponent };
        };
        let Some(mut kept) = round_shift(mantissa, sticky, shift) else {
            return Extended::ZERO;
        };
        if kept >> 64 != 0 {
            kept >>= 1;
            exponent += 1;
        }
        match u64::try_from(kept) {
            Ok(0) => Extended::ZERO,
            Ok(mantissa) if exponent <= MAXIMUM_EXPONENT => Extended::Finite { mantissa, exponent },
            _ => Extended::Infinite,
        }
    }

    fn multiply(self, other: Extended) -> Extended {
        match (self, other) {
            (
                Extended::Finite { mantissa, exponent },
                Extended::Finite {
                    mantissa: other_mantissa,
                    exponent: other_exponent,
                },
            ) => {
                let product = u128::from(mantissa) * u128::from(other_mantissa);
                Extended::round(product, false, exponent + other_exponent)
            }
            _ => Extended::Infinite,
        }
    }

    /// Returns `self / divisor`, where the divisor is at least 1.
    fn divide(self, divisor: Extended) -> Extended {
        let Extended::Finite { mantissa, exponent } = self else {
            return Extended::Infinite;
        };
        let Extended::Finite {
            mantissa: divisor,
            exponent: divisor_exponent,
        } = divisor
        else {
            return Extended::ZERO;
        };
        let divisor = u128::from(divisor.max(1));
        // 64 quotient bits are not enough to round them, so take 32 more.
        let dividend = u128::from(mantissa) << 64;
        let (high, rest) = (dividend / divisor, dividend % divisor);
        let (low, rest) = ((rest << 32) / divisor, (rest << 32) % divisor);
        Extended::round(
            high << 32 | low,
            rest != 0,
            exponent - divisor_exponent - 96,
        )
    }

    /// Returns `self * 10**power`, by repeated squaring of ten. A negative power divides.
    pub(super) fn scale(self, power: i32) -> Extended {
        if power == 0 || self == Extended::ZERO {
            return self;
        }
        let mut result = self;
        let mut factor = Extended::from_u64(10);
        let mut left = power.unsigned_abs();
        loop {
            if left & 1 != 0 {
                result = if power < 0 {
                    result.divide(factor)
                } else {
                    result.multiply(factor)
                };
            }
            left >>= 1;
            if left == 0 {
                return result;
            }
            factor = factor.multiply(factor);
        }
    }

    /// Returns the nearest float.
    pub(super) fn to_f64(self) -> f64 {
        let Extended::Finite { mantissa, exponent } = self else {
            return f64::INFINITY;
        };
        if mantissa == 0 {
            return 0.0;
        }
        let bits = 64 - mantissa.leading_zeros().cast_signed();
        let top = exponent + bits - 1;
        if top > 1023 {
            return f64::INFINITY;
        }
        // The value of the last bit kept is 2**-1074 or more.
        let shift = (bits - 53).max(-1074 - exponent);
        let kept = match u32::try_from(shift) {
            Ok(shift) => round_shift(u128::from(mantissa), false, shift).unwrap_or(0),
            Err(_) => u128::from(mantissa) << shift.unsigned_abs(),
        };
        let kept = u64::try_from(kept).unwrap_or(0);
        // The top bit of a normal number's mantissa adds one to its exponent field.
        let field = u64::try_from(top + 1022).unwrap_or(0);
        f64::from_bits((field << 52) + kept)
    }

    /// Returns the integer part of `self + 0.5`, where the sum is rounded to 64 bits first.
    pub(super) fn round_to_u64(self) -> u64 {
        let Extended::Finite { mantissa, exponent } = self else {
            return u64::MAX;
        };
        let wide = u128::from(mantissa);
        let sum = match exponent {
            1.. => self,
            0 => Extended::round(wide << 1 | 1, false, -1),
            -64..0 => Extended::round(wide + (1 << (exponent.unsigned_abs() - 1)), false, exponent),
            _ => return 0,
        };
        let Extended::Finite { mantissa, exponent } = sum else {
            return u64::MAX;
        };
        match u32::try_from(exponent) {
            Ok(exponent) => mantissa.checked_shl(exponent).unwrap_or(u64::MAX),
            Err(_) => mantissa.checked_shr(exponent.unsigned_abs()).unwrap_or(0),
        }
    }
}

/// Returns `value >> shift` rounded to nearest even, none if nothing is left.
fn round_shift(value: u128, sticky: bool, shift: u32) -> Option<u128> {
    if shift == 0 {
        return Some(value);
    }
    let kept = value.checked_shr(shift)?;
    let rest = value & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    let up = rest > half || (rest == half && (sticky || kept & 1 != 0));
    Some(kept + u128::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power_of_ten(power: i32) -> Extended {
        Extended::from_u64(1).scale(power)
    }

    #[test]
    fn every_float_is_read_back() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut values = vec![
            0.0,
            1.0,
            0.1,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            2.225e-308,
            f64::MIN_POSITIVE - 5e-324,
        ];
        for _ in 0..5000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let value = f64::from_bits(state & (u64::MAX >> 1));
            values.extend(Some(value).filter(|value| value.is_finite()));
        }
        for value in values {
            assert_eq!(
                Extended::from_f64(value).to_f64().to_bits(),
                value.to_bits()
            );
        }
    }

    #[test]
    fn powers_of_ten_are_exact_as_long_as_they_can_be() {
        let mut expected = 1_u64;
        for power in 0..=19 {
            assert_eq!(power_of_ten(power), Extended::from_u64(expected), "{power}");
            assert_eq!(power_of_ten(power).round_to_u64(), expected);
            expected = expected.wrapping_mul(10);
        }
        for (power, value) in [
            (22, 1e22),
            (100, 1e100),
            (308, 1e308),
            (-5, 1e-5),
            (-300, 1e-300),
        ] {
            assert_eq!(power_of_ten(power).to_f64(), value, "{power}");
        }
    }

    #[test]
    fn values_outside_the_range_are_infinity_or_zero() {
        assert_eq!(power_of_ten(309).to_f64(), f64::INFINITY);
        assert_eq!(power_of_ten(5000), Extended::Infinite);
        assert_eq!(power_of_ten(i32::MAX), Extended::Infinite);
        assert_eq!(power_of_ten(-5000), Extended::ZERO);
        assert_eq!(power_of_ten(-400).to_f64(), 0.0);
        assert_eq!(Extended::ZERO.scale(i32::MAX), Extended::ZERO);
        assert_eq!(Extended::Infinite.to_f64(), f64::INFINITY);
        assert_eq!(Extended::Infinite.round_to_u64(), u64::MAX);
    }

    #[test]
    fn halves_are_rounded_up_to_whole_numbers() {
        for (value, expected) in [
            (0.0, 0),
            (0.25, 0),
            (0.5, 1),
            (1.5, 2),
            (2.5, 3),
            (2.499, 2),
            (1e15, 1_000_000_000_000_000),
            (4_503_599_627_370_495.5, 4_503_599_627_370_496),
            (1e-300, 0),
        ] {
            assert_eq!(
                Extended::from_f64(value).round_to_u64(),
                expected,
                "{value}"
            );
        }
    }

    /// Halves go to the even neighbour, and a bit that was cut off before counts.
    #[test]
    fn shifts_round_to_nearest_even() {
        for (value, sticky, shift, expected) in [
            (0b1000, false, 3, Some(1)),
            (0b1100, false, 3, Some(2)),
            (0b0100, false, 3, Some(0)),
            (0b0100, true, 3, Some(1)),
            (0b1_0100, false, 3, Some(2)),
            (0b0101, false, 3, Some(1)),
            (0b0011, true, 3, Some(0)),
            (7, true, 0, Some(7)),
            (1, false, 128, None),
        ] {
            assert_eq!(
                round_shift(value, sticky, shift),
                expected,
                "{value:b} by {shift}"
            );
        }
    }
}
