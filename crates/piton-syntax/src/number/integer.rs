//! Integers as the official compiler holds them: small ones in 63 bits, others of any size.

use num_bigint::{BigInt, Sign};

/// An integer.
///
/// The two forms are kept apart because the official compiler does: the result of a binary
/// operation goes back to the small form if it fits, that of a unary one on a big integer does not,
/// and a small integer can be an instruction's operand where a big one is a constant object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integer {
    /// At most [`Integer::MAXIMUM_SMALL`], at least [`Integer::MINIMUM_SMALL`].
    Small(i64),
    /// Any other value, and a small one that an operation left in this form.
    Big(BigInt),
}

impl Integer {
    /// The greatest small integer of a 64-bit build.
    pub const MAXIMUM_SMALL: i64 = (1 << 62) - 1;
    /// The least small integer of a 64-bit build.
    pub const MINIMUM_SMALL: i64 = -(1 << 62);

    /// Returns the small form if the value fits.
    pub fn normalised(value: BigInt) -> Integer {
        match i64::try_from(&value) {
            Ok(small) => Integer::from_i64(small),
            Err(_) => Integer::Big(value),
        }
    }

    /// Returns the small form if the value fits.
    pub fn from_i64(value: i64) -> Integer {
        if (Integer::MINIMUM_SMALL..=Integer::MAXIMUM_SMALL).contains(&value) {
            Integer::Small(value)
        } else {
            Integer::Big(BigInt::from(value))
        }
    }

    /// Returns the value as a big integer.
    pub fn to_big(&self) -> BigInt {
        match self {
            Integer::Small(value) => BigInt::from(*value),
            Integer::Big(value) => value.clone(),
        }
    }

    /// Returns whether the value is 0.
    pub fn is_zero(&self) -> bool {
        match self {
            Integer::Small(value) => *value == 0,
            Integer::Big(value) => value.sign() == Sign::NoSign,
        }
    }

    /// Returns whether the value is below 0.
    pub fn is_negative(&self) -> bool {
        match self {
            Integer::Small(value) => *value < 0,
            Integer::Big(value) => value.sign() == Sign::Minus,
        }
    }

    /// Returns `-x`; a big integer stays big.
    pub fn negated(&self) -> Integer {
        match self {
            Integer::Small(value) => Integer::from_i64(-value),
            Integer::Big(value) => Integer::Big(-value),
        }
    }

    /// Returns `~x`; a big integer stays big.
    pub fn inverted(&self) -> Integer {
        match self {
            Integer::Small(value) => Integer::Small(!value),
            Integer::Big(value) => Integer::Big(!value),
        }
    }

