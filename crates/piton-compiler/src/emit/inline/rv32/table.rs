//! The instructions of RV32IMC and Zba, in the order of their names.

use super::{code, encode};
use crate::machine::Assembler;

/// What an instruction takes as an operand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operand {
    /// A register with its bit in the mask.
    Register(u32),
    /// A register of x8 to x15, as 0 to 7.
    Window,
    /// A number, shifted left, that the bits of the mask hold in two's complement.
    Signed {
        mask: u32,
        shift: u32,
        nonzero: bool,
    },
    /// A number, shifted left, without bits outside of the mask.
    Unsigned {
        mask: u32,
        shift: u32,
        nonzero: bool,
    },
    /// The distance of a label, which the bits of the mask hold in two's complement.
    Label(u32),
}

use Operand::{Label, Register, Window};

/// What becomes of the operands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// An instruction of 16 bits.
    Half(fn([u32; 3]) -> u32),
    /// An instruction of 32 bits.
    Word(fn([u32; 3]) -> u32),
    /// Several instructions.
    Sequence(fn(&mut Assembler, [u32; 3])),
}

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static [u8],
    pub(super) operands: &'static [Operand],
    pub(super) action: Action,
    /// Whether the last two operands are written as one, `offset(base)`.
    pub(super) has_address: bool,
    /// Whether the processor must have Zba.
    pub(super) is_zba: bool,
}

impl Row {
    const fn new(name: &'static [u8], operands: &'static [Operand], action: Action) -> Row {
        Row {
            name,
            operands,
            action,
            has_address: false,
            is_zba: false,
        }
    }

    const fn with_address(self) -> Row {
        Row {
            has_address: true,
            ..self
        }
    }

    const fn of_zba(self) -> Row {
        Row {
            is_zba: true,
            ..self
        }
    }
}

type Operands = &'static [Operand];

const fn word(name: &'static [u8], operands: Operands, encode: fn([u32; 3]) -> u32) -> Row {
    Row::new(name, operands, Action::Word(encode))
}

const fn half(name: &'static [u8], operands: Operands, encode: fn([u32; 3]) -> u32) -> Row {
    Row::new(name, operands, Action::Half(encode))
}

const fn sequence(
    name: &'static [u8],
    operands: Operands,
    emit: fn(&mut Assembler, [u32; 3]),
) -> Row {
    Row::new(name, operands, Action::Sequence(emit))
}

const fn signed(mask: u32) -> Operand {
    Operand::Signed {
        mask,
        shift: 0,
        nonzero: false,
    }
}

const fn unsigned(mask: u32) -> Operand {
    Operand::Unsigned {
        mask,
        shift: 0,
        nonzero: false,
    }
}

/// Any register.
const ANY: Operand = Register(u32::MAX);
/// Any register but x0.
const NOT_ZERO: Operand = Register(!1);

const NONE: Operands = &[];
const RR: Operands = &[ANY, ANY];
const RRR: Operands = &[ANY, ANY, ANY];
const RRI12: Operands = &[ANY, ANY, signed(0xfff)];
const RRU5: Operands = &[ANY, ANY, unsigned(0x1f)];
const RR_CSR: Operands = &[ANY, ANY, unsigned(0xfff)];
const R_CSR_U5: Operands = &[ANY, unsigned(0xfff), unsigned(0x1f)];
const RR_LABEL: Operands = &[ANY, ANY, Label(0x1ffe)];
const R_LABEL20: Operands = &[ANY, Label(0x1f_fffe)];
const R_LABEL: Operands = &[ANY, Label(u32::MAX)];
const R_ANY: Operands = &[ANY, signed(u32::MAX)];
const R_UPPER: Operands = &[
    ANY,
    Operand::Signed {
        mask: 0xffff_f000,
        shift: 12,
        nonzero: false,
    },
];
const R_ADDRESS: Operands = &[ANY, signed(0xfff), ANY];
const R_STACK: Operands = &[ANY, signed(0xfc)];
const N: Operands = &[NOT_ZERO];
const NN: Operands = &[NOT_ZERO, NOT_ZERO];
const N_I6: Operands = &[NOT_ZERO, signed(0x3f)];
const N_I6_NONZERO: Operands = &[
    NOT_ZERO,
    Operand::Signed {
        mask: 0x3f,
        shift: 0,
        nonzero: true,
    },
];
const N_U5: Operands = &[NOT_ZERO, unsigned(0x1f)];
const N_STACK: Operands = &[NOT_ZERO, signed(0xfc)];
const C_LUI: Operands = &[
    // Neither x0 nor x2.
    Register(!5),
    Operand::Unsigned {
        mask: 0x1_f800,
        shift: 12,
        nonzero: true,
    },
];
const HIGH_4SPN: Operands = &[
    Register(0xff00),
    Operand::Unsigned {
        mask: 0x3fc,
        shift: 0,
        nonzero: true,
    },
];
const WW: Operands = &[Window, Window];
const W_I6: Operands = &[Window, signed(0x3f)];
const W_U5: Operands = &[Window, unsigned(0x1f)];
const W_LABEL: Operands = &[Window, Label(0x1fe)];
const W_WORD: Operands = &[Window, signed(0x7c), Window];
const LABEL11: Operands = &[Label(0xffe)];

