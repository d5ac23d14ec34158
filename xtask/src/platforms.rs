//! `cargo xtask platforms`: that the code compiles for the systems that the tests do not run on.

use anyhow::bail;

use crate::processes::output_of;
use crate::workspace::cargo;

/// Windows and macOS.
const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// Lint the code as it is on Windows and macOS
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> anyhow::Result<()> {
    for target in TARGETS {
        find(target)?;
        println!("\n==> {target}");
        let variable = target.replace('-', "_");
        let status = cargo()
            .args(["clippy", "--workspace", "--all-targets"])
            .args(["--target", target, "--", "-D", "warnings"])
            // Lints need no object files of what is written in C: no compiler for the system is asked for.
            .env(format!("CC_{variable}"), "true")
            .env(format!("AR_{variable}"), "true")
            .status()?;
        if !status.success() {
            bail!("the code is not right for {target}");
        }
    }
    println!("\nThe code is right for {}", TARGETS.join(" and "));
    Ok(())
}

/// Looks for the target's standard library.
fn find(target: &str) -> anyhow::Result<()> {
    let mut rustc = std::process::Command::new("rustc");
    let libraries = output_of(rustc.args(["--target", target, "--print", "target-libdir"]))?;
    if !std::path::Path::new(libraries.trim()).is_dir() {
        bail!("no standard library for {target}\n\nhint: run `rustup target add {target}`");
    }
    Ok(())
}
