//! Every construct of the language with the code made of it: a snapshot holds the sources of a file in
//! `tests/constructs` and their listings, and the bytes are those of the official compiler.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read their cases and call the other compiler"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call the other compiler fails"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use piton_compiler::{DiagnosticCode, Options, compile};
use piton_mpy::disassembly::disassemble;
use piton_mpy::instruction::instructions;
use piton_mpy::opcode::OPCODES;
use piton_mpy::raw_code::Code;
use piton_mpy::writer::write;

const SEPARATOR: &str = "----\n";

/// What the official compiler makes of a source: the module, or the text of the rejection.
fn official(source: &str) -> Result<Vec<u8>, Vec<u8>> {
    let mut child = test_programs::mpy_cross()
        .args(["-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(source.as_bytes()).unwrap();
    drop(stdin);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    if status.success() {
        Ok(stdout)
    } else {
        Err(stderr)
    }
}

/// The source and its listing, or the words of its rejection, compared with the official compiler.
#[track_caller]
fn section(source: &str) -> String {
    match compile(source.as_bytes(), &Options::new("<stdin>")) {
        Ok(module) => {
            assert_eq!(official(source), Ok(write(&module).unwrap()), "{source}");
            let listing = disassemble(&module).to_string();
            // The first lines are the same for all.
            let listing = listing.split_once("\n\n").map_or("", |(_, rest)| rest);
            format!("{source}\n{listing}")
        }
        Err(diagnostic) => {
            let traceback = diagnostic.traceback();
            assert_eq!(official(source), Err(traceback.clone()), "{source}");
            let traceback = String::from_utf8(traceback).unwrap();
            format!("{source}\n{traceback}[{}]\n", diagnostic.code.name())
        }
    }
}

#[track_caller]
fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/constructs");
    let sources = std::fs::read_to_string(folder.join(name).with_extension("txt")).unwrap();
    let sections: Vec<String> = sources.split(SEPARATOR).map(section).collect();
    insta::assert_snapshot!(name, sections.join(&format!("\n{SEPARATOR}\n")), name);
}

macro_rules! constructs {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_source_file_is_compared() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/constructs");
            let mut files: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
                .collect();
            files.sort();
            let mut tests = vec![$(stringify!($name)),*];
            tests.sort_unstable();
            assert_eq!(files, tests);
        }
    };
}

constructs! {
    expressions statements functions classes comprehensions exceptions asynchronous imports constants numbers fstrings
    layout scopes calls control targets values
}

/// The constructs reach every instruction of the virtual machine: one that no source has is compared with nothing.
#[test]
fn every_instruction_is_in_a_construct() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/constructs");
    let mut seen = vec![false; OPCODES.len()];
    for entry in std::fs::read_dir(folder).unwrap() {
        let sources = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for source in sources.split(SEPARATOR) {
            let Ok(module) = compile(source.as_bytes(), &Options::new("<stdin>")) else {
                continue;
            };
            for raw_code in &module.raw_codes {
                let Code::Bytecode(bytecode) = &raw_code.code else {
                    panic!("{source} is machine code");
                };
                for instruction in instructions(&bytecode.opcodes) {
                    let row = instruction.unwrap().opcode;
                    let index = OPCODES.iter().position(|other| other == row);
                    seen[index.unwrap()] = true;
                }
            }
        }
    }
    let missing: Vec<&str> = OPCODES
        .iter()
        .zip(&seen)
        .filter(|(_, seen)| !**seen)
        .map(|(row, _)| row.name)
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// A jump takes two bytes or three: functions with bodies of every length around both limits, forward and backward.
#[test]
fn jumps_have_the_official_sizes() {
    let mut source = String::new();
    for length in (50..70).chain(110..140) {
        let body = "a;".repeat(length / 2);
        let odd = if length % 2 == 1 { "b[c];" } else { "" };
        source += &format!("def f{length}(a, b, c):\n");
        source += &format!("    while a: {body}{odd}pass\n");
        source += &format!("    for i in b: {body}{odd}pass\n");
        source += &format!("    if a: {body}{odd}pass\n    else: {odd}{body}pass\n");
        source += &format!("    try: {body}{odd}pass\n    except: {odd}{body}pass\n");
        source += &format!("    with a: {body}{odd}pass\n");
        source += &format!("    x = a and b{}\n", "[c]".repeat(length));
        source += &format!("    while a or b:\n        if c: continue\n        {body}{odd}break\n");
    }
    section(&source);
}

/// Each error with its code, words and place, as the official compiler has them.
#[test]
fn errors() {
    let sources = include_str!("cases/errors.txt").split(SEPARATOR);
    let sections: Vec<String> = sources.map(section).collect();
    insta::assert_snapshot!(sections.join(&format!("\n{SEPARATOR}\n")));
}

/// Codes that no source for the newest MicroPython has, or that take a large one: `limits.rs`, `circuitpython.rs`,
/// `releases.rs`, `robustness.rs` and the minifier's tests have them, `assembler.rs` those of inline assemblers.
const ELSEWHERE: &[DiagnosticCode] = &[
    DiagnosticCode::UnclearIndent,
    DiagnosticCode::RawFString,
    DiagnosticCode::NotInteger,
    DiagnosticCode::SeveralStars,
    DiagnosticCode::SeveralDoubleStars,
    DiagnosticCode::PositionalAfterStar,
    DiagnosticCode::PositionalAfterName,
    DiagnosticCode::NameTooLong,
    DiagnosticCode::SourceTooLarge,
    DiagnosticCode::AnnotationNotName,
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
    // Only a large function in machine code for Xtensa has such branches.
    DiagnosticCode::ZeroBranchRange,
    DiagnosticCode::BranchRange,
    DiagnosticCode::YieldFromInAsync,
    DiagnosticCode::StarTooFarBack,
    DiagnosticCode::JumpTooFar,
    DiagnosticCode::ConstantsTooDeep,
    DiagnosticCode::TooManyNames,
    DiagnosticCode::StackTooLarge,
    DiagnosticCode::CellNumberTooLarge,
    DiagnosticCode::TooManyOuterVariables,
    DiagnosticCode::TooManyArguments,
    DiagnosticCode::TooManyTargets,
    DiagnosticCode::TooManyBlocks,
];

#[test]
fn every_code_has_a_source() {
    let codes: Vec<DiagnosticCode> = include_str!("cases/errors.txt")
        .split(SEPARATOR)
        .filter_map(|source| {
            let result = compile(source.as_bytes(), &Options::new("<stdin>"));
            result.err().map(|diagnostic| diagnostic.code)
        })
        .collect();
    for code in DiagnosticCode::ALL {
        let name = code.name();
        // `native.rs` has these.
        let is_native = name.starts_with("native-") || name.starts_with("viper-");
        let elsewhere = is_native || ELSEWHERE.contains(code);
        assert!(
            codes.contains(code) != elsewhere,
            "{code:?} is in both or none"
        );
    }
}
