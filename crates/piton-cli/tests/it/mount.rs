//! `mount` and `umount`.

use crate::support::{Sandbox, words};

/// Run these words on a fresh virtual board: exit code and stdout.
#[track_caller]
fn check(sandbox: &Sandbox, line: &[&str], code: i32, stdout: &str) {
    let outcome = sandbox.run_words(&[&["connect", "virtual"], line].concat());
    assert_eq!(
        (outcome.code, outcome.stdout().as_str()),
        (Some(code), stdout),
        "{line:?}: {}",
        outcome.stderr()
    );
}

const MOUNTED: &str = "Local directory . is mounted at /remote\n";

#[test]
fn programs_use_the_mounted_folder() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "greeting.py",
        "def greet():\n    print('hello', __name__)\n",
    );
    sandbox.write("main.py", "import greeting\ngreeting.greet()\n");
    let code = "import greeting; greeting.greet()";
    check(
        &sandbox,
        &["mount", ".", "exec", code, "run", "main.py"],
        0,
        &format!("{MOUNTED}hello greeting\r\nhello greeting\r\n"),
    );
    let code = "with open('out', 'w') as f: f.write('x' * 3000)";
    check(
        &sandbox,
        &["mount", ".", "exec", code, "fs", "cat", "greeting.py"],
        0,
        &format!("{MOUNTED}def greet():\n    print('hello', __name__)\n"),
    );
    assert_eq!(sandbox.read("out"), b"x".repeat(3000));
    let code = "try: open('out', 'w')\nexcept OSError as e: print(e.errno)";
    check(
        &sandbox,
        &["mount", "--read-only", ".", "exec", code],
        0,
        &format!("{MOUNTED}30\r\n"),
    );
    assert_eq!(sandbox.read("out").len(), 3000);
}

#[test]
fn a_missing_folder_is_an_error() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("connect virtual mount missing exec 'print(1)'");
    assert_eq!((outcome.code, outcome.stdout().as_str()), (Some(1), ""));
    assert!(
        outcome
            .stderr()
            .starts_with("piton: could not mount `missing`: "),
        "{}",
        outcome.stderr()
    );
}

#[test]
fn what_a_program_prints_is_no_request() {
    let sandbox = Sandbox::new();
    let code = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 3 + b'\\x18')";
    let outcome = sandbox.run_words(&["connect", "virtual", "mount", ".", "exec", code]);
    let all = (0..=255).collect::<Vec<u8>>().repeat(3);
    assert_eq!(outcome.code, Some(0));
    assert_eq!(outcome.stdout, [MOUNTED.as_bytes(), &all, b"\x18"].concat());
}

#[test]
fn after_a_soft_reset_the_folder_is_there_again() {
    let sandbox = Sandbox::new();
    sandbox.write("x.py", "print('x')\n");
    check(
        &sandbox,
        &[
            "mount",
            ".",
            "soft-reset",
            "exec",
            "import x",
            "exec",
            "import sys; sys.exit()",
            "exec",
            "import x",
        ],
        0,
        &format!("{MOUNTED}x\r\nx\r\n"),
    );
}

#[test]
fn umount_takes_it_away() {
    let sandbox = Sandbox::new();
    sandbox.write("x.py", "");
    let after = "import os; print(os.getcwd(), 'remote' in os.listdir('/'))";
    check(
        &sandbox,
        &["mount", ".", "umount", "exec", after, "umount"],
        0,
        &format!("{MOUNTED}/ False\r\n"),
    );
}

#[test]
fn file_commands_work_on_the_mount() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", "content\n");
    check(
        &sandbox,
        &words(
            "mount . cp a.txt :copy.txt + mkdir :folder + touch :folder/new + ls + sha256sum :a.txt + rm :a.txt",
        )
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>(),
        0,
        &format!(
            "{MOUNTED}cp a.txt :copy.txt\nmkdir :folder\ntouch :folder/new\nls :\n           8 a.txt\n           \
             8 copy.txt\n           0 folder/\nsha256sum :a.txt\n\
             434728a410a78f56fc1b5899c3593436e61ab0c731e9072d95e96db290205e53\nrm :a.txt\n"
        ),
    );
    assert_eq!(sandbox.read("copy.txt"), b"content\n");
    assert!(sandbox.path().join("folder/new").is_file());
    assert!(!sandbox.path().join("a.txt").exists());
}

