//! `cargo xtask bench boards`: what people do all day, through mpremote, mpytool and Piton, on boards that no one
//! tuned a tool to.
//!
//! Bytes and turns are counted by a relay in front of the board and do not depend on the machine. Seconds do, but the
//! tools take turns, so their ratios hold. The board's own time is asked for in the job `floor` alone: an emulator's
//! clock runs on while the board waits for the host, at the emulator's speed, so it says nothing of a whole command.

mod bed;
mod floor;
mod index;
mod job;
mod table;
mod tool;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use test_programs::program;

use crate::setup;
use crate::workspace::{Profile, build_piton};
use bed::{Bed, Kind};
use index::Index;
use job::Job;
use table::{Measurement, Table};
use tool::{Place, Tool};

/// How often it is looked whether a tool has ended: the error of a measured time.
const LOOK: Duration = Duration::from_millis(1);

/// Compare the tools on an emulated Pico, the unix port and the virtual board
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each job runs; the medians are shown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,

    /// A `piton` to measure, instead of building it
    #[arg(long, value_name = "PROGRAM")]
    piton: Option<PathBuf>,

    /// Only these boards (default: `pico` and `unix`)
    #[arg(long, value_enum)]
    board: Vec<Kind>,

    /// Only these jobs
    #[arg(long, value_enum)]
    job: Vec<Job>,

    /// Only these tools
    #[arg(long, value_enum)]
    tool: Vec<Tool>,

    /// Seconds after which a tool is stopped, and has failed
    #[arg(long, default_value_t = 300)]
    limit: u64,
}

/// What all runs share.
struct Bench {
    piton: PathBuf,
    /// The folder that the tools run in, with what they send.
    sources: PathBuf,
    index: Index,
    limit: u64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let kinds = chosen(&args.board, &[Kind::Pico, Kind::Unix]);
    let tools = chosen(&args.tool, &Tool::ALL);
    let jobs = chosen(&args.job, &Job::EACH);
    for kind in &kinds {
        kind.set_up()?;
    }
    setup::set_up(&[program("mpremote")?, program("mpytool")?])?;
    let folder = tempfile::Builder::new().prefix("piton-bench-").tempdir()?;
    let bench = Bench {
        piton: match &args.piton {
            Some(piton) => std::path::absolute(piton)?,
            None => build_piton(Profile::Release)?,
        },
        sources: job::write_sources(folder.path())?,
        index: Index::start()?,
        limit: args.limit,
    };
    for kind in kinds {
        let mut table = Table::new(kind);
        for _ in 0..args.runs {
            for &job in jobs.iter().filter(|&&job| job != Job::Floor) {
                for &tool in &tools {
                    bench.measure(kind, tool, job, &mut table);
                }
            }
        }
        print!("\n{}", table.markdown());
        if args.job.is_empty() || jobs.contains(&Job::Floor) {
            print!("\n{}", floor::run(&bench, kind, &tools)?);
        }
    }
    Ok(())
}

fn chosen<T: Copy>(named: &[T], all: &[T]) -> Vec<T> {
    if named.is_empty() { all } else { named }.to_vec()
}

impl Bench {
    /// Measures one job of a tool that can do it, into the table. A run that fails is one of the results.
    fn measure(&self, kind: Kind, tool: Tool, job: Job, table: &mut Table) {
        let what = format!("{}, {}, {}", kind.name(), job.name(), tool.name());
        match self.try_measure(kind, tool, job) {
            Ok(None) => {}
            Ok(Some(measured)) => {
                eprintln!(
                    "{what}: {:.2} s, {} turns, {} B sent, {} B received",
                    measured.time.as_secs_f64(),
                    measured.traffic.turns,
                    measured.traffic.to_board,
                    measured.traffic.to_host
                );
                table.add(job, tool, Some(measured));
            }
            Err(error) => {
                eprintln!("{what}: failed: {error:#}");
                table.add(job, tool, None);
            }
        }
    }

    /// Runs one job on its own board. Returns `None` for a tool that cannot do it.
    fn try_measure(&self, kind: Kind, tool: Tool, job: Job) -> anyhow::Result<Option<Measurement>> {
        let down = tempfile::tempdir()?;
        let bed = Bed::start(kind, &self.piton)?;
        let place = Place {
            piton: &self.piton,
            port: bed.port(),
            top: kind.top(tool),
            down: down.path(),
            index: &self.index.url,
        };
        let Some(mut command) = tool.command(&place, job) else {
            return Ok(None);
        };
        if let Some(program) = job.preparation() {
            bed.run(&program)?;
        }
        bed.take_traffic();
        command.current_dir(&self.sources);
        let (time, stdout) = finished(command, Duration::from_secs(self.limit))?;
        let traffic = bed.take_traffic();
        job.check(&stdout, down.path(), |program| bed.run(program))?;
        Ok(Some(Measurement { time, traffic }))
    }
}

/// Runs a tool to its end. Returns how long it took, and what it printed.
/// Errors: it fails, or takes longer than the limit.
fn finished(mut command: Command, limit: Duration) -> anyhow::Result<(Duration, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let start = Instant::now();
    let mut tool = command.spawn().with_context(|| {
        format!(
            "cannot run `{}`",
            Path::new(command.get_program()).display()
        )
    })?;
    let stdout = collect(tool.stdout.take());
    let stderr = collect(tool.stderr.take());
    let status = wait(&mut tool, limit)?;
    let time = start.elapsed();
    let text = |thread: JoinHandle<Vec<u8>>| {
        let bytes = thread.join().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    let Some(status) = status else {
        bail!("it took more than {} s", limit.as_secs());
    };
    ensure!(
        status.success(),
        "{status}, after {:.1} s: {}",
        time.as_secs_f64(),
        reason(&stderr, &stdout)
    );
    Ok((time, stdout))
}

/// Returns the reason in a failed tool's output: the last line of stderr before hints, if there is one.
fn reason<'a>(stderr: &'a str, stdout: &'a str) -> &'a str {
    let last = |text: &'a str| {
        let lines = text.lines().map(str::trim);
        lines
            .rev()
            .find(|line| !line.is_empty() && !line.starts_with("hint:"))
    };
    last(stderr).or_else(|| last(stdout)).unwrap_or_default()
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is what there is to show.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Waits for a tool, and stops it at the limit: then there is no status.
fn wait(tool: &mut Child, limit: Duration) -> anyhow::Result<Option<std::process::ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = tool.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            tool.kill()?;
            tool.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_tool_is_quoted_with_its_reason() {
        let stderr = "cp a :a\npiton: no answer\n\nhint: press reset\n";
        assert_eq!(reason(stderr, "cp a :a\n"), "piton: no answer");
        assert_eq!(reason("", "Traceback\nOSError: 28\n"), "OSError: 28");
    }

    #[test]
    fn a_tool_that_hangs_is_stopped() {
        let mut command = Command::new("sleep");
        command.arg("1000");
        let error = finished(command, Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "it took more than 0 s");
    }
}
