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

/// What is copied, and projects that exist.
const FILES: &[(&str, &str)] = &[
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
];

/// A project with packages of this computer.
const PROJECT: &[(&str, &str)] = &[
    (
        "pyproject.toml",
        "[tool.belay]\nname = \"app\"\n\n[tool.belay.dependencies]\npathlib = \"./libs/pathlib.py\"\nos = \"libs/os\"\n\
         both = [\"./libs/a.py\", \"./libs/b.py\"]\n\n[tool.belay.group.test.dependencies]\n\
         unit = { uri = \"./libs/unit.py\", rename_to_init = false }\n\n[tool.belay.group.extra]\noptional = true\n\n\
         [tool.belay.group.extra.dependencies]\nmore = \"./libs/more.py\"\n",
    ),
    ("libs/pathlib.py", "path = 1\n"),
    ("libs/os/__init__.py", "name = 2\n"),
    ("libs/os/deep/path.py", "deep = 3\n"),
    ("libs/a.py", "a = 4\n"),
    ("libs/b.py", "b = 5\n"),
    ("libs/unit.py", "unit = 6\n"),
    ("libs/more.py", "more = 7\n"),
    ("libs/new_one.py", "new = 8\n"),
    ("app/__init__.py", "app = 9\n"),
    ("app/data.txt", "data\n"),
    (
        "hello.py",
        "import app\nfrom both import a\nprint('hello', app.app, a.a)\n",
    ),
    ("start.py", "print('started')\n"),
];

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
    fn new(files: &[(&str, &str)]) -> Side {
        let sandbox = Sandbox::new();
        for (name, text) in files {
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
            let count = files.len();
            collect_files(root, &path, files);
            // Belay makes the folder of a package before it looks for the package.
            if files.len() > count || !path.starts_with(".belay") {
                files.insert(path, String::new());
            }
            continue;
        }
        // Belay has no lock.
        if path == Path::new("piton.lock") {
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

/// Runs the lines one after the other on both sides. A line that begins with `$` is one of the shell. A line that begins with `1:` ends with 1 here, and with 0 in Belay.
fn check(files: &[(&str, &str)], lines: &[&str]) {
    let (there, here) = (Side::new(files), Side::new(files));
    let mut belay = Belay::start(&there.sandbox);
    for line in lines {
        if let Some(line) = line.strip_prefix("$ ") {
            for side in [&there, &here] {
                let mut shell = Command::new("sh");
                let status = shell
                    .current_dir(side.sandbox.path())
                    .args(["-ec", line])
                    .status();
                assert!(status.unwrap().success(), "{line}");
            }
            continue;
        }
        let (line, is_mended) = match line.strip_prefix("1:") {
            Some(line) => (line, true),
            None => (*line, false),
        };
        let (expected_code, expected) = belay.run(&there.words(line));
        let mut command: Command = here.sandbox.piton();
        if line.starts_with("cache") {
            let home = here.sandbox.path().with_file_name("home");
            command.env("PITON_CACHE_DIR", home.join(".cache/piton"));
        }
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
        .replace("home/.cache/belay", "CACHE")
        .replace("home/.cache/piton/packages", "CACHE")
        // The question is on stderr here.
        .replace("Clear these caches? [y/N]: ", "");
    let lines = text.lines().filter_map(|line| {
        // Empty lines are around Belay's tracebacks; a line of the source is in ours. A bar ends Belay's progress.
        let line = line
            .split(" \u{2501}")
            .next()
            .unwrap_or_default()
            .trim_end();
        (!line.is_empty() && !line.starts_with("    ")).then_some(line)
    });
    let mut lines: Vec<&str> = lines.collect();
    // Belay lists its cache as the system does.
    if text.contains("git-") {
        lines.sort_unstable();
    }
    lines.join("\n")
}

#[test]
fn lines_for_a_board_do_what_belay_does() {
    check(
        FILES,
        &[
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
        ],
    );
}

#[test]
fn lines_for_a_folder_do_what_belay_does() {
    check(
        FILES,
        &[
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
            "cache nonsense",
        ],
    );
}

#[test]
fn the_cache_is_listed_and_cleared() {
    let names = ["git-a/deep/x", "git-b/y", "other.json"];
    let mut files = Vec::new();
    for cache in ["belay", "piton/packages"] {
        files.extend(names.map(|name| format!("../home/.cache/{cache}/{name}")));
    }
    let text = "12345".repeat(2000);
    let files = files.iter().map(|path| (path.as_str(), text.as_str()));
    let files: Vec<(&str, &str)> = files.collect();
    check(
        &files,
        &[
            "cache list",
            "cache info",
            "cache clear x",
            "cache clear git",
            "cache clear --all",
            "cache list",
            "cache clear --yes git-a",
            "cache list",
            "cache clear -a -y",
            "cache list",
            "cache clear --all --yes",
        ],
    );
}

#[test]
fn lines_for_a_project_do_what_belay_does() {
    check(
        PROJECT,
        &[
            "update",
            "update",
            "$ echo 'path = 10' > libs/pathlib.py",
            "update pathlib nothing",
            "run sh -c 'cd \"${MICROPYPATH#.:}\"; find . -type f | sort; cat pathlib/__init__.py'",
            "run sh -c 'exit 7'",
            "run sh -c 'kill -9 $$'",
            "add ./libs/new_one.py",
            "add ./libs/new_one.py",
            "add named ./libs/new_one.py --group test --no-rename-to-init",
            "add other --uri libs/new_one.py --group fresh",
            "add 1x ./libs/new_one.py",
            "add ./libs/none.py",
            "$ rm -rf .belay/dependencies/main/none",
            "add --develop mip:x",
            "$ mkdir libs/own; echo 'a = 1' > libs/own/a.py; echo 'b = 1' > libs/own/b.py",
            "add dev ./libs/own --develop",
            "update dev",
            "$ echo 'a = 2' > libs/own/a.py; rm libs/own/b.py",
            "update dev",
            "$ sed -i /dev/d pyproject.toml",
            "clean",
            "install PORT",
            "install PORT --with extra --main start.py",
            "install --run hello.py --port PORT",
            "install PORT --main libs/os",
            "$ sed -i /both/d pyproject.toml",
            "clean",
            "$ sed -i /fresh/,+1d pyproject.toml",
            "clean",
            "install PORT",
        ],
    );
}

#[test]
fn a_folder_of_dependencies_is_enough() {
    check(
        PROJECT,
        &[
            // As it is committed with an older project, with no source at hand.
            "$ mkdir -p .belay/dependencies/main/pathlib .belay/dependencies/test/unit",
            "$ echo 'path = 1' > .belay/dependencies/main/pathlib/__init__.py",
            "$ echo 'unit = 1' > .belay/dependencies/test/unit/unit.py",
            "$ rm -r libs",
            "run sh -c 'cd \"${MICROPYPATH#.:}\"; find . -type f | sort'",
            "install PORT",
            "clean",
        ],
    );
}

#[test]
fn the_main_program_runs_on_after_an_installation() {
    let side = Side::new(PROJECT);
    let program = "import time\ntime.sleep(0.5)\nopen('/started', 'w').close()\n";
    side.sandbox.write("start.py", program);
    let mut command = side.sandbox.piton();
    command.arg("belay");
    command.args(side.words("install PORT --main start.py"));
    let outcome = run(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let started = flash_of(&side.sandbox).join("started");
    let start = std::time::Instant::now();
    while !started.exists() {
        assert!(
            start.elapsed() < crate::support::WATCHDOG,
            "it did not run on"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn micropython_need_not_be_installed() {
    let side = Side::new(PROJECT);
    for line in [
        "belay update",
        "belay run micropython -c 'import unit.unit; print(unit.unit.unit)'",
    ] {
        let mut command = side.sandbox.piton();
        command.args(words(line)).env("PATH", "");
        let outcome = run(command);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        if line.contains("micropython") {
            assert_eq!(outcome.stdout(), "6\n");
        }
    }
}
