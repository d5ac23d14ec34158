//! `@micropython.asm_xtensa` (`py/emitinlinextensa.c`).

use piton_mpy::header::Arch;

use super::unit::{Operation, Unit, quoted};
use crate::emit::Label;
use crate::machine::xtensa::code::{Code, low};
use crate::machine::xtensa::encode;
use piton_syntax::diagnostic::{DiagnosticCode, Failure};
use piton_syntax::parse::Node;

/// Where an instruction has an operand.
#[derive(Clone, Copy, Debug)]
enum Field {
    /// A fixed number.
    Is(u32),
    /// The register that this operand names.
    Operand(usize),
}

use Field::{Is, Operand};

/// How the fields of an instruction become its bits.
#[derive(Clone, Copy, Debug)]
enum Format {
    /// 24 bits with op2 and op1.
    Rrr(u32, u32),
    /// 24 bits; the third operand is a number of -128 to 127.
    Signed8,
    /// 24 bits; the third operand is an offset in bytes, of units with this power of 2 in bytes.
    Offset8(u32),
    /// 16 bits.
    Narrow,
}

use Format::{Narrow, Offset8, Rrr, Signed8};

/// An instruction whose operands are registers, or two registers and a number.
#[derive(Clone, Copy, Debug)]
struct Row {
    name: &'static [u8],
    operands: usize,
    format: Format,
    op0: u32,
    r: Field,
    s: Field,
    t: Field,
}

const fn row(
    name: &'static [u8],
    operands: usize,
    format: Format,
    op0: u32,
    rst: [Field; 3],
) -> Row {
    let [r, s, t] = rst;
    Row {
        name,
        operands,
        format,
        op0,
        r,
        s,
        t,
    }
}

/// `name` ar, as, at
const fn three(name: &'static [u8], op2: u32, op1: u32) -> Row {
    row(
        name,
        3,
        Rrr(op2, op1),
        0,
        [Operand(0), Operand(1), Operand(2)],
    )
}

/// `name` at, as, number
const fn immediate(name: &'static [u8], r: u32, format: Format) -> Row {
    row(name, 3, format, 2, [Is(r), Operand(1), Operand(0)])
}

const ROWS: [Row; 41] = [
    row(b"abs_", 2, Rrr(6, 0), 0, [Operand(0), Is(1), Operand(1)]),
    three(b"add", 8, 0),
    row(
        b"add_n",
        3,
        Narrow,
        10,
        [Operand(0), Operand(1), Operand(2)],
    ),
    immediate(b"addi", 12, Signed8),
    three(b"addx2", 9, 0),
    three(b"addx4", 10, 0),
    three(b"addx8", 11, 0),
    three(b"and_", 1, 0),
    row(b"callx0", 1, Rrr(0, 0), 0, [Is(0), Operand(0), Is(12)]),
    row(b"jx", 1, Rrr(0, 0), 0, [Is(0), Operand(0), Is(10)]),
    immediate(b"l16si", 9, Offset8(1)),
    immediate(b"l16ui", 1, Offset8(1)),
    immediate(b"l32i", 2, Offset8(2)),
    immediate(b"l8ui", 0, Offset8(0)),
    row(b"mov", 2, Narrow, 13, [Is(0), Operand(1), Operand(0)]),
    row(b"mov_n", 2, Narrow, 13, [Is(0), Operand(1), Operand(0)]),
    three(b"mull", 8, 2),
    row(b"neg", 2, Rrr(6, 0), 0, [Operand(0), Is(0), Operand(1)]),
    row(b"nop", 0, Rrr(0, 0), 0, [Is(2), Is(0), Is(15)]),
    row(b"nop_n", 0, Narrow, 13, [Is(15), Is(0), Is(3)]),
    row(b"nsa", 2, Rrr(4, 0), 0, [Is(14), Operand(1), Operand(0)]),
    row(b"nsau", 2, Rrr(4, 0), 0, [Is(15), Operand(1), Operand(0)]),
    three(b"or_", 2, 0),
    row(b"ret", 0, Narrow, 13, [Is(15), Is(0), Is(0)]),
    row(b"ret_n", 0, Narrow, 13, [Is(15), Is(0), Is(0)]),
    immediate(b"s16i", 5, Offset8(1)),
    immediate(b"s32i", 6, Offset8(2)),
    immediate(b"s8i", 4, Offset8(0)),
    row(b"sll", 2, Rrr(10, 1), 0, [Operand(0), Operand(1), Is(0)]),
    row(b"sra", 2, Rrr(11, 1), 0, [Operand(0), Is(0), Operand(1)]),
    three(b"src", 8, 1),
    row(b"srl", 2, Rrr(9, 1), 0, [Operand(0), Is(0), Operand(1)]),
    row(b"ssa8b", 1, Rrr(4, 0), 0, [Is(3), Operand(0), Is(0)]),
    row(b"ssa8l", 1, Rrr(4, 0), 0, [Is(2), Operand(0), Is(0)]),
    row(b"ssl", 1, Rrr(4, 0), 0, [Is(1), Operand(0), Is(0)]),
    row(b"ssr", 1, Rrr(4, 0), 0, [Is(0), Operand(0), Is(0)]),
    three(b"sub", 12, 0),
    three(b"subx2", 13, 0),
    three(b"subx4", 14, 0),
    three(b"subx8", 15, 0),
    three(b"xor", 3, 0),
];

