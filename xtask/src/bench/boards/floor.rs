//! How far copies are from what the board itself needs for the same bytes.
//!
//! All times are of the board's own clock, `time.ticks_us()`. An emulator's clock counts the emulated chip's time,
//! which passes slower than ours, so what the host does is cheap on it: the ratio shows the board's work and the
//! turns, not the host.

use std::time::Duration;

use anyhow::Context;

use super::bed::{Bed, Kind};
use super::tool::{Place, Tool};
use super::{Bench, finished};
use crate::bench::content::random_bytes;

/// Name of the file on the board and here.
const FILE: &str = "floor.bin";
/// Sizes of the file, and their names.
const SIZES: [(usize, &str); 2] = [(100 << 10, "100 KiB"), (1 << 20, "1 MiB")];
/// The file system of the Pico has 848 KiB.
const FITS_ON_PICO: usize = 800 << 10;

/// What the board needs for a file: each is the microseconds of a loop over pieces of 4 KiB.
struct Needs {
    /// To write it over an old one.
    write: u64,
    /// To take its SHA-256, from memory.
    hash: u64,
    /// To read it.
    read: u64,
}

/// Measures the board alone; an old file is there afterwards.
fn needs(bed: &Bed, size: usize) -> anyhow::Result<Needs> {
    let program = format!(
        "import time, hashlib\n\
         b = bytearray(bytes(range(256)) * 16)\n\
         def w():\n\
         \x20with open('{FILE}', 'wb') as f:\n\
         \x20 for i in range({size} // 4096): f.write(b)\n\
         def r():\n\
         \x20with open('{FILE}', 'rb') as f:\n\
         \x20 while f.readinto(b): pass\n\
         def h():\n\
         \x20d = hashlib.sha256()\n\
         \x20for i in range({size} // 4096): d.update(b)\n\
         def t(f):\n\
         \x20s = time.ticks_us()\n\
         \x20f()\n\
         \x20return time.ticks_diff(time.ticks_us(), s)\n\
         w()\n\
         print(t(w), t(h), t(r))\n"
    );
    let said = bed.run(&program)?;
    let numbers: Vec<u64> = said
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    match numbers.as_slice() {
        &[write, hash, read] => Ok(Needs { write, hash, read }),
        _ => anyhow::bail!("the board measured {said:?}"),
    }
}

/// Measures all sizes and tools on one kind of board, and returns the table.
pub(super) fn run(bench: &Bench, kind: Kind, tools: &[Tool]) -> anyhow::Result<String> {
    let mut text = String::from(
        "| file | tool | the board alone, ms: write, hash, read | up: board ms, times the floor | down: board ms, times the floor |\n\
         |---|---|---|---|---|\n",
    );
    for (size, name) in SIZES {
        if kind == Kind::Pico && size > FITS_ON_PICO {
            continue;
        }
        for &tool in tools {
            let row = match measure(bench, kind, tool, size) {
                Ok(row) => row,
                Err(error) => {
                    eprintln!("{} {name}: failed: {error:#}", tool.name());
                    "| failed | | |".to_owned()
                }
            };
            let row = format!("| {name} | {} {row}\n", tool.name());
            eprint!("{row}");
            text.push_str(&row);
        }
    }
    Ok(text)
}

/// Returns the last columns of a row.
fn measure(bench: &Bench, kind: Kind, tool: Tool, size: usize) -> anyhow::Result<String> {
    let bed = Bed::start(kind, &bench.piton)?;
    let needs = needs(&bed, size)?;
    let work = tempfile::tempdir()?;
    let source = work.path().join(FILE);
    fs_err::write(&source, random_bytes(FILE, size))?;
    let back = work.path().join("back.bin");
    let place = Place {
        piton: &bench.piton,
        port: bed.port(),
        top: kind.top(tool),
        down: work.path(),
        index: "",
    };
    let source = source.to_str().context("the path is not a text")?;
    let on_board = format!(":{FILE}");
    let up = ticks(bench, &bed, tool, &place, source, &on_board);
    let back = back.to_str().context("the path is not a text")?;
    let down = up
        .is_ok()
        .then(|| ticks(bench, &bed, tool, &place, &on_board, back));
    let cell = |taken: Option<anyhow::Result<u64>>, floor: u64| match taken {
        None => String::new(),
        Some(Ok(taken)) => format!(
            "{}, {:.1}x",
            milliseconds(taken),
            taken as f64 / floor.max(1) as f64
        ),
        Some(Err(error)) => {
            eprintln!("{}: failed: {error:#}", tool.name());
            "failed".to_owned()
        }
    };
    Ok(format!(
        "| {}, {}, {} | {} | {} |",
        milliseconds(needs.write),
        milliseconds(needs.hash),
        milliseconds(needs.read),
        cell(Some(up), needs.write + needs.hash),
        cell(down, needs.read + needs.hash)
    ))
}

fn milliseconds(microseconds: u64) -> String {
    let milliseconds = microseconds as f64 / 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1}")
    } else {
        format!("{milliseconds:.0}")
    }
}

/// Copies a file; returns the microseconds that passed on the board from before the tool's start until after its end,
/// without those that a tool takes that does nothing.
fn ticks(
    bench: &Bench,
    bed: &Bed,
    tool: Tool,
    place: &Place,
    from: &str,
    to: &str,
) -> anyhow::Result<u64> {
    let ask = "print(time.ticks_diff(time.ticks_us(), t0))";
    let start = "import time; t0 = time.ticks_us()";
    let parse = |said: String| -> anyhow::Result<u64> {
        said.trim()
            .parse()
            .with_context(|| format!("the board's clock said {said:?}"))
    };
    bed.run(start)?;
    let asking = parse(bed.run(ask)?)?;
    bed.run(start)?;
    finished(tool.copy(place, from, to), Duration::from_secs(bench.limit))?;
    Ok(parse(bed.run(ask)?)?.saturating_sub(asking))
}
