//! Native and viper functions: what is accepted, and the bytes, as the official compiler has them.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read their cases and call the other compiler"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call the other compiler fails"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use piton_compiler::{
    Diagnostic, DiagnosticCode, Emitter, Optimisation, Options, compile, compile_with_listing,
};
use piton_mpy::header::Arch;
use piton_mpy::raw_code::Code;

/// The architectures that machine code is made for.
const ARCHS: &[Arch] = &[
    Arch::X86,
    Arch::X64,
    Arch::ArmV6,
    Arch::ArmV6M,
    Arch::ArmV7M,
    Arch::Xtensa,
    Arch::XtensaWin,
    Arch::Rv32Imc,
];

/// What the official compiler makes of a source: the module, the text of the rejection, or nothing where it stops with
/// an assertion.
fn official(source: &[u8], arguments: &[String]) -> Option<Result<Vec<u8>, String>> {
    let mut child = test_programs::mpy_cross()
        .args(arguments)
        .args(["-X", "heapsize=64m", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let source = source.to_vec();
    // The compiler can stop reading early, so a failed write is not a failure here.
    let writer = std::thread::spawn(move || stdin.write_all(&source).is_ok());
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Some(match status.code()? {
        0 => Ok(stdout),
        _ => Err(String::from_utf8_lossy(&stderr).into_owned()),
    })
}

fn ours(source: &[u8], options: &Options) -> Result<Vec<u8>, Diagnostic> {
    compile(source, options).map(|module| piton_mpy::writer::write(&module).unwrap())
}

fn options(arch: Arch, emitter: Emitter, optimisation: Optimisation) -> (Vec<String>, Options) {
    let name = match emitter {
        Emitter::Native => "native",
        Emitter::Viper => "viper",
        _ => "bytecode",
    };
    let mut arguments = vec![format!("-march={}", arch.name())];
    arguments.extend(["-X".to_owned(), format!("emit={name}")]);
    if optimisation == Optimisation::NoLines {
        arguments.push("-O3".to_owned());
    }
    let options = Options {
        arch: Some(arch),
        default_emitter: emitter,
        optimisation,
        ..Options::new("<stdin>")
    };
    (arguments, options)
}

/// Compares one source under one set of options. Where the official compiler stops with an assertion, there must be an
/// error.
#[track_caller]
fn check(source: &[u8], arch: Arch, emitter: Emitter, optimisation: Optimisation) {
    let (arguments, options) = options(arch, emitter, optimisation);
    let ours = ours(source, &options);
    let ours = ours.map_err(|error| String::from_utf8_lossy(&error.traceback()).into_owned());
    let text = String::from_utf8_lossy(source);
    match official(source, &arguments) {
        Some(official) => assert_eq!(ours, official, "{arguments:?}\n{text}"),
        None => assert!(ours.is_err(), "{arguments:?}: accepted\n{text}"),
    }
}

/// The examples of the other tests, and those of this folder.
fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    paths.sort();
    paths
}

#[test]
fn every_example_is_the_same_as_native_code() {
    for path in cases("cases") {
        let source = std::fs::read(path).unwrap();
        for &arch in ARCHS {
            for optimisation in [Optimisation::None, Optimisation::NoLines] {
                check(&source, arch, Emitter::Native, optimisation);
            }
            check(&source, arch, Emitter::Viper, Optimisation::None);
        }
    }
}

/// Each construct for one of the architectures.
#[test]
fn every_construct_is_the_same_as_native_code() {
    let mut archs = ARCHS.iter().cycle();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/constructs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for source in text.split("----\n") {
            let arch = *archs.next().unwrap();
            check(source.as_bytes(), arch, Emitter::Native, Optimisation::None);
        }
    }
}

#[test]
fn functions_with_decorators_are_the_same() {
    for path in ["native", "native_run"].into_iter().flat_map(cases) {
        let source = std::fs::read(&path).unwrap();
        for &arch in ARCHS {
            // Two rejections that are the same would compare no code.
            let (_, options) = options(arch, Emitter::Bytecode, Optimisation::None);
            let rejected = ours(&source, &options).err();
            assert!(rejected.is_none(), "{arch:?}, {path:?}: {rejected:?}");
            check(&source, arch, Emitter::Bytecode, Optimisation::None);
            check(&source, arch, Emitter::Native, Optimisation::NoLines);
        }
    }
}

