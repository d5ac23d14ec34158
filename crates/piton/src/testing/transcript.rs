//! What a board printed while it ran a file of tests, taken apart.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use serde_json::Value;

use super::{FileResult, Outcome, Place, TestFile, TestResult};

/// Returns a new mark, which no test prints by accident.
pub(super) fn mark() -> String {
    format!("\x1etest {:016x} ", RandomState::new().hash_one(0))
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    tests: Vec<TestResult>,
    /// The test that has begun and not ended, and what it printed.
    open: Option<(String, String)>,
    /// What was printed outside of tests.
    output: String,
    /// The exception of the module.
    error: Option<(String, String)>,
    skipped: Option<String>,
    is_complete: bool,
}

impl Transcript {
    /// Reads the output of the board.
    pub(super) fn read(output: &[u8], mark: &str) -> Transcript {
        let text = String::from_utf8_lossy(output).replace("\r\n", "\n");
        let mut transcript = Transcript::default();
        for (index, piece) in text.split(mark).enumerate() {
            let (line, printed) = match index {
                0 => ("", piece),
                _ => piece.split_once('\n').unwrap_or((piece, "")),
            };
            // A line that was cut off by the end of the board is none.
            if let Ok(Value::Array(fields)) = serde_json::from_str(line) {
                transcript.take(&fields);
            }
            match &mut transcript.open {
                Some((_, output)) => output.push_str(printed),
                None => transcript.output.push_str(printed),
            }
        }
        transcript
    }

    fn take(&mut self, fields: &[Value]) {
        let text = |at: usize| fields.get(at).and_then(Value::as_str).unwrap_or_default();
        match text(0) {
            "start" => self.open = Some((text(1).to_owned(), String::new())),
            "end" => {
                let (name, output) = self.open.take().unwrap_or_default();
                let outcome = match text(2) {
                    "passed" => Outcome::Passed,
                    "skipped" => Outcome::Skipped,
                    "xfailed" => Outcome::Xfailed,
                    "xpassed" => Outcome::Xpassed,
                    _ => Outcome::Failed,
                };
                self.tests.push(TestResult {
                    name,
                    outcome,
                    milliseconds: fields.get(3).and_then(Value::as_u64).unwrap_or(0),
                    message: text(4).to_owned(),
                    traceback: text(5).to_owned(),
                    place: None,
                    output,
                });
            }
            "error" => self.error = Some((text(1).to_owned(), text(2).to_owned())),
            "skip" => self.skipped = Some(text(1).to_owned()),
            "done" => self.is_complete = true,
            _ => {}
        }
    }

    /// Returns the result of the file. `ended`: why the program did not come to its end.
    pub(super) fn into_result(
        mut self,
        file: &TestFile,
        board: String,
        current: &Path,
        ended: Option<String>,
    ) -> FileResult {
        for test in &mut self.tests {
            test.traceback = own_frames(&test.traceback, current);
            test.place = place(&test.traceback, file, current);
        }
        let cut_off = (!self.is_complete).then(|| {
            let cause = ended.unwrap_or_else(|| "the board ended".to_owned());
            match &self.open {
                Some((name, _)) => format!("{cause} in {name}"),
                None => cause,
            }
        });
        let error = self
            .error
            .map(|(_, traceback)| own_frames(&traceback, current));
        let output = match self.open {
            // The traceback of the interrupt is in it.
            Some((_, printed)) => self.output + &own_frames(&printed, current) + "\n",
            None => self.output,
        };
        FileResult {
            file: file.path.clone(),
            board,
            tests: self.tests,
            problem: cut_off.or(error),
            skipped: self.skipped,
            output,
            milliseconds: 0,
        }
    }
}

/// Returns the file and the line that a line of a traceback names.
fn frame(line: &str) -> Option<(&str, usize)> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((file, digits.parse().ok()?))
}

