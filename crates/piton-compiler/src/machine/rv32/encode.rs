//! Encodings of RISC-V instructions (RV32IMC with Zba and Zcmp), by the formats of the unprivileged manual.
//!
//! Registers are their numbers, x0 to x31; "window" marks one of x8 to x15 as 0 to 7. Immediates are two's complement in
//! 32 bits, of which each format takes its part.

/// Format R.
pub(crate) const fn r(funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33
}

/// Format I.
pub(crate) const fn i(opcode: u32, funct3: u32, rd: u32, rs: u32, immediate: u32) -> u32 {
    immediate << 20 | rs << 15 | funct3 << 12 | rd << 7 | opcode
}

/// Format S: stores rs2 after rs1.
pub(crate) const fn s(funct3: u32, rs1: u32, rs2: u32, immediate: u32) -> u32 {
    (immediate & 0xfe0) << 20
        | rs2 << 20
        | rs1 << 15
        | funct3 << 12
        | (immediate & 0x1f) << 7
        | 0x23
}

/// Format B.
pub(crate) const fn b(funct3: u32, rs1: u32, rs2: u32, offset: u32) -> u32 {
    (offset >> 12 & 1) << 31
        | (offset >> 5 & 0x3f) << 25
        | rs2 << 20
        | rs1 << 15
        | funct3 << 12
        | (offset >> 1 & 0xf) << 8
        | (offset >> 11 & 1) << 7
        | 0x63
}

/// Format U.
pub(crate) const fn u(opcode: u32, rd: u32, immediate: u32) -> u32 {
    immediate & 0xffff_f000 | rd << 7 | opcode
}

/// `jal` rd, offset (format J)
pub(crate) const fn jal(rd: u32, offset: u32) -> u32 {
    (offset >> 20 & 1) << 31
        | (offset >> 1 & 0x3ff) << 21
        | (offset >> 11 & 1) << 20
        | (offset >> 12 & 0xff) << 12
        | rd << 7
        | 0x6f
}

/// Format CR.
pub(crate) const fn cr(funct4: u32, rd: u32, rs2: u32) -> u32 {
    funct4 << 12 | rd << 7 | rs2 << 2 | 2
}

/// Format CI, with the six bits of an immediate in their order.
pub(crate) const fn ci(op: u32, funct3: u32, rd: u32, imm6: u32) -> u32 {
    funct3 << 13 | (imm6 >> 5 & 1) << 12 | rd << 7 | (imm6 & 0x1f) << 2 | op
}

/// Format CA. The official compiler takes two of the three bits of each window register.
pub(crate) const fn ca(funct2: u32, rd: u32, rs2: u32) -> u32 {
    0x23 << 10 | (rd & 3) << 7 | funct2 << 5 | (rs2 & 3) << 2 | 1
}

/// Format CB of arithmetic: `c.srli`, `c.srai`, `c.andi` (funct2 0, 1, 2) rd (window), imm6
pub(crate) const fn cb(funct2: u32, rd: u32, imm6: u32) -> u32 {
    4 << 13 | (imm6 >> 5 & 1) << 12 | funct2 << 10 | (rd & 7) << 7 | (imm6 & 0x1f) << 2 | 1
}

/// Format CB of branches: `c.beqz`, `c.bnez` (funct3 6, 7) rs (window), offset
pub(crate) const fn c_branch(funct3: u32, rs: u32, offset: u32) -> u32 {
    funct3 << 13
        | (offset >> 8 & 1) << 12
        | (offset >> 3 & 3) << 10
        | (rs & 7) << 7
        | (offset >> 6 & 3) << 5
        | (offset >> 1 & 3) << 3
        | (offset >> 5 & 1) << 2
        | 1
}

/// Format CJ: `c.jal`, `c.j` (funct3 1, 5) offset
pub(crate) const fn c_jump(funct3: u32, offset: u32) -> u32 {
    funct3 << 13
        | (offset >> 11 & 1) << 12
        | (offset >> 4 & 1) << 11
        | (offset >> 8 & 3) << 9
        | (offset >> 10 & 1) << 8
        | (offset >> 6 & 1) << 7
        | (offset >> 7 & 1) << 6
        | (offset >> 1 & 7) << 3
        | (offset >> 5 & 1) << 2
        | 1
}

