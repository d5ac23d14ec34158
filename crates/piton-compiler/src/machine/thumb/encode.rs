//! Encodings of Thumb instructions, named and grouped as in the ARM7TDMI and ARMv7-M manuals.
//!
//! Registers are their numbers. A 32-bit instruction is its two halfwords, the first one first.

/// Format 1, move shifted register: `lsl`, `lsr`, `asr` rd, rs, #imm5.
pub(crate) const fn shift_immediate(op: Shift, rd: u32, rs: u32, imm5: u32) -> u32 {
    (op as u32) << 11 | imm5 << 6 | rs << 3 | rd
}

/// The shifts of format 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Lsl = 0,
    Lsr = 1,
    Asr = 2,
}

/// Format 2: `add` rd, rs, rn.
pub(crate) const fn add_register(rd: u32, rs: u32, rn: u32) -> u32 {
    0x1800 | rn << 6 | rs << 3 | rd
}

/// Format 2: `sub` rd, rs, rn.
pub(crate) const fn sub_register(rd: u32, rs: u32, rn: u32) -> u32 {
    0x1a00 | rn << 6 | rs << 3 | rd
}

/// Format 2: `add` rd, rs, #imm3.
pub(crate) const fn add_immediate3(rd: u32, rs: u32, imm3: u32) -> u32 {
    0x1c00 | imm3 << 6 | rs << 3 | rd
}

/// Format 2: `sub` rd, rs, #imm3.
pub(crate) const fn sub_immediate3(rd: u32, rs: u32, imm3: u32) -> u32 {
    0x1e00 | imm3 << 6 | rs << 3 | rd
}

/// Format 3, move, compare, add, subtract immediate: op rd, #imm8.
pub(crate) const fn immediate8(op: Immediate8, rd: u32, imm8: u32) -> u32 {
    0x2000 | (op as u32) << 11 | rd << 8 | imm8
}

/// The operations of format 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Immediate8 {
    Mov = 0,
    Cmp = 1,
    Add = 2,
    Sub = 3,
}

/// Format 4, ALU operations: op rd, rs.
pub(crate) const fn alu(op: Alu, rd: u32, rs: u32) -> u32 {
    0x4000 | (op as u32) << 6 | rs << 3 | rd
}

/// The operations of format 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alu {
    And = 0,
    Eor = 1,
    Lsl = 2,
    Lsr = 3,
    Asr = 4,
    Adc = 5,
    Sbc = 6,
    Ror = 7,
    Tst = 8,
    Neg = 9,
    Cmp = 10,
    Cmn = 11,
    Orr = 12,
    Mul = 13,
    Bic = 14,
    Mvn = 15,
}

/// Format 5: `mov` rd, rs, any registers.
pub(crate) const fn mov(rd: u32, rs: u32) -> u32 {
    0x4600 | (rd & 8) << 4 | rs << 3 | rd & 7
}

/// Format 5: `bx` rs.
pub(crate) const fn bx(rs: u32) -> u32 {
    0x4700 | rs << 3
}

/// Format 5: `add` rd, rs, any registers.
pub(crate) const fn add_high(rd: u32, rs: u32) -> u32 {
    0x4400 | (rd & 8) << 4 | rs << 3 | rd & 7
}

/// Format 5: `blx` rs.
pub(crate) const fn blx(rs: u32) -> u32 {
    0x4780 | rs << 3
}

/// Format 6: `ldr` rd, [pc, #imm8 words].
pub(crate) const fn ldr_pc(rd: u32, imm8: u32) -> u32 {
    0x4800 | rd << 8 | imm8
}

/// Formats 7 and 8, load and store with a register offset: op rd, [rb, ro].
pub(crate) const fn transfer_indexed(op: Indexed, rd: u32, rb: u32, ro: u32) -> u32 {
    0x5000 | (op as u32) << 9 | ro << 6 | rb << 3 | rd
}

/// The transfers of formats 7 and 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexed {
    Str = 0,
    Strh = 1,
    Strb = 2,
    Ldr = 4,
    Ldrh = 5,
    Ldrb = 6,
}

