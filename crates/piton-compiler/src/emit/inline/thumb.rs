//! `@micropython.asm_thumb` (`py/emitinlinethumb.c`): ARMv6-M, ARMv7-M and, on processors with a floating-point unit,
//! its single-precision instructions.

use piton_mpy::header::Arch;

use super::unit::{Operation, Unit, quoted};
use crate::emit::Label;
use crate::machine::thumb::encode::{self, Alu, Immediate8, Shift, Transfer, vfp};
use piton_syntax::diagnostic::{DiagnosticCode, Failure};
use piton_syntax::parse::Node;

/// Registers that a function saves: r1, r4 to r7; and lr.
const SAVED: u32 = 0xf2;

/// Brings a function that is called in ARM state into Thumb state:
/// `push {r4, lr}`, `add lr, pc, #9`, `blx lr`, `pop {r4, lr}`, `bx lr`.
const FROM_ARM_STATE: [u32; 10] = [
    0x4010, 0xe92d, 0xe009, 0xe28f, 0xff3e, 0xe12f, 0x4010, 0xe8bd, 0xff1e, 0xe12f,
];

/// Registers with other names than r0 to r15.
const NAMED_REGISTERS: [(&[u8], u32); 5] = [
    (b"sl", 10),
    (b"fp", 11),
    (b"sp", 13),
    (b"lr", 14),
    (b"pc", 15),
];

/// Names of the conditions, in the order of their numbers.
const CONDITIONS: [&[u8; 2]; 14] = [
    b"eq", b"ne", b"cs", b"cc", b"mi", b"pl", b"vs", b"vc", b"hi", b"ls", b"ge", b"lt", b"gt",
    b"le",
];

/// Operations on two low registers.
const ALU: [(&[u8], Alu); 16] = [
    (b"and_", Alu::And),
    (b"eor", Alu::Eor),
    (b"lsl", Alu::Lsl),
    (b"lsr", Alu::Lsr),
    (b"asr", Alu::Asr),
    (b"adc", Alu::Adc),
    (b"sbc", Alu::Sbc),
    (b"ror", Alu::Ror),
    (b"tst", Alu::Tst),
    (b"neg", Alu::Neg),
    (b"cmp", Alu::Cmp),
    (b"cmn", Alu::Cmn),
    (b"orr", Alu::Orr),
    (b"mul", Alu::Mul),
    (b"bic", Alu::Bic),
    (b"mvn", Alu::Mvn),
];

/// Operations on a low register and a byte.
const IMMEDIATE: [(&[u8], Immediate8); 4] = [
    (b"mov", Immediate8::Mov),
    (b"cmp", Immediate8::Cmp),
    (b"add", Immediate8::Add),
    (b"sub", Immediate8::Sub),
];

/// Loads and stores, with the mask that a byte offset fits in and the bytes of a unit as a power of 2.
const TRANSFERS: [(&[u8], Transfer, u32, u32); 6] = [
    (b"ldr", Transfer::Ldr, 0x7c, 2),
    (b"ldrb", Transfer::Ldrb, 0x1f, 0),
    (b"ldrh", Transfer::Ldrh, 0x3e, 1),
    (b"str", Transfer::Str, 0x7c, 2),
    (b"strb", Transfer::Strb, 0x1f, 0),
    (b"strh", Transfer::Strh, 0x3e, 1),
];

/// Floating-point operations on two registers.
const VFP_TWO: [(&[u8], [u32; 2]); 5] = [
    (b"vcmp", vfp::VCMP),
    (b"vsqrt", vfp::VSQRT),
    (b"vneg", vfp::VNEG),
    (b"vcvt_f32_s32", vfp::VCVT_F32_S32),
    (b"vcvt_s32_f32", vfp::VCVT_S32_F32),
];

/// Floating-point operations on three registers.
const VFP_THREE: [(&[u8], vfp::Arithmetic); 4] = [
    (b"vadd", vfp::Arithmetic::Add),
    (b"vsub", vfp::Arithmetic::Sub),
    (b"vmul", vfp::Arithmetic::Mul),
    (b"vdiv", vfp::Arithmetic::Div),
];

/// Returns what a table has for a name.
fn find<T: Copy>(table: &[(&[u8], T)], name: &[u8]) -> Option<T> {
    table.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// Returns the number of a condition.
fn condition(name: &[u8]) -> Option<u32> {
    (0..)
        .zip(CONDITIONS)
        .find(|(_, known)| known.as_slice() == name)
        .map(|(number, _)| number)
}

/// Returns whether a byte offset is one that fits into `bits` bits, sign included.
fn fits(offset: i64, bits: u32) -> bool {
    let limit = 1 << (bits - 1);
    (-limit..limit).contains(&offset)
}

/// The assembler. Its functions for instructions return none for one that there is not.
#[derive(Debug)]
pub(super) struct Thumb<'a> {
    unit: Unit<'a>,
    has_v7m: bool,
    has_vfp: bool,
}

