//! Joins several modules into one that runs each of them in turn.

use crate::error::Error;
use crate::header::Header;
use crate::instruction::{Instruction, Operand, instructions};
use crate::line_info::LineInfo;
use crate::module::Module;
use crate::opcode::{OperandKind, byte};
use crate::prelude::{Prelude, Signature};
use crate::raw_code::{Bytecode, Code, RawCode};
use crate::vuint;

/// Joins modules as `mpy-tool.py --merge` does: the tables one behind the other, and an outer raw
/// code that calls each module's own in the order given, all in the same globals.
///
/// At most one module may hold machine code: its tables come first, since machine code has indices
/// into them that can't be changed. Of the other modules only the one with the first tables keeps
/// its line numbers; tracebacks name that one's source for all. A single module stays as it is.
///
/// Two things differ from `mpy-tool.py` 1.29: a module with machine code is not moved to the front of
/// the calls, and `UNWIND_JUMP` keeps its target (there it ends up one byte further).
///
/// # Errors
/// [`Error::NotMergeable`] if the modules don't fit together, [`Error::TooLarge`] if a jump gets too
/// long, [`Error::Truncated`] or [`Error::Invalid`] for opcodes that can't be decoded.
pub fn merge(modules: &[Module]) -> Result<Module, Error> {
    let (first, rest) = match modules {
        [] => return Err(not_mergeable(0, "modules", "at least one", "none")),
        [module] => return Ok(module.clone()),
        [first, rest @ ..] => (first, rest),
    };
    let mut native = modules
        .iter()
        .enumerate()
        .filter(|(_, module)| holds_machine_code(module));
    let table_owner = native.next().map_or(0, |(index, _)| index);
    if let Some((index, _)) = native.next() {
        let expected = format!("none beside that of module {table_owner}");
        return Err(not_mergeable(index, "machine code", expected, "some"));
    }
    for (index, module) in rest.iter().enumerate() {
        if module.header.dialect != first.header.dialect {
            let names = (first.header.dialect.name(), module.header.dialect.name());
            return Err(not_mergeable(index + 1, "firmware", names.0, names.1));
        }
    }
    let widest = modules
        .iter()
        .map(|module| module.header.small_int_bits)
        .max();
    let owner_header = modules
        .get(table_owner)
        .map_or(first.header, |module| module.header);
    let header = Header {
        small_int_bits: widest.unwrap_or(first.header.small_int_bits),
        arch_flags: owner_header.arch.and(owner_header.arch_flags),
        sub_version: owner_header.arch.map_or(0, |_| owner_header.sub_version),
        ..owner_header
    };
    let mut merged = Module {
        header,
        qstrs: Vec::new(),
        objects: Vec::new(),
        raw_codes: vec![outer(modules.len())],
    };
    let mut roots = vec![0; modules.len()];
    let others = (0..modules.len()).filter(|&index| index != table_owner);
    for index in std::iter::once(table_owner).chain(others) {
        if let (Some(module), Some(root)) = (modules.get(index), roots.get_mut(index)) {
            *root = merged.raw_codes.len();
            append(&mut merged, index, module)?;
        }
    }
    if let Some(outer) = merged.raw_codes.first_mut() {
        outer.children = roots;
    }
    Ok(merged)
}

fn not_mergeable(
    module: usize,
    field: &'static str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Error {
    Error::NotMergeable {
        module,
        field,
        expected: expected.into(),
        found: found.into(),
    }
}

fn holds_machine_code(module: &Module) -> bool {
    module.header.arch.is_some()
        || module
            .raw_codes
            .iter()
            .any(|raw_code| !matches!(raw_code.code, Code::Bytecode(_)))
}

