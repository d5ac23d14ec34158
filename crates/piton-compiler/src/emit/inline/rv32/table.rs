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
    /// Format R: rd, rs1, rs2.
    Registers { funct3: u32, funct7: u32 },
    /// Format I: rd, rs1 and a number.
    Immediate { opcode: u32, funct3: u32 },
    /// Format I of a load: rd, offset and base.
    Load { funct3: u32 },
    /// Format S: the source, offset and base.
    Store { funct3: u32 },
    /// Format B: rs1, rs2 and a distance.
    Branch { funct3: u32 },
    /// An instruction of 16 bits.
    Half(fn([u32; 3]) -> u32),
    /// An instruction of 32 bits.
    Word(fn([u32; 3]) -> u32),
    /// Several instructions.
    Sequence(fn(&mut Assembler, [u32; 3])),
}

impl Action {
    /// Emits the instruction with these operands.
    pub(super) fn emit(self, assembler: &mut Assembler, operands: [u32; 3]) {
        let [first, second, third] = operands;
        let word = match self {
            Action::Registers { funct3, funct7 } => encode::r(funct3, funct7, first, second, third),
            Action::Immediate { opcode, funct3 } => encode::i(opcode, funct3, first, second, third),
            Action::Load { funct3 } => encode::i(0x3, funct3, first, third, second),
            Action::Store { funct3 } => encode::s(funct3, third, first, second),
            Action::Branch { funct3 } => encode::b(funct3, first, second, third),
            Action::Word(encode) => encode(operands),
            Action::Half(encode) => return code::half(assembler, encode(operands)),
            Action::Sequence(emit) => return emit(assembler, operands),
        };
        code::word(assembler, word);
    }
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

const fn registers(name: &'static [u8], funct3: u32, funct7: u32) -> Row {
    Row::new(name, RRR, Action::Registers { funct3, funct7 })
}

const fn immediate(name: &'static [u8], operands: Operands, opcode: u32, funct3: u32) -> Row {
    Row::new(name, operands, Action::Immediate { opcode, funct3 })
}

const fn load(name: &'static [u8], funct3: u32) -> Row {
    Row::new(name, R_ADDRESS, Action::Load { funct3 }).with_address()
}

const fn store(name: &'static [u8], funct3: u32) -> Row {
    Row::new(name, R_ADDRESS, Action::Store { funct3 }).with_address()
}

const fn branch(name: &'static [u8], funct3: u32) -> Row {
    Row::new(name, RR_LABEL, Action::Branch { funct3 })
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
    registers(b"add", 0, 0x0),
    immediate(b"addi", RRI12, 0x13, 0),
    registers(b"and_", 7, 0x0),
    immediate(b"andi", RRI12, 0x13, 7),
    word(b"auipc", R_UPPER, |[rd, immediate, _]| {
        encode::auipc(rd, immediate)
    }),
    branch(b"beq", 0),
    branch(b"bge", 5),
    branch(b"bgeu", 7),
    branch(b"blt", 4),
    branch(b"bltu", 6),
    branch(b"bne", 1),
    immediate(b"csrrc", RR_CSR, 0x73, 3),
    immediate(b"csrrs", RR_CSR, 0x73, 2),
    immediate(b"csrrw", RR_CSR, 0x73, 1),
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
    registers(b"div", 4, 0x1),
    registers(b"divu", 5, 0x1),
    word(b"ebreak", NONE, |_| 0x0010_0073),
    word(b"ecall", NONE, |_| 0x73),
    word(b"jal", R_LABEL20, |[rd, offset, _]| encode::jal(rd, offset)),
    immediate(b"jalr", RRI12, 0x67, 0),
    sequence(b"la", R_LABEL, |assembler, [rd, distance, _]| {
        code::load_address(assembler, rd, distance)
    }),
    load(b"lb", 0),
    load(b"lbu", 4),
    load(b"lh", 1),
    load(b"lhu", 5),
    sequence(b"li", R_ANY, |assembler, [rd, value, _]| {
        code::load_immediate(assembler, rd, value)
    }),
    word(b"lui", R_UPPER, |[rd, immediate, _]| {
        encode::lui(rd, immediate)
    }),
    load(b"lw", 2),
    half(b"mv", RR, |[rd, rs, _]| encode::c_mv(rd, rs)),
    registers(b"mul", 0, 0x1),
    registers(b"mulh", 1, 0x1),
    registers(b"mulhsu", 2, 0x1),
    registers(b"mulhu", 3, 0x1),
    registers(b"or_", 6, 0x0),
    immediate(b"ori", RRI12, 0x13, 6),
    registers(b"rem", 6, 0x1),
    registers(b"remu", 7, 0x1),
    store(b"sb", 0),
    store(b"sh", 1),
    registers(b"sh1add", 2, 0x10).of_zba(),
    registers(b"sh2add", 4, 0x10).of_zba(),
    registers(b"sh3add", 6, 0x10).of_zba(),
    registers(b"sll", 1, 0x0),
    immediate(b"slli", RRU5, 0x13, 1),
    registers(b"slt", 2, 0x0),
    immediate(b"slti", RRI12, 0x13, 2),
    immediate(b"sltiu", RRI12, 0x13, 3),
    registers(b"sltu", 3, 0x0),
    registers(b"sra", 5, 0x20),
    word(b"srai", RRU5, |[rd, rs, amount]| {
        encode::i(0x13, 5, rd, rs, 0x400 | amount)
    }),
    registers(b"srl", 5, 0x0),
    immediate(b"srli", RRU5, 0x13, 5),
    registers(b"sub", 0, 0x20),
    store(b"sw", 2),
    registers(b"xor", 4, 0x0),
    immediate(b"xori", RRI12, 0x13, 4),
];
