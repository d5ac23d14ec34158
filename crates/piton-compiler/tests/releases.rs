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

use piton_compiler::{Optimisation, Options, Target, compile};
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
