//! The virtual board, in all its versions.

use std::io;
use std::time::Duration;

use ::virtual_board::{BoardOptions, Line, VirtualBoard, VmImage};
use piton_board::deadline::{Cancel, Deadline};
use piton_board::literal::{Value, parse};
use piton_board::repl::{Entry, Repl};
use piton_board::transport::Transport;

use crate::corpus::{check_corpus, check_printed};

struct OnLine(Line);

impl Transport for OnLine {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        self.0.read(buf, deadline.remaining())
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.0.write_all(bytes, deadline.remaining())
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

#[test]
fn literals_agree_with_every_version() {
    for version in test_programs::VM_VERSIONS {
        let image = VmImage::open(&test_programs::vm_version(version)).unwrap();
        let board = VirtualBoard::start(&image, BoardOptions::default()).unwrap();
        let mut repl = Repl::new(Box::new(OnLine(board.open().unwrap())), Cancel::new());
        let mut raw = repl.raw_repl(Entry::KeepState, soon()).unwrap();
        let mut run = |program: &str| raw.run(program.as_bytes(), soon()).unwrap();
        check_corpus(600, 30, &mut run);
        check_printed(&mut run);
        let implementation = run("import sys\nprint(sys.implementation)");
        let Value::NamedTuple(fields) = parse(&implementation).unwrap() else {
            panic!("{}", implementation.escape_ascii());
        };
        assert_eq!(
            fields[0],
            ("name".to_owned(), Value::Str("micropython".to_owned()))
        );
    }
}
