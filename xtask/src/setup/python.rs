//! The peers, in a Python virtual environment made by `python3` and pip.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use test_programs::cache;
use test_programs::pins::REQUIREMENTS;

use crate::processes::output_of;

/// The oldest Python that `requirements.txt` was resolved for.
const OLDEST: (u32, u32) = (3, 10);

/// Whether the environment's interpreter is there: it is a link to the Python that made it, which may
/// have been removed since.
pub(super) fn works(cache_dir: &Path) -> bool {
    let environment = cache::python_environment(cache_dir);
    cache::is_stamped(&environment, &cache::python_stamp()) && interpreter(&environment).exists()
}

/// Makes the environment. Its scripts name its own folder, so it is made in place, and counts only once
/// it has its stamp.
pub(super) fn make_environment(cache_dir: &Path) -> anyhow::Result<()> {
    let python = system_python()?;
    let environment = cache::python_environment(cache_dir);
    if environment.exists() {
        fs_err::remove_dir_all(&environment)?;
    }
    output_of(Command::new(python).args(["-m", "venv"]).arg(&environment))
        .context("cannot make a virtual environment (Debian and Ubuntu: package `python3-venv`)")?;

    let requirements = environment.join("requirements.txt");
    fs_err::write(&requirements, REQUIREMENTS)?;
    let mut pip = Command::new(interpreter(&environment));
    pip.args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", "--no-input"])
        // The default would wait long for a network that isn't there.
        .args(["--retries", "1"])
        // Wheels only: nothing that was fetched runs during the set-up.
        .args(["--require-hashes", "--no-deps", "--only-binary", ":all:"])
        .arg("--requirement")
        .arg(&requirements);
    output_of(&mut pip).context("the Python tools are fetched by pip")?;
    fs_err::write(environment.join(cache::STAMP), cache::python_stamp())?;
    Ok(())
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

fn interpreter(environment: &Path) -> std::path::PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join("python.exe")
    } else {
        environment.join("bin").join("python3")
    }
}
