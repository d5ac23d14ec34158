//! `cargo xtask changelog`: the changes since the last release, from one small file for each.
//!
//! A change adds a file to `changelog/`, so two branches never edit the same lines. A release moves all of them into
//! `CHANGELOG.md`. `changelog/README.md` describes the form; [`crate::tidy`] checks it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure};

use crate::processes::output_of;
use crate::workspace;

/// The folder of the changes since the last release.
pub(crate) const FOLDER: &str = "changelog";

/// The file of all releases.
pub(crate) const CHANGELOG: &str = "CHANGELOG.md";

/// Explains the form, and is not a change.
const README: &str = "README.md";

/// The kinds of changes, as file names begin and as headings show them, in the order of a release.
const KINDS: [(&str, &str); 4] = [
    ("added", "Added"),
    ("changed", "Changed"),
    ("fixed", "Fixed"),
    ("removed", "Removed"),
];

/// The heading of what changed since the last release, with a pointer to the folder.
const UNRELEASED: &str = "## Unreleased\n\nOne file for each change is in `changelog/`; `cargo xtask changelog` prints them as a list.\n";

/// Print the changes since the last release, or move them into CHANGELOG.md
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The version to release, as three numbers: moves the changes into CHANGELOG.md
    version: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let root = workspace::root();
    let fragments = read(root)?;
    let problems = check(&fragments);
    if let Some(problem) = problems.first() {
        bail!("{}: {}", problem.path.display(), problem.what);
    }
    let Some(version) = &args.version else {
        print!("{}", section("Unreleased", &fragments));
        return Ok(());
    };
    ensure!(
        !fragments.is_empty(),
        "`{FOLDER}` has no changes to release"
    );
    let mut git = Command::new("git");
    git.current_dir(root).args(["log", "-1", "--format=%cs"]);
    let date = output_of(&mut git)?;
    let path = root.join(CHANGELOG);
    let changelog = fs_err::read_to_string(&path)?;
    let changelog = with_release(&changelog, version, date.trim(), &fragments)?;
    let mut file = tempfile::NamedTempFile::new_in(root)?;
    std::io::Write::write_all(&mut file, changelog.as_bytes())?;
    file.persist(&path)?;
    for fragment in &fragments {
        fs_err::remove_file(root.join(&fragment.path))?;
    }
    println!(
        "moved {} changes from `{FOLDER}` to {CHANGELOG}, as {version}",
        fragments.len()
    );
    Ok(())
}

/// One change since the last release.
#[derive(Debug)]
pub(crate) struct Fragment {
    /// Path of the file, from the root.
    path: PathBuf,
    text: String,
}

/// What is wrong with the form of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) path: PathBuf,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Reads the changes since the last release, in the order of their names.
pub(crate) fn read(root: &Path) -> anyhow::Result<Vec<Fragment>> {
    let mut fragments = Vec::new();
    for entry in fs_err::read_dir(root.join(FOLDER))? {
        let name = entry?.file_name();
        if name != README {
            let path = Path::new(FOLDER).join(name);
            let text = fs_err::read_to_string(root.join(&path))?;
            fragments.push(Fragment { path, text });
        }
    }
    fragments.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(fragments)
}

impl Fragment {
    /// Returns the heading that the change belongs under, by the name of its file.
    fn heading(&self) -> Option<&'static str> {
        let name = self.path.file_name()?.to_str()?.strip_suffix(".md")?;
        let (kind, rest) = name.split_once('-')?;
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let is_word = |word: &str| !word.is_empty() && word.chars().all(is_plain);
        let (_, heading) = KINDS.iter().find(|(known, _)| *known == kind)?;
        rest.split('-').all(is_word).then_some(*heading)
    }

    /// Returns what is wrong with the text: the line, and the sentence for it.
    fn fault(&self) -> Option<(usize, &'static str)> {
        if !self.text.ends_with('\n') || self.text.ends_with("\n\n") {
            let last = self.text.lines().count().max(1);
            return Some((last, "the file does not end with one line end"));
        }
        for (index, line) in self.text.lines().enumerate() {
            let fault = match line {
                _ if line.trim().is_empty() => "empty line: a change is one paragraph",
                _ if line.trim() != line => "space at the start or the end of the line",
                _ if ["- ", "* ", "#"].iter().any(|sign| line.starts_with(sign)) => {
                    "the text is a list or a heading: a change is one paragraph"
                }
                _ if line.chars().count() > 140 => "the line has more than 140 letters",
                _ => continue,
            };
            return Some((index + 1, fault));
        }
        let last = self.text.lines().count();
        (!self.text.ends_with(".\n")).then_some((last, "the text does not end with a full stop"))
    }
}

/// Checks the form of the changes since the last release.
pub(crate) fn check(fragments: &[Fragment]) -> Vec<Problem> {
    let problem = |fragment: &Fragment, line, what: &str| Problem {
        path: fragment.path.clone(),
        line,
        what: what.to_owned(),
    };
    let mut problems = Vec::new();
    for fragment in fragments {
        if fragment.heading().is_none() {
            problems.push(problem(
                fragment,
                1,
                "the name of the file is not `KIND-words.md`",
            ));
        }
        if let Some((line, what)) = fragment.fault() {
            problems.push(problem(fragment, line, what));
        }
    }
    problems
}

