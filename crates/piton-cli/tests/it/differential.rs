//! The same command lines through mpremote and through our drop-in face, each on a fresh virtual board behind a pty:
//! stdout and exit code must be the same, and where a script may read stderr, that too.

use std::process::Command;
use std::sync::Arc;

use virtual_board::serve::PtyServer;

use crate::support::{Outcome, Sandbox, run, virtual_board, words};

/// One side: a command and the board that it talks to.
struct Side {
    sandbox: Sandbox,
    server: PtyServer,
    command: fn(&Sandbox) -> Command,
}

impl Side {
    fn new(command: fn(&Sandbox) -> Command) -> Side {
        let sandbox = Sandbox::new();
        sandbox.write("a.txt", "first\nsecond\n");
        sandbox.write("main.py", "import sys\nprint('main', 1 + 1)\n");
        sandbox.write("fails.py", "def f():\n    raise ValueError('no')\nf()\n");
        sandbox.write(
            "large.bin",
            (0..5000u32)
                .map(|byte| (byte * 7) as u8)
                .collect::<Vec<u8>>(),
        );
        std::fs::create_dir_all(sandbox.path().join("tree/sub")).unwrap();
        sandbox.write("tree/one.py", "one = 1\n");
        sandbox.write("tree/sub/two.py", "two = 2\n");
        Side {
            sandbox,
            server: virtual_board::serve::pty(Arc::new(virtual_board())).unwrap(),
            command,
        }
    }

    fn run(&self, line: &str) -> Outcome {
        let port = self.server.path().to_str().unwrap();
        let mut command = (self.command)(&self.sandbox);
        command
            .args(["connect", port])
            .args(words(&line.replace("PORT", port)));
        let mut outcome = run(command);
        let rename = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .replace(port, "PORT")
                .into_bytes()
        };
        outcome.stdout = rename(&outcome.stdout);
        outcome.stderr = rename(&outcome.stderr);
        outcome
    }
}

fn sides() -> [Side; 2] {
    let ours = |sandbox: &Sandbox| {
        let mut command = sandbox.piton();
        command.arg("mpremote");
        command
    };
    [Side::new(Sandbox::mpremote), Side::new(ours)]
}

/// Run the lines one after the other on both sides.
fn check(lines: &[&str]) {
    let [mpremote, ours] = sides();
    for line in lines {
        let expected = mpremote.run(line);
        let found = ours.run(line);
        assert_eq!(
            (found.stdout(), found.code),
            (expected.stdout(), expected.code),
            "`{line}`; stderr there: {:?}, here: {:?}",
            expected.stderr(),
            found.stderr()
        );
        compare_messages(line, &found, &expected);
    }
}

/// The first part of stderr must be mpremote's, where mpremote has a message at all; hints are ours.
fn compare_messages(line: &str, found: &Outcome, expected: &Outcome) {
    let expected = expected.stderr();
    if expected.contains("Traceback (most recent call last)") {
        assert!(
            found.stderr().starts_with("mpremote: "),
            "`{line}`: {}",
            found.stderr()
        );
        return;
    }
    let found = found.stderr();
    let message = found.split("\nhint: ").next().unwrap();
    assert_eq!(message.trim_end(), expected.trim_end(), "`{line}`");
}

#[test]
fn programs() {
    check(&[
        "eval 1+1",
        "eval 1/2 eval 3/4",
        "eval '\"caf\\u00e9 \\u2713\"'",
        "exec 'x = 5' eval x",
        "resume eval x",
        "eval x",
        "exec 'x = 6' resume eval x soft-reset eval x",
        "exec 'print(1, 2, end=\"\")' exec 'print(3)'",
        "exec 'import sys; sys.stdout.buffer.write(bytes(range(5, 128)))'",
        "exec 'print(\"x\" * 5000)'",
        "exec '1/0'",
        "exec 'if'",
        "exec 'raise OSError(2)' eval 1",
        "exec 'import sys; sys.exit(3)'",
        "exec 'import sys; sys.exit(3)' eval 4",
        "exec ''",
        "exec '# nothing'",
        "exec 'raise SystemExit'",
        "run main.py",
        "run fails.py run main.py",
        "run missing.py",
        "exec --no-follow 'y = 7'",
        "resume eval y",
        "eval 1 + eval 2",
        "eval 1 frobnicate",
        "sleep 0.01 eval 1",
        "eval 1 disconnect",
        "exec 'z = 1' disconnect connect PORT exec 'print(\"z\" in globals())'",
        "exec 'z = 2' disconnect resume connect PORT eval z",
        "exec 'z = 3' resume connect PORT exec 'print(\"z\" in globals())'",
    ]);
}

