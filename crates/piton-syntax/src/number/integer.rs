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
    /// The two ends of the small range come back big. They are only ever stored as bytes where
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