/// Formats 9 and 10, load and store with an immediate offset, counted in units of the transfer: op rd, [rb, #imm5].
pub(crate) const fn transfer(op: Transfer, rd: u32, rb: u32, imm5: u32) -> u32 {
    (op as u32) << 11 | imm5 << 6 | rb << 3 | rd
}

/// The transfers of formats 9 and 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    Str = 12,
    Ldr = 13,
    Strb = 14,
    Ldrb = 15,
    Strh = 16,
    Ldrh = 17,
}

/// Format 11: `str` rd, [sp, #imm8 words].
pub(crate) const fn str_sp(rd: u32, imm8: u32) -> u32 {
    0x9000 | rd << 8 | imm8 & 0xff
}

/// Format 11: `ldr` rd, [sp, #imm8 words].
pub(crate) const fn ldr_sp(rd: u32, imm8: u32) -> u32 {
    0x9800 | rd << 8 | imm8 & 0xff
}

/// Format 12: `add` rd, sp, #imm8 words.
pub(crate) const fn add_sp(rd: u32, imm8: u32) -> u32 {
    0xa800 | rd << 8 | imm8 & 0xff
}

/// Format 13: `add` sp, #imm7 words.
pub(crate) const fn raise_sp(imm7: u32) -> u32 {
    0xb000 | imm7
}

/// Format 13: `sub` sp, #imm7 words.
pub(crate) const fn lower_sp(imm7: u32) -> u32 {
    0xb080 | imm7
}

/// `sxth` rd, rs
pub(crate) const fn sxth(rd: u32, rs: u32) -> u32 {
    0xb200 | rs << 3 | rd
}

/// Format 14: `push` {low registers, lr}.
pub(crate) const fn push(low_registers: u32, lr: bool) -> u32 {
    0xb400 | (lr as u32) << 8 | low_registers
}

/// Format 14: `pop` {low registers, pc}.
pub(crate) const fn pop(low_registers: u32, pc: bool) -> u32 {
    0xbc00 | (pc as u32) << 8 | low_registers
}

/// Format 16: a conditional branch by a byte offset from pc, which is 4 bytes ahead.
pub(crate) const fn branch_if(condition: u32, offset: i64) -> u32 {
    0xd000 | condition << 8 | bits(offset, 1, 8)
}

/// Format 18: `b` by a byte offset from pc.
pub(crate) const fn branch(offset: i64) -> u32 {
    0xe000 | bits(offset, 1, 11)
}

/// `nop`
pub(crate) const NOP: u32 = 0xbf00;
/// `wfi`
pub(crate) const WFI: u32 = 0xbf30;
/// `cpsid i`
pub(crate) const CPSID_I: u32 = 0xb672;
/// `cpsie i`
pub(crate) const CPSIE_I: u32 = 0xb662;

/// `it` with a condition and the mask of the other instructions, as the manual has it.
pub(crate) const fn it(condition: u32, mask: u32) -> u32 {
    0xbf00 | condition << 4 | mask
}

/// `bl` by a byte offset from pc (two halves of format 19).
pub(crate) const fn branch_link(offset: i64) -> [u32; 2] {
    [0xf000 | bits(offset, 12, 11), 0xf800 | bits(offset, 1, 11)]
}

/// `b<c>.w` by a byte offset from pc (ARMv7-M, encoding T3).
pub(crate) const fn branch_if_wide(condition: u32, offset: i64) -> [u32; 2] {
    [
        0xf000 | bits(offset, 20, 1) << 10 | condition << 6 | bits(offset, 12, 6),
        0x8000 | bits(offset, 18, 1) << 13 | bits(offset, 19, 1) << 11 | bits(offset, 1, 11),
    ]
}

/// [`branch_if_wide`] as the official compiler had it before 1.27: right for distances that fit in 12 bits.
pub(crate) const fn branch_if_wide_before_1_27(condition: u32, offset: i64) -> [u32; 2] {
    [
        0xf000 | bits(offset, 20, 1) << 10 | condition << 6 | bits(offset, 14, 6),
        0x8000 | bits(offset, 13, 1) << 13 | bits(offset, 1, 12),
    ]
}

/// `b.w` by a byte offset from pc (ARMv7-M, encoding T4 for distances below 4 MiB).
pub(crate) const fn branch_wide(offset: i64) -> [u32; 2] {
    [0xf000 | bits(offset, 12, 11), 0xb800 | bits(offset, 1, 11)]
}

