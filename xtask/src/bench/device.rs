//! `cargo xtask bench device`: sessions with functions on a board, through belay and the Python package of Piton.
//!
//! One script runs with both, on boards of the same kind, in turn. A relay in front of the board counts bytes and turns: they do
//! not depend on the machine.

use std::any::Any;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use test_programs::relay::{Relay, Traffic};
use test_programs::{EmulatedPico, UnixBoard};

use super::content::random_bytes;
use crate::python;
use crate::served_board::ServedBoard;
use crate::workspace::{Profile, build_piton};

/// What runs with each module.
const SCRIPT: &str = include_str!("session_times.py");

/// How many files are synchronized, and how long each is.
const FILES: usize = 50;
const FILE_LENGTH: usize = 2048;

/// Compare sessions with functions on a board: the Python package and belay
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each session runs; the medians are shown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// How many calls and items are measured
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,

    /// The board; all of them, and the unix port with 1 ms on the line, without this
    #[arg(long, value_enum)]
    board: Option<Kind>,

    /// How long each byte travels on the line in either direction, in microseconds
    #[arg(long, default_value_t = 0, requires = "board")]
    latency: u64,
}

/// A board, and how long each byte travels to it, in microseconds.
#[derive(Clone, Copy)]
struct Setting {
    kind: Kind,
    latency: u64,
}

/// What is measured without options.
const SETTINGS: [(Kind, u64); 4] = [
    (Kind::Virtual, 0),
    (Kind::Unix, 0),
    (Kind::Unix, 1000),
    (Kind::Pico, 0),
];

/// How many calls and items are measured on an emulated Pico, where each takes as long as fifty on others.
const PICO_CALLS: u32 = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// MicroPython's unix port, with the files of this computer
    Unix,
    /// A virtual board, with its files in memory
    Virtual,
    /// A Pico W, emulated: about 20 times slower than the chip
    Pico,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tool {
    Belay,
    Piton,
}

const TOOLS: [Tool; 2] = [Tool::Belay, Tool::Piton];

/// What the sessions need.
struct Needs {
    /// The folder that has the Python package of Piton.
    package: PathBuf,
    /// The program that serves virtual boards.
    piton: Option<PathBuf>,
    script: PathBuf,
    /// The folder to synchronize.
    sources: PathBuf,
}

/// A running board, and what counts its traffic.
struct Board {
    relay: Relay,
    _board: Box<dyn Any>,
}

/// What one run measured: seconds and traffic by name.
type Measured = Vec<(String, f64, Traffic)>;

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let settings: Vec<Setting> = match args.board {
        Some(kind) => vec![Setting {
            kind,
            latency: args.latency,
        }],
        None => SETTINGS
            .map(|(kind, latency)| Setting { kind, latency })
            .into(),
    };
    let needs_piton = settings.iter().any(|setting| setting.kind == Kind::Virtual);
    let folder = tempfile::tempdir()?;
    let needs = Needs {
        package: python::install_to(&folder.path().join("package"), Profile::Release)?,
        piton: needs_piton
            .then(|| build_piton(Profile::Release))
            .transpose()?,
        script: folder.path().join("session_times.py"),
        sources: folder.path().join("sources"),
    };
    fs_err::write(&needs.script, SCRIPT)?;
    fs_err::create_dir(&needs.sources)?;
    for number in 0..FILES {
        let content = random_bytes(&number.to_string(), FILE_LENGTH);
        fs_err::write(needs.sources.join(format!("{number:02}.bin")), content)?;
    }
    for setting in settings {
        compare(setting, args, &needs)?;
    }
    Ok(())
}

/// Runs the sessions on one board, and prints their table.
fn compare(setting: Setting, args: &Args, needs: &Needs) -> anyhow::Result<()> {
    let mut cells: BTreeMap<(Tool, String), Vec<(f64, Traffic)>> = BTreeMap::new();
    let mut names = Vec::new();
    for _ in 0..args.runs {
        for tool in TOOLS {
            for (name, seconds, traffic) in measure(tool, setting, args.calls, needs)? {
                eprintln!("{tool:?}, {name}: {seconds:.6} s, {traffic:?}");
                if !names.contains(&name) {
                    names.push(name.clone());
                }
                let cell = cells.entry((tool, name)).or_default();
                cell.push((seconds, traffic));
            }
        }
    }
    println!("\n{:?}, {} us each way:\n", setting.kind, setting.latency);
    print_table(&names, &cells);
    Ok(())
}

