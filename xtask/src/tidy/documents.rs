//! The lock file's size, the map of the house, and what each crate says about itself.

use std::path::{Path, PathBuf};

use super::{Finding, from_root};
use crate::metadata::Metadata;

/// Most packages in `Cargo.lock`.
const PACKAGES: usize = 300;
/// Most lines in `ARCHITECTURE.md`.
const ARCHITECTURE_LINES: usize = 250;

pub(super) fn check(metadata: &Metadata, root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    findings.extend(check_lock(&fs_err::read_to_string(
        root.join("Cargo.lock"),
    )?));
    findings.extend(check_architecture(&fs_err::read_to_string(
        root.join("ARCHITECTURE.md"),
    )?));
    let license = fs_err::read(root.join("LICENSE"))?;
    for package in &metadata.packages {
        if package.is_published() {
            let folder = package.manifest_path.parent().unwrap_or(root);
            findings.extend(check_papers(folder, &from_root(folder, root), &license));
        }
        for target in &package.targets {
            if target.is_product() {
                let text = fs_err::read_to_string(&target.src_path)?;
                let path = from_root(&target.src_path, root);
                findings.extend(check_crate_doc(path, &text));
            }
        }
    }
    Ok(findings)
}

/// Checks what a package of the registry must have beside its code.
fn check_papers(folder: &Path, path: &Path, license: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |file: &str, what: &str, hint| {
        findings.push(Finding {
            path: path.join(file),
            line: 1,
            what: what.to_owned(),
            hint,
        });
    };
    let readme = fs_err::read_to_string(folder.join("README.md"));
    if !readme.is_ok_and(|text| text.starts_with("# ")) {
        find(
            "README.md",
            "a published crate has no README.md with a title",
            "the registry shows it on the page of the crate",
        );
    }
    if fs_err::read(folder.join("LICENSE")).ok().as_deref() != Some(license) {
        find(
            "LICENSE",
            "a published crate does not have the license of the repository",
            "make a link to it: `ln -s ../../LICENSE`",
        );
    }
    findings
}

fn check_lock(text: &str) -> Option<Finding> {
    let packages = text.lines().filter(|line| *line == "[[package]]").count();
    (packages > PACKAGES).then(|| Finding {
        path: PathBuf::from("Cargo.lock"),
        line: 1,
        what: format!("{packages} packages are locked, the limit is {PACKAGES}"),
        hint: "`cargo tree` shows what brought them in; default features often do",
    })
}

fn check_architecture(text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    (lines > ARCHITECTURE_LINES).then(|| Finding {
        path: PathBuf::from("ARCHITECTURE.md"),
        line: ARCHITECTURE_LINES + 1,
        what: format!("{lines} lines, the limit is {ARCHITECTURE_LINES}"),
        hint: "details belong into the documentation of the code that they are about",
    })
}

fn check_crate_doc(path: PathBuf, text: &str) -> Option<Finding> {
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let doc = first.strip_prefix("//!").unwrap_or_default();
    doc.trim().is_empty().then(|| Finding {
        path,
        line: 1,
        what: "the crate does not open with what it is for".to_owned(),
        hint: "start the file with a `//!` comment",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_crate_has_a_readme_and_the_license() {
        let folder = tempfile::tempdir().unwrap();
        let check = || {
            let found = check_papers(folder.path(), Path::new("crates/x"), b"text");
            let paths = found.into_iter().map(|finding| finding.path);
            paths.collect::<Vec<_>>()
        };
        let [readme, license] =
            ["README.md", "LICENSE"].map(|name| Path::new("crates/x").join(name));
        assert_eq!(check(), [readme, license.clone()]);
        fs_err::write(folder.path().join("README.md"), "# x\n").unwrap();
        fs_err::write(folder.path().join("LICENSE"), "other").unwrap();
        assert_eq!(check(), [license]);
        fs_err::write(folder.path().join("LICENSE"), "text").unwrap();
        assert!(check().is_empty());
    }

    #[test]
    fn the_301st_package_fails() {
        assert_eq!(check_lock(&"[[package]]\nname = \"a\"\n".repeat(300)), None);
        let finding = check_lock(&"[[package]]\nname = \"a\"\n".repeat(301)).unwrap();
        assert_eq!(finding.what, "301 packages are locked, the limit is 300");
    }

    #[test]
    fn the_251st_line_of_the_map_fails() {
        assert_eq!(check_architecture(&"line\n".repeat(250)), None);
        assert_eq!(check_architecture(&"line\n".repeat(251)).unwrap().line, 251);
    }

    #[test]
    fn a_crate_opens_with_its_purpose() {
        let path = || PathBuf::from("src/lib.rs");
        assert_eq!(check_crate_doc(path(), "//! Talks to boards.\n"), None);
        for text in ["", "//!\n", "mod a;\n", "// Talks to boards.\n"] {
            assert!(check_crate_doc(path(), text).is_some(), "{text:?}");
        }
    }
}