/// Checks CHANGELOG.md: the pointer to the folder, then releases, newest first, none newer than `current`.
pub(crate) fn check_changelog(text: &str, current: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |line, what: String| {
        problems.push(Problem {
            path: PathBuf::from(CHANGELOG),
            line,
            what,
        });
    };
    if !text.contains(UNRELEASED) {
        report(
            1,
            "the section `Unreleased` does not point to `changelog/`".to_owned(),
        );
    }
    let mut newest = numbers(current);
    for (index, line) in text.lines().enumerate() {
        let Some(heading) = line
            .strip_prefix("## ")
            .filter(|text| *text != "Unreleased")
        else {
            continue;
        };
        let version = heading
            .split_once(" - ")
            .and_then(|(version, _)| numbers(version));
        let Some(version) = version else {
            report(index + 1, format!("`{heading}` is not `VERSION - DATE`"));
            continue;
        };
        if newest.is_some_and(|newest| version > newest) {
            report(
                index + 1,
                format!("`{heading}` is newer than what comes before it, or than the workspace"),
            );
        }
        newest = Some(version);
    }
    problems
}

/// Returns a version as numbers that compare.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let numbers: Vec<u64> = version
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    numbers.try_into().ok()
}

/// Returns a section of the changelog with all changes.
fn section(title: &str, fragments: &[Fragment]) -> String {
    let mut by_heading: BTreeMap<&str, Vec<&Fragment>> = BTreeMap::new();
    for fragment in fragments {
        let heading = fragment.heading().unwrap_or_default();
        by_heading.entry(heading).or_default().push(fragment);
    }
    let mut text = format!("## {title}\n");
    for (_, heading) in KINDS {
        let Some(fragments) = by_heading.get(heading) else {
            continue;
        };
        // Writing to a string can't fail.
        let _ = write!(text, "\n### {heading}\n\n");
        for fragment in fragments {
            let entry = fragment.text.trim_end().replace('\n', "\n  ");
            let _ = writeln!(text, "- {entry}");
        }
    }
    text
}

/// Returns the changelog with one more release, after the pointer to the folder.
fn with_release(
    changelog: &str,
    version: &str,
    date: &str,
    fragments: &[Fragment],
) -> anyhow::Result<String> {
    let Some(new) = numbers(version) else {
        bail!("`{version}` is not a version: three numbers with points");
    };
    let is_older = |line: &str| {
        let heading = line.strip_prefix("## ")?;
        numbers(heading.split(' ').next()?).map(|known| known >= new)
    };
    ensure!(
        !changelog.lines().any(|line| is_older(line) == Some(true)),
        "{CHANGELOG} has version {version} or a newer one"
    );
    let Some((before, after)) = changelog.split_once(UNRELEASED) else {
        bail!("{CHANGELOG} has no section `Unreleased` that points to `{FOLDER}`");
    };
    let section = section(&format!("{version} - {date}"), fragments);
    Ok(format!("{before}{UNRELEASED}\n{section}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(name: &str, text: &str) -> Fragment {
        Fragment {
            path: Path::new(FOLDER).join(name),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_change_has_a_name_and_a_form() {
        let faults = |name: &str, text: &str| {
            let problems = check(&[fragment(name, text)]);
            let faults = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.line, problem.what));
            faults.collect::<Vec<_>>().join("; ")
        };
        assert_eq!(faults("added-sync-2.md", "`sync` is new.\n"), "");
        assert_eq!(faults("fixed-a.md", "One sentence\nin two lines.\n"), "");
        for name in [
            "sync.md",
            "new-sync.md",
            "added-.md",
            "added-Sync.md",
            "added-sync.txt",
        ] {
            let expected = "1: the name of the file is not `KIND-words.md`";
            assert_eq!(faults(name, "Text.\n"), expected, "{name}");
        }
        for (text, expected) in [
            ("Text.", "1: the file does not end with one line end"),
            ("Text\n", "1: the text does not end with a full stop"),
            (
                "- Text.\n",
                "1: the text is a list or a heading: a change is one paragraph",
            ),
            ("One.\n\nTwo.\n", "2: empty line: a change is one paragraph"),
            (
                "One\n  two.\n",
                "2: space at the start or the end of the line",
            ),
        ] {
            assert_eq!(faults("added-a.md", text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_release_sorts_the_changes_by_kind() {
        let changes = [
            fragment("fixed-b.md", "A bug\nis fixed.\n"),
            fragment("added-a.md", "`sync` is new.\n"),
        ];
        let before = format!("# Changelog\n\n{UNRELEASED}\n## 0.1.0 - 2026-01-01\n");
        let after = with_release(&before, "0.2.0", "2026-12-01", &changes).unwrap();
        assert_eq!(
            after,
            format!(
                "# Changelog\n\n{UNRELEASED}\n## 0.2.0 - 2026-12-01\n\n### Added\n\n- `sync` is new.\n\n### Fixed\n\n\
                 - A bug\n  is fixed.\n\n## 0.1.0 - 2026-01-01\n"
            )
        );
        assert_eq!(check_changelog(&after, "0.2.0"), []);
    }

    #[test]
    fn a_release_is_newer_than_those_before() {
        let before = format!("# Changelog\n\n{UNRELEASED}\n## 0.2.0 - 2026-01-01\n");
        for version in ["0.2.0", "0.1.9", "one"] {
            assert!(
                with_release(&before, version, "2026-12-01", &[]).is_err(),
                "{version}"
            );
        }
    }

    #[test]
    fn the_changelog_keeps_its_order_and_the_pointer() {
        let lines = |text: &str, current: &str| -> Vec<usize> {
            let problems = check_changelog(text, current);
            problems.iter().map(|problem| problem.line).collect()
        };
        assert_eq!(lines("# Changelog\n", "0.1.0"), [1]);
        let text = format!("{UNRELEASED}\n## 0.1.0 - 2026-01-01\n## 0.2.0 - 2026-02-01\n## soon\n");
        assert_eq!(lines(&text, "0.2.0"), [6, 7]);
        let text = format!("{UNRELEASED}\n## 0.3.0 - 2026-01-01\n");
        assert_eq!(lines(&text, "0.2.0"), [5]);
    }
}