    /// Returns the value as a float, digit by digit in base 2**32 as `mpz_as_float` does: rounded at each step, so not
    /// always the nearest float.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the conversion rounds on purpose"
    )]
    pub fn to_f64(&self) -> f64 {
        match self {
            Integer::Small(value) => *value as f64,
            Integer::Big(value) => {
                let (sign, digits) = value.to_u32_digits();
                let magnitude = digits.iter().rev().fold(0.0, |total: f64, &digit| {
                    total * 4_294_967_296.0 + f64::from(digit)
                });
                if sign == Sign::Minus {
                    -magnitude
                } else {
                    magnitude
                }
            }
        }
    }

    /// Returns the value in the fewest bytes of two's complement, at least eight: equal for equal values.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Integer::Small(value) => value.to_le_bytes().to_vec(),
            Integer::Big(value) => match i64::try_from(value) {
                Ok(value) => value.to_le_bytes().to_vec(),
                Err(_) => value.to_signed_bytes_le(),
            },
        }
    }

    /// Reads a value that [`Integer::to_bytes`] wrote.
    ///
    /// The least two small integers and the greatest come back big. They are only ever stored as bytes where
    /// small integers have 63 bits and the value was big, or fewer bits and its form has no effect.
    pub fn from_bytes(bytes: &[u8]) -> Integer {
        let small = bytes.try_into().map(i64::from_le_bytes);
        match small {
            Ok(value) if value.abs_diff(0) < Integer::MAXIMUM_SMALL.abs_diff(0) => {
                Integer::Small(value)
            }
            _ => Integer::Big(BigInt::from_signed_bytes_le(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: i64 = Integer::MINIMUM_SMALL;
    const GREATEST: i64 = Integer::MAXIMUM_SMALL;

    #[test]
    fn a_small_value_has_the_small_form() {
        for value in [0, 1, -1, LEAST, GREATEST] {
            assert_eq!(Integer::from_i64(value), Integer::Small(value));
            assert_eq!(Integer::normalised(value.into()), Integer::Small(value));
        }
        for value in [LEAST - 1, GREATEST + 1, i64::MIN, i64::MAX] {
            assert_eq!(Integer::from_i64(value), Integer::Big(value.into()));
            assert_eq!(
                Integer::normalised(value.into()),
                Integer::Big(value.into())
            );
        }
    }

    #[test]
    fn the_bytes_of_equal_values_are_equal() {
        for value in [0, 1, -1, 255, -256, LEAST, GREATEST] {
            let bytes = value.to_le_bytes();
            assert_eq!(Integer::Small(value).to_bytes(), bytes);
            assert_eq!(Integer::Big(value.into()).to_bytes(), bytes);
        }
        let mut value = BigInt::from(1);
        for _ in 0..40 {
            value = value * 12_345 + 6;
            for value in [value.clone(), -value.clone()] {
                let bytes = Integer::Big(value.clone()).to_bytes();
                assert!(bytes.len() >= 8);
                assert_eq!(Integer::from_bytes(&bytes).to_big(), value);
            }
        }
    }

    #[test]
    fn the_ends_of_the_small_range_come_back_big() {
        for (value, is_small) in [
            (LEAST + 2, true),
            (GREATEST - 1, true),
            (LEAST, false),
            (LEAST + 1, false),
            (GREATEST, false),
        ] {
            let read = Integer::from_bytes(&Integer::Small(value).to_bytes());
            assert_eq!(matches!(read, Integer::Small(_)), is_small, "{value}");
            assert_eq!(read.to_big(), BigInt::from(value));
        }
    }

    #[test]
    fn unary_operators_keep_the_big_form() {
        let big = |value: i64| Integer::Big(value.into());
        for value in [0, 1, -1, 7, LEAST + 1, GREATEST] {
            assert_eq!(Integer::Small(value).negated(), Integer::from_i64(-value));
            assert_eq!(Integer::Small(value).inverted(), Integer::Small(!value));
            assert_eq!(big(value).negated(), big(-value));
            assert_eq!(big(value).inverted(), big(!value));
        }
        // The one small integer whose negative is not small.
        assert_eq!(Integer::Small(LEAST).negated(), big(GREATEST + 1));
    }

    #[test]
    fn signs_are_those_of_the_value() {
        for (value, is_zero, is_negative) in
            [(0, true, false), (5, false, false), (-5, false, true)]
        {
            for integer in [Integer::Small(value), Integer::Big(value.into())] {
                assert_eq!(integer.is_zero(), is_zero, "{integer:?}");
                assert_eq!(integer.is_negative(), is_negative, "{integer:?}");
            }
        }
    }

    #[test]
    fn floats_of_big_integers_are_rounded_at_each_digit() {
        let float = |text: &str| Integer::Big(text.parse().unwrap()).to_f64();
        assert_eq!(float("18446744073709551616"), 18_446_744_073_709_551_616.0);
        assert_eq!(
            float("-18446744073709551616"),
            -18_446_744_073_709_551_616.0
        );
        assert_eq!(float("0"), 0.0);
        let huge = Integer::Big(BigInt::from(1) << 1024);
        assert_eq!(huge.to_f64(), f64::INFINITY);
        assert_eq!(huge.negated().to_f64(), f64::NEG_INFINITY);
        // The nearest float is one step above: the first two digits are rounded before the third comes.
        let value = (BigInt::from(1) << 85) + (BigInt::from(1) << 32) + 1;
        assert_eq!(Integer::Big(value).to_f64(), 2.0_f64.powi(85));
    }
}
