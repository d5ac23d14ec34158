//! From a module to the bytes of a file.

use crate::error::Error;
use crate::former;
use crate::header::{FEATURE_ARCH_FLAGS, FORMER_VERSION, Header, VERSION};
use crate::module::{ConstObject, Module, Qstr};
use crate::prelude::{MAX_CELLS, Prelude, Signature};
use crate::raw_code::{
    AsmCode, Code, MAX_RELOCATION_FUN, Place, RELOCATIONS_END, RawCode, Relocation, Section,
    Target, VIPER_BSS, VIPER_FUNCTION, VIPER_RELOCATIONS, VIPER_RODATA, ViperCode,
};
use crate::vuint;

/// The number of the first function in a relocation, behind those of the tables.
const FIRST_FUN: u8 = 9;
/// The same in a file of version 5, which has one table.
const FIRST_FORMER_FUN: u8 = 7;

/// Writes a module as the official compiler would (`mp_raw_code_save`, py/persistentcode.c).
///
/// # Errors
/// [`Error::NotATree`], [`Error::Inconsistent`] or [`Error::TooLarge`] if the module is not one that
/// a file can hold. Indices inside opcodes are not looked at.
pub fn write(module: &Module) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    push_header(&mut out, &module.header)?;
    if module.header.version == FORMER_VERSION {
        former::write(&mut out, module)?;
        return Ok(out);
    }
    push_count(&mut out, "number of qstrs", module.qstrs.len())?;
    push_count(&mut out, "number of objects", module.objects.len())?;
    for qstr in &module.qstrs {
        push_qstr(&mut out, qstr)?;
    }
    for object in &module.objects {
        push_object(&mut out, object)?;
    }
    push_raw_codes(&mut out, &module.raw_codes)?;
    Ok(out)
}

fn push_header(out: &mut Vec<u8>, header: &Header) -> Result<(), Error> {
    at_most("sub-version", u64::from(header.sub_version), 3)?;
    let arch = header.arch.map_or(0, |arch| arch.number());
    let flags = if header.arch_flags.is_some() {
        FEATURE_ARCH_FLAGS
    } else {
        0
    };
    let feature = flags | arch << 2 | header.sub_version;
    out.extend_from_slice(&[
        header.dialect.letter(),
        header.version,
        feature,
        header.small_int_bits,
    ]);
    if let Some(flags) = header.arch_flags {
        vuint::push(out, flags);
    }
    Ok(())
}

fn push_qstr(out: &mut Vec<u8>, qstr: &Qstr) -> Result<(), Error> {
    match qstr {
        Qstr::Static(number) => vuint::push(out, u32::from(number.number()) << 1 | 1),
        Qstr::New(text) => {
            push_length(out, "qstr length", text.len(), 1, 0)?;
            out.extend_from_slice(text);
            out.push(0);
        }
    }
    Ok(())
}

fn push_object(out: &mut Vec<u8>, object: &ConstObject) -> Result<(), Error> {
    // Objects still to write, the next one last: tuples need no recursion.
    let mut left = vec![object];
    while let Some(object) = left.pop() {
        out.push(object.tag().number());
        match object {
            ConstObject::FunTable
            | ConstObject::None
            | ConstObject::False
            | ConstObject::True
            | ConstObject::Ellipsis => {}
            ConstObject::Str(data) | ConstObject::Bytes(data) => {
                push_count(out, "string length", data.len())?;
                out.extend_from_slice(data);
                out.push(0);
            }
            ConstObject::Int(text) | ConstObject::Float(text) | ConstObject::Complex(text) => {
                push_count(out, "number length", text.len())?;
                out.extend_from_slice(text.as_bytes());
            }
            ConstObject::Tuple(items) => {
                push_count(out, "tuple length", items.len())?;
                left.extend(items.iter().rev());
            }
        }
    }
    Ok(())
}

/// What is still to be written of the tree.
enum Step {
    RawCode(usize),
    Relocations(usize),
}

