//! What the measured files hold, the same each time.

use std::path::PathBuf;

use anyhow::Context;
use sha2::{Digest, Sha256};

/// What a module prints at its end.
pub(super) const IMPORTED: &str = "imported";

/// Bytes that nothing can compress: the SHA-256 of the seed and the number of the block, one after the other.
pub(super) fn random_bytes(seed: &str, count: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|block| Sha256::digest(format!("{seed} {block}")));
    blocks.take(count).collect()
}

/// Returns a module of so many bytes that any board can import.
pub(super) fn python_module(size: usize) -> String {
    let mut text = String::new();
    let end = format!("print('{IMPORTED}')\n");
    for number in 0.. {
        let function = format!(
            "def reading_{number}(value, offset={number}):\n    # Scale what the sensor says, and keep it in range.\n    \
             result = (value * {} + offset) // 7\n    if result > 1023:\n        result = 1023\n    return result\n\n\n",
            number + 3
        );
        if text.len() + function.len() + end.len() > size {
            break;
        }
        text.push_str(&function);
    }
    text.push_str(&end);
    // A comment fills the size; its line needs two bytes.
    if text.len() + 2 <= size {
        let fill = size - text.len() - 1;
        text.push_str(&"#".repeat(fill));
        text.push('\n');
    }
    text
}

/// Python as people write it, the same on each machine because it is pinned: mpremote's own source, one
/// file after the other, as many whole lines as fit and a comment to fill the size.
pub(super) fn python_source(size: usize) -> anyhow::Result<Vec<u8>> {
    let package = test_programs::site_packages_of("mpremote").join("mpremote");
    let mut files: Vec<PathBuf> = fs_err::read_dir(&package)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    files.sort();
    let mut text = Vec::new();
    for file in files {
        text.extend(fs_err::read(file)?);
    }
    let fitting = text.get(..size).context("mpremote's source is too short")?;
    let end = fitting
        .iter()
        .rposition(|&byte| byte == b'\n')
        .context("no line")?;
    text.truncate(end + 1);
    text.resize(size, b'#');
    Ok(text)
}
