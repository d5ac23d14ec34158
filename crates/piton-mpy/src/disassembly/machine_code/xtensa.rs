//! Xtensa, little-endian, after the instruction set manual: the core, density, loops, windows, multiplication, booleans, floating point.

use super::Table;
use super::patterns::{Operand, Processor, Row, row, signed, unsigned};

/// With the calling convention of ESP8266.
pub(super) const CALL0: Processor = Processor {
    rows: ROWS,
    // Instructions with 8 and more in the lowest four bits have 16 bits.
    length: |first| if first & 8 == 0 { 3 } else { 2 },
    operand,
    tables: &[
        ("l32i", "a15", Table::Functions),
        ("l32i.n", "a15", Table::Functions),
        ("l16ui", "a14", Table::Strings),
    ],
};

/// With windows of registers, as on ESP32.
pub(super) const WINDOWED: Processor = Processor {
    tables: &[
        ("l32i", "a7", Table::Functions),
        ("l32i.n", "a7", Table::Functions),
        ("l16ui", "a6", Table::Strings),
    ],
    ..CALL0
};

const REGISTERS: [&str; 16] = [
    "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11", "a12", "a13", "a14",
    "a15",
];

const FLOATS: [&str; 16] = [
    "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "f13", "f14",
    "f15",
];

/// What branches compare with (`B4CONST`).
const SIGNED: [i64; 16] = [-1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256];
/// As above, without sign (`B4CONSTU`).
const UNSIGNED: [i64; 16] = [
    32768, 65536, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256,
];

