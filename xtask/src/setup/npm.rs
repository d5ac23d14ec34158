//! VM files, with the npm client: it honours the user's registry, proxy and login.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha512};
use test_programs::cache;
use test_programs::pins::Vm;

use super::unfinished_folder;
use crate::processes::output_of;

/// Returns whether a file is the pinned VM file.
pub(super) fn is_pinned_vm(path: &Path, vm: &Vm) -> bool {
    fs_err::read(path).is_ok_and(|bytes| cache::sha256_hex(&bytes) == vm.sha256)
}

/// Fetches the npm package and puts its VM file into the cache folder.
pub(super) fn fetch_vm(vm: &Vm, cache_dir: &Path) -> anyhow::Result<()> {
    let destination = cache::vm_file(cache_dir, &vm.version);
    let folder = destination.parent().context("a VM file lies in a folder")?;
    let unfinished = unfinished_folder(&cache_dir.join("test-programs"))?;

    let archive = fs_err::read(pack(vm, unfinished.path())?)?;
    let sha512 = HEXLOWER.encode(&Sha512::digest(&archive));
    if sha512 != vm.sha512 {
        bail!(
            "the package `{}` has SHA-512 {sha512}, pinned is {}",
            vm.package,
            vm.sha512
        );
    }
    let wasm = member(&archive, &vm.file)?;
    let sha256 = cache::sha256_hex(&wasm);
    if sha256 != vm.sha256 {
        bail!(
            "`{}` has SHA-256 {sha256}, pinned is {}",
            vm.file,
            vm.sha256
        );
    }

    fs_err::create_dir_all(folder)?;
    let new = unfinished.path().join("micropython.wasm");
    fs_err::write(&new, wasm)?;
    fs_err::rename(new, destination)?;
    Ok(())
}

/// Has npm download the package's archive into a folder.
fn pack(vm: &Vm, folder: &Path) -> anyhow::Result<PathBuf> {
    // On Windows npm is a script, which is only found by its full name.
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(folder)
        .args(["pack", "--silent", "--ignore-scripts"])
        // The defaults would wait over a minute for a network that isn't there.
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000"])
        .arg(format!("{}@{}", vm.package, vm.version));
    output_of(&mut npm).context("VM files are fetched by the npm client")?;
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(path);
        }
    }
    bail!("`npm pack` left no archive");
}

/// Returns the content of one file in a package's archive.
fn member(archive: &[u8], path: &str) -> anyhow::Result<Vec<u8>> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()? == Path::new(path) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            return Ok(content);
        }
    }
    bail!("the package holds no `{path}`");
}
