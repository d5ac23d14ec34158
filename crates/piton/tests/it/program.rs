//! Programs in `.mpy` files, from the memory of a board.

use std::ops::ControlFlow;

use piton::compiler::{Options, compile};
use piton::deadline::Deadline;
use piton::error::ErrorKind;
use piton::facts::{BoardFacts, board_facts};
use piton::mpy::header::{Arch, Header};
use piton::mpy::{reader, writer};
use piton::program::{
    Exit, ExitValue, Guarded, Input, Line, MpyError, check_mpy, is_mpy, send_mpy, set_argv,
};
use piton::repl::Entry;
use piton::syntax::Target;

use crate::support::connect;

fn mpy(source: &str, target: Target) -> Vec<u8> {
    let options = Options {
        target,
        ..Options::new("program.py")
    };
    writer::write(&compile(source.as_bytes(), &options).unwrap()).unwrap()
}

/// What a check of this file says for a board with these facts.
fn check(file: &[u8], facts: &BoardFacts, expected: &str) {
    let said = check_mpy(file, facts).map_or_else(|error| error.to_string(), |()| String::new());
    assert!(
        said.starts_with(expected) && said.is_empty() == expected.is_empty(),
        "{said}"
    );
}

#[test]
fn a_board_gets_only_files_that_it_loads() {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER).unwrap();
    let facts = board_facts(&mut raw, Deadline::NEVER).unwrap();
    let file = mpy("print(6 * 7)\n", Target::NEWEST);
    check(&file, &facts, "");
    check(
        &mpy("x = 1\n", Target::CircuitPython10),
        &facts,
        "the .mpy file is for CircuitPython, the board loads MicroPython",
    );
    let mut old = file.clone();
    old[1] = 5;
    check(
        &old,
        &facts,
        "the .mpy file is for .mpy version 5 (MicroPython 1.12 to 1.18), the board loads version 6",
    );
    check(&file[..file.len() - 1], &facts, "damaged .mpy file: ");
    check(&file[..2], &facts, "damaged .mpy file: ");
    let mut native = reader::read(&file).unwrap();
    native.header = Header::native(Arch::ArmV6M);
    check(
        &writer::write(&native).unwrap(),
        &facts,
        "the .mpy file is for machine code of armv6m, the board loads bytecode only",
    );
    check(
        &file,
        &BoardFacts::default(),
        "the board loads no .mpy files",
    );
    let none = check_mpy(&file, &BoardFacts::default());
    assert!(matches!(none, Err(MpyError::BoardLoadsNone)));
}

#[test]
fn sources_are_no_mpy_files() {
    assert!(is_mpy(&mpy("", Target::NEWEST)));
    assert!(is_mpy(&mpy("", Target::CircuitPython9)));
    for source in ["", "M", "Main = 1\n", "C = 2\n", "import x\n"] {
        assert!(!is_mpy(source.as_bytes()), "{source:?}");
    }
}

#[test]
fn a_program_runs_from_memory_and_leaves_nothing() {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER).unwrap();
    set_argv(
        &mut raw,
        &["it's".to_owned(), "\u{20ac}".to_owned()],
        Deadline::NEVER,
    )
    .unwrap();
    let source = "import sys\nprint(__name__, sys.argv)\n";
    // Longer than one piece.
    let source = format!("{source}text = {:?}\nprint(len(text))\n", "x".repeat(4000));
    let file = mpy(&source, Target::NEWEST);
    let before = raw.run(b"import os\nprint(os.listdir('/'))", Deadline::NEVER);
    let guarded = send_mpy(&mut raw, &file, Deadline::NEVER).unwrap();
    let printed = raw.run(guarded.source(), Deadline::NEVER).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(printed, "_piton_program [\"it's\", '\u{20ac}']\r\n4000\r\n");
    let after = raw.run(b"import os\nprint(os.listdir('/'))", Deadline::NEVER);
    assert_eq!(before.unwrap(), after.unwrap());
}

/// Runs a source as `run` does. Returns what it printed, and how it ended in a few words: the exit code with its message, or the
/// exception with the lines of its frames.
fn run_guarded(source: &str) -> (String, String) {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER).unwrap();
    let guarded = Guarded::new(source.as_bytes());
    let mut printed = Vec::new();
    let ended = raw.exec(
        guarded.source(),
        &mut |bytes| printed.extend_from_slice(bytes),
        Deadline::NEVER,
    );
    let ended = match guarded.outcome(ended) {
        Ok(Exit::End) => "end".to_owned(),
        Ok(Exit::Exited(ExitValue { code, message })) => {
            format!("exit {code} {}", message.unwrap_or_default())
        }
        Err(piton::error::BoardError::Exception(exception)) => {
            let lines = exception.frames.iter().map(|frame| frame.line.to_string());
            let lines = lines.collect::<Vec<_>>().join(" ");
            format!("{} in line {lines}", exception.type_name)
        }
        Err(error) => error.to_string(),
    };
    (String::from_utf8(printed).unwrap(), ended)
}

