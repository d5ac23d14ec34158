//! `repl` at a terminal.

use rustix::process::{Signal, kill_process};

use crate::support::Sandbox;
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
