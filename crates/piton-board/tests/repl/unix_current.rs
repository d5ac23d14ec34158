//! MicroPython's unix port of 2026 on a pseudo-terminal: a fast line, `\n` without `\r`, and no soft reset:
//! it ends the program.

use piton_board::error::Error;
use piton_board::facts::board_facts;
use piton_board::transport::serial::SerialPort;
use test_programs::UnixBoard;

use crate::support::{Connection, soon};

/// A unix port that has just been started, in an empty folder.
fn unix_board() -> (UnixBoard, tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let board = UnixBoard::start(folder.path());
    let port = SerialPort::open(board.port(), 115_200).unwrap();
    (board, folder, Connection::new(port))
}

#[test]
fn programs_run_and_the_board_has_facts() {
    let (_board, _folder, mut connection) = unix_board();
    let mut raw = connection.raw();
    assert_eq!(raw.run(b"print(6*7)", soon()).unwrap(), b"42\n");
    assert_eq!(raw.raw_paste(), Some(true));
    let (output, error) = connection.fail("print('a')\n1/0\n");
    assert_eq!(output, "a\n");
    let Error::Exception(exception) = error else {
        panic!("{error}");
    };
    assert_eq!(
        exception.to_string(),
        "ZeroDivisionError: divide by zero, <stdin> line 2"
    );
    let mut facts = board_facts(&mut connection.raw(), soon()).unwrap();
    // How much differs a little from start to start.
    assert!(facts.memory_free.take().unwrap() > 1_000_000);
    assert!(facts.memory_allocated.take().is_some());
    insta::assert_debug_snapshot!(facts);
}

#[test]
fn a_program_is_interrupted() {
    let (_board, _folder, mut connection) = unix_board();
    connection.wait_for(">>> ");
    // Not by raw-paste: this firmware leaves the terminal raw then, and Ctrl-C is only a byte that nobody reads.
    connection.write(b"\x01");
    connection.wait_for("raw REPL; CTRL-B to exit\r\n>");
    connection.write(b"x = 1\nprint('started')\nwhile True: pass\x04");
    connection.wait_for("OKstarted\n");
    assert_eq!(connection.run("print(x + 1)"), "2\n");
}
