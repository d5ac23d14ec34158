//! The report of a build for GitHub Actions: annotations at the sources, a summary, and the step's outputs.
//!
//! Source: GitHub's documentation, "Workflow commands for GitHub Actions".

use std::env;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use piton::building::{Report, Settings, Written};
use piton::compile::hint::hint_for;

use super::conclusions::NATIVE;
use super::{by_source, native_by_source, plural};
use crate::context::Context;
use crate::environment;
use crate::error::{CommandError, FileError};
use crate::ui::Ui;

/// Reports a build to GitHub Actions, if it runs there.
pub(super) fn report(settings: &Settings, report: &Report, ui: &Ui) -> Result<(), CommandError> {
    if runs_here() {
        // On stderr, not among the data: the runner reads commands on both streams.
        ui.failure(&annotations(report));
    }
    append(environment::GITHUB_STEP_SUMMARY, &summary(report))?;
    append(environment::GITHUB_OUTPUT, &outputs(settings, report))
}

/// Reports to GitHub Actions why nothing was built. Sources that do not compile are reported already.
pub(super) fn report_error(error: &CommandError, ctx: &Context) {
    if runs_here()
        && !matches!(error, CommandError::Interrupted)
        && let Some(message) = error.message(ctx.compatibility)
    {
        ctx.ui
            .failure(&format!("::error title=piton::{}\n", data(message.trim())));
    }
}

fn runs_here() -> bool {
    env::var(environment::GITHUB_ACTIONS).is_ok_and(|value| value == "true")
}

/// Appends to the file that an environment variable names.
fn append(variable: &str, text: &str) -> Result<(), CommandError> {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| {
        CommandError::from(FileError::Write {
            path: Path::new(&path).display().to_string(),
            source,
        })
    })
}

/// Returns one annotation for each source that did not compile, or is shipped as source.
fn annotations(report: &Report) -> String {
    let mut text = String::new();
    for failure in by_source(&report.failures).values() {
        let refused = matches!(report.written, Written::Refused(_)) && !failure.allowed;
        let level = if refused { "error" } else { "warning" };
        let path = property(&slashed(&in_workspace(&failure.path)));
        let line = failure
            .diagnostic
            .location
            .as_ref()
            .map_or_else(String::new, |location| format!(",line={}", location.line));
        let kind = failure.diagnostic.error_type().name();
        let hint = hint_for(&failure.diagnostic, &failure.content)
            .map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        let message = data(&format!("{}{hint}", failure.diagnostic.message));
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(text, "::{level} file={path}{line},title={kind}::{message}");
    }
    for native in native_by_source(report).values() {
        let path = property(&slashed(&in_workspace(&native.path)));
        let line = native
            .line
            .map_or_else(String::new, |line| format!(",line={line}"));
        let _ = writeln!(
            text,
            "::notice file={path}{line},title=native code::{NATIVE}"
        );
    }
    text
}

/// Returns the path below the folder of the repository: GitHub looks for files there.
fn in_workspace(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).ok();
    let workspace = env::var_os(environment::GITHUB_WORKSPACE);
    let below = absolute
        .as_deref()
        .zip(workspace.as_deref())
        .and_then(|(path, workspace)| path.strip_prefix(workspace).ok());
    below.unwrap_or(path).to_owned()
}

/// Returns a path with `/` between its parts, which programs of every system accept.
fn slashed(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) {
        text.replace('\\', "/")
    } else {
        text
    }
}

/// Encodes a value between the colons of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Returns the job's summary, in Markdown.
fn summary(report: &Report) -> String {
    let mut text = String::from("### piton build\n\n");
    let targets = match report.written {
        Written::Refused(_) => {
            text.push_str("Nothing was written.\n");
            &[]
        }
        Written::Replaced | Written::Unchanged => {
            text.push_str("| target | files | bytes | compiled |\n|---|---|---|---|\n");
            report.targets.as_slice()
        }
    };
    for target in targets {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            target.name, target.files, target.size, target.compiled
        );
    }
    let failures = by_source(&report.failures);
    if !failures.is_empty() {
        let count = failures.len();
        let _ = writeln!(text, "\n{count} source{} did not compile:\n", plural(count));
        for failure in failures.values() {
            let line = failure.diagnostic.location.as_ref();
            let line = line.map_or_else(String::new, |location| format!(":{}", location.line));
            let _ = writeln!(
                text,
                "- `{}{line}`: {}: {}",
                failure.source,
                failure.diagnostic.error_type().name(),
                failure.diagnostic.message
            );
        }
    }
    text.push('\n');
    text
}

/// Returns the outputs of the step, as `action.yml` describes them. Paths are empty where nothing was written.
fn outputs(settings: &Settings, report: &Report) -> String {
    let written = !matches!(report.written, Written::Refused(_));
    let paths = |paths: Vec<&PathBuf>| {
        let lines = paths.into_iter().filter(|_| written);
        lines
            .map(|path| slashed(path))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let targets = || report.targets.iter();
    let count = match written {
        true => targets().map(|target| target.files).sum::<usize>(),
        false => 0,
    };
    let archives = targets().flat_map(|target| &target.archives);
    [
        ("folder", paths(vec![&settings.out])),
        (
            "files",
            paths(targets().map(|target| &target.folder).collect()),
        ),
        (
            "manifest",
            paths(targets().map(|target| &target.manifest).collect()),
        ),
        ("index", paths(report.index.iter().collect())),
        ("signatures", paths(report.signatures.iter().collect())),
        ("archives", paths(archives.collect())),
        ("count", count.to_string()),
        ("failed", by_source(&report.failures).len().to_string()),
    ]
    .map(|(name, value)| output(name, &value))
    .concat()
}

/// Returns an output of a step. A value of several lines is put between two equal lines that do not occur in it.
fn output(name: &str, value: &str) -> String {
    if !value.contains('\n') {
        return format!("{name}={value}\n");
    }
    let mut end = "END".to_owned();
    while value.lines().any(|line| line == end) {
        end.push('_');
    }
    format!("{name}<<{end}\n{value}\n{end}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runner_would_misread_is_escaped() {
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
        assert_eq!(data("a:b,c%\r\n"), "a:b,c%25%0D%0A");
        assert_eq!(output("x", "a=b"), "x=a=b\n");
        assert_eq!(output("x", "a\nEND"), "x<<END_\na\nEND\nEND_\n");
    }
}
