//! Sequences of Xtensa instructions that the native emitter and the inline assembler share (`py/asmxtensa.c`).

use super::encode::{self, condition};
use crate::emit::Label;
use crate::machine::{Assembler, Pass};
use piton_syntax::diagnostic::DiagnosticCode;
use piton_syntax::target::NativeRules;

/// Words in front of the locals of a frame: a0 and a12 to a15.
pub(crate) const SAVED: u32 = 5;
/// Words in front of the locals of a frame where registers are windowed: a0.
pub(crate) const SAVED_WINDOWED: u32 = 1;

const A0: u32 = 0;
const A1: u32 = 1;
const A9: u32 = 9;
const A11: u32 = 11;
/// Where the address of an element is put together, with windowed registers too: there it is one of the locals, as
/// in the official compiler.
const TEMPORARY: u32 = 6;

/// The table of constants in front of a function, and its frame.
///
/// The size of the table is that of the pass before, and stays from one function to the next.
#[derive(Debug)]
pub(crate) struct Code {
    rules: &'static NativeRules,
    table_size: usize,
    /// Where the table is: after a jump over it and a byte that aligns it.
    table: usize,
    used: usize,
    frame: i64,
}

impl Code {
    pub(crate) fn new(rules: &'static NativeRules) -> Code {
        Code {
            rules,
            table_size: 0,
            table: 0,
            used: 0,
            frame: 0,
        }
    }

    /// Appends an instruction of 16 bits.
    pub(crate) fn narrow(&self, assembler: &mut Assembler, instruction: u32) {
        let [a, b, ..] = instruction.to_le_bytes();
        assembler.emit(&[a, b]);
    }

    /// Appends an instruction of 24 bits.
    pub(crate) fn wide(&self, assembler: &mut Assembler, instruction: u32) {
        let [a, b, c, _] = instruction.to_le_bytes();
        assembler.emit(&[a, b, c]);
    }

    /// Ends a pass.
    pub(crate) fn end_pass(&mut self) {
        self.table_size = self.used;
        self.used = 0;
    }

    /// Returns the offset of the next instruction.
    pub(crate) fn place(&self, assembler: &Assembler) -> i64 {
        i64::try_from(assembler.offset()).unwrap_or(i64::MAX)
    }

    /// Returns how far a label is. One that is not assigned is at the end of the 32 bits that offsets have.
    pub(crate) fn distance(&self, assembler: &Assembler, label: Label) -> i64 {
        let target = assembler.label(label).and_then(|at| i64::try_from(at).ok());
        target.unwrap_or(0xffff_ffff) - self.place(assembler)
    }

    /// Jumps over the table of constants, if there is one.
    fn write_table(&mut self, assembler: &mut Assembler, omits_empty: bool) {
        if self.table_size > 0 || !omits_empty {
            let bytes = self.table_size * 4;
            self.wide(assembler, encode::j(i64::try_from(bytes).unwrap_or(0)));
            assembler.skip(1);
            self.table = assembler.offset();
            assembler.skip(bytes);
        }
    }

    /// Begins a function: the frame has these locals after the registers that are saved.
    pub(crate) fn enter(&mut self, assembler: &mut Assembler, locals: u32) {
        self.write_table(assembler, self.rules.omits_xtensa_table);
        self.frame = aligned((SAVED + locals) * 4);
        if (-0x80..0x80).contains(&-self.frame) {
            self.wide(assembler, encode::addi(A1, A1, -self.frame));
        } else {
            self.wide(assembler, encode::movi(A9, self.frame));
            self.wide(assembler, encode::sub(A1, A1, A9));
        }
        self.narrow(assembler, encode::s32i_n(A0, A1, 0));
        for word in 1..SAVED {
            self.narrow(assembler, encode::s32i_n(A11 + word, A1, word));
        }
    }

    /// Ends a function that [`Code::enter`] began.
    pub(crate) fn exit(&self, assembler: &mut Assembler) {
        for word in (1..SAVED).rev() {
            self.narrow(assembler, encode::l32i_n(A11 + word, A1, word));
        }
        self.narrow(assembler, encode::l32i_n(A0, A1, 0));
        if (-0x80..0x80).contains(&self.frame) {
            self.wide(assembler, encode::addi(A1, A1, self.frame));
        } else {
            self.wide(assembler, encode::movi(A9, self.frame));
            self.narrow(assembler, encode::add_n(A1, A1, A9));
        }
        self.narrow(assembler, encode::RET_N);
    }

    /// Begins a function where registers are windowed.
    pub(crate) fn enter_windowed(&mut self, assembler: &mut Assembler, locals: u32) {
        self.write_table(assembler, self.rules.omits_windowed_table);
        self.frame = 32 + aligned((SAVED_WINDOWED + locals) * 4);
        self.wide(assembler, encode::entry(A1, self.frame));
        self.narrow(assembler, encode::s32i_n(A0, A1, 0));
    }

    /// Ends a function that [`Code::enter_windowed`] began.
    pub(crate) fn exit_windowed(&self, assembler: &mut Assembler) {
        self.narrow(assembler, encode::l32i_n(A0, A1, 0));
        self.narrow(assembler, encode::RETW_N);
    }

    /// Goes on at a label.
    pub(crate) fn jump(&self, assembler: &mut Assembler, label: Label) {
        let offset = self.distance(assembler, label) - 4;
        self.wide(assembler, encode::j(offset));
    }

