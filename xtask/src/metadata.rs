//! What cargo says about the workspace: the fields of its JSON messages that are used here.
//!
//! Format: <https://doc.rust-lang.org/cargo/commands/cargo-metadata.html#json-format> and
//! <https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages>. The first has a version, which is
//! asked for; a field that a message lacks is an error.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::processes::output_of;
use crate::workspace;

/// The packages of the workspace. Those that they depend on are not asked for.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// A package of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
    /// The registries that it may go to; `None` for all.
    publish: Option<Vec<String>>,
}

impl Package {
    /// Returns whether a release publishes it.
    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|names| !names.is_empty())
    }
}

/// What a package says that it depends on.
#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<DependencyKind>,
}

/// What a dependency is for, unless it is for the package's own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DependencyKind {
    /// For tests, examples and benchmarks.
    Dev,
    /// For the build script.
    Build,
}

/// What a package is built into.
#[derive(Deserialize)]
pub(crate) struct Target {
    kind: Vec<String>,
    /// Its root file.
    pub(crate) src_path: PathBuf,
}

impl Target {
    /// Returns whether only tests and benchmarks are built from it.
    pub(crate) fn is_for_tests(&self) -> bool {
        self.is_any_of(&["test", "bench"])
    }

    /// Returns whether it is a library or a program.
    pub(crate) fn is_product(&self) -> bool {
        self.is_any_of(&["lib", "cdylib", "proc-macro", "bin"])
    }

    fn is_any_of(&self, kinds: &[&str]) -> bool {
        self.kind.iter().any(|kind| kinds.contains(&kind.as_str()))
    }
}

/// Asks cargo for the workspace of a source tree.
/// Errors: the folder `root` has none.
pub(crate) fn read(root: &Path) -> anyhow::Result<Metadata> {
    let mut cargo = workspace::cargo();
    cargo.current_dir(root);
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    let text = output_of(&mut cargo).context("cargo can't describe the workspace")?;
    serde_json::from_str(&text).context("cargo describes the workspace in an unknown way")
}

/// A package that the workspace depends on, or of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LockedPackage {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// An expression of SPDX, or of its old form with `/`.
    pub(crate) license: Option<String>,
    /// Its `Cargo.toml`.
    pub(crate) manifest_path: PathBuf,
    /// Where it comes from; `None` for packages of the workspace.
    pub(crate) source: Option<String>,
}

/// All packages, and which needs which, on one platform.
#[derive(Deserialize)]
pub(crate) struct Graph {
    pub(crate) packages: Vec<LockedPackage>,
    pub(crate) resolve: Resolve,
}

#[derive(Deserialize)]
pub(crate) struct Resolve {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
pub(crate) struct NodeDependency {
    pub(crate) pkg: String,
    pub(crate) dep_kinds: Vec<KindOfDependency>,
}

#[derive(Deserialize)]
pub(crate) struct KindOfDependency {
    pub(crate) kind: Option<DependencyKind>,
}

/// Asks cargo for all packages on a platform, without network.
/// Errors: the sources of one are not on this computer.
pub(crate) fn graph(platform: &str) -> anyhow::Result<Graph> {
    let mut cargo = workspace::cargo();
    cargo.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    cargo.args(["--filter-platform", platform]);
    let text = output_of(&mut cargo).context(
        "cargo lacks the sources of a package\n\nhint: `cargo fetch --locked` brings them, and so does `cargo xtask setup`",
    )?;
    serde_json::from_str(&text).context("cargo describes the packages in an unknown way")
}

/// Returns the program that a build has made, by the messages of `cargo build --message-format=json`.
pub(crate) fn built_program(messages: &str) -> anyhow::Result<Option<PathBuf>> {
    #[derive(Deserialize)]
    struct Message {
        /// Artifacts of programs have one, other messages have none.
        executable: Option<PathBuf>,
    }

    for line in messages.lines() {
        let message: Message =
            serde_json::from_str(line).with_context(|| format!("cargo said {line:?}"))?;
        if message.executable.is_some() {
            return Ok(message.executable);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_package_is_described() {
        let metadata = read(workspace::root()).unwrap();
        let named = |name: &str| {
            metadata
                .packages
                .iter()
                .find(|package| package.name == name)
        };
        let xtask = named("xtask").unwrap();
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(xtask.manifest_path, manifest);
        assert!(xtask.targets.iter().all(|target| !target.is_for_tests()));
        assert!(
            xtask
                .dependencies
                .iter()
                .any(|other| other.name == "piton-mpy" && other.kind.is_none())
        );

        let board = named("piton-board").unwrap();
        assert!(board.targets.iter().any(Target::is_for_tests));
        assert!(board.targets.iter().any(Target::is_product));
        let kind_of = |name: &str| {
            board
                .dependencies
                .iter()
                .find(|other| other.name == name)
                .unwrap()
                .kind
        };
        assert_eq!(kind_of("virtual-board"), Some(DependencyKind::Dev));
        assert!(named("serde").is_none());
    }

    #[test]
    fn a_program_is_found_among_the_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","executable":null,"fresh":true}"#,
            "\n",
            r#"{"reason":"compiler-artifact","executable":"/target/debug/piton","fresh":false}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\n",
        );
        assert_eq!(
            built_program(messages).unwrap(),
            Some(PathBuf::from("/target/debug/piton"))
        );
        assert_eq!(built_program("{}\n").unwrap(), None);
        assert!(built_program("Finished\n").is_err());
    }
}
