//! What GitHub Actions shows of a build: annotations at the sources, a summary, and the step's outputs.
//!
//! Source: GitHub's documentation, "Workflow commands for GitHub Actions".

use std::env;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use piton::build::{Report, Written};

use super::{by_source, excerpt, plural};
use crate::error::CommandError;
use crate::ui::Ui;

/// Tell GitHub Actions about a build, where it runs there.
pub(super) fn tell(report: &Report, ui: &Ui) -> Result<(), CommandError> {
    if env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        // Among the log, not among the data: the runner reads both.
        ui.failure(&annotations(report));
    }
    append("GITHUB_STEP_SUMMARY", &summary(report))?;
    append("GITHUB_OUTPUT", &outputs(report))
}

/// Append to the file that a variable names.
fn append(variable: &str, text: &str) -> Result<(), CommandError> {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CommandError::WriteFile {
        path: Path::new(&path).display().to_string(),
        source,
    })
}

/// One annotation for each source that did not compile.
fn annotations(report: &Report) -> String {
    let mut text = String::new();
    for failure in by_source(&report.failures).values() {
        let refused = matches!(report.written, Written::Refused(_)) && !failure.allowed;
        let level = if refused { "error" } else { "warning" };
        let path = property(&failure.path.to_string_lossy().replace('\\', "/"));
        let line = failure
            .diagnostic
            .location
            .as_ref()
            .map_or_else(String::new, |place| format!(",line={}", place.line));
        let kind = failure.diagnostic.error_type.name();
        let hint = excerpt::hint_for(&failure.diagnostic, &failure.content)
            .map_or_else(String::new, |hint| format!("\nhint: {hint}"));
        let message = data(&format!("{}{hint}", failure.diagnostic.message));
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(text, "::{level} file={path}{line},title={kind}::{message}");
    }
    text
}

/// A value between the colons, as the runner decodes it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The job's summary, in Markdown.
fn summary(report: &Report) -> String {
    let mut text = String::from(
        "### piton build\n\n| target | files | bytes | compiled |\n|---|---|---|---|\n",
    );
    for target in &report.targets {
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
            let line = line.map_or_else(String::new, |place| format!(":{}", place.line));
            let _ = writeln!(
                text,
                "- `{}{line}`: {}: {}",
                failure.source,
                failure.diagnostic.error_type.name(),
                failure.diagnostic.message
            );
        }
    }
    text.push('\n');
    text
}

/// The outputs of the step: `manifest`, `count`, `failed`, `archives`. Several paths are joined by spaces.
fn outputs(report: &Report) -> String {
    let targets = || report.targets.iter();
    let manifests = targets().map(|target| target.manifest.display().to_string());
    let archives = targets()
        .flat_map(|target| &target.archives)
        .map(|path| path.display().to_string());
    format!(
        "manifest={}\ncount={}\nfailed={}\narchives={}\n",
        manifests.collect::<Vec<_>>().join(" "),
        targets().map(|target| target.files).sum::<usize>(),
        by_source(&report.failures).len(),
        archives.collect::<Vec<_>>().join(" "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_runner_would_misread_is_escaped() {
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
        assert_eq!(data("a:b,c%\r\n"), "a:b,c%25%0D%0A");
    }
}
