//! The operations that fold constants (`py/runtime.c`, `py/objint_mpz.c`, `py/objfloat.c`).

use num_bigint::BigInt;

use super::{Integer, Number};
use crate::token::Token;

/// The most bits of a folded power or shift.
///
/// The official compiler folds until its heap is full, which takes minutes for numbers like
/// `9**9**9`; more than this it can't hold in its default heap.
const MAXIMUM_BITS: u64 = 4_000_000;

/// A binary operator in the order of `mp_binary_op_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Or,
    Xor,
    And,
    LeftShift,
    RightShift,
    Add,
    Subtract,
    Multiply,
    MatrixMultiply,
    FloorDivide,
    TrueDivide,
    Modulo,
    Power,
}

impl BinaryOperator {
    const ALL: [BinaryOperator; 13] = [
        BinaryOperator::Or,
        BinaryOperator::Xor,
        BinaryOperator::And,
        BinaryOperator::LeftShift,
        BinaryOperator::RightShift,
        BinaryOperator::Add,
        BinaryOperator::Subtract,
        BinaryOperator::Multiply,
        BinaryOperator::MatrixMultiply,
        BinaryOperator::FloorDivide,
        BinaryOperator::TrueDivide,
        BinaryOperator::Modulo,
        BinaryOperator::Power,
    ];

    /// Returns the operator of a token.
    pub(crate) fn from_token(token: Token) -> Option<BinaryOperator> {
        BinaryOperator::ALL
            .get(usize::from(token.distance(Token::OpPipe)))
            .copied()
    }

    /// Returns whether this is a shift by more than an `mp_int_t` can hold.
    pub(crate) fn is_shift_too_wide(self, right: &Number) -> bool {
        matches!(self, BinaryOperator::LeftShift | BinaryOperator::RightShift)
            && matches!(right, Number::Integer(count)
                if !count.is_negative() && i64::try_from(count.to_big()).is_err())
    }
}

/// Returns the value of `left operator right`, if it has one that is a number and not complex. With `keep_big`, what is
/// computed with big integers stays one, even if it is small.
pub(crate) fn binary_operation(
    operator: BinaryOperator,
    left: &Number,
    right: &Number,
    keep_big: bool,
) -> Option<Number> {
    match (left, right) {
        (Number::Integer(left), Number::Integer(right)) => {
            integer_operation(operator, left, right, keep_big)
        }
        _ => float_operation(operator, to_f64(left), to_f64(right)),
    }
}

fn to_f64(number: &Number) -> f64 {
    match number {
        Number::Integer(integer) => integer.to_f64(),
        Number::Float(value) => *value,
    }
}

fn integer_operation(
    operator: BinaryOperator,
    left: &Integer,
    right: &Integer,
    keep_big: bool,
) -> Option<Number> {
    match operator {
        BinaryOperator::TrueDivide => {
            return (!right.is_zero()).then(|| Number::Float(left.to_f64() / right.to_f64()));
        }
        BinaryOperator::Power if right.is_negative() => {
            return float_operation(operator, left.to_f64(), right.to_f64());
        }
        _ => {}
    }
    if let (Integer::Small(left), Integer::Small(right)) = (left, right)
        && let Some(value) = small_operation(operator, *left, *right)
    {
        return Some(Number::Integer(Integer::from_i64(value)));
    }
    let value = big_operation(operator, left, right)?;
    Some(Number::Integer(if keep_big {
        Integer::Big(value)
    } else {
        Integer::normalised(value)
    }))
}

/// Returns the operations on small integers whose result fits into 64 bits; none means "try the big ones".
fn small_operation(operator: BinaryOperator, left: i64, right: i64) -> Option<i64> {
    match operator {
        BinaryOperator::Or => Some(left | right),
        BinaryOperator::Xor => Some(left ^ right),
        BinaryOperator::And => Some(left & right),
        BinaryOperator::Add => left.checked_add(right),
        BinaryOperator::Subtract => left.checked_sub(right),
        BinaryOperator::Multiply => left.checked_mul(right),
        BinaryOperator::RightShift => u32::try_from(right.min(63)).ok().map(|count| left >> count),
        BinaryOperator::FloorDivide | BinaryOperator::Modulo => {
            let (quotient, remainder) = (left.checked_div(right)?, left.checked_rem(right)?);
            let adjust = remainder != 0 && (remainder < 0) != (right < 0);
            Some(match operator {
                BinaryOperator::Modulo if adjust => remainder + right,
                BinaryOperator::Modulo => remainder,
                _ => quotient - i64::from(adjust),
            })
        }
        BinaryOperator::Power => left.checked_pow(u32::try_from(right).ok()?),
        BinaryOperator::LeftShift => {
            let count = u32::try_from(right).ok().filter(|&count| count < 64)?;
            i64::try_from(i128::from(left) << count).ok()
        }
        BinaryOperator::MatrixMultiply | BinaryOperator::TrueDivide => None,
    }
}

