//! A Raspberry Pi Pico W, emulated: MicroPython 1.27 as it is on thousands of desks. What it answers comes late.

use piton_board::error::Error;
use piton_board::facts::board_facts;
use piton_board::repl::Entry;

use crate::support::{pico, soon};

#[test]
fn programs_run_and_the_board_has_facts() {
    let (_board, mut connection) = pico();
    let mut raw = connection.raw();
    assert_eq!(raw.run(b"print(6*7)", soon()).unwrap(), b"42\r\n");
    assert_eq!(raw.raw_paste(), Some(true));
    let (output, error) = connection.fail("print('a')\n1/0\n");
    assert_eq!(output, "a\r\n");
    let Error::Exception(exception) = error else {
        panic!("{error}");
    };
    assert_eq!(
        exception.to_string(),
        "ZeroDivisionError: divide by zero, <stdin> line 2"
    );
    let mut facts = board_facts(&mut connection.raw(), soon()).unwrap();
    // How much differs a little from start to start.
    let free = facts.memory_free.take().unwrap();
    let allocated = facts.memory_allocated.take().unwrap();
    assert!(
        free > 150_000 && free + allocated < 250_000,
        "{free} {allocated}"
    );
    insta::assert_debug_snapshot!(facts);
}

#[test]
fn programs_are_interrupted_and_the_board_is_reset() {
    let (_board, mut connection) = pico();
    let program = b"x = 1\nprint('started')\nwhile True: pass";
    connection.raw().exec_no_follow(program, soon()).unwrap();
    // It may have been read together with the board's OK.
    if !connection.repl.take_pending().ends_with(b"\n") {
        connection.wait_for("\n");
    }
    assert_eq!(connection.run("print(x + 1)"), "2\r\n");
    let mut raw = connection.repl.raw_repl(Entry::SoftReset, soon()).unwrap();
    assert_eq!(
        raw.run(b"print('x' in globals())", soon()).unwrap(),
        b"False\r\n"
    );
    connection.repl.friendly(soon()).unwrap();
    connection.wait_for(">>> ");
}
