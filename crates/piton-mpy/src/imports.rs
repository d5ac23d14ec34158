//! Which modules a module imports, as far as its bytecode says so.
//!
//! Machine code imports without saying so, and so does `__import__(...)`.

use crate::instruction::{Operand, instructions};
use crate::module::{Module, Qstr};
use crate::raw_code::Code;

/// One `import` or `from ... import`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// How many dots are in front of the name: 0 for an absolute import.
    pub level: u32,
    /// The name as it is written, dots between its parts; empty in `from . import a`.
    pub name: Vec<u8>,
    /// The names behind `import` in `from ... import`; each may be a module as well. None for `*`.
    pub from: Vec<Vec<u8>>,
    /// Whether the module itself imports, and not a function in it: then it happens when the module is imported.
    pub at_once: bool,
}

/// The imports of a module, in the order of its raw codes. Damaged bytecode has those in front of the damage.
pub fn imports(module: &Module) -> Vec<Import> {
    let name = |index: u32| {
        let qstr = module.qstrs.get(index as usize);
        qstr.map_or_else(Vec::new, |qstr: &Qstr| qstr.bytes().to_vec())
    };
    let mut found: Vec<Import> = Vec::new();
    for (number, raw_code) in module.raw_codes.iter().enumerate() {
        let Code::Bytecode(bytecode) = &raw_code.code else {
            continue;
        };
        // `import a` and `from a import b` both begin with the level (py/compile.c, do_import_name and
        // compile_import_from).
        let mut level = 0;
        // Where an IMPORT_FROM belongs to: the last IMPORT_NAME of the same function.
        let mut last = None;
        for instruction in instructions(&bytecode.opcodes).map_while(Result::ok) {
            match (instruction.opcode.name, instruction.operand) {
                (_, Operand::SmallInt(value)) => level = u32::try_from(value).unwrap_or(0),
                ("IMPORT_NAME", Operand::Qstr(index)) => {
                    last = Some(found.len());
                    found.push(Import {
                        level,
                        name: name(index),
                        from: Vec::new(),
                        at_once: number == 0,
                    });
                }
                ("IMPORT_FROM", Operand::Qstr(index)) => {
                    if let Some(import) = last.and_then(|last| found.get_mut(last)) {
                        import.from.push(name(index));
                    }
                }
                _ => {}
            }
        }
    }
    found
}
