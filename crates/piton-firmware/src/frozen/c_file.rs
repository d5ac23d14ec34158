//! Frozen modules as a C file: what `mpy-tool.py -f` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::constant::Constants;
use super::file::{CodeKind, Module, RawCode, Shared};
use super::text::{Format, decode, opcode};
use super::{FreezeError, LongIntegers, Target, names};
use crate::python::text::text_repr;

/// How many bytes each part needs on the board, as the tool counts them.
#[derive(Default)]
pub(super) struct Sizes {
    pub(super) qstrs: usize,
    pub(super) bytecode: usize,
    pub(super) strings: usize,
    pub(super) integers: usize,
    pub(super) objects: usize,
    pub(super) table: usize,
    pub(super) raw_codes: usize,
}

/// A string that the firmware does not have.
struct NewQstr<'a> {
    escaped: &'a str,
    text: &'a str,
}

/// Returns the C file of modules.
pub(super) fn write(
    modules: &[Module],
    shared: &Shared,
    target: &Target,
) -> Result<String, FreezeError> {
    let mut out = String::new();
    let mut sizes = Sizes::default();
    head(&mut out, target);
    let new = new_qstrs(shared, &target.firmware_qstrs);
    pool(&mut out, &new, target, &mut sizes);
    for module in modules {
        module_text(&mut out, module, shared, target, &mut sizes)?;
    }
    let _ = write!(
        out,
        "\n{}\n// collection of all frozen modules\n",
        "/".repeat(80)
    );
    lists(&mut out, modules);
    totals(&mut out, modules, new.len(), &sizes);
    Ok(out)
}

fn new_qstrs<'a>(shared: &'a Shared, firmware: &BTreeSet<String>) -> Vec<NewQstr<'a>> {
    let mut new: BTreeMap<&str, &str> = BTreeMap::new();
    for qstr in &shared.qstrs {
        if !firmware.contains(&qstr.escaped) {
            // Of two strings with one name in C the first one counts.
            new.entry(&qstr.escaped).or_insert(&qstr.text);
        }
    }
    let mut order: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, qstr) in shared.qstrs.iter().enumerate() {
        order.entry(&qstr.escaped).or_insert(index);
    }
    let mut new: Vec<NewQstr<'_>> = new
        .into_iter()
        .map(|(escaped, text)| NewQstr { escaped, text })
        .collect();
    new.sort_by(|one, two| {
        one.text
            .cmp(two.text)
            .then_with(|| order.get(one.escaped).cmp(&order.get(two.escaped)))
    });
    new
}

fn head(out: &mut String, target: &Target) {
    out.push_str(
        "#include \"py/mpconfig.h\"\n#include \"py/objint.h\"\n#include \"py/objstr.h\"\n#include \"py/emitglue.h\"\n\
         #include \"py/nativeglue.h\"\n\n",
    );
    let _ = write!(
        out,
        "#if MICROPY_LONGINT_IMPL != {}\n#error \"incompatible MICROPY_LONGINT_IMPL\"\n#endif\n\n",
        target.long_integers.number()
    );
    if target.long_integers == LongIntegers::Mpz {
        let _ = write!(
            out,
            "#if MPZ_DIG_SIZE != {}\n#error \"incompatible MPZ_DIG_SIZE\"\n#endif\n\n",
            target.mpz_digit_size
        );
    }
    for (condition, name, fields) in [
        (
            "MICROPY_PY_BUILTINS_FLOAT",
            "mp_obj_float_t",
            &["value"][..],
        ),
        (
            "MICROPY_PY_BUILTINS_COMPLEX",
            "mp_obj_complex_t",
            &["real", "imag"][..],
        ),
    ] {
        let _ = write!(
            out,
            "#if {condition}\ntypedef struct _{name} {{\n    mp_obj_base_t base;\n"
        );
        for field in fields {
            let _ = writeln!(out, "    mp_float_t {field};");
        }
        let _ = write!(out, "}} {name};\n#endif\n\n");
    }
}

