//! `cargo xtask bench start`: how long a command takes from its start to its end.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use test_programs::program;

use super::measure::{median, milliseconds};
use crate::processes;
use crate::served_board::ServedBoard;
use crate::setup;
use crate::workspace::{Profile, build_piton};

/// Time short commands, start to exit, against mpremote
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each command runs
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(5..))]
    runs: u32,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    setup::set_up(&[program("vm")?, program("mpremote")?])?;
    let piton = build_piton(Profile::Release)?;
    let board = ServedBoard::start::<&str>(&piton, [])?;
    println!(
        "{:<28} {:>10} {:>10} {:>8}",
        "median of each", "piton", "mpremote", "ratio"
    );
    compare("version", args.runs, &piton, &["version"], &["version"])?;
    let eval = ["connect", board.port.as_str(), "eval", "1+1"];
    compare("eval 1+1, board on a pty", args.runs, &piton, &eval, &eval)?;
    let alone = ["connect", "virtual", "eval", "1+1"];
    let cold = median_of(args.runs, || timed(Command::new(&piton).args(alone)))?;
    println!(
        "{:<28} {:>7.1} ms",
        "virtual board, cold, eval",
        milliseconds(cold)
    );
    Ok(())
}

/// Runs a command of Piton and one of mpremote in turn, and prints the ratio of their medians.
fn compare(
    what: &str,
    runs: u32,
    piton: &Path,
    ours: &[&str],
    theirs: &[&str],
) -> anyhow::Result<()> {
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..runs {
        times.0.push(timed(Command::new(piton).args(ours))?);
        times.1.push(timed(test_programs::mpremote().args(theirs))?);
    }
    let (ours, theirs) = (median(times.0), median(times.1));
    println!(
        "{what:<28} {:>7.1} ms {:>7.1} ms {:>7.1}x",
        milliseconds(ours),
        milliseconds(theirs),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
    Ok(())
}

fn median_of(
    runs: u32,
    mut run: impl FnMut() -> anyhow::Result<Duration>,
) -> anyhow::Result<Duration> {
    let times: anyhow::Result<Vec<Duration>> = (0..runs).map(|_| run()).collect();
    Ok(median(times?))
}

/// Runs a command to its end.
fn timed(command: &mut Command) -> anyhow::Result<Duration> {
    let start = Instant::now();
    processes::output_of(command)?;
    Ok(start.elapsed())
}
