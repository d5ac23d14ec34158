//! `@micropython.asm_rv32` (`py/emitinlinerv32.c`): RV32IMC, and Zba and Zcmp where the flags of the architecture
//! have them.

use super::unit::{Operation, Unit};
use crate::machine::rv32::code::{self, Instruction};
use crate::machine::rv32::encode;
use piton_syntax::diagnostic::{DiagnosticCode, Failure};
use piton_syntax::number::Integer;
use piton_syntax::parse::{Node, Rule, Struct};
use piton_syntax::token::Token;

mod table;

use self::table::{Operand, ROWS, Row};

/// Bits of `-march-flags`.
const ZBA: u32 = 1;
const ZCMP: u32 = 2;

/// Names of the registers beside x0 to x31, in the order of their numbers.
const REGISTERS: [&[u8]; 32] = [
    b"zero", b"ra", b"sp", b"gp", b"tp", b"t0", b"t1", b"t2", b"s0", b"s1", b"a0", b"a1", b"a2",
    b"a3", b"a4", b"a5", b"a6", b"a7", b"s2", b"s3", b"s4", b"s5", b"s6", b"s7", b"s8", b"s9",
    b"s10", b"s11", b"t3", b"t4", b"t5", b"t6",
];
const RA: u32 = 1;
const S0: u32 = 8;
const S1: u32 = 9;
const A0: u32 = 10;
const S2: u32 = 18;
const S10: u32 = 26;
const S11: u32 = 27;
/// s0 to s7.
const MOVABLE: u32 = 0x00fc_0300;

/// Returns whether a number is one that a field with these bits holds in two's complement.
fn is_in_signed_mask(mask: u32, value: u32) -> bool {
    let leading = mask.leading_zeros();
    if leading == 0 {
        return true;
    }
    let sign = 1 << (31 - leading);
    if value & !(mask & !sign) == 0 {
        return true;
    }
    let trailing = (1 << mask.trailing_zeros()) - 1;
    let negative = !(mask >> 1) & !trailing;
    value & trailing == 0 && value & negative == negative
}

/// Returns the low 32 bits.
fn low(value: i64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Returns whether an operand takes a number.
fn fits(operand: Operand, value: i64) -> Result<(), &'static str> {
    let in_range = match operand {
        // All 64 bits of the official compiler's number count.
        Operand::Unsigned { mask, .. } => value & !i64::from(mask) == 0,
        Operand::Signed { mask, .. } | Operand::Label(mask) => is_in_signed_mask(mask, low(value)),
        Operand::Register(_) | Operand::Window => true,
    };
    let may_be_zero = match operand {
        Operand::Unsigned { nonzero, .. } | Operand::Signed { nonzero, .. } => !nonzero,
        _ => true,
    };
    match (in_range, value != 0 || may_be_zero) {
        (false, _) => Err("out of range"),
        (true, false) => Err("must not be zero"),
        (true, true) => Ok(()),
    }
}

/// The assembler. Its functions for operands return none after they reported an error.
#[derive(Debug)]
pub(super) struct Rv32<'a> {
    unit: Unit<'a>,
}

