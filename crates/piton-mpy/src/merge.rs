//! Joins several modules into one that runs each of them in turn.

use crate::error::Error;
use crate::header::{Header, VERSION};
use crate::line_info::LineInfo;
use crate::module::Module;
use crate::opcode::Opcode;
use crate::prelude::{Prelude, Signature};
use crate::raw_code::{Bytecode, Code, RawCode};
use crate::vuint;

mod shift;

use shift::{Shift, shifted_opcodes};

/// Joins modules as `mpy-tool.py --merge` does: the tables in order, and an outer raw
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
    for (index, module) in modules.iter().enumerate() {
        let version = module.header.version;
        if version != VERSION {
            let expected = VERSION.to_string();
            return Err(not_mergeable(
                index,
                "version",
                expected,
                version.to_string(),
            ));
        }
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

/// Returns the raw code that makes a function of each child and calls it. Its name is the first qstr.
fn outer(n_children: usize) -> RawCode {
    let mut opcodes = Vec::new();
    for child in 0..n_children {
        opcodes.push(Opcode::MAKE_FUNCTION.byte());
        vuint::push(&mut opcodes, child as u32);
        opcodes.extend([Opcode::CALL_FUNCTION.byte(), 0, Opcode::POP_TOP.byte()]);
    }
    opcodes.extend([Opcode::LOAD_CONST_NONE.byte(), Opcode::RETURN_VALUE.byte()]);
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
        code: Code::Bytecode(Bytecode {
            prelude,
            opcodes,
            objects: Vec::new(),
        }),
        children: Vec::new(),
    }
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
        objects: Vec::new(),
    })
}
