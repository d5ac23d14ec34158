//! The same lines through belay and through our drop-in face, each with a fresh virtual board behind a pty and a folder of its own: output, exit code,
//! and the files on the board and here must be the same. What differs on purpose is listed in `docs/belay.md`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use virtual_board::serve::PtyServer;
use virtual_board::{BoardOptions, Flash, VirtualBoard};

use crate::support::{Sandbox, run, words};

/// A folder with a project and what is to be copied, and a board.
struct Side {
    sandbox: Sandbox,
    board: PtyServer,
}

/// Belay, which runs line after line.
struct Belay {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Belay {
    fn start(sandbox: &Sandbox) -> Belay {
        let mut command = test_programs::belay_python();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/belay_lines.py");
        let mut child = command
            .arg(script)
            .current_dir(sandbox.path())
            .env("HOME", sandbox.path().with_file_name("home"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Belay { child, answers }
    }

    fn run(&mut self, words: &[String]) -> (i32, String) {
        let mut line = serde_json::to_vec(words).unwrap();
        line.push(b'\n');
        self.child.stdin.as_mut().unwrap().write_all(&line).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Belay {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

impl Side {
    fn new() -> Side {
        let sandbox = Sandbox::new();
        for (name, text) in [
            ("hello.py", "import sys\nprint('hello', 1 + 1)\n"),
            (
                "fails.py",
                "def f():\n    raise ValueError('no')\nprint('before')\nf()\n",
            ),
            ("tree/one.py", "one = 1  # a number\n"),
            ("tree/data/two.txt", "two\n"),
            ("tree/old.pyc", "x"),
            ("tree/__pycache__/x.txt", "x"),
            ("tree/lib/three.py", "three = 3\n"),
            (
                "existing/pyproject.toml",
                "[project]\nname = \"x\" # mine\n\n[tool.ruff]\nline-length = 99\n",
            ),
            (
                "paths/pyproject.toml",
                "[tool.pytest.ini_options]\npythonpath = \"src\"\n",
            ),
            (
                "lists/pyproject.toml",
                "[tool.pytest.ini_options]\npythonpath = [\"src\", \"lib\"]\n",
            ),
            ("broken/pyproject.toml", "x = [\n"),
        ] {
            let path = sandbox.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let flash = flash_of(&sandbox);
        std::fs::create_dir(&flash).unwrap();
        std::fs::write(flash.join("boot.py"), "\n").unwrap();
        std::fs::write(flash.join("before.txt"), "before").unwrap();
        let options = BoardOptions {
            flash: Flash::Directory(flash),
            ..BoardOptions::default()
        };
        let board = VirtualBoard::start(crate::support::image(), options).unwrap();
        let board = virtual_board::serve::pty(Arc::new(board)).unwrap();
        Side { sandbox, board }
    }

    fn words(&self, line: &str) -> Vec<String> {
        words(&line.replace("PORT", self.board.path().to_str().unwrap()))
    }

    /// All files on the board, and all here.
    fn files(&self) -> [BTreeMap<PathBuf, String>; 2] {
        [flash_of(&self.sandbox), self.sandbox.path()].map(|folder| {
            let mut files = BTreeMap::new();
            collect_files(&folder, Path::new(""), &mut files);
            files
        })
    }
}

fn flash_of(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().with_file_name("flash")
}

fn collect_files(root: &Path, below: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect_files(root, &path, files);
            files.insert(path, String::new());
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let text = match path.file_name().unwrap().to_str().unwrap() {
            // Belay's template imports `Pin`, and does not use it.
            "main.py" => "main.py\n".to_owned(),
            // Belay puts no empty line in front of a table.
            "pyproject.toml" => match toml_edit::de::from_str::<serde_json::Value>(&text) {
                Ok(tables) => tables.to_string(),
                Err(_) => text,
            },
            _ => text,
        };
        files.insert(path, text);
    }
}

/// Runs the lines one after the other on both sides. A line that begins with `1:` ends with 1 here, and with 0 in Belay.
fn check(lines: &[&str]) {
    let (there, here) = (Side::new(), Side::new());
    let mut belay = Belay::start(&there.sandbox);
    for line in lines {
        let (line, is_mended) = match line.strip_prefix("1:") {
            Some(line) => (line, true),
            None => (*line, false),
        };
        let (expected_code, expected) = belay.run(&there.words(line));
        let mut command: Command = here.sandbox.piton();
        command.arg("belay").args(here.words(line));
        let outcome = run(command);
        let code = if is_mended { 1 } else { expected_code };
        assert_eq!(
            (outcome.code, normal(&outcome.stdout(), &here)),
            (Some(code), normal(&expected, &there)),
            "`{line}`; stderr here: {}",
            outcome.stderr()
        );
        assert!(
            !is_mended || expected_code == 0,
            "`{line}` ends with {expected_code} in Belay"
        );
        for ((found, expected), place) in
            std::iter::zip(here.files(), there.files()).zip(["board", "host"])
        {
            assert_eq!(found, expected, "after `{line}`, files on the {place}");
        }
    }
}

/// Replaces what differs by design or by place.
fn normal(text: &str, side: &Side) -> String {
    let folder = side.sandbox.path();
    let text = text
        .replace("\r\n", "\n")
        .replace(side.board.path().to_str().unwrap(), "PORT")
        .replace(folder.parent().unwrap().to_str().unwrap(), "FOLDER")
        .replace("home/.cache/belay", "CACHE");
    let lines = text.lines().filter_map(|line| {
        // Empty lines are around Belay's tracebacks; a line of the source is in ours. A bar ends Belay's progress.
        let line = line.split(" \u{2501}").next().unwrap_or_default();
        (!line.is_empty() && !line.starts_with("    ")).then_some(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn lines_for_a_board_do_what_belay_does() {
    check(&[
        "exec PORT print('a')",
        "exec --port PORT --statement 'print(Pin, const, sleep)'",
        "exec PORT '  x = 1'",
        "exec PORT 1+1",
        "1:exec PORT 1/0",
        "1:exec PORT 'x ='",
        "run PORT hello.py",
        "run --file hello.py PORT",
        "run PORT none.py",
        "sync PORT tree",
        "sync PORT tree",
        "sync PORT tree --dst /app --ignore '*.txt' --ignore lib --keep none",
        "sync PORT hello.py --dst /app",
        "sync PORT tree --empty-keep --empty-ignore",
        "sync PORT none",
        "sync PORT tree --dst app",
        "info /dev/none",
        "latency PORT -c x",
    ]);
}

#[test]
fn lines_for_a_folder_do_what_belay_does() {
    check(&[
        "--version",
        "-v",
        "new lamp",
        "new lamp",
        "init --path deep/My.Other_Lamp",
        "new existing",
        "new existing",
        "new paths",
        "init lists",
        "new broken",
        "new",
        "nonsense",
        "new a b",
        "info",
        "exec PORT",
        "info PORT more",
        "info --prot PORT",
        "cache clear",
        "cache clear x --all",
        "cache clear x",
        "cache list",
        "cache nonsense",
    ]);
}