impl<'a> Thumb<'a> {
    pub(super) fn new(unit: Unit<'a>) -> Thumb<'a> {
        let takes_all = !unit.rules.native.thumb_by_processor;
        let has_vfp = takes_all || matches!(unit.arch, Some(Arch::ArmV7EMSP | Arch::ArmV7EMDP));
        let has_v7m = has_vfp || matches!(unit.arch, Some(Arch::ArmV7M | Arch::ArmV7EM));
        Thumb {
            unit,
            has_v7m,
            has_vfp,
        }
    }

    fn fail(&mut self, operation: &Operation<'_>, rest: std::fmt::Arguments<'_>) -> u32 {
        let message = quoted(operation, rest);
        self.unit.fail(DiagnosticCode::AssemblerOperand, message);
        0
    }

    fn emit(&mut self, instruction: u32) -> Option<()> {
        self.unit.halfwords(&[instruction]);
        Some(())
    }

    fn emit_wide(&mut self, instruction: [u32; 2]) -> Option<()> {
        self.unit.halfwords(&instruction);
        Some(())
    }

    /// Returns the number of a register up to `maximum`.
    fn register(&mut self, operation: &Operation<'_>, operand: Node, maximum: u32) -> u32 {
        let name = self.unit.text(operand);
        let numbered = match name {
            [b'r', digit @ b'0'..=b'9'] => Some(u32::from(digit - b'0')),
            [b'r', b'1', digit @ b'0'..=b'5'] => Some(10 + u32::from(digit - b'0')),
            _ => None,
        };
        match numbered.or_else(|| find(&NAMED_REGISTERS, name)) {
            Some(number) if number <= maximum => number,
            Some(_) => self.fail(operation, format_args!("expects at most r{maximum}")),
            None => self.fail(operation, format_args!("expects a register")),
        }
    }

    fn low_register(&mut self, operation: &Operation<'_>, operand: Node) -> u32 {
        self.register(operation, operand, 7)
    }

    fn special_register(&mut self, operation: &Operation<'_>, operand: Node) -> u32 {
        match self.unit.text(operand) {
            b"IPSR" => 5,
            b"BASEPRI" => 17,
            _ => self.fail(operation, format_args!("expects a special register")),
        }
    }

    fn vfp_register(&mut self, operation: &Operation<'_>, operand: Node) -> u32 {
        let digits = match self.unit.text(operand) {
            [b's', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => digits,
            _ => &[],
        };
        if digits.is_empty() {
            return self.fail(operation, format_args!("expects an FPU register"));
        }
        let number = digits.iter().fold(0_u64, |number, digit| {
            number
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit - b'0'))
        });
        match u32::try_from(number) {
            Ok(number @ 0..=31) => number,
            _ => self.fail(operation, format_args!("expects at most r31")),
        }
    }

    /// Returns the bits of the registers in braces.
    fn register_list(&mut self, operation: &Operation<'_>, operand: Node) -> u32 {
        let Some(items) = self.unit.set(operand) else {
            return self.fail(operation, format_args!("expects {{r0, r1, ...}}"));
        };
        items.into_iter().fold(0, |list, item| {
            list | 1 << self.register(operation, item, 15)
        })
    }

    /// Returns an integer of which no bits are outside of `mask`.
    fn immediate(&mut self, operation: &Operation<'_>, operand: Node, mask: u32) -> u32 {
        let Some(value) = self.unit.integer(operand) else {
            return self.fail(operation, format_args!("expects an integer"));
        };
        let [a, b, c, d, ..] = value.to_le_bytes();
        let value = u32::from_le_bytes([a, b, c, d]);
        if value & !mask != 0 {
            let rest = format_args!("integer 0x{value:x} doesn't fit in mask 0x{mask:x}");
            return self.fail(operation, rest);
        }
        value
    }

    /// Returns base and offset of an address, `[base, offset]`.
    fn address(&mut self, operation: &Operation<'_>, operand: Node) -> Option<(Node, Node)> {
        let pair = self.unit.pair(operand);
        if pair.is_none() {
            self.fail(
                operation,
                format_args!("expects an address of the form [a, b]"),
            );
        }
        pair
    }

