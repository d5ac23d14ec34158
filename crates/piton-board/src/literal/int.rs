//! Integers without a limit: a machine number if it fits, else decimal digits.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A Python integer of any size.
///
/// It can be compared and printed. To calculate, convert it with [`Int::to_i128`] or [`Int::to_u128`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Int(Repr);

/// The representation. Each number has exactly one, so that equality can be derived.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Repr {
    Machine(i128),
    /// Only for numbers beyond `i128`; the digits have no leading zero.
    Decimal {
        negative: bool,
        digits: String,
    },
}

/// The name under which an [`Int`] of more than 128 bits is passed to the serializer, as its decimal text.
pub(super) const BIG_INT_NAME: &str = "$piton_board::literal::Int";

impl Int {
    /// Returns the number with these decimal digits; `None` if there are other characters.
    pub(super) fn from_digits(negative: bool, digits: &str) -> Option<Int> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Int(Repr::Machine(0)));
        }
        let signed = match negative {
            // The sign is part of the parsed text, because the smallest i128 has no positive counterpart.
            true => format!("-{digits}").parse().ok(),
            false => digits.parse().ok(),
        };
        Some(Int(match signed {
            Some(number) => Repr::Machine(number),
            None => Repr::Decimal {
                negative,
                digits: digits.to_owned(),
            },
        }))
    }

    /// Returns the number as `i128`, if it fits.
    pub fn to_i128(&self) -> Option<i128> {
        match &self.0 {
            Repr::Machine(number) => Some(*number),
            Repr::Decimal { .. } => None,
        }
    }

    /// Returns the number as `u128`, if it fits.
    pub fn to_u128(&self) -> Option<u128> {
        match &self.0 {
            Repr::Machine(number) => u128::try_from(*number).ok(),
            Repr::Decimal {
                negative: false,
                digits,
            } => digits.parse().ok(),
            Repr::Decimal { negative: true, .. } => None,
        }
    }

    /// Returns the nearest float; infinite if the number is out of range.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Machine(number) => *number as f64,
            // Rust's parser rounds correctly and accepts any number of digits.
            Repr::Decimal { .. } => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// Returns the number with the opposite sign.
    pub(super) fn negated(self) -> Int {
        match self.0 {
            Repr::Machine(number) => match number.checked_neg() {
                Some(number) => Int(Repr::Machine(number)),
                None => Int(Repr::Decimal {
                    negative: false,
                    digits: number.unsigned_abs().to_string(),
                }),
            },
            Repr::Decimal { negative, digits } => {
                // 2**127 is out of range of i128, but -2**127 is not. The constructor chooses the representation.
                Int::from_digits(!negative, &digits).unwrap_or(Int(Repr::Machine(0)))
            }
        }
    }
}

impl Ord for Int {
    fn cmp(&self, other: &Int) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Machine(left), Repr::Machine(right)) => left.cmp(right),
            (Repr::Machine(_), Repr::Decimal { negative, .. }) => match negative {
                true => Ordering::Greater,
                false => Ordering::Less,
            },
            (Repr::Decimal { .. }, Repr::Machine(_)) => other.cmp(self).reverse(),
            (
                Repr::Decimal { negative, digits },
                Repr::Decimal {
                    negative: other_negative,
                    digits: other_digits,
                },
            ) => match (negative, other_negative) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => compare_digits(digits, other_digits),
                (true, true) => compare_digits(other_digits, digits),
            },
        }
    }
}

fn compare_digits(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

impl PartialOrd for Int {
    fn partial_cmp(&self, other: &Int) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Machine(number) => write!(f, "{number}"),
            Repr::Decimal { negative, digits } => {
                write!(f, "{}{digits}", if *negative { "-" } else { "" })
            }
        }
    }
}

macro_rules! from_machine {
    ($($number:ty)*) => {$(
        impl From<$number> for Int {
            fn from(number: $number) -> Int {
                Int(Repr::Machine(i128::from(number)))
            }
        }
    )*};
}
from_machine!(i8 i16 i32 i64 i128 u8 u16 u32 u64);

impl From<u128> for Int {
    fn from(number: u128) -> Int {
        match i128::try_from(number) {
            Ok(number) => Int(Repr::Machine(number)),
            Err(_) => Int(Repr::Decimal {
                negative: false,
                digits: number.to_string(),
            }),
        }
    }
}

impl Serialize for Int {
    /// Serializes the number as the smallest machine type that it fits; beyond 128 bits as its decimal text, which
    /// [`to_literal`](super::to_literal) writes as a number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(number) = self.to_i128() {
            return match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                _ => serializer.serialize_i128(number),
            };
        }
        match self.to_u128() {
            Some(number) => serializer.serialize_u128(number),
            None => serializer.serialize_newtype_struct(BIG_INT_NAME, &self.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Int, D::Error> {
        struct IntVisitor;

        impl Visitor<'_> for IntVisitor {
            type Value = Int;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Int, E> {
                Ok(Int::from(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Int, E> {
                Ok(Int::from(number))
            }

            fn visit_i128<E: de::Error>(self, number: i128) -> Result<Int, E> {
                Ok(Int::from(number))
            }

            fn visit_u128<E: de::Error>(self, number: u128) -> Result<Int, E> {
                Ok(Int::from(number))
            }

            /// Accepts numbers beyond 128 bits, which are passed as their decimal text.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Int, E> {
                let (negative, digits) = match text.strip_prefix('-') {
                    Some(digits) => (true, digits),
                    None => (false, text),
                };
                Int::from_digits(negative, digits)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(IntVisitor)
    }
}