/// The raw code that makes a function of each child and calls it. Its name is the first qstr.
fn outer(n_children: usize) -> RawCode {
    let mut opcodes = Vec::new();
    for child in 0..n_children {
        opcodes.push(byte::MAKE_FUNCTION);
        vuint::push(&mut opcodes, child as u32);
        opcodes.extend([byte::CALL_FUNCTION, 0, byte::POP_TOP]);
    }
    opcodes.extend([byte::LOAD_CONST_NONE, byte::RETURN_VALUE]);
    let prelude = Prelude {
        signature: Signature {
            n_state: 1,
            n_exc_stack: 0,
            scope_flags: 0,
            n_pos_args: 0,
            n_kwonly_args: 0,
            n_def_pos_args: 0,
        },
        simple_name: 0,
        arg_names: Vec::new(),
        line_info: LineInfo::new(),
        cells: Vec::new(),
    };
    RawCode {
        code: Code::Bytecode(Bytecode { prelude, opcodes }),
        children: Vec::new(),
    }
}

/// How far a module's table entries move.
#[derive(Clone, Copy)]
struct Shift {
    qstrs: u32,
    objects: u32,
}

fn append(merged: &mut Module, index: usize, module: &Module) -> Result<(), Error> {
    let raw_code_base = merged.raw_codes.len();
    let shift = Shift {
        qstrs: merged.qstrs.len() as u32,
        objects: merged.objects.len() as u32,
    };
    for raw_code in &module.raw_codes {
        let code = match &raw_code.code {
            code if shift.qstrs == 0 && shift.objects == 0 => code.clone(),
            Code::Bytecode(bytecode) => Code::Bytecode(shifted(bytecode, index, shift)?),
            Code::Native(_) | Code::Viper(_) | Code::Asm(_) => {
                return Err(not_mergeable(index, "raw code", "bytecode", "machine code"));
            }
        };
        let children = raw_code
            .children
            .iter()
            .map(|child| child.saturating_add(raw_code_base))
            .collect();
        merged.raw_codes.push(RawCode { code, children });
    }
    merged.qstrs.extend_from_slice(&module.qstrs);
    merged.objects.extend_from_slice(&module.objects);
    Ok(())
}

fn shifted(bytecode: &Bytecode, module: usize, shift: Shift) -> Result<Bytecode, Error> {
    let prelude = &bytecode.prelude;
    let prelude = Prelude {
        signature: prelude.signature,
        simple_name: prelude.simple_name.saturating_add(shift.qstrs),
        arg_names: prelude
            .arg_names
            .iter()
            .map(|name| name.saturating_add(shift.qstrs))
            .collect(),
        line_info: LineInfo::new(),
        cells: prelude.cells.clone(),
    };
    Ok(Bytecode {
        prelude,
        opcodes: shifted_opcodes(&bytecode.opcodes, module, shift)?,
    })
}

/// An instruction on its way to a new place.
struct Moved {
    instruction: Instruction,
    /// For a jump, which instruction it goes to; one past the last is the end.
    target: Option<usize>,
    /// Whether the jump offset takes two bytes.
    long: bool,
    offset: usize,
}

/// Rewrites table indices. They may take more bytes than before, so jumps are laid out anew.
fn shifted_opcodes(opcodes: &[u8], module: usize, shift: Shift) -> Result<Vec<u8>, Error> {
    let decoded = instructions(opcodes).collect::<Result<Vec<_>, _>>()?;
    let mut moved = Vec::with_capacity(decoded.len());
    for &instruction in &decoded {
        let target = match instruction.target() {
            Some(target) => Some(instruction_at(&decoded, opcodes.len(), target).ok_or_else(
                || {
                    not_mergeable(
                        module,
                        "jump target",
                        "an instruction",
                        format!("offset {target}"),
                    )
                },
            )?),
            None => None,
        };
        moved.push(Moved {
            instruction,
            target,
            long: false,
            offset: 0,
        });
    }
    // Jumps start short and only grow, so this ends.
    loop {
        let end = lay_out(&mut moved, opcodes, shift);
        let offsets: Vec<_> = moved
            .iter()
            .map(|moved| moved.offset)
            .chain([end])
            .collect();
        let mut grown = false;
        for jump in &mut moved {
            if !jump.long && distance(jump, &offsets).is_some_and(|far| !fits_short(jump, far)) {
                jump.long = true;
                grown = true;
            }
        }
        if !grown {
            return encode(&moved, opcodes, &offsets, shift);
        }
    }
}