/// Writes the tree in file order, without recursion.
fn push_raw_codes(out: &mut Vec<u8>, raw_codes: &[RawCode]) -> Result<(), Error> {
    let mut reached = vec![false; raw_codes.len()];
    let mut steps = vec![Step::RawCode(0)];
    while let Some(step) = steps.pop() {
        let (Step::RawCode(index) | Step::Relocations(index)) = step;
        let (Some(raw_code), Some(seen)) = (raw_codes.get(index), reached.get_mut(index)) else {
            return Err(Error::NotATree {
                raw_code: index,
                problem: "missing",
            });
        };
        if matches!(step, Step::Relocations(_)) {
            push_relocations(out, index, &raw_code.code, VERSION)?;
            continue;
        }
        if std::mem::replace(seen, true) {
            return Err(Error::NotATree {
                raw_code: index,
                problem: "reached twice",
            });
        }
        push_raw_code(out, index, raw_code)?;
        steps.push(Step::Relocations(index));
        steps.extend(
            raw_code
                .children
                .iter()
                .rev()
                .map(|&child| Step::RawCode(child)),
        );
    }
    match reached.iter().position(|seen| !seen) {
        Some(raw_code) => Err(Error::NotATree {
            raw_code,
            problem: "not reached",
        }),
        None => Ok(()),
    }
}

/// Writes a raw code without its children and the bytes after them.
fn push_raw_code(out: &mut Vec<u8>, index: usize, raw_code: &RawCode) -> Result<(), Error> {
    let built;
    let data = match &raw_code.code {
        Code::Bytecode(bytecode) => {
            check_prelude(index, &bytecode.prelude)?;
            let mut bytes = Vec::with_capacity(bytecode.opcodes.len() + 16);
            bytecode.prelude.push(&mut bytes);
            bytes.extend_from_slice(&bytecode.opcodes);
            built = bytes;
            &built
        }
        Code::Native(native) => &native.code,
        Code::Viper(viper) => &viper.code,
        Code::Asm(asm) => &asm.code,
    };
    let has_children = !raw_code.children.is_empty();
    let low_bits = u32::from(has_children) << 2 | raw_code.code.kind().number();
    push_length(out, "raw code length", data.len(), 3, low_bits)?;
    out.extend_from_slice(data);
    match &raw_code.code {
        Code::Bytecode(_) => {}
        Code::Native(native) => vuint::push(out, native.prelude_offset),
        Code::Viper(viper) => push_viper_data(out, viper)?,
        Code::Asm(asm) => push_asm_data(out, asm),
    }
    if has_children {
        push_count(out, "number of children", raw_code.children.len())?;
    }
    Ok(())
}

pub(crate) fn push_asm_data(out: &mut Vec<u8>, asm: &AsmCode) {
    // Scope flags.
    vuint::push(out, 0);
    vuint::push(out, asm.n_pos_args);
    vuint::push(out, asm.return_type);
}

pub(crate) fn check_prelude(raw_code: usize, prelude: &Prelude) -> Result<(), Error> {
    let signature = &prelude.signature;
    if signature.n_state == 0 {
        return Err(Error::Inconsistent {
            raw_code,
            field: "n_state",
            expected: "at least 1".into(),
            found: "0".into(),
        });
    }
    at_most(
        "n_exc_stack",
        u64::from(signature.n_exc_stack),
        Signature::MAX_EXC_STACK,
    )?;
    at_most(
        "scope flags",
        u64::from(signature.scope_flags),
        Signature::MAX_SCOPE_FLAGS,
    )?;
    at_most(
        "n_pos_args",
        u64::from(signature.n_pos_args),
        Signature::MAX_POS_ARGS,
    )?;
    at_most(
        "n_kwonly_args",
        u64::from(signature.n_kwonly_args),
        Signature::MAX_KWONLY_ARGS,
    )?;
    at_most(
        "n_def_pos_args",
        u64::from(signature.n_def_pos_args),
        Signature::MAX_DEF_POS_ARGS,
    )?;
    at_most("number of cells", prelude.cells.len() as u64, MAX_CELLS)?;
    if prelude.arg_names.len() != signature.n_args() {
        return Err(Error::Inconsistent {
            raw_code,
            field: "argument names",
            expected: format!("{} as in the signature", signature.n_args()),
            found: prelude.arg_names.len().to_string(),
        });
    }
    Ok(())
}

