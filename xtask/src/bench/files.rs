//! `cargo xtask bench files`: copying files through mpremote, mpytool and Piton, over the same three lines.
//!
//! Bytes and turns are counted on the line, and do not depend on the machine. Seconds do a little: what is
//! measured is a tool from its start to its exit, on a line that takes its time.

mod job;
mod table;
mod tool;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;
use test_programs::program;

use super::measure::median;
use crate::served_board::{ServedBoard, Traffic};
use crate::setup;
use crate::workspace::{Profile, build_piton};
use job::{Job, Sources};
use table::Table;
use tool::Tool;

/// Count and time what copying files takes, against mpremote and mpytool
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each job runs; the medians are shown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// A `piton` to measure, instead of building it
    #[arg(long, value_name = "PROGRAM")]
    piton: Option<PathBuf>,

    /// Only these tools
    #[arg(long, value_enum)]
    tool: Vec<Tool>,

    /// Only these lines
    #[arg(long, value_enum)]
    line: Vec<Line>,
}

/// The line between tool and board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Line {
    /// 115200 baud behind a USB converter, 256 bytes of receive ring that overruns
    Uart,
    /// USB of the board itself: 1 ms a turn, 2 KiB of receive ring, flow control
    Usb,
    /// No limit
    Unlimited,
}

impl Line {
    const ALL: [Line; 3] = [Line::Uart, Line::Usb, Line::Unlimited];

    fn name(self) -> &'static str {
        match self {
            Line::Uart => "UART",
            Line::Usb => "USB",
            Line::Unlimited => "unlimited",
        }
    }

    /// Returns the options that make `piton virtual serve` serve it.
    fn options(self) -> &'static [&'static str] {
        match self {
            Line::Uart => &[
                "--baud",
                "115200",
                "--latency",
                "500",
                "--receive-ring",
                "256",
            ],
            Line::Usb => &[
                "--latency",
                "500",
                "--receive-ring",
                "2048",
                "--flow-control",
            ],
            Line::Unlimited => &[],
        }
    }
}

/// What one job took.
#[derive(Clone, Copy, Debug)]
struct Measurement {
    time: Duration,
    traffic: Traffic,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let tools = chosen(&args.tool, &Tool::ALL);
    let lines = chosen(&args.line, &Line::ALL);
    setup::set_up(&[program("vm")?, program("mpremote")?, program("mpytool")?])?;
    let piton = match &args.piton {
        Some(piton) => std::path::absolute(piton)?,
        None => build_piton(Profile::Release)?,
    };
    let folder = tempfile::Builder::new().prefix("piton-bench-").tempdir()?;
    let bench = Bench {
        sources: Sources::write(folder.path())?,
        piton,
        folder,
    };
    let mut table = Table::default();
    for &line in &lines {
        for &tool in &tools {
            let mut runs = Vec::new();
            for _ in 0..args.runs {
                runs.push(bench.all_jobs(line, tool)?);
            }
            for (index, job) in Job::ALL.into_iter().enumerate() {
                let of_job = runs.iter().filter_map(|run| run.get(index)).copied();
                let measured = median_of(&of_job.collect::<Vec<_>>());
                table.add(job, tool, line, measured);
            }
        }
    }
    print!("\n{}", table.markdown(&lines));
    Ok(())
}

fn chosen<T: Copy>(named: &[T], all: &[T]) -> Vec<T> {
    if named.is_empty() { all } else { named }.to_vec()
}

fn median_of(runs: &[Measurement]) -> Measurement {
    let middle = |value: fn(&Measurement) -> u64| {
        let mut values: Vec<u64> = runs.iter().map(value).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Measurement {
        time: median(runs.iter().map(|run| run.time).collect()),
        traffic: Traffic {
            to_board: middle(|run| run.traffic.to_board),
            to_host: middle(|run| run.traffic.to_host),
            turns: middle(|run| run.traffic.turns),
        },
    }
}

struct Bench {
    sources: Sources,
    piton: PathBuf,
    folder: TempDir,
}

impl Bench {
    /// Runs all jobs one after the other, on a board that is empty at first.
    fn all_jobs(&self, line: Line, tool: Tool) -> anyhow::Result<Vec<Measurement>> {
        let flash = tempfile::Builder::new()
            .prefix("flash-")
            .tempdir_in(&self.folder)?;
        Job::ALL
            .into_iter()
            .map(|job| {
                let measured = self
                    .measure(line, tool, job, flash.path())
                    .with_context(|| format!("{}, {}, {}", job.name(), tool.name(), line.name()))?;
                // All of them take half an hour: somebody may want to watch.
                eprintln!("{}", table::one_line(job, tool, line, measured));
                Ok(measured)
            })
            .collect()
    }

    /// Runs one job with its own board on the files in `flash`, so that only the job is counted.
    fn measure(
        &self,
        line: Line,
        tool: Tool,
        job: Job,
        flash: &Path,
    ) -> anyhow::Result<Measurement> {
        let work = tempfile::Builder::new()
            .prefix("work-")
            .tempdir_in(&self.folder)?;
        let down = work.path().join("down");
        fs_err::create_dir(&down)?;
        let arguments = line.options().iter().map(AsRef::as_ref);
        let board = ServedBoard::start(&self.piton, arguments.chain([flash.as_os_str()]))?;
        let port = work.path().join("ttyACM0");
        named_as_a_port(&board.port, &port)?;
        let mut command = tool.command(&self.piton, &port, job, &down);
        command.current_dir(self.sources.folder());
        let start = Instant::now();
        let output = command
            .output()
            .with_context(|| format!("cannot run `{}`", command.get_program().display()))?;
        let time = start.elapsed();
        ensure!(
            output.status.success(),
            "{command:?} failed ({})\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let traffic = board.finish()?;
        job.check(&self.sources, flash, &down, &output.stdout)?;
        Ok(Measurement { time, traffic })
    }
}

/// mpremote reads from what is called `/dev/pts/...` in another way than from a serial port: it waits there,
/// where it looks each 10 ms elsewhere. So the port has the name that a board's would have.
#[cfg(unix)]
fn named_as_a_port(pty: &str, port: &Path) -> anyhow::Result<()> {
    Ok(fs_err::os::unix::fs::symlink(pty, port)?)
}

#[cfg(not(unix))]
fn named_as_a_port(_: &str, _: &Path) -> anyhow::Result<()> {
    anyhow::bail!("the board is served on a pty, which this system does not have")
}
