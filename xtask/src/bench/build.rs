//! `cargo xtask bench build`: `piton build` against a shell loop of the official compiler with a Python script that
//! writes the manifest and the archives.

use std::path::PathBuf;
use std::process::Command;

use anyhow::ensure;
use tempfile::TempDir;
use test_programs::program;

use super::compile::{accepted_sources, python_library};
use super::measure::{cost_of, finish, median, milliseconds};
use crate::setup;
use crate::workspace::{Profile, build_piton};

/// The number of sources, each an unchanged file of the Python library.
const FILES: usize = 1_000;

/// The longest that a build may take where nothing has changed, in milliseconds.
const WARM_LIMIT: f64 = 50.0;

/// What the peers' workflow runs. The longest sources need more heap than the compiler has by itself.
const LOOP: &str = "rm -rf build; find src -name '*.py' | while read -r file; do
    out=build/mpy/${file#src/}; out=${out%.py}.mpy
    mkdir -p \"${out%/*}\"
    \"$MPY_CROSS\" -X heapsize=64m \"$file\" -o \"$out\" || exit 1
done && python3 manifest.py";

/// Time `piton build` of 1,000 files against a shell loop of the official compiler
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often everything runs
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// A `piton` to measure, instead of building it
    #[arg(long, value_name = "PROGRAM")]
    piton: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    setup::set_up(&[program("mpy-cross")?])?;
    let piton = match &args.piton {
        Some(piton) => piton.canonicalize()?,
        None => build_piton(Profile::Release)?,
    };
    let project = Project::new(piton)?;
    let mut official = Vec::new();
    let mut ours = [Vec::new(), Vec::new(), Vec::new()];
    for run in 0..args.runs {
        official.push(cost_of(|| finish(&mut project.official()))?.wall);
        project.forget()?;
        let [cold, warm, changed] = &mut ours;
        cold.push(cost_of(|| finish(&mut project.ours()))?.wall);
        warm.push(cost_of(|| finish(&mut project.ours()))?.wall);
        project.change(run)?;
        changed.push(cost_of(|| finish(&mut project.ours()))?.wall);
    }
    let official = milliseconds(median(official));
    println!(
        "{FILES} files, {:.1} MB; the shell loop takes {official:.0} ms whatever has changed",
        project.bytes as f64 / 1e6
    );
    let names = ["cold", "nothing changed", "one file changed"];
    let [cold, warm, changed] = ours.map(|times| milliseconds(median(times)));
    for (name, time) in names.into_iter().zip([cold, warm, changed]) {
        println!("{name:<18} {time:>9.1} ms {:>8.1}x", official / time);
    }
    let verdict = if warm <= WARM_LIMIT {
        "within"
    } else {
        "above"
    };
    println!("nothing changed is {verdict} the limit of {WARM_LIMIT} ms");
    Ok(())
}

/// A folder with the sources.
struct Project {
    folder: TempDir,
    piton: PathBuf,
    /// Of all sources.
    bytes: usize,
}

impl Project {
    fn new(piton: PathBuf) -> anyhow::Result<Project> {
        let folder = tempfile::Builder::new().prefix("piton-bench-").tempdir()?;
        let sources = accepted_sources(&python_library()?)?;
        ensure!(
            sources.len() >= FILES,
            "Python's library has only {} sources that MicroPython takes",
            sources.len()
        );
        let mut bytes = 0;
        for (number, source) in sources.iter().take(FILES).enumerate() {
            // Folders of 50, as packages have them.
            let package = folder.path().join(format!("src/package{}", number / 50));
            fs_err::create_dir_all(&package)?;
            fs_err::write(package.join(format!("module{number}.py")), &source.text)?;
            bytes += source.text.len();
        }
        fs_err::write(
            folder.path().join("manifest.py"),
            include_str!("manifest.py"),
        )?;
        Ok(Project {
            folder,
            piton,
            bytes,
        })
    }

    fn official(&self) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", LOOP]).current_dir(self.folder.path());
        command.env("MPY_CROSS", test_programs::mpy_cross_path());
        command
    }

    fn ours(&self) -> Command {
        let mut command = Command::new(&self.piton);
        command.args(["build", "--strict"]);
        command.current_dir(self.folder.path());
        command.env("PITON_CACHE_DIR", self.folder.path().join("cache"));
        for name in ["GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
            command.env_remove(name);
        }
        command
    }

    /// Removes the result of the build, and what is kept for the next one.
    fn forget(&self) -> anyhow::Result<()> {
        for name in ["build", "cache"] {
            let path = self.folder.path().join(name);
            if path.exists() {
                fs_err::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    fn change(&self, run: u32) -> anyhow::Result<()> {
        let path = self.folder.path().join("src/package0/module0.py");
        Ok(fs_err::write(path, format!("changed = {run}\n"))?)
    }
}
