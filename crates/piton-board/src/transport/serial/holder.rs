//! Finding the program that has a port open, on Linux.

use std::fs;
use std::path::Path;

/// Returns the name of a program that has the device at `path` open. Prefers other programs to this one.
///
/// `None` does not mean that there is none, because the programs of other users cannot be examined.
pub(crate) fn holder_of(path: &Path) -> Option<String> {
    let device = path.canonicalize().ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holders = numbers.filter(|number| has_open(*number, &device));
    let number = holders.min_by_key(|number| *number == std::process::id())?;
    let name = fs::read(format!("/proc/{number}/comm")).ok()?;
    let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
    Some(format!("`{name}` (process {number})"))
}

fn has_open(process: u32, device: &Path) -> bool {
    let Ok(open_files) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    let mut open_files = open_files.flatten();
    open_files.any(|file| fs::read_link(file.path()).is_ok_and(|target| target == device))
}
