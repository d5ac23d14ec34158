//! Which program has a port open, as far as Linux tells.

use std::fs;
use std::path::Path;

/// The first program found to have the device at `path` open, for a person to read.
///
/// Other users' programs cannot be looked into, so `None` does not mean that there is none.
pub(super) fn holder_of(path: &Path) -> Option<String> {
    let device = path.canonicalize().ok()?;
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|process| {
        let process = process.path();
        let number: u32 = process.file_name()?.to_str()?.parse().ok()?;
        let mut open_files = fs::read_dir(process.join("fd")).ok()?.flatten();
        open_files.find(|file| fs::read_link(file.path()).is_ok_and(|target| target == device))?;
        let name = fs::read(process.join("comm")).ok()?;
        let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
        Some(format!("`{name}` (process {number})"))
    })
}
