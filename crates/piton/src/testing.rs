//! Unit tests in MicroPython: finding their files, running each on a virtual board of its own or on a real board, and
//! reporting the results.
//!
//! A test is a method `test*` of a `unittest.TestCase`, or a function `test*`. `device/test_run.py` runs the tests of one
//! file and prints what happens in lines that begin with a random mark; what the tests print themselves is beside them. A file
//! that hangs, or kills its board, is one failure.

mod collect;
mod junit;
mod on_board;
mod on_virtual;
mod transcript;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use data_encoding::BASE64;
use piton_board::literal::py_str;
use piton_compiler::Options;
use serde::Serialize;

pub use collect::{TestFile, collect};
pub use junit::junit;
pub use on_board::run_on_board;
pub use on_virtual::{VirtualBoards, run_on_virtual};

use crate::compile::compile_cached;
use crate::error::Error;
use crate::events;
use transcript::Transcript;

/// device/test_run.py, as `cargo xtask codegen` minifies it.
const PROGRAM: &str = include_str!("../device/minified/test_run.py");

/// Imports [`PROGRAM`] as bytecode, from a file system that has only this file: to compile it takes the virtual board as long
/// as a short file of tests.
const LOADER: &str = "import sys,io,os,ubinascii\nclass V:\n mount=umount=lambda*a:0\n \
    stat=lambda s,p:{'/_piton_test.mpy':[0]*10}[p]\n open=lambda*a:io.BytesIO(ubinascii.a2b_base64('BYTECODE'))\n\
    os.mount(V(),'/_piton')\nsys.path.insert(0,'/_piton')\ntry:_piton=__import__('_piton_test')._piton\n\
    finally:sys.path.pop(0);os.umount('/_piton')\ndel sys.modules['_piton_test'],V,io,os,ubinascii\n";

/// The default time limit of a file.
pub const FILE_TIME: Duration = Duration::from_secs(60);

/// What of a file is run, and for how long.
#[derive(Clone, Debug)]
pub struct TestOptions {
    /// Only tests with this text in `FILE::CLASS::TEST`, in any case; empty for all.
    pub pattern: String,
    /// The time of a file.
    pub timeout: Duration,
}

impl Default for TestOptions {
    fn default() -> TestOptions {
        TestOptions {
            pattern: String::new(),
            timeout: FILE_TIME,
        }
    }
}

/// The result of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ended without an exception.
    Passed,
    /// It raised an exception.
    Failed,
    /// It was skipped.
    Skipped,
    /// It failed as it was expected to.
    Xfailed,
    /// It passed and was expected to fail, which is a failure.
    Xpassed,
}

/// The line of a file at which an exception was raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, relative to the current folder if it is below it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The text of the line, if the file can be read.
    pub source: Option<String>,
}

/// A test that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// Its name: `CLASS::METHOD` or that of the function.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took on the board.
    pub milliseconds: u64,
    /// The text of the exception, or the reason for the skip; empty for none.
    pub message: String,
    /// The traceback of a failure as the board prints it, without the frames of the runner; empty for none.
    pub traceback: String,
    /// Where the exception was raised: the last line of the test's own file in the traceback, else the last line.
    pub place: Option<Place>,
    /// What the test printed.
    pub output: String,
}

/// A file of tests that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileResult {
    /// The file, as it was found.
    #[serde(serialize_with = "events::path")]
    pub file: PathBuf,
    /// What it ran on: the version of the virtual board, or the name of the board.
    pub board: String,
    /// Its tests in the order in which they ran: by name.
    pub tests: Vec<TestResult>,
    /// Why not all of its tests ran: an exception of the module itself, a timeout, or the end of the board.
    pub problem: Option<String>,
    /// The reason if the whole file is skipped.
    pub skipped: Option<String>,
    /// What was printed outside of the tests.
    pub output: String,
    /// How long it took, from start to end.
    pub milliseconds: u64,
}

/// How many tests had which result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Files that were run; once for each board.
    pub files: usize,
    /// Passed tests.
    pub passed: usize,
    /// Failed tests, those that passed against the expectation among them.
    pub failed: usize,
    /// Skipped tests and files.
    pub skipped: usize,
    /// Tests that failed as they were expected to.
    pub xfailed: usize,
    /// Files of which not all tests ran.
    pub errors: usize,
}

