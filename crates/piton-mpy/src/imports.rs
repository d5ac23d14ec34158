//! Which modules a module imports, as far as its bytecode says so.
//!
//! Machine code imports without saying so, and so does `__import__(...)`.

use crate::instruction::{Instruction, Operand, instructions_of};
use crate::module::{Module, Qstr};
use crate::raw_code::Code;

/// One `import` or `from ... import`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// How many dots are before the name: 0 for an absolute import.
    pub level: u32,
    /// The name in the source, with dots between its parts; empty in `from . import a`.
    pub name: Vec<u8>,
    /// The names after `import` in `from ... import`; each may be a module as well. None for `*`.
    pub from: Vec<Vec<u8>>,
    /// Whether the module itself imports, and not a function in it: then it happens when the module is imported.
    pub at_once: bool,
    /// Whether the code around it may go on without it: it is in a `try` with `except`, in a branch or a loop, or
    /// after a `return` or `raise`.
    pub optional: bool,
}

/// Returns the imports of a module, in the order of its raw codes. Damaged bytecode has those before the damage.
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
        let mut skipped = Skipped::default();
        for instruction in instructions_of(bytecode, &module.header).map_while(Result::ok) {
            skipped.pass(&instruction);
            match (instruction.opcode.name, instruction.operand) {
                (_, Operand::SmallInt(value)) => level = u32::try_from(value).unwrap_or(0),
                ("IMPORT_NAME", Operand::Qstr(index)) => {
                    last = Some(found.len());
                    found.push(Import {
                        level,
                        name: name(index),
                        from: Vec::new(),
                        at_once: number == 0,
                        optional: skipped.covers(instruction.offset),
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

/// Which part of a function may be skipped, going through it from its begin.
#[derive(Default)]
struct Skipped {
    /// Where the farthest jump so far leads to.
    until: i64,
    /// A `return` or a `raise` was passed.
    left: bool,
}

impl Skipped {
    fn pass(&mut self, instruction: &Instruction) {
        match instruction.opcode.name {
            // What is in these runs to the end, or raises: nothing is skipped.
            "SETUP_WITH" | "SETUP_FINALLY" => {}
            "RETURN_VALUE" | "RAISE_LAST" | "RAISE_OBJ" | "RAISE_FROM" => self.left = true,
            // Every other jump forward skips what is between, and a handler of exceptions (SETUP_EXCEPT) the rest of
            // its `try`. Jumps back do not reach as far.
            _ => self.until = self.until.max(instruction.target().unwrap_or(0)),
        }
    }

    fn covers(&self, offset: u32) -> bool {
        self.left || i64::from(offset) < self.until
    }
}