/// Returns the scope flags of a viper function with those for its data.
pub(crate) fn viper_flags(viper: &ViperCode) -> u32 {
    let flag = |present: bool, flag: u32| if present { flag } else { 0 };
    u32::from(viper.scope_flags) & VIPER_FUNCTION
        | flag(viper.relocations.is_some(), VIPER_RELOCATIONS)
        | flag(viper.rodata.is_some(), VIPER_RODATA)
        | flag(viper.bss_size.is_some(), VIPER_BSS)
}

fn push_viper_data(out: &mut Vec<u8>, viper: &ViperCode) -> Result<(), Error> {
    vuint::push(out, viper_flags(viper));
    if let Some(rodata) = &viper.rodata {
        push_count(out, "read-only data size", rodata.len())?;
    }
    if let Some(bss_size) = viper.bss_size {
        vuint::push(out, bss_size);
    }
    if let Some(rodata) = &viper.rodata {
        out.extend_from_slice(rodata);
    }
    Ok(())
}

pub(crate) fn push_relocations(
    out: &mut Vec<u8>,
    raw_code: usize,
    code: &Code,
    version: u8,
) -> Result<(), Error> {
    let Code::Viper(ViperCode {
        relocations: Some(relocations),
        ..
    }) = code
    else {
        return Ok(());
    };
    for relocation in relocations {
        let operation = relocation_operation(raw_code, relocation, version)?;
        out.push(operation << 1 | u8::from(relocation.place.is_some()));
        if let Some(Place { section, word }) = relocation.place {
            at_most(
                "relocation place",
                u64::from(word),
                u64::from(u32::MAX >> 1),
            )?;
            vuint::push(out, word << 1 | u32::from(section == Section::Rodata));
        }
        if let Some(count) = relocation.count {
            vuint::push(out, count);
        }
    }
    out.push(RELOCATIONS_END);
    Ok(())
}

/// Returns the number of a relocation's target, with the bit that says whether a count follows.
fn relocation_operation(
    raw_code: usize,
    relocation: &Relocation,
    version: u8,
) -> Result<u8, Error> {
    let counted = u8::from(relocation.count.is_some());
    let operation = match relocation.target {
        Target::Text => return Ok(counted),
        Target::Rodata => return Ok(2 | counted),
        Target::Bss => return Ok(4 | counted),
        Target::QstrTable | Target::ObjectTable if version == FORMER_VERSION => {
            return Err(Error::Inconsistent {
                raw_code,
                field: "relocation",
                expected: "none for a table of the module".into(),
                found: "one".into(),
            });
        }
        Target::FunTable if version == FORMER_VERSION => 6,
        Target::QstrTable => 6,
        Target::ObjectTable => 7,
        Target::FunTable => 8,
        Target::Fun(number) => {
            // One place and the highest number would read as the end of the list.
            let limit = MAX_RELOCATION_FUN - u8::from(relocation.place.is_some());
            at_most("relocation function", u64::from(number), u64::from(limit))?;
            number
                + if version == FORMER_VERSION {
                    FIRST_FORMER_FUN
                } else {
                    FIRST_FUN
                }
        }
    };
    match relocation.count {
        None => Ok(operation),
        Some(count) => Err(Error::Inconsistent {
            raw_code,
            field: "relocation count",
            expected: "none for a table".into(),
            found: count.to_string(),
        }),
    }
}

pub(crate) fn push_count(
    out: &mut Vec<u8>,
    field: &'static str,
    count: usize,
) -> Result<(), Error> {
    push_length(out, field, count, 0, 0)
}

/// Appends a length that shares its number with some low bits.
pub(crate) fn push_length(
    out: &mut Vec<u8>,
    field: &'static str,
    length: usize,
    shift: u32,
    low_bits: u32,
) -> Result<(), Error> {
    at_most(field, length as u64, u64::from(u32::MAX >> shift))?;
    vuint::push(out, (length as u32) << shift | low_bits);
    Ok(())
}

pub(crate) fn at_most(field: &'static str, value: u64, limit: u64) -> Result<(), Error> {
    if value > limit {
        Err(Error::TooLarge {
            field,
            value,
            limit,
        })
    } else {
        Ok(())
    }
}
