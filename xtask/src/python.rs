//! The Python package: built as users get it, installed into a fresh environment, tested and checked there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use test_programs::pins::Environment;
use test_programs::{cache, locate};

use crate::processes::output_of;
#[cfg(unix)]
use crate::served_board::ServedBoard;
use crate::setup::python::{interpreter, new_environment};
use crate::workspace::root;
#[cfg(unix)]
use crate::workspace::{Profile, build_piton};

/// Builds the wheel, installs it into a fresh virtual environment, runs the package's tests and checks its types there.
///
/// # Errors
///
/// A tool of the set-up is missing; the wheel cannot be built or installed; a test or the type check fails.
pub(crate) fn check() -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("piton-python-").tempdir()?;
    let wheel = build_wheel(&folder.path().join("wheels"))?;
    let environment = folder.path().join("environment");
    new_environment(&environment)?;
    let python = interpreter(&environment);
    output_of(
        Command::new(&python)
            .args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
            .args(["install", "--no-index", "--no-deps"])
            .arg(&wheel),
    )
    .context("the wheel cannot be installed")?;
    show_tools(&python)?;
    let project = project();
    let mut tests = Command::new(&python);
    tests
        .env("PITON_VM", locate("vm")?)
        .args(["-m", "pytest", "--rootdir"])
        .arg(&project)
        .arg(project.join("tests"));
    with_board(&mut tests, |tests| {
        run(tests).context("a test of the Python package fails")
    })?;
    run(Command::new(locate("basedpyright")?)
        .arg("--pythonpath")
        .arg(&python)
        .arg("--project")
        .arg(&project))
    .context("the Python package does not pass the type check")
}

/// Runs the tests with a board that they can compare this package and `belay` on: a virtual one behind a pseudo-terminal.
#[cfg(unix)]
fn with_board(
    tests: &mut Command,
    run: impl FnOnce(&mut Command) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let piton = build_piton(Profile::Dev)?;
    let board = ServedBoard::start(&piton, [""; 0])?;
    let peers = cache::python_environment(&cache::cache_dir()?, Environment::Peers);
    tests
        .env("PITON_TEST_PROGRAM", &piton)
        .env("PITON_TEST_PORT", &board.port)
        .env("PITON_TEST_BELAY", interpreter(&peers));
    run(tests)?;
    board.finish().map(drop)
}

/// Without pseudo-terminals there is no such board.
#[cfg(not(unix))]
fn with_board(
    tests: &mut Command,
    run: impl FnOnce(&mut Command) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    tests.arg("--ignore-glob=*test_differential.py");
    run(tests)
}

/// Returns the folder of the package: its `pyproject.toml`, its Python files and its tests.
fn project() -> PathBuf {
    root().join("crates").join("piton-python")
}

/// Builds the wheel into a folder, with the options of a debug build: the release build takes minutes.
fn build_wheel(folder: &Path) -> anyhow::Result<PathBuf> {
    run(Command::new(locate("maturin")?)
        .current_dir(project())
        .args(["build", "--quiet", "--locked", "--profile", "dev", "--out"])
        .arg(folder))
    .context("the wheel cannot be built")?;
    let mut wheels = fs_err::read_dir(folder)?;
    let wheel = wheels.next().transpose()?.map(|entry| entry.path());
    let wheel = wheel.context("maturin wrote no wheel")?;
    ensure!(wheels.next().is_none(), "maturin wrote several wheels");
    Ok(wheel)
}

/// Lets an environment import the tools of the set-up, behind its own packages. Nothing is fetched for it.
fn show_tools(python: &Path) -> anyhow::Result<()> {
    let tools = cache::python_environment(&cache::cache_dir()?, Environment::Tools);
    let ask = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let folder_of = |python: &Path| -> anyhow::Result<PathBuf> {
        let answer = output_of(Command::new(python).args(["-c", ask]))?;
        Ok(PathBuf::from(answer.trim_end()))
    };
    let packages = folder_of(&interpreter(&tools))?;
    let text = format!("{}\n", packages.display());
    fs_err::write(folder_of(python)?.join("tools.pth"), text)?;
    Ok(())
}

/// Runs a program that shows its own output.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run `{}`", name.display()))?;
    ensure!(status.success(), "`{}` failed ({status})", name.display());
    Ok(())
}
