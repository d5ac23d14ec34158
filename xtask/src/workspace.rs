//! Where things are in the source tree, and building the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::metadata;

/// Returns the root folder of the source tree.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Returns the cargo that runs this task, started in the root folder.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// How `piton` is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// As users get it.
    Release,
}

/// Builds `piton`. Returns its path.
/// Errors: it can't be built; cargo has shown why.
pub(crate) fn build_piton(profile: Profile) -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build
        .args(["build", "--package", "piton-cli", "--bin", "piton"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    if profile == Profile::Release {
        build.arg("--release");
    }
    built(build, "piton")
}

/// Builds the small program `mpy-cross` as users get it, and returns its path.
/// Errors: it can't be built; cargo has shown why.
pub(crate) fn build_mpy_cross() -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build
        .args(["rustc", "--release", "--package", "piton-mpy-cross"])
        .args(["--bin", "mpy-cross"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        // The dynamic loader would take a third of the time from start to exit.
        build.args(["--", "-C", "target-feature=+crt-static"]);
    }
    built(build, "mpy-cross")
}

/// Returns the program that a run of cargo builds.
fn built(mut build: Command, name: &str) -> anyhow::Result<PathBuf> {
    let output = build.output().context("cannot run cargo")?;
    ensure!(output.status.success(), "`{name}` can't be built");
    let program = metadata::built_program(&String::from_utf8(output.stdout)?)?;
    program.with_context(|| format!("cargo did not say where it built `{name}`"))
}
