//! Comparisons with the official compilers of older releases: the same bytes, or the same words of rejection.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read their cases and call the other compilers"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't call the other compiler fails"
)]

use std::path::Path;
use std::process::Stdio;

use piton_compiler::{
    Emitter, Optimisation, Options, Target, compile, makes_machine_code, processor_flags,
};
use piton_mpy::header::Arch;

/// What a compiler made of a source: a module, or words of rejection.
type Outcome = Result<Vec<u8>, String>;

/// The releases to compare with.
fn targets() -> impl Iterator<Item = (&'static str, Target)> {
    let target = |release| Target::from_name(&format!("micropython-{release}")).unwrap();
    test_programs::ARCHIVED_MPY_CROSS
        .iter()
        .map(move |&release| (release, target(release)))
}

/// The official compiler's outcome; none if it crashed.
fn official(release: &str, path: &Path, arguments: &[&str]) -> Option<Outcome> {
    // The older ones write to no stdout.
    let output = path.with_extension("mpy");
    let run = test_programs::archived_mpy_cross(release)
        .args(arguments)
        .args(["-X", "heapsize=16m", "-o"])
        .arg(&output)
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    match run.status.code()? {
        0 => Some(Ok(std::fs::read(output).unwrap())),
        _ => Some(Err(String::from_utf8_lossy(&run.stderr).into_owned())),
    }
}

fn ours(source: &[u8], options: &Options) -> Outcome {
    match compile(source, options) {
        Ok(module) => Ok(piton_mpy::writer::write(&module).unwrap()),
        Err(diagnostic) => Err(String::from_utf8_lossy(&diagnostic.traceback()).into_owned()),
    }
}

/// Compares a source under all releases and two levels.
#[track_caller]
fn check(folder: &Path, source: &[u8]) {
    let path = folder.join("source.py");
    std::fs::write(&path, source).unwrap();
    for (release, target) in targets() {
        for (argument, optimisation) in
            [("-O0", Optimisation::None), ("-O3", Optimisation::NoLines)]
        {
            let options = Options {
                target,
                optimisation,
                // Without `-march` the older ones make machine code for the host.
                arch: (target < Target::MicroPython1_20).then_some(Arch::X64),
                ..Options::new(path.to_str().unwrap())
            };
            let ours = ours(source, &options);
            if ours
                .as_ref()
                .is_err_and(|words| words.contains("not supported"))
            {
                continue;
            }
            if let Some(official) = official(release, &path, &[argument]) {
                let text = String::from_utf8_lossy(source);
                assert_eq!(ours, official, "{release} {argument}, source:\n{text}");
            }
        }
    }
}

/// The sources that the newest compiler is compared with.
fn cases() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn every_case_comes_out_as_in_its_release() {
    let folder = tempfile::tempdir().unwrap();
    for source in cases() {
        check(folder.path(), &source);
    }
}

/// The cases whole are refused by the releases that lack something in them, so they are compared in pieces, too.
#[test]
fn every_statement_comes_out_as_in_its_release() {
    let folder = tempfile::tempdir().unwrap();
    for source in cases() {
        let text = String::from_utf8(source).unwrap();
        // A piece begins with each line that is not indented.
        let mut pieces: Vec<String> = Vec::new();
        for line in text.lines() {
            let continues = line.starts_with([' ', ')', ']', '}']) || line.is_empty();
            let is_part = ["else", "elif", "except", "finally"]
                .iter()
                .any(|word| line.starts_with(word));
            match pieces.last_mut() {
                Some(piece) if continues || is_part || piece.starts_with('@') => {
                    *piece += line;
                    *piece += "\n";
                }
                _ => pieces.push(format!("{line}\n")),
            }
        }
        for chunk in pieces.chunks(6) {
            check(folder.path(), chunk.concat().as_bytes());
        }
    }
}

#[test]
fn errors_have_the_words_of_their_release() {
    let folder = tempfile::tempdir().unwrap();
    for source in include_str!("cases/errors.txt").split("----\n").step_by(3) {
        check(folder.path(), source.as_bytes());
    }
}

#[test]
fn what_changed_between_releases_is_as_in_each() {
    let folder = tempfile::tempdir().unwrap();
    for source in include_str!("cases/releases.txt").split("----\n") {
        check(folder.path(), source.as_bytes());
    }
}

/// The processors that all releases know, and one that is new in 1.19.
const ARCHS: [Arch; 7] = [
    Arch::X86,
    Arch::X64,
    Arch::ArmV6,
    Arch::ArmV6M,
    Arch::ArmV7M,
    Arch::Xtensa,
    Arch::XtensaWin,
];

/// Compares machine code of a release. Where the official compiler stops with an assertion, there must be an error.
#[track_caller]
fn check_native(folder: &Path, source: &str, release: &str, arch: Arch, emitter: Emitter) {
    let path = folder.join("source.py");
    std::fs::write(&path, source).unwrap();
    let target = Target::from_name(&format!("micropython-{release}")).unwrap();
    if !makes_machine_code(target, arch) {
        return;
    }
    let march = format!("-march={}", arch.name());
    let arguments: &[&str] = match emitter {
        Emitter::Native => &[&march, "-X", "emit=native"],
        Emitter::Viper => &[&march, "-X", "emit=viper"],
        _ => &[&march],
    };
    let options = Options {
        target,
        arch: Some(arch),
        default_emitter: emitter,
        ..Options::new(path.to_str().unwrap())
    };
    let ours = ours(source.as_bytes(), &options);
    match official(release, &path, arguments) {
        Some(official) => assert_eq!(ours, official, "{release} {arguments:?}, source:\n{source}"),
        None => assert!(
            ours.is_err(),
            "{release} {arguments:?}: accepted:\n{source}"
        ),
    }
}

