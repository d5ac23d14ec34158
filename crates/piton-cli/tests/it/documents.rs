//! What the documents show of the program's output is what it prints.

use crate::support::{Sandbox, run, words};

/// Returns the output that a document shows below a command line, up to the next one or the end of the block.
fn shown(document: &str, line: &str) -> String {
    let start = format!("$ {line}\n");
    let (_, rest) = document
        .split_once(&start)
        .unwrap_or_else(|| panic!("no line `{line}`"));
    let ends = |line: &&str| *line == "```" || line.starts_with("$ ");
    let lines = rest.lines().take_while(|line| !ends(line));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Replaces each number: sizes and times differ from run to run.
fn without_numbers(text: &str) -> String {
    let mut result = String::new();
    for part in text.split_inclusive(|letter: char| !letter.is_ascii_digit()) {
        let rest = part.trim_start_matches(|letter: char| letter.is_ascii_digit());
        if rest.len() < part.len() {
            result.push('0');
        }
        result.push_str(rest);
    }
    result
}

/// Checks that `document` shows what the command prints; `program_line` is what runs, where a board has to be named.
#[track_caller]
fn check(sandbox: &Sandbox, document: &str, line: &str, program_line: &str) {
    let mut command = sandbox.piton();
    let spaced = program_line.replace('"', "'");
    command.args(words(&spaced));
    command.env("PITON_CACHE_DIR", cache());
    let outcome = run(command);
    let printed = outcome.stderr() + &outcome.stdout().replace("\r\n", "\n");
    let printed: String = printed
        .lines()
        .filter(|line| !line.contains("the VM file is"))
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    let expected: String = shown(document, line)
        .lines()
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    assert!(!expected.is_empty(), "{line}");
    assert_eq!(
        without_numbers(&printed),
        without_numbers(&expected),
        "{line}"
    );
}

fn cache() -> std::path::PathBuf {
    test_programs::vm().ancestors().nth(3).unwrap().to_owned()
}

fn sandbox_with(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, content) in files {
        let path = sandbox.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    sandbox
}

#[test]
fn the_log_of_decisions() {
    let sandbox = sandbox_with(&[("main.py", "import machine\nprint(machine.freq())\n")]);
    let line = "piton -v connect virtual cp main.py :";
    check(
        &sandbox,
        include_str!("../../../../docs/cli.md"),
        line,
        "-v connect virtual cp main.py :",
    );
}

#[test]
fn compiling_a_folder() {
    let sandbox = sandbox_with(&[("src/a.py", "print(1)\n"), ("src/b.py", "print(2)\n")]);
    let line = "piton compile src --out-dir build";
    check(
        &sandbox,
        include_str!("../../../../docs/compile.md"),
        line,
        "compile src --out-dir build",
    );
}

#[test]
fn building_and_verifying() {
    let sandbox = sandbox_with(&[
        ("src/app.py", "import helper\n"),
        ("src/helper.py", "x = 1\n"),
        ("src/main.py", "import app\n"),
        (
            "pyproject.toml",
            "[project]\nname = \"app\"\nversion = \"1.2.0\"\n",
        ),
    ]);
    let document = include_str!("../../../../docs/build.md");
    check(&sandbox, document, "piton build", "build");
    check(&sandbox, document, "piton verify", "verify");
}

#[test]
fn first_steps() {
    let document = include_str!("../../../../docs/first-steps.md");
    let program = document.split_once("```python\n").unwrap().1;
    let program = program.split_once("```").unwrap().0;
    let sandbox = sandbox_with(&[("hello.py", program), ("board/boot.py", "")]);
    std::fs::remove_file(sandbox.path().join("board/boot.py")).unwrap();
    for line in [
        "connect virtual eval \"6 * 7\"",
        "connect virtual run hello.py",
        "connect virtual:board cp hello.py :main.py",
        "connect virtual:board ls",
    ] {
        check(&sandbox, document, &format!("piton {line}"), line);
    }
}

#[test]
fn an_image() {
    let sandbox = sandbox_with(&[
        ("app/main.py", "import helper\n"),
        ("app/lib/helper.py", "x = 1\n"),
    ]);
    let document = include_str!("../../../../docs/romfs.md");
    check(
        &sandbox,
        document,
        "piton romfs build app",
        "romfs build app",
    );
}

#[test]
fn the_plan_of_a_sync() {
    let sandbox = sandbox_with(&[
        ("app/main.py", "import lib.helper\n"),
        ("app/lib/helper.py", "x = 1\n"),
        ("board/main.py", "print('before')\n"),
        ("board/old.py", ""),
    ]);
    let line = "connect virtual:board sync -n --delete app";
    check(
        &sandbox,
        include_str!("../../../../docs/sync.md"),
        "piton sync -n --delete app",
        line,
    );
}

#[test]
fn a_network_of_the_virtual_board() {
    let sandbox = Sandbox::new();
    let line = "connect virtual exec \"import network; w = network.WLAN(); w.active(True); print(w.scan()[0][0])\"";
    let document = include_str!("../../../../docs/virtual-board.md");
    check(&sandbox, document, &format!("piton {line}"), line);
}
