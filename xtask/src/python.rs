//! The Python package: built as users get it, installed into a fresh environment, tested and checked there.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use test_programs::pins::Environment;
use test_programs::{cache, locate};

use crate::processes::output_of;
use crate::setup::python::{interpreter, new_environment};
use crate::workspace::{Profile, root};

mod surroundings;

use surroundings::Part;

/// Builds the wheel, installs it into a fresh virtual environment, runs the package's tests and checks its types there.
///
/// # Errors
///
/// A tool of the set-up is missing; the wheel cannot be built or installed; a test or the type check fails.
pub(crate) fn check() -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("piton-python-").tempdir()?;
    let wheel = build_wheel(&folder.path().join("wheels"), Profile::Dev)?;
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
    let run_tests = |part: &Part<'_>| {
        let file = folder.path().join(part.name).with_extension("json");
        fs_err::write(&file, serde_json::to_vec(part.surroundings)?)?;
        let mut tests = Command::new(&python);
        tests
            .env("PITON_VM", locate("vm")?)
            .env("PITON_TEST_SURROUNDINGS", &file)
            // An emulated board on a busy computer is slow.
            .env("PITON_TIMEOUT", "5")
            // A person's own settings and boards are nothing to the tests.
            .env("PITON_CONFIG", "")
            .env_remove("BELAY_DEVICE")
            .args(["-m", "pytest", "-m", part.marks, "--rootdir"])
            .arg(project())
            .arg(project().join("tests"));
        // The parts run at the same time: each shows its output as a whole.
        let output = tests.output().context("cannot run pytest")?;
        io::stdout().lock().write_all(&output.stdout)?;
        io::stderr().lock().write_all(&output.stderr)?;
        ensure!(
            output.status.success(),
            "a test of the Python package fails"
        );
        Ok(())
    };
    surroundings::with_each(folder.path(), run_tests)?;
    check_types(&environment)
}

/// Installs the package into a folder, for a Python that has the folder in `PYTHONPATH`. Returns the folder.
/// Errors: as for [`check`].
#[cfg(unix)]
pub(crate) fn install_to(folder: &Path, profile: Profile) -> anyhow::Result<PathBuf> {
    let wheel = build_wheel(&folder.with_extension("wheels"), profile)?;
    output_of(
        Command::new(interpreter(&cache::python_environment(
            &cache::cache_dir()?,
            Environment::Peers,
        )))
        .args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
        .args(["install", "--no-index", "--no-deps", "--target"])
        .arg(folder)
        .arg(&wheel),
    )
    .context("the wheel cannot be installed")?;
    Ok(folder.to_owned())
}

/// Checks the types of the package, its examples and a script that uses it, and that all public types are known.
fn check_types(environment: &Path) -> anyhow::Result<()> {
    let checker = locate("basedpyright")?;
    run(Command::new(&checker)
        .arg("--pythonpath")
        .arg(interpreter(environment))
        .arg("--project")
        .arg(project()))
    .context("the Python package does not pass the type check")?;
    // It looks for the package in the Python that it finds first, and only from outside of the project.
    let interpreters = interpreter(environment);
    let mut folders: Vec<PathBuf> = interpreters
        .parent()
        .map(Path::to_owned)
        .into_iter()
        .collect();
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    let report = output_of(
        Command::new(&checker)
            .current_dir(environment)
            .env("PATH", env::join_paths(folders)?)
            .args(["--verifytypes", "piton", "--ignoreexternal"]),
    )
    .context("types of the package's public names are not known")?;
    ensure!(
        report.contains("Type completeness score: 100%"),
        "types of the package's public names are not known:\n{report}"
    );
    Ok(())
}

/// Returns the folder of the package: its `pyproject.toml`, its Python files and its tests.
fn project() -> PathBuf {
    root().join("crates").join("piton-python")
}

/// Builds the wheel into a folder.
fn build_wheel(folder: &Path, profile: Profile) -> anyhow::Result<PathBuf> {
    let profile = match profile {
        // The release build takes minutes.
        Profile::Dev => "dev",
        Profile::Release => "release",
    };
    run(Command::new(locate("maturin")?)
        .current_dir(project())
        .args([
            "build",
            "--quiet",
            "--locked",
            "--profile",
            profile,
            "--out",
        ])
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