    /// Returns how far a label is from pc. One that is not known stands where the first label is.
    fn distance(&mut self, operation: &Operation<'_>, operand: Node) -> i64 {
        let mut label = Label(0);
        match operand.as_id() {
            None => drop(self.fail(operation, format_args!("expects a label"))),
            Some(name) => match self.unit.label(name) {
                Some(known) => label = known,
                None if self.unit.is_last_pass() => {
                    let message = format!("label '{}' not defined", self.unit.shown(name));
                    self.unit.fail(DiagnosticCode::LabelNotDefined, message);
                }
                None => {}
            },
        }
        self.unit.assembler.distance(label) - 4
    }

    /// Checks the distance of a branch that was written.
    fn check_range(&mut self, distance: i64, bits: u32) -> Option<()> {
        if self.unit.is_last_pass() && !fits(distance, bits) {
            let code = DiagnosticCode::BranchNotInRange;
            self.unit.fail(code, code.message().to_owned());
        }
        Some(())
    }

    fn no_operand(&mut self, operation: &Operation<'_>) -> Option<()> {
        match operation.name {
            b"nop" => self.emit(encode::NOP),
            b"wfi" => self.emit(encode::WFI),
            _ => None,
        }
    }

    fn one_operand(&mut self, operation: &Operation<'_>, operand: Node) -> Option<()> {
        match operation.name {
            b"b" => {
                let distance = self.distance(operation, operand);
                self.emit(encode::branch(distance));
                self.check_range(distance, 12)
            }
            b"bl" => {
                let distance = self.distance(operation, operand);
                self.emit_wide(encode::branch_link(distance));
                self.check_range(distance, 23)
            }
            b"bx" => {
                let target = self.register(operation, operand, 15);
                self.emit(encode::bx(target))
            }
            [b'b', condition @ ..] => self.branch(operation, condition, operand),
            [b'i', b't', others @ ..] if self.has_v7m => self.if_then(others, operand),
            // Whatever the operand is.
            b"cpsid" => self.emit(encode::CPSID_I),
            b"cpsie" => self.emit(encode::CPSIE_I),
            b"push" => {
                let registers = self.register_list(operation, operand);
                // Up to 1.18, lr and pc need the instruction of 32 bits.
                let short = 0xff | u32::from(self.unit.rules.native.thumb_by_processor) << 14;
                if registers & !short & 0xffff == 0 {
                    self.emit(encode::push(registers & 0xff, registers & 1 << 14 != 0))
                } else {
                    self.has_v7m.then_some(())?;
                    self.emit_wide(encode::push_wide(registers))
                }
            }
            b"pop" => {
                let registers = self.register_list(operation, operand);
                let short = 0xff | u32::from(self.unit.rules.native.thumb_by_processor) << 15;
                if registers & !short & 0xffff == 0 {
                    self.emit(encode::pop(registers & 0xff, registers & 1 << 15 != 0))
                } else {
                    self.has_v7m.then_some(())?;
                    self.emit_wide(encode::pop_wide(registers))
                }
            }
            _ => None,
        }
    }

    /// `b<c>`, `b<c>_n` and `b<c>_w`.
    fn branch(&mut self, operation: &Operation<'_>, rest: &[u8], operand: Node) -> Option<()> {
        let (name, is_wide) = match rest {
            [first, second] | [first, second, b'_', b'n'] => ([*first, *second], false),
            [first, second, b'_', b'w'] if self.has_v7m => ([*first, *second], true),
            _ => return None,
        };
        let condition = condition(&name)?;
        let distance = self.distance(operation, operand);
        if is_wide {
            // Not checked: the official compiler does not either.
            return self.emit_wide(encode::branch_if_wide(condition, distance));
        }
        self.emit(encode::branch_if(condition, distance));
        self.check_range(distance, 9)
    }

    /// `it` with up to three letters for the other instructions: the same condition (`t`) or the opposite (`e`).
    fn if_then(&mut self, others: &[u8], operand: Node) -> Option<()> {
        let condition = condition(self.unit.text(operand))?;
        if others.len() > 3 {
            return None;
        }
        let mut mask = 8;
        for other in others.iter().rev() {
            let bit = match other {
                b't' => condition & 1,
                b'e' => !condition & 1,
                _ => return None,
            };
            mask = mask >> 1 | bit << 3;
        }
        self.emit(encode::it(condition, mask))
    }

