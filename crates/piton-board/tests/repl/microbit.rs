//! The oldest boards: no raw-paste, a receive ring of 64 bytes, a heap of 9 KB.

use piton_board::error::Error;
use piton_board::facts::board_facts;
use piton_board::repl::Entry;

use crate::support::{microbit, soon};

#[test]
fn an_expression_is_evaluated_after_a_soft_reset() {
    let (_board, mut connection) = microbit();
    connection.settle();
    let mut raw = connection.repl.raw_repl(Entry::SoftReset, soon()).unwrap();
    assert_eq!(raw.run(b"print(1+1)", soon()).unwrap(), b"2\r\n");
    assert_eq!(raw.raw_paste(), Some(false));
    assert_eq!(raw.run(b"print(1+2)", soon()).unwrap(), b"3\r\n");
    connection.repl.friendly(soon()).unwrap();
    insta::assert_snapshot!(connection.wire.transcript());
}

#[test]
fn a_long_program_does_not_overrun_the_ring() {
    let (_board, mut connection) = microbit();
    let source = format!("print(len({:?}))", "0123456789".repeat(80));
    assert_eq!(connection.run(&source), "800\r\n");
}

#[test]
fn an_exception_is_parsed() {
    let (_board, mut connection) = microbit();
    let (output, error) = connection.fail("print('a')\n1/0\n");
    assert_eq!(output, "a\r\n");
    let Error::Exception(exception) = error else {
        panic!("{error}");
    };
    assert_eq!(
        exception.to_string(),
        "ZeroDivisionError: division by zero, <stdin> line 2"
    );
}

#[test]
fn a_program_in_pieces_behaves_like_one_that_is_sent_at_once() {
    let (_board, mut connection) = microbit();
    let lines = "x = 'it\\'s \u{e9} \\\\'\n".repeat(20);
    assert_eq!(
        connection.run(&format!(
            "{lines}print(x, [n for n in globals() if '_p' in n])"
        )),
        "it's \u{e9} \\ []\r\n"
    );
    let (output, error) =
        connection.fail(&format!("{lines}def f():\n return 1/0\nprint('a')\nf()"));
    assert_eq!(output, "a\r\n");
    let Error::Exception(exception) = error else {
        panic!("{error}");
    };
    let frames =
        "  File \"<stdin>\", line 24, in <module>\r\n  File \"<stdin>\", line 22, in f\r\n";
    assert_eq!(
        String::from_utf8(exception.traceback).unwrap(),
        format!(
            "Traceback (most recent call last):\r\n{frames}ZeroDivisionError: division by zero\r\n"
        )
    );
    let (_, error) = connection.fail(&format!("{lines}pass pass\n"));
    let Error::Exception(exception) = error else {
        panic!("{error}");
    };
    assert_eq!(
        exception.to_string(),
        "SyntaxError: invalid syntax, <stdin> line 21"
    );
}

#[test]
fn the_board_has_facts() {
    let (_board, mut connection) = microbit();
    let mut facts = board_facts(&mut connection.raw(), soon()).unwrap();
    // How much differs a little from start to start.
    let free = facts.memory_free.take().unwrap();
    let allocated = facts.memory_allocated.take().unwrap();
    assert!(
        free > 4096 && free + allocated < 16_384,
        "{free} {allocated}"
    );
    insta::assert_debug_snapshot!(facts);
}

#[test]
fn the_raw_repl_is_entered_from_a_running_program() {
    let (_board, mut connection) = microbit();
    connection.settle();
    connection
        .raw()
        .exec_no_follow(b"print('started')\nwhile True: pass", soon())
        .unwrap();
    // It may have been read together with the board's OK.
    if !connection.repl.take_pending().ends_with(b"\n") {
        connection.wait_for("\n");
    }
    connection.wire.clear();
    assert_eq!(connection.run("print(6*7)"), "42\r\n");
    // This firmware says one or the other line of a loop that it was interrupted in.
    let transcript = connection.wire.transcript();
    insta::assert_snapshot!(transcript.replace("line 1,", "line 2,"));
}

#[test]
fn the_raw_repl_is_entered_from_a_program_that_catches_interrupts() {
    let (_board, mut connection) = microbit();
    connection.settle();
    let program =
        "while True:\n try:\n  while True: pass\n except KeyboardInterrupt:\n  print('again')";
    let mut raw = connection.raw();
    raw.exec_no_follow(program.as_bytes(), soon()).unwrap();
    assert_eq!(connection.run("print(6*7)"), "42\r\n");
}

#[test]
fn system_exit_is_not_an_error() {
    let (_board, mut connection) = microbit();
    connection.run("x = 1");
    assert_eq!(connection.run("print('bye')\nraise SystemExit"), "bye\r\n");
    // This firmware does not soft-reset then.
    assert_eq!(connection.repl.soft_resets(), 0);
    assert_eq!(connection.run("print(x)"), "1\r\n");
}

#[test]
fn os_errors_have_names() {
    let (_board, mut connection) = microbit();
    let (_, error) = connection.fail("open('missing')");
    assert_eq!(
        error.to_string(),
        "the board raised OSError: file not found, <stdin> line 1"
    );
}
