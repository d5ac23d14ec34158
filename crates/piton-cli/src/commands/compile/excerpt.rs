//! A failure as a person reads it: the message, the line of the source underlined, and a hint.

use std::fmt::Write as _;
use std::path::Path;

use piton::compile::hint::hint;
use piton::compile::{Job, Status};
use piton::compiler::Diagnostic;

/// Longer lines are cut: the message says what is wrong, the number where.
const WIDEST: usize = 200;

/// The text for a job that failed; `None` if it did not.
pub(super) fn of_failure(job: &Job, status: &Status) -> Option<String> {
    match status {
        Status::Rejected { diagnostic, source } => Some(of_source(&job.source, diagnostic, source)),
        Status::Unreadable(error) => Some(format!(
            "error: could not read `{}`: {error}\n",
            job.source.display()
        )),
        Status::Unwritable(error) => Some(format!(
            "error: could not write `{}`: {error}\n",
            job.output.display()
        )),
        _ => None,
    }
}

/// The hint for a diagnostic of this source.
pub(in crate::commands) fn hint_for(
    diagnostic: &Diagnostic,
    source: &[u8],
) -> Option<&'static str> {
    hint(diagnostic, &line_of(diagnostic, source).unwrap_or_default())
}

fn line_of(diagnostic: &Diagnostic, source: &[u8]) -> Option<String> {
    let number = diagnostic.location.as_ref()?.line;
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    let line = source.split(|&byte| byte == b'\n').nth(index)?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// The text for a source that the compiler does not accept.
pub(in crate::commands) fn of_source(
    path: &Path,
    diagnostic: &Diagnostic,
    source: &[u8],
) -> String {
    let mut text = format!(
        "error: {}: {}\n",
        diagnostic.error_type.name(),
        diagnostic.message
    );
    let number = diagnostic
        .location
        .as_ref()
        .map_or_else(String::new, |place| place.line.to_string());
    let margin = " ".repeat(number.len().max(1));
    // Writing to a `String` cannot fail, here and below.
    let _ = write!(text, "{margin}--> {}", path.display());
    if !number.is_empty() {
        let _ = write!(text, ":{number}");
    }
    text.push('\n');
    if let Some(line) = line_of(diagnostic, source) {
        let shown = printable(&line);
        let indent = shown.len() - shown.trim_start().len();
        let marks = "^".repeat(shown.trim().chars().count().max(1));
        let _ = writeln!(text, "{margin} |");
        let _ = writeln!(text, "{number:>width$} | {shown}", width = margin.len());
        let _ = writeln!(text, "{margin} | {}{marks}", " ".repeat(indent));
    }
    let scope = diagnostic
        .location
        .as_ref()
        .and_then(|place| place.scope.as_deref());
    if let Some(scope) = scope.filter(|scope| *scope != b"<module>") {
        let _ = writeln!(
            text,
            "{margin} = note: in `{}`",
            String::from_utf8_lossy(scope)
        );
    }
    if let Some(hint) = hint_for(diagnostic, source) {
        let _ = writeln!(text, "{margin} = hint: {hint}");
    }
    text
}

/// The line with tabs as spaces, and control characters as what they are not on a terminal: visible.
fn printable(line: &str) -> String {
    line.trim_end()
        .replace('\t', "    ")
        .chars()
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .take(WIDEST)
        .collect()
}