fn big_operation(operator: BinaryOperator, left: &Integer, right: &Integer) -> Option<BigInt> {
    let (left, right_big) = (left.to_big(), right.to_big());
    match operator {
        BinaryOperator::Or => Some(left | right_big),
        BinaryOperator::Xor => Some(left ^ right_big),
        BinaryOperator::And => Some(left & right_big),
        BinaryOperator::Add => Some(left + right_big),
        BinaryOperator::Subtract => Some(left - right_big),
        BinaryOperator::Multiply => {
            (left.bits() + right_big.bits() <= MAXIMUM_BITS).then(|| left * right_big)
        }
        BinaryOperator::LeftShift => {
            // The count must be an `mp_int_t`.
            let count = i64::try_from(&right_big).ok()?;
            let count = u64::try_from(count).ok()?;
            if left == BigInt::ZERO {
                return Some(left);
            }
            (count <= MAXIMUM_BITS && left.bits() + count <= MAXIMUM_BITS).then(|| left << count)
        }
        BinaryOperator::RightShift => {
            // The count must be an `mp_int_t`.
            i64::try_from(&right_big)
                .ok()
                .and_then(|count| u64::try_from(count).ok())
                .map(|count| left >> count)
        }
        BinaryOperator::FloorDivide | BinaryOperator::Modulo => {
            floor_division(operator, &left, &right_big)
        }
        BinaryOperator::Power => power(&left, &right_big),
        BinaryOperator::MatrixMultiply | BinaryOperator::TrueDivide => None,
    }
}

/// Returns `left // right` or `left % right`, rounded down.
fn floor_division(operator: BinaryOperator, left: &BigInt, right: &BigInt) -> Option<BigInt> {
    let zero = BigInt::ZERO;
    if *right == zero {
        return None;
    }
    let (quotient, remainder) = (left / right, left % right);
    let adjust = remainder != zero && (remainder < zero) != (*right < zero);
    Some(match operator {
        BinaryOperator::Modulo if adjust => remainder + right,
        BinaryOperator::Modulo => remainder,
        _ if adjust => quotient - 1,
        _ => quotient,
    })
}

/// Returns a power with an exponent that is not negative.
fn power(base: &BigInt, exponent: &BigInt) -> Option<BigInt> {
    let one = BigInt::from(1);
    if base.bits() <= 1 {
        // 0, 1 and -1. A zero base comes here only with an exponent that is not small.
        let odd = exponent.bit(0);
        return Some(if *base == -&one && !odd {
            one
        } else {
            base.clone()
        });
    }
    let exponent = u32::try_from(exponent).ok()?;
    let bits = base.bits().checked_mul(u64::from(exponent))?;
    (bits <= MAXIMUM_BITS).then(|| base.pow(exponent))
}

#[expect(
    clippy::float_cmp,
    reason = "signs and special values are distinguished exactly"
)]
fn float_operation(operator: BinaryOperator, left: f64, right: f64) -> Option<Number> {
    let value = match operator {
        BinaryOperator::Add => left + right,
        BinaryOperator::Subtract => left - right,
        BinaryOperator::Multiply => left * right,
        BinaryOperator::FloorDivide if right != 0.0 => floor_divide(left, right),
        BinaryOperator::TrueDivide if right != 0.0 => left / right,
        BinaryOperator::Modulo if right != 0.0 => modulo(left, right),
        BinaryOperator::Power => {
            let pole = left == 0.0 && right < 0.0 && !right.is_infinite();
            let complex = left < 0.0 && right != right.floor() && !right.is_nan();
            if pole || complex {
                return None;
            }
            left.powf(right)
        }
        _ => return None,
    };
    Some(Number::Float(value))
}

/// Returns `left % right` with the sign of `right`.
fn modulo(left: f64, right: f64) -> f64 {
    let remainder = left % right;
    if remainder == 0.0 {
        0.0_f64.copysign(right)
    } else if (remainder < 0.0) != (right < 0.0) {
        remainder + right
    } else {
        remainder
    }
}

/// Returns `left // right` as CPython computes it: `left == left // right * right + left % right`.
fn floor_divide(left: f64, right: f64) -> f64 {
    let remainder = left % right;
    let mut quotient = (left - remainder) / right;
    if remainder != 0.0 && (remainder < 0.0) != (right < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0_f64.copysign(left / right);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 {
        floor + 1.0
    } else {
        floor
    }
}