impl<'a> Rv32<'a> {
    pub(super) fn new(unit: Unit<'a>) -> Rv32<'a> {
        Rv32 { unit }
    }

    /// Reports an error in an operand, which is counted from 0.
    fn fail(&mut self, row: &Row, place: usize, rest: &str) {
        let name = String::from_utf8_lossy(row.name);
        let message = format!("opcode '{name}' argument {}: {rest}", place + 1);
        self.unit.fail(DiagnosticCode::AssemblerOperand, message);
    }

    /// Returns the number of a register.
    fn register(&self, operand: Node) -> Option<u32> {
        let name = self.unit.text(operand);
        let numbered = match name {
            [b'x', digit @ b'0'..=b'9'] => Some(u32::from(digit - b'0')),
            [b'x', tens @ b'1'..=b'3', digit @ b'0'..=b'9'] => {
                Some(u32::from(tens - b'0') * 10 + u32::from(digit - b'0'))
            }
            _ => None,
        };
        let named = || {
            let place = REGISTERS.iter().position(|known| *known == name)?;
            u32::try_from(place).ok()
        };
        numbered.filter(|&number| number < 32).or_else(named)
    }

    /// Returns what an operand puts into the instruction.
    fn operand(&mut self, row: &Row, place: usize, node: Node) -> Option<u32> {
        let kind = row.operands.get(place).copied()?;
        match kind {
            Operand::Register(mask) => self.register_operand(row, place, node, mask),
            Operand::Window => {
                let number = self.register_operand(row, place, node, 0xff00)?;
                Some(number - 8)
            }
            Operand::Signed { shift, .. } | Operand::Unsigned { shift, .. } => {
                let Some(value) = self.unit.integer(node) else {
                    self.fail(row, place, "expecting integer");
                    return None;
                };
                self.number(row, place, kind, value.wrapping_shl(shift))
            }
            Operand::Label(_) => {
                let Some(name) = node.as_id() else {
                    self.fail(row, place, "expecting label");
                    return None;
                };
                let target = match self.unit.label(name) {
                    Some(label) => self.unit.assembler.distance(label),
                    None if self.unit.is_last_pass() => {
                        let name = self.unit.shown(name);
                        self.fail(row, place, &format!("undefined label '{name}'"));
                        return None;
                    }
                    None => self.distance_of_unknown(),
                };
                self.number(row, place, kind, target)
            }
        }
    }

    fn register_operand(&mut self, row: &Row, place: usize, node: Node, mask: u32) -> Option<u32> {
        let Some(number) = self.register(node) else {
            self.fail(row, place, "expecting register");
            return None;
        };
        if mask >> number & 1 == 0 {
            self.fail(row, place, "unknown register");
            return None;
        }
        Some(number)
    }

    fn number(&mut self, row: &Row, place: usize, kind: Operand, value: i64) -> Option<u32> {
        match fits(kind, value) {
            Ok(()) => Some(low(value)),
            Err(message) => {
                self.fail(row, place, message);
                None
            }
        }
    }

    /// Returns the distance of a label that comes later, in the pass that measures. The official compiler reads the
    /// offset after the last one of its table, and refuses what is out of range from there. As a rule it is 0; in a
    /// module whose longest list of labels fills whole blocks of the heap (4, 8, 12 ... labels) it is whatever lies
    /// there, so that it refuses some branches by chance.
    fn distance_of_unknown(&self) -> i64 {
        let place = i64::try_from(self.unit.assembler.offset()).unwrap_or(i64::MAX);
        0 - place
    }

    /// Returns offset and base of an operand `offset(base)`.
    fn address(&mut self, row: &Row, node: Node) -> Option<(u32, u32)> {
        let Some((is_negative, call)) = self.signed_call(node) else {
            self.fail(row, 1, "expecting offset");
            return None;
        };
        let number = self.unit.tree.child(call, 0);
        let offset = if is_negative {
            let Some(value) = self.unit.integer(number) else {
                self.fail(row, 1, "expecting integer");
                return None;
            };
            let kind = row.operands.get(1).copied()?;
            let value = value.wrapping_neg();
            // A zero is out of range too, where there must be none.
            if fits(kind, value).is_err() {
                self.fail(row, 1, "out of range");
                return None;
            }
            low(value)
        } else {
            self.operand(row, 1, number)?
        };
        let bracket = self.unit.tree.child(call, 1).as_struct();
        let base = bracket.map_or(Node::NULL, |bracket| self.unit.tree.child(bracket, 0));
        Some((offset, self.operand(row, 2, base)?))
    }

    /// Returns a call, and whether there is a minus in front of it. There can be a plus.
    fn signed_call(&self, node: Node) -> Option<(bool, Struct)> {
        let tree = self.unit.tree;
        if let Some(call) = tree.as_rule(node, Rule::AtomExprNormal) {
            return Some((false, call));
        }
        let factor = tree.as_rule(node, Rule::Factor2)?;
        let is_negative = match tree.child(factor, 0) {
            sign if sign.is_token(Token::OpMinus) => true,
            sign if sign.is_token(Token::OpPlus) => false,
            _ => return None,
        };
        let call = tree.as_rule(tree.child(factor, 1), Rule::AtomExprNormal)?;
        Some((is_negative, call))
    }

    /// Appends an instruction of the table.
    fn tabled(&mut self, row: &Row, operation: &Operation<'_>) -> Option<()> {
        let nodes = operation.operands;
        let expected = if row.has_address {
            2
        } else {
            row.operands.len()
        };
        if nodes.len() != expected {
            let message = format!(
                "opcode '{}': expecting {expected} arguments",
                operation.shown()
            );
            self.unit.fail(DiagnosticCode::AssemblerOperand, message);
            return None;
        }
        let mut values = [0; 3];
        if let &[first, address] = nodes
            && row.has_address
        {
            let register = self.operand(row, 0, first)?;
            let (offset, base) = self.address(row, address)?;
            values = [register, offset, base];
        } else {
            for (place, (value, node)) in values.iter_mut().zip(nodes).enumerate() {
                *value = self.operand(row, place, *node)?;
            }
        }
        row.action.emit(&mut self.unit.assembler, values);
        Some(())
    }

    /// Returns an instruction of Zcmp; none for another one, and for one with wrong operands: it is reported as if it
    /// did not exist.
    fn zcmp(&self, name: &[u8], first: Node, second: Node) -> Result<Option<Instruction>, Failure> {
        let bits = match name {
            b"cm_mva01s" => return Ok(self.zcmp_move(3, first, second)),
            b"cm_mvsa01" => return Ok(self.zcmp_move(1, first, second)),
            b"cm_push" => 0x18,
            b"cm_pop" => 0x1a,
            b"cm_popretz" => 0x1c,
            b"cm_popret" => 0x1e,
            _ => return Ok(None),
        };
        let Some(registers) = self.register_list(first) else {
            return Ok(None);
        };
        let Some(adjustment) = self.unit.big_integer(second) else {
            return Ok(None);
        };
        let adjustment = match adjustment {
            Integer::Small(value) => value,
            Integer::Big(value) => i64::try_from(value)
                .map_err(|_| Failure::nowhere(DiagnosticCode::IntegerTooLarge))?,
        };
        let bytes = low(adjustment).cast_signed().unsigned_abs();
        let wrong_sign = match name {
            b"cm_push" => adjustment > 0,
            _ => adjustment < 0,
        };
        if bytes & !0x30 != 0 || wrong_sign {
            return Ok(None);
        }
        // The field counts 16 bytes; the official compiler takes the low bits of the bytes, which are 0.
        Ok(Some(Instruction::Half(encode::cmpp(
            bits, registers, bytes,
        ))))
    }

    fn zcmp_move(&self, funct2: u32, first: Node, second: Node) -> Option<Instruction> {
        let movable = |&number: &u32| MOVABLE >> number & 1 != 0;
        let first = self.register(first).filter(movable)?;
        let second = self.register(second).filter(movable)?;
        (first != second).then(|| Instruction::Half(encode::cmmv(funct2, first, second)))
    }

    /// Returns the number of a list of registers: `{ra}`, `{ra, s0}`, `{ra, s0-s1}` ... `{ra, s0-s9}`, `{ra, s0-s11}`.
    fn register_list(&self, node: Node) -> Option<u32> {
        let tree = self.unit.tree;
        let content = tree.child(tree.as_rule(node, Rule::AtomBrace)?, 0);
        if content.as_id().is_some() {
            return (self.register(content)? == RA).then_some(4);
        }
        let maker = tree.as_rule(content, Rule::Dictorsetmaker)?;
        let rest = tree.as_rule(tree.child(maker, 1), Rule::DictorsetmakerList)?;
        if self.register(tree.child(maker, 0))? != RA {
            return None;
        }
        let saved = tree.child(rest, 0);
        if saved.as_id().is_some() {
            return (self.register(saved)? == S0).then_some(5);
        }
        let range = tree.as_rule(saved, Rule::ArithExpr)?;
        let is_range = tree.count(range) == 3 && tree.child(range, 1).is_token(Token::OpMinus);
        if !is_range || self.register(tree.child(range, 0))? != S0 {
            return None;
        }
        match self.register(tree.child(range, 2))? {
            S1 => Some(6),
            S10 => None,
            last @ S2..=S11 => Some(7 + last.min(S10) - S2),
            _ => None,
        }
    }
}

impl<'a> super::Assembler<'a> for Rv32<'a> {
    fn unit(&mut self) -> &mut Unit<'a> {
        &mut self.unit
    }

    fn enter(&mut self) {}

    fn exit(&mut self) {
        code::half(&mut self.unit.assembler, encode::c_jr(RA));
    }

    fn parameter_error(&self, parameters: &[Node]) -> Option<&'static str> {
        if parameters.len() > 4 {
            return Some("can only have up to 4 parameters for RV32 assembly");
        }
        let right = parameters
            .iter()
            .zip(A0..)
            .all(|(parameter, number)| self.register(*parameter) == Some(number));
        (!right).then_some("parameters must be registers in sequence a0 to a3")
    }

    fn instruction(&mut self, operation: &Operation<'_>) -> Result<(), Failure> {
        let row = ROWS.iter().find(|row| row.name == operation.name);
        let row = row.filter(|row| !row.is_zba || self.unit.arch_flags & ZBA != 0);
        if let Some(row) = row {
            // What is wrong is reported already.
            let _ = self.tabled(row, operation);
            return Ok(());
        }
        if let &[first, second] = operation.operands
            && self.unit.arch_flags & ZCMP != 0
            && let Some(instruction) = self.zcmp(operation.name, first, second)?
        {
            code::emit(&mut self.unit.assembler, instruction);
            return Ok(());
        }
        let message = format!("invalid RV32 instruction '{}'", operation.shown());
        self.unit.fail(DiagnosticCode::UnknownInstruction, message);
        Ok(())
    }
}
