//! `cargo demo`: the main job on the virtual board, with the commands that a user would type.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use test_programs::program;

use crate::setup;
use crate::workspace::{Profile, build_piton, root};

/// Show piton at work on the virtual board
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    setup::set_up(&[program("vm")?])?;
    println!("\nBuilding `piton`");
    let piton = Piton(build_piton(Profile::Dev)?);

    say("A real MicroPython, in this process: no board needed. What is it?");
    piton.run(["connect", "virtual", "info"])?;

    say("Run a script on it");
    piton.run(["connect", "virtual", "run", "examples/hello.py"])?;

    say("A program for hardware runs too: the virtual board's pins remember their values");
    piton.run(["connect", "virtual", "run", "examples/blink.py"])?;

    copy_there_and_back(&piton)?;
    println!("\nDone. With a board plugged in, leave `connect virtual` away");
    Ok(())
}

/// Copies a file to a board that keeps its files in a folder, and back.
fn copy_there_and_back(piton: &Piton) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("piton-demo-").tempdir()?;
    let board = folder.path().join("board");
    fs_err::create_dir(&board)?;
    let returned = folder.path().join("returned.py");
    let original = Path::new("examples/logger.py");

    say("Copy a file to the board and back");
    let mut selector = OsString::from("virtual:");
    selector.push(&board);
    piton.run([
        "connect".into(),
        selector,
        "fs".into(),
        "cp".into(),
        original.into(),
        ":logger.py".into(),
        "+".into(),
        "fs".into(),
        "cp".into(),
        ":logger.py".into(),
        OsString::from(&returned),
    ])?;
    ensure!(
        fs_err::read(root().join(original))? == fs_err::read(&returned)?,
        "`{}` is not what was copied to the board",
        returned.display()
    );
    println!("Both files are equal");
    Ok(())
}

fn say(text: &str) {
    println!("\n# {text}");
}

/// The program as built from this source tree.
struct Piton(PathBuf);

impl Piton {
    /// Runs the program in the root folder with the terminal as its own, showing the command first.
    fn run<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<()> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let shown: Vec<_> = arguments
            .iter()
            .map(|argument| argument.to_string_lossy())
            .collect();
        let line = format!("piton {}", shown.join(" "));
        println!("$ {line}");
        let status = Command::new(&self.0)
            .args(&arguments)
            .current_dir(root())
            .status()
            .with_context(|| format!("cannot run `{}`", self.0.display()))?;
        if !status.success() {
            bail!("`{line}` failed ({status})");
        }
        Ok(())
    }
}
