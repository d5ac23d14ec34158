//! `cargo xtask bench device`: sessions with functions on a board, through belay and Piton.
//!
//! Both do the same on boards of the same kind, in turn. A relay in front of the board counts bytes and turns: they do not
//! depend on the machine.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use test_programs::relay::{Relay, Traffic};
use test_programs::{EmulatedPico, UnixBoard};

use super::content::random_bytes;
use crate::workspace::build_example;

/// belay's side, a script.
const BELAY: &str = include_str!("belay_times.py");

/// How many files are synchronized, and how long each is.
const FILES: usize = 50;
const FILE_LENGTH: usize = 2048;

/// Compare sessions with functions on a board: Piton and belay
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each session runs; the medians are shown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// How many calls and items are measured
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,

    /// The board
    #[arg(long, value_enum, default_value_t = Kind::Unix)]
    board: Kind,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// MicroPython's unix port, with the files of this computer
    Unix,
    /// A Pico W, emulated: about 20 times slower than the chip
    Pico,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tool {
    Piton,
    Belay,
}

/// A running board, and what counts its traffic.
enum Board {
    Unix(UnixBoard),
    Pico { relay: Relay, _board: EmulatedPico },
}

/// What one run measured: seconds and traffic by name.
type Measured = Vec<(String, f64, Traffic)>;

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let piton = build_example("device_times")?;
    let folder = tempfile::tempdir()?;
    let sources = folder.path().join("sources");
    fs_err::create_dir(&sources)?;
    for number in 0..FILES {
        let content = random_bytes(&number.to_string(), FILE_LENGTH);
        fs_err::write(sources.join(format!("{number:02}.bin")), content)?;
    }
    let script = folder.path().join("belay_times.py");
    fs_err::write(&script, BELAY)?;
    let mut cells: BTreeMap<(Tool, String), Vec<(f64, Traffic)>> = BTreeMap::new();
    let mut names = Vec::new();
    for _ in 0..args.runs {
        for tool in [Tool::Belay, Tool::Piton] {
            let measured = measure(tool, args, &piton, &script, &sources)?;
            for (name, seconds, traffic) in measured {
                eprintln!("{tool:?}, {name}: {seconds:.6} s, {traffic:?}");
                if !names.contains(&name) {
                    names.push(name.clone());
                }
                cells
                    .entry((tool, name))
                    .or_default()
                    .push((seconds, traffic));
            }
        }
    }
    println!(
        "| operation | tool | seconds | turns | bytes sent | bytes received |\n|---|---|---|---|---|---|"
    );
    for name in names {
        for tool in [Tool::Belay, Tool::Piton] {
            let Some(runs) = cells.get_mut(&(tool, name.clone())) else {
                continue;
            };
            runs.sort_by(|one, other| one.0.total_cmp(&other.0));
            if let Some((seconds, traffic)) = runs.get(runs.len() / 2) {
                let Traffic {
                    turns,
                    to_board,
                    to_host,
                } = traffic;
                println!("| {name} | {tool:?} | {seconds:.6} | {turns} | {to_board} | {to_host} |");
            }
        }
    }
    Ok(())
}

fn measure(
    tool: Tool,
    args: &Args,
    piton: &Path,
    script: &Path,
    sources: &Path,
) -> anyhow::Result<Measured> {
    let flash = tempfile::tempdir()?;
    let board = match args.board {
        Kind::Unix => Board::Unix(UnixBoard::start(flash.path())),
        Kind::Pico => {
            let board = EmulatedPico::start();
            Board::Pico {
                relay: Relay::in_front_of(board.port())?,
                _board: board,
            }
        }
    };
    let target = match args.board {
        Kind::Unix => flash.path().join("bench"),
        Kind::Pico => PathBuf::from("/bench"),
    };
    let mut command = match tool {
        Tool::Piton => Command::new(piton),
        Tool::Belay => test_programs::belay_python(),
    };
    if tool == Tool::Belay {
        command.arg(script);
    }
    command
        .args([board.port(), &args.calls.to_string()])
        .arg(sources);
    if tool == Tool::Belay {
        command.arg(target);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {tool:?}"))?;
    let mut answers = child.stdin.take().context("no stdin")?;
    let lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    board.take_traffic();
    let mut measured = Vec::new();
    for line in lines {
        let line = line?;
        // The program waits: all that passed belongs to the line.
        let traffic = board.take_traffic();
        let (name, seconds) = line
            .split_once(": ")
            .with_context(|| format!("{tool:?} says `{line}`"))?;
        measured.push((name.to_owned(), seconds.parse()?, traffic));
        answers.write_all(b"\n")?;
    }
    drop(answers);
    let status = child.wait()?;
    ensure!(status.success(), "{tool:?} ended with {status}");
    Ok(measured)
}

impl Board {
    fn port(&self) -> &str {
        match self {
            Board::Unix(board) => board.port(),
            Board::Pico { relay, .. } => relay.port(),
        }
    }

    fn take_traffic(&self) -> Traffic {
        match self {
            Board::Unix(board) => board.take_traffic(),
            Board::Pico { relay, .. } => relay.take_traffic(),
        }
    }
}
