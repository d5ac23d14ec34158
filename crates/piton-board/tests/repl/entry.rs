//! The way into the raw REPL from every state that a board can be in.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error;
use piton_board::repl::Entry;
use virtual_board::{BoardOptions, Fault, LineOptions, VirtualBoard};

use crate::support::{Connection, soon, virtual_board, virtual_board_with};

#[test]
fn eval_with_a_soft_reset_costs_no_more_than_mpremote() {
    let (_board, mut connection) = virtual_board();
    connection.wait_for(">>> ");
    connection.wire.clear();
    let mut raw = connection.repl.raw_repl(Entry::SoftReset, soon()).unwrap();
    assert_eq!(raw.run(b"print(1+1)", soon()).unwrap(), b"2\r\n");
    connection.repl.friendly(soon()).unwrap();
    insta::assert_snapshot!(connection.wire.transcript());
    // With the friendly REPL's greeting, which nobody waits for.
    connection.wait_for(">>> ");
    // mpremote 1.29: 5 turns, 21 bytes to the board, 243 bytes to the host.
    let (turns, to_board, to_host) = connection.wire.counts();
    assert!(
        turns <= 5 && to_board <= 21 && to_host <= 243,
        "{turns} {to_board} {to_host}"
    );
}

#[test]
fn eval_with_the_state_kept_costs_no_more_than_mpremote() {
    let (_board, mut connection) = virtual_board();
    connection.wait_for(">>> ");
    connection.wire.clear();
    assert_eq!(connection.run("print(1+1)"), "2\r\n");
    connection.repl.friendly(soon()).unwrap();
    insta::assert_snapshot!(connection.wire.transcript());
    // With the friendly REPL's greeting, which nobody waits for.
    connection.wait_for(">>> ");
    // mpremote 1.29 with `resume`: 4 turns, 20 bytes to the board, 194 bytes to the host.
    let (turns, to_board, to_host) = connection.wire.counts();
    assert!(
        turns <= 4 && to_board <= 20 && to_host <= 194,
        "{turns} {to_board} {to_host}"
    );
}

/// Bring a board into a state by `prepare`, then run a program on it.
#[track_caller]
fn check(prepare: impl FnOnce(&mut Connection)) -> (VirtualBoard, Connection) {
    let (board, mut connection) = virtual_board();
    connection.wait_for(">>> ");
    prepare(&mut connection);
    connection.wire.clear();
    assert_eq!(connection.run("print(6*7)"), "42\r\n");
    (board, connection)
}

#[test]
fn the_raw_repl_is_entered_from_an_incomplete_line() {
    let (_board, connection) = check(|connection| {
        connection.write(b"print('never run");
        connection.wait_for("never run");
    });
    insta::assert_snapshot!(connection.wire.transcript());
}

#[test]
fn the_raw_repl_is_entered_from_an_incomplete_block() {
    let (_board, connection) = check(|connection| {
        connection.write(b"if True:\rx = 1\r");
        connection.wait_for("...     ");
        connection.wait_for("...     ");
    });
    insta::assert_snapshot!(connection.wire.transcript());
}

#[test]
fn the_raw_repl_is_entered_from_an_incomplete_escape_sequence() {
    check(|connection| connection.write(b"\x1b["));
    check(|connection| connection.write(b"abc\x1b"));
}

#[test]
fn the_raw_repl_is_entered_from_paste_mode() {
    let (_board, connection) = check(|connection| {
        connection.write(b"\x05print('never run')\r");
        connection.wait_for("\r\n=== ");
        connection.wait_for("\r\n=== ");
    });
    insta::assert_snapshot!(connection.wire.transcript());
}

#[test]
fn the_raw_repl_is_entered_with_a_part_of_a_program() {
    let (_board, connection) = check(|connection| {
        connection.write(b"\x01print('never run");
        connection.wait_for("exit\r\n>");
    });
    insta::assert_snapshot!(connection.wire.transcript());
}

#[test]
fn the_raw_repl_is_entered_from_the_raw_paste_of_a_killed_host() {
    for rest in ["", "print('never run')\n", &"# a long comment\n".repeat(8)] {
        let (_board, connection) = check(|connection| {
            connection.write(b"\x01\x05A\x01");
            connection.wait_for("R\x01");
            connection.wait_for("\x01");
            connection.write(rest.as_bytes());
        });
        if rest.is_empty() {
            insta::assert_snapshot!(connection.wire.transcript());
        }
    }
}

#[test]
fn the_raw_repl_is_entered_from_a_running_loop() {
    let (_board, connection) = check(|connection| {
        connection.start("while True: pass");
    });
    insta::assert_snapshot!(connection.wire.transcript());
}

#[test]
fn the_raw_repl_is_entered_from_a_loop_in_the_friendly_repl() {
    let (_board, connection) = check(|connection| {
        connection.write(b"while True: pass\r\r\r");
        connection.wait_for("\n");
        connection.wait_for("\n");
    });
    insta::assert_snapshot!(connection.wire.transcript());
}

#[test]
fn the_raw_repl_is_entered_from_a_program_that_prints_without_pause() {
    check(|connection| {
        connection.start("while True: print('flood' * 10)");
    });
}

#[test]
fn the_raw_repl_is_entered_from_sleeping_and_reading_programs() {
    for program in [
        "import time; time.sleep(1000)",
        "import sys; sys.stdin.read(1000)",
        "input('name? ')",
    ] {
        check(|connection| {
            connection.start(program);
        });
    }
}

