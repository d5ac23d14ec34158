//! Ctrl-C (SIGINT) at each moment of a followed program.

use std::io::Read;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use virtual_board::{BoardOptions, VirtualBoard};

use crate::support::{Outcome, Sandbox, image, run, virtual_board, wait};

/// Run a program on a board behind a pty, send SIGINT when it has printed `ready`, and then see that the board is
/// usable.
fn interrupt(source: &str, signals: usize) -> Outcome {
    interrupt_with(&[], &[], source, signals)
}

/// The same, with words before `connect` and after `exec`.
fn interrupt_with(face: &[&str], options: &[&str], source: &str, signals: usize) -> Outcome {
    interrupt_on(virtual_board(), face, options, source, signals)
}

/// The same, on a given board.
fn interrupt_on(
    board: VirtualBoard,
    face: &[&str],
    options: &[&str],
    source: &str,
    signals: usize,
) -> Outcome {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(board)).unwrap();
    let port = server.path().to_str().unwrap().to_owned();
    let mut command = sandbox.piton();
    command
        .args(face)
        .args(["connect", &port, "exec"])
        .args(options)
        .arg(source);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"ready\r\n") {
        assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{seen:?}");
        seen.push(byte[0]);
    }
    // A program that floods must find a reader.
    let rest = std::thread::spawn(move || {
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).unwrap();
        rest
    });
    for _ in 0..signals {
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
    let status = wait(&mut child);
    seen.extend(rest.join().unwrap());
    let mut stderr = Vec::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut stderr)
        .unwrap();

    let mut after = sandbox.piton();
    after.args(["connect", &port, "resume", "eval", "'still ' + 'here'"]);
    assert_eq!(run(after).stdout(), "still here\r\n");
    Outcome {
        code: status.code(),
        stdout: seen,
        stderr,
    }
}

/// The program ended by Ctrl-C, with its traceback as the last output.
fn assert_stopped(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(1));
    let stdout = outcome.stdout();
    assert!(stdout.ends_with("KeyboardInterrupt: \r\n"), "{stdout}");
}

#[test]
fn a_busy_loop_is_stopped_and_its_traceback_shown() {
    let outcome = interrupt("print('ready')\nwhile True: pass", 1);
    assert_stopped(&outcome);
}

#[test]
fn a_sleep_is_stopped() {
    let outcome = interrupt("import time\nprint('ready')\ntime.sleep(1000)", 1);
    assert_stopped(&outcome);
}

#[test]
fn a_flood_of_output_is_stopped() {
    let outcome = interrupt("print('ready')\nwhile True: print('x' * 70)", 1);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stdout().contains("KeyboardInterrupt"));
}

#[test]
fn a_program_that_ends_well_on_the_interrupt_is_interrupted_all_the_same() {
    let source =
        "try:\n print('ready')\n while True: pass\nexcept KeyboardInterrupt:\n print('bye')";
    let outcome = interrupt(source, 1);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stdout().ends_with("bye\r\n"),
        "{}",
        outcome.stdout()
    );
    assert_eq!(outcome.stderr(), "piton: interrupted\n");
}

#[test]
fn a_board_that_is_stuck_in_c_code_is_reset() {
    let options = BoardOptions {
        // However slow the host is: these are soon worked.
        unresponsive_after: 50_000_000,
        ..BoardOptions::default()
    };
    let board = VirtualBoard::start(image(), options).unwrap();
    // One bytecode that works for minutes.
    let source = "print('ready')\nx = 7\ny = 10 ** 6\nx ** y";
    let outcome = interrupt_on(board, &[], &[], source, 1);
    assert_eq!(outcome.code, Some(1));
    let stdout = outcome.stdout();
    assert!(
        stdout.contains("virtual board: it was stuck in C code"),
        "{stdout}"
    );
    assert!(
        outcome.stderr().starts_with("piton: the board was reset"),
        "{}",
        outcome.stderr()
    );
}

#[test]
fn a_second_one_leaves_at_once() {
    // This program ignores Ctrl-C, and is left to itself.
    let source = "import time\nprint('ready')\nend = time.time() + 5\nwhile time.time() < end:\n try:\n  time.sleep(1)\n except KeyboardInterrupt: pass\nprint('done')";
    let outcome = interrupt(source, 2);
    assert_eq!(outcome.code, Some(1));
    assert_eq!(outcome.stdout(), "ready\r\n");
}

#[test]
fn at_whatever_moment_it_comes_the_board_is_back_at_its_prompt() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap();
    sandbox.write("enter", "\n");
    for milliseconds in [0, 1, 2, 4, 6, 8, 10, 15, 20, 30, 50, 100] {
        let mut command = sandbox.piton();
        command.args(["connect", port, "exec", "for i in range(3000): print(i)"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        let pid = Pid::from_child(&child);
        let sent = kill_process(pid, Signal::INT);
        let code = wait(&mut child).code();
        // No code: the signal came before the board was touched, and the system ended the program.
        assert!(
            matches!(code, None | Some(0 | 1)),
            "{milliseconds} ms: {code:?}, {sent:?}"
        );
        let mut look = sandbox.piton();
        look.args(["connect", port, "repl"]);
        look.stdin(std::fs::File::open(sandbox.path().join("enter")).unwrap());
        let shown = run(look).stdout();
        assert!(shown.ends_with(">>> "), "{milliseconds} ms: {shown:?}");
    }
}

#[test]
fn whether_it_stops_the_program_is_for_the_name_and_the_options_to_say() {
    let source = "import time\nprint('ready')\ntime.sleep(1)";
    for (face, options, stops) in [
        (&[][..], &["--no-interrupt"][..], false),
        (&["mpremote"], &[], false),
        (&["mpremote"], &["--interrupt"], true),
    ] {
        let outcome = interrupt_with(face, options, source, 1);
        assert_eq!(outcome.code, Some(1));
        let shows_its_end = outcome.stdout().ends_with("KeyboardInterrupt: \r\n");
        assert_eq!(shows_its_end, stops, "{face:?} {}", outcome.stdout());
        assert!(stops || outcome.stdout() == "ready\r\n");
    }
}
