//! A sync that breaks at any byte and at any flash operation: no file is torn, and a second run finishes the job.
//!
//! `PITON_SWEEP=600 cargo nextest run -p piton-fs sweep` tries as many places; without it a few.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::repl::Entry;
use piton_fs::error::Error;
use piton_fs::transfer::{Outgoing, SendOptions, Step};
use virtual_board::{BoardOptions, Fault, LineOptions, Outage};

use crate::support::{Board, noise, path, soon};

/// How many places there are to try in all.
fn places() -> usize {
    let asked = std::env::var("PITON_SWEEP").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(14)
}

/// The files, old and new. What is empty is not there.
fn files() -> [(&'static str, Vec<u8>, Vec<u8>); 4] {
    let source = include_bytes!("../../device/send.py").to_vec();
    [
        ("/a.bin", noise(3000), noise(9000)),
        ("/lib/b.py", Vec::new(), source),
        ("/c", b"old".to_vec(), b"new".to_vec()),
        ("/gone", noise(500), Vec::new()),
    ]
}

/// `moved` is called when content has gone out.
fn sync(board: &mut Board, moved: &mut dyn FnMut(), deadline: Deadline) -> Result<(), Error> {
    let files = files();
    let mut steps = vec![Step::MakeDir(path("/lib"))];
    for (name, _, new) in &files {
        steps.push(match new.is_empty() {
            true => Step::Remove(path(name)),
            false => Step::Write(Outgoing::from_bytes(path(name), new)),
        });
    }
    let mut raw = board.repl.raw_repl(Entry::KeepState, deadline)?;
    let mut fs = piton_fs::remote::RemoteFs::new(&mut raw);
    fs.send(steps, &SendOptions::default(), &mut |_| moved(), deadline)?;
    Ok(())
}

fn start() -> Board {
    let mut board = Board::start(BoardOptions::default());
    for (name, old, _) in files() {
        if !old.is_empty() {
            board.write(name, &old).unwrap();
        }
    }
    board
}

/// Each file is old or new, whole. How many are new.
#[track_caller]
fn check_whole(board: &mut Board, what: &str) -> usize {
    let mut new_files = 0;
    for (name, old, new) in files() {
        let found = match board.read(name) {
            Ok(content) => content,
            Err(Error::NotFound { .. }) => Vec::new(),
            Err(error) => panic!("{what}: {name}: {error}"),
        };
        assert!(
            found == old || found == new,
            "{what}: {name} is torn: {} bytes",
            found.len()
        );
        new_files += usize::from(found == new);
    }
    new_files
}

/// Let a fault strike that was not reached: on the line either way, or in the flash.
fn exhaust(board: &mut Board) {
    let mut program = b"import os\nprint('-' * 2000)\nfor i in range(99):\n open('/x', 'w').close()\n os.remove('/x')\n".to_vec();
    program.resize(20_000, b'#');
    let deadline = Deadline::after(Duration::from_secs(5));
    if let Ok(mut raw) = board.repl.raw_repl(Entry::KeepState, deadline) {
        // It breaks off, or not.
        let _ = raw.run(&program, deadline);
    }
    board.disconnect();
    board.board.power_on();
    board.reconnect();
    board.run("import os\nif 'x' in os.listdir('/'): os.remove('/x')");
}

/// Break a sync, look at what it left, and run it again.
#[track_caller]
fn check(what: &str, at_first: Option<&Fault>, ring: Option<usize>) -> bool {
    let mut board = start();
    if let Some(fault) = at_first {
        board.board.inject(fault);
    }
    let line = Arc::clone(&board.board);
    let mut moved = || {
        if ring.is_some() {
            line.set_line(LineOptions {
                receive_ring: ring,
                ..LineOptions::default()
            });
        }
    };
    let deadline = Deadline::after(Duration::from_secs(30));
    let went_through = sync(&mut board, &mut moved, deadline).is_ok();
    if went_through {
        exhaust(&mut board);
    }
    board.board.set_line(LineOptions::default());
    board.board.inject(&Fault::FlashFull {
        after_bytes: u64::MAX,
    });
    board.board.power_on();
    board.reconnect();
    let new_files = check_whole(&mut board, what);
    assert!(
        !went_through || new_files == 4,
        "{what}: {new_files} files are new"
    );
    sync(&mut board, &mut || {}, soon()).unwrap();
    assert_eq!(check_whole(&mut board, what), 4, "{what}");
    let left = board.run("import os\nprint(sorted(os.listdir('/')), os.listdir('/lib'))");
    assert_eq!(left, "['a.bin', 'c', 'lib'] ['b.py']\r\n", "{what}");
    went_through
}

/// Place number `index` of `count`, for each kind of fault.
fn faults(index: usize, count: usize) -> [Fault; 7] {
    // The stream is some 15 kB long, with 420 bytes of answers and 70 flash operations.
    let step = |of: u64| index as u64 * of / count as u64;
    let at = step(15_500) + 7;
    let mask = 1 << (index % 8);
    let away = Duration::from_millis(1);
    [
        Fault::ResetAfter { bytes_to_board: at },
        Fault::Vanish {
            after_bytes_to_host: step(420),
            returns_after: away,
        },
        Fault::PowerCut {
            after_writes: step(70),
            outage: Outage::Returns(away),
        },
        Fault::CorruptToBoard { at, mask },
        Fault::CorruptToHost {
            at: step(420),
            mask,
        },
        Fault::DropToBoard { at },
        Fault::FlashFull {
            after_bytes: step(20_000),
        },
    ]
}

#[test]
fn files_arrive_at_every_combination_of_line_and_fault() {
    let each = places().div_ceil(7);
    let went_through: [AtomicUsize; 7] = Default::default();
    let next = AtomicUsize::new(0);
    // Most of the time is spent waiting.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    let (index, kind) = (place / 7, place % 7);
                    if index >= each {
                        break;
                    }
                    let fault = &faults(index, each)[kind];
                    let ok = check(&format!("{fault:?}"), Some(fault), None);
                    went_through[kind].fetch_add(usize::from(ok), Ordering::SeqCst);
                }
            });
        }
    });
    let went_through = went_through.map(AtomicUsize::into_inner);
    println!("{each} places each, went through: {went_through:?}");
    // What is only damaged goes again.
    let repaired: usize = went_through[3..6].iter().sum();
    assert!(repaired > each, "{went_through:?}");
}

#[test]
fn files_arrive_when_the_receive_ring_shrinks() {
    for ring in [64, 200] {
        // The line loses what it held when it was measured.
        let went_through = check(&format!("ring of {ring}"), None, Some(ring));
        assert!(went_through, "ring of {ring}");
    }
}
