//! `test`: runs unit tests on virtual boards, or on a real one.

mod report;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use piton::testing::{
    Counts, FILE_TIME, FileResult, TestFile, TestOptions, VirtualBoards, collect, junit,
    run_on_board, run_on_virtual,
};
use piton::{Board, workers};

use crate::context::Context;
use crate::error::CommandError;
use crate::{interrupt, local_file};

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each file runs on a new virtual board. Exit code: 0 all passed, 1 something failed, 5 there are no tests."
)]
pub(crate) struct Args {
    /// Version of MicroPython for the virtual boards, such as 1.27; again for several
    #[arg(long, value_name = "VERSION", action = clap::ArgAction::Append, conflicts_with = "device")]
    firmware: Vec<String>,
    /// Run on this board instead, one file after the other; again for several
    #[arg(long, value_name = "BOARD", action = clap::ArgAction::Append)]
    device: Vec<String>,
    /// Files to run at once (default: one for each processor)
    #[arg(short = 'j', long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Run only tests with this text in `FILE::CLASS::TEST`
    #[arg(short = 'k', value_name = "TEXT", default_value = "")]
    pattern: String,
    /// Time limit of a file (default: 60)
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time_limit: Option<Duration>,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Files, and folders with files `test_*.py` or `*_test.py` (default: the current folder)
    paths: Vec<PathBuf>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0);
    number
        .and_then(|number| Duration::try_from_secs_f64(number).ok())
        .ok_or_else(|| "expected a number of seconds".to_owned())
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let current = std::env::current_dir().and_then(std::fs::canonicalize);
    let current = current.map_err(|error| local_file::not_read(Path::new("."), error))?;
    let here = [PathBuf::from(".")];
    let paths = if args.paths.is_empty() {
        &here
    } else {
        args.paths.as_slice()
    };
    let files = collect(paths)?;
    interrupt::install(&ctx.cancel);
    let began = std::time::Instant::now();
    let results = match args.device.is_empty() {
        true => on_virtual_boards(args, &files, &current, ctx)?,
        false => on_boards(args, &files, &current, ctx)?,
    };
    if let Some(path) = &args.junit {
        local_file::write(path, junit(&results).as_bytes())?;
    }
    let counts = Counts::of(&results);
    report::summary(&ctx.ui, &results, &counts, began.elapsed())?;
    if ctx.cancel.is_cancelled() {
        return Err(CommandError::Interrupted);
    }
    match counts.tests() {
        _ if counts.has_failures() => Err(CommandError::TestsFailed),
        0 => Err(CommandError::NoTests),
        _ => Ok(()),
    }
}

impl Args {
    fn options(&self) -> TestOptions {
        TestOptions {
            pattern: self.pattern.clone(),
            timeout: self.time_limit.unwrap_or(FILE_TIME),
        }
    }
}

/// Runs all files on virtual boards, several at once.
fn on_virtual_boards(
    args: &Args,
    files: &[TestFile],
    current: &Path,
    ctx: &Context,
) -> Result<Vec<FileResult>, CommandError> {
    let connect = ctx.session.connect_options();
    let boards = match args.firmware.as_slice() {
        [] => vec![VirtualBoards::load(None, connect)?],
        versions => {
            let load = |version: &String| VirtualBoards::load(Some(version), connect);
            versions.iter().map(load).collect::<Result<_, _>>()?
        }
    };
    let runs = boards
        .iter()
        .flat_map(|board| files.iter().map(move |file| (board, file)))
        .collect::<Vec<_>>();
    let processors = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let options = args.options();
    let printed = Mutex::new(Ok(()));
    let work = |(board, file): &(&VirtualBoards, &TestFile)| {
        let result = run_on_virtual(board, file, current, &options, &ctx.cancel);
        if let Ok(result) = &result {
            let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
            if printed.is_ok() {
                *printed = report::file(&ctx.ui, result);
            }
        }
        result
    };
    let threads = args.jobs.unwrap_or(processors);
    let results = workers::each(&runs, threads, &ctx.cancel, work, |_| {});
    printed
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)?;
    let results = results.into_iter().flatten().collect::<Result<Vec<_>, _>>();
    Ok(results?)
}

/// Runs all files on each of the boards, one after the other.
fn on_boards(
    args: &Args,
    files: &[TestFile],
    current: &Path,
    ctx: &Context,
) -> Result<Vec<FileResult>, CommandError> {
    let mut results = Vec::new();
    for (_, selector) in ctx.config.boards.each(&args.device)? {
        let mut board = Board::connect(&selector, ctx.session.connect_options())?;
        for file in files {
            if ctx.cancel.is_cancelled() {
                break;
            }
            let result = run_on_board(&mut board, file, current, &args.options())?;
            report::file(&ctx.ui, &result)?;
            results.push(result);
        }
    }
    Ok(results)
}
