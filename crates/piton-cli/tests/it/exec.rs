//! `eval`, `exec`, `run`, and the rules of soft resets, on the virtual board.

use insta::assert_snapshot;

use crate::support::Sandbox;

#[test]
fn values_and_output_come_to_stdout() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("connect virtual eval 6*7"), @r"
    $ piton connect virtual eval 6*7
    --- stdout
    42\r
    --- exit 0
    ");
    assert_snapshot!(sandbox.show("connect virtual eval 1 eval 2 exec 'print(3)'"), @r"
    $ piton connect virtual eval 1 eval 2 exec 'print(3)'
    --- stdout
    1\r
    2\r
    3\r
    --- exit 0
    ");
    sandbox.write("main.py", "for i in range(3):\n    print(i)\n");
    assert_snapshot!(sandbox.show("connect virtual run main.py"), @r"
    $ piton connect virtual run main.py
    --- stdout
    0\r
    1\r
    2\r
    --- exit 0
    ");
}

#[test]
fn an_exception_goes_to_stdout_and_ends_the_line() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("connect virtual exec 'print(1); 1/0' eval 2"), @r#"
    $ piton connect virtual exec 'print(1); 1/0' eval 2
    --- stdout
    1\r
    Traceback (most recent call last):\r
      File "<exec>", line 1, in <module>\r
        print(1); 1/0\r
    ZeroDivisionError: divide by zero\r
    --- exit 1
    "#);
    assert_snapshot!(sandbox.show("connect virtual exec 'if'"), @r#"
    $ piton connect virtual exec 'if'
    --- stdout
    Traceback (most recent call last):\r
      File "<exec>", line 1\r
        if\r
    SyntaxError: invalid syntax\r
    --- exit 1
    "#);
    assert_snapshot!(sandbox.show("connect virtual run missing.py"), @r"
    $ piton connect virtual run missing.py
    --- stderr
    piton: could not read file 'missing.py'

    hint: No such file or directory (os error 2)
    --- exit 1
    ");
    // mpremote's exit code tells nothing of the program's.
    let outcome = sandbox.run("mpremote connect virtual exec 'import sys; sys.exit(3)' eval 2");
    assert_eq!((outcome.code, &*outcome.stdout()), (Some(0), "2\r\n"));
}

#[test]
fn the_board_is_reset_once_for_each_connection() {
    let sandbox = Sandbox::new();
    // The first command has no board yet; the reset happens on the first entry into the raw REPL.
    let line = "connect virtual exec 'x = 1' exec 'print(x)' soft-reset exec 'print(x)'";
    assert_snapshot!(sandbox.show(line), @r#"
    $ piton connect virtual exec 'x = 1' exec 'print(x)' soft-reset exec 'print(x)'
    --- stdout
    1\r
    Traceback (most recent call last):\r
      File "<exec>", line 1, in <module>\r
        print(x)\r
    NameError: name 'x' isn't defined\r
    --- exit 1
    "#);
}

#[test]
fn no_follow_leaves_the_program_running() {
    let sandbox = Sandbox::new();
    let line = "connect virtual exec --no-follow 'import time; time.sleep(100)'";
    assert_snapshot!(sandbox.show(line), @r"
    $ piton connect virtual exec --no-follow 'import time; time.sleep(100)'
    --- exit 0
    ");
}

#[test]
fn binary_output_passes_unchanged() {
    let sandbox = Sandbox::new();
    let source = "import sys\nsys.stdout.buffer.write(bytes(range(5, 256)))";
    let outcome = sandbox.run_words(&["connect", "virtual", "exec", source]);
    assert_eq!(outcome.code, Some(0));
    assert_eq!(outcome.stdout, (5..=255).collect::<Vec<u8>>());
}

#[test]
fn ten_megabytes_of_output_arrive_whole() {
    let sandbox = Sandbox::new();
    let source = "import sys\nline = bytes(range(48, 112)) * 16\nfor _ in range(10240): sys.stdout.buffer.write(line)";
    let outcome = sandbox.run_words(&["connect", "virtual", "exec", source]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(outcome.stdout.len(), 10 << 20);
    let line = (48..112).collect::<Vec<u8>>();
    assert!(outcome.stdout.chunks(64).all(|chunk| chunk == line));
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_ends_the_program_quietly() {
    let sandbox = Sandbox::new();
    let mut shell = std::process::Command::new("sh");
    let script = format!(
        "{{ {} connect virtual exec 'while True: print(\"x\" * 60)'; echo $? >&2; }} | head -n 2",
        env!("CARGO_BIN_EXE_piton")
    );
    for (name, value) in sandbox.piton().get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell.args(["-c", &script]);
    let outcome = crate::support::run(shell);
    assert_eq!(outcome.stdout().lines().count(), 2);
    assert_eq!(outcome.stderr(), "0\n");
}

#[test]
fn the_wire_log_shows_every_byte() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("-vv connect virtual resume eval 1+1");
    assert_eq!(outcome.stdout(), "2\r\n");
    let log = outcome.stderr();
    assert!(log.contains(r"> "), "{log}");
    assert!(log.contains(r"print(1+1)\x04"), "{log}");
    assert!(log.contains(r"raw REPL; CTRL-B to exit\r\n"), "{log}");
}