    fn two_registers(
        &mut self,
        operation: &Operation<'_>,
        first: Node,
        second: Node,
    ) -> Option<()> {
        match operation.name {
            b"mov" => {
                let rd = self.register(operation, first, 15);
                let rs = self.register(operation, second, 15);
                self.emit(encode::mov(rd, rs))
            }
            b"clz" if self.has_v7m => {
                let rd = self.register(operation, first, 15);
                let rm = self.register(operation, second, 15);
                self.emit_wide(encode::clz(rd, rm))
            }
            b"rbit" if self.has_v7m => {
                let rd = self.register(operation, first, 15);
                let rm = self.register(operation, second, 15);
                self.emit_wide(encode::rbit(rd, rm))
            }
            b"mrs" if self.has_v7m => {
                let rd = self.register(operation, first, 12);
                let special = self.special_register(operation, second);
                self.emit_wide(encode::mrs(rd, special))
            }
            name => {
                let op = find(&ALU, name)?;
                let rd = self.low_register(operation, first);
                let rs = self.low_register(operation, second);
                self.emit(encode::alu(op, rd, rs))
            }
        }
    }

    /// Instructions whose second operand is no name.
    fn two_operands(&mut self, operation: &Operation<'_>, first: Node, second: Node) -> Option<()> {
        if let Some(op) = find(&IMMEDIATE, operation.name) {
            let rd = self.low_register(operation, first);
            let imm8 = self.immediate(operation, second, 0xff);
            return self.emit(encode::immediate8(op, rd, imm8));
        }
        match operation.name {
            // The official compiler stops with an assertion for r15.
            b"movw" | b"movt" if self.has_v7m => {
                let rd = self.register(operation, first, 14);
                let imm16 = self.immediate(operation, second, 0xffff);
                self.emit_wide(match operation.name {
                    b"movw" => encode::movw(rd, imm16),
                    _ => encode::movt(rd, imm16),
                })
            }
            b"movwt" if self.has_v7m => {
                let rd = self.register(operation, first, 14);
                let imm32 = self.immediate(operation, second, u32::MAX);
                self.emit_wide(encode::movw(rd, imm32 & 0xffff));
                self.emit_wide(encode::movt(rd, imm32 >> 16))
            }
            b"ldrex" if self.has_v7m => {
                let rt = self.register(operation, first, 15);
                if let Some((base, offset)) = self.address(operation, second) {
                    let rn = self.register(operation, base, 15);
                    let imm8 = self.immediate(operation, offset, 0xff) >> 2;
                    self.emit_wide(encode::ldrex(rt, rn, imm8));
                }
                Some(())
            }
            name => {
                let (_, op, mask, unit) = *TRANSFERS.iter().find(|row| row.0 == name)?;
                let rd = self.low_register(operation, first);
                // Without an address it is reported as an unknown instruction.
                let (base, offset) = self.address(operation, second)?;
                let rb = self.low_register(operation, base);
                let imm5 = self.immediate(operation, offset, mask) >> unit;
                self.emit(encode::transfer(op, rd, rb, imm5))
            }
        }
    }

    fn three_operands(&mut self, operation: &Operation<'_>, operands: [Node; 3]) -> Option<()> {
        let [first, second, third] = operands;
        match operation.name {
            b"lsl" | b"lsr" | b"asr" => {
                let rd = self.low_register(operation, first);
                let rs = self.low_register(operation, second);
                let imm5 = self.immediate(operation, third, 0x1f);
                let op = match operation.name {
                    b"lsl" => Shift::Lsl,
                    b"lsr" => Shift::Lsr,
                    _ => Shift::Asr,
                };
                self.emit(encode::shift_immediate(op, rd, rs, imm5))
            }
            b"add" | b"sub" => self.add_or_subtract(operation, operands),
            b"sdiv" | b"udiv" if self.has_v7m => {
                let rd = self.register(operation, first, 15);
                let rn = self.register(operation, second, 15);
                let rm = self.register(operation, third, 15);
                self.emit_wide(match operation.name {
                    b"sdiv" => encode::sdiv(rd, rn, rm),
                    _ => encode::udiv(rd, rn, rm),
                })
            }
            b"strex" if self.has_v7m => {
                let rd = self.register(operation, first, 15);
                let rt = self.register(operation, second, 15);
                if let Some((base, offset)) = self.address(operation, third) {
                    let rn = self.register(operation, base, 15);
                    let imm8 = self.immediate(operation, offset, 0xff) >> 2;
                    self.emit_wide(encode::strex(rd, rt, rn, imm8));
                }
                Some(())
            }
            _ => None,
        }
    }