impl FileResult {
    /// Returns whether nothing of the file has failed.
    pub fn is_ok(&self) -> bool {
        let failed = |test: &TestResult| matches!(test.outcome, Outcome::Failed | Outcome::Xpassed);
        self.problem.is_none() && !self.tests.iter().any(failed)
    }
}

impl Counts {
    /// Counts the tests of these files.
    pub fn of<'a>(files: impl IntoIterator<Item = &'a FileResult>) -> Counts {
        let mut counts = Counts::default();
        for file in files {
            counts.files += 1;
            counts.errors += usize::from(file.problem.is_some());
            counts.skipped += usize::from(file.skipped.is_some());
            for test in &file.tests {
                match test.outcome {
                    Outcome::Passed => counts.passed += 1,
                    Outcome::Failed | Outcome::Xpassed => counts.failed += 1,
                    Outcome::Skipped => counts.skipped += 1,
                    Outcome::Xfailed => counts.xfailed += 1,
                }
            }
        }
        counts
    }

    /// Returns whether something has failed.
    pub fn has_failures(&self) -> bool {
        self.failed > 0 || self.errors > 0
    }

    /// Returns how many tests there were.
    pub fn tests(&self) -> usize {
        self.passed + self.failed + self.skipped + self.xfailed
    }
}

/// Returns [`PROGRAM`] in the form for virtual boards, all of which load our bytecode.
fn compiled_program() -> &'static str {
    static COMPILED: OnceLock<String> = OnceLock::new();
    COMPILED.get_or_init(|| {
        // The name is that of source, whose frames the transcript leaves out.
        let compiled = compile_cached(PROGRAM.as_bytes(), &Options::new("<stdin>"), None);
        match compiled {
            Ok(compiled) => LOADER.replace("BYTECODE", &BASE64.encode(&compiled.mpy)),
            Err(_) => PROGRAM.to_owned(),
        }
    })
}

/// Returns the source that runs the tests of a file and reports with `mark`. `folders` go to the front of `sys.path`;
/// `runner` is [`PROGRAM`] in one of its forms.
fn program(
    runner: &str,
    file: &TestFile,
    mark: &str,
    options: &TestOptions,
    folders: &[String],
    own_unittest: bool,
) -> String {
    let folders = folders.iter().map(|folder| py_str(folder));
    let folders = folders.collect::<Vec<_>>().join(",");
    let pattern = pattern_for(&options.pattern, &file.path);
    format!(
        "import sys\nsys.path[:0]=[{folders}]\n{runner}\n_piton({},{},{},{})\n",
        py_str(mark),
        py_str(&file.module),
        py_str(&pattern),
        if own_unittest { "True" } else { "False" },
    )
}

/// Returns what the board compares with `::CLASS::TEST`, in lower case. What the name of the file has of the pattern is
/// settled here.
fn pattern_for(pattern: &str, file: &Path) -> String {
    let pattern = pattern.to_lowercase();
    let file = file.to_string_lossy().to_lowercase().replace('\\', "/");
    if file.contains(&pattern) {
        return String::new();
    }
    match pattern.split_once("::") {
        // `test_a.py::test_one`: no name of a class has a dot.
        Some((end, rest)) if end.contains('.') && file.ends_with(end) => format!("::{rest}"),
        _ => pattern,
    }
}

/// Returns whether one of the folders has a `unittest` of its own.
fn has_unittest(folders: &[PathBuf]) -> bool {
    let names = [
        "unittest.py",
        "unittest.mpy",
        "unittest/__init__.py",
        "unittest/__init__.mpy",
    ];
    let mut candidates = folders
        .iter()
        .flat_map(|folder| names.map(|name| folder.join(name)));
    candidates.any(|path| path.is_file())
}

