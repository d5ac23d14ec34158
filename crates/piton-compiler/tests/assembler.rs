//! Inline assemblers: listings that a person can read, and comparisons with the official compiler.
//!
//! Each run compares the same small part of the generated sources, `PITON_ASSEMBLER_CASES=1` all of them, another
//! number every so many.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read their cases and call the other compiler"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call the other compiler fails"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use piton_compiler::{DiagnosticCode, Options, compile};
use piton_mpy::disassembly::disassemble;
use piton_mpy::header::Arch;

#[path = "assembler/generate.rs"]
mod generate;

const SEPARATOR: &str = "----\n";

/// An architecture as the command line names it, and its flags.
#[derive(Clone, Copy, Debug)]
struct Processor {
    name: &'static str,
    arch: Arch,
    flags: u32,
}

const fn processor(name: &'static str, arch: Arch, flags: u32) -> Processor {
    Processor { name, arch, flags }
}

/// Every processor whose inline assembler differs.
const PROCESSORS: [Processor; 11] = [
    processor("armv6", Arch::ArmV6, 0),
    processor("armv6m", Arch::ArmV6M, 0),
    processor("armv7m", Arch::ArmV7M, 0),
    processor("armv7em", Arch::ArmV7EM, 0),
    processor("armv7emsp", Arch::ArmV7EMSP, 0),
    processor("armv7emdp", Arch::ArmV7EMDP, 0),
    processor("xtensa", Arch::Xtensa, 0),
    processor("xtensawin", Arch::XtensaWin, 0),
    processor("rv32imc", Arch::Rv32Imc, 0),
    processor("rv32imc", Arch::Rv32Imc, 1),
    processor("rv32imc", Arch::Rv32Imc, 3),
];

fn named(name: &str) -> Processor {
    let (name, flags) = name.split_once('+').unwrap_or((name, "0"));
    let found = PROCESSORS.iter().find(|known| known.name == name).unwrap();
    Processor {
        flags: flags.parse().unwrap(),
        ..*found
    }
}

/// What a compiler makes of a source: the module, or the text of the rejection.
type Outcome = Result<Vec<u8>, String>;

