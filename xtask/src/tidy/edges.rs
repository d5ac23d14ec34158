//! Which crate may depend on which: the table of the design, as data.

use std::path::Path;

use super::{Finding, from_root};
use crate::metadata::{DependencyKind, Metadata};

/// What a crate may depend on, of the crates in this workspace.
struct Rule {
    name: &'static str,
    /// In its own code and build script.
    code: &'static [&'static str],
    /// In its tests, besides.
    tests: &'static [&'static str],
}

/// Real programs to test with: any crate's tests may use them, no shipped code (but see `piton`).
const TEST_HELP: &[&str] = &["test-programs", "virtual-board"];

const RULES: &[Rule] = &[
    Rule {
        name: "piton-printable",
        code: &[],
        tests: &[],
    },
    Rule {
        name: "piton-mpy",
        code: &[],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-path",
        code: &[],
        tests: &[],
    },
    Rule {
        name: "piton-syntax",
        code: &["piton-mpy"],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-compiler",
        code: &["piton-mpy", "piton-syntax"],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-board",
        code: &[],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-fs",
        code: &["piton-board", "piton-path"],
        // The tests give boards its programs as bytecode, as the library above does.
        tests: &[
            "test-programs",
            "virtual-board",
            "piton-compiler",
            "piton-mpy",
        ],
    },
    Rule {
        name: "piton-firmware",
        // Frozen modules are `.mpy` files in C; linked ones are `.mpy` files.
        code: &["piton-mpy"],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-shipment",
        // Messages quote what others wrote.
        code: &["piton-path", "piton-printable"],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-project",
        // The syntax: a package's `manifest.py` is read, not run.
        code: &["piton-mpy", "piton-path", "piton-syntax"],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton",
        code: &[
            "piton-path",
            "piton-mpy",
            "piton-syntax",
            "piton-compiler",
            "piton-board",
            "piton-fs",
            "piton-firmware",
            "piton-shipment",
            "piton-project",
            // `#[piton::board]` is part of the library's face.
            "piton-macros",
            // `piton connect virtual` is for users, not only for tests.
            "virtual-board",
        ],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-macros",
        code: &["piton-syntax"],
        // What a macro writes names the library.
        tests: &["test-programs", "virtual-board", "piton"],
    },
    Rule {
        name: "piton-mpy-cross",
        code: &[
            "piton-compiler",
            "piton-mpy",
            "piton-syntax",
            "piton-printable",
        ],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-cli",
        // The face of the official compiler takes neither a board nor the rest of the library.
        code: &["piton", "piton-mpy-cross", "piton-printable"],
        tests: TEST_HELP,
    },
    Rule {
        name: "piton-python",
        code: &["piton", "piton-mpy-cross"],
        tests: TEST_HELP,
    },
    // Not our REPL codec: a board that shares it would agree with its bugs.
    Rule {
        name: "virtual-board",
        code: &[],
        tests: &["test-programs"],
    },
    Rule {
        name: "test-programs",
        code: &[],
        tests: &[],
    },
    Rule {
        name: "xtask",
        // A tool for developers: `corpus` compiles in its own process, to compare with the official compiler.
        code: &[
            "piton-compiler",
            "piton-mpy",
            "piton-shipment",
            "piton-syntax",
            "test-programs",
        ],
        tests: TEST_HELP,
    },
];

/// A dependency between two crates of the workspace.
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    kind: Option<DependencyKind>,
}

/// Compares every dependency between the workspace's crates with the table.
pub(super) fn check(metadata: &Metadata, root: &Path) -> Vec<Finding> {
    let is_ours = |name: &str| metadata.packages.iter().any(|package| package.name == name);
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let manifest = package.manifest_path.as_path();
        let text = fs_err::read_to_string(manifest).unwrap_or_default();
        let mut report = |dependency: &str, what: String| {
            findings.push(Finding {
                path: from_root(manifest, root),
                line: line_of(&text, dependency),
                what,
                hint: "the table of crates is in ARCHITECTURE.md and xtask/src/tidy/edges.rs",
            });
        };
        if rule(&package.name).is_none() {
            report(
                "name",
                format!("crate `{}` is not in the table of crates", package.name),
            );
            continue;
        }
        for dependency in package
            .dependencies
            .iter()
            .filter(|other| is_ours(&other.name))
        {
            let (from, to) = (package.name.as_str(), dependency.name.as_str());
            let edge = Edge {
                from,
                to,
                kind: dependency.kind,
            };
            if let Some(what) = violation(&edge) {
                report(to, what);
            }
        }
    }
    findings
}

fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Returns the problem of a dependency, if there is one.
fn violation(edge: &Edge<'_>) -> Option<String> {
    let Edge { from, to, kind } = edge;
    let rule = rule(from)?;
    let in_code = rule.code.contains(to);
    let (allowed, sort) = match kind {
        Some(DependencyKind::Dev) => (in_code || rule.tests.contains(to), "dev-dependency"),
        Some(DependencyKind::Build) => (in_code, "build-dependency"),
        None => (in_code, "dependency"),
    };
    (!allowed).then(|| format!("`{from}` must not have `{to}` as a {sort}"))
}

/// Returns the first line of a manifest that starts with a key, from 1.
fn line_of(manifest: &str, key: &str) -> usize {
    let starts = |line: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
    };
    manifest
        .lines()
        .position(starts)
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation_of(from: &str, to: &str, kind: Option<DependencyKind>) -> Option<String> {
        violation(&Edge { from, to, kind })
    }

    #[test]
    fn an_edge_of_the_table_passes() {
        assert_eq!(violation_of("piton-fs", "piton-board", None), None);
        assert_eq!(violation_of("piton", "virtual-board", None), None);
        assert_eq!(violation_of("xtask", "test-programs", None), None);
    }

    #[test]
    fn a_forbidden_edge_fails() {
        assert_eq!(
            violation_of("piton-mpy", "piton-compiler", None).unwrap(),
            "`piton-mpy` must not have `piton-compiler` as a dependency"
        );
        assert_eq!(
            violation_of("piton-cli", "piton-board", Some(DependencyKind::Build)).unwrap(),
            "`piton-cli` must not have `piton-board` as a build-dependency"
        );
    }

    #[test]
    fn test_help_is_for_tests_only() {
        for helper in TEST_HELP {
            assert_eq!(
                violation_of("piton-board", helper, Some(DependencyKind::Dev)),
                None
            );
            assert!(violation_of("piton-board", helper, None).is_some());
        }
    }

    #[test]
    fn a_dev_dependency_of_the_virtual_board_on_the_host_side_fails() {
        assert_eq!(
            violation_of("virtual-board", "piton-board", Some(DependencyKind::Dev)).unwrap(),
            "`virtual-board` must not have `piton-board` as a dev-dependency"
        );
    }

    #[test]
    fn nothing_depends_on_xtask() {
        for rule in RULES {
            assert!(violation_of(rule.name, "xtask", Some(DependencyKind::Dev)).is_some());
        }
    }

    #[test]
    fn a_key_is_found_by_its_whole_name() {
        let manifest = "[dependencies]\npiton-board.workspace = true\npiton.workspace = true\n";
        assert_eq!(line_of(manifest, "piton"), 3);
        assert_eq!(line_of(manifest, "piton-fs"), 1);
    }
}