fn pool(out: &mut String, new: &[NewQstr<'_>], target: &Target, sizes: &mut Sizes) {
    if let Some((first, rest)) = new.split_first() {
        let _ = write!(
            out,
            "enum {{\n    MP_QSTR_{} = MP_QSTRnumber_of,\n",
            first.escaped
        );
        for qstr in rest {
            let _ = writeln!(out, "    MP_QSTR_{},", qstr.escaped);
        }
        out.push_str("};\n");
    }
    if target.bytes_in_hash > 0 {
        out.push_str("\nconst qstr_hash_t mp_qstr_frozen_const_hashes[] = {\n");
        for qstr in new {
            let _ = writeln!(
                out,
                "    {},",
                names::hash(qstr.text.as_bytes(), target.bytes_in_hash)
            );
            sizes.qstrs += target.bytes_in_hash as usize;
        }
        out.push_str("};\n");
    }
    out.push_str("\nconst qstr_len_t mp_qstr_frozen_const_lengths[] = {\n");
    for qstr in new {
        let _ = writeln!(out, "    {},", qstr.text.len());
        sizes.qstrs += target.bytes_in_len as usize + qstr.text.len() + 1;
    }
    out.push_str("};\n\nextern const qstr_pool_t mp_qstr_const_pool;\nconst qstr_pool_t mp_qstr_frozen_const_pool = {\n");
    out.push_str("    &mp_qstr_const_pool, // previous pool\n    MP_QSTRnumber_of, // previous pool size\n    true, // is_sorted\n");
    let _ = writeln!(
        out,
        "    {}, // allocated entries\n    {}, // used entries",
        new.len().min(10),
        new.len()
    );
    if target.bytes_in_hash > 0 {
        out.push_str("    (qstr_hash_t *)mp_qstr_frozen_const_hashes,\n");
    }
    out.push_str("    (qstr_len_t *)mp_qstr_frozen_const_lengths,\n    {\n");
    for qstr in new {
        let _ = writeln!(out, "        \"{}\",", names::literal(qstr.text));
    }
    out.push_str("    },\n};\n");
}

fn module_text(
    out: &mut String,
    module: &Module,
    shared: &Shared,
    target: &Target,
    sizes: &mut Sizes,
) -> Result<(), FreezeError> {
    let name = &module.escaped;
    let header: Vec<String> = module
        .header
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let _ = write!(
        out,
        "\n{}\n// frozen module {name}\n// - original source file: {}\n// - frozen file name: {}\n// - .mpy header: {}\n\n",
        "/".repeat(80),
        module.path,
        source_name(module),
        header.join(":")
    );
    raw_code(out, module, &module.code, shared.arch, sizes)?;
    out.push('\n');
    tables(out, module, shared, target, sizes)?;
    let _ = write!(
        out,
        "\nstatic const mp_frozen_module_t frozen_module_{name} = {{\n    .constants = {{\n"
    );
    if module.qstrs.is_empty() {
        out.push_str("        .qstr_table = NULL,\n");
    } else {
        let _ = writeln!(
            out,
            "        .qstr_table = (qstr_short_t *)&const_qstr_table_data_{name},"
        );
    }
    if module.objects.is_empty() {
        out.push_str("        .obj_table = NULL,\n");
    } else {
        let _ = writeln!(
            out,
            "        .obj_table = (mp_obj_t *)&const_obj_table_data_{name},"
        );
    }
    let _ = write!(
        out,
        "    }},\n    .proto_fun = &proto_fun_{},\n}};\n",
        module.code.escaped
    );
    Ok(())
}

fn source_name(module: &Module) -> &str {
    module.qstrs.first().map_or("", |qstr| &qstr.text)
}

fn raw_code(
    out: &mut String,
    module: &Module,
    code: &RawCode,
    arch: u8,
    sizes: &mut Sizes,
) -> Result<(), FreezeError> {
    if code.kind == CodeKind::Bytecode {
        bytecode(out, module, code);
        children(out, module, code, None, arch, sizes)?;
        structure(out, code, None, sizes);
        sizes.bytecode += code.data.len();
        return Ok(());
    }
    if code.scope_flags & !0x0f != 0 {
        return Err(FreezeError::Relocations {
            scope: code.escaped.clone(),
        });
    }
    let prelude = native(out, module, code, arch);
    children(out, module, code, prelude.as_deref(), arch, sizes)?;
    structure(out, code, prelude.as_deref(), sizes);
    Ok(())
}

fn bytecode(out: &mut String, module: &Module, code: &RawCode) {
    let name = &code.escaped;
    let data = &code.data;
    let Some(prelude) = &code.prelude else { return };
    let text = |number: usize| {
        module
            .qstrs
            .get(number)
            .map_or("", |qstr| qstr.text.as_str())
    };
    let _ = writeln!(
        out,
        "// frozen bytecode for file {}, scope {name}",
        source_name(module)
    );
    let _ = writeln!(
        out,
        "static const byte fun_data_{name}[{}] = {{",
        data.len()
    );
    let row = |range: std::ops::Range<usize>| {
        data.get(range)
            .unwrap_or_default()
            .iter()
            .map(|byte| format!("0x{byte:02x},"))
            .collect::<String>()
    };
    let names: Vec<&str> = prelude.names.iter().map(|&number| text(number)).collect();
    let _ = writeln!(out, "    {} // prelude", row(0..prelude.source_info));
    let _ = writeln!(
        out,
        "    {} // names: {}",
        row(prelude.source_info..prelude.line_info),
        names.join(", ")
    );
    let _ = writeln!(
        out,
        "    {} // code info",
        row(prelude.line_info..prelude.opcodes)
    );
    let mut at = prelude.opcodes;
    while let Some(instruction) = decode(data, at) {
        let mut comment = opcode(instruction.byte);
        match instruction.format {
            Format::Qstr => {
                let number = usize::try_from(instruction.argument).unwrap_or(usize::MAX);
                let _ = write!(comment, " {}", text_repr(text(number)));
            }
            Format::Number | Format::Offset => {
                let _ = write!(comment, " {}", instruction.argument);
            }
            Format::None => {}
        }
        let bytes: Vec<String> = data
            .get(at..at + instruction.length)
            .unwrap_or_default()
            .iter()
            .map(|byte| format!("0x{byte:02x}"))
            .collect();
        let _ = writeln!(out, "    {}, // {comment}", bytes.join(","));
        at += instruction.length;
    }
    out.push_str("};\n");
}

/// Writes native code; returns the name of its prelude.
fn native(out: &mut String, module: &Module, code: &RawCode, arch: u8) -> Option<String> {
    let name = &code.escaped;
    // Processors whose assembler takes `#` for a comment, and those that take `@`.
    let mut attributes = if matches!(arch, 1 | 2 | 9 | 10 | 11 | 12) {
        r#"__attribute__((section(".text,\"ax\",@progbits # ")))"#.to_owned()
    } else {
        r#"__attribute__((section(".text,\"ax\",%progbits @ ")))"#.to_owned()
    };
    match arch {
        3 | 9 | 10 => attributes.push_str(" __attribute__ ((aligned (4)))"),
        4..=8 | 11 | 12 => attributes.push_str(" __attribute__ ((aligned (2)))"),
        _ => {}
    }
    let _ = writeln!(
        out,
        "\n// frozen native code for file {}, scope {name}",
        source_name(module)
    );
    let _ = writeln!(
        out,
        "static const byte fun_data_{name}[{}] {attributes} = {{",
        code.data.len()
    );
    for row in code.data.chunks(16) {
        let bytes: String = row.iter().map(|byte| format!(" 0x{byte:02x},")).collect();
        let _ = writeln!(out, "   {bytes}");
    }
    out.push_str("};\n");
    if code.kind != CodeKind::Native {
        return None;
    }
    let pointer = format!("fun_data_{name}_prelude_macro");
    let prelude = code.data.get(code.prelude_offset..).unwrap_or_default();
    let bytes: String = prelude
        .iter()
        .map(|byte| format!(" 0x{byte:02x},"))
        .collect();
    let _ = write!(
        out,
        "#if MICROPY_EMIT_NATIVE_PRELUDE_SEPARATE_FROM_MACHINE_CODE\n\
         static const byte fun_data_{name}_prelude[{}] = {{{bytes}}};\n\
         #define {pointer} &fun_data_{name}_prelude[0]\n#else\n#define {pointer} &fun_data_{name}[{}]\n#endif\n",
        prelude.len(),
        code.prelude_offset
    );
    Some(pointer)
}

fn children(
    out: &mut String,
    module: &Module,
    code: &RawCode,
    prelude: Option<&str>,
    arch: u8,
    sizes: &mut Sizes,
) -> Result<(), FreezeError> {
    if code.children.is_empty() {
        return Ok(());
    }
    for child in &code.children {
        let _ = writeln!(out, "// child of {}", code.escaped);
        raw_code(out, module, child, arch, sizes)?;
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "static const mp_raw_code_t *const children_{}[] = {{",
        code.escaped
    );
    for child in &code.children {
        let _ = writeln!(
            out,
            "    (const mp_raw_code_t *)&proto_fun_{},",
            child.escaped
        );
    }
    if let Some(prelude) = prelude {
        let _ = writeln!(out, "    (void *){prelude},");
    }
    out.push_str("};\n\n");
    Ok(())
}

fn structure(out: &mut String, code: &RawCode, prelude: Option<&str>, sizes: &mut Sizes) {
    let name = &code.escaped;
    let kind = if code.kind == CodeKind::Assembler {
        "mp_raw_code_t"
    } else {
        "mp_raw_code_truncated_t"
    };
    let minimal = code.kind == CodeKind::Bytecode && code.children.is_empty() && prelude.is_none();
    if minimal {
        out.push_str("#if MICROPY_PERSISTENT_CODE_SAVE\n");
    }
    let _ = write!(
        out,
        "static const {kind} proto_fun_{name} = {{\n\
         \x20   .proto_fun_indicator[0] = MP_PROTO_FUN_INDICATOR_RAW_CODE_0,\n\
         \x20   .proto_fun_indicator[1] = MP_PROTO_FUN_INDICATOR_RAW_CODE_1,\n\
         \x20   .kind = {},\n    .is_generator = {},\n    .fun_data = fun_data_{name},\n",
        code.kind.name(),
        code.scope_flags & 1
    );
    match prelude {
        _ if !code.children.is_empty() => {
            let _ = writeln!(out, "    .children = (void *)&children_{name},");
        }
        Some(prelude) => {
            let _ = writeln!(out, "    .children = (void *){prelude},");
        }
        None => out.push_str("    .children = NULL,\n"),
    }
    let _ = write!(
        out,
        "    #if MICROPY_PERSISTENT_CODE_SAVE\n    .fun_data_len = {},\n    .n_children = {},\n\
         \x20   #if MICROPY_EMIT_MACHINE_CODE\n    .prelude_offset = {},\n    #endif\n",
        code.data.len(),
        code.children.len(),
        code.prelude_offset
    );
    trace_prelude(out, code);
    out.push_str("    #endif\n");
    if code.kind == CodeKind::Assembler {
        let _ = write!(
            out,
            "    .asm_n_pos_args = {},\n    .asm_type_sig = {},\n",
            code.n_pos_args, code.type_signature
        );
    }
    out.push_str("};\n");
    if minimal {
        let _ = write!(
            out,
            "#else\n#define proto_fun_{name} fun_data_{name}[0]\n#endif\n"
        );
    }
    sizes.raw_codes += 1;
}

/// Writes what a firmware with `sys.settrace` needs of bytecode.
fn trace_prelude(out: &mut String, code: &RawCode) {
    let name = &code.escaped;
    if code.kind == CodeKind::Bytecode
        && let Some(prelude) = &code.prelude
    {
        let signature = &prelude.signature;
        out.push_str(
            "    #if MICROPY_PY_SYS_SETTRACE\n    .line_of_definition = 0,\n    .prelude = {\n",
        );
        for (field, value) in [
            ("n_state", signature.n_state),
            ("n_exc_stack", signature.n_exc_stack),
            ("scope_flags", signature.scope_flags),
            ("n_pos_args", signature.n_pos_args),
            ("n_kwonly_args", signature.n_kwonly_args),
            ("n_def_pos_args", signature.n_def_pos_args),
            (
                "qstr_block_name_idx",
                prelude.names.first().copied().unwrap_or(0),
            ),
        ] {
            let _ = writeln!(out, "        .{field} = {value},");
        }
        for (field, at) in [
            ("line_info", prelude.line_info),
            ("line_info_top", prelude.closure_info),
            ("opcodes", prelude.opcodes),
        ] {
            let _ = writeln!(out, "        .{field} = fun_data_{name} + {at},");
        }
        out.push_str("    },\n    #endif\n");
    }
}

fn tables(
    out: &mut String,
    module: &Module,
    shared: &Shared,
    target: &Target,
    sizes: &mut Sizes,
) -> Result<(), FreezeError> {
    let name = &module.escaped;
    if !module.qstrs.is_empty() {
        let _ = writeln!(
            out,
            "static const qstr_short_t const_qstr_table_data_{name}[{}] = {{",
            module.qstrs.len()
        );
        for qstr in &module.qstrs {
            let _ = writeln!(out, "    MP_QSTR_{},", qstr.escaped);
        }
        out.push_str("};\n");
    }
    if module.objects.is_empty() {
        return Ok(());
    }
    out.push_str("\n// constants\n");
    let mut constants = Constants {
        out,
        shared,
        target,
        sizes,
    };
    let mut references = Vec::new();
    for (index, object) in module.objects.iter().enumerate() {
        references.push(constants.write(&format!("const_obj_{name}_{index}"), object)?);
    }
    let _ = writeln!(
        out,
        "\n// constant table\nstatic const mp_rom_obj_t const_obj_table_data_{name}[{}] = {{",
        module.objects.len()
    );
    for reference in references {
        let _ = writeln!(out, "    {reference},");
    }
    out.push_str("};\n");
    sizes.table += module.objects.len();
    Ok(())
}

fn lists(out: &mut String, modules: &[Module]) {
    out.push_str("\nconst char mp_frozen_names[] = {\n    #ifdef MP_FROZEN_STR_NAMES\n    MP_FROZEN_STR_NAMES\n    #endif\n");
    for module in modules {
        let _ = writeln!(out, "    \"{}\\0\"", source_name(module));
    }
    out.push_str(
        "    \"\\0\"\n};\n\nconst mp_frozen_module_t *const mp_frozen_mpy_content[] = {\n",
    );
    for module in modules {
        let _ = writeln!(out, "    &frozen_module_{},", module.escaped);
    }
    out.push_str("};\n\n#ifdef MICROPY_FROZEN_LIST_ITEM\n");
    for module in modules {
        let name = source_name(module);
        let short = name
            .strip_suffix("/__init__.py")
            .unwrap_or_else(|| name.rsplit_once('.').map_or("", |(stem, _)| stem));
        let _ = writeln!(out, "MICROPY_FROZEN_LIST_ITEM(\"{short}\", \"{name}\")");
    }
    out.push_str("#endif\n");
}

fn totals(out: &mut String, modules: &[Module], unique: usize, sizes: &Sizes) {
    let names = 1 + modules
        .iter()
        .map(|module| source_name(module).chars().count() + 1)
        .sum::<usize>();
    let content = modules.len() * 4;
    let total = sizes.qstrs
        + sizes.bytecode
        + sizes.strings
        + sizes.integers
        + sizes.objects
        + sizes.table * 4
        + sizes.raw_codes * 16
        + names
        + content;
    let _ = write!(
        out,
        "\n/*\nbyte sizes:\nqstr content: {unique} unique, {} bytes\nbc content: {}\nconst str content: {}\nconst int content: {}\n\
         const obj content: {}\nconst table qstr content: 0 entries, 0 bytes\nconst table ptr content: {} entries, {} bytes\n\
         raw code content: {} * 4 = {}\nmp_frozen_mpy_names_content: {names}\nmp_frozen_mpy_content_size: {content}\ntotal: {total}\n*/\n",
        sizes.qstrs,
        sizes.bytecode,
        sizes.strings,
        sizes.integers,
        sizes.objects,
        sizes.table,
        sizes.table * 4,
        sizes.raw_codes,
        sizes.raw_codes * 16
    );
}