/// Branches on a register compared with 0, and the numbers of their conditions.
const ZERO_BRANCHES: [(&[u8], u32); 6] = [
    (b"beqz", 0),
    (b"bnez", 1),
    (b"bltz", 2),
    (b"bgez", 3),
    (b"beqz_n", 0),
    (b"bnez_n", 1),
];

/// Branches on two registers, and the numbers of their conditions.
const BRANCHES: [(&[u8], u32); 12] = [
    (b"bnone", 0),
    (b"beq", 1),
    (b"blt", 2),
    (b"bltu", 3),
    (b"ball", 4),
    (b"bbc", 5),
    (b"bany", 8),
    (b"bne", 9),
    (b"bge", 10),
    (b"bgeu", 11),
    (b"bnall", 12),
    (b"bbs", 13),
];

/// The instructions up to MicroPython 1.25.
const OLD_INSTRUCTIONS: [&[u8]; 34] = [
    b"ret_n", b"callx0", b"j", b"jx", b"beqz", b"bnez", b"mov", b"mov_n", b"movi", b"and_", b"or_",
    b"xor", b"add", b"sub", b"mull", b"l8ui", b"l16ui", b"l32i", b"s8i", b"s16i", b"s32i",
    b"l16si", b"addi", b"ball", b"bany", b"bbc", b"bbs", b"beq", b"bge", b"bgeu", b"blt", b"bnall",
    b"bne", b"bnone",
];

fn find(table: &[(&[u8], u32)], name: &[u8]) -> Option<u32> {
    table.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// Returns the end of everything by a distance that an instruction can't have. The official compiler says no place.
fn not_encodable(message: String) -> Failure {
    Failure {
        message: message.into(),
        ..Failure::nowhere(DiagnosticCode::AssemblerRange)
    }
}

fn out_of_range(name: &str) -> Failure {
    not_encodable(format!("ERROR: xtensa {name} out of range"))
}

/// The assembler. Its functions for instructions return none for one that there is not.
#[derive(Debug)]
pub(super) struct Xtensa<'a> {
    unit: Unit<'a>,
    code: Code,
    is_windowed: bool,
}

