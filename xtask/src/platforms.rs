//! `cargo xtask platforms`: lints the code as it is on the systems that the tests do not run on.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::processes::output_of;
use crate::workspace::{cargo, root};

/// Windows and macOS.
const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// Lint the code as it is on Windows and macOS
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> anyhow::Result<()> {
    let missing = missing(&TARGETS)?;
    if !missing.is_empty() {
        let targets = missing.join(" ");
        bail!(
            "no standard library for {}\n\nhint: run `rustup target add {targets}`, or `cargo xtask setup`",
            missing.join(" and ")
        );
    }
    let mut clippy = cargo();
    clippy.args(["clippy", "--workspace", "--all-targets"]);
    // One run for all: what one crate waits for leaves the processors to the other system.
    for target in TARGETS {
        clippy.args(["--target", target]);
        let variable = target.replace('-', "_");
        // Lints need no object files of what is written in C: no compiler for the system is asked for.
        clippy.env(format!("CC_{variable}"), "true");
        clippy.env(format!("AR_{variable}"), "true");
    }
    let status = clippy.args(["--", "-D", "warnings"]).status()?;
    if !status.success() {
        bail!("clippy fails for {}", TARGETS.join(" or "));
    }
    println!("\nThe code is right for {}", TARGETS.join(" and "));
    Ok(())
}

/// Brings the standard libraries that [`run`] needs into the toolchain, where rustup manages it.
/// Errors: rustup can't bring them.
pub(crate) fn set_up() -> anyhow::Result<()> {
    let missing = missing(&TARGETS)?;
    if missing.is_empty() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(root());
    if output_of(rustup.arg("--version")).is_err() {
        // A toolchain of a distribution: its own packages bring the libraries, and the step `platforms` asks for them.
        println!(
            "  {:<9} no standard library for {}: there is no rustup",
            "notice",
            missing.join(", ")
        );
        return Ok(());
    }
    println!(
        "  {:<9} standard libraries: {}",
        "fetching",
        missing.join(", ")
    );
    let mut rustup = Command::new("rustup");
    rustup
        .current_dir(root())
        .args(["target", "add"])
        .args(&missing);
    output_of(&mut rustup).context("rustup can't bring the standard libraries of other systems")?;
    Ok(())
}

/// Returns those of some targets whose standard library the toolchain lacks.
pub(crate) fn missing(targets: &[&'static str]) -> anyhow::Result<Vec<&'static str>> {
    let mut missing = Vec::new();
    for &target in targets {
        let mut rustc = Command::new("rustc");
        // The file `rust-toolchain.toml` there decides which toolchain it is.
        rustc.current_dir(root());
        let folder = output_of(rustc.args(["--target", target, "--print", "target-libdir"]))?;
        if !Path::new(folder.trim()).is_dir() {
            missing.push(target);
        }
    }
    Ok(missing)
}