fn instruction_at(decoded: &[Instruction], end: usize, target: i64) -> Option<usize> {
    if usize::try_from(target).is_ok_and(|target| target == end) {
        return Some(decoded.len());
    }
    let target = u32::try_from(target).ok()?;
    decoded
        .binary_search_by_key(&target, |instruction| instruction.offset)
        .ok()
}

/// Gives every instruction its new offset; returns the new length.
fn lay_out(moved: &mut [Moved], opcodes: &[u8], shift: Shift) -> usize {
    let mut offset = 0;
    let mut scratch = Vec::new();
    for moved in moved {
        moved.offset = offset;
        scratch.clear();
        push_instruction(&mut scratch, moved, 0, opcodes, shift);
        offset += scratch.len();
    }
    offset
}

/// How far a jump goes, from the byte behind its offset.
fn distance(jump: &Moved, offsets: &[usize]) -> Option<i64> {
    let target = offsets.get(jump.target?)?;
    Some(*target as i64 - (jump.offset as i64 + 2 + i64::from(jump.long)))
}

fn is_signed(jump: &Moved) -> bool {
    matches!(
        jump.instruction.opcode.operand,
        OperandKind::SignedOffset | OperandKind::Unwind
    )
}

fn fits_short(jump: &Moved, distance: i64) -> bool {
    if is_signed(jump) {
        (-0x40..0x40).contains(&distance)
    } else {
        (0..0x80).contains(&distance)
    }
}

fn encode(
    moved: &[Moved],
    opcodes: &[u8],
    offsets: &[usize],
    shift: Shift,
) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(offsets.last().copied().unwrap_or_default());
    for moved in moved {
        let distance = distance(moved, offsets).unwrap_or_default();
        let limits = if is_signed(moved) {
            -0x4000..=0x3fff
        } else {
            0..=0x7fff
        };
        if moved.target.is_some() && !limits.contains(&distance) {
            let limit = if distance < 0 {
                limits.start()
            } else {
                limits.end()
            };
            return Err(Error::TooLarge {
                field: "jump distance",
                value: distance.unsigned_abs(),
                limit: limit.unsigned_abs(),
            });
        }
        push_instruction(&mut out, moved, distance, opcodes, shift);
    }
    Ok(out)
}

fn push_instruction(out: &mut Vec<u8>, moved: &Moved, distance: i64, opcodes: &[u8], shift: Shift) {
    let instruction = &moved.instruction;
    let start = instruction.offset as usize;
    let original = opcodes
        .get(start..start + instruction.length as usize)
        .unwrap_or_default();
    match instruction.operand {
        Operand::Qstr(index) => {
            out.push(instruction.byte);
            vuint::push(out, index.saturating_add(shift.qstrs));
        }
        Operand::Object(index) => {
            out.push(instruction.byte);
            vuint::push(out, index.saturating_add(shift.objects));
        }
        Operand::Jump(_) | Operand::Unwind { .. } => {
            out.push(instruction.byte);
            push_distance(out, moved, distance);
            if matches!(instruction.operand, Operand::Unwind { .. }) {
                out.extend(original.last());
            }
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
        | Operand::BinaryOperator(_) => out.extend_from_slice(original),
    }
}

fn push_distance(out: &mut Vec<u8>, jump: &Moved, distance: i64) {
    if !jump.long {
        out.push((distance + if is_signed(jump) { 0x40 } else { 0 }) as u8 & 0x7f);
        return;
    }
    let biased = distance + if is_signed(jump) { 0x4000 } else { 0 };
    out.push(0x80 | biased as u8 & 0x7f);
    out.push((biased >> 7) as u8);
}
