//! Links the release builds on Linux so that they start fast: no shared library for unwinding.
//!
//! `libgcc_s.so.1`, which the standard library asks for, takes the dynamic loader 0.12 ms, a sixth of what
//! `mpy-cross` needs from start to exit. The same code is in an archive of the C compiler; it is put where the
//! linker looks for `libgcc_s` first.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    if let Some(archive) = unwinder() {
        // Without it the program links and runs as well, only with the shared library.
        if let Some(folder) = beside_its_other_name(&archive) {
            println!("cargo::rustc-link-search=native={}", folder.display());
        }
    }
}

/// The archive with the unwinder, in a release build for the system that this runs on.
fn unwinder() -> Option<PathBuf> {
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|set| set == value);
    let native = env::var("HOST").ok()? == env::var("TARGET").ok()?;
    let dynamic = !env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|set| set.contains("crt-static"));
    let wanted = is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    if !(native && dynamic && wanted) {
        return None;
    }
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let output = Command::new(linker)
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    // The name alone means that there is none.
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    (path.is_absolute() && path.is_file()).then_some(path)
}

/// A folder with a copy of the archive under the name of the shared library.
fn beside_its_other_name(archive: &Path) -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    std::fs::copy(archive, folder.join("libgcc_s.a")).ok()?;
    Some(folder)
}
