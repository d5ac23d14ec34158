//! A module for people and for `--json`: names instead of indices, labels, source lines.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::former;
use crate::header::Header;
use crate::hexdump::hex;
use crate::instruction::{Instruction, Operand, instructions_of};
use crate::module::{Module, ObjectTag, Qstr};
use crate::prelude::{
    FLAG_ASYNC, FLAG_DEFAULT_KEYWORDS, FLAG_GENERATOR, FLAG_VAR_ARGS, FLAG_VAR_KEYWORDS, Prelude,
};
use crate::raw_code::{Bytecode, Code, Kind, NativeCode, RawCode, Relocation};
use crate::show;

#[cfg(feature = "disassembler")]
mod machine_code;
mod text;

#[cfg(feature = "disassembler")]
pub use machine_code::add_instructions;

/// A whole module. [`std::fmt::Display`] draws the listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disassembly {
    /// The source name.
    pub source_name: String,
    /// Container version.
    pub version: u8,
    /// The rest of the header.
    pub header: Header,
    /// The qstr table.
    pub qstrs: Vec<QstrEntry>,
    /// The object table.
    pub objects: Vec<ObjectEntry>,
    /// The raw codes, in the order of [`Module::raw_codes`].
    pub raw_codes: Vec<RawCodeEntry>,
}

/// An entry of the qstr table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QstrEntry {
    /// The text; bytes that are not UTF-8 show as U+FFFD.
    pub text: String,
    /// The number of a static qstr.
    pub r#static: Option<u8>,
}

/// An entry of the object table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectEntry {
    /// The kind.
    pub r#type: ObjectTag,
    /// The value as Python would write it.
    pub value: String,
}

/// A raw code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RawCodeEntry {
    /// Its place among the raw codes.
    pub index: usize,
    /// What kind of code it is.
    pub kind: Kind,
    /// The function's name; `None` for kinds that carry none.
    pub name: Option<String>,
    /// The raw code that makes a function of this one; `None` for the module's own.
    pub parent: Option<usize>,
    /// The raw codes that this one makes functions of.
    pub children: Vec<usize>,
    /// Bytes of code, a bytecode prelude not counted.
    pub code_size: usize,
    /// The prelude, for bytecode and native code.
    pub prelude: Option<PreludeEntry>,
    /// The instructions of bytecode.
    pub instructions: Vec<InstructionEntry>,
    /// Machine code of the other kinds.
    pub machine_code: Option<MachineCodeEntry>,
    /// Why the listing of this raw code ends early, if it does.
    pub error: Option<String>,
}

/// Machine code and what belongs to it. Bytes are two hexadecimal digits each with a space between.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct MachineCodeEntry {
    /// The code; for native code, what stands in front of the prelude.
    pub code: String,
    /// Its instructions, if they were added (`add_instructions`, feature `disassembler`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<MachineInstruction>,
    /// Read-only data of a linked C module.
    pub rodata: Option<String>,
    /// Bytes of zeroed data of a linked C module.
    pub bss_size: Option<u32>,
    /// Places to patch when loading, for a linked C module.
    pub relocations: Option<Vec<Relocation>>,
    /// Number of arguments of an assembler function.
    pub n_pos_args: Option<u32>,
    /// What an assembler function returns: 0 object, 1 bool, 2 int, 3 uint.
    pub return_type: Option<u32>,
}

/// An instruction of machine code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineInstruction {
    /// Offset in bytes from the start of the code.
    pub offset: u32,
    /// The bytes, as two hexadecimal digits each with a space between.
    pub bytes: String,
    /// The instruction as an assembler would take it.
    pub text: String,
    /// What it refers to: a function of the firmware, a string of the module, or what the board fills in.
    pub note: Option<String>,
}

/// A prelude with names instead of indices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreludeEntry {
    /// Locals plus value stack.
    pub n_state: u32,
    /// Nested exception handlers.
    pub n_exc_stack: u32,
    /// The scope flags by name.
    pub flags: Vec<&'static str>,
    /// Positional arguments.
    pub n_pos_args: u32,
    /// Keyword-only arguments.
    pub n_kwonly_args: u32,
    /// Positional arguments with a default.
    pub n_def_pos_args: u32,
    /// Names of the arguments, positional ones first; `*` for closed-over variables.
    pub arg_names: Vec<String>,
    /// Locals that become cells.
    pub cells: Vec<u8>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstructionEntry {
    /// Offset in bytes from the function's first opcode.
    pub offset: u32,
    /// Source line; `None` if the function has no line table.
    pub line: Option<u32>,
    /// The label of this instruction if a jump has it as its target, such as `L1`.
    pub label: Option<String>,
    /// The bytes, as two hexadecimal digits each with a space between.
    pub bytes: String,
    /// The instruction's name.
    pub name: &'static str,
    /// The operand, resolved; empty if there is none. A jump's is its label.
    pub operand: String,
    /// Offset that a jump goes to.
    pub target: Option<i64>,
}