#[test]
fn files() {
    check(&[
        "ls",
        "ls :",
        "fs ls /",
        "cp a.txt :",
        "cp a.txt :",
        "cp -f a.txt :",
        "cp a.txt :b.txt + ls",
        "cp a.txt main.py :",
        "ls --no-verbose",
        "sha256sum a.txt main.py",
        "fs md5sum a.txt",
        "fs sha1sum :a.txt",
        "cp :a.txt back.txt",
        "cp :a.txt :c.txt + sha256sum c.txt",
        "mkdir lib",
        "mkdir lib",
        "cp a.txt :lib",
        "cp a.txt :lib/",
        "cp a.txt :nowhere/",
        "cp a.txt main.py :nowhere",
        "cp a.txt main.py :b.txt",
        "cp a.txt :nowhere/deep.txt",
        "cp :a.txt :lib",
        "cp large.bin : + sha256sum large.bin",
        "cp :large.bin back.bin",
        "ls :lib lib",
        "ls nowhere",
        "tree",
        "tree :lib",
        "tree -s",
        "tree -h -v",
        "tree nowhere",
        "tree a.txt",
        "touch new.txt + ls",
        "touch new.txt + touch lib/new.txt",
        "touch nowhere/x",
        "rmdir lib",
        "rm lib/a.txt lib/new.txt",
        "rmdir :lib",
        "rmdir lib",
        "rm nowhere",
        "rm a.txt b.txt -v",
        "cat nowhere",
        "cat -v nowhere",
        "cp :nowhere .",
        "cp a.txt",
        "cp tree :",
        "cp -r tree :",
        "cp -r tree :copy",
        "tree -h",
        "cp -r :tree back",
        "rm -rv tree",
        "rm -r copy",
        "rm -r nowhere",
        "cp -r a.txt :file",
        "df",
        "ls",
    ]);
    // What came back is what was sent.
    let [mpremote, ours] = sides();
    for side in [mpremote, ours] {
        side.run("cp large.bin : + cp :large.bin back.bin");
        assert_eq!(
            side.sandbox.read("back.bin"),
            side.sandbox.read("large.bin")
        );
    }
}

#[test]
fn files_are_printed_byte_by_byte_the_same() {
    // mpremote prints text with the line ends of a terminal, and stops at the first byte that is not text.
    let [mpremote, ours] = sides();
    for side in [&mpremote, &ours] {
        side.run("cp a.txt large.bin :");
    }
    assert_eq!(mpremote.run("cat a.txt").stdout(), "first\r\nsecond\r\n");
    assert_eq!(ours.run("cat a.txt").stdout(), "first\nsecond\n");
    assert_eq!(mpremote.run("cat large.bin").code, Some(1));
    let port = ours.server.path().to_str().unwrap();
    let outcome = ours
        .sandbox
        .run_words(&["connect", port, "cat", "large.bin"]);
    assert_eq!(outcome.stdout, ours.sandbox.read("large.bin"));
}

#[test]
fn connections_that_fail() {
    let sandbox = Sandbox::new();
    for line in [
        "connect list",
        "devs",
        "eval 1",
        "connect id:nobody",
        "connect auto",
        "version",
        "frobnicate",
        "resume frobnicate",
    ] {
        let mut mpremote = sandbox.mpremote();
        mpremote.args(words(line));
        let expected = run(mpremote);
        let found = sandbox.run(&format!("mpremote {line}"));
        assert_eq!(
            (found.stdout(), found.code),
            (expected.stdout(), expected.code),
            "`{line}`"
        );
        compare_messages(line, &found, &expected);
    }
}