/// The fields are op2, op1, r, s, t, op0.
const ROWS: &[Row] = &[
    row("0000 0000 0000 0000 0000 0000", "ill"),
    row("0000 0000 0000 0000 1000 0000", "ret"),
    row("0000 0000 0000 0000 1001 0000", "retw"),
    row("0000 0000 0000 ssss 1010 0000", "jx as"),
    row("0000 0000 0000 ssss 1100 0000", "callx0 as"),
    row("0000 0000 0000 ssss 1101 0000", "callx4 as"),
    row("0000 0000 0000 ssss 1110 0000", "callx8 as"),
    row("0000 0000 0000 ssss 1111 0000", "callx12 as"),
    row("0000 0000 0001 ssss tttt 0000", "movsp at, as"),
    row("0000 0000 0010 0000 0000 0000", "isync"),
    row("0000 0000 0010 0000 0001 0000", "rsync"),
    row("0000 0000 0010 0000 0010 0000", "esync"),
    row("0000 0000 0010 0000 0011 0000", "dsync"),
    row("0000 0000 0010 0000 1000 0000", "excw"),
    row("0000 0000 0010 0000 1100 0000", "memw"),
    row("0000 0000 0010 0000 1101 0000", "extw"),
    row("0000 0000 0010 0000 1111 0000", "nop"),
    row("0000 0000 0100 ssss tttt 0000", "break s, t"),
    row("0000 0000 0101 0000 0000 0000", "syscall"),
    row("0000 0000 0110 ssss tttt 0000", "rsil at, s"),
    row("0000 0000 0111 ssss 0000 0000", "waiti s"),
    row("0001 0000 rrrr ssss tttt 0000", "and ar, as, at"),
    row("0010 0000 rrrr ssss tttt 0000", "or ar, as, at"),
    row("0011 0000 rrrr ssss tttt 0000", "xor ar, as, at"),
    row("0100 0000 0000 ssss 0000 0000", "ssr as"),
    row("0100 0000 0001 ssss 0000 0000", "ssl as"),
    row("0100 0000 0010 ssss 0000 0000", "ssa8l as"),
    row("0100 0000 0011 ssss 0000 0000", "ssa8b as"),
    row("0100 0000 0100 ssss 000t 0000", "ssai t_s"),
    row("0100 0000 1110 ssss tttt 0000", "nsa at, as"),
    row("0100 0000 1111 ssss tttt 0000", "nsau at, as"),
    row("0110 0000 rrrr 0000 tttt 0000", "neg ar, at"),
    row("0110 0000 rrrr 0001 tttt 0000", "abs ar, at"),
    row("1000 0000 rrrr ssss tttt 0000", "add ar, as, at"),
    row("1001 0000 rrrr ssss tttt 0000", "addx2 ar, as, at"),
    row("1010 0000 rrrr ssss tttt 0000", "addx4 ar, as, at"),
    row("1011 0000 rrrr ssss tttt 0000", "addx8 ar, as, at"),
    row("1100 0000 rrrr ssss tttt 0000", "sub ar, as, at"),
    row("1101 0000 rrrr ssss tttt 0000", "subx2 ar, as, at"),
    row("1110 0000 rrrr ssss tttt 0000", "subx4 ar, as, at"),
    row("1111 0000 rrrr ssss tttt 0000", "subx8 ar, as, at"),
    row("000i 0001 rrrr ssss iiii 0000", "slli ar, as, left"),
    row("001i 0001 rrrr iiii tttt 0000", "srai ar, at, right"),
    row("0100 0001 rrrr ssss tttt 0000", "srli ar, at, s"),
    row("0110 0001 rrrr ssss tttt 0000", "xsr at, special"),
    row("1000 0001 rrrr ssss tttt 0000", "src ar, as, at"),
    row("1001 0001 rrrr 0000 tttt 0000", "srl ar, at"),
    row("1010 0001 rrrr ssss 0000 0000", "sll ar, as"),
    row("1011 0001 rrrr 0000 tttt 0000", "sra ar, at"),
    row("1100 0001 rrrr ssss tttt 0000", "mul16u ar, as, at"),
    row("1101 0001 rrrr ssss tttt 0000", "mul16s ar, as, at"),
    row("1000 0010 rrrr ssss tttt 0000", "mull ar, as, at"),
    row("1010 0010 rrrr ssss tttt 0000", "muluh ar, as, at"),
    row("1011 0010 rrrr ssss tttt 0000", "mulsh ar, as, at"),
    row("1100 0010 rrrr ssss tttt 0000", "quou ar, as, at"),
    row("1101 0010 rrrr ssss tttt 0000", "quos ar, as, at"),
    row("1110 0010 rrrr ssss tttt 0000", "remu ar, as, at"),
    row("1111 0010 rrrr ssss tttt 0000", "rems ar, as, at"),
    row("0000 0011 rrrr ssss tttt 0000", "rsr at, special"),
    row("0001 0011 rrrr ssss tttt 0000", "wsr at, special"),
    row("0010 0011 rrrr ssss tttt 0000", "sext ar, as, t_7"),
    row("0011 0011 rrrr ssss tttt 0000", "clamps ar, as, t_7"),
    row("0100 0011 rrrr ssss tttt 0000", "min ar, as, at"),
    row("0101 0011 rrrr ssss tttt 0000", "max ar, as, at"),
    row("0110 0011 rrrr ssss tttt 0000", "minu ar, as, at"),
    row("0111 0011 rrrr ssss tttt 0000", "maxu ar, as, at"),
    row("1000 0011 rrrr ssss tttt 0000", "moveqz ar, as, at"),
    row("1001 0011 rrrr ssss tttt 0000", "movnez ar, as, at"),
    row("1010 0011 rrrr ssss tttt 0000", "movltz ar, as, at"),
    row("1011 0011 rrrr ssss tttt 0000", "movgez ar, as, at"),
    row("1100 0011 rrrr ssss tttt 0000", "movf ar, as, bt"),
    row("1101 0011 rrrr ssss tttt 0000", "movt ar, as, bt"),
    row("1110 0011 rrrr ssss tttt 0000", "rur ar, user"),
    row("1111 0011 rrrr ssss tttt 0000", "wur at, special"),
    row("wwww 010i rrrr iiii tttt 0000", "extui ar, at, from, width"),
    row("0000 1000 rrrr ssss tttt 0000", "lsx fr, as, at"),
    row("0100 1000 rrrr ssss tttt 0000", "ssx fr, as, at"),
    row("0000 1001 rrrr ssss tttt 0000", "l32e at, as, exception"),
    row("0100 1001 rrrr ssss tttt 0000", "s32e at, as, exception"),
    row("0000 1010 rrrr ssss tttt 0000", "add.s fr, fs, ft"),
    row("0001 1010 rrrr ssss tttt 0000", "sub.s fr, fs, ft"),
    row("0010 1010 rrrr ssss tttt 0000", "mul.s fr, fs, ft"),
    row("0100 1010 rrrr ssss tttt 0000", "madd.s fr, fs, ft"),
    row("0101 1010 rrrr ssss tttt 0000", "msub.s fr, fs, ft"),
    row("1000 1010 rrrr ssss tttt 0000", "round.s ar, fs, t"),
    row("1001 1010 rrrr ssss tttt 0000", "trunc.s ar, fs, t"),
    row("1010 1010 rrrr ssss tttt 0000", "floor.s ar, fs, t"),
    row("1011 1010 rrrr ssss tttt 0000", "ceil.s ar, fs, t"),
    row("1100 1010 rrrr ssss tttt 0000", "float.s fr, as, t"),
    row("1101 1010 rrrr ssss tttt 0000", "ufloat.s fr, as, t"),
    row("1110 1010 rrrr ssss tttt 0000", "utrunc.s ar, fs, t"),
    row("1111 1010 rrrr ssss 0000 0000", "mov.s fr, fs"),
    row("1111 1010 rrrr ssss 0001 0000", "abs.s fr, fs"),
    row("1111 1010 rrrr ssss 0100 0000", "rfr ar, fs"),
    row("1111 1010 rrrr ssss 0101 0000", "wfr fr, as"),
    row("1111 1010 rrrr ssss 0110 0000", "neg.s fr, fs"),
    row("0001 1011 rrrr ssss tttt 0000", "un.s br, fs, ft"),
    row("0010 1011 rrrr ssss tttt 0000", "oeq.s br, fs, ft"),
    row("0011 1011 rrrr ssss tttt 0000", "ueq.s br, fs, ft"),
    row("0100 1011 rrrr ssss tttt 0000", "olt.s br, fs, ft"),
    row("0101 1011 rrrr ssss tttt 0000", "ult.s br, fs, ft"),
    row("0110 1011 rrrr ssss tttt 0000", "ole.s br, fs, ft"),
    row("0111 1011 rrrr ssss tttt 0000", "ule.s br, fs, ft"),
    row("1000 1011 rrrr ssss tttt 0000", "moveqz.s fr, fs, at"),
    row("1001 1011 rrrr ssss tttt 0000", "movnez.s fr, fs, at"),
    row("1010 1011 rrrr ssss tttt 0000", "movltz.s fr, fs, at"),
    row("1011 1011 rrrr ssss tttt 0000", "movgez.s fr, fs, at"),
    row("iiii iiii iiii iiii tttt 0001", "l32r at, literal"),
    row("iiii iiii 0000 ssss tttt 0010", "l8ui at, as, imm8"),
    row("iiii iiii 0001 ssss tttt 0010", "l16ui at, as, halves"),
    row("iiii iiii 0010 ssss tttt 0010", "l32i at, as, words"),
    row("iiii iiii 0100 ssss tttt 0010", "s8i at, as, imm8"),
    row("iiii iiii 0101 ssss tttt 0010", "s16i at, as, halves"),
    row("iiii iiii 0110 ssss tttt 0010", "s32i at, as, words"),
    row("iiii iiii 1001 ssss tttt 0010", "l16si at, as, halves"),
    row("iiii iiii 1010 iiii tttt 0010", "movi at, imm12"),
    row("iiii iiii 1011 ssss tttt 0010", "l32ai at, as, words"),
    row("iiii iiii 1100 ssss tttt 0010", "addi at, as, signed8"),
    row("iiii iiii 1101 ssss tttt 0010", "addmi at, as, pages"),
    row("iiii iiii 1110 ssss tttt 0010", "s32c1i at, as, words"),
    row("iiii iiii 1111 ssss tttt 0010", "s32ri at, as, words"),
    row("iiii iiii 0000 ssss tttt 0011", "lsi ft, as, words"),
    row("iiii iiii 0100 ssss tttt 0011", "ssi ft, as, words"),
    row("iiii iiii 1000 ssss tttt 0011", "lsiu ft, as, words"),
    row("iiii iiii 1100 ssss tttt 0011", "ssiu ft, as, words"),
    row("iiii iiii iiii iiii ii00 0101", "call0 function"),
    row("iiii iiii iiii iiii ii01 0101", "call4 function"),
    row("iiii iiii iiii iiii ii10 0101", "call8 function"),
    row("iiii iiii iiii iiii ii11 0101", "call12 function"),
    row("iiii iiii iiii iiii ii00 0110", "j jump"),
    row("iiii iiii iiii ssss 0001 0110", "beqz as, far"),
    row("iiii iiii iiii ssss 0101 0110", "bnez as, far"),
    row("iiii iiii iiii ssss 1001 0110", "bltz as, far"),
    row("iiii iiii iiii ssss 1101 0110", "bgez as, far"),
    row("iiii iiii rrrr ssss 0010 0110", "beqi as, b4const, near"),
    row("iiii iiii rrrr ssss 0110 0110", "bnei as, b4const, near"),
    row("iiii iiii rrrr ssss 1010 0110", "blti as, b4const, near"),
    row("iiii iiii rrrr ssss 1110 0110", "bgei as, b4const, near"),
    row("iiii iiii iiii ssss 0011 0110", "entry as, frame"),
    row("iiii iiii 0000 ssss 0111 0110", "bf bs, near"),
    row("iiii iiii 0001 ssss 0111 0110", "bt bs, near"),
    row("iiii iiii 1000 ssss 0111 0110", "loop as, end"),
    row("iiii iiii 1001 ssss 0111 0110", "loopnez as, end"),
    row("iiii iiii 1010 ssss 0111 0110", "loopgtz as, end"),
    row("iiii iiii rrrr ssss 1011 0110", "bltui as, b4constu, near"),
    row("iiii iiii rrrr ssss 1111 0110", "bgeui as, b4constu, near"),
    row("iiii iiii 0000 ssss tttt 0111", "bnone as, at, near"),
    row("iiii iiii 0001 ssss tttt 0111", "beq as, at, near"),
    row("iiii iiii 0010 ssss tttt 0111", "blt as, at, near"),
    row("iiii iiii 0011 ssss tttt 0111", "bltu as, at, near"),
    row("iiii iiii 0100 ssss tttt 0111", "ball as, at, near"),
    row("iiii iiii 0101 ssss tttt 0111", "bbc as, at, near"),
    row("iiii iiii 011i ssss iiii 0111", "bbci as, bit, near"),
    row("iiii iiii 1000 ssss tttt 0111", "bany as, at, near"),
    row("iiii iiii 1001 ssss tttt 0111", "bne as, at, near"),
    row("iiii iiii 1010 ssss tttt 0111", "bge as, at, near"),
    row("iiii iiii 1011 ssss tttt 0111", "bgeu as, at, near"),
    row("iiii iiii 1100 ssss tttt 0111", "bnall as, at, near"),
    row("iiii iiii 1101 ssss tttt 0111", "bbs as, at, near"),
    row("iiii iiii 111i ssss iiii 0111", "bbsi as, bit, near"),
    // 16 bits: r, s, t, op0
    row("rrrr ssss tttt 1000", "l32i.n at, as, r_4"),
    row("rrrr ssss tttt 1001", "s32i.n at, as, r_4"),
    row("rrrr ssss tttt 1010", "add.n ar, as, at"),
    row("rrrr ssss iiii 1011", "addi.n ar, as, t_or_minus_1"),
    row("iiii ssss 0iii 1100", "movi.n as, imm7"),
    row("iiii ssss 10ii 1100", "beqz.n as, forward"),
    row("iiii ssss 11ii 1100", "bnez.n as, forward"),
    row("0000 ssss tttt 1101", "mov.n at, as"),
    row("1111 0000 0000 1101", "ret.n"),
    row("1111 0000 0001 1101", "retw.n"),
    row("1111 ssss 0010 1101", "break.n s"),
    row("1111 0000 0011 1101", "nop.n"),
    row("1111 0000 0110 1101", "ill.n"),
];

