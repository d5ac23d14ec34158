//! Encodings of Xtensa instructions, little-endian, by the formats of the instruction set manual.
//!
//! Registers are their numbers, a0 to a15. Narrow instructions have 16 bits, all others 24.

/// Format RRR.
pub(crate) const fn rrr(op0: u32, op1: u32, op2: u32, r: u32, s: u32, t: u32) -> u32 {
    op2 << 20 | op1 << 16 | r << 12 | s << 8 | t << 4 | op0
}

/// Format RRI8.
pub(crate) const fn rri8(op0: u32, r: u32, s: u32, t: u32, imm8: i64) -> u32 {
    field(imm8, 8) << 16 | r << 12 | s << 8 | t << 4 | op0
}

/// Format RRRN, narrow.
pub(crate) const fn rrrn(op0: u32, r: u32, s: u32, t: u32) -> u32 {
    r << 12 | s << 8 | t << 4 | op0
}

/// Format BRI12.
pub(crate) const fn bri12(op0: u32, s: u32, m: u32, n: u32, imm12: i64) -> u32 {
    field(imm12, 12) << 12 | s << 8 | m << 6 | n << 4 | op0
}

/// Format CALL.
const fn call(op0: u32, n: u32, offset: i64) -> u32 {
    field(offset, 18) << 6 | n << 4 | op0
}

/// Format CALLX.
const fn callx(s: u32, m: u32, n: u32) -> u32 {
    s << 8 | m << 6 | n << 4
}

/// The low bits of a number.
const fn field(number: i64, bits: u32) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the field is a part of two's complement"
    )]
    let low = number as u32;
    low & ((1 << bits) - 1)
}

/// `entry` as, bytes (a multiple of 8).
pub(crate) const fn entry(s: u32, bytes: i64) -> u32 {
    bri12(6, s, 0, 3, bytes / 8)
}

/// `add.n` ar, as, at
pub(crate) const fn add_n(r: u32, s: u32, t: u32) -> u32 {
    rrrn(10, r, s, t)
}

/// `addi` at, as, imm8
pub(crate) const fn addi(t: u32, s: u32, imm8: i64) -> u32 {
    rri8(2, 12, s, t, imm8)
}

/// `addx2` ar, as, at: as * 2 + at
pub(crate) const fn addx2(r: u32, s: u32, t: u32) -> u32 {
    rrr(0, 0, 9, r, s, t)
}

/// `addx4` ar, as, at: as * 4 + at
pub(crate) const fn addx4(r: u32, s: u32, t: u32) -> u32 {
    rrr(0, 0, 10, r, s, t)
}

/// `and` ar, as, at
pub(crate) const fn and(r: u32, s: u32, t: u32) -> u32 {
    rrr(0, 0, 1, r, s, t)
}

/// `or` ar, as, at
pub(crate) const fn or(r: u32, s: u32, t: u32) -> u32 {
    rrr(0, 0, 2, r, s, t)
}

/// `xor` ar, as, at
pub(crate) const fn xor(r: u32, s: u32, t: u32) -> u32 {
    rrr(0, 0, 3, r, s, t)
}

/// `sub` ar, as, at
pub(crate) const fn sub(r: u32, s: u32, t: u32) -> u32 {
    rrr(0, 0, 12, r, s, t)
}

/// `neg` ar, at
pub(crate) const fn neg(r: u32, t: u32) -> u32 {
    rrr(0, 0, 6, r, 0, t)
}

/// `mull` ar, as, at
pub(crate) const fn mull(r: u32, s: u32, t: u32) -> u32 {
    rrr(0, 2, 8, r, s, t)
}

/// `ssl` as: the amount of the next left shift
pub(crate) const fn ssl(s: u32) -> u32 {
    rrr(0, 0, 4, 1, s, 0)
}

/// `ssr` as: the amount of the next right shift
pub(crate) const fn ssr(s: u32) -> u32 {
    rrr(0, 0, 4, 0, s, 0)
}

/// `ssai` amount: the amount of the next shift
pub(crate) const fn ssai(amount: u32) -> u32 {
    rrr(0, 0, 4, 4, amount & 15, amount >> 4)
}

/// `sll` ar, as
pub(crate) const fn sll(r: u32, s: u32) -> u32 {
    rrr(0, 1, 10, r, s, 0)
}

/// `srl` ar, at
pub(crate) const fn srl(r: u32, t: u32) -> u32 {
    rrr(0, 1, 9, r, 0, t)
}

/// `sra` ar, at
pub(crate) const fn sra(r: u32, t: u32) -> u32 {
    rrr(0, 1, 11, r, 0, t)
}

/// `slli` ar, as, amount (1 to 31)
pub(crate) const fn slli(r: u32, s: u32, amount: u32) -> u32 {
    let complement = 32 - amount;
    rrr(0, 1, complement >> 4 & 1, r, s, complement & 15)
}

