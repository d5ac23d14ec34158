//! What no tracked file may name: hosts of package registries, which users replace by their own, and
//! folders of a developer's machine.

use std::path::{Path, PathBuf};

use super::Finding;

/// Files that other programs write.
const GENERATED: &[&str] = &["Cargo.lock", "fuzz/Cargo.lock"];

/// Folders that only exist on somebody's machine, without their slashes.
const MACHINE_FOLDERS: &[&str] = &["home", "root", "tmp", "work", "Users"];

/// Comment that allows a line to name such a folder.
const ALLOWANCE: &str = "tidy: ";

/// The crate whose text goes to terminals, and the files of it that may print bytes as they are: what a person's own
/// program prints, or their own file holds.
const PRINTS: &str = "crates/piton-cli/src";
const PRINTS_BYTES: &[&str] = &[
    "ui.rs",
    "commands/comeback.rs",
    "commands/exec.rs",
    "commands/fs/cat.rs",
    "commands/minify.rs",
    "commands/repl/screen.rs",
    "commands/romfs.rs",
    "commands/project/install.rs",
    "commands/romfs/images.rs",
    "commands/sync/watch.rs",
];

/// How they do it. Put together here so that this file does not hold it.
const PRINT_BYTES: &str = concat!("ui.", "bytes(");

pub(super) fn check(root: &Path, files: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let hosts = registry_hosts();
    let mut findings = Vec::new();
    for path in files {
        if GENERATED.iter().any(|name| path == Path::new(name)) {
            continue;
        }
        // What is not text has no lines to point at.
        let Ok(text) = String::from_utf8(fs_err::read(root.join(path))?) else {
            continue;
        };
        findings.extend(check_text(path, &text, &hosts));
    }
    Ok(findings)
}

/// Returns the hosts, put together here so that this file does not name them.
fn registry_hosts() -> Vec<String> {
    [
        ["crates", "io"],
        ["pypi", "org"],
        ["pythonhosted", "org"],
        ["npmjs", "org"],
        ["npmjs", "com"],
        ["yarnpkg", "com"],
        ["deb.debian", "org"],
        ["security.debian", "org"],
        ["snapshot.debian", "org"],
        ["archive.ubuntu", "com"],
        ["proxy.golang", "org"],
    ]
    .iter()
    .map(|parts| parts.join("."))
    .collect()
}

fn check_text(path: &Path, text: &str, hosts: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut report = |what: String, hint| {
            findings.push(Finding {
                path: path.to_path_buf(),
                line: index + 1,
                what,
                hint,
            });
        };
        if let Some(host) = hosts.iter().find(|host| line.contains(host.as_str())) {
            let hint = "use the registry's client: it knows the user's mirror, proxy and login";
            report(format!("names the package registry `{host}`"), hint);
        }
        if line.contains(PRINT_BYTES) && !may_print_bytes(path) {
            let hint = "`ui.line` and `ui.text` escape what steers a terminal; bytes are for what a person's \
                        program prints";
            report("prints bytes as they are".to_owned(), hint);
        }
        if let Some(folder) = machine_folder(line).filter(|_| !line.contains(ALLOWANCE)) {
            let hint = "use a relative path, or a temporary folder made by the program; \
                        `tidy: <reason>` on the line allows it";
            report(format!("names `/{folder}/`, a folder of one machine"), hint);
        }
    }
    findings
}

fn may_print_bytes(path: &Path) -> bool {
    match path.strip_prefix(PRINTS) {
        Ok(path) => PRINTS_BYTES.iter().any(|name| path == Path::new(name)),
        Err(_) => true,
    }
}

/// Returns the folder of a person's machine in an absolute path of a line.
fn machine_folder(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.iter().copied().find(|folder| {
        let needle = format!("/{folder}/");
        line.match_indices(&needle).any(|(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            !before.is_some_and(|char| char.is_alphanumeric() || "_-./}>*~".contains(char))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let found = check_text(Path::new("a.md"), text, &registry_hosts());
        found
            .iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect()
    }

    #[test]
    fn a_registry_is_found_wherever_it_is_named() {
        let host = ["files.pythonhosted", "org"].join(".");
        let text = format!("fine\nfetch https://{host}/x\n");
        assert_eq!(findings(&text).len(), 1);
        assert!(
            findings(&text)
                .concat()
                .starts_with("2: names the package registry")
        );
    }

    #[test]
    fn an_absolute_path_of_a_machine_is_found() {
        for folder in MACHINE_FOLDERS {
            let text = format!("let path = \"/{folder}/somebody\";\n");
            assert_eq!(
                findings(&text),
                [format!("1: names `/{folder}/`, a folder of one machine")]
            );
        }
    }

    #[test]
    fn other_paths_and_allowed_lines_pass() {
        let slash = '/';
        for text in [
            "docs/home/page.md, ../tmp/x, $HOME/code/x",
            "/usr/share/keyrings and /dev/ttyACM0",
            &format!("{slash}tmp/x // tidy: a folder on the board"),
        ] {
            assert_eq!(findings(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn only_listed_files_print_bytes() {
        let count = |path: &str| {
            let text = format!("    ctx.{PRINT_BYTES}name.as_bytes())?;\n");
            check_text(Path::new(path), &text, &[]).len()
        };
        assert_eq!(count("crates/piton-cli/src/commands/fs/ls.rs"), 1);
        assert_eq!(count("crates/piton-cli/src/commands/fs/cat.rs"), 0);
        assert_eq!(count("crates/piton-cli/tests/it/fs.rs"), 0);
    }
}