/// What the emitter keeps from one function to the next shows only where other functions come before.
#[test]
fn functions_in_any_order_are_the_same() {
    let functions: Vec<String> = cases("native")
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let parts = text.split("\n\n\n").map(str::to_owned);
            parts.collect::<Vec<_>>()
        })
        .collect();
    let mut number = 0x2545_f491_u32;
    for _ in 0..40 {
        let mut source = String::from("import micropython\n");
        for _ in 0..12 {
            // xorshift
            number ^= number << 13;
            number ^= number >> 17;
            number ^= number << 5;
            let function = &functions[number as usize % functions.len()];
            source += &format!("\n\n{function}\n");
        }
        for &arch in ARCHS {
            check(
                source.as_bytes(),
                arch,
                Emitter::Bytecode,
                Optimisation::None,
            );
        }
    }
}

/// Jumps, frames and numbers at the sizes where other instructions begin.
#[test]
fn sizes_at_their_limits_are_the_same() {
    for count in [1, 2, 7, 8, 9, 15, 16, 17, 30, 31, 62, 63, 126, 127, 300] {
        let body = "        f(a)\n".repeat(count);
        let names: Vec<String> = (0..count).map(|index| format!("v{index}")).collect();
        let mut source = format!("def g(a):\n    while a:\n{body}");
        source += &format!("    for b in a:\n{body}    try:\n{body}    except:\n{body}");
        source += &format!("def h({}):\n    x = 1\n    return (", names.join(", "));
        source += &format!("{},)\n", names.join(", "));
        for &arch in ARCHS {
            check(source.as_bytes(), arch, Emitter::Native, Optimisation::None);
        }
    }
    let mut source = String::from("@micropython.viper\ndef f(p: ptr8, q: ptr16, r: ptr32):\n");
    for power in 0..63 {
        for number in [
            (1_i64 << power) - 1,
            1 << power,
            -(1 << power),
            !(1 << power),
        ] {
            source += &format!("    i = int({number})\n");
            if number.abs() < 1 << 34 {
                source += &format!("    p[{number}] = q[{number}] + r[{number}]\n");
                source += &format!("    r[{number}] = p[{number}]; q[{number}] = i\n");
            }
        }
    }
    for &arch in ARCHS {
        check(
            source.as_bytes(),
            arch,
            Emitter::Bytecode,
            Optimisation::None,
        );
    }
}

/// Each error on one of the architectures.
#[test]
fn every_error_has_the_same_words_line_and_scope() {
    let mut codes = Vec::new();
    let mut archs = ARCHS.iter().cycle();
    for source in include_str!("cases/native_errors.txt").split("----\n") {
        let arch = *archs.next().unwrap();
        let (arguments, options) = options(arch, Emitter::Bytecode, Optimisation::None);
        let error = ours(source.as_bytes(), &options).unwrap_err();
        let traceback = String::from_utf8(error.traceback()).unwrap();
        let official = official(source.as_bytes(), &arguments);
        assert_eq!(Some(Err(traceback)), official, "{source}");
        codes.push(error.code);
    }
    for code in DiagnosticCode::ALL {
        let name = code.name();
        let is_native = name.starts_with("viper-") || name.starts_with("native-");
        let elsewhere = [
            DiagnosticCode::NativeCode,
            DiagnosticCode::NativeArchitecture,
            DiagnosticCode::NativeLocals,
            // Of older releases: `releases.rs` has these.
            DiagnosticCode::NativeTooBig,
            DiagnosticCode::NativeOverflow,
            DiagnosticCode::NativeImpossible,
            DiagnosticCode::ViperNotObject,
        ];
        let expected = is_native && !elsewhere.contains(code);
        assert!(!expected || codes.contains(code), "{name} has no source");
    }
}

#[test]
fn an_architecture_without_machine_code_is_refused() {
    for source in [
        "x = 1\n",
        "x = 1\ndef f(): pass\n\ny = [a for a in b]\n",
        "",
    ] {
        for emitter in [Emitter::Native, Emitter::Viper] {
            check(
                source.as_bytes(),
                Arch::Rv64Imc,
                emitter,
                Optimisation::None,
            );
        }
    }
}