/// Lists a module. Damaged code is listed up to the damage.
pub fn disassemble(module: &Module) -> Disassembly {
    let names: Vec<_> = module
        .raw_codes
        .iter()
        .map(|raw_code| raw_code_name(raw_code, &module.qstrs))
        .collect();
    let mut parents = vec![None; module.raw_codes.len()];
    for (index, raw_code) in module.raw_codes.iter().enumerate() {
        for &child in &raw_code.children {
            if let Some(parent) = parents.get_mut(child) {
                *parent = Some(index);
            }
        }
    }
    let raw_codes = module.raw_codes.iter().zip(parents).enumerate();
    Disassembly {
        source_name: String::from_utf8_lossy(module.source_name().unwrap_or_default()).into(),
        version: module.header.version,
        header: module.header,
        qstrs: module.qstrs.iter().map(qstr_entry).collect(),
        objects: module
            .objects
            .iter()
            .map(|object| ObjectEntry {
                r#type: object.tag(),
                value: show::object(object),
            })
            .collect(),
        raw_codes: raw_codes
            .map(|(index, (raw_code, parent))| RawCodeEntry {
                index,
                parent,
                ..raw_code_entry(raw_code, module, &names)
            })
            .collect(),
    }
}

fn qstr_entry(qstr: &Qstr) -> QstrEntry {
    let number = match qstr {
        Qstr::Static(number) => Some(number.number()),
        Qstr::New(_) => None,
    };
    QstrEntry {
        text: String::from_utf8_lossy(qstr.bytes()).into(),
        r#static: number,
    }
}

/// Returns the prelude in native code, if it can be decoded.
fn native_prelude(native: &NativeCode) -> Result<Prelude, String> {
    let bytes = native.code.get(native.prelude_offset as usize..);
    let bytes = bytes.unwrap_or_default();
    let prelude = match &native.links {
        Some(links) => former::native_prelude(bytes).map(|prelude| Prelude {
            simple_name: links.simple_name,
            arg_names: links.arg_names.clone(),
            ..prelude
        }),
        None => Prelude::decode(bytes).map(|(prelude, _)| prelude),
    };
    prelude.map_err(|error| format!("prelude: {error}"))
}

fn raw_code_name(raw_code: &RawCode, qstrs: &[Qstr]) -> Option<String> {
    let index = match &raw_code.code {
        Code::Bytecode(bytecode) => bytecode.prelude.simple_name,
        Code::Native(native) => native_prelude(native).ok()?.simple_name,
        Code::Viper(_) | Code::Asm(_) => return None,
    };
    Some(show::qstr(qstrs, index))
}

fn raw_code_entry(raw_code: &RawCode, module: &Module, names: &[Option<String>]) -> RawCodeEntry {
    let mut entry = RawCodeEntry {
        index: 0,
        kind: raw_code.code.kind(),
        name: raw_code_name(raw_code, &module.qstrs),
        parent: None,
        children: raw_code.children.clone(),
        code_size: 0,
        prelude: None,
        instructions: Vec::new(),
        machine_code: None,
        error: None,
    };
    match &raw_code.code {
        Code::Bytecode(bytecode) => {
            entry.code_size = bytecode.opcodes.len();
            entry.prelude = Some(prelude_entry(&bytecode.prelude, &module.qstrs));
            let child_names: Vec<_> = raw_code
                .children
                .iter()
                .map(|&child| names.get(child))
                .collect();
            list_instructions(&mut entry, bytecode, module, &child_names);
        }
        Code::Native(native) => {
            entry.code_size = native.code.len();
            let code = native.code.get(..native.prelude_offset as usize);
            let code = hex(code.unwrap_or(&native.code));
            entry.machine_code = Some(MachineCodeEntry {
                code,
                ..MachineCodeEntry::default()
            });
            match native_prelude(native) {
                Ok(prelude) => entry.prelude = Some(prelude_entry(&prelude, &module.qstrs)),
                Err(error) => entry.error = Some(error),
            }
        }
        Code::Viper(viper) => {
            entry.code_size = viper.code.len();
            entry.machine_code = Some(MachineCodeEntry {
                code: hex(&viper.code),
                rodata: viper.rodata.as_deref().map(hex),
                bss_size: viper.bss_size,
                relocations: viper.relocations.clone(),
                ..MachineCodeEntry::default()
            });
        }
        Code::Asm(asm) => {
            entry.code_size = asm.code.len();
            entry.machine_code = Some(MachineCodeEntry {
                code: hex(&asm.code),
                n_pos_args: Some(asm.n_pos_args),
                return_type: Some(asm.return_type),
                ..MachineCodeEntry::default()
            });
        }
    }
    entry
}

