//! Running a program of another Debian release on this machine: through that release's own dynamic
//! loader, with that release's libraries.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::cache::{cache_dir, debian_root};
use crate::locate::{Program, program};
use crate::pins::DebianPackage;

/// The paths of libraries and dynamic loader on a Debian architecture.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    /// Folder of the libraries, under the root.
    pub libraries: &'static str,
    /// File name of the loader, in that folder.
    pub loader: &'static str,
}

/// Returns the architecture that this crate is built for.
/// Errors: the programs from Debian are not supported on it.
pub fn architecture() -> anyhow::Result<Architecture> {
    match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => Ok(Architecture {
            libraries: "usr/lib/x86_64-linux-gnu",
            loader: "ld-linux-x86-64.so.2",
        }),
        ("linux", "aarch64") => Ok(Architecture {
            libraries: "usr/lib/aarch64-linux-gnu",
            loader: "ld-linux-aarch64.so.1",
        }),
        (system, machine) => bail!(
            "programs from Debian run on Linux on x86_64 and aarch64, not on {system} on {machine}"
        ),
    }
}

/// Returns a command that runs the package's program with its own loader and libraries.
pub(crate) fn command(name: &str) -> anyhow::Result<Command> {
    let Program::Debian(package) = program(name)? else {
        bail!("`{name}` does not come from Debian");
    };
    let root = debian_root(&cache_dir()?, package);
    let executable = package
        .executable
        .as_deref()
        .context("the package has no program")?;
    let Architecture { libraries, loader } = architecture()?;
    let libraries = root.join(libraries);

    let mut command = Command::new(libraries.join(loader));
    command
        .args(["--inhibit-cache", "--library-path"])
        .arg(library_path(&libraries, package)?)
        .arg(root.join(executable));
    // The system's libraries are from another release and must not be loaded.
    command
        .env_remove("LD_PRELOAD")
        .env_remove("LD_LIBRARY_PATH");
    command.env("QEMU_MODULE_DIR", libraries.join("qemu"));
    if let Some(plugins) = gensio_plugins(&root) {
        command.env("GENSIO_LIBRARY_PATH", plugins);
    }
    Ok(command)
}

/// Returns the folder of ser2net's plugins: `usr/libexec/<architecture>/gensio/<version>`.
fn gensio_plugins(root: &Path) -> Option<PathBuf> {
    let only_entry = |folder: PathBuf| Some(folder.read_dir().ok()?.next()?.ok()?.path());
    only_entry(only_entry(root.join("usr/libexec"))?.join("gensio"))
}

fn library_path(libraries: &Path, package: &DebianPackage) -> anyhow::Result<OsString> {
    let mut folders: Vec<PathBuf> = vec![libraries.to_path_buf()];
    folders.extend(
        package
            .library_folders
            .iter()
            .map(|folder| libraries.join(folder)),
    );
    env::join_paths(&folders)
        .context("the cache folder's path must not have a colon: set PITON_CACHE_DIR")
}
