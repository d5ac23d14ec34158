//! What became of the files of a plan, as data: what `piton compile --json` prints.

use std::io;

use piton_compiler::Diagnostic;
use serde::Serialize;

use super::act::{Outcome, Status};
use super::hint::hint_for;
use super::plan::{Job, Plan};

/// What became of the files of a plan.
///
/// ```
/// use piton::compile::{CompileReport, Output, Settings, plan, run, sources};
/// use piton::{compiler::Options, deadline::Cancel};
///
/// # let folder = tempfile::tempdir()?;
/// let source = folder.path().join("main.py");
/// std::fs::write(&source, "x = (1\n")?;
/// let plan = plan(&sources(&[source])?, &Output::Beside)?;
/// let outcomes = run(&plan, &Settings::new(Options::new("")), &Cancel::new(), &|_| {});
/// let report = CompileReport::new(&plan, &outcomes);
/// assert_eq!((report.compiled, report.failed), (0, 1));
/// let error = serde_json::to_value(&report)?["files"][0]["error"].take();
/// assert_eq!(error["code"], "invalid-syntax");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompileReport {
    /// The files that have an outcome, in the order of the plan.
    pub files: Vec<CompiledFile>,
    /// How many `.mpy` files exist now, those that are unchanged included.
    pub compiled: usize,
    /// How many of them had the same bytes before.
    pub unchanged: usize,
    /// How many sources did not compile, or could not be read or written.
    pub failed: usize,
    /// The size of all `.mpy` files, in bytes.
    pub size: usize,
}

/// What became of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompiledFile {
    /// The path of the source. What is not UTF-8 in it is replaced by U+FFFD, here and below.
    pub source: String,
    /// The path of the `.mpy` file.
    pub output: String,
    /// The size of the `.mpy` file in bytes, if it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Whether the `.mpy` file was written, if it was made: one that has these bytes already is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<SourceError>,
}

/// Why a source did not become a `.mpy` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceError {
    /// The name of the Python exception; `OSError` for a file that cannot be read or written. In JSON `type`.
    #[serde(rename = "type")]
    pub exception: &'static str,
    /// The kind of the error, which does not change between releases; `None` for a file that cannot be read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The message of the official compiler, or of the operating system.
    pub message: String,
    /// The line of the source, from 1, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The function or class that the line is in, if the compiler says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What a person can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl CompileReport {
    /// Returns the report of what [`run`](super::run) returned for `plan`.
    pub fn new(plan: &Plan, outcomes: &[Outcome]) -> CompileReport {
        let mut report = CompileReport::default();
        for outcome in outcomes {
            let Some(job) = plan.jobs.get(outcome.job) else {
                continue;
            };
            let file = CompiledFile::new(job, &outcome.status);
            match file.size {
                Some(size) => {
                    report.compiled += 1;
                    report.unchanged += usize::from(file.changed == Some(false));
                    report.size += size;
                }
                None => report.failed += 1,
            }
            report.files.push(file);
        }
        report
    }
}

impl CompiledFile {
    fn new(job: &Job, status: &Status) -> CompiledFile {
        let (made, error) = match status {
            Status::Compiled { size, changed } => (Some((*size, *changed)), None),
            Status::Rejected { diagnostic, source } => {
                (None, Some(SourceError::of_source(diagnostic, source)))
            }
            Status::Unreadable(error) | Status::Unwritable(error) => {
                (None, Some(SourceError::of_file(error)))
            }
        };
        CompiledFile {
            source: job.source.display().to_string(),
            output: job.output.display().to_string(),
            size: made.map(|(size, _)| size),
            changed: made.map(|(_, changed)| changed),
            error,
        }
    }
}

impl SourceError {
    /// Returns why the compiler does not accept `source`.
    pub fn of_source(diagnostic: &Diagnostic, source: &[u8]) -> SourceError {
        let location = diagnostic.location.as_ref();
        let scope = location.and_then(|location| location.scope.as_deref());
        SourceError {
            exception: diagnostic.error_type().name(),
            code: Some(diagnostic.code.name()),
            message: diagnostic.message.to_string(),
            line: location.map(|location| location.line),
            scope: scope.map(|scope| String::from_utf8_lossy(scope).into_owned()),
            hint: hint_for(diagnostic, source),
        }
    }

    /// Returns what the operating system said of the source or of the `.mpy` file.
    fn of_file(error: &io::Error) -> SourceError {
        SourceError {
            exception: "OSError",
            code: None,
            message: error.to_string(),
            line: None,
            scope: None,
            hint: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn outcome(job: usize, status: Status) -> Outcome {
        Outcome { job, status }
    }

    fn plan(names: &[&str]) -> Plan {
        let sources = names.iter().map(PathBuf::from);
        let jobs = sources.map(|source| Job {
            output: source.with_extension("mpy"),
            name: Vec::new(),
            source,
        });
        Plan {
            jobs: jobs.collect(),
            within: None,
        }
    }

    #[test]
    fn files_are_counted_by_what_became_of_them() {
        let source = b"def f():\n  return x y\n".to_vec();
        let options = piton_compiler::Options::new("c.py");
        let diagnostic = piton_compiler::compile(&source, &options).unwrap_err();
        let outcomes = [
            outcome(
                0,
                Status::Compiled {
                    size: 10,
                    changed: true,
                },
            ),
            outcome(
                1,
                Status::Compiled {
                    size: 5,
                    changed: false,
                },
            ),
            outcome(2, Status::Rejected { diagnostic, source }),
            outcome(3, Status::Unreadable(io::ErrorKind::NotFound.into())),
            outcome(4, Status::Unwritable(io::Error::other("the disk is full"))),
            // A job that the plan does not have.
            outcome(
                9,
                Status::Compiled {
                    size: 1,
                    changed: true,
                },
            ),
        ];
        let report =
            CompileReport::new(&plan(&["a.py", "b.py", "c.py", "d.py", "e.py"]), &outcomes);
        assert_eq!(
            (
                report.compiled,
                report.unchanged,
                report.failed,
                report.size,
                report.files.len()
            ),
            (2, 1, 3, 15, 5)
        );
        let json = serde_json::to_value(&report.files).unwrap();
        assert_eq!(
            json[0],
            serde_json::json!({"source": "a.py", "output": "a.mpy", "size": 10, "changed": true})
        );
        let error = &json[2]["error"];
        assert_eq!(
            (&error["type"], &error["code"], &error["line"]),
            (&"SyntaxError".into(), &"invalid-syntax".into(), &2.into())
        );
        assert_eq!(
            json[4]["error"],
            serde_json::json!({"type": "OSError", "message": "the disk is full"})
        );
    }

    #[test]
    fn a_jobs_without_an_outcome_did_not_begin_and_is_not_reported() {
        let report = CompileReport::new(&plan(&["a.py", "b.py"]), &[]);
        assert_eq!(report, CompileReport::default());
    }

    #[test]
    fn an_error_after_the_parser_names_its_scope() {
        let options = piton_compiler::Options::new("a.py");
        let source = b"class A:\n  def f(self):\n    nonlocal x\n";
        let diagnostic = piton_compiler::compile(source, &options).unwrap_err();
        let error = SourceError::of_source(&diagnostic, source);
        assert_eq!((error.line, error.scope.as_deref()), (Some(3), Some("f")));
        assert_eq!(error.code, Some(diagnostic.code.name()));
    }
}