/// The official compiler stops with an assertion.
#[test]
fn a_value_that_is_not_an_object_is_refused_as_an_object() {
    for (body, code) in [
        ("a.x", DiagnosticCode::ViperNotObject),
        ("for b in a: pass", DiagnosticCode::ViperNotObject),
        ("b = {1: 2}", DiagnosticCode::ViperNotObject),
        ("b = a.x()", DiagnosticCode::ViperNotObject),
        ("a()", DiagnosticCode::ViperNotObject),
        ("int(1, 2)", DiagnosticCode::NativeImpossible),
        ("with a: pass", DiagnosticCode::ViperNotObject),
    ] {
        let source = format!("@micropython.viper\ndef f(a: int):\n    {body}\n");
        let (arguments, options) = options(Arch::X64, Emitter::Bytecode, Optimisation::None);
        assert_eq!(official(source.as_bytes(), &arguments), None, "{source}");
        let error = ours(source.as_bytes(), &options).unwrap_err();
        assert_eq!(error.code, code, "{source}");
    }
}

/// The listing, with the labels that the official compiler counts.
#[test]
fn the_listing_is_the_same() {
    for folder in ["cases", "native"] {
        for path in cases(folder) {
            let source = std::fs::read(&path).unwrap();
            let (arguments, options) = options(Arch::Debug, Emitter::Native, Optimisation::None);
            let mut ours = Vec::new();
            // The official compiler prints the listing where the module goes.
            match (
                compile_with_listing(&source, &options, &mut ours),
                official(&source, &arguments).unwrap(),
            ) {
                (Ok(module), Ok(official)) => {
                    ours.append(&mut piton_mpy::writer::write(&module).unwrap());
                    let [ours, official] =
                        [&ours, &official].map(|text| String::from_utf8_lossy(text));
                    assert_eq!(ours, official, "{}", path.display());
                }
                (Err(_), Err(_)) => {}
                _ => panic!("{}: accepted by one of both", path.display()),
            }
        }
    }
}

/// Returns a source, the listing of its operations, and the bytes of its module on each processor.
fn golden(source: &str) -> String {
    let (_, listed) = options(Arch::Debug, Emitter::Bytecode, Optimisation::None);
    let mut listing = Vec::new();
    compile_with_listing(source.as_bytes(), &listed, &mut listing).unwrap();
    let mut text = format!("{source}\n{}", String::from_utf8(listing).unwrap());
    for &arch in ARCHS {
        check(
            source.as_bytes(),
            arch,
            Emitter::Bytecode,
            Optimisation::None,
        );
        let (_, options) = options(arch, Emitter::Bytecode, Optimisation::None);
        let module = compile(source.as_bytes(), &options).unwrap();
        text += &format!("\n{}\n", arch.name());
        for raw_code in &module.raw_codes {
            let code = match &raw_code.code {
                Code::Native(native) => &native.code,
                Code::Viper(viper) => &viper.code,
                _ => continue,
            };
            for line in code.chunks(32) {
                text.extend(line.iter().map(|byte| format!("{byte:02x}")));
                text.push('\n');
            }
        }
    }
    text
}

macro_rules! golden {
    ($($name:ident: $source:literal,)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(golden($source));
            }
        )*
    };
}

golden! {
    a_native_function_of_locals: "@micropython.native\ndef f(a, b):\n    return a + b\n",
    a_native_loop_over_a_global: "@micropython.native\ndef f(n):\n    for i in range(n):\n        g(i)\n",
    a_native_handler: "@micropython.native\ndef f(a):\n    try:\n        a()\n    except:\n        return 1\n",
    a_native_generator: "@micropython.native\ndef f(a):\n    yield a\n",
    a_viper_function: "@micropython.viper\ndef f(a: int, b: uint) -> int:\n    return a + int(b)\n",
    a_viper_pointer: "@micropython.viper\ndef f(p: ptr8, i: int):\n    p[i] = p[3] << 1\n",
}

#[test]
fn architecture_and_sub_version_are_only_in_the_header_of_native_code() {
    let (_, options) = options(Arch::X64, Emitter::Bytecode, Optimisation::None);
    let bytecode = ours(b"x = 1\n", &options).unwrap();
    assert_eq!(bytecode[..4], [b'M', 6, 0, 31]);
    let native = ours(b"@micropython.native\ndef f(): pass\n", &options).unwrap();
    assert_eq!(native[..4], [b'M', 6, 2 << 2 | 3, 31]);
}