/// `addw` rd, rn, #imm12 (ARMv7-M). The official compiler leaves out the highest bit.
pub(crate) const fn addw(rd: u32, rn: u32, imm12: u32) -> [u32; 2] {
    [0xf200 | rn, (imm12 >> 8 & 7) << 12 | rd << 8 | imm12 & 0xff]
}

/// `subw` rd, rn, #imm12 (ARMv7-M). The official compiler leaves out the highest bit.
pub(crate) const fn subw(rd: u32, rn: u32, imm12: u32) -> [u32; 2] {
    [0xf2a0 | rn, (imm12 >> 8 & 7) << 12 | rd << 8 | imm12 & 0xff]
}

/// `ldrb.w`, `ldrh.w`, `ldr.w` rt, [rn, #imm12 bytes] by the power of 2 that the width has in bytes (ARMv7-M).
pub(crate) const fn load_wide(log2_bytes: u32, rt: u32, rn: u32, imm12: u32) -> [u32; 2] {
    [0xf890 | log2_bytes << 5 | rn, rt << 12 | imm12]
}

/// `strb.w`, `strh.w`, `str.w` rt, [rn, #imm12 bytes] by the power of 2 that the width has in bytes (ARMv7-M).
pub(crate) const fn store_wide(log2_bytes: u32, rt: u32, rn: u32, imm12: u32) -> [u32; 2] {
    [0xf880 | log2_bytes << 5 | rn, rt << 12 | imm12]
}

/// `movw` rd, #imm16 (ARMv7-M).
pub(crate) const fn movw(rd: u32, imm16: u32) -> [u32; 2] {
    move_16(0xf240, rd, imm16)
}

/// `movt` rd, #imm16 (ARMv7-M).
pub(crate) const fn movt(rd: u32, imm16: u32) -> [u32; 2] {
    move_16(0xf2c0, rd, imm16)
}

const fn move_16(op: u32, rd: u32, imm16: u32) -> [u32; 2] {
    [
        op | (imm16 >> 11 & 1) << 10 | imm16 >> 12 & 0xf,
        (imm16 >> 8 & 7) << 12 | rd << 8 | imm16 & 0xff,
    ]
}

/// `clz` rd, rm (ARMv7-M).
pub(crate) const fn clz(rd: u32, rm: u32) -> [u32; 2] {
    [0xfab0 | rm, 0xf080 | rd << 8 | rm]
}

/// `rbit` rd, rm (ARMv7-M).
pub(crate) const fn rbit(rd: u32, rm: u32) -> [u32; 2] {
    [0xfa90 | rm, 0xf0a0 | rd << 8 | rm]
}

/// `mrs` rd, special register (ARMv7-M).
pub(crate) const fn mrs(rd: u32, special: u32) -> [u32; 2] {
    [0xf3ef, 0x8000 | rd << 8 | special]
}

/// `sdiv` rd, rn, rm (ARMv7-M).
pub(crate) const fn sdiv(rd: u32, rn: u32, rm: u32) -> [u32; 2] {
    [0xfb90 | rn, 0xf0f0 | rd << 8 | rm]
}

/// `udiv` rd, rn, rm (ARMv7-M).
pub(crate) const fn udiv(rd: u32, rn: u32, rm: u32) -> [u32; 2] {
    [0xfbb0 | rn, 0xf0f0 | rd << 8 | rm]
}

/// `ldrex` rt, [rn, #imm8 words] (ARMv7-M).
pub(crate) const fn ldrex(rt: u32, rn: u32, imm8: u32) -> [u32; 2] {
    [0xe850 | rn, 0x0f00 | rt << 12 | imm8]
}

/// `strex` rd, rt, [rn, #imm8 words] (ARMv7-M).
pub(crate) const fn strex(rd: u32, rt: u32, rn: u32, imm8: u32) -> [u32; 2] {
    [0xe840 | rn, rt << 12 | rd << 8 | imm8]
}

/// `push.w` {registers} (ARMv7-M).
pub(crate) const fn push_wide(registers: u32) -> [u32; 2] {
    [0xe92d, registers]
}