    /// Goes on at a label if a register compares with 0.
    ///
    /// # Errors
    /// The code of the error, for a label that is too far away.
    pub(crate) fn branch_zero(
        &self,
        assembler: &mut Assembler,
        condition: u32,
        register: u32,
        label: Label,
    ) -> Result<(), DiagnosticCode> {
        let offset = self.distance(assembler, label) - 4;
        if (-0x800..0).contains(&offset) || !self.rules.far_xtensa_branches {
            self.wide(assembler, encode::branch_zero(condition, register, offset));
            return Ok(());
        }
        // Around a jump, which reaches farther.
        let around = encode::branch_zero(condition ^ 1, register, 6 - 4);
        self.far(assembler, around, offset)
            .ok_or(DiagnosticCode::ZeroBranchRange)
    }

    /// Goes on at a label if two registers compare.
    ///
    /// # Errors
    /// The code of the error, for a label that is too far away.
    pub(crate) fn branch(
        &self,
        assembler: &mut Assembler,
        condition: u32,
        [s, t]: [u32; 2],
        label: Label,
    ) -> Result<(), DiagnosticCode> {
        let offset = self.distance(assembler, label) - 4;
        if (-0x80..0).contains(&offset) || !self.rules.far_xtensa_branches {
            self.wide(assembler, encode::branch(condition, s, t, offset));
            return Ok(());
        }
        let around = encode::branch(condition ^ condition::OPPOSITE, s, t, 6 - 4);
        self.far(assembler, around, offset)
            .ok_or(DiagnosticCode::BranchRange)
    }

    /// Appends a branch over a jump, and the jump.
    fn far(&self, assembler: &mut Assembler, around: u32, offset: i64) -> Option<()> {
        if assembler.pass() == Pass::Emit && !(-0x2_0000..0x2_0000).contains(&low(offset - 6)) {
            return None;
        }
        self.wide(assembler, around);
        self.wide(assembler, encode::j(offset - 3));
        Some(())
    }

    /// Loads a number by the shortest instruction that can.
    pub(crate) fn load_immediate(&mut self, assembler: &mut Assembler, register: u32, value: i32) {
        match value {
            -32..=95 if self.rules.narrow_xtensa_numbers => {
                self.narrow(assembler, encode::movi_n(register, value.into()))
            }
            -0x800..=0x7ff => self.wide(assembler, encode::movi(register, value.into())),
            _ => {
                self.load_constant(assembler, register, value);
            }
        }
    }

    /// Loads the address of a label.
    pub(crate) fn load_label_address(
        &self,
        assembler: &mut Assembler,
        register: u32,
        label: Label,
    ) {
        let offset = self.distance(assembler, label) - 3 - 3;
        self.wide(assembler, encode::movi(register, offset));
        // A call of the next instruction brings the place into a0. It must be aligned to words.
        let place = assembler.offset();
        self.wide(assembler, encode::call0(i64::from(place & 2 != 0)));
        let gap = [0; 3];
        assembler.emit(
            gap.get(..5_usize.wrapping_sub(place) & 3)
                .unwrap_or_default(),
        );
        self.narrow(assembler, encode::add_n(register, register, A0));
    }

    /// Loads an element whose unit has this power of 2 in bytes.
    pub(crate) fn load(
        &mut self,
        assembler: &mut Assembler,
        log2_bytes: u32,
        [register, base]: [u32; 2],
        offset: u32,
    ) {
        if log2_bytes == 2 && offset < 16 {
            self.narrow(assembler, encode::l32i_n(register, base, offset));
        } else if !self.rules.any_offset && offset >= 0x100 {
            assembler.fail(DiagnosticCode::NativeOverflow);
        } else if offset < 0x100 {
            let load = encode::load(log2_bytes, register, base, offset.into());
            self.wide(assembler, load);
        } else {
            let bytes = offset.wrapping_shl(log2_bytes).cast_signed();
            self.load_immediate(assembler, register, bytes);
            self.narrow(assembler, encode::add_n(register, base, register));
            self.load(assembler, log2_bytes, [register, register], 0);
        }
    }

    /// Stores an element whose unit has this power of 2 in bytes.
    pub(crate) fn store(
        &mut self,
        assembler: &mut Assembler,
        log2_bytes: u32,
        [register, base]: [u32; 2],
        offset: u32,
    ) {
        if log2_bytes == 2 && offset < 16 {
            self.narrow(assembler, encode::s32i_n(register, base, offset));
        } else if !self.rules.any_offset && offset >= 0x100 {
            assembler.fail(DiagnosticCode::NativeOverflow);
        } else if offset < 0x100 {
            let store = encode::store(log2_bytes, register, base, offset.into());
            self.wide(assembler, store);
        } else {
            let bytes = offset.wrapping_shl(log2_bytes).cast_signed();
            self.load_immediate(assembler, TEMPORARY, bytes);
            self.narrow(assembler, encode::add_n(TEMPORARY, base, TEMPORARY));
            self.store(assembler, log2_bytes, [register, TEMPORARY], 0);
        }
    }

    /// Loads a number from the table of constants, which gets it. Returns the offset of the constant.
    pub(crate) fn load_constant(
        &mut self,
        assembler: &mut Assembler,
        register: u32,
        value: i32,
    ) -> usize {
        let target = self.table + self.used * 4;
        let place = self.place(assembler);
        let from = i64::try_from(target).unwrap_or(0);
        self.wide(assembler, encode::l32r(register, place, from));
        assembler.overwrite(target, &value.to_le_bytes());
        self.used += 1;
        target
    }
}

/// Returns the next multiple of 16.
fn aligned(bytes: u32) -> i64 {
    i64::from(bytes.next_multiple_of(16))
}

/// Returns the low 32 bits, in which the official compiler computes distances.
pub(crate) fn low(offset: i64) -> i64 {
    let [a, b, c, d, ..] = offset.to_le_bytes();
    i32::from_le_bytes([a, b, c, d]).into()
}
