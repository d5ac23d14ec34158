//! The results of tests, for people and for programs.

use std::time::Duration;

use piton::testing::{Counts, FileResult, Outcome, TestResult};
use serde::Serialize;

use crate::error::CommandError;
use crate::ui::Ui;

/// A line of JSON: a file with its tests, or the end.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    File(&'a FileResult),
    Summary {
        #[serde(flatten)]
        counts: &'a Counts,
        milliseconds: u64,
    },
}

/// Prints what became of a file.
pub(super) fn file(ui: &Ui, result: &FileResult) -> Result<(), CommandError> {
    if ui.json() {
        return ui.json_line(&Line::File(result));
    }
    let counts = Counts::of([result]);
    let mut text = format!("{}: {}", result.file.display(), words(&counts));
    if result.board != "virtual" {
        text += &format!(" ({})", result.board);
    }
    ui.step(&text)
}

/// Prints the failures, and the numbers of all files.
pub(super) fn summary(
    ui: &Ui,
    results: &[FileResult],
    counts: &Counts,
    elapsed: Duration,
) -> Result<(), CommandError> {
    if ui.json() {
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        return ui.json_line(&Line::Summary {
            counts,
            milliseconds,
        });
    }
    for result in results.iter().filter(|result| !result.is_ok()) {
        failures(ui, result)?;
    }
    if counts.has_failures() {
        ui.text("\n")?;
    }
    let files = match counts.files {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let seconds = elapsed.as_secs_f64();
    ui.line(&format!("{files}: {} in {seconds:.2} s", words(counts)))
}

/// Returns the numbers that are not 0.
fn words(counts: &Counts) -> String {
    let all = [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.errors, "not completed"),
        (counts.skipped, "skipped"),
        (counts.xfailed, "failed as expected"),
    ];
    let some = all.iter().filter(|(count, _)| *count > 0);
    let words = some.map(|(count, word)| format!("{count} {word}"));
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() {
        "no tests".to_owned()
    } else {
        words
    }
}

fn failures(ui: &Ui, result: &FileResult) -> Result<(), CommandError> {
    for test in &result.tests {
        if matches!(test.outcome, Outcome::Failed | Outcome::Xpassed) {
            failure(ui, result, test)?;
        }
    }
    if let Some(problem) = &result.problem {
        let file = result.file.display();
        ui.text(&format!(
            "\nNOT COMPLETED {file}{}\n{}\n",
            on(result),
            indented(problem)
        ))?;
        output(ui, &result.output)?;
    }
    Ok(())
}

fn failure(ui: &Ui, result: &FileResult, test: &TestResult) -> Result<(), CommandError> {
    let file = result.file.display();
    let mut text = format!("\nFAILED {file}::{}{}\n", test.name, on(result));
    let shown = match test.traceback.is_empty() {
        true => &test.message,
        false => &test.traceback,
    };
    for line in shown.lines() {
        text += format!("  {line}").trim_end();
        text.push('\n');
        // The source of the line that the test is at, as CPython shows it.
        let is_place = |line: &str| {
            test.place.as_ref().is_some_and(|place| {
                line.contains(&format!("File \"{}\", line {},", place.file, place.line))
            })
        };
        if is_place(line)
            && let Some(source) = test.place.as_ref().and_then(|place| place.source.as_ref())
        {
            text += &format!("      {source}\n");
        }
    }
    ui.text(&text)?;
    output(ui, &test.output)
}

/// Prints what a failed test has printed.
fn output(ui: &Ui, output: &str) -> Result<(), CommandError> {
    match output.trim_end() {
        "" => Ok(()),
        output => ui.text(&format!("  printed:\n{}\n", indented(&indented(output)))),
    }
}

fn on(result: &FileResult) -> String {
    match result.board.as_str() {
        "virtual" => String::new(),
        board => format!(" ({board})"),
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  {line}"));
    lines.collect::<Vec<_>>().join("\n")
}
