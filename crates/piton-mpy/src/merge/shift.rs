//! Opcodes whose qstrs and objects get other indices.

use crate::error::Error;
use crate::instruction::{Instruction, Operand, instructions};
use crate::merge::not_mergeable;
use crate::opcode::OperandKind;
use crate::vuint;

/// How far a module's table entries move.
#[derive(Clone, Copy)]
pub(super) struct Shift {
    pub(super) qstrs: u32,
    pub(super) objects: u32,
}

/// An instruction on its way to a new place.
struct Moved<'a> {
    instruction: Instruction,
    /// The bytes it had.
    original: &'a [u8],
    /// For a jump, which instruction it goes to; one past the last is the end.
    target: Option<usize>,
    /// Whether the jump offset takes two bytes.
    is_long: bool,
}

/// Rewrites table indices. They may take more bytes than before, so jumps are laid out anew.
pub(super) fn shifted_opcodes(
    opcodes: &[u8],
    module: usize,
    shift: Shift,
) -> Result<Vec<u8>, Error> {
    let decoded = instructions(opcodes).collect::<Result<Vec<_>, _>>()?;
    let mut moved = Vec::with_capacity(decoded.len());
    for &instruction in &decoded {
        let mut target = None;
        if let Some(offset) = instruction.target() {
            target = instruction_at(&decoded, opcodes.len(), offset);
            if target.is_none() {
                let found = format!("offset {offset}");
                return Err(not_mergeable(
                    module,
                    "jump target",
                    "an instruction",
                    found,
                ));
            }
        }
        let start = instruction.offset as usize;
        let original = opcodes
            .get(start..start + instruction.length as usize)
            .unwrap_or_default();
        moved.push(Moved {
            instruction,
            original,
            target,
            is_long: false,
        });
    }
    // Where each instruction is, and the end.
    let mut offsets: Vec<_> = decoded.iter().map(|found| found.offset as usize).collect();
    offsets.push(opcodes.len());
    let mut pass = 0;
    while lay_out(&mut moved, &mut offsets, shift, pass >= FREE_PASSES) {
        pass += 1;
    }
    encode(&moved, &offsets, shift)
}

fn instruction_at(decoded: &[Instruction], end: usize, target: i64) -> Option<usize> {
    let target = usize::try_from(target).ok()?;
    if target == end {
        return Some(decoded.len());
    }
    decoded
        .binary_search_by_key(&target, |instruction| instruction.offset as usize)
        .ok()
}

/// How many times the layout may make jumps shorter. After that they only grow, so it ends.
const FREE_PASSES: u32 = 100;

/// Moves every instruction to its place after the ones before it, as `mpy-tool.py` does: jumps are
/// sized by where their targets were in the pass before. Returns whether anything moved.
fn lay_out(moved: &mut [Moved<'_>], offsets: &mut [usize], shift: Shift, only_grow: bool) -> bool {
    let mut has_moved = false;
    let mut here = 0;
    let mut scratch = Vec::new();
    let mut place = |offsets: &mut [usize], index: usize, here: usize| {
        if let Some(offset) = offsets.get_mut(index).filter(|offset| **offset != here) {
            *offset = here;
            has_moved = true;
        }
    };
    for (index, moved) in moved.iter_mut().enumerate() {
        place(offsets, index, here);
        if let Some(target) = moved.target.and_then(|target| offsets.get(target)) {
            let distance = *target as i64 - here as i64 - 2;
            moved.is_long = !moved.fits_short(distance) || only_grow && moved.is_long;
        }
        scratch.clear();
        moved.push(&mut scratch, 0, shift);
        here += scratch.len();
    }
    place(offsets, moved.len(), here);
    has_moved
}

fn encode(moved: &[Moved<'_>], offsets: &[usize], shift: Shift) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(offsets.last().copied().unwrap_or_default());
    for (moved, here) in moved.iter().zip(offsets) {
        let mut distance = 0;
        if let Some(target) = moved.target.and_then(|target| offsets.get(target)) {
            distance = *target as i64 - *here as i64 - 2 - i64::from(moved.is_long);
            moved.check_distance(distance)?;
        }
        moved.push(&mut out, distance, shift);
    }
    Ok(out)
}

impl Moved<'_> {
    fn is_signed(&self) -> bool {
        let operand = self.instruction.opcode.operand;
        matches!(operand, OperandKind::SignedOffset | OperandKind::Unwind)
    }

    /// Returns a forward jump may seem to go backwards while the code before it grows; that is short.
    fn fits_short(&self, distance: i64) -> bool {
        let limits = if self.is_signed() {
            -0x40..0x40
        } else {
            i64::MIN..0x80
        };
        limits.contains(&distance)
    }

    fn check_distance(&self, distance: i64) -> Result<(), Error> {
        let limits = if self.is_signed() {
            -0x4000..=0x3fff
        } else {
            0..=0x7fff
        };
        if limits.contains(&distance) {
            return Ok(());
        }
        let limit = if distance < 0 {
            limits.start()
        } else {
            limits.end()
        };
        Err(Error::TooLarge {
            field: "jump distance",
            value: distance.unsigned_abs(),
            limit: limit.unsigned_abs(),
        })
    }

    /// Appends the instruction; `distance` counts only for a jump.
    fn push(&self, out: &mut Vec<u8>, distance: i64, shift: Shift) {
        match self.instruction.operand {
            Operand::Qstr(index) => {
                out.push(self.instruction.byte);
                vuint::push(out, index.saturating_add(shift.qstrs));
            }
            Operand::Object(index) => {
                out.push(self.instruction.byte);
                vuint::push(out, index.saturating_add(shift.objects));
            }
            Operand::Jump(_) => {
                out.push(self.instruction.byte);
                self.push_distance(out, distance);
            }
            Operand::Unwind { .. } => {
                out.push(self.instruction.byte);
                self.push_distance(out, distance);
                out.extend(self.original.last());
            }
            Operand::None
            | Operand::Local(_)
            | Operand::Count(_)
            | Operand::Child(_)
            | Operand::Closure { .. }
            | Operand::Call { .. }
            | Operand::UnpackEx { .. }
            | Operand::Comprehension { .. }
            | Operand::SmallInt(_)
            | Operand::UnaryOperator(_)
            | Operand::BinaryOperator(_) => out.extend_from_slice(self.original),
        }
    }

    fn push_distance(&self, out: &mut Vec<u8>, distance: i64) {
        if !self.is_long {
            out.push((distance + if self.is_signed() { 0x40 } else { 0 }) as u8 & 0x7f);
            return;
        }
        let biased = distance + if self.is_signed() { 0x4000 } else { 0 };
        out.push(0x80 | biased as u8 & 0x7f);
        out.push((biased >> 7) as u8);
    }
}