    fn add_or_subtract(&mut self, operation: &Operation<'_>, operands: [Node; 3]) -> Option<()> {
        let [first, second, third] = operands;
        let rd = self.low_register(operation, first);
        let rs = self.low_register(operation, second);
        let adds = operation.name == b"add";
        if third.as_id().is_some() {
            let rn = self.low_register(operation, third);
            return self.emit(if adds {
                encode::add_register(rd, rs, rn)
            } else {
                encode::sub_register(rd, rs, rn)
            });
        }
        let imm3 = self.immediate(operation, third, 7);
        self.emit(if adds {
            encode::add_immediate3(rd, rs, imm3)
        } else {
            encode::sub_immediate3(rd, rs, imm3)
        })
    }

    /// Instructions of the floating-point unit.
    fn vfp(&mut self, operation: &Operation<'_>) -> Option<()> {
        match *operation.operands {
            [first, second] => self.vfp_two(operation, first, second),
            [first, second, third] => {
                let op = find(&VFP_THREE, operation.name)?;
                let sd = self.vfp_register(operation, first);
                let sn = self.vfp_register(operation, second);
                let sm = self.vfp_register(operation, third);
                self.emit_wide(vfp::arithmetic(op, sd, sn, sm))
            }
            _ => None,
        }
    }

    fn vfp_two(&mut self, operation: &Operation<'_>, first: Node, second: Node) -> Option<()> {
        match operation.name {
            b"vmrs" => {
                let rt = match self.unit.text(first) {
                    b"APSR_nzcv" => 15,
                    _ => self.register(operation, first, 15),
                };
                (self.unit.text(second) == b"FPSCR").then_some(())?;
                self.emit_wide(vfp::vmrs(rt))
            }
            b"vmov" => {
                let to_core = self.unit.text(first).first() == Some(&b'r');
                let (rt, sn) = if to_core {
                    let rt = self.register(operation, first, 15);
                    (rt, self.vfp_register(operation, second))
                } else {
                    let sn = self.vfp_register(operation, first);
                    (self.register(operation, second, 15), sn)
                };
                self.emit_wide(vfp::vmov(to_core, rt, sn))
            }
            b"vldr" | b"vstr" => {
                let sd = self.vfp_register(operation, first);
                if let Some((base, offset)) = self.address(operation, second) {
                    let rn = self.low_register(operation, base);
                    let imm8 = self.immediate(operation, offset, 0x3fc) >> 2;
                    self.emit_wide(match operation.name {
                        b"vldr" => vfp::vldr(sd, rn, imm8),
                        _ => vfp::vstr(sd, rn, imm8),
                    });
                }
                Some(())
            }
            name => {
                let fixed = find(&VFP_TWO, name)?;
                let sd = self.vfp_register(operation, first);
                let sm = self.vfp_register(operation, second);
                self.emit_wide(vfp::two_registers(fixed, sd, sm))
            }
        }
    }
}

impl<'a> super::Assembler<'a> for Thumb<'a> {
    fn unit(&mut self) -> &mut Unit<'a> {
        &mut self.unit
    }

    fn enter(&mut self) {
        if self.unit.arch == Some(Arch::ArmV6) {
            self.unit.halfwords(&FROM_ARM_STATE);
        }
        self.emit(encode::push(SAVED, true));
    }

    fn exit(&mut self) {
        self.emit(encode::pop(SAVED, true));
    }

    fn parameter_error(&self, parameters: &[Node]) -> Option<&'static str> {
        if parameters.len() > 4 {
            return Some("can only have up to 4 parameters to Thumb assembly");
        }
        let names: [&[u8]; 4] = [b"r0", b"r1", b"r2", b"r3"];
        let right = parameters
            .iter()
            .zip(names)
            .all(|(parameter, name)| self.unit.text(*parameter) == name);
        (!right).then_some("parameters must be registers in sequence r0 to r3")
    }

    fn instruction(&mut self, operation: &Operation<'_>) -> Result<(), Failure> {
        let known = match *operation.operands {
            _ if self.has_vfp && operation.name.first() == Some(&b'v') => self.vfp(operation),
            [] => self.no_operand(operation),
            [operand] => self.one_operand(operation, operand),
            [first, second] if second.as_id().is_some() => {
                self.two_registers(operation, first, second)
            }
            [first, second] => self.two_operands(operation, first, second),
            [first, second, third] => self.three_operands(operation, [first, second, third]),
            _ => None,
        };
        if known.is_none() {
            let message = format!(
                "unsupported Thumb instruction '{}' with {} arguments",
                operation.shown(),
                operation.operands.len()
            );
            self.unit.fail(DiagnosticCode::UnknownInstruction, message);
        }
        Ok(())
    }
}
