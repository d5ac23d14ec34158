//! RISC-V: RV32IMC with Zicsr, Zba and Zcmp, after the unprivileged manual. Registers have the names of the calling convention.

use super::Table;
use super::patterns::{Operand, Processor, Row, row, signed, unsigned};

pub(super) const RV32: Processor = Processor {
    rows: ROWS,
    length: |first| if first & 3 == 3 { 4 } else { 2 },
    operand,
    tables: &[
        ("lw", "s1", Table::Functions),
        ("c.lw", "s1", Table::Functions),
        ("lhu", "s4", Table::Strings),
        // As compilers up to 1.25 keep it.
        ("lhu", "s5", Table::Strings),
    ],
};

const REGISTERS: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
];

const ROWS: &[Row] = &[
    // 32 bits: RV32I
    row("iiiiiiiiiiiiiiiiiiii ddddd 0110111", "lui rd, upper"),
    row("iiiiiiiiiiiiiiiiiiii ddddd 0010111", "auipc rd, upper"),
    row("iiiiiiiiiiiiiiiiiiii 00000 1101111", "j far"),
    row("iiiiiiiiiiiiiiiiiiii ddddd 1101111", "jal rd, far"),
    row("000000000000 00001 000 00000 1100111", "ret"),
    row("iiiiiiiiiiii sssss 000 00000 1100111", "jr i(rs1)"),
    row("iiiiiiiiiiii sssss 000 ddddd 1100111", "jalr rd, i(rs1)"),
    row(
        "iiiiiii ttttt sssss 000 iiiii 1100011",
        "beq rs1, rs2, near",
    ),
    row(
        "iiiiiii ttttt sssss 001 iiiii 1100011",
        "bne rs1, rs2, near",
    ),
    row(
        "iiiiiii ttttt sssss 100 iiiii 1100011",
        "blt rs1, rs2, near",
    ),
    row(
        "iiiiiii ttttt sssss 101 iiiii 1100011",
        "bge rs1, rs2, near",
    ),
    row(
        "iiiiiii ttttt sssss 110 iiiii 1100011",
        "bltu rs1, rs2, near",
    ),
    row(
        "iiiiiii ttttt sssss 111 iiiii 1100011",
        "bgeu rs1, rs2, near",
    ),
    row("iiiiiiiiiiii sssss 000 ddddd 0000011", "lb rd, i(rs1)"),
    row("iiiiiiiiiiii sssss 001 ddddd 0000011", "lh rd, i(rs1)"),
    row("iiiiiiiiiiii sssss 010 ddddd 0000011", "lw rd, i(rs1)"),
    row("iiiiiiiiiiii sssss 100 ddddd 0000011", "lbu rd, i(rs1)"),
    row("iiiiiiiiiiii sssss 101 ddddd 0000011", "lhu rd, i(rs1)"),
    row(
        "iiiiiii ttttt sssss 000 iiiii 0100011",
        "sb rs2, store(rs1)",
    ),
    row(
        "iiiiiii ttttt sssss 001 iiiii 0100011",
        "sh rs2, store(rs1)",
    ),
    row(
        "iiiiiii ttttt sssss 010 iiiii 0100011",
        "sw rs2, store(rs1)",
    ),
    row("iiiiiiiiiiii sssss 000 ddddd 0010011", "addi rd, rs1, i"),
    row("iiiiiiiiiiii sssss 010 ddddd 0010011", "slti rd, rs1, i"),
    row("iiiiiiiiiiii sssss 011 ddddd 0010011", "sltiu rd, rs1, i"),
    row("iiiiiiiiiiii sssss 100 ddddd 0010011", "xori rd, rs1, i"),
    row("iiiiiiiiiiii sssss 110 ddddd 0010011", "ori rd, rs1, i"),
    row("iiiiiiiiiiii sssss 111 ddddd 0010011", "andi rd, rs1, i"),
    row(
        "0000000 iiiii sssss 001 ddddd 0010011",
        "slli rd, rs1, shift",
    ),
    row(
        "0000000 iiiii sssss 101 ddddd 0010011",
        "srli rd, rs1, shift",
    ),
    row(
        "0100000 iiiii sssss 101 ddddd 0010011",
        "srai rd, rs1, shift",
    ),
    row("0000000 ttttt sssss 000 ddddd 0110011", "add rd, rs1, rs2"),
    row("0100000 ttttt sssss 000 ddddd 0110011", "sub rd, rs1, rs2"),
    row("0000000 ttttt sssss 001 ddddd 0110011", "sll rd, rs1, rs2"),
    row("0000000 ttttt sssss 010 ddddd 0110011", "slt rd, rs1, rs2"),
    row("0000000 ttttt sssss 011 ddddd 0110011", "sltu rd, rs1, rs2"),
    row("0000000 ttttt sssss 100 ddddd 0110011", "xor rd, rs1, rs2"),
    row("0000000 ttttt sssss 101 ddddd 0110011", "srl rd, rs1, rs2"),
    row("0100000 ttttt sssss 101 ddddd 0110011", "sra rd, rs1, rs2"),
    row("0000000 ttttt sssss 110 ddddd 0110011", "or rd, rs1, rs2"),
    row("0000000 ttttt sssss 111 ddddd 0110011", "and rd, rs1, rs2"),
    row("iiiiiiiiiiii 00000 000 00000 0001111", "fence"),
    row("000000000000 00000 001 00000 0001111", "fence.i"),
    row("000000000000 00000 000 00000 1110011", "ecall"),
    row("000000000001 00000 000 00000 1110011", "ebreak"),
    // M
    row("0000001 ttttt sssss 000 ddddd 0110011", "mul rd, rs1, rs2"),
    row("0000001 ttttt sssss 001 ddddd 0110011", "mulh rd, rs1, rs2"),
    row(
        "0000001 ttttt sssss 010 ddddd 0110011",
        "mulhsu rd, rs1, rs2",
    ),
    row(
        "0000001 ttttt sssss 011 ddddd 0110011",
        "mulhu rd, rs1, rs2",
    ),
    row("0000001 ttttt sssss 100 ddddd 0110011", "div rd, rs1, rs2"),
    row("0000001 ttttt sssss 101 ddddd 0110011", "divu rd, rs1, rs2"),
    row("0000001 ttttt sssss 110 ddddd 0110011", "rem rd, rs1, rs2"),
    row("0000001 ttttt sssss 111 ddddd 0110011", "remu rd, rs1, rs2"),
    // Zicsr
    row("cccccccccccc sssss 001 ddddd 1110011", "csrrw rd, csr, rs1"),
    row("cccccccccccc sssss 010 ddddd 1110011", "csrrs rd, csr, rs1"),
    row("cccccccccccc sssss 011 ddddd 1110011", "csrrc rd, csr, rs1"),
    row(
        "cccccccccccc uuuuu 101 ddddd 1110011",
        "csrrwi rd, csr, number",
    ),
    row(
        "cccccccccccc uuuuu 110 ddddd 1110011",
        "csrrsi rd, csr, number",
    ),
    row(
        "cccccccccccc uuuuu 111 ddddd 1110011",
        "csrrci rd, csr, number",
    ),
    // Zba
    row(
        "0010000 ttttt sssss 010 ddddd 0110011",
        "sh1add rd, rs1, rs2",
    ),
    row(
        "0010000 ttttt sssss 100 ddddd 0110011",
        "sh2add rd, rs1, rs2",
    ),
    row(
        "0010000 ttttt sssss 110 ddddd 0110011",
        "sh3add rd, rs1, rs2",
    ),
    // 16 bits: quadrant 0
    row("0000000000000000", "(bad)"),
    row("000 iiiiiiii ddd 00", "c.addi4spn low2, sp, above_sp"),
    row("010 iii sss ii ddd 00", "c.lw low2, offset(low1)"),
    row("110 iii sss ii ddd 00", "c.sw low2, offset(low1)"),
    // Quadrant 1
    row("000 0 00000 00000 01", "c.nop"),
    row("000 i ddddd iiiii 01", "c.addi rd, imm6"),
    row("001 iiiiiiiiiii 01", "c.jal jump"),
    row("010 i ddddd iiiii 01", "c.li rd, imm6"),
    row("011 i 00010 iiiii 01", "c.addi16sp sp, frame"),
    row("011 i ddddd iiiii 01", "c.lui rd, page"),
    row("100 0 00 ddd iiiii 01", "c.srli low1, shift6"),
    row("100 0 01 ddd iiiii 01", "c.srai low1, shift6"),
    row("100 i 10 ddd iiiii 01", "c.andi low1, imm6"),
    row("100 0 11 ddd 00 sss 01", "c.sub low1, low2"),
    row("100 0 11 ddd 01 sss 01", "c.xor low1, low2"),
    row("100 0 11 ddd 10 sss 01", "c.or low1, low2"),
    row("100 0 11 ddd 11 sss 01", "c.and low1, low2"),
    row("101 iiiiiiiiiii 01", "c.j jump"),
    row("110 iii sss iiiii 01", "c.beqz low1, branch"),
    row("111 iii sss iiiii 01", "c.bnez low1, branch"),
    // Quadrant 2
    row("000 0 ddddd iiiii 10", "c.slli rd, shift6"),
    row("010 i ddddd iiiii 10", "c.lwsp rd, load_sp(sp)"),
    row("100 0 00000 00000 10", "(bad)"),
    row("100 0 sssss 00000 10", "c.jr rd"),
    row("100 0 ddddd sssss 10", "c.mv rd, rc"),
    row("100 1 00000 00000 10", "c.ebreak"),
    row("100 1 sssss 00000 10", "c.jalr rd"),
    row("100 1 ddddd sssss 10", "c.add rd, rc"),
    row("110 iiiiii sssss 10", "c.swsp rc, store_sp(sp)"),
    // Zcmp
    row("101 11000 1ppp ii 10", "cm.push list, less"),
    row("101 11000 01pp ii 10", "cm.push list, less"),
    row("101 11010 1ppp ii 10", "cm.pop list, more"),
    row("101 11010 01pp ii 10", "cm.pop list, more"),
    row("101 11100 1ppp ii 10", "cm.popretz list, more"),
    row("101 11100 01pp ii 10", "cm.popretz list, more"),
    row("101 11110 1ppp ii 10", "cm.popret list, more"),
    row("101 11110 01pp ii 10", "cm.popret list, more"),
    row("101 011 sss 01 ttt 10", "cm.mvsa01 s_first, s_second"),
    row("101 011 sss 11 ttt 10", "cm.mva01s s_first, s_second"),
];

