//! `cargo xtask bench compile`: the compiler against the official one, in processor time.
//!
//! Sources are those of the Python library on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use piton_compiler::Options;
use tempfile::TempDir;
use test_programs::program;

use super::measure::{Cost, cost_of, finish, median, milliseconds, peak_memory};
use crate::processes::output_of;
use crate::setup;
use crate::workspace::{Profile, build_mpy_cross, build_piton};

/// A start takes less than a millisecond: so many of them are one measurement.
const STARTS: u32 = 25;

/// Ordinary long files of the Python library, 100 to 230 kB.
const LONG_FILES: [&str; 3] = ["argparse.py", "turtle.py", "_pydecimal.py"];

/// The tree: so many files, none longer than what boards are given.
const TREE_FILES: usize = 1_200;
const TREE_FILE_BYTES: usize = 40_000;

/// Sizes of the concatenated files, in bytes.
const CONCATENATED: [usize; 5] = [100_000, 1_000_000, 3_000_000, 6_000_000, 11_600_000];

/// Time the compiler and measure its memory, against the official compiler
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each command runs
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..))]
    runs: u32,

    /// A `piton` to measure, instead of building it
    #[arg(long, value_name = "PROGRAM")]
    piton: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    setup::set_up(&[program("mpy-cross")?])?;
    let piton = match &args.piton {
        Some(piton) => piton.clone(),
        None => build_piton(Profile::Release)?,
    };
    let bench = Bench {
        piton,
        mpy_cross: build_mpy_cross()?,
        official: test_programs::mpy_cross_path(),
        runs: args.runs,
        folder: tempfile::Builder::new().prefix("piton-bench-").tempdir()?,
    };
    let library = python_library()?;
    println!(
        "{:<34} {:>12} {:>12} {:>8}",
        "processor time, medians", "piton", "mpy-cross", "ratio"
    );
    bench.one_line()?;
    for name in LONG_FILES {
        bench.long_file(&library.join(name))?;
    }
    let sources = accepted_sources(&library)?;
    bench.tree(&sources)?;
    bench.concatenated(&sources)
}

struct Bench {
    piton: PathBuf,
    /// The small program.
    mpy_cross: PathBuf,
    official: PathBuf,
    runs: u32,
    folder: TempDir,
}

impl Bench {
    fn one_line(&self) -> anyhow::Result<()> {
        let source = self.folder.path().join("line.py");
        fs_err::write(&source, "print('hello')\n")?;
        // The small program, then the large one under the same face.
        for (name, small) in [("mpy-cross", true), ("piton mpy-cross", false)] {
            let start = || {
                if small {
                    self.with_arguments(Command::new(&self.mpy_cross), &source)
                } else {
                    self.ours(&source)
                }
            };
            let (ours, official) = self.in_turn(
                || repeat(STARTS, || finish(&mut start())),
                || repeat(STARTS, || finish(&mut self.official(&source))),
            )?;
            let what = format!("{STARTS} times one line, `{name}`");
            print_times(&what, ours.processor, official.processor);
            print_times("  the same, time on the clock", ours.wall, official.wall);
        }
        Ok(())
    }

    fn long_file(&self, source: &Path) -> anyhow::Result<()> {
        let bytes = fs_err::metadata(source)?.len();
        let (ours, official) = self.in_turn(
            || finish(&mut self.ours(source)),
            || finish(&mut self.official(source)),
        )?;
        let name = source.file_name().unwrap_or_default().display();
        let what = format!("{name}, {} kB", bytes / 1000);
        print_times(&what, ours.processor, official.processor);
        Ok(())
    }

    /// Returns the commands: one process of ours for the whole tree, one of the official compiler for each file.
    fn tree(&self, sources: &[Source]) -> anyhow::Result<()> {
        let tree = self.folder.path().join("tree");
        let mut files = Vec::new();
        let short = sources
            .iter()
            .filter(|source| source.text.len() <= TREE_FILE_BYTES);
        for (number, source) in short.take(TREE_FILES).enumerate() {
            // Folders of 50, as packages have them.
            let folder = tree.join(format!("package{}", number / 50));
            fs_err::create_dir_all(&folder)?;
            let file = folder.join(format!("module{number}.py"));
            fs_err::write(&file, &source.text)?;
            files.push(file);
        }
        let compiled = self.folder.path().join("compiled");
        let (ours, official) = self.in_turn(
            || {
                let mut compile = Command::new(&self.piton);
                compile
                    .args(["compile", "-j", "2", "--out-dir"])
                    .arg(&compiled)
                    .arg(&tree);
                finish(&mut compile)
            },
            || {
                files
                    .iter()
                    .try_for_each(|file| finish(&mut self.official(file)))
            },
        )?;
        let what = format!("tree of {} files, -j 2", files.len());
        print_times(&what, ours.processor, official.processor);
        print_times("  the same, time on the clock", ours.wall, official.wall);
        Ok(())
    }