impl<'a> Xtensa<'a> {
    pub(super) fn new(unit: Unit<'a>) -> Xtensa<'a> {
        Xtensa {
            is_windowed: unit.arch == Some(Arch::XtensaWin),
            code: Code::new(&unit.rules.native),
            unit,
        }
    }

    fn fail(&mut self, operation: &Operation<'_>, rest: std::fmt::Arguments<'_>) -> u32 {
        let message = quoted(operation, rest);
        self.unit.fail(DiagnosticCode::AssemblerOperand, message);
        0
    }

    fn wide(&mut self, instruction: u32) {
        self.code.wide(&mut self.unit.assembler, instruction);
    }

    fn narrow(&mut self, instruction: u32) {
        self.code.narrow(&mut self.unit.assembler, instruction);
    }

    fn register(&mut self, operation: &Operation<'_>, operand: Node) -> u32 {
        match self.unit.text(operand) {
            [b'a', digit @ b'0'..=b'9'] => u32::from(digit - b'0'),
            [b'a', b'1', digit @ b'0'..=b'5'] => 10 + u32::from(digit - b'0'),
            _ => self.fail(operation, format_args!("expects a register")),
        }
    }

    /// Returns the low 32 bits of an integer, which are in this range if there is one.
    fn integer(
        &mut self,
        operation: &Operation<'_>,
        operand: Node,
        range: Option<(i32, i32)>,
    ) -> i32 {
        let Some(value) = self.unit.integer(operand) else {
            self.fail(operation, format_args!("expects an integer"));
            return 0;
        };
        let [a, b, c, d, ..] = value.to_le_bytes();
        let value = i32::from_le_bytes([a, b, c, d]);
        if let Some((least, most)) = range
            && !(least..=most).contains(&value)
        {
            let rest = format_args!("integer {value} isn't within range {least}..{most}");
            self.fail(operation, rest);
            return 0;
        }
        value
    }

    /// Returns an integer of 0 to `most`.
    fn unsigned(&mut self, operation: &Operation<'_>, operand: Node, most: i32) -> u32 {
        self.integer(operation, operand, Some((0, most)))
            .unsigned_abs()
    }

    /// Returns a label. One that is not known is the first one.
    fn label(&mut self, operation: &Operation<'_>, operand: Node) -> Label {
        match operand.as_id() {
            None => drop(self.fail(operation, format_args!("expects a label"))),
            Some(name) => match self.unit.label(name) {
                Some(label) => return label,
                None if self.unit.is_last_pass() => {
                    let message = format!("label '{}' not defined", self.unit.shown(name));
                    self.unit.fail(DiagnosticCode::LabelNotDefined, message);
                }
                None => {}
            },
        }
        Label(0)
    }

    /// Appends an instruction of the table.
    fn tabled(&mut self, row: &Row, operation: &Operation<'_>) {
        let operand = |place: usize| operation.operands.get(place).copied().unwrap_or(Node::NULL);
        let high = match row.format {
            Rrr(op2, op1) => op2 << 20 | op1 << 16,
            Signed8 => {
                let value = self.integer(operation, operand(2), Some((-128, 127)));
                encode::rri8(0, 0, 0, 0, value.into())
            }
            Offset8(log2_bytes) => {
                let offset = self.unsigned(operation, operand(2), 0xff << log2_bytes);
                (offset >> log2_bytes) << 16
            }
            Narrow => 0,
        };
        let mut field = |field: Field| match field {
            Is(number) => number,
            Operand(place) => self.register(operation, operand(place)),
        };
        let (r, s, t) = (field(row.r), field(row.s), field(row.t));
        let instruction = high | encode::rrrn(row.op0, r, s, t);
        match row.format {
            Narrow => self.narrow(instruction),
            _ => self.wide(instruction),
        }
    }

    fn one_operand(
        &mut self,
        operation: &Operation<'_>,
        operand: Node,
    ) -> Result<Option<()>, Failure> {
        match operation.name {
            b"j" => {
                let label = self.label(operation, operand);
                self.code.jump(&mut self.unit.assembler, label);
            }
            b"ssai" => {
                let amount = self.unsigned(operation, operand, 31);
                self.wide(encode::ssai(amount));
            }
            b"call0" => {
                let label = self.label(operation, operand);
                self.call0(label)?;
            }
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    fn two_operands(
        &mut self,
        operation: &Operation<'_>,
        first: Node,
        second: Node,
    ) -> Result<Option<()>, Failure> {
        let register = self.register(operation, first);
        if let Some(condition) = find(&ZERO_BRANCHES, operation.name) {
            let label = self.label(operation, second);
            self.code
                .branch_zero(&mut self.unit.assembler, condition, register, label)
                .map_err(Failure::nowhere)?;
            return Ok(Some(()));
        }
        match operation.name {
            b"movi" => {
                // Always from the table, whatever fits into an instruction.
                let value = self.integer(operation, second, None);
                self.code
                    .load_constant(&mut self.unit.assembler, register, value);
            }
            b"l32r" => {
                let label = self.label(operation, second);
                self.l32r(register, label)?;
            }
            b"movi_n" => {
                let value = self.integer(operation, second, Some((-32, 95)));
                self.narrow(encode::movi_n(register, value.into()));
            }
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    fn three_operands(
        &mut self,
        operation: &Operation<'_>,
        operands: [Node; 3],
    ) -> Result<Option<()>, Failure> {
        let [first, second, third] = operands;
        if let Some(condition) = find(&BRANCHES, operation.name) {
            let s = self.register(operation, first);
            let t = self.register(operation, second);
            let label = self.label(operation, third);
            self.code
                .branch(&mut self.unit.assembler, condition, [s, t], label)
                .map_err(Failure::nowhere)?;
            return Ok(Some(()));
        }
        match operation.name {
            b"bbci" | b"bbsi" => {
                let s = self.register(operation, first);
                let bit = self.unsigned(operation, second, 31);
                let label = self.label(operation, third);
                self.branch_bit(operation.name == b"bbsi", s, bit, label)?;
                Ok(Some(()))
            }
            _ => Ok(self.two_registers_and_number(operation, operands)),
        }
    }

    fn two_registers_and_number(
        &mut self,
        operation: &Operation<'_>,
        operands: [Node; 3],
    ) -> Option<()> {
        let name = operation.name;
        let known: [&[u8]; 7] = [
            b"addi_n", b"addmi", b"slli", b"srai", b"srli", b"l32i_n", b"s32i_n",
        ];
        known.contains(&name).then_some(())?;
        let [first, second, third] = operands;
        let a = self.register(operation, first);
        let b = self.register(operation, second);
        match name {
            b"addi_n" => {
                // The number -1, also written 0, has all bits and so covers the registers, as in the official compiler.
                let number = self.integer(operation, third, Some((-1, 15)));
                let t = u32::from_le_bytes(if number == 0 { -1 } else { number }.to_le_bytes());
                self.narrow(t << 4 | encode::rrrn(11, a, b, 0));
            }
            b"addmi" => {
                let number = self.integer(operation, third, Some((-128 * 256, 127 * 256)));
                if self.is_multiple(number, 256) {
                    self.wide(encode::addmi(a, b, (number >> 8).into()));
                }
            }
            b"slli" => {
                let amount = self.unsigned_from_1(operation, third);
                self.wide(encode::slli(a, b, amount));
            }
            b"srai" => {
                let amount = self.unsigned(operation, third, 31);
                self.wide(encode::srai(a, b, amount));
            }
            b"srli" => {
                let amount = self.unsigned(operation, third, 15);
                self.wide(encode::srli(a, b, amount));
            }
            _ => {
                let number = self.integer(operation, third, Some((0, 60)));
                if self.is_multiple(number, 4) {
                    let words = number.unsigned_abs() / 4;
                    self.narrow(match name {
                        b"l32i_n" => encode::l32i_n(a, b, words),
                        _ => encode::s32i_n(a, b, words),
                    });
                }
            }
        }
        Some(())
    }

    /// Returns an integer of 1 to 31, 0 after an error.
    fn unsigned_from_1(&mut self, operation: &Operation<'_>, operand: Node) -> u32 {
        self.integer(operation, operand, Some((1, 31)))
            .unsigned_abs()
    }

    /// Returns whether a number is a multiple, which it must be.
    fn is_multiple(&mut self, number: i32, of: i32) -> bool {
        let is_multiple = number % of == 0;
        if !is_multiple {
            let message = format!("{number} is not a multiple of {of}");
            self.unit.fail(DiagnosticCode::AssemblerOperand, message);
        }
        is_multiple
    }

    fn branch_bit(&mut self, if_set: bool, s: u32, bit: u32, label: Label) -> Result<(), Failure> {
        let offset = low(self.code.distance(&self.unit.assembler, label) - 4);
        if self.unit.is_last_pass() && !(-0x80..0x80).contains(&offset) {
            return Err(out_of_range("bit_branch"));
        }
        self.wide(encode::branch_bit(if_set, s, bit, offset));
        Ok(())
    }

    fn call0(&mut self, label: Label) -> Result<(), Failure> {
        let offset = low(self.code.distance(&self.unit.assembler, label) - 3);
        if self.unit.is_last_pass() {
            self.check_alignment("call0", label, offset)?;
            if !(-0x2_0000..0x2_0000).contains(&offset) {
                return Err(out_of_range("call0"));
            }
        }
        // The field counts words; the official compiler puts bytes into it.
        self.wide(encode::call0(offset));
        Ok(())
    }

    fn l32r(&mut self, register: u32, label: Label) -> Result<(), Failure> {
        let offset = low(self.code.distance(&self.unit.assembler, label));
        if self.unit.is_last_pass() {
            self.check_alignment("l32r", label, offset)?;
            if !(-0x2_0000..0).contains(&offset) {
                return Err(out_of_range("l32r"));
            }
        }
        let place = self.code.place(&self.unit.assembler);
        self.wide(encode::l32r(register, place, place + offset));
        Ok(())
    }

    fn check_alignment(&self, name: &str, label: Label, offset: i64) -> Result<(), Failure> {
        let place = self.code.place(&self.unit.assembler);
        let target = self.code.distance(&self.unit.assembler, label) + place;
        let part = match (target & 3, offset & 3) {
            (0, 0) => return Ok(()),
            (0, _) => "location",
            _ => "target",
        };
        Err(not_encodable(format!(
            "ERROR: {name} {part} not word-aligned"
        )))
    }
}

impl<'a> super::Assembler<'a> for Xtensa<'a> {
    fn unit(&mut self) -> &mut Unit<'a> {
        &mut self.unit
    }

    fn enter(&mut self) {
        let assembler = &mut self.unit.assembler;
        if self.is_windowed {
            self.code.enter_windowed(assembler, 0);
        } else {
            self.code.enter(assembler, 0);
        }
    }

    fn exit(&mut self) {
        let assembler = &mut self.unit.assembler;
        if self.is_windowed {
            self.code.exit_windowed(assembler);
        } else {
            self.code.exit(assembler);
        }
        self.code.end_pass();
    }

    fn parameter_error(&self, parameters: &[Node]) -> Option<&'static str> {
        if parameters.len() > 4 {
            return Some("can only have up to 4 parameters to Xtensa assembly");
        }
        let names: [&[u8]; 4] = [b"a2", b"a3", b"a4", b"a5"];
        let right = parameters
            .iter()
            .zip(names)
            .all(|(parameter, name)| self.unit.text(*parameter) == name);
        (!right).then_some("parameters must be registers in sequence a2 to a5")
    }

    fn instruction(&mut self, operation: &Operation<'_>) -> Result<(), Failure> {
        let row = ROWS.iter().find(|row| row.name == operation.name);
        let exists = self.unit.rules.native.all_xtensa_instructions
            || OLD_INSTRUCTIONS.contains(&operation.name);
        let known = match (row, operation.operands) {
            _ if !exists => None,
            (Some(row), operands) => {
                let known = operands.len() == row.operands;
                known.then(|| self.tabled(row, operation))
            }
            (None, &[operand]) => self.one_operand(operation, operand)?,
            (None, &[first, second]) => self.two_operands(operation, first, second)?,
            (None, &[first, second, third]) => {
                self.three_operands(operation, [first, second, third])?
            }
            (None, _) => None,
        };
        if known.is_none() {
            let message = format!(
                "unsupported Xtensa instruction '{}' with {} arguments",
                operation.shown(),
                operation.operands.len()
            );
            self.unit.fail(DiagnosticCode::UnknownInstruction, message);
        }
        Ok(())
    }
}
