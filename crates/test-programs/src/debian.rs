//! Running a program of another Debian release on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::cache::{cache_dir, debian_root};
use crate::locate::{Program, program};
use crate::pins::DebianPackage;

/// Where an architecture's dynamic loader and libraries lie in an unpacked root.
struct Architecture {
    loader: &'static str,
    libraries: &'static str,
}

/// The architecture that this program was built for, as Debian lays it out.
fn architecture() -> anyhow::Result<Architecture> {
    match std::env::consts::ARCH {
        "x86_64" => Ok(Architecture {
            loader: "lib64/ld-linux-x86-64.so.2",
            libraries: "usr/lib/x86_64-linux-gnu",
        }),
        "aarch64" => Ok(Architecture {
            loader: "lib/ld-linux-aarch64.so.1",
            libraries: "usr/lib/aarch64-linux-gnu",
        }),
        other => bail!(
            "the test programs from Debian are only set up for x86_64 and aarch64, not {other}"
        ),
    }
}

/// A command that runs the package's program with its own loader and libraries.
pub(crate) fn command(name: &str) -> anyhow::Result<Command> {
    let Program::Debian(package) = program(name)? else {
        bail!("`{name}` does not come from Debian");
    };
    let executable = package
        .executable
        .as_deref()
        .context("the package holds no program")?;
    let root = debian_root(&cache_dir()?, package);
    let architecture = architecture()?;
    let libraries = root.join(architecture.libraries);

    let mut command = Command::new(root.join(architecture.loader));
    command
        .arg("--inhibit-cache")
        .arg("--library-path")
        .arg(library_path(&libraries, package)?)
        .arg(root.join(executable));
    // The system's libraries and modules are of another release and must stay out.
    command
        .env_remove("LD_PRELOAD")
        .env_remove("LD_LIBRARY_PATH");
    command.env("QEMU_MODULE_DIR", libraries.join("qemu"));
    Ok(command)
}

fn library_path(libraries: &Path, package: &DebianPackage) -> anyhow::Result<OsString> {
    let mut folders: Vec<PathBuf> = vec![libraries.to_path_buf()];
    folders.extend(
        package
            .library_folders
            .iter()
            .map(|folder| libraries.join(folder)),
    );
    std::env::join_paths(&folders)
        .context("the cache folder's path must not have a colon: set PITON_CACHE_DIR")
}
