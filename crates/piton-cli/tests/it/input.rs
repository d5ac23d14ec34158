//! What a program on the board gets from this computer's stdin.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::process::Stdio;
use std::sync::Arc;

use crate::support::{Outcome, Sandbox, run, virtual_board};
use crate::terminal::Terminal;

const ASKS: &str = "
name = input('name? ')
print('hello', name)
try:
    while True:
        print(repr(input()))
except EOFError:
    print('no more')
";

/// Run with a file as stdin.
fn run_with(sandbox: &Sandbox, input: &[u8], words: &[&str]) -> Outcome {
    sandbox.write("stdin", input);
    let mut command = sandbox.piton();
    command.args(words);
    command.stdin(File::open(sandbox.path().join("stdin")).unwrap());
    run(command)
}

#[test]
fn input_reads_lines_of_stdin_to_its_end() {
    let sandbox = Sandbox::new();
    sandbox.write("ask.py", ASKS);
    // Bytes that would end, interrupt or restart the raw REPL, letters of any language, a long line, no line end at the end.
    let long = "x".repeat(3000);
    let input = format!("Zo\u{eb} \u{10d}\u{3042}\n\x01\x02\x03\x04\x05\r\n\n{long}\nlast");
    let outcome = run_with(
        &sandbox,
        input.as_bytes(),
        &["connect", "virtual", "run", "ask.py"],
    );
    assert_eq!(
        outcome.stdout(),
        format!(
            "name? hello Zo\u{eb} \u{10d}\u{3042}\r\n'\\x01\\x02\\x03\\x04\\x05'\r\n''\r\n'{long}'\r\n'last'\r\nno \
             more\r\n"
        )
    );
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn input_works_in_exec_and_eval_and_in_modules_of_the_board() {
    let sandbox = Sandbox::new();
    let outcome = run_with(
        &sandbox,
        b"5\n",
        &["connect", "virtual", "eval", "int(input()) * 2"],
    );
    assert_eq!(outcome.stdout(), "10\r\n");
    sandbox.write("asks.py", "def ask():\n    return input()\n");
    let words = [
        "connect",
        "virtual",
        "cp",
        "asks.py",
        ":",
        "+",
        "exec",
        "import asks; input; print(asks.ask())",
    ];
    let outcome = run_with(&sandbox, b"seven\n", &words);
    assert!(
        outcome.stdout().ends_with("\nseven\r\n"),
        "{}",
        outcome.stdout()
    );
}

#[test]
fn the_end_of_stdin_is_an_eof_error_in_the_programs_own_line() {
    let sandbox = Sandbox::new();
    // Nothing but the null device is there.
    let outcome = sandbox.run("connect virtual exec 'input()'");
    assert_eq!(
        (outcome.code, outcome.stdout().as_str()),
        (
            Some(1),
            "Traceback (most recent call last):\r\n  File \"<exec>\", line 1, in <module>\r\n    input()\r\nEOFError: \r\n"
        )
    );
}

#[test]
fn a_program_that_does_not_ask_leaves_stdin_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("lines", "one\ntwo\nthree\n");
    let mut file = File::open(sandbox.path().join("lines")).unwrap();
    let mut rest_after = |code: &str| {
        let mut command = sandbox.piton();
        command.args(["connect", "virtual", "exec", code]);
        command.stdin(file.try_clone().unwrap());
        assert_eq!(run(command).code, Some(0));
        let at = file.stream_position().unwrap();
        let mut rest = String::new();
        file.read_to_string(&mut rest).unwrap();
        file.seek(std::io::SeekFrom::Start(at)).unwrap();
        rest
    };
    assert_eq!(rest_after("print(1)"), "one\ntwo\nthree\n");
    // One that might ask and does not.
    assert_eq!(rest_after("if 0: input()"), "one\ntwo\nthree\n");
    // One that asks once takes one line.
    assert_eq!(rest_after("print(input())"), "two\nthree\n");
}

#[test]
fn afterwards_the_board_has_its_own_input() {
    let sandbox = Sandbox::new();
    let show = "print([n for n in globals() if '_pi' in n], '_piton' in str(eval('in' + 'put')))";
    for program in [
        "input()",
        "input(); 1/0",
        "try:\n input()\nfinally:\n print(1)",
    ] {
        let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
        let port = server.path().to_str().unwrap().to_owned();
        run_with(&sandbox, b"x\n", &["connect", &port, "exec", program]);
        let outcome = run_with(&sandbox, b"", &["connect", &port, "resume", "exec", show]);
        assert_eq!(outcome.stdout(), "[] False\r\n", "{program}");
    }
}

#[test]
fn mpremote_gets_nothing_of_this() {
    let sandbox = Sandbox::new();
    let words = [
        "mpremote",
        "connect",
        "virtual",
        "exec",
        "print(input); 1/0",
    ];
    let outcome = run_with(&sandbox, b"x\n", &words);
    let stdout = outcome.stdout();
    assert!(!stdout.contains("_piton_input"), "{stdout}");
    assert!(
        stdout.contains("File \"<stdin>\", line 1, in <module>\r\nZero"),
        "{stdout}"
    );
}

#[test]
fn a_person_types_lines_that_are_shown_once() {
    let sandbox = Sandbox::new();
    sandbox.write("ask.py", ASKS);
    let mut command = sandbox.piton();
    command.args(["connect", "virtual", "run", "ask.py"]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("name? ");
    // With a letter that is taken back: the terminal edits the line.
    terminal.type_keys("Zo\u{eb}X\x7f\n".as_bytes());
    let at = terminal.wait_for("hello Zo\u{eb}\r");
    assert_eq!(
        terminal.shown().matches("Zo\u{eb}").count(),
        2,
        "{}",
        terminal.shown()
    );
    terminal.type_keys(b"more\n");
    terminal.wait_for_after(at, "more\r\n'more'\r");
    // Ctrl-D.
    terminal.type_keys(b"\x04");
    terminal.wait_for_after(at, "no more\r");
    assert!(terminal.wait_for_end().success());
}

#[test]
fn ctrl_c_stops_a_program_that_waits_for_a_line() {
    let sandbox = Sandbox::new();
    sandbox.write("ask.py", ASKS);
    let mut child = sandbox
        .piton()
        .args(["connect", "virtual", "run", "ask.py"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut seen = vec![0; "name? ".len()];
    stdout.read_exact(&mut seen).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"half a li").unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::INT,
    )
    .unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(crate::support::wait(&mut child).code(), Some(1));
    assert!(
        rest.ends_with(
            "line 2, in <module>\r\n    name = input('name? ')\r\nKeyboardInterrupt: \r\n"
        ),
        "{rest}"
    );
}
