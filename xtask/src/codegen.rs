//! `cargo xtask codegen`: files that are made of others and kept in the tree.
//!
//! The programs that crates send to boards are written to be read, and embedded minified: `device/NAME.py` becomes
//! `device/minified/NAME.py`. They are kept, and not made by a build script, because the crates that embed them must
//! not depend on the compiler.
//!
//! `THIRD-PARTY-LICENSES` is what is passed on with the program: see [`crate::dependencies::texts`].

mod shorten;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use piton_syntax::{MinifyOptions, minify};

use crate::dependencies::{self, texts};
use crate::workspace;
use shorten::shorten;

/// Crates whose programs are only for tests and for the virtual board: they are used as they are.
const NOT_SENT: [&str; 2] = ["test-programs", "virtual-board"];

/// The folder of the programs, in a crate's folder, and that of the minified copies in it.
const PROGRAMS: &str = "device";
const MINIFIED: &str = "minified";

/// Write the files that are made of others: minified copies of the programs that run on boards, license texts
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    let root = workspace::root();
    let generated = generated(root)?;
    for path in stale(root)? {
        match generated.get(&path) {
            Some(content) => {
                fs_err::create_dir_all(root.join(path.parent().unwrap_or(&path)))?;
                fs_err::write(root.join(&path), content)?;
                println!("wrote {}", path.display());
            }
            None => {
                fs_err::remove_file(root.join(&path))?;
                println!("removed {}", path.display());
            }
        }
    }
    Ok(())
}

/// Paths of generated files that are missing, not what they would become, or made of nothing any more; from the root.
pub(crate) fn stale(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let generated = generated(root)?;
    let mut stale = Vec::new();
    for folder in program_folders(root)? {
        for path in python_files(root, &folder.join(MINIFIED))? {
            if !generated.contains_key(&path) {
                stale.push(path);
            }
        }
    }
    for (path, content) in generated {
        let existing = fs_err::read(root.join(&path));
        // Git may have changed the line ends on their way here.
        if !existing.is_ok_and(|existing| with_newlines(existing) == content) {
            stale.push(path);
        }
    }
    Ok(stale)
}

/// Returns the generated files: paths from the root, and contents.
fn generated(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut generated = BTreeMap::new();
    let licenses = texts::file(&dependencies::read()?.shipped)?;
    generated.insert(PathBuf::from(texts::FILE), licenses.into_bytes());
    for folder in program_folders(root)? {
        for path in python_files(root, &folder)? {
            let options = MinifyOptions {
                input_name: path.as_os_str().as_encoded_bytes().to_vec(),
                // The tracebacks of these programs are never shown.
                join_lines: true,
                ..MinifyOptions::default()
            };
            let source = fs_err::read_to_string(root.join(&path))?;
            let content = minify(source.as_bytes(), &options)
                .map_err(|diagnostic| anyhow!("{diagnostic}"))?;
            let content = shorten(&source, std::str::from_utf8(&content)?)?;
            let name = path.file_name().unwrap_or_default();
            generated.insert(folder.join(MINIFIED).join(name), content.into_bytes());
        }
    }
    Ok(generated)
}

/// Returns the crates' folders of programs, from the root.
fn program_folders(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs_err::read_dir(root.join("crates"))? {
        let name = entry?.file_name();
        let folder = Path::new("crates").join(&name).join(PROGRAMS);
        if !NOT_SENT.iter().any(|not_sent| name == *not_sent) && root.join(&folder).is_dir() {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Returns the `.py` files in a folder, if it exists; folder and result are relative to the root.
fn python_files(root: &Path, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !root.join(folder).is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs_err::read_dir(root.join(folder))? {
        let path = folder.join(entry?.file_name());
        if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn with_newlines(mut text: Vec<u8>) -> Vec<u8> {
    text.retain(|&byte| byte != b'\r');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outdated_files_are_reported() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &str| {
            let path = root.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        };
        write("crates/a/device/fine.py", "x = 1\n");
        write("crates/a/device/minified/fine.py", "x=1\r\n");
        write("crates/a/device/new.py", "# It is new.\nx = 1\n");
        write("crates/a/device/old.py", "x = 2\n");
        write("crates/a/device/minified/old.py", "x=1\n");
        write("crates/a/device/minified/gone.py", "x=1\n");
        write("crates/virtual-board/device/not_sent.py", "x = 1\n");
        let stale = stale(root.path()).unwrap();
        let names: Vec<&str> = stale
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        // The list of licenses is not there at all.
        assert_eq!(
            names,
            ["gone.py", "THIRD-PARTY-LICENSES", "new.py", "old.py"]
        );

        write("crates/a/device/old.py", "x = (\n");
        let error = generated(root.path()).unwrap_err().to_string();
        assert!(error.contains("old.py:2: SyntaxError"), "{error}");
    }
}
