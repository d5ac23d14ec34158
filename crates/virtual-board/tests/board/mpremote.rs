//! A third-party client on the board's pseudo-terminal.
#![cfg(unix)]

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use crate::support::start;
use virtual_board::{BoardOptions, serve};

struct Served {
    server: serve::PtyServer,
    folder: tempfile::TempDir,
}

impl Served {
    fn new() -> Served {
        let board = Arc::new(start(BoardOptions::default()));
        let server = serve::pty(board).expect("a pty");
        let folder = tempfile::tempdir().expect("a folder");
        Served { server, folder }
    }

    fn file(&self, name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = test_programs::mpremote();
        command
            .current_dir(self.folder.path())
            .args(["connect"])
            .arg(self.server.path());
        command.args(args).output().expect("mpremote runs")
    }

    /// Run `mpremote`, which must succeed: its output.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{args:?}: {} {}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout).replace("\r\n", "\n")
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn eval_exec_and_run() {
    let served = Served::new();
    assert_eq!(served.ok(&["eval", "1+1"]), "2\n");
    assert_eq!(
        served.ok(&["exec", "for i in range(3): print(i)"]),
        "0\n1\n2\n"
    );
    let script = served.file("script.py", b"import sys\nprint(sys.implementation.name)\n");
    assert_eq!(served.ok(&["run", path(&script)]), "micropython\n");
    let failed = served.run(&["exec", "1/0"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stdout).contains("ZeroDivisionError"));
}

#[test]
fn files() {
    let served = Served::new();
    let content: Vec<u8> = (0..20_000_u32).map(|n| (n * 7 % 256) as u8).collect();
    let local = served.file("data.bin", &content);
    served.ok(&["fs", "cp", path(&local), ":data.bin"]);
    served.ok(&[
        "fs",
        "mkdir",
        ":lib",
        "+",
        "fs",
        "cp",
        path(&local),
        ":lib/copy.bin",
    ]);
    assert_eq!(
        served.ok(&["fs", "ls"]),
        "ls :\n       20000 data.bin\n           0 lib/\n"
    );
    let back = served.folder.path().join("back.bin");
    served.ok(&["fs", "cp", ":lib/copy.bin", path(&back)]);
    assert_eq!(std::fs::read(back).expect("the copy"), content);
    let sums = (
        served.ok(&["fs", "sha256sum", ":data.bin"]),
        served.ok(&["fs", "sha256sum", ":lib/copy.bin"]),
    );
    assert_eq!(sums.0.lines().last(), sums.1.lines().last());
    insta::assert_snapshot!(served.ok(&["fs", "tree"]));
    assert!(
        served.ok(&["df"]).contains("2097152"),
        "{}",
        served.ok(&["df"])
    );
    served.ok(&["fs", "rm", "-r", ":lib"]);
    assert_eq!(served.ok(&["fs", "ls"]), "ls :\n       20000 data.bin\n");
}

#[test]
fn mount_and_soft_reset() {
    let served = Served::new();
    served.file("hostmodule.py", b"def answer():\n    return 42\n");
    let mounted = "import hostmodule; print(hostmodule.answer()); f = open('new.txt', 'w'); f.write('hi'); f.close()";
    let output = served.ok(&["mount", ".", "exec", mounted]);
    assert!(output.contains("42\n"), "{output}");
    let written = std::fs::read(served.folder.path().join("new.txt"));
    assert_eq!(written.expect("written through the mount"), b"hi");
    served.ok(&["exec", "x = 1"]);
    assert_eq!(
        served.ok(&["resume", "exec", "print('x' in dir())"]),
        "True\n"
    );
    served.ok(&["soft-reset"]);
    assert_eq!(
        served.ok(&["resume", "exec", "print('x' in dir())"]),
        "False\n"
    );
}
