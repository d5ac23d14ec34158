//! Merged modules, by structure and by running them on MicroPython's unix port.

use std::fmt::Write;
use std::process::Stdio;

use piton_mpy::disassembly::disassemble;
use piton_mpy::error::Error;
use piton_mpy::header::{Arch, Dialect, Header};
use piton_mpy::line_info::LineInfo;
use piton_mpy::merge::merge;
use piton_mpy::module::Module;
use piton_mpy::prelude::{Prelude, Signature};
use piton_mpy::raw_code::{Bytecode, Code, RawCode};
use piton_mpy::{reader, writer};

use crate::official::{SOURCES, compile_text};

fn compiled(name: &str, source: &str, args: &[&str]) -> Module {
    reader::read(&compile_text(name, source, args).unwrap()).unwrap()
}

/// Imports modules on the unix port, from a file system in its memory; returns what they print.
fn run(module: &Module) -> String {
    let bytes = writer::write(module).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let script = format!(
        "
import binascii, io, os, sys
class Files:
    def mount(self, readonly, mkfs): pass
    def umount(self): pass
    def stat(self, path):
        if path != '/merged.mpy': raise OSError(2)
        return (0x8000,) + (0,) * 9
    def open(self, path, mode): return io.BytesIO(binascii.unhexlify('{hex}'))
os.mount(Files(), '/files')
sys.path.append('/files')
import merged
"
    );
    let output = test_programs::micropython_unix()
        .args(["-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn merged_modules_run_in_turn_in_the_same_globals() {
    let first = compiled(
        "one.py",
        "x = 'first'\ndef show(): print(x, 'of', __name__)\nshow()\n",
        &[],
    );
    let second = compiled(
        "two.py",
        "x = ('second', 1.5, b'bytes', None)\nshow()\n",
        &[],
    );
    let third = compiled(
        "three.py",
        "print(sorted(n for n in dir() if n < 'w' and n > 'q'))\n",
        &[],
    );
    let merged = merge(&[first, second, third]).unwrap();
    insta::assert_snapshot!(run(&merged), @r"
    first of merged
    ('second', 1.5, b'bytes', None) of merged
    ['show']
    ");
}

#[test]
fn listing_of_merged_modules() {
    let first = compiled("one.py", "\n\nprint(1.5)\n", &[]);
    let second = compiled("two.py", "\n\ndef f(a):\n    while a: a = 2.5\nf(0)\n", &[]);
    insta::assert_snapshot!(disassemble(&merge(&[first, second]).unwrap()));
}

/// Jumps of every kind over code that grows: each name gets an index above 127 when merged after
/// 130 others, so its operand takes two bytes.
fn jumps_over_growing_code(names: usize) -> String {
    let mut source = String::from("log = []\ndef f(a):\n    count = 0\n    while count < 3:\n");
    source.push_str("        count += 1\n        for i in (1, 2, 3):\n            try:\n");
    source.push_str("                if i == 2 and count == 2: continue\n");
    source.push_str("                if i == 3 and count == 3: break\n");
    for name in 0..names {
        writeln!(
            source,
            "                if a == {name}: log.append('n{name}')"
        )
        .unwrap();
    }
    source.push_str("            finally:\n                log.append((i, count))\n");
    source
        .push_str("        else:\n            log.append('else')\n    return 'a' if a else 'b'\n");
    writeln!(source, "print(f(0), f({names} - 1), log)").unwrap();
    source
}

#[test]
fn jumps_follow_code_that_grows() {
    let many: String = (0..130)
        .map(|number| format!("name{number} = {number}\n"))
        .collect();
    let first = compiled("many.py", &many, &[]);
    // From short jumps to long ones, over the limit between them and far beyond.
    for names in [1, 4, 5, 6, 7, 8, 9, 10, 12, 20, 60, 200] {
        let source = jumps_over_growing_code(names);
        let second = compiled("jumps.py", &source, &["-O3"]);
        let alone = run(&second);
        assert!(alone.contains("'else'"), "{alone}");
        let merged = merge(&[first.clone(), second]).unwrap();
        assert_eq!(run(&merged), alone, "{names}");
    }
}

/// Merging after an empty table moves nothing: the code must come out as it went in, but for the
/// line table.
#[test]
fn code_that_does_not_move_stays_the_same() {
    for (name, source) in SOURCES {
        let Ok(bytes) = compile_text(name, source, &["-O3"]) else {
            continue;
        };
        let module = reader::read(&bytes).unwrap();
        let one_name = Module {
            qstrs: module.qstrs[..1].to_vec(),
            ..empty_module()
        };
        let merged = merge(&[one_name, module.clone()]).unwrap();
        // The module's raw codes follow the outer one and the empty module's.
        for (raw_code, original) in merged.raw_codes[2..].iter().zip(&module.raw_codes) {
            let (Code::Bytecode(moved), Code::Bytecode(original)) =
                (&raw_code.code, &original.code)
            else {
                panic!("no bytecode");
            };
            assert_eq!(moved.opcodes.len(), original.opcodes.len(), "{name}");
            assert_eq!(moved.prelude.simple_name, original.prelude.simple_name + 1);
        }
        // Shifted back by removing the first name, all is as before.
        let listing = |module: &Module| {
            let entries = disassemble(module).raw_codes.into_iter().rev();
            let instructions = entries
                .take(module.raw_codes.len())
                .flat_map(|raw| raw.instructions);
            instructions
                .map(|found| (found.name, found.operand, found.target))
                .collect::<Vec<_>>()
        };
        let moved = listing(&merged);
        let original = listing(&module);
        assert_eq!(moved[..original.len()], original, "{name}");
    }
}

fn empty_module() -> Module {
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
    // LOAD_CONST_NONE, RETURN_VALUE
    let code = Code::Bytecode(Bytecode {
        objects: Vec::new(),
        prelude,
        opcodes: vec![0x51, 0x63],
    });
    Module {
        header: Header::bytecode(),
        qstrs: Vec::new(),
        objects: Vec::new(),
        raw_codes: vec![RawCode {
            code,
            children: Vec::new(),
        }],
    }
}

#[test]
fn machine_code_keeps_its_table_indices() {
    let native =
        "@micropython.native\ndef f(a):\n    return a * 2.5, 'native'\nprint(f(2), name1)\n";
    let plain = compiled("plain.py", "name1 = 'plain'\nprint(name1)\n", &[]);
    let native = compiled("native.py", native, &["-march=x64"]);
    let merged = merge(&[plain, native.clone()]).unwrap();
    assert_eq!(merged.header, Header::native(Arch::X64));
    assert_eq!(merged.qstrs[..native.qstrs.len()], native.qstrs);
    assert_eq!(merged.raw_codes[0].children, [3, 1]);
    assert_eq!(merged.raw_codes[2].code, native.raw_codes[1].code);
    if cfg!(target_arch = "x86_64") {
        assert_eq!(run(&merged), "plain\n(5.0, 'native') plain\n");
    }
    insta::assert_snapshot!(disassemble(&merged).raw_codes[0], @r"
    raw code 0 native.py: bytecode, 12 bytes
      state 1, exception stack 0
      0000  32 00           MAKE_FUNCTION child 0 <module>
      0002  34 00           CALL_FUNCTION 0 positional
      0004  59              POP_TOP
      0005  32 01           MAKE_FUNCTION child 1 <module>
      0007  34 00           CALL_FUNCTION 0 positional
      0009  59              POP_TOP
      000a  51              LOAD_CONST_NONE
      000b  63              RETURN_VALUE
    ");
}

#[test]
fn incompatible_modules_cannot_be_merged() {
    let plain = compiled("a.py", "x = 1\n", &[]);
    let native = compiled(
        "b.py",
        "@micropython.native\ndef f(): pass\n",
        &["-march=x64"],
    );
    let other = Module {
        header: Header {
            dialect: Dialect::CircuitPython,
            ..plain.header
        },
        ..plain.clone()
    };
    let error = |modules: &[Module]| merge(modules).unwrap_err().to_string();
    assert_eq!(
        error(&[]),
        "module 0: modules: expected at least one, found none"
    );
    assert_eq!(
        error(&[native.clone(), plain.clone(), native.clone()]),
        "module 2: machine code: expected none beside that of module 0, found some"
    );
    assert_eq!(
        error(&[plain.clone(), other]),
        "module 1: firmware: expected MicroPython, found CircuitPython"
    );
    assert_eq!(merge(std::slice::from_ref(&native)), Ok(native));
    let wide = Module {
        header: Header {
            small_int_bits: 47,
            ..plain.header
        },
        ..plain.clone()
    };
    assert_eq!(merge(&[plain, wide]).unwrap().header.small_int_bits, 47);
}

#[test]
fn jumps_that_get_too_long_are_refused() {
    // The loop is 13,500 bytes long, and merged, with indices of two bytes, 18,000.
    let calls = "    f(a, b)\n".repeat(1500);
    let far = compiled(
        "far.py",
        &format!("def g():\n  while f:\n{calls}"),
        &["-O3"],
    );
    let many: String = (0..130)
        .map(|number| format!("name{number} = {number}\n"))
        .collect();
    let first = compiled("many.py", &many, &[]);
    match merge(&[first, far]).unwrap_err() {
        Error::TooLarge {
            field: "jump distance",
            value,
            limit: 0x3fff,
        } => assert!(value > 0x4000),
        other => panic!("{other}"),
    }
}
