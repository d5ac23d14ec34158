//! `edit`: files of the board in an editor of this computer.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use virtual_board::VirtualBoard;

use crate::support::{Outcome, Sandbox, run, virtual_board, words};

struct Desk {
    sandbox: Sandbox,
    board: Arc<VirtualBoard>,
    server: virtual_board::serve::PtyServer,
}

impl Desk {
    fn new() -> Desk {
        let board = Arc::new(virtual_board());
        let server = virtual_board::serve::pty(Arc::clone(&board)).unwrap();
        Desk {
            sandbox: Sandbox::new(),
            board,
            server,
        }
    }

    /// Run a line with this shell script as the editor; the file is `$1`.
    fn run(&self, script: &str, line: &str) -> Outcome {
        let editor = self.sandbox.path().join("my editor");
        std::fs::write(&editor, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
        self.run_with(&[("EDITOR", "'./my editor' --wait")], line)
    }

    fn run_with(&self, variables: &[(&str, &str)], line: &str) -> Outcome {
        let mut command = self.sandbox.piton();
        command
            .env_remove("EDITOR")
            .env_remove("VISUAL")
            .env("TMPDIR", self.sandbox.path())
            .envs(variables.iter().copied());
        let line = words(line);
        let mut words = line.iter();
        if line.first().is_some_and(|word| word == "mpremote") {
            command.args(words.next());
        }
        command
            .args(["connect", self.server.path().to_str().unwrap(), "resume"])
            .args(words);
        run(command)
    }

    /// What stands in a file of the board.
    fn content(&self, name: &str) -> Vec<u8> {
        self.run_with(&[], &format!("cat {name}")).stdout
    }

    /// The temporary folders that are left.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.sandbox.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("piton-edit-"))
            .collect()
    }
}

/// What was said, and the exit code.
fn told(outcome: &Outcome) -> (Option<i32>, String, String) {
    (outcome.code, outcome.stdout(), outcome.stderr())
}

#[test]
fn a_file_is_changed() {
    let desk = Desk::new();
    // Any byte but line ends of another kind; the option of $EDITOR comes first, then the file.
    desk.sandbox.write("main.py", b"one\r\n\0\xff\x04");
    desk.run_with(&[], "cp main.py :main.py");
    let outcome = desk.run(
        "printf two >> \"$2\"; echo \"${2##*/} $1\"",
        "edit :main.py",
    );
    assert_eq!(
        told(&outcome),
        (
            Some(0),
            "edit :main.py\nmain.py --wait\n".into(),
            String::new()
        )
    );
    assert_eq!(desk.content("main.py"), b"one\r\n\0\xff\x04two");
    assert_eq!(desk.left(), [""; 0]);
}

#[test]
fn nothing_is_sent_when_nothing_changed() {
    let desk = Desk::new();
    desk.sandbox.write("main.py", b"one");
    desk.run_with(&[], "cp main.py :main.py");
    desk.run_with(
        &[],
        "exec 'import os; before = os.stat(\"main.py\")[8]; os.rename = None'",
    );
    // Without `os.rename` nothing could be put in place.
    assert_eq!(desk.run("true", "edit main.py").code, Some(0));
    assert_eq!(desk.run("true", "edit new.py").code, Some(0));
    assert_eq!(
        desk.run_with(&[], "--quiet ls").stdout(),
        "           3 main.py\n"
    );
    // mpremote makes the file first of all.
    assert_eq!(desk.run("true", "mpremote edit new.py").code, Some(0));
    assert_eq!(desk.content("new.py"), b"");
}

#[test]
fn several_files_and_new_ones() {
    let desk = Desk::new();
    let outcome = desk.run("echo text > \"$2\"", "edit one.py :lib.py + --quiet ls");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(desk.content("one.py"), b"text\n");
    assert_eq!(desk.content("lib.py"), b"text\n");
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    let desk = Desk::new();
    desk.sandbox.write("main.py", b"one");
    desk.run_with(&[], "cp main.py :main.py");
    let outcome = desk.run("echo two > \"$2\"; exit 3", "edit main.py edit.py");
    assert_eq!(
        told(&outcome),
        (
            Some(1),
            "edit :main.py\n".into(),
            "piton: edit: the editor `'./my editor' --wait` failed (exit status: 3); `:main.py` stays as it was\n"
                .into()
        )
    );
    assert_eq!(desk.content("main.py"), b"one");
    // mpremote goes on as if nothing had happened.
    let outcome = desk.run("exit 3", "mpremote edit main.py main.py");
    assert_eq!(
        told(&outcome),
        (
            Some(0),
            "edit :main.py\nedit :main.py\n".into(),
            String::new()
        )
    );
    let outcome = desk.run_with(&[("EDITOR", "no-such-editor")], "edit main.py");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().contains(
            "piton: edit: the editor `no-such-editor` failed (exit status: 127); `:main.py` stays as it was"
        ),
        "{}",
        outcome.stderr()
    );
    assert_eq!(desk.left(), [""; 0]);
}