#[test]
fn a_finally_block_runs_to_its_end() {
    let (_board, mut connection) = check(|connection| {
        connection.start("import time\ndone = False\ntry:\n while True: pass\nfinally:\n time.sleep(3)\n done = True");
    });
    assert_eq!(connection.run("print(done)"), "True\r\n");
}

#[test]
fn a_program_that_catches_one_interrupt_is_stopped() {
    check(|connection| {
        connection
            .start("try:\n while True: pass\nexcept KeyboardInterrupt: pass\nwhile True: pass");
    });
}

#[test]
fn a_program_that_catches_interrupts_in_a_loop_is_stopped() {
    check(|connection| {
        connection.start("import time\nwhile True:\n try:\n  time.sleep(0.1)\n except:\n  print('again')\n  time.sleep_ms(5)");
    });
}

#[test]
fn a_program_without_interrupts_is_reported() {
    let (_board, mut connection) = virtual_board();
    connection.wait_for(">>> ");
    connection.start("import micropython\nmicropython.kbd_intr(-1)\nwhile True: pass");
    let limit = Deadline::after(Duration::from_secs(6));
    let error = connection
        .repl
        .raw_repl(Entry::KeepState, limit)
        .err()
        .unwrap();
    let Error::NoRawRepl { sent, received } = &error else {
        panic!("{error}");
    };
    assert!(sent.starts_with(b"\x03\x01"), "{error}");
    assert_eq!(received, b"", "{error}");
}

#[test]
fn a_soft_reset_removes_variables() {
    let (board, mut connection) = virtual_board();
    connection.write_file("boot.py", "print('boot')");
    connection.write_file("main.py", "print('main')");
    connection.repl.friendly(soon()).unwrap();
    board.reset();
    connection.wait_for("boot\r\nmain\r\n");
    connection.wait_for(">>> ");
    assert_eq!(connection.run("x = 1"), "");
    connection.wire.clear();
    connection.repl.raw_repl(Entry::SoftReset, soon()).unwrap();
    insta::assert_snapshot!(connection.wire.transcript());
    assert_eq!(connection.repl.soft_resets(), 1);
    assert!(connection.repl.is_raw());
    assert_eq!(connection.run("print('x' in globals())"), "False\r\n");
}

#[test]
fn a_boot_that_never_ends_is_reported() {
    let (_board, mut connection) = virtual_board();
    connection.write_file("boot.py", "print('wait')\nwhile True: pass");
    let limit = Deadline::after(Duration::from_secs(1));
    let error = connection
        .repl
        .raw_repl(Entry::SoftReset, limit)
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "timed out waiting for the raw REPL after boot.py; board sent \\r\\nwait\\r\\n"
    );
    assert_eq!(connection.run("print(2)"), "2\r\n");
}

#[test]
fn a_board_that_loses_the_first_bytes_is_entered() {
    for lost in [0, 1] {
        let (board, mut connection) = virtual_board();
        connection.wait_for(">>> ");
        board.inject(&Fault::DropToBoard { at: lost });
        assert_eq!(connection.run("print(6*7)"), "42\r\n");
        assert_eq!(connection.run("print(6*8)"), "48\r\n");
    }
}

#[test]
fn a_board_that_resets_during_the_entry_is_entered() {
    let (board, mut connection) = virtual_board();
    connection.wait_for(">>> ");
    board.inject(&Fault::ResetAfter { bytes_to_board: 1 });
    assert_eq!(connection.run("print(6*7)"), "42\r\n");
}

#[test]
fn a_reset_between_two_programs_is_reported() {
    let (board, mut connection) = virtual_board();
    assert_eq!(connection.run("print(1)"), "1\r\n");
    board.reset();
    connection.wait_for(">>> ");
    let (_, error) = connection.fail("print(2)");
    assert!(matches!(error, Error::BoardReset), "{error}");
    assert_eq!(connection.run("print(3)"), "3\r\n");
}

#[test]
fn a_board_on_a_slow_line_is_entered() {
    let (_board, mut connection) = virtual_board_with(BoardOptions {
        line: LineOptions {
            bytes_per_second: Some(11_520),
            latency: Duration::from_millis(20),
            receive_ring: Some(256),
            ..LineOptions::default()
        },
        ..BoardOptions::default()
    });
    connection.wait_for(">>> ");
    let source = format!("print(len({:?}))", "x".repeat(2000));
    assert_eq!(connection.run(&source), "2000\r\n");
    connection.wire.clear();
    assert_eq!(connection.run(&source), "2000\r\n");
}

#[test]
fn a_board_in_the_raw_repl_gets_no_bytes() {
    let (_board, mut connection) = virtual_board();
    connection.raw();
    connection.wire.clear();
    connection.raw();
    assert_eq!(connection.wire.transcript(), "");
}

#[test]
fn friendly_leaves_the_raw_repl() {
    let (_board, mut connection) = virtual_board();
    connection.raw();
    connection.wire.clear();
    connection.repl.friendly(soon()).unwrap();
    connection.wait_for(">>> ");
    assert!(!connection.repl.is_raw());
    connection.wire.clear();
    connection.repl.friendly(soon()).unwrap();
    assert_eq!(connection.wire.transcript(), "");
}