// tidy: one arm for each kind of operand.
fn operand(name: &str, word: u32, address: i64) -> Option<Operand> {
    let register = |number: i64| {
        let number = usize::try_from(number).ok()?;
        REGISTERS.get(number).map(|name| Operand::Register(name))
    };
    let low = |bits: (u32, u32)| register(8 + unsigned(word, &[bits]));
    // s0, s1, and from s2 on those behind the arguments.
    let saved = |bits: (u32, u32)| match unsigned(word, &[bits]) {
        number @ 0..2 => register(8 + number),
        number => register(16 + number),
    };
    let number = match name {
        "rd" => return register(unsigned(word, &[(11, 7)])),
        "rs1" => return register(unsigned(word, &[(19, 15)])),
        "rs2" => return register(unsigned(word, &[(24, 20)])),
        "rc" => return register(unsigned(word, &[(6, 2)])),
        "low1" => return low((9, 7)),
        "low2" => return low((4, 2)),
        "s_first" => return saved((9, 7)),
        "s_second" => return saved((4, 2)),
        "list" => return Some(Operand::List(list(unsigned(word, &[(7, 4)])))),
        "far" => address + 2 * signed(word, &[(31, 31), (19, 12), (20, 20), (30, 21)]),
        "near" => address + 2 * signed(word, &[(31, 31), (7, 7), (30, 25), (11, 8)]),
        "branch" => address + 2 * signed(word, &[(12, 12), (6, 5), (2, 2), (11, 10), (4, 3)]),
        "jump" => {
            let offset = [
                (12, 12),
                (8, 8),
                (10, 9),
                (6, 6),
                (7, 7),
                (2, 2),
                (11, 11),
                (5, 3),
            ];
            address + 2 * signed(word, &offset)
        }
        "upper" => unsigned(word, &[(31, 12)]),
        // The upper 20 bits of the register.
        "page" => signed(word, &[(12, 12), (6, 2)]) & 0xf_ffff,
        "shift" => unsigned(word, &[(24, 20)]),
        "shift6" => unsigned(word, &[(6, 2)]),
        "csr" => unsigned(word, &[(31, 20)]),
        "number" => unsigned(word, &[(19, 15)]),
        "i" => signed(word, &[(31, 20)]),
        "store" => signed(word, &[(31, 25), (11, 7)]),
        "imm6" => signed(word, &[(12, 12), (6, 2)]),
        "above_sp" => 4 * unsigned(word, &[(10, 7), (12, 11), (5, 5), (6, 6)]),
        "frame" => 16 * signed(word, &[(12, 12), (4, 3), (5, 5), (2, 2), (6, 6)]),
        "offset" => 4 * unsigned(word, &[(5, 5), (12, 10), (6, 6)]),
        "load_sp" => 4 * unsigned(word, &[(3, 2), (12, 12), (6, 4)]),
        "store_sp" => 4 * unsigned(word, &[(8, 7), (12, 9)]),
        "less" => -adjustment(word),
        "more" => adjustment(word),
        _ => return None,
    };
    Some(match name {
        "far" | "near" | "branch" | "jump" | "upper" | "page" | "shift" | "shift6" | "csr" => {
            Operand::Hexadecimal(number)
        }
        _ => Operand::Number(number),
    })
}

/// Returns the bytes of a frame of Zcmp: the saved registers, rounded up, and up to three times 16.
fn adjustment(word: u32) -> i64 {
    let registers = match unsigned(word, &[(7, 4)]) {
        15 => 13,
        list => list - 3,
    };
    (registers * 4 + 15) / 16 * 16 + 16 * unsigned(word, &[(3, 2)])
}

/// Returns the registers that a number in Zcmp stands for.
fn list(number: i64) -> String {
    match number {
        4 => "{ra}".to_owned(),
        5 => "{ra, s0}".to_owned(),
        15 => "{ra, s0-s11}".to_owned(),
        number => format!("{{ra, s0-s{}}}", number - 5),
    }
}