/// Formats CL and CS of words: `c.lw`, `c.sw` (funct3 2, 6) rd (window), offset(rs) (window)
pub(crate) const fn c_word(funct3: u32, rd: u32, rs: u32, offset: u32) -> u32 {
    funct3 << 13
        | (offset >> 3 & 7) << 10
        | (rs & 7) << 7
        | (offset >> 2 & 1) << 6
        | (offset >> 6 & 1) << 5
        | (rd & 7) << 2
}

/// Format CMPP: `cm.push`, `cm.pop`, `cm.popretz`, `cm.popret` by bits 12 to 8; the adjustment counts 16 bytes.
pub(crate) const fn cmpp(bits: u32, registers: u32, adjustment: u32) -> u32 {
    5 << 13 | bits << 8 | (registers & 0xf) << 4 | (adjustment & 3) << 2 | 2
}

/// Format CMMV: `cm.mvsa01`, `cm.mva01s` (funct2 1, 3) of registers s0 to s7
pub(crate) const fn cmmv(funct2: u32, first: u32, second: u32) -> u32 {
    0x2b << 10 | saved(first) << 7 | funct2 << 5 | saved(second) << 2 | 2
}

/// The number of a saved register, s0 to s7.
const fn saved(register: u32) -> u32 {
    if register < 10 {
        register - 8
    } else {
        (register - 16) & 7
    }
}

/// `add` rd, rs1, rs2
pub(crate) const fn add(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0, 0, rd, rs1, rs2)
}

/// `sub` rd, rs1, rs2
pub(crate) const fn sub(rd: u32, rs1: u32, rs2: u32) -> u32 {
    r(0, 0x20, rd, rs1, rs2)
}

/// `addi` rd, rs, imm12
pub(crate) const fn addi(rd: u32, rs: u32, imm12: u32) -> u32 {
    i(0x13, 0, rd, rs, imm12)
}

/// `auipc` rd, immediate
pub(crate) const fn auipc(rd: u32, immediate: u32) -> u32 {
    u(0x17, rd, immediate)
}

/// `lui` rd, immediate
pub(crate) const fn lui(rd: u32, immediate: u32) -> u32 {
    u(0x37, rd, immediate)
}

/// `c.addi` rd, imm6
pub(crate) const fn c_addi(rd: u32, imm6: u32) -> u32 {
    ci(1, 0, rd, imm6)
}

/// `c.li` rd, imm6
pub(crate) const fn c_li(rd: u32, imm6: u32) -> u32 {
    ci(1, 2, rd, imm6)
}

/// `c.lui` rd, immediate of 18 bits, whose low 12 are 0
pub(crate) const fn c_lui(rd: u32, immediate: u32) -> u32 {
    ci(1, 3, rd, immediate >> 12)
}

/// `c.addi4spn` rd (window), offset
pub(crate) const fn c_addi4spn(rd: u32, offset: u32) -> u32 {
    (offset >> 4 & 3) << 11
        | (offset >> 6 & 0xf) << 7
        | (offset >> 2 & 1) << 6
        | (offset >> 3 & 1) << 5
        | (rd & 7) << 2
}

/// `c.lwsp` rd, offset
pub(crate) const fn c_lwsp(rd: u32, offset: u32) -> u32 {
    ci(2, 2, rd, offset & 0x3c | offset >> 6 & 3)
}

/// `c.swsp` rs, offset
pub(crate) const fn c_swsp(rs: u32, offset: u32) -> u32 {
    6 << 13 | (offset & 0x3c | offset >> 6 & 3) << 7 | rs << 2 | 2
}

/// `c.mv` rd, rs
pub(crate) const fn c_mv(rd: u32, rs: u32) -> u32 {
    cr(8, rd, rs)
}

/// `c.add` rd, rs
pub(crate) const fn c_add(rd: u32, rs: u32) -> u32 {
    cr(9, rd, rs)
}

/// `c.jr` rs
pub(crate) const fn c_jr(rs: u32) -> u32 {
    cr(8, rs, 0)
}

/// `c.jalr` rs
pub(crate) const fn c_jalr(rs: u32) -> u32 {
    cr(9, rs, 0)
}
