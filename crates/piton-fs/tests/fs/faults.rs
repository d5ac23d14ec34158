//! What a failed write leaves: the old file or the new one, a board that is ready for the next, an error that
//! says which.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_fs::FileEvent;
use piton_fs::error::{Error, FileState};
use piton_fs::listing::Sizes;
use virtual_board::{BoardOptions, Fault, Flash, Outage};

use crate::support::{Board, noise, path, soon};

/// What a write goes through: names that are there, and whether the file is old or new.
#[track_caller]
fn check_old_or_new(board: &mut Board, old: &[u8], new: &[u8]) -> bool {
    let found = board.read("/f").unwrap();
    assert!(
        found == old || found == new,
        "{} bytes, neither old nor new",
        found.len()
    );
    found == new
}

/// No name but `f` is there, and none of ours in the interpreter.
#[track_caller]
fn check_tidy(board: &mut Board) {
    assert_eq!(board.run("import os\nprint(os.listdir('/'))"), "['f']\r\n");
    assert_eq!(
        board.run("print([name for name in globals() if 'piton' in name])"),
        "[]\r\n"
    );
}

#[test]
fn a_file_that_does_not_fit_the_flash_is_refused() {
    let flash = Flash::Memory {
        capacity: 64 * 1024,
    };
    let mut board = Board::start(BoardOptions {
        flash,
        ..BoardOptions::default()
    });
    let old = noise(30_000);
    board.write("/f", &old).unwrap();
    let mut events = 0;
    let error = board
        .fs(|fs| fs.write(&path("/f"), &noise(50_000), &mut |_| events += 1, soon()))
        .unwrap_err();
    let Error::NoSpace {
        needed: Some(50_000),
        free: Some(free),
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert!(free < 50_000 && free > 20_000, "{free}");
    // The board was asked before the transfer.
    assert_eq!(events, 0);
    assert!(board.read("/f").unwrap() == old);
    check_tidy(&mut board);
    // What fits, fits.
    board.write("/f", &noise(20_000)).unwrap();
}

#[test]
fn a_write_that_fills_the_flash_keeps_the_old_file() {
    let mut board = Board::start(BoardOptions::default());
    let old = noise(3000);
    board.write("/f", &old).unwrap();
    for after_bytes in [0, 1, 100, 5000, 19_999] {
        board.board.inject(&Fault::FlashFull { after_bytes });
        for content in [noise(20_000), noise(80)] {
            if (content.len() as u64) <= after_bytes {
                continue;
            }
            let error = board.write("/f", &content).unwrap_err();
            assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
            assert_eq!(error.os_error_number(), Some(28));
            assert!(board.read("/f").unwrap() == old, "after {after_bytes}");
            check_tidy(&mut board);
        }
    }
}

#[test]
fn a_power_cut_at_any_flash_operation_leaves_the_old_or_the_new_file() {
    let old = noise(3000);
    for new in [noise(9000), b"short".to_vec()] {
        let mut outcomes = [0, 0];
        for after_writes in 0..40 {
            let mut board = Board::start(BoardOptions::default());
            board.write("/f", &old).unwrap();
            board.board.inject(&Fault::PowerCut {
                after_writes,
                outage: Outage::Returns(Duration::from_millis(1)),
            });
            let written = board.write("/f", &new);
            if written.is_ok() {
                assert!(after_writes > 2, "the fault never struck");
                break;
            }
            board.reconnect();
            let is_new = check_old_or_new(&mut board, &old, &new);
            outcomes[usize::from(is_new)] += 1;
            // The next write cleans up what the cut left behind.
            board.write("/f", &new).unwrap();
            assert!(board.read("/f").unwrap() == new);
            check_tidy(&mut board);
        }
        assert!(outcomes[0] > 2, "{outcomes:?}");
    }
}

#[test]
fn a_brown_out_resets_the_board() {
    let mut board = Board::start(BoardOptions::default());
    let old = noise(3000);
    board.write("/f", &old).unwrap();
    board.board.inject(&Fault::PowerCut {
        after_writes: 2,
        outage: Outage::Brownout,
    });
    let error = board
        .fs(|fs| {
            let deadline = piton_board::deadline::Deadline::after(Duration::from_secs(20));
            fs.write(&path("/f"), &noise(20_000), &mut |_| {}, deadline)
        })
        .unwrap_err();
    assert!(matches!(error, Error::Board(_)), "{error:?}");
    assert!(board.read("/f").unwrap() == old);
}

/// A deadline for a write that may lose its board.
fn shortly() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

/// Write over a line that damages a byte at each of these places, in turn. How often the write got through.
#[track_caller]
fn check_damage(faults: impl Fn(u64) -> Fault, places: impl Iterator<Item = u64>) -> usize {
    let mut board = Board::start(BoardOptions::default());
    let mut got_through = 0;
    let contents = [noise(18_000), noise(17_000)];
    board.write("/f", &contents[1]).unwrap();
    for (round, at) in places.enumerate() {
        let (new, old) = (&contents[round % 2], &contents[(round + 1) % 2]);
        board.board.inject(&faults(at));
        let written = board.fs(|fs| fs.write(&path("/f"), new, &mut |_| {}, shortly()));
        match written {
            Ok(()) => got_through += 1,
            Err(Error::Torn { source, .. }) => panic!("{source}"),
            Err(_) => {}
        }
        let is_new = check_old_or_new(&mut board, old, new);
        // A second run finishes the job.
        if !is_new {
            board.write("/f", new).unwrap();
        }
        check_tidy(&mut board);
    }
    got_through
}

#[test]
fn changed_bytes_on_the_line_are_detected() {
    let places = (300..18_000).step_by(2503);
    let got_through = check_damage(|at| Fault::CorruptToBoard { at, mask: 0x22 }, places);
    // The program's own places are tried again, too.
    assert!(got_through >= 7, "only {got_through} writes got through");
}

#[test]
fn lost_bytes_on_the_line_are_detected() {
    let places = [700, 2100, 3000, 3300, 9000, 15_000];
    let got_through = check_damage(|at| Fault::DropToBoard { at }, places.into_iter());
    assert!(got_through >= 5, "only {got_through} writes got through");
}

#[test]
fn a_damaged_read_is_an_error() {
    let mut board = Board::start(BoardOptions::default());
    let content = noise(18_000);
    board.write("/f", &content).unwrap();
    for at in (100..20_000).step_by(1999) {
        board.board.inject(&Fault::CorruptToHost { at, mask: 0x01 });
        match board.read("/f") {
            Ok(read) => assert!(read == content, "a damaged file passed for whole"),
            Err(Error::Damaged { .. } | Error::Answer { .. } | Error::Board(_)) => {}
            Err(error) => panic!("{error}"),
        }
        // Let a fault that is still to come strike now.
        let _ = board.read("/f");
        board.reconnect();
    }
}

#[test]
fn ctrl_c_during_a_write_keeps_the_old_file() {
    let mut board = Board::start(BoardOptions::default());
    let old = noise(100);
    board.write("/f", &old).unwrap();
    let cancel = board.cancel.clone();
    let mut parts = 0;
    let error = board
        .fs(|fs| {
            let mut events = |_| {
                parts += 1;
                if parts == 2 {
                    cancel.cancel();
                }
            };
            fs.write(&path("/f"), &noise(50_000), &mut events, soon())
        })
        .unwrap_err();
    assert!(
        matches!(error, Error::Board(BoardError::Cancelled)),
        "{error:?}"
    );
    assert_eq!(parts, 2);
    assert!(board.read("/f").unwrap() == old);
    check_tidy(&mut board);
    let cancel = board.cancel.clone();
    let error = board
        .fs(|fs| fs.read(&path("/f"), &mut |_: FileEvent| cancel.cancel(), soon()))
        .map(|content| content.len());
    // A short file may be whole before the flag is seen.
    assert!(
        matches!(error, Ok(100) | Err(Error::Board(BoardError::Cancelled))),
        "{error:?}"
    );
    board.cancel.take();
    check_tidy(&mut board);
}

#[test]
fn an_unplugged_board_keeps_the_old_or_the_new_file() {
    let mut board = Board::start(BoardOptions::default());
    let old = noise(100);
    board.write("/f", &old).unwrap();
    board.board.inject(&Fault::Vanish {
        after_bytes_to_host: 60,
        returns_after: Duration::from_millis(1),
    });
    let error = board.write("/f", &noise(50_000)).unwrap_err();
    assert!(
        matches!(error, Error::Board(BoardError::Disconnected { .. })),
        "{error:?}"
    );
    board.reconnect();
    assert!(board.read("/f").unwrap() == old);
    let left = board
        .fs(|fs| fs.list(&path("/"), Sizes::Measured, soon()))
        .unwrap();
    assert_eq!(
        left.len(),
        2,
        "the part that was written is still there: {left:?}"
    );
    board.write("/f", b"new").unwrap();
    check_tidy(&mut board);
}

/// A stand-in for file systems that do not rename onto a file, or not at all.
const RENAME: &str = "
import os
real = os.rename
calls = 0
def rename(old, new):
    global calls
    calls += 1
    if calls in FAILING:
        raise OSError(NUMBER)
    real(old, new)
os.rename = rename
";

#[test]
fn a_file_is_replaced_on_a_file_system_that_does_not_rename_onto_a_file() {
    for number in ["1", "13", "17"] {
        let mut board = Board::start(BoardOptions::default());
        board.write("/f", b"old").unwrap();
        board.run(&RENAME.replace("FAILING", "(1,)").replace("NUMBER", number));
        board.write("/f", b"new").unwrap();
        assert_eq!(board.read("/f").unwrap(), b"new");
        assert_eq!(board.run("print(os.listdir('/'))"), "['f']\r\n");
    }
}

#[test]
fn a_failed_rename_leaves_the_temporary_file() {
    let mut board = Board::start(BoardOptions::default());
    board.write("/f", b"old").unwrap();
    board.run(&RENAME.replace("FAILING", "(1, 2)").replace("NUMBER", "17"));
    let error = board.write("/f", b"new").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the board refused `/f`: EEXIST (17): file exists; `/f` is complete under the name `/f.piton-new`"
    );
    let Error::Torn {
        state: FileState::Temporary(part),
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(board.read(part.as_str()).unwrap(), b"new");
    // With another reason than that the file exists, the old one stays.
    let mut board = Board::start(BoardOptions::default());
    board.write("/f", b"old").unwrap();
    board.run(&RENAME.replace("FAILING", "(1,)").replace("NUMBER", "5"));
    let error = board.write("/f", b"new").unwrap_err();
    assert_eq!(error.os_error_number(), Some(5));
    assert_eq!(board.read("/f").unwrap(), b"old");
    assert_eq!(board.run("print(os.listdir('/'))"), "['f']\r\n");
}

#[test]
fn a_read_only_file_system_is_an_error() {
    let mut board = Board::start(BoardOptions::default());
    board.write("/f", b"old").unwrap();
    // As CircuitPython's, while the computer has the drive mounted.
    board.run(
        "import os, builtins\nreal_open = open\ndef fail(*a):\n raise OSError(30)\nos.mkdir = os.remove = os.rename = fail\n\
         builtins.open = lambda p, m='r': fail() if 'r' not in m else real_open(p, m)",
    );
    for error in [
        board.write("/f", b"new").unwrap_err(),
        board.write("/f", &noise(5000)).unwrap_err(),
        board.fs(|fs| fs.make_dir(&path("/d"), soon())).unwrap_err(),
        board
            .fs(|fs| fs.remove_file(&path("/f"), soon()))
            .unwrap_err(),
        board.fs(|fs| fs.touch(&path("/t"), soon())).unwrap_err(),
    ] {
        assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    }
    assert_eq!(board.read("/f").unwrap(), b"old");
}

#[test]
fn a_file_is_written_to_a_board_with_little_memory() {
    let mut board = Board::start(BoardOptions::default());
    // The first large part does not fit, as on a heap in pieces.
    board.run(
        "import builtins\nreal_open = open\nclass File:\n def __init__(self, f):\n  self.f = f\n  self.close = f.close\n def write(self, data):\n  \
         if len(data) > 500:\n   raise MemoryError\n  return self.f.write(data)\n\
         builtins.open = lambda p, m='r': File(real_open(p, m)) if m == 'wb' else real_open(p, m)",
    );
    let content = noise(20_000);
    board.write("/f", &content).unwrap();
    assert!(board.read("/f").unwrap() == content);
}