/// Returns a traceback without the frames of the runner, and with paths relative to the current folder.
fn own_frames(traceback: &str, current: &Path) -> String {
    let folder = format!("\"{}/", current.to_string_lossy());
    let kept = traceback
        .lines()
        .filter(|line| frame(line).is_none_or(|(file, _)| !matches!(file, "<stdin>" | "<string>")));
    kept.map(|line| line.replace(&folder, "\"").replace("\"/remote/", "\"") + "\n")
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Returns the place of the exception.
fn place(traceback: &str, test: &TestFile, current: &Path) -> Option<Place> {
    let name = test.path.file_name()?.to_str()?;
    let frames = traceback.lines().filter_map(frame).collect::<Vec<_>>();
    let is_own =
        |(file, _): &&(&str, usize)| Path::new(file).file_name().is_some_and(|own| own == name);
    let (file, line) = *frames.iter().rev().find(is_own).or(frames.last())?;
    let text = std::fs::read_to_string(current.join(file)).ok();
    let source =
        text.and_then(|text| Some(text.lines().nth(line.checked_sub(1)?)?.trim().to_owned()));
    Some(Place {
        file: file.to_owned(),
        line,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str, ended: Option<&str>) -> FileResult {
        let file = TestFile {
            path: "tests/test_a.py".into(),
            module: "test_a".to_owned(),
        };
        let transcript = Transcript::read(output.replace('@', "MARK").as_bytes(), "MARK");
        transcript.into_result(
            &file,
            "b".to_owned(),
            Path::new("/project"),
            ended.map(str::to_owned),
        )
    }

    #[test]
    fn results_and_prints_are_told_apart() {
        let trace = r#"Traceback (most recent call last):\n  File \"<stdin>\", line 1, in run\n  File \"/project/tests/test_a.py\", line 7, in test_b\n  File \"lib.py\", line 2, in f\nValueError: x\n"#;
        let output = format!(
            "before\r\n@[\"start\",\"test_a\"]\nhalf @[\"end\",\"test_a\",\"passed\",12,\"\",\"\"]\nbetween\n\
             @[\"start\",\"C::test_b\"]\n@[\"end\",\"C::test_b\",\"failed\",1,\"x\",\"{trace}\"]\n@[\"done\"]\n"
        );
        let result = read(&output, None);
        assert_eq!(result.output, "before\nbetween\n");
        assert_eq!((result.problem.as_deref(), result.is_ok()), (None, false));
        let [first, second] = result.tests.as_slice() else {
            panic!("{result:?}");
        };
        assert_eq!((first.output.as_str(), first.milliseconds), ("half ", 12));
        assert_eq!(
            second.traceback,
            "Traceback (most recent call last):\n  File \"tests/test_a.py\", line 7, in test_b\n  File \"lib.py\", line 2, \
             in f\nValueError: x"
        );
        let place = second.place.as_ref().unwrap();
        assert_eq!((place.file.as_str(), place.line), ("tests/test_a.py", 7));
    }

    #[test]
    fn a_board_that_ends_is_a_problem_of_the_file() {
        let cut = "@[\"start\",\"test_a\"]\nlast words\n@[\"en";
        let result = read(cut, Some("timed out after 2 s"));
        assert_eq!(
            result.problem.as_deref(),
            Some("timed out after 2 s in test_a")
        );
        assert_eq!(result.output, "last words\n");
        let result = read("", None);
        assert_eq!(result.problem.as_deref(), Some("the board ended"));
        let result = read(
            "@[\"error\",\"m\",\"ImportError: m\\n\"]\n@[\"done\"]\n",
            None,
        );
        assert_eq!(result.problem.as_deref(), Some("ImportError: m"));
        let result = read("@[\"skip\",\"no pins\"]\n@[\"done\"]\n", None);
        assert_eq!(
            (result.skipped.as_deref(), result.is_ok()),
            (Some("no pins"), true)
        );
    }
}
