//! The paths of the programs in the cache folder.
//!
//! A program's own folder counts only with a stamp in it that equals the checksum of its pins: a folder
//! without one was interrupted, one with another stamp belongs to other pins.

use std::env;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use etcetera::BaseStrategy;
use sha2::{Digest, Sha256};

use crate::pins::{DebianPackage, Environment, WheelPackage};

/// Name of the file with the checksum of the pins that a program's folder was made from.
pub const STAMP: &str = ".pins";

/// Returns the cache folder: `PITON_CACHE_DIR` if set, else `piton` in the platform's folder for caches.
/// Errors: no home directory to derive it from.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = env::var_os("PITON_CACHE_DIR").filter(|dir| !dir.is_empty()) {
        return Ok(std::path::absolute(PathBuf::from(dir))?);
    }
    Ok(etcetera::choose_base_strategy()?.cache_dir().join("piton"))
}

/// Returns the VM file of a version. It lies where Piton itself looks for it.
pub fn vm_file(cache: &Path, version: &str) -> PathBuf {
    cache.join("vm").join(version).join("micropython.wasm")
}

/// Returns the folder that a Debian package and all it depends on are unpacked in.
pub fn debian_root(cache: &Path, package: &DebianPackage) -> PathBuf {
    cache.join("test-programs").join(format!(
        "{}-{}",
        package.name,
        package.version_without_epoch()
    ))
}

/// Returns the folder that a package's files out of wheels lie in.
pub fn wheel_folder(cache: &Path, package: &WheelPackage) -> PathBuf {
    cache
        .join("test-programs")
        .join(format!("{}-{}", package.name, package.version))
}

/// Returns a Python virtual environment. Its name holds the start of its pins' checksum, so that source trees with
/// different pins can share a cache folder.
pub fn python_environment(cache: &Path, environment: Environment) -> PathBuf {
    let checksum: String = python_stamp(environment).chars().take(12).collect();
    cache
        .join("test-programs")
        .join(format!("python-{checksum}"))
}

/// Returns what the stamp of a Debian package's folder must say.
pub fn debian_stamp(package: &DebianPackage) -> String {
    sha256_hex(format!("{package:?}").as_bytes())
}

/// Returns what the stamp of a folder with files out of wheels must say.
pub fn wheel_stamp(package: &WheelPackage) -> String {
    sha256_hex(format!("{package:?}").as_bytes())
}

/// Returns what the stamp of a Python environment must say.
pub fn python_stamp(environment: Environment) -> String {
    sha256_hex(environment.requirements().as_bytes())
}

/// Returns whether a program's folder is complete and of the pins with this checksum.
pub fn is_stamped(folder: &Path, stamp: &str) -> bool {
    fs_err::read_to_string(folder.join(STAMP)).is_ok_and(|found| found == stamp)
}

/// Returns the SHA-256 of some bytes, in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