fn prelude_entry(prelude: &Prelude, qstrs: &[Qstr]) -> PreludeEntry {
    let signature = &prelude.signature;
    let flag_names = [
        (FLAG_GENERATOR, "generator"),
        (FLAG_VAR_KEYWORDS, "**kwargs"),
        (FLAG_VAR_ARGS, "*args"),
        (FLAG_DEFAULT_KEYWORDS, "keyword defaults"),
        (FLAG_ASYNC, "async"),
    ];
    let flags = flag_names
        .into_iter()
        .filter(|(flag, _)| signature.scope_flags & flag != 0);
    PreludeEntry {
        n_state: signature.n_state,
        n_exc_stack: signature.n_exc_stack,
        flags: flags.map(|(_, name)| name).collect(),
        n_pos_args: signature.n_pos_args,
        n_kwonly_args: signature.n_kwonly_args,
        n_def_pos_args: signature.n_def_pos_args,
        arg_names: prelude
            .arg_names
            .iter()
            .map(|&name| show::qstr(qstrs, name))
            .collect(),
        cells: prelude.cells.clone(),
    }
}

fn list_instructions(
    entry: &mut RawCodeEntry,
    bytecode: &Bytecode,
    module: &Module,
    child_names: &[Option<&Option<String>>],
) {
    let mut decoded = Vec::new();
    for instruction in instructions_of(bytecode, &module.header) {
        match instruction {
            Ok(instruction) => decoded.push(instruction),
            Err(error) => entry.error = Some(format!("opcodes: {error}")),
        }
    }
    let targets: BTreeSet<i64> = decoded.iter().filter_map(Instruction::target).collect();
    // Labels are numbered by address.
    let targets: Vec<i64> = targets.into_iter().collect();
    let label = |offset: i64| {
        targets
            .binary_search(&offset)
            .ok()
            .map(|number| format!("L{}", number + 1))
    };
    let line_info = &bytecode.prelude.line_info;
    let mut line = (!line_info.is_empty()).then_some(1);
    let mut starts = line_info.starts().peekable();
    for instruction in decoded {
        while let Some((_, started)) = starts.next_if(|(offset, _)| *offset <= instruction.offset) {
            line = Some(started);
        }
        let start = instruction.offset as usize;
        let bytes = bytecode
            .opcodes
            .get(start..start + instruction.length as usize);
        entry.instructions.push(InstructionEntry {
            offset: instruction.offset,
            line,
            label: label(i64::from(instruction.offset)),
            bytes: hex(bytes.unwrap_or_default()),
            name: instruction.opcode.mnemonic(),
            operand: operand(&instruction, module, child_names, label),
            target: instruction.target(),
        });
    }
}

fn operand(
    instruction: &Instruction,
    module: &Module,
    child_names: &[Option<&Option<String>>],
    label: impl Fn(i64) -> Option<String>,
) -> String {
    let shown = show::operand(instruction.operand, module);
    if let Some(label) = instruction.target().and_then(label) {
        return if shown.is_empty() {
            label
        } else {
            format!("{label}, {shown}")
        };
    }
    let name = |child: u32| match child_names.get(child as usize) {
        Some(Some(Some(name))) => format!("child {child} {name}"),
        _ => format!("child {child}"),
    };
    match instruction.operand {
        Operand::Child(child) => name(child),
        Operand::Closure { child, closed } => format!("{}, {closed} closed over", name(child)),
        Operand::None
        | Operand::Qstr(_)
        | Operand::Object(_)
        | Operand::Local(_)
        | Operand::Count(_)
        | Operand::Call { .. }
        | Operand::UnpackEx { .. }
        | Operand::Comprehension { .. }
        | Operand::SmallInt(_)
        | Operand::Jump(_)
        | Operand::Unwind { .. }
        | Operand::UnaryOperator(_)
        | Operand::BinaryOperator(_) => shown,
    }
}