#[test]
fn which_editor() {
    let desk = Desk::new();
    let outcome = desk.run_with(&[], "edit main.py");
    assert_eq!(
        told(&outcome),
        (
            Some(1),
            String::new(),
            "piton: edit: $EDITOR not set\n\nhint: set EDITOR or VISUAL to the editor's command\n"
                .into()
        )
    );
    let both = [("EDITOR", "printf editor >"), ("VISUAL", "printf visual >")];
    desk.run_with(&both, "edit a");
    desk.run_with(&both[1..], "edit b");
    assert_eq!(desk.content("a"), b"editor");
    assert_eq!(desk.content("b"), b"visual");
}

#[test]
fn an_edited_file_that_does_not_arrive_is_kept() {
    let desk = Desk::new();
    desk.sandbox.write("main.py", b"one");
    desk.run_with(&[], "cp main.py :main.py");
    desk.board
        .inject(&virtual_board::Fault::FlashFull { after_bytes: 0 });
    let outcome = desk.run("echo two > \"$2\"", "edit new.py");
    assert_eq!(outcome.code, Some(1));
    let left = desk.left();
    assert_eq!(left.len(), 1, "{}", outcome.stderr());
    let kept = desk.sandbox.path().join(&left[0]).join("new.py");
    assert_eq!(std::fs::read(&kept).unwrap(), b"two\n");
    let message = outcome.stderr();
    assert!(
        message.starts_with("piton: edit: new.py: No space left on device.\n\nhint: no space for `new.py` on the board"),
        "{message}"
    );
    let hint = format!("\nhint: the edited file is kept as `{}`\n", kept.display());
    assert!(message.ends_with(&hint), "{message}");
}

#[test]
fn ctrl_c_is_the_editors() {
    let desk = Desk::new();
    // An interrupt for both, as a terminal sends it: an editor takes it for one of its keys.
    let editor = "kill -INT $PPID; sleep 0.2; kill -INT $PPID; sleep 1; echo two >";
    let outcome = desk.run_with(&[("EDITOR", editor)], "edit main.py");
    assert_eq!(told(&outcome).2, "");
    assert_eq!(desk.content("main.py"), b"two\n");
}

#[test]
fn as_mpremote_does() {
    let outcomes = [false, true].map(|ours| {
        let desk = Desk::new();
        desk.sandbox.write("main.py", b"one\n");
        desk.run_with(&[], "cp main.py :main.py");
        let mut shown = Vec::new();
        // In the second line both take `eval` and `1` for files.
        for (editor, line) in [
            ("sed -i s/one/two/", "edit :main.py"),
            ("true", "edit main.py new.py"),
            ("false", "edit main.py eval 1"),
            ("false", "edit main.py + eval 1"),
            ("", "edit main.py"),
        ] {
            let mut command = if ours {
                let mut command = desk.sandbox.piton();
                command.arg("mpremote");
                command
            } else {
                desk.sandbox.mpremote()
            };
            command
                .args(["connect", desk.server.path().to_str().unwrap()])
                .args(words(line))
                .env("EDITOR", editor)
                .env_remove("VISUAL");
            let outcome = run(command);
            let message = outcome
                .stderr()
                .split("\n\nhint")
                .next()
                .unwrap()
                .to_owned();
            shown.push((
                line,
                outcome.code,
                outcome.stdout(),
                message.trim().to_owned(),
            ));
        }
        shown.push(("", None, desk.run_with(&[], "ls").stdout(), String::new()));
        shown
    });
    assert_eq!(outcomes[1], outcomes[0]);
}