#[test]
fn the_mounted_folder_is_not_removed() {
    let sandbox = Sandbox::new();
    sandbox.write("keep", "");
    std::fs::create_dir(sandbox.path().join("folder")).unwrap();
    for path in [":", ":folder", ":/remote", ":/remote/folder", ":../remote"] {
        let outcome = sandbox.run_words(&["connect", "virtual", "mount", ".", "rm", "-r", path]);
        assert_eq!(outcome.code, Some(1), "{path}");
        assert_eq!(
            outcome.stderr(),
            "piton: rm -r not permitted on /remote directory\n",
            "{path}"
        );
    }
    sandbox.run("connect virtual mount . touch :/file + rm -r :/");
    assert!(sandbox.path().join("keep").is_file());
    assert!(sandbox.path().join("folder").is_dir());
}

#[test]
fn large_files_are_copied_to_the_mount() {
    let sandbox = Sandbox::new();
    let content = (0..20_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect::<Vec<u8>>();
    sandbox.write("large", &content);
    let line = [
        "connect", "virtual", "mount", ".", "cp", "large", ":copy", "+", "cp", ":copy", "back",
    ];
    let outcome = sandbox.run_words(&line);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert!(sandbox.read("copy") == content);
    assert!(sandbox.read("back") == content);
}

#[cfg(unix)]
mod at_a_terminal {
    use super::*;
    use crate::terminal::Terminal;

    fn start(sandbox: &Sandbox, words: &[&str]) -> Terminal {
        let mut command = sandbox.piton();
        command.args(["connect", "virtual"]).args(words);
        let terminal = Terminal::start(command);
        terminal.wait_for(">>> ");
        terminal
    }

    #[test]
    fn the_repl_imports_and_remounts() {
        let sandbox = Sandbox::new();
        sandbox.write("x.py", "print('imp' + 'orted')\n");
        let mut terminal = start(&sandbox, &["mount", "."]);
        terminal.wait_for("Local directory . is mounted at /remote");
        terminal.type_keys(b"import x\r");
        terminal.wait_for("\r\nimported\r\n>>> ");
        sandbox.write("x.py", "print('imp' + 'orted anew')\n");
        terminal.type_keys(b"\x04");
        terminal.wait_for("Remount local directory ./ at /remote\r\n");
        terminal.wait_for(">>> ");
        terminal.type_keys(b"import x\r");
        terminal.wait_for("\r\nimported anew\r\n>>> ");
        terminal.type_keys(b"\x1d");
        assert!(terminal.wait_for_end().success());
    }

    #[test]
    fn keys_typed_during_a_request_are_not_lost() {
        let sandbox = Sandbox::new();
        sandbox.write("data", "0123456789\n".repeat(4000));
        let mut terminal = start(&sandbox, &["mount", ".", "repl"]);
        // The board reads the file while the next lines are typed.
        terminal.type_keys(b"n = sum(1 for line in open('data'))\r");
        terminal.type_keys(b"print('lines', n)\rprint('to' + 'gether')\r");
        terminal.wait_for("lines 4000");
        terminal.wait_for("together");
        terminal.type_keys(b"\x1d");
        assert!(terminal.wait_for_end().success());
    }

    #[test]
    fn ctrl_c_ends_a_program_that_reads_files() {
        let sandbox = Sandbox::new();
        sandbox.write("data", "x");
        let mut terminal = start(&sandbox, &["mount", ".", "repl"]);
        terminal.type_keys(b"while True: open('data').read()\r\r");
        terminal.wait_for("... ");
        terminal.type_keys(b"\x03");
        let at = terminal.wait_for("KeyboardInterrupt");
        let _ = at;
        terminal.wait_for(">>> ");
        terminal.type_keys(b"print(open('data').read() * 5)\r");
        terminal.wait_for("xxxxx");
        terminal.type_keys(b"\x1d");
        assert!(terminal.wait_for_end().success());
    }
}
