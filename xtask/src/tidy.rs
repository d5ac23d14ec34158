//! `cargo xtask tidy`: the rules of this repository that a compiler does not check.

mod documents;
mod edges;
mod modules;
mod packages;
mod size;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::changelog;
use crate::codegen;
use crate::dependencies;
use crate::metadata::{self, Metadata};
use crate::processes::output_of;
use crate::workspace;
pub(crate) use modules::{SourceFile, is_for_tests};

/// Check the house rules: crate edges, sizes, documents, names of hosts and paths
#[derive(clap::Args)]
pub(crate) struct Args {}

/// A place that breaks a house rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Path of the file, from the root of the source tree.
    path: PathBuf,
    /// Line in the file, from 1.
    line: usize,
    /// What is wrong, with the limit where there is one.
    what: String,
    /// What to do about it.
    hint: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            path,
            line,
            what,
            hint,
        } = self;
        write!(f, "{}:{line}: {what}\n  hint: {hint}", path.display())
    }
}

pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    let root = workspace::root();
    let metadata = metadata::read(root)?;
    let files = tracked_files(root)?;

    let mut findings = edges::check(&metadata, root);
    findings.extend(documents::check(&metadata, root)?);
    findings.extend(text::check(root, &files)?);
    findings.extend(packages::check(root, &dependencies::read()?)?);
    findings.extend(codegen::stale(root)?.into_iter().map(|path| Finding {
        path,
        line: 1,
        what: "generated file is not up to date".to_owned(),
        hint: "run `cargo xtask codegen`",
    }));
    findings.extend(check_changelog(root)?);
    let sources = modules::read(&metadata, root, &files)?;
    findings.extend(sources.findings);
    let measures: Vec<_> = sources.files.iter().map(size::measure).collect();
    for measure in &measures {
        findings.extend(size::check(measure));
    }
    print!("{}", size::table(&measures));

    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("1 place breaks a house rule"),
        count => bail!("{count} places break house rules"),
    }
}

/// Returns the Rust files of a source tree.
pub(crate) fn sources(metadata: &Metadata, root: &Path) -> anyhow::Result<Vec<SourceFile>> {
    Ok(modules::read(metadata, root, &tracked_files(root)?)?.files)
}

/// Checks the form of the changes since the last release, and of CHANGELOG.md.
fn check_changelog(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut problems = changelog::check(&changelog::read(root)?);
    let text = fs_err::read_to_string(root.join(changelog::CHANGELOG))?;
    problems.extend(changelog::check_changelog(&text, env!("CARGO_PKG_VERSION")));
    let findings = problems.into_iter().map(|problem| Finding {
        path: problem.path,
        line: problem.line,
        what: problem.what,
        hint: "`changelog/README.md` describes the form",
    });
    Ok(findings.collect())
}

/// Returns the files that git tracks, or would track after `git add --all`; paths from the root.
pub(crate) fn tracked_files(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listing = output_of(&mut git).context("tidy asks git which files are ours")?;
    let mut files: Vec<PathBuf> = listing
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect();
    files.retain(|file| root.join(file).is_file());
    Ok(files)
}

/// Returns a path as the findings show it.
fn from_root(path: &Path, root: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_place_a_fact_and_a_hint() {
        let finding = Finding {
            path: PathBuf::from("src/lib.rs"),
            line: 7,
            what: "function `f` has 81 lines, the limit is 80".to_owned(),
            hint: "split it",
        };
        assert_eq!(
            finding.to_string(),
            "src/lib.rs:7: function `f` has 81 lines, the limit is 80\n  hint: split it"
        );
    }
}