/// `srai` ar, at, amount (0 to 31)
pub(crate) const fn srai(r: u32, t: u32, amount: u32) -> u32 {
    rrr(0, 1, 2 | amount >> 4, r, amount & 15, t)
}

/// `srli` ar, at, amount (0 to 15)
pub(crate) const fn srli(r: u32, t: u32, amount: u32) -> u32 {
    rrr(0, 1, 4, r, amount, t)
}

/// `addmi` at, as, imm8 * 256
pub(crate) const fn addmi(t: u32, s: u32, imm8: i64) -> u32 {
    rri8(2, 13, s, t, imm8)
}

/// A branch by a byte offset from 4 bytes ahead, on two registers: [`Condition`] as, at
pub(crate) const fn branch(condition: u32, s: u32, t: u32, offset: i64) -> u32 {
    rri8(7, condition, s, t, offset)
}

/// Numbers of the conditions of [`branch`]; one differs from its opposite in the highest bit.
pub(crate) mod condition {
    pub(crate) const EQUAL: u32 = 1;
    pub(crate) const LESS: u32 = 2;
    pub(crate) const LESS_UNSIGNED: u32 = 3;
    pub(crate) const NOT_EQUAL: u32 = 9;
    /// What makes a condition the opposite one.
    pub(crate) const OPPOSITE: u32 = 8;
}

/// The condition of [`branch_zero`] that a register is 0; the one that it is not is the opposite.
pub(crate) const IF_ZERO: u32 = 0;
/// The condition of [`branch_zero`] that a register is not 0.
pub(crate) const IF_NOT_ZERO: u32 = 1;

/// A branch by a byte offset from 4 bytes ahead, if a register compares with 0: equal 0, not equal 1, less 2, not less 3
pub(crate) const fn branch_zero(condition: u32, s: u32, offset: i64) -> u32 {
    bri12(6, s, condition, 1, offset)
}

/// `bbci` or `bbsi` as, bit: a branch by a byte offset from 4 bytes ahead if a bit is clear or set
pub(crate) const fn branch_bit(if_set: bool, s: u32, bit: u32, offset: i64) -> u32 {
    let condition = if if_set { 14 } else { 6 };
    rri8(7, condition | bit >> 4, s, bit & 15, offset)
}

/// `j` by a byte offset from 4 bytes ahead
pub(crate) const fn j(offset: i64) -> u32 {
    call(6, 0, offset)
}

/// `jx` as
pub(crate) const fn jx(s: u32) -> u32 {
    callx(s, 2, 2)
}

/// `call0` by an offset in words
pub(crate) const fn call0(words: i64) -> u32 {
    call(5, 0, words)
}

/// `callx0` as
pub(crate) const fn callx0(s: u32) -> u32 {
    callx(s, 3, 0)
}

/// `callx8` as
pub(crate) const fn callx8(s: u32) -> u32 {
    callx(s, 3, 2)
}

/// `ret.n`
pub(crate) const RET_N: u32 = rrrn(13, 15, 0, 0);
/// `retw.n`
pub(crate) const RETW_N: u32 = rrrn(13, 15, 0, 1);

/// `mov.n` at, as
pub(crate) const fn mov_n(t: u32, s: u32) -> u32 {
    rrrn(13, 0, s, t)
}

/// `movi` at, imm12
pub(crate) const fn movi(t: u32, imm12: i64) -> u32 {
    rri8(2, 10, field(imm12 >> 8, 4), t, imm12)
}

/// `movi.n` as, imm7 (-32 to 95)
pub(crate) const fn movi_n(s: u32, imm7: i64) -> u32 {
    field(imm7, 4) << 12 | s << 8 | field(imm7, 7) & 0x70 | 12
}

/// `l8ui`, `l16ui`, `l32i` at, as, offset in units, by the power of 2 that the unit has in bytes
pub(crate) const fn load(log2_bytes: u32, t: u32, s: u32, offset: i64) -> u32 {
    rri8(2, log2_bytes, s, t, offset)
}

/// `s8i`, `s16i`, `s32i` at, as, offset in units, by the power of 2 that the unit has in bytes
pub(crate) const fn store(log2_bytes: u32, t: u32, s: u32, offset: i64) -> u32 {
    rri8(2, 4 | log2_bytes, s, t, offset)
}

/// `l32i.n` at, as, offset in words (0 to 15)
pub(crate) const fn l32i_n(t: u32, s: u32, words: u32) -> u32 {
    rrrn(8, words & 15, s, t)
}

/// `s32i.n` at, as, offset in words (0 to 15)
pub(crate) const fn s32i_n(t: u32, s: u32, words: u32) -> u32 {
    rrrn(9, words & 15, s, t)
}

/// `l32r` at, from the word at `target`, for an instruction at `place`
pub(crate) const fn l32r(t: u32, place: i64, target: i64) -> u32 {
    field((target - ((place + 3) & !3)) >> 2, 16) << 8 | t << 4 | 1
}
