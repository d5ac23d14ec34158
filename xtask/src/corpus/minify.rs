//! `cargo xtask corpus --minify`: minified sources against their originals, as CPython parses both.

use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use piton_compiler::{Options, compile};
use piton_syntax::{MinifyOptions, minify};
use tempfile::TempDir;

/// Compares trees and times Belay; what it reads and prints is said there.
const CHECK: &str = include_str!("minify_check.py");

/// The fastest of so many runs counts.
const RUNS: usize = 3;

/// Minifies all files, and prints what CPython and the compiler make of the results.
/// Errors: a result means something else than its source.
pub(super) fn run(files: &[PathBuf], limit_differences: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut minified = Minified::default();
    let mut pairs = String::new();
    for (number, path) in files.iter().enumerate() {
        let name = path.to_str().context("file names must be UTF-8 here")?;
        ensure!(
            !name.contains(['\t', '\n']),
            "cannot pass the name `{name:?}`"
        );
        let copy = folder.path().join(format!("{number}.py"));
        let written = minified.add(&fs_err::read(path)?, &copy)?;
        let copy = if written { copy } else { PathBuf::new() };
        pairs += &format!("{name}\t{}\n", copy.display());
    }
    let listing = python(&folder, &pairs, &[])?;
    let outcomes: Vec<&str> = listing.lines().collect();
    ensure!(outcomes.len() == files.len(), "the check ended too early");

    let count = |wanted: &str| outcomes.iter().filter(|&&it| it == wanted).count();
    let (same, other) = (count("same"), count("not Python"));
    let different = outcomes.len() - same - other;
    println!(
        "CPython parses {}, the rest ({other}) aside",
        same + different
    );
    println!("same tree and lines          {same:>8}");
    println!("different                    {different:>8}");
    println!("same code from our compiler  {:>8}", minified.same_code);
    println!("other code                   {:>8}", minified.other_code);
    let what = outcomes.iter().zip(files);
    for (outcome, path) in what
        .filter(|(outcome, _)| !matches!(**outcome, "same" | "not Python"))
        .take(limit_differences)
    {
        println!("{}: {outcome}", path.display());
    }
    minified.print();
    belay(&folder, files)?;
    match different + minified.other_code {
        0 => Ok(()),
        count => bail!("{count} results mean something else"),
    }
}

/// What the minifier did.
#[derive(Default)]
struct Minified {
    size: usize,
    result_size: usize,
    time: Duration,
    /// Sources that our compiler accepts, by what it makes of the result.
    same_code: usize,
    other_code: usize,
}

impl Minified {
    /// Writes the result for a source; whether there is one.
    fn add(&mut self, source: &[u8], copy: &Path) -> anyhow::Result<bool> {
        let options = MinifyOptions::default();
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            let start = Instant::now();
            let result = minify(source, &options);
            best = best.min(start.elapsed());
            drop(result);
        }
        let Ok(result) = minify(source, &options) else {
            return Ok(false);
        };
        self.time += best;
        self.size += source.len();
        self.result_size += result.len();
        fs_err::write(copy, &result)?;
        // A docstring has an entry in the line table. CPython's tree has the lines.
        let options = Options {
            source_lines: false,
            ..Options::new("source.py")
        };
        if let Ok(module) = compile(source, &options) {
            let same = compile(&result, &options).is_ok_and(|other| other == module);
            self.same_code += usize::from(same);
            self.other_code += usize::from(!same);
        }
        Ok(true)
    }

    fn print(&self) {
        print_speed("piton", self.size, self.result_size, self.time);
    }
}

fn print_speed(who: &str, size: usize, result_size: usize, time: Duration) {
    println!(
        "{who}: {:.2} MB to {:.2} MB, {:.1} MB/s",
        size as f64 / 1e6,
        result_size as f64 / 1e6,
        size as f64 / 1e6 / time.as_secs_f64()
    );
}

/// Returns the same with Belay's minifier.
fn belay(folder: &TempDir, files: &[PathBuf]) -> anyhow::Result<()> {
    let paths: String = files
        .iter()
        .map(|path| format!("{}\n", path.display()))
        .collect();
    let numbers = python(folder, &paths, &["belay"])?;
    let numbers: Vec<f64> = numbers
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [files, size, result_size, seconds, failed, same] = numbers[..] else {
        bail!("the check did not say six numbers");
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of bytes"
    )]
    print_speed(
        "belay",
        size as usize,
        result_size as usize,
        Duration::from_secs_f64(seconds),
    );
    println!("belay: same tree and lines for {same} of {files} files, {failed} failed");
    Ok(())
}

/// Runs the check in the environment that has Belay.
fn python(folder: &TempDir, input: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let script = folder.path().join("check");
    fs_err::write(&script, CHECK)?;
    let mut stdin: File = tempfile::tempfile()?;
    std::io::Write::write_all(&mut stdin, input.as_bytes())?;
    stdin.rewind()?;
    let mut command: Command = test_programs::belay_python();
    let output = command
        .arg(script)
        .args(arguments)
        .stdin(stdin)
        .output()
        .context("cannot run Python")?;
    ensure!(
        output.status.success(),
        "the check failed\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_reports_differences() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs_err::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let source = at("a.py", "def f():\n    'doc'\n\nx = (1,\n 2)\n");
        let mut pairs = String::new();
        for copy in [
            "def f():\n 0\n\nx=(1,\n2)\n",
            "def f():\n 0\n\nx=(1,2)\n",
            "def f():\n 1\n\nx=(1,\n2)\n",
            "def f():\n\nx=(1,\n2)\n",
        ] {
            let name = format!("{}.py", pairs.len());
            pairs += &format!("{source}\t{}\n", at(&name, copy));
        }
        pairs += &format!("{source}\t\n{}\t\n", at("b.py", "x = = 1\n"));
        let listing = python(&folder, &pairs, &[]).unwrap();
        let begins: Vec<&str> = listing
            .lines()
            .map(|line| line.split([' ', '\'']).next().unwrap())
            .collect();
        assert_eq!(
            begins,
            ["same", "differs", "differs", "does", "refused", "not"]
        );
    }
}