    /// Only ours: the official compiler takes more than a minute for the longest.
    fn concatenated(&self, sources: &[Source]) -> anyhow::Result<()> {
        println!(
            "\n{:<34} {:>12} {:>12} {:>8}",
            "one concatenated file, piton only", "time", "MB/s", "memory"
        );
        for limit in CONCATENATED {
            let file = self.folder.path().join("concatenated.py");
            let text = concatenation(sources, limit)?;
            fs_err::write(&file, &text)?;
            let times: anyhow::Result<Vec<_>> = (0..self.runs)
                .map(|_| Ok(cost_of(|| finish(&mut self.ours(&file)))?.processor))
                .collect();
            let time = median(times?);
            let memory = peak_memory(&self.ours(&file))?;
            println!(
                "{:<34} {:>9.1} ms {:>12.1} {:>7.1}x",
                format!("{:.2} MB", megabytes(text.len())),
                milliseconds(time),
                megabytes(text.len()) / time.as_secs_f64(),
                memory as f64 / text.len() as f64
            );
        }
        Ok(())
    }

    /// Measures two commands in turn, and returns their medians.
    fn in_turn(
        &self,
        mut ours: impl FnMut() -> anyhow::Result<()>,
        mut official: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<(Cost, Cost)> {
        let mut costs = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            costs.0.push(cost_of(&mut ours)?);
            costs.1.push(cost_of(&mut official)?);
        }
        Ok((median_cost(&costs.0), median_cost(&costs.1)))
    }

    fn ours(&self, source: &Path) -> Command {
        let mut command = Command::new(&self.piton);
        command.arg("mpy-cross");
        self.with_arguments(command, source)
    }

    fn official(&self, source: &Path) -> Command {
        self.with_arguments(Command::new(&self.official), source)
    }

    fn with_arguments(&self, mut command: Command, source: &Path) -> Command {
        command
            // Ours has no heap limit, and takes the option for the sake of scripts.
            .args(["-X", "heapsize=64m", "-o"])
            .arg(self.folder.path().join("out.mpy"))
            .arg(source);
        command
    }
}

fn repeat(times: u32, mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
    (0..times).try_for_each(|_| run())
}

fn median_cost(costs: &[Cost]) -> Cost {
    Cost {
        processor: median(costs.iter().map(|cost| cost.processor).collect()),
        wall: median(costs.iter().map(|cost| cost.wall).collect()),
    }
}

fn print_times(what: &str, ours: std::time::Duration, official: std::time::Duration) {
    println!(
        "{what:<34} {:>9.1} ms {:>9.1} ms {:>7.1}x",
        milliseconds(ours),
        milliseconds(official),
        official.as_secs_f64() / ours.as_secs_f64()
    );
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Returns the folder of the standard library of this computer's Python.
pub(super) fn python_library() -> anyhow::Result<PathBuf> {
    let mut python = Command::new("python3");
    python.args([
        "-c",
        "import sysconfig; print(sysconfig.get_path('stdlib'))",
    ]);
    let library = output_of(&mut python).context("the sources to compile are Python's library")?;
    Ok(PathBuf::from(library.trim_end()))
}

/// A source that compiles.
pub(super) struct Source {
    pub(super) text: Vec<u8>,
}

/// Returns the sources of the library that MicroPython compiles, ordered by path.
pub(super) fn accepted_sources(library: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in crate::corpus::python_files(&[library.to_path_buf()])? {
        if path.iter().any(|part| part == "site-packages") {
            continue;
        }
        let mut text = fs_err::read(&path)?;
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        if piton_compiler::compile(&text, &Options::new("source.py")).is_ok() {
            sources.push(Source { text });
        }
    }
    Ok(sources)
}

/// Sources one after the other, again from the first if need be, not longer than the limit by much.
fn concatenation(sources: &[Source], limit: usize) -> anyhow::Result<Vec<u8>> {
    ensure!(!sources.is_empty(), "Python's library has no sources here");
    let mut text = Vec::new();
    for source in sources.iter().cycle() {
        // A byte order mark is one only at the start.
        if text.len() + source.text.len() <= limit && !source.text.starts_with(b"\xef\xbb\xbf") {
            text.extend_from_slice(&source.text);
        } else if text.len() + TREE_FILE_BYTES > limit {
            break;
        }
    }
    Ok(text)
}