/// Prints the median run of each tool, and the ratio of their times.
fn print_table(names: &[String], cells: &BTreeMap<(Tool, String), Vec<(f64, Traffic)>>) {
    println!("| operation | tool | seconds | turns | bytes sent | bytes received | times faster |");
    println!("|---|---|---|---|---|---|---|");
    for name in names.iter().filter(|name| !name.starts_with('(')) {
        let medians = TOOLS.map(|tool| {
            let mut runs = cells.get(&(tool, name.clone()))?.clone();
            runs.sort_by(|one, other| one.0.total_cmp(&other.0));
            runs.get(runs.len() / 2).copied()
        });
        for (tool, median) in TOOLS.iter().zip(medians) {
            let Some((seconds, traffic)) = median else {
                continue;
            };
            let ratio = match (tool, medians[0]) {
                (Tool::Piton, Some((theirs, _))) if seconds > 0.0 => {
                    format!("{:.1}", theirs / seconds)
                }
                _ => String::new(),
            };
            let Traffic {
                turns,
                to_board,
                to_host,
            } = traffic;
            println!(
                "| {name} | {tool:?} | {seconds:.6} | {turns} | {to_board} | {to_host} | {ratio} |"
            );
        }
    }
}

fn measure(tool: Tool, setting: Setting, calls: u32, needs: &Needs) -> anyhow::Result<Measured> {
    let flash = tempfile::tempdir()?;
    let board = Board::start(setting, needs, flash.path())?;
    let calls = match setting.kind {
        Kind::Pico => calls.min(PICO_CALLS),
        Kind::Unix | Kind::Virtual => calls,
    };
    let target = match setting.kind {
        Kind::Unix => flash.path().join("bench"),
        Kind::Virtual | Kind::Pico => PathBuf::from("/bench"),
    };
    let mut command = test_programs::belay_python();
    command.env("PYTHONPATH", &needs.package);
    // A person's own settings are nothing to the measurement.
    command.env("PITON_CONFIG", "");
    let module = match tool {
        Tool::Belay => "belay",
        Tool::Piton => "piton",
    };
    command
        .arg(&needs.script)
        .args([module, board.relay.port(), &calls.to_string()])
        .args([&needs.sources, &target])
        .arg(match setting.kind {
            Kind::Unix => "unix",
            Kind::Virtual => "virtual",
            Kind::Pico => "pico",
        });
    let measured = lines_of(command, &board.relay);
    measured.with_context(|| format!("{tool:?} fails"))
}

/// Runs a script that waits after each line, and counts what passes the relay for each.
fn lines_of(mut command: Command, relay: &Relay) -> anyhow::Result<Measured> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the interpreter")?;
    let mut answers = child.stdin.take().context("no stdin")?;
    let lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    relay.take_traffic();
    let mut measured = Vec::new();
    for line in lines {
        let line = line?;
        // The script waits: all that passed belongs to the line.
        let traffic = relay.take_traffic();
        let (name, seconds) = line
            .split_once(": ")
            .with_context(|| format!("it says `{line}`"))?;
        measured.push((name.to_owned(), seconds.parse()?, traffic));
        answers.write_all(b"\n")?;
    }
    drop(answers);
    let status = child.wait()?;
    ensure!(status.success(), "it ended with {status}");
    Ok(measured)
}

impl Board {
    /// Starts a board, whose files are in a folder where they are those of this computer.
    fn start(setting: Setting, needs: &Needs, flash: &Path) -> anyhow::Result<Board> {
        let (port, board): (String, Box<dyn Any>) = match setting.kind {
            Kind::Unix => {
                let board = UnixBoard::start(flash);
                (board.port().to_owned(), Box::new(board))
            }
            Kind::Virtual => {
                let piton = needs.piton.as_deref().context("no program serves boards")?;
                let board = ServedBoard::start(piton, [""; 0])?;
                (board.port.clone(), Box::new(board))
            }
            Kind::Pico => {
                let board = EmulatedPico::start();
                (board.port().to_owned(), Box::new(board))
            }
        };
        let latency = Duration::from_micros(setting.latency);
        Ok(Board {
            relay: Relay::with_latency(&port, latency)?,
            _board: board,
        })
    }
}
