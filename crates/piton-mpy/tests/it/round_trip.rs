//! Whatever the official compiler writes is read and written back byte for byte.

use piton_mpy::header::{Arch, SUB_VERSION};
use piton_mpy::hexdump::hexdump;
use piton_mpy::instruction::instructions;
use piton_mpy::module::{ConstObject, Module, ObjectTag};
use piton_mpy::opcode::{OPCODES, OpcodeRow};
use piton_mpy::prelude::Prelude;
use piton_mpy::raw_code::{Code, Kind};
use piton_mpy::{reader, writer};

use crate::official::{NATIVE_ARCHES, SOURCES, compile, compile_text, try_compile};

fn check(bytes: &[u8], what: &str) -> Module {
    let module = reader::read(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(writer::write(&module).unwrap(), bytes, "{what}");
    assert_every_byte_is_named(bytes, what);
    module
}

fn assert_every_byte_is_named(bytes: &[u8], what: &str) {
    let dump = hexdump(bytes);
    assert_eq!(dump.error, None, "{what}");
    let mut end = 0;
    for field in &dump.fields {
        assert_eq!(field.offset, end, "{what}: {field:?}");
        assert!(
            !["not read", "not decodable"].contains(&field.name),
            "{what}: {field:?}"
        );
        end += field.bytes.len().div_ceil(3);
    }
    assert_eq!(end, bytes.len(), "{what}");
}

/// Compiles all sources and checks the results; returns the modules.
fn check_all(args: &[&str]) -> Vec<Module> {
    let outputs = SOURCES
        .iter()
        .filter_map(|(name, _)| Some((name, try_compile(name, args)?)));
    outputs
        .map(|(name, bytes)| check(&bytes, &format!("{name} {args:?}")))
        .collect()
}

#[test]
fn every_optimisation_level_and_header_option() {
    for args in [
        &["-O0"][..],
        &["-O1"],
        &["-O2"],
        &["-O3"],
        &["-X", "no-source-lines"],
        &["-msmall-int-bits=15"],
        &["-msmall-int-bits=30"],
        &["-msmall-int-bits=47"],
        &["-msmall-int-bits=63"],
        &["-march=rv32imc", "-march-flags=zba"],
    ] {
        assert!(check_all(args).len() >= 6, "{args:?}");
    }
}

#[test]
fn small_int_bits_and_arch_flags_reach_the_header() {
    let module = check(&compile("small.py", &["-msmall-int-bits=47"]), "small.py");
    assert_eq!(module.header.small_int_bits, 47);
    assert_eq!((module.header.arch, module.header.sub_version), (None, 0));
    let flags = ["-march=rv32imc", "-march-flags=zba,zcmp"];
    let module = check(&compile("small.py", &flags), "small.py");
    assert_eq!(
        (module.header.arch, module.header.arch_flags),
        (None, Some(3))
    );
}

#[test]
fn machine_code_of_every_architecture() {
    for name in NATIVE_ARCHES {
        let march = format!("-march={name}");
        let arch = Arch::from_name(name);
        let native = check_all(&[&march, "-X", "emit=native"]);
        assert!(native.len() >= 5, "{name}: {}", native.len());
        let decorated = check(&compile("machine_code.py", &[&march]), name);
        assert_eq!(
            (decorated.header.arch, decorated.header.sub_version),
            (arch, SUB_VERSION)
        );
        let kinds: Vec<_> = decorated
            .raw_codes
            .iter()
            .map(|raw| raw.code.kind())
            .collect();
        for kind in [Kind::Bytecode, Kind::Native, Kind::Viper] {
            assert!(kinds.contains(&kind), "{name}: {kind:?} in {kinds:?}");
        }
        for module in native.iter().chain([&decorated]) {
            assert_native_preludes_are_ours(module, name);
        }
    }
}

/// Decodes and encodes the preludes inside native code.
fn assert_native_preludes_are_ours(module: &Module, what: &str) {
    for raw_code in &module.raw_codes {
        if let Code::Native(native) = &raw_code.code {
            let bytes = &native.code[native.prelude_offset as usize..];
            let (prelude, length) = Prelude::decode(bytes).unwrap();
            let mut encoded = Vec::new();
            prelude.push(&mut encoded);
            assert_eq!(encoded, &bytes[..length], "{what}");
        }
    }
}

#[test]
fn inline_assembler() {
    for (name, arch, return_types) in [
        ("asm_thumb.py", "armv6m", &[3, 2][..]),
        ("asm_thumb.py", "armv7emsp", &[3, 2]),
        ("asm_xtensa.py", "xtensa", &[1]),
        ("asm_xtensa.py", "xtensawin", &[1]),
        ("asm_rv32.py", "rv32imc", &[0]),
    ] {
        let module = check(&compile(name, &[&format!("-march={arch}")]), name);
        let found: Vec<_> = module
            .raw_codes
            .iter()
            .filter_map(|raw_code| match &raw_code.code {
                Code::Asm(asm) => Some(asm.return_type),
                Code::Bytecode(_) | Code::Native(_) | Code::Viper(_) => None,
            })
            .collect();
        assert_eq!(found, return_types, "{name} {arch}");
    }
}

fn add_tags(object: &ConstObject, tags: &mut Vec<ObjectTag>) {
    tags.push(object.tag());
    if let ConstObject::Tuple(items) = object {
        items.iter().for_each(|item| add_tags(item, tags));
    }
}

#[test]
fn every_kind_of_object() {
    let module = check(&compile("objects.py", &[]), "objects.py");
    let native = check(
        &compile("small.py", &["-march=x64", "-X", "emit=native"]),
        "small.py",
    );
    let mut tags = Vec::new();
    module
        .objects
        .iter()
        .chain(&native.objects)
        .for_each(|object| add_tags(object, &mut tags));
    let missing: Vec<_> = (0..=10)
        .filter_map(ObjectTag::from_number)
        .filter(|tag| !tags.contains(tag))
        .collect();
    assert_eq!(missing, []);
}

#[test]
fn every_instruction_occurs_in_the_sources() {
    let module = check(&compile("instructions.py", &[]), "instructions.py");
    let mut seen: Vec<&OpcodeRow> = Vec::new();
    for raw_code in &module.raw_codes {
        if let Code::Bytecode(bytecode) = &raw_code.code {
            seen.extend(instructions(&bytecode.opcodes).map(|found| found.unwrap().opcode));
        }
    }
    let missing: Vec<_> = OPCODES
        .iter()
        .filter(|row| !seen.contains(row))
        .map(|row| row.name)
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn functions_nested_deep_need_no_stack() {
    let source = format!("f = {}0\n", "lambda: ".repeat(3000));
    let module = check(&compile_text("deep.py", &source, &[]).unwrap(), "deep.py");
    assert_eq!(module.raw_codes.len(), 3001);
    assert_eq!(module.raw_codes[2999].children, [3000]);
}

#[test]
fn tuples_nested_as_deep_as_the_official_compiler_allows() {
    let source = |depth| format!("x = {}1{}\n", "(".repeat(depth), ",)".repeat(depth));
    check(
        &compile_text("deep.py", &source(700), &[]).unwrap(),
        "deep.py",
    );
    let error = compile_text("deep.py", &source(1001), &[]).unwrap_err();
    assert!(
        error.contains("maximum recursion depth exceeded"),
        "{error}"
    );
}
