//! Modules for each release, loaded by boards of the releases that exist as virtual boards.

use piton::compiler::{Options, Target, compile};
use piton::literal::py_bytes;
use piton::repl::Entry;
use piton::{Board, ConnectOptions};

use crate::support::soon;

/// A source that uses most kinds of statements and expressions, and prints what they give.
const SOURCE: &str = include_str!("releases/everything.py");

/// Runs `program` on a board that starts afresh.
fn run(board: &mut Board, program: &str) -> String {
    let mut raw = board.raw_repl(Entry::SoftReset, soon()).unwrap();
    let output = raw.run(program.as_bytes(), soon());
    String::from_utf8(output.unwrap()).unwrap()
}

/// Writes `source`, compiled for `target`, as `everything.mpy`, imports it, and returns what it printed or what was raised.
fn import(board: &mut Board, source: &str, target: Target) -> String {
    let mut options = Options::new("everything.py");
    options.target = target;
    let module = compile(source.as_bytes(), &options).unwrap();
    let module = py_bytes(&piton::mpy::writer::write(&module).unwrap());
    let program = format!(
        "with open('everything.mpy', 'wb') as file:\n file.write({module})\n\
         try: import everything\nexcept ValueError as error: print(error)\n"
    );
    run(board, &program)
}

#[test]
fn a_board_loads_what_was_compiled_for_each_release_of_its_format() {
    for version in test_programs::VM_VERSIONS {
        let mut options = ConnectOptions::default();
        options.vm = Some(test_programs::vm_version(version));
        let mut board = Board::connect(&"virtual".parse().unwrap(), &options).unwrap();
        let expected = run(&mut board, SOURCE).replace("__main__", "everything");
        assert!(expected.ends_with("end\r\n"), "{version}: {expected}");
        for target in Target::ALL {
            let (source, expected) = match target.mpy_version() {
                6 if !target.is_circuitpython() => (SOURCE, expected.as_str()),
                // Older compilers know less. CircuitPython's files begin with another letter.
                _ => ("print(1)", "incompatible .mpy file\r\n"),
            };
            let printed = import(&mut board, source, *target);
            assert_eq!(printed, expected, "{} on {version}", target.name());
        }
    }
}
