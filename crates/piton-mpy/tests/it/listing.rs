//! Listings and hexdumps, as snapshots that hold source and output.

use std::fmt::Write;

use piton_mpy::disassembly::disassemble;
use piton_mpy::header::{Arch, Header};
use piton_mpy::hexdump::hexdump;
use piton_mpy::module::{Module, Qstr};
use piton_mpy::raw_code::{Code, Place, RawCode, Relocation, Section, Target, ViperCode};
use piton_mpy::{reader, writer};

use crate::official::{compile, compile_text};

fn listing(source: &str, args: &[&str]) -> String {
    let module = reader::read(&compile_text("a.py", source, args).unwrap()).unwrap();
    format!("{source}----\n{}", disassemble(&module))
}

fn dump(source: &str, args: &[&str]) -> String {
    format!(
        "{source}----\n{}",
        hexdump(&compile_text("a.py", source, args).unwrap())
    )
}

#[test]
fn listing_of_an_assignment() {
    insta::assert_snapshot!(listing("x = 1\n", &[]));
}

#[test]
fn listing_of_a_function() {
    insta::assert_snapshot!(listing(
        "def f(a, b=2, *, c):
    for i in range(a):
        if i == b:
            break
        a = a if c else -i
    return 1.5, \"a string that is no qstr\", (1, None), lambda: a
",
        &[]
    ));
}

#[test]
fn listing_of_exception_handlers() {
    insta::assert_snapshot!(listing(
        "def f(a):
    while a:
        try:
            if a():
                break
        finally:
            a.close()
",
        &[]
    ));
}

#[test]
fn listing_without_lines() {
    insta::assert_snapshot!(listing(
        "class A:\n    x, *y = [z for z in b'']\n",
        &["-O3"]
    ));
}

#[test]
fn listing_of_machine_code() {
    insta::assert_snapshot!(listing(
        "@micropython.native
def native(a):
    return a

@micropython.viper
def viper(a: int) -> int:
    return a

@micropython.asm_thumb
def asm(r0) -> uint:
    nop()
",
        &["-march=armv7m"]
    ));
}

#[test]
fn dump_of_a_function() {
    insta::assert_snapshot!(dump(
        "def f(a, *b):\n    return lambda: a + 100000, b'bytes'\nf((1.5, 2**80))\n",
        &[]
    ));
}

#[test]
fn dump_of_machine_code() {
    insta::assert_snapshot!(dump(
        "@micropython.native
def native(a):
    pass

@micropython.asm_thumb
def asm(r0) -> uint:
    nop()
",
        &["-march=armv6m"]
    ));
}

#[test]
fn dump_of_a_damaged_file() {
    let mut bytes = compile("small.py", &["-s", "a.py"]);
    let last = bytes.len() - 2;
    bytes[last] = 0xff;
    insta::assert_snapshot!("opcode", hexdump(&bytes));
    insta::assert_snapshot!("truncated", hexdump(&bytes[..last - 4]));
}

/// What mpy_ld links from C: relocations, read-only and zeroed data.
fn linked_module() -> Module {
    let relocation = |place, target, count| Relocation {
        place,
        target,
        count,
    };
    let text = |word| {
        Some(Place {
            section: Section::Text,
            word,
        })
    };
    let rodata = |word| {
        Some(Place {
            section: Section::Rodata,
            word,
        })
    };
    let viper = ViperCode {
        links: None,
        code: (0..20).collect(),
        scope_flags: 0,
        rodata: Some(b"read-only data".to_vec()),
        bss_size: Some(300),
        relocations: Some(vec![
            relocation(text(2), Target::Text, None),
            relocation(None, Target::Rodata, Some(2)),
            relocation(rodata(1), Target::Bss, None),
            relocation(text(200), Target::QstrTable, None),
            relocation(None, Target::ObjectTable, None),
            relocation(None, Target::FunTable, None),
            relocation(text(0), Target::Fun(70), None),
            relocation(None, Target::Fun(118), None),
        ]),
    };
    Module {
        header: Header {
            arch_flags: Some(3),
            ..Header::native(Arch::Rv32Imc)
        },
        qstrs: vec![Qstr::of(b"features.c"), Qstr::of(b"append")],
        objects: Vec::new(),
        raw_codes: vec![RawCode {
            code: Code::Viper(viper),
            children: Vec::new(),
        }],
    }
}

#[test]
fn linked_c_module() {
    let module = linked_module();
    let bytes = writer::write(&module).unwrap();
    assert_eq!(reader::read(&bytes).as_ref(), Ok(&module));
    let mut shown = disassemble(&module).to_string();
    write!(shown, "----\n{}", hexdump(&bytes)).unwrap();
    insta::assert_snapshot!(shown);
}

#[test]
fn json_of_a_listing() {
    let bytes = compile_text("a.py", "def f(a):\n    while a: a = 'x' * 9\n", &[]).unwrap();
    let listing = disassemble(&reader::read(&bytes).unwrap());
    insta::assert_snapshot!(serde_json::to_string_pretty(&listing).unwrap());
}

#[test]
fn json_of_a_dump() {
    let bytes = compile("empty.py", &["-s", "a.py"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&hexdump(&bytes)).unwrap());
}
