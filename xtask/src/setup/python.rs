//! The peers and the emulator, in Python virtual environments made by `python3` and pip.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use test_programs::cache;
use test_programs::pins::Environment;

use crate::processes::output_of;

/// The oldest Python that the requirements were resolved for.
const OLDEST: (u32, u32) = (3, 10);

/// Returns whether the environment's interpreter is there: it is a link to the Python that made it, which may
/// have been removed since.
pub(crate) fn works(cache_dir: &Path, environment: Environment) -> bool {
    let folder = cache::python_environment(cache_dir, environment);
    cache::is_stamped(&folder, &cache::python_stamp(environment)) && interpreter(&folder).exists()
}

/// Makes an environment. Its scripts name its own folder, so it is made in place, and counts only once
/// it has its stamp.
pub(crate) fn make_environment(cache_dir: &Path, environment: Environment) -> anyhow::Result<()> {
    let folder = cache::python_environment(cache_dir, environment);
    if folder.exists() {
        fs_err::remove_dir_all(&folder)?;
    }
    new_environment(&folder)?;
    let mut pip = pip(&folder);
    let requirements = folder.join("requirements.txt");
    fs_err::write(&requirements, environment.requirements())?;
    pip.args(["install", "--require-hashes", "--no-deps"])
        .arg("--requirement")
        .arg(&requirements);
    output_of(&mut pip).context("the Python tools are fetched by pip")?;
    fs_err::write(folder.join(cache::STAMP), cache::python_stamp(environment))?;
    Ok(())
}

/// Makes an environment with nothing but pip in it.
pub(crate) fn new_environment(folder: &Path) -> anyhow::Result<()> {
    let python = system_python()?;
    output_of(Command::new(python).args(["-m", "venv"]).arg(folder))
        .context("cannot make a virtual environment (Debian and Ubuntu: package `python3-venv`)")?;
    Ok(())
}

/// Returns the pip of an environment, without a command yet.
pub(super) fn pip(environment: &Path) -> Command {
    let mut pip = Command::new(interpreter(environment));
    pip.args(["-m", "pip", "--quiet"])
        .args(["--disable-pip-version-check", "--no-input"])
        // The default would wait long for a network that isn't there.
        .args(["--retries", "1"])
        // Wheels only: nothing that was fetched runs during the set-up.
        .env("PIP_ONLY_BINARY", ":all:");
    pip
}

/// Name of an installed Python that is recent enough.
fn system_python() -> anyhow::Result<&'static str> {
    let name = if cfg!(windows) { "python" } else { "python3" };
    let program = "import sys; print('%d.%d' % sys.version_info[:2])";
    let version = output_of(Command::new(name).args(["-c", program]))
        .context("the Python tools need Python 3.10 or newer with pip")?;
    let mut numbers = version.trim().split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST => Ok(name),
        _ => bail!(
            "`{name}` is Python {}, needed is 3.10 or newer",
            version.trim()
        ),
    }
}

pub(crate) fn interpreter(environment: &Path) -> std::path::PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join("python.exe")
    } else {
        environment.join("bin").join("python3")
    }
}
