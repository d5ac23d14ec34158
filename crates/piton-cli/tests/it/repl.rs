//! `repl` at a terminal.

use std::sync::Arc;

use rustix::process::{Signal, kill_process};

use crate::support::{Sandbox, virtual_board};
use crate::terminal::Terminal;

fn start(sandbox: &Sandbox, words: &[&str]) -> Terminal {
    let mut command = sandbox.piton();
    command.args(["connect", "virtual"]).args(words);
    let terminal = Terminal::start(command);
    terminal.wait_for("Use Ctrl-] or Ctrl-x to exit this shell");
    terminal
}

#[test]
fn a_line_without_an_action_ends_in_the_repl() {
    let sandbox = Sandbox::new();
    let mut terminal = start(&sandbox, &[]);
    terminal.wait_for("Connected to MicroPython at virtual");
    terminal.wait_for(">>> ");
    assert!(terminal.is_raw());
    terminal.type_keys(b"6 * 7\r");
    terminal.wait_for("\r\n42\r\n>>> ");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn ctrl_x_leaves_to_the_next_command() {
    let sandbox = Sandbox::new();
    let mut terminal = start(&sandbox, &["repl", "resume", "eval", "name"]);
    terminal.wait_for(">>> ");
    terminal.type_keys(b"name = 'sp' + 'am'\r");
    terminal.wait_for("\r\n>>> ");
    terminal.type_keys(b"\x18");
    assert!(terminal.wait_for_end().success());
    terminal.wait_for("\nspam\r");
}

#[test]
fn after_another_command_the_prompt_is_there_at_once() {
    let sandbox = Sandbox::new();
    let mut terminal = start(&sandbox, &["exec", "a = 5", "repl"]);
    terminal.wait_for(">>> ");
    terminal.type_keys(b"a * 11\r");
    terminal.wait_for("55");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn ctrl_c_goes_to_the_board_and_ctrl_d_resets_it() {
    let sandbox = Sandbox::new();
    let mut terminal = start(&sandbox, &["repl"]);
    terminal.wait_for(">>> ");
    terminal.type_keys(b"while True: pass\r\r");
    terminal.wait_for("... ");
    terminal.type_keys(b"\x03");
    let at = terminal.wait_for("KeyboardInterrupt");
    terminal.wait_for_after(at, ">>> ");
    terminal.type_keys(b"\x04");
    let at = terminal.wait_for("MPY: soft reboot");
    terminal.wait_for_after(at, ">>> ");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn capture_saves_what_is_shown() {
    let sandbox = Sandbox::new();
    let mut terminal = start(
        &sandbox,
        &["repl", "--capture", "log", "--escape-non-printable"],
    );
    terminal.wait_for("Escaping non-printable bytes/characters by printing their hex code");
    terminal.wait_for("Capturing session to file \"log\"");
    terminal.wait_for(">>> ");
    terminal.type_keys(b"import sys; sys.stdout.buffer.write(b'\\x07\\xff')\r");
    terminal.wait_for("[07][ff]");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
    let log = String::from_utf8(sandbox.read("log")).unwrap();
    assert!(
        log.contains("import sys; sys.stdout") && log.contains("[07][ff]"),
        "{log}"
    );
    assert!(!log.contains("Connected to"), "{log}");
}

#[test]
fn ctrl_j_types_code_and_ctrl_k_runs_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("script.py", "x = 20\nprint('x is', x + 3)\n");
    let words = [
        "repl",
        "--inject-code",
        "print(1 + 1)\\n",
        "--inject-file",
        "script.py",
    ];
    let mut terminal = start(&sandbox, &words);
    terminal.wait_for("Use Ctrl-J to inject b'print(1 + 1)\\r\\n'");
    terminal.wait_for("Use Ctrl-K to inject file \"script.py\"");
    terminal.wait_for(">>> ");
    terminal.type_keys(b"\n");
    let at = terminal.wait_for("print(1 + 1)\r\n2\r\n>>> ");
    terminal.type_keys(b"\x0b");
    terminal.wait_for_after(at, "Injecting script.py\r\n");
    let end = terminal.wait_for_after(at, "x is 23\r\n");
    let end = terminal.wait_for_after(end, ">>> ");
    // Nothing of the protocol came through.
    let between = terminal.shown()[at..end].to_owned();
    assert!(
        !between.contains(['\x04', '\x01']) && !between.contains("raw REPL"),
        "{between:?}"
    );
    terminal.type_keys(b"x\r");
    terminal.wait_for_after(end, "20\r\n");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn what_goes_wrong_with_an_injected_file_is_shown_and_the_session_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.write("loop.py", "print('round and round')\nwhile True: pass\n");
    let mut terminal = start(&sandbox, &["repl", "--inject-file", "loop.py"]);
    terminal.wait_for(">>> ");
    terminal.type_keys(b"\x0b");
    terminal.wait_for("Injecting loop.py\r\nround and round\r\n");
    terminal.type_keys(b"\x03");
    let at = terminal.wait_for("KeyboardInterrupt: \r\n");
    let at = terminal.wait_for_after(at, ">>> ");
    std::fs::remove_file(sandbox.path().join("loop.py")).unwrap();
    terminal.type_keys(b"\x0b");
    terminal.wait_for_after(at, "Error: ");
    terminal.type_keys(b"1 + 2\r");
    terminal.wait_for_after(at, "3\r\n");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn a_signal_ends_the_session_and_puts_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let sandbox = Sandbox::new();
        let mut terminal = start(&sandbox, &["repl"]);
        terminal.wait_for(">>> ");
        kill_process(terminal.pid(), signal).unwrap();
        assert_eq!(terminal.wait_for_end().code(), Some(1));
    }
}

#[test]
fn without_a_terminal_the_input_is_typed_and_the_output_printed() {
    let sandbox = Sandbox::new();
    sandbox.write("input", "print(1 + 2)\nprint(3 + 4)\n");
    let mut command = sandbox.piton();
    command.args(["connect", "virtual", "repl"]);
    command.stdin(std::fs::File::open(sandbox.path().join("input")).unwrap());
    let outcome = crate::support::run(command);
    assert_eq!(outcome.code, Some(0));
    let shown = outcome.stdout();
    assert!(
        shown.contains("\r\n3\r\n") && shown.contains("\r\n7\r\n"),
        "{shown}"
    );
}

/// What a script gets of a session with a board at `address`, with the lines that it types.
#[track_caller]
fn check_typed(sandbox: &Sandbox, words: &[&str], expected: &str) {
    sandbox.write("input", "print(1 + 2)\nprint(3 + 4)\n");
    let mut command = sandbox.piton();
    command.args(words);
    command.stdin(std::fs::File::open(sandbox.path().join("input")).unwrap());
    let outcome = crate::support::run(command);
    let shown = outcome.stdout();
    let (_, session) = shown.split_once("exit this shell\n").unwrap();
    assert_eq!((session, outcome.code), (expected, Some(0)));
}

#[test]
fn what_is_typed_by_a_pipe_begins_at_the_prompt() {
    const SESSION: &str = ">>> print(1 + 2)\r\n3\r\n>>> print(3 + 4)\r\n7\r\n>>> ";
    let sandbox = Sandbox::new();
    check_typed(&sandbox, &["connect", "virtual", "repl"], SESSION);
    check_typed(
        &sandbox,
        &["connect", "virtual", "exec", "1", "repl"],
        SESSION,
    );
    // Left at the raw prompt by another program.
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap().to_owned();
    {
        use std::io::{Read as _, Write as _};
        let mut options = std::fs::OpenOptions::new();
        let mut line = options.read(true).write(true).open(&port).unwrap();
        line.write_all(b"\x03\x01").unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"raw REPL; CTRL-B to exit\r\n>") {
            let mut byte = [0];
            line.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
    }
    check_typed(&sandbox, &["connect", &port, "resume", "repl"], SESSION);
}

#[test]
fn the_prompt_comes_back_after_a_program_that_was_left_running() {
    let sandbox = Sandbox::new();
    sandbox.write("loop.py", "print('begun')\nwhile True: pass\n");
    let mut terminal = start(&sandbox, &["run", "--no-follow", "loop.py", "+", "repl"]);
    // The board may have empted its ring at the Ctrl-C, or not: either way it is at its friendly prompt in the end.
    terminal.type_keys(b"\x03");
    let at = terminal.wait_for("KeyboardInterrupt");
    let at = terminal.wait_for_after(at, ">>> ");
    terminal.type_keys(b"6 * 7\r");
    terminal.wait_for_after(at, "42\r\n>>> ");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn letters_outside_ascii_arrive_in_strings() {
    let sandbox = Sandbox::new();
    let mut terminal = start(&sandbox, &["repl"]);
    terminal.wait_for(">>> ");
    terminal.type_keys("print('z\u{142}\u{e9}')\r".as_bytes());
    let at = terminal.wait_for("takes ASCII only");
    let at = terminal.wait_for_after(at, "\r\nz\u{142}\u{e9}\r\n>>> ");
    // Once.
    terminal.type_keys("'\u{142}' == '\\u0142'\r".as_bytes());
    terminal.wait_for_after(at, "True\r\n>>> ");
    assert_eq!(terminal.shown().matches("ASCII").count(), 1);
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn without_a_terminal_and_input_nothing_crashes() {
    let sandbox = Sandbox::new();
    for line in [
        "connect virtual",
        "connect virtual resume",
        "mpremote connect virtual resume",
    ] {
        let outcome = sandbox.run(line);
        assert_eq!(
            (outcome.code, outcome.stderr().as_str()),
            (Some(0), ""),
            "{line}"
        );
    }
}

/// Type at a board that is reached by `address`.
fn check_repl_at(sandbox: &Sandbox, address: &str) {
    let mut command = sandbox.piton();
    command.args(["connect", address, "repl"]);
    let mut terminal = Terminal::start(command);
    let at = terminal.wait_for(&format!("Connected to MicroPython at {address}"));
    terminal.type_keys(b"\x03\r6 * 7\r");
    let at = terminal.wait_for_after(at, "42\r\n>>> ");
    terminal.type_keys(b"while True: pass\r\r");
    let at = terminal.wait_for_after(at, "... ");
    terminal.type_keys(b"\x03");
    terminal.wait_for_after(at, "KeyboardInterrupt");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn over_tcp_as_over_a_cable() {
    let sandbox = Sandbox::new();
    let board = Arc::new(virtual_board());
    let server = virtual_board::serve::tcp(Arc::clone(&board), "127.0.0.1:0").unwrap();
    check_repl_at(&sandbox, &format!("socket://{}", server.local_addr()));
    drop(server);

    let server = virtual_board::serve::pty(board).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    sandbox.write(
        "ser2net.yaml",
        format!(
            "connection: &board\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n  \
             connector: serialdev,{},9600n81\n",
            server.path().display()
        ),
    );
    let mut ser2net = test_programs::ser2net();
    ser2net.args(["-n", "-u", "-c"]);
    ser2net.arg(sandbox.path().join("ser2net.yaml"));
    let mut ser2net = ser2net.spawn().unwrap();
    // It is up when the port is taken. Looking must not count as a connection.
    while std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
        assert!(ser2net.try_wait().unwrap().is_none(), "ser2net ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    check_repl_at(&sandbox, &format!("rfc2217://127.0.0.1:{port}"));
    ser2net.kill().unwrap();
    ser2net.wait().unwrap();
}
