//! Streams of files: what they carry, and what they cost on the wire.

use piton_fs::transfer::{Outgoing, SendOptions, Step};
use virtual_board::{BoardOptions, LineOptions};

use crate::support::{Board, noise, path, soon};

/// A line without flow control whose board has 2 KiB for what it has not read.
fn ring(bytes: usize) -> BoardOptions {
    BoardOptions {
        line: LineOptions {
            receive_ring: Some(bytes),
            ..LineOptions::default()
        },
        ..BoardOptions::default()
    }
}

fn write<'c>(name: &str, content: &'c [u8]) -> Step<'c> {
    Step::Write(Outgoing::from_bytes(path(name), content))
}

/// Send on a fresh connection to a board with a ring of 2 KiB: it may take so many bytes both ways for each byte of
/// content, and so many turns.
#[track_caller]
fn check_cost(contents: &[Vec<u8>], bytes: f64, turns: usize) {
    let payload: usize = contents.iter().map(Vec::len).sum();
    let names: Vec<String> = (0..contents.len())
        .map(|index| format!("/f{index}"))
        .collect();
    let mut found = Vec::new();
    // A busy host can make the board, or us, take the line for a slow one: that costs turns.
    for _ in 0..6 {
        let mut board = Board::start(ring(2048));
        let (_, traffic) = board.traffic_from_here(|fs| {
            let files = names.iter().zip(contents);
            let steps = files.map(|(name, content)| write(name, content)).collect();
            fs.send(steps, &SendOptions::default(), &mut |_| {}, soon())
                .unwrap()
        });
        for (name, content) in names.iter().zip(contents).step_by(16) {
            assert!(board.read(name).unwrap() == *content, "{name}");
        }
        found.push((traffic.bytes() as f64 / payload as f64, traffic.turns));
        if found
            .iter()
            .any(|found| found.0 <= bytes && found.1 <= turns)
        {
            return;
        }
    }
    panic!("{found:?}");
}

#[test]
fn cost_of_a_large_file() {
    check_cost(&[noise(100 * 1024)], 1.06, 60);
}

#[test]
fn cost_of_many_files() {
    let contents: Vec<Vec<u8>> = (0..50).map(|index| noise(2048 + index)).collect();
    check_cost(&contents, 1.10, 80);
}

#[test]
fn cost_of_source() {
    // 20 kB, of which a sixth is the board's program.
    let source = include_str!("../../../virtual-board/device/machine.py");
    check_cost(&[source.as_bytes().to_vec()], 0.52, 20);
}