/// `pop.w` {registers} (ARMv7-M).
pub(crate) const fn pop_wide(registers: u32) -> [u32; 2] {
    [0xe8bd, registers]
}

/// `count` bits of a number, from bit `lowest` on.
const fn bits(number: i64, lowest: u32, count: u32) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the field is a part of two's complement"
    )]
    let shifted = (number >> lowest) as u32;
    shifted & ((1 << count) - 1)
}

/// Numbers of the conditions; one differs from its opposite in the lowest bit.
pub(crate) mod condition {
    pub(crate) const EQ: u32 = 0;
    pub(crate) const NE: u32 = 1;
    pub(crate) const CS: u32 = 2;
    pub(crate) const CC: u32 = 3;
    pub(crate) const HI: u32 = 8;
    pub(crate) const LS: u32 = 9;
    pub(crate) const GE: u32 = 10;
    pub(crate) const LT: u32 = 11;
    pub(crate) const GT: u32 = 12;
    pub(crate) const LE: u32 = 13;
}

/// Instructions of the single-precision floating-point extension (FPv4-SP). Registers are s0 to s31.
pub(crate) mod vfp {
    /// `vadd.f32`, `vsub.f32`, `vmul.f32`, `vdiv.f32` sd, sn, sm.
    pub(crate) const fn arithmetic(op: Arithmetic, sd: u32, sn: u32, sm: u32) -> [u32; 2] {
        let (high, low) = match op {
            Arithmetic::Add => (0xee30, 0x0a00),
            Arithmetic::Sub => (0xee30, 0x0a40),
            Arithmetic::Mul => (0xee20, 0x0a00),
            Arithmetic::Div => (0xee80, 0x0a00),
        };
        [
            high | (sd & 1) << 6 | sn >> 1,
            low | (sd >> 1) << 12 | (sn & 1) << 7 | (sm & 1) << 5 | sm >> 1,
        ]
    }

    /// The operations on three registers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Arithmetic {
        Add,
        Sub,
        Mul,
        Div,
    }

    /// An instruction on two registers, by the fixed bits of its halves: op sd, sm.
    pub(crate) const fn two_registers(fixed: [u32; 2], sd: u32, sm: u32) -> [u32; 2] {
        let [high, low] = fixed;
        [
            high | (sd & 1) << 6,
            low | (sd >> 1) << 12 | (sm & 1) << 5 | sm >> 1,
        ]
    }

    /// `vcmp.f32`, which signals invalid operation for a quiet NaN too (`vcmpe`).
    pub(crate) const VCMP: [u32; 2] = [0xeeb4, 0x0ac0];
    /// `vsqrt.f32`
    pub(crate) const VSQRT: [u32; 2] = [0xeeb1, 0x0ac0];
    /// `vneg.f32`
    pub(crate) const VNEG: [u32; 2] = [0xeeb1, 0x0a40];
    /// `vcvt.f32.s32`
    pub(crate) const VCVT_F32_S32: [u32; 2] = [0xeeb8, 0x0ac0];
    /// `vcvt.s32.f32`
    pub(crate) const VCVT_S32_F32: [u32; 2] = [0xeebd, 0x0ac0];

    /// `vmrs` rt, fpscr.
    pub(crate) const fn vmrs(rt: u32) -> [u32; 2] {
        [0xeef1, 0x0a10 | rt << 12]
    }

    /// `vmov` between a core register and sn, to the core register or from it.
    pub(crate) const fn vmov(to_core: bool, rt: u32, sn: u32) -> [u32; 2] {
        [
            0xee00 | (to_core as u32) << 4 | sn >> 1,
            0x0a10 | rt << 12 | (sn & 1) << 7,
        ]
    }

    /// `vldr` sd, [rn, #imm8 words].
    pub(crate) const fn vldr(sd: u32, rn: u32, imm8: u32) -> [u32; 2] {
        [0xed90 | (sd & 1) << 6 | rn, 0x0a00 | (sd >> 1) << 12 | imm8]
    }

    /// `vstr` sd, [rn, #imm8 words].
    pub(crate) const fn vstr(sd: u32, rn: u32, imm8: u32) -> [u32; 2] {
        [0xed80 | (sd & 1) << 6 | rn, 0x0a00 | (sd >> 1) << 12 | imm8]
    }
}