/// Runs the tests of a file with `run`, which passes the output of the board to the transcript, and returns why the file did
/// not come to its end, if it did not.
fn file_result(
    file: &TestFile,
    board: String,
    current: &Path,
    run: impl FnOnce(&str) -> Result<(Vec<u8>, Option<String>), Error>,
) -> Result<FileResult, Error> {
    let began = std::time::Instant::now();
    let mark = transcript::mark();
    let (output, ended) = run(&mark)?;
    let mut result = Transcript::read(&output, &mark).into_result(file, board, current, ended);
    result.milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with(outcomes: &[Outcome], problem: Option<&str>) -> FileResult {
        let tests = outcomes.iter().map(|outcome| TestResult {
            name: "test".to_owned(),
            outcome: *outcome,
            milliseconds: 0,
            message: String::new(),
            traceback: String::new(),
            place: None,
            output: String::new(),
        });
        FileResult {
            file: PathBuf::from("test_a.py"),
            board: "1.29".to_owned(),
            tests: tests.collect(),
            problem: problem.map(str::to_owned),
            skipped: None,
            output: String::new(),
            milliseconds: 0,
        }
    }

    #[test]
    fn a_pattern_is_a_part_of_the_name_of_file_class_and_test() {
        let check = |pattern: &str, expected: &str| {
            let sent = pattern_for(pattern, Path::new("Tests/test_a.py"));
            assert_eq!(sent, expected, "{pattern}");
        };
        // A part of the file's name selects all tests of the file.
        check("", "");
        check("test_a", "");
        check("TESTS/TEST_A.PY", "");
        // Anything else is for the board to compare.
        check("TestPins::", "testpins::");
        check("::test_one", "::test_one");
        check("test_b.py", "test_b.py");
        // A pattern over both: the end of the file's name, and the beginning of the test's.
        check("test_a.py::TestPins::test_one", "::testpins::test_one");
        check("a.py::", "::");
        check("test_b.py::test_one", "test_b.py::test_one");
        // A class whose name ends as the file's does.
        check("py::test_one", "py::test_one");
    }

    #[test]
    fn the_program_of_a_file_quotes_all_that_it_passes_on() {
        let file = TestFile {
            path: PathBuf::from("it's/test_a.py"),
            module: "test_a".to_owned(),
        };
        let options = TestOptions {
            pattern: "x'y".to_owned(),
            ..TestOptions::default()
        };
        let folders = ["a'b".to_owned(), "c".to_owned()];
        let program = program("RUNNER", &file, "\x1em ", &options, &folders, true);
        assert_eq!(
            program,
            "import sys\nsys.path[:0]=[\"a'b\",'c']\nRUNNER\n_piton('\\x1em ','test_a',\"x'y\",True)\n"
        );
    }

    #[test]
    fn results_are_counted_by_what_a_person_has_to_look_at() {
        use Outcome::{Failed, Passed, Skipped, Xfailed, Xpassed};
        let files = [
            file_with(&[Passed, Passed, Skipped, Xfailed], None),
            file_with(&[Failed, Xpassed], Some("timed out")),
            FileResult {
                skipped: Some("no pins".to_owned()),
                ..file_with(&[], None)
            },
        ];
        let counts = Counts::of(&files);
        assert_eq!(
            counts,
            Counts {
                files: 3,
                passed: 2,
                // One passed against the expectation.
                failed: 2,
                // A test and a file.
                skipped: 2,
                xfailed: 1,
                errors: 1,
            }
        );
        assert_eq!((counts.tests(), counts.has_failures()), (7, true));
        let ok: Vec<bool> = files.iter().map(FileResult::is_ok).collect();
        assert_eq!(ok, [true, false, true]);
        assert!(!Counts::of([&files[0], &files[2]]).has_failures());
        assert!(Counts::of([&file_with(&[], Some("the board ended"))]).has_failures());
        assert!(!file_with(&[Xpassed], None).is_ok());
    }

    #[test]
    fn a_unittest_of_the_project_replaces_that_of_piton() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let folders = [at("none"), at("lib")];
        assert!(!has_unittest(&folders));
        std::fs::create_dir_all(at("lib/unittest")).unwrap();
        assert!(!has_unittest(&folders), "a folder alone is not a package");
        std::fs::write(at("lib/unittest/__init__.mpy"), "").unwrap();
        assert!(has_unittest(&folders));
        assert!(!has_unittest(&folders[..1]));
    }

    #[test]
    fn the_runner_for_virtual_boards_is_bytecode() {
        let program = compiled_program();
        assert!(
            program.contains("a2b_base64('TQ"),
            "the first byte of a module is `M`"
        );
        assert!(!program.contains("BYTECODE"));
    }
}
