//! Names that would steer a terminal, wherever they come from: none reaches a terminal raw.

use std::process::Command;
use std::sync::Arc;

use crate::support::{Sandbox, run, virtual_board};
use crate::terminal::Terminal;

/// ESC, BEL, BS, CR, C1's CSI, and the characters that turn the order of text round or are not seen.
const STEERING: &[char] = &[
    '\x1b', '\x07', '\x08', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}',
];

/// A name with all of them; as Python source, and as it is shown.
const NAME: &str = "a\x1b[31m\x07\x08\r\u{9b}2J\u{202e}\u{2066}\u{200b}z";
const IN_PYTHON: &str = "'a\\x1b[31m\\x07\\x08\\r\\x9b2J\\u202e\\u2066\\u200bz'";
const SHOWN: &str = "a\\x1b[31m\\x07\\x08\\r\\x9b2J\\u202e\\u2066\\u200bz";

fn command(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.piton();
    command.args(words);
    command
}

/// What a person sees of a command that works.
#[track_caller]
fn shown(sandbox: &Sandbox, words: &[&str]) -> String {
    let mut terminal = Terminal::start(command(sandbox, words));
    terminal.wait_for_end();
    // The end of the output may be on its way still.
    std::thread::sleep(std::time::Duration::from_millis(100));
    terminal.shown()
}

#[track_caller]
fn check(shown: &str, words: &[&str]) {
    // Our own line ends and what takes a progress bar away.
    let text = shown
        .replace("\r\n", "\n")
        .replace("\r\x1b[K", "")
        .replace("\r\x1b[2K", "");
    for letter in STEERING {
        assert!(!text.contains(*letter), "{words:?}: {letter:?} in {text:?}");
    }
    assert!(text.contains(SHOWN), "{words:?}: {text:?}");
}

#[test]
fn names_on_the_board_are_escaped_on_a_terminal() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap().to_owned();
    let make = format!(
        "import os\nos.mkdir('d')\nfor name in ({IN_PYTHON},'d/'+{IN_PYTHON}):\n open(name,'w').write('x')"
    );
    assert_eq!(
        run(command(&sandbox, &["connect", &port, "exec", &make])).code,
        Some(0)
    );
    std::fs::create_dir(sandbox.path().join("none")).unwrap();
    let there = format!(":{NAME}");
    let below = format!(":d/{NAME}");
    let other = format!(":d/{NAME}2");
    for words in [
        &["ls", ":"][..],
        &["tree", ":"],
        &["sha256sum", &there],
        &["ls", &format!(":{NAME}/no")],
        &["cp", &there, &format!("here{NAME}")],
        &["cp", &format!("here{NAME}"), &below],
        &["cp", &there, &other],
        &["mv", &other, &format!(":d/{NAME}3")],
        &["sync", "-n", ":d", "down"],
        &["sync", ":d", "down"],
        &["sync", "-n", "down", ":up"],
        &["sync", "down", ":up"],
        &["sync", "--delete", "none", ":d"],
        &["rm", &there],
        &["rm", "-rv", ":up"],
        // What is not there.
        &["rm", &there],
        &["cat", &there],
    ] {
        let line = [&["connect", &port, "resume"], words].concat();
        check(&shown(&sandbox, &line), words);
    }
}

#[test]
fn a_pipe_gets_names_as_they_are_and_json_and_stderr_escape_them() {
    let sandbox = Sandbox::new();
    let make = format!("open({IN_PYTHON},'w').close()");
    let line = ["connect", "virtual", "exec", &make, "resume"];
    let outcome = run(command(&sandbox, &[&line[..], &["ls", ":"]].concat()));
    assert_eq!(outcome.stdout(), format!("ls :\n           0 {NAME}\n"));

    let outcome = run(command(
        &sandbox,
        &[&["--json"], &line[..], &["ls"]].concat(),
    ));
    let text = outcome.stdout();
    assert!(
        text.contains(r"\u001b[31m\u0007\b\r\u009b2J\u202e\u2066\u200bz"),
        "{text}"
    );

    let missing = format!(":{NAME}/x");
    let outcome = run(command(&sandbox, &["connect", "virtual", "cat", &missing]));
    let text = outcome.stderr();
    assert!(text.contains(SHOWN) && !text.contains(STEERING), "{text:?}");
}

#[test]
fn names_in_files_are_escaped_on_a_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", "def f():\n return 1\n");
    let embed = ["compile", "--embed-name", NAME, "a.py"];
    assert_eq!(run(command(&sandbox, &embed)).code, Some(0));
    for words in [&["inspect", "a.mpy"][..], &["inspect", "--hex", "a.mpy"]] {
        let text = shown(&sandbox, words).replace("\r\n", "\n");
        assert!(!text.contains(STEERING), "{words:?}: {text:?}");
    }
    std::fs::create_dir(sandbox.path().join("src")).unwrap();
    sandbox.write(&format!("src/{NAME}.py"), "x = (\n");
    sandbox.write("src/main.py", "x = 1\n");
    let outcome = run(command(&sandbox, &["build"]));
    let text = outcome.stderr();
    assert!(
        text.contains("\\x9b2J") && !text.contains(STEERING),
        "{text:?}"
    );
}
