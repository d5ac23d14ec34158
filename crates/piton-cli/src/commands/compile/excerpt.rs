//! Formats a failure for people: the message, the line of the source underlined, and a hint.
//!
//! `annotate-snippets` would print the position as `file:line:column`, and the compiler knows no columns: it has the
//! official compiler's errors, which name a line. So the text is made here.

use std::fmt::Write as _;
use std::path::Path;

use piton::compile::hint::{hint_for, line_of, unclosed};
use piton::compile::{Job, Status};
use piton::syntax::{Diagnostic, UnclosedBracket};

/// Longer lines are cut, in columns: the message says what is wrong, and the number where.
const WIDEST: usize = 200;

/// Returns the text for a job that failed; `None` if it did not.
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

/// Returns the text for a source that the compiler does not accept.
pub(in crate::commands) fn of_source(
    path: &Path,
    diagnostic: &Diagnostic,
    source: &[u8],
) -> String {
    let mut text = format!(
        "error: {}: {}\n",
        diagnostic.error_type().name(),
        diagnostic.message
    );
    let number = diagnostic
        .location
        .as_ref()
        .map_or_else(String::new, |location| location.line.to_string());
    let margin = " ".repeat(number.len().max(1));
    // Writing to a `String` cannot fail, here and below.
    let _ = write!(text, "{margin}--> {}", path.display());
    if !number.is_empty() {
        let _ = write!(text, ":{number}");
    }
    text.push('\n');
    let unclosed = unclosed(diagnostic, source);
    let line = diagnostic.location.as_ref().map(|location| location.line);
    // The line of the bracket is shown below, and a bracket that is open to the end of the source is missed in the
    // empty line after it.
    let apart = unclosed.is_none_or(|unclosed| Some(unclosed.line) != line);
    let line = line
        .filter(|_| apart)
        .and_then(|line| line_of(line, source));
    if let Some(line) = line.filter(|line| unclosed.is_none() || !line.trim_ascii().is_empty()) {
        let shown = printable(line);
        let indent = shown.len() - shown.trim_start().len();
        let marks = "^".repeat(shown.trim().chars().count().max(1));
        let _ = writeln!(text, "{margin} |");
        let _ = writeln!(text, "{number:>width$} | {shown}", width = margin.len());
        let _ = writeln!(text, "{margin} | {}{marks}", " ".repeat(indent));
    }
    if let Some(unclosed) = unclosed {
        push_bracket(&mut text, &unclosed, source, margin.len());
        return text;
    }
    let scope = diagnostic
        .location
        .as_ref()
        .and_then(|location| location.scope.as_deref());
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

/// Writes the line of the bracket, with a mark below it.
fn push_bracket(text: &mut String, unclosed: &UnclosedBracket, source: &[u8], width: usize) {
    let UnclosedBracket {
        bracket,
        line: number,
        column,
    } = *unclosed;
    let line = line_of(number, source).unwrap_or_default();
    let before = printable_start(line.get(..column).unwrap_or_default());
    let indent = " ".repeat(before.chars().count());
    let _ = writeln!(text, "{:width$} |", "");
    let _ = writeln!(text, "{number:>width$} | {}", printable(line));
    let _ = writeln!(
        text,
        "{:width$} | {indent}^ '{bracket}' was never closed",
        ""
    );
}

/// Returns the line with tabs as spaces, and a visible sign for each control character.
fn printable(line: &[u8]) -> String {
    printable_start(line).trim_end().to_owned()
}

fn printable_start(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .trim_end_matches(['\r', '\n'])
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