#[test]
fn a_program_ends_as_it_does_in_python() {
    for (source, printed, ended) in [
        ("print(1)\n", "1\r\n", "end"),
        ("print(1)", "1\r\n", "end"),
        ("", "", "end"),
        ("import sys\nsys.exit()\nprint(1)\n", "", "exit 0 "),
        ("import sys\nsys.exit(3)\n", "", "exit 3 "),
        ("import sys\nsys.exit(-1)\n", "", "exit 255 "),
        (
            "import sys\nsys.exit('it failed')\n",
            "",
            "exit 1 it failed",
        ),
        ("raise SystemExit\n", "", "exit 0 "),
        (
            "try:\n  raise SystemExit(2)\nfinally:\n  print('tidied')\n",
            "tidied\r\n",
            "exit 2 ",
        ),
        // The numbers are those of the source, before and after the line that the `try` took.
        ("x = 1\n1 / 0\n", "", "ZeroDivisionError in line 2"),
        ("x = 1\n\n1 / 0\n", "", "ZeroDivisionError in line 3"),
        (
            "def f():\n    1 / 0\n# a comment\nf()\n",
            "",
            "ZeroDivisionError in line 4 2",
        ),
        (
            "text = '''\na\n  b'''\nprint(text)\n",
            "\r\na\r\n  b\r\n",
            "end",
        ),
    ] {
        let expected = (printed.to_owned(), ended.to_owned());
        assert_eq!(run_guarded(source), expected, "{source}");
    }
}

#[test]
fn input_comes_from_the_host() {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER).unwrap();
    let long = "\u{20ac}".repeat(200);
    let lines = ["Ann", "", long.as_str(), "it's \\ \"quoted\""];
    let mut input = Input::install(&mut raw, Deadline::NEVER).unwrap().unwrap();
    let mut left = lines
        .iter()
        .map(|line| Line::Text(line.as_bytes().to_vec()));
    let source = "print(repr(input('name? ')))\nfor _ in range(3): print(input())\n\
                  try: input('more? ')\nexcept EOFError: print('no more')\n";
    let mut printed = Vec::new();
    let mut exchange = |bytes: &[u8]| {
        input.take(bytes, &mut |bytes| printed.extend_from_slice(bytes));
        ControlFlow::Continue(input.reply(|| Some(left.next().unwrap_or(Line::End))))
    };
    let ended = raw.exec_with_replies(source.as_bytes(), &mut exchange, Deadline::NEVER);
    ended.unwrap();
    input.flush(&mut |bytes| printed.extend_from_slice(bytes));
    let expected = format!(
        "name? 'Ann'\r\n\r\n{long}\r\n{}\r\nmore? no more\r\n",
        lines[3]
    );
    assert_eq!(String::from_utf8(printed).unwrap(), expected);
    Input::remove(&mut raw, Deadline::NEVER).unwrap();
    let left = raw.run(b"print('_piton_input' in globals())", Deadline::NEVER);
    assert_eq!(left.unwrap(), b"False\r\n");
}

/// A program that nobody listens to any more runs on until it is interrupted, as after Ctrl-C.
#[test]
fn an_exchange_that_breaks_ends_the_wait() {
    let mut board = connect();
    let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER).unwrap();
    let source = b"while True: print('more')\n";
    let mut exchange = |bytes: &[u8]| match bytes.is_empty() {
        true => ControlFlow::Continue(Vec::new()),
        false => ControlFlow::Break(()),
    };
    let ended = raw.exec_with_replies(source, &mut exchange, Deadline::NEVER);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Interrupted);
    // The flag of the connection is down again: the next exchange is not interrupted.
    assert!(!raw.cancel().is_cancelled());
    let stopped = raw.interrupt(&mut |_| {}, Deadline::NEVER).unwrap_err();
    let raised = stopped.exception().map(|raised| raised.type_name.as_str());
    assert_eq!(raised, Some("KeyboardInterrupt"));
    assert_eq!(raw.run(b"print(1)", Deadline::NEVER).unwrap(), b"1\r\n");
}