/// The official compiler's outcome; none if it stopped with an assertion.
fn official(processor: Processor, source: &str) -> Option<Outcome> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(test_programs::mpy_cross_path);
    let mut child = Command::new(program)
        .arg(format!("-march={}", processor.name))
        .args((processor.flags != 0).then(|| format!("-march-flags={}", processor.flags)))
        .args(["-X", "heapsize=256m", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(source.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    match output.status.code()? {
        0 => Some(Ok(output.stdout)),
        _ => Some(Err(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

fn options(processor: Processor) -> Options {
    Options {
        arch: Some(processor.arch),
        arch_flags: processor.flags,
        ..Options::new("<stdin>")
    }
}

fn ours(processor: Processor, source: &str) -> Outcome {
    match compile(source.as_bytes(), &options(processor)) {
        Ok(module) => Ok(piton_mpy::writer::write(&module).unwrap()),
        Err(diagnostic) => Err(String::from_utf8_lossy(&diagnostic.traceback()).into_owned()),
    }
}

/// Compares one source. The official compiler may stop with an assertion; then ours must reject the source.
#[track_caller]
fn check(processor: Processor, source: &str) -> Outcome {
    let ours = ours(processor, source);
    match official(processor, source) {
        Some(official) => assert_eq!(ours, official, "{processor:?}:\n{source}"),
        None => assert!(ours.is_err(), "{processor:?}: accepted\n{source}"),
    }
    ours
}

/// A source with what becomes of it on the processors that its first line names.
fn section(source: &str) -> String {
    let names = source
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .unwrap();
    let mut text = source.to_owned();
    for name in names.split(' ') {
        let processor = named(name);
        text += &format!("\n{name}:\n");
        text += &match check(processor, source) {
            Ok(_) => {
                let module = compile(source.as_bytes(), &options(processor)).unwrap();
                disassemble(&module).to_string()
            }
            Err(message) => message,
        };
    }
    text
}

fn snapshot_of(sources: &str) -> String {
    let sections: Vec<String> = sources.split(SEPARATOR).map(section).collect();
    sections.join(&format!("\n{SEPARATOR}"))
}

#[test]
fn thumb() {
    insta::assert_snapshot!(snapshot_of(include_str!("assembler/thumb.txt")));
}

#[test]
fn xtensa() {
    insta::assert_snapshot!(snapshot_of(include_str!("assembler/xtensa.txt")));
}

#[test]
fn rv32() {
    insta::assert_snapshot!(snapshot_of(include_str!("assembler/rv32.txt")));
}

#[test]
fn errors() {
    insta::assert_snapshot!(snapshot_of(include_str!("assembler/errors.txt")));
}

/// The official compiler crashes in a listing.
#[test]
fn architectures_without_an_assembler_reject_its_decorators() {
    for arch in [Arch::X86, Arch::X64, Arch::Rv64Imc, Arch::Debug] {
        let options = Options {
            arch: Some(arch),
            ..Options::new("<stdin>")
        };
        let source = b"@micropython.asm_thumb\ndef f():\n    nop()\n";
        let error = compile(source, &options).unwrap_err();
        assert_eq!(error.code, DiagnosticCode::InvalidArchitecture, "{arch:?}");
    }
}

/// The codes of inline assemblers are those that `errors.txt` makes happen.
#[test]
fn every_code_of_an_assembler_has_a_source() {
    let sources = include_str!("assembler/errors.txt").split(SEPARATOR);
    let mut codes: Vec<DiagnosticCode> = sources
        .flat_map(|source| {
            let names = source.lines().next().unwrap().trim_start_matches("# ");
            names
                .split(' ')
                .map(|name| (named(name), source))
                .collect::<Vec<_>>()
        })
        .filter_map(|(processor, source)| {
            let result = compile(source.as_bytes(), &options(processor));
            result.err().map(|diagnostic| diagnostic.code)
        })
        .collect();
    codes.dedup();
    for code in [
        DiagnosticCode::AssemblerNotFunction,
        DiagnosticCode::AssemblerReturnType,
        DiagnosticCode::AssemblerReturnAnnotation,
        DiagnosticCode::AssemblerParameters,
        DiagnosticCode::NotAnInstruction,
        DiagnosticCode::LabelOperands,
        DiagnosticCode::LabelRedefined,
        DiagnosticCode::AlignOperands,
        DiagnosticCode::DataOperands,
        DiagnosticCode::DataNotIntegers,
        DiagnosticCode::UnknownInstruction,
        DiagnosticCode::AssemblerOperand,
        DiagnosticCode::LabelNotDefined,
        DiagnosticCode::BranchNotInRange,
        DiagnosticCode::AssemblerRange,
        DiagnosticCode::IntegerTooLarge,
        DiagnosticCode::AssemblerUnstable,
    ] {
        assert!(codes.contains(&code), "{code:?}");
    }
}

/// Returns every how many of the generated cases are compared.
fn stride() -> usize {
    let every = std::env::var("PITON_ASSEMBLER_CASES").ok();
    every.and_then(|every| every.parse().ok()).unwrap_or(499)
}

/// Compares functions. Those that are accepted go into modules together.
fn check_functions(processor: Processor, functions: &[String]) {
    let mut module = Vec::new();
    for (number, function) in functions.iter().enumerate() {
        match ours(processor, function) {
            Ok(_) => module.push(function.as_str()),
            Err(_) => drop(check(processor, function)),
        }
        let is_last = number + 1 == functions.len();
        if module.len() < 200 && !is_last {
            continue;
        }
        let source = module.concat();
        if official(processor, &source) != Some(ours(processor, &source)) {
            for function in module {
                drop(check(processor, function));
            }
            panic!("{processor:?}: only together different:\n{source}");
        }
        module.clear();
    }
}

/// Compares generated functions for each processor.
fn check_all(generate: fn(Arch) -> Vec<String>) {
    for (place, processor) in PROCESSORS.into_iter().enumerate() {
        let functions = generate(processor.arch).into_iter();
        let functions: Vec<String> = functions.skip(place * 17).step_by(stride()).collect();
        check_functions(processor, &functions);
    }
}

/// Every mnemonic with operands of every kind and at every limit.
#[test]
fn instructions_are_encoded_and_rejected_like_the_official_ones() {
    check_all(generate::instructions);
}

/// Branches to labels at the limits of what each can reach.
#[test]
fn branches_reach_as_far_as_the_official_ones() {
    check_all(generate::branches);
}

/// Functions of random instructions, several in a module.
#[test]
fn random_functions_are_the_same() {
    for (place, processor) in PROCESSORS.into_iter().enumerate() {
        for source in generate::modules(processor.arch, place as u64, 2000 / stride()) {
            drop(check(processor, &source));
        }
    }
}
