//! Numbers on ARMv6-M, which has no `movw`, and comparisons of the oldest release.

use super::encode::{self, Alu, condition};
use super::{Comparison, Thumb, low};

/// Returns the condition that the compiler of 1.12 asks for, and whether the comparison holds then.
pub(super) fn former_condition(comparison: Comparison) -> (u32, bool) {
    match comparison {
        Comparison::Less => (condition::GE, false),
        Comparison::More => (condition::GT, true),
        Comparison::Equal => (condition::EQ, true),
        Comparison::LessOrEqual => (condition::GT, false),
        Comparison::MoreOrEqual => (condition::GE, true),
        Comparison::NotEqual => (condition::EQ, false),
    }
}

impl Thumb {
    /// Loads a number by the shortest sequence without `movw`.
    pub(super) fn load_v6m(&mut self, rd: u32, value: u32) {
        let is_negative = value.cast_signed() < 0;
        let positive = if is_negative {
            value.wrapping_neg()
        } else {
            value
        };
        let shift = positive.trailing_zeros();
        if positive.leading_zeros() + shift >= 24 {
            self.mov8(rd, low(i64::from(positive.cast_signed()) >> shift) & 0xff);
            self.shift_left(rd, rd, shift);
        } else if positive < 0x1_0000 {
            self.mov16(rd, positive);
        } else {
            self.mov32(rd, value);
            return;
        }
        if is_negative {
            self.emit(encode::alu(Alu::Neg, rd, rd));
        }
    }
}
