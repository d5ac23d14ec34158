//! Programs in `.mpy` files, from the memory of a board.

use piton::compiler::{Options, compile};
use piton::deadline::Deadline;
use piton::facts::{BoardFacts, board_facts};
use piton::mpy::header::{Arch, Header};
use piton::mpy::{reader, writer};
use piton::program::{MpyError, check_mpy, is_mpy, send_mpy, set_argv};
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
    let file = mpy("print(6 * 7)\n", Target::MicroPython);
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
        "the .mpy file is for .mpy version 5, the board loads version 6",
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
    assert!(is_mpy(&mpy("", Target::MicroPython)));
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
    let file = mpy(&source, Target::MicroPython);
    let before = raw.run(b"import os\nprint(os.listdir('/'))", Deadline::NEVER);
    let guarded = send_mpy(&mut raw, &file, Deadline::NEVER).unwrap();
    let printed = raw.run(guarded.source(), Deadline::NEVER).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(printed, "_piton_program [\"it's\", '\u{20ac}']\r\n4000\r\n");
    let after = raw.run(b"import os\nprint(os.listdir('/'))", Deadline::NEVER);
    assert_eq!(before.unwrap(), after.unwrap());
}