// tidy: one arm for each kind of operand.
fn operand(name: &str, word: u32, address: i64) -> Option<Operand> {
    const R: (u32, u32) = (15, 12);
    const S: (u32, u32) = (11, 8);
    const T: (u32, u32) = (7, 4);
    let get = |field| unsigned(word, &[field]);
    let named = |names: &[&'static str; 16], field| {
        let index = usize::try_from(get(field)).ok()?;
        names.get(index).map(|name| Operand::Register(name))
    };
    let of = |constants: &[i64; 16]| {
        let index = usize::try_from(get(R)).ok()?;
        constants.get(index).copied().map(Operand::Number)
    };
    let boolean = |field| Some(Operand::List(format!("b{}", get(field))));
    // Relative to the byte behind an instruction of 24 bits and one more.
    let next = address + 4;
    let number = match name {
        "ar" => return named(&REGISTERS, R),
        "as" => return named(&REGISTERS, S),
        "at" => return named(&REGISTERS, T),
        "fr" => return named(&FLOATS, R),
        "fs" => return named(&FLOATS, S),
        "ft" => return named(&FLOATS, T),
        "br" => return boolean(R),
        "bs" => return boolean(S),
        "bt" => return boolean(T),
        "b4const" => return of(&SIGNED),
        "b4constu" => return of(&UNSIGNED),
        "literal" => {
            // A backward distance in words, with the sign left out.
            let target = ((address + 3) & !3) + 4 * (get((23, 8)) - 0x1_0000);
            return Some(Operand::Hexadecimal(target));
        }
        "function" => {
            let target = (address & !3) + 4 + 4 * signed(word, &[(23, 6)]);
            return Some(Operand::Hexadecimal(target));
        }
        "jump" => return Some(Operand::Hexadecimal(next + signed(word, &[(23, 6)]))),
        "far" => return Some(Operand::Hexadecimal(next + signed(word, &[(23, 12)]))),
        "near" => return Some(Operand::Hexadecimal(next + signed(word, &[(23, 16)]))),
        "end" => return Some(Operand::Hexadecimal(next + get((23, 16)))),
        "forward" => {
            let distance = unsigned(word, &[(5, 4), (15, 12)]);
            return Some(Operand::Hexadecimal(next + distance));
        }
        "s" => get(S),
        "t" => get(T),
        "t_s" => unsigned(word, &[(4, 4), S]),
        "t_7" => get(T) + 7,
        "r_4" => 4 * get(R),
        "t_or_minus_1" if get(T) == 0 => -1,
        "t_or_minus_1" => get(T),
        "left" => 32 - unsigned(word, &[(20, 20), T]),
        "right" => unsigned(word, &[(20, 20), S]),
        "from" => unsigned(word, &[(16, 16), S]),
        "width" => get((23, 20)) + 1,
        "bit" => unsigned(word, &[(12, 12), T]),
        "special" => get((15, 8)),
        "user" => unsigned(word, &[S, T]),
        "exception" => 4 * get(R) - 64,
        "imm8" => get((23, 16)),
        "halves" => 2 * get((23, 16)),
        "words" => 4 * get((23, 16)),
        "signed8" => signed(word, &[(23, 16)]),
        "pages" => 256 * signed(word, &[(23, 16)]),
        "imm12" => signed(word, &[S, (23, 16)]),
        "frame" => 8 * get((23, 12)),
        // -32 to 95
        "imm7" => match unsigned(word, &[(6, 4), (15, 12)]) {
            number @ 0..96 => number,
            number => number - 128,
        },
        _ => return None,
    };
    Some(Operand::Number(number))
}
