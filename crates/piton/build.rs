//! Puts the VM file of the virtual board into a build that `PITON_EMBED_VM` names it to, as release builds do.
//!
//! Without the variable, the library finds or fetches the file when a virtual board starts (`src/vm.rs`).

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha512};

#[expect(unreachable_pub, reason = "the library exports what is in there")]
#[path = "src/vm/pinned.rs"]
mod pinned;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-check-cfg=cfg(embedded_vm)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/vm/pinned.rs");
    println!("cargo::rerun-if-env-changed=PITON_EMBED_VM");
    let Some(file) = env::var_os("PITON_EMBED_VM").filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    let file = PathBuf::from(file);
    println!("cargo::rerun-if-changed={}", file.display());
    let bytes = fs::read(&file)
        .map_err(|error| format!("cannot read `{}` (PITON_EMBED_VM): {error}", file.display()))?;
    let found = Sha512::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    if found != pinned::SHA512 {
        let version = pinned::VERSION;
        let file = file.display();
        return Err(format!(
            "`{file}` (PITON_EMBED_VM) is not the VM file {version}: its SHA-512 is {found}"
        )
        .into());
    }
    let copy = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(copy.join(pinned::FILE_NAME), bytes)?;
    println!("cargo::rustc-cfg=embedded_vm");
    Ok(())
}