pub(super) const ROWS: [Row; 85] = [
    word(b"add", RRR, |[rd, rs1, rs2]| {
        encode::r(0, 0x0, rd, rs1, rs2)
    }),
    word(b"addi", RRI12, |[rd, rs, immediate]| {
        encode::i(0x13, 0, rd, rs, immediate)
    }),
    word(b"and_", RRR, |[rd, rs1, rs2]| {
        encode::r(7, 0x0, rd, rs1, rs2)
    }),
    word(b"andi", RRI12, |[rd, rs, immediate]| {
        encode::i(0x13, 7, rd, rs, immediate)
    }),
    word(b"auipc", R_UPPER, |[rd, immediate, _]| {
        encode::auipc(rd, immediate)
    }),
    word(b"beq", RR_LABEL, |[rs1, rs2, offset]| {
        encode::b(0, rs1, rs2, offset)
    }),
    word(b"bge", RR_LABEL, |[rs1, rs2, offset]| {
        encode::b(5, rs1, rs2, offset)
    }),
    word(b"bgeu", RR_LABEL, |[rs1, rs2, offset]| {
        encode::b(7, rs1, rs2, offset)
    }),
    word(b"blt", RR_LABEL, |[rs1, rs2, offset]| {
        encode::b(4, rs1, rs2, offset)
    }),
    word(b"bltu", RR_LABEL, |[rs1, rs2, offset]| {
        encode::b(6, rs1, rs2, offset)
    }),
    word(b"bne", RR_LABEL, |[rs1, rs2, offset]| {
        encode::b(1, rs1, rs2, offset)
    }),
    word(b"csrrc", RR_CSR, |[rd, rs, immediate]| {
        encode::i(0x73, 3, rd, rs, immediate)
    }),
    word(b"csrrs", RR_CSR, |[rd, rs, immediate]| {
        encode::i(0x73, 2, rd, rs, immediate)
    }),
    word(b"csrrw", RR_CSR, |[rd, rs, immediate]| {
        encode::i(0x73, 1, rd, rs, immediate)
    }),
    word(b"csrrci", R_CSR_U5, |[rd, csr, immediate]| {
        encode::i(0x73, 7, rd, immediate, csr)
    }),
    word(b"csrrsi", R_CSR_U5, |[rd, csr, immediate]| {
        encode::i(0x73, 6, rd, immediate, csr)
    }),
    word(b"csrrwi", R_CSR_U5, |[rd, csr, immediate]| {
        encode::i(0x73, 5, rd, immediate, csr)
    }),
    half(b"c_add", NN, |[rd, rs, _]| encode::c_add(rd, rs)),
    half(b"c_addi", N_I6_NONZERO, |[rd, immediate, _]| {
        encode::c_addi(rd, immediate)
    }),
    half(b"c_addi4spn", HIGH_4SPN, |[rd, offset, _]| {
        encode::c_addi4spn(rd, offset)
    }),
    half(b"c_and", WW, |[rd, rs, _]| encode::ca(3, rd, rs)),
    half(b"c_andi", W_I6, |[rd, immediate, _]| {
        encode::cb(2, rd, immediate)
    }),
    half(b"c_beqz", W_LABEL, |[rs, offset, _]| {
        encode::c_branch(6, rs, offset)
    }),
    half(b"c_bnez", W_LABEL, |[rs, offset, _]| {
        encode::c_branch(7, rs, offset)
    }),
    half(b"c_ebreak", NONE, |_| 0x9002),
    half(b"c_j", LABEL11, |[offset, ..]| encode::c_jump(5, offset)),
    half(b"c_jal", LABEL11, |[offset, ..]| encode::c_jump(1, offset)),
    half(b"c_jalr", N, |[rs, ..]| encode::c_jalr(rs)),
    half(b"c_jr", N, |[rs, ..]| encode::c_jr(rs)),
    half(b"c_li", N_I6, |[rd, immediate, _]| {
        encode::c_li(rd, immediate)
    }),
    half(b"c_lui", C_LUI, |[rd, immediate, _]| {
        encode::c_lui(rd, immediate)
    }),
    half(b"c_lw", W_WORD, |[rd, offset, rs]| {
        encode::c_word(2, rd, rs, offset)
    })
    .with_address(),
    half(b"c_lwsp", N_STACK, |[rd, offset, _]| {
        encode::c_lwsp(rd, offset)
    }),
    half(b"c_mv", NN, |[rd, rs, _]| encode::c_mv(rd, rs)),
    half(b"c_nop", NONE, |_| 0x0001),
    half(b"c_or", WW, |[rd, rs, _]| encode::ca(2, rd, rs)),
    half(b"c_slli", N_U5, |[rd, amount, _]| {
        encode::ci(2, 0, rd, amount)
    }),
    half(b"c_srai", W_U5, |[rd, amount, _]| encode::cb(1, rd, amount)),
    half(b"c_srli", W_U5, |[rd, amount, _]| encode::cb(0, rd, amount)),
    half(b"c_sub", WW, |[rd, rs, _]| encode::ca(0, rd, rs)),
    half(b"c_sw", W_WORD, |[rs2, offset, rs1]| {
        encode::c_word(6, rs2, rs1, offset)
    })
    .with_address(),
    half(b"c_swsp", R_STACK, |[rs, offset, _]| {
        encode::c_swsp(rs, offset)
    }),
    half(b"c_xor", WW, |[rd, rs, _]| encode::ca(1, rd, rs)),
    word(b"div", RRR, |[rd, rs1, rs2]| {
        encode::r(4, 0x1, rd, rs1, rs2)
    }),
    word(b"divu", RRR, |[rd, rs1, rs2]| {
        encode::r(5, 0x1, rd, rs1, rs2)
    }),
    word(b"ebreak", NONE, |_| 0x0010_0073),
    word(b"ecall", NONE, |_| 0x73),
    word(b"jal", R_LABEL20, |[rd, offset, _]| encode::jal(rd, offset)),
    word(b"jalr", RRI12, |[rd, rs, immediate]| {
        encode::i(0x67, 0, rd, rs, immediate)
    }),
    sequence(b"la", R_LABEL, |assembler, [rd, distance, _]| {
        code::load_address(assembler, rd, distance)
    }),
    word(b"lb", R_ADDRESS, |[rd, offset, rs]| {
        encode::i(0x3, 0, rd, rs, offset)
    })
    .with_address(),
    word(b"lbu", R_ADDRESS, |[rd, offset, rs]| {
        encode::i(0x3, 4, rd, rs, offset)
    })
    .with_address(),
    word(b"lh", R_ADDRESS, |[rd, offset, rs]| {
        encode::i(0x3, 1, rd, rs, offset)
    })
    .with_address(),
    word(b"lhu", R_ADDRESS, |[rd, offset, rs]| {
        encode::i(0x3, 5, rd, rs, offset)
    })
    .with_address(),
    sequence(b"li", R_ANY, |assembler, [rd, value, _]| {
        code::load_immediate(assembler, rd, value)
    }),
    word(b"lui", R_UPPER, |[rd, immediate, _]| {
        encode::lui(rd, immediate)
    }),
    word(b"lw", R_ADDRESS, |[rd, offset, rs]| {
        encode::i(0x3, 2, rd, rs, offset)
    })
    .with_address(),
    half(b"mv", RR, |[rd, rs, _]| encode::c_mv(rd, rs)),
    word(b"mul", RRR, |[rd, rs1, rs2]| {
        encode::r(0, 0x1, rd, rs1, rs2)
    }),
    word(b"mulh", RRR, |[rd, rs1, rs2]| {
        encode::r(1, 0x1, rd, rs1, rs2)
    }),
    word(b"mulhsu", RRR, |[rd, rs1, rs2]| {
        encode::r(2, 0x1, rd, rs1, rs2)
    }),
    word(b"mulhu", RRR, |[rd, rs1, rs2]| {
        encode::r(3, 0x1, rd, rs1, rs2)
    }),
    word(b"or_", RRR, |[rd, rs1, rs2]| {
        encode::r(6, 0x0, rd, rs1, rs2)
    }),
    word(b"ori", RRI12, |[rd, rs, immediate]| {
        encode::i(0x13, 6, rd, rs, immediate)
    }),
    word(b"rem", RRR, |[rd, rs1, rs2]| {
        encode::r(6, 0x1, rd, rs1, rs2)
    }),
    word(b"remu", RRR, |[rd, rs1, rs2]| {
        encode::r(7, 0x1, rd, rs1, rs2)
    }),
    word(b"sb", R_ADDRESS, |[rs2, offset, rs1]| {
        encode::s(0, rs1, rs2, offset)
    })
    .with_address(),
    word(b"sh", R_ADDRESS, |[rs2, offset, rs1]| {
        encode::s(1, rs1, rs2, offset)
    })
    .with_address(),
    word(b"sh1add", RRR, |[rd, rs1, rs2]| {
        encode::r(2, 0x10, rd, rs1, rs2)
    })
    .of_zba(),
    word(b"sh2add", RRR, |[rd, rs1, rs2]| {
        encode::r(4, 0x10, rd, rs1, rs2)
    })
    .of_zba(),
    word(b"sh3add", RRR, |[rd, rs1, rs2]| {
        encode::r(6, 0x10, rd, rs1, rs2)
    })
    .of_zba(),
    word(b"sll", RRR, |[rd, rs1, rs2]| {
        encode::r(1, 0x0, rd, rs1, rs2)
    }),
    word(b"slli", RRU5, |[rd, rs, immediate]| {
        encode::i(0x13, 1, rd, rs, immediate)
    }),
    word(b"slt", RRR, |[rd, rs1, rs2]| {
        encode::r(2, 0x0, rd, rs1, rs2)
    }),
    word(b"slti", RRI12, |[rd, rs, immediate]| {
        encode::i(0x13, 2, rd, rs, immediate)
    }),
    word(b"sltiu", RRI12, |[rd, rs, immediate]| {
        encode::i(0x13, 3, rd, rs, immediate)
    }),
    word(b"sltu", RRR, |[rd, rs1, rs2]| {
        encode::r(3, 0x0, rd, rs1, rs2)
    }),
    word(b"sra", RRR, |[rd, rs1, rs2]| {
        encode::r(5, 0x20, rd, rs1, rs2)
    }),
    word(b"srai", RRU5, |[rd, rs, amount]| {
        encode::i(0x13, 5, rd, rs, 0x400 | amount)
    }),
    word(b"srl", RRR, |[rd, rs1, rs2]| {
        encode::r(5, 0x0, rd, rs1, rs2)
    }),
    word(b"srli", RRU5, |[rd, rs, immediate]| {
        encode::i(0x13, 5, rd, rs, immediate)
    }),
    word(b"sub", RRR, |[rd, rs1, rs2]| {
        encode::r(0, 0x20, rd, rs1, rs2)
    }),
    word(b"sw", R_ADDRESS, |[rs2, offset, rs1]| {
        encode::s(2, rs1, rs2, offset)
    })
    .with_address(),
    word(b"xor", RRR, |[rd, rs1, rs2]| {
        encode::r(4, 0x0, rd, rs1, rs2)
    }),
    word(b"xori", RRI12, |[rd, rs, immediate]| {
        encode::i(0x13, 4, rd, rs, immediate)
    }),
];