/// The releases whose machine code is compared with that of their compilers.
fn native_releases() -> impl Iterator<Item = &'static str> {
    let releases = targets().filter(|&(_, target)| makes_machine_code(target, Arch::X64));
    releases.map(|(release, _)| release)
}

/// Functions of each kind, with decorators, and pointers, jumps and frames at the sizes where other instructions begin.
#[test]
fn machine_code_comes_out_as_in_its_release() {
    let folder = tempfile::tempdir().unwrap();
    let cases = include_str!("cases/native_releases.txt").split("----\n");
    let cases = cases.map(str::to_owned).chain(sizes());
    for source in cases {
        for release in native_releases() {
            for arch in ARCHS {
                check_native(folder.path(), &source, release, arch, Emitter::Bytecode);
            }
        }
    }
}

/// Limits that later releases do not have.
#[test]
fn what_is_too_large_for_a_release_has_its_words() {
    let (folder, sources) = (tempfile::tempdir().unwrap(), sizes().collect::<Vec<_>>());
    let names: Vec<String> = (0..300).map(|index| format!("v{index}")).collect();
    let generator = format!(
        "@micropython.native\ndef f():\n    {} = yield\n",
        names.join(" = ")
    );
    for (source, arch, words) in [
        (
            sources.last().unwrap(),
            Arch::ArmV6M,
            "native method too big",
        ),
        (&generator, Arch::Xtensa, "asm overflow"),
    ] {
        // 1.12 has neither the processor nor the limit.
        for release in native_releases().filter(|&release| release != "1.12") {
            check_native(folder.path(), source, release, arch, Emitter::Bytecode);
            let options = Options {
                target: Target::from_name(&format!("micropython-{release}")).unwrap(),
                arch: Some(arch),
                ..Options::new("source.py")
            };
            assert_eq!(
                compile(source.as_bytes(), &options).unwrap_err().message,
                words
            );
        }
    }
}

fn sizes() -> impl Iterator<Item = String> {
    [31, 300].into_iter().map(|count| {
        let body = "        f(a)\n".repeat(count);
        let names: Vec<String> = (0..count).map(|index| format!("v{index}")).collect();
        let names = names.join(", ");
        format!(
            "@micropython.native\ndef g(a):\n    while a:\n{body}    try:\n{body}    except:\n{body}\
             @micropython.native\ndef h({names}):\n    return ({names},)\n"
        )
    })
}

/// Each construct and each error for a processor of every other release.
#[test]
fn every_construct_comes_out_as_native_code_of_its_release() {
    let folder = tempfile::tempdir().unwrap();
    let mut archs = ARCHS.into_iter().cycle();
    for text in [
        include_str!("constructs/asynchronous.txt"),
        include_str!("constructs/classes.txt"),
        include_str!("constructs/comprehensions.txt"),
        include_str!("constructs/control.txt"),
        include_str!("constructs/exceptions.txt"),
        include_str!("constructs/functions.txt"),
        include_str!("constructs/scopes.txt"),
        include_str!("cases/native_errors.txt"),
    ] {
        for (index, source) in text.split("----\n").enumerate() {
            for release in native_releases().skip(index % 2).step_by(2) {
                let arch = archs.next().unwrap();
                check_native(folder.path(), source, release, arch, Emitter::Native);
            }
        }
    }
}

/// The releases whose compilers are not among the archived ones. What Piton made for them was compared with builds of their
/// sources by hand; a change of it shows here.
const BUILT: [&str; 13] = [
    "1.13", "1.14", "1.15", "1.16", "1.17", "1.18", "1.21", "1.24", "1.25", "1.26", "1.27", "1.28",
    "1.29",
];

/// A hash of modules in their order (FNV-1a).
fn hash(modules: &[Outcome]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for module in modules {
        let bytes = module.as_ref().map_or_else(String::as_bytes, Vec::as_slice);
        for &byte in bytes.iter().chain(b"\n") {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    hash
}

#[test]
fn machine_code_for_releases_without_an_archived_compiler_stays_the_same() {
    let cases: Vec<&str> = include_str!("cases/native_releases.txt")
        .split("----\n")
        .collect();
    let mut text = String::new();
    for release in BUILT {
        let target = Target::from_name(&format!("micropython-{release}")).unwrap();
        for arch in ARCHS.into_iter().chain([Arch::Rv32Imc]) {
            if !makes_machine_code(target, arch) {
                continue;
            }
            let modules: Vec<Outcome> = cases
                .iter()
                .map(|source| {
                    let options = Options {
                        target,
                        arch: Some(arch),
                        ..Options::new("source.py")
                    };
                    ours(source.as_bytes(), &options)
                })
                .collect();
            text += &format!("{release} {} {:016x}\n", arch.name(), hash(&modules));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn each_release_has_its_own_flags_of_processors() {
    for (release, flags) in [
        ("1.26", &[][..]),
        ("1.27", &[(1, "zba")]),
        ("1.28", &[(1, "zba"), (2, "zcmp")]),
    ] {
        let target = Target::from_name(&format!("micropython-{release}")).unwrap();
        assert_eq!(processor_flags(target, Arch::Rv32Imc), flags, "{release}");
        assert_eq!(processor_flags(target, Arch::X64), []);
    }
}
