//! What commands cost: processor time and memory, as the system counts them for finished processes.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::processes::output_of;

/// What a command cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Of all its threads, in user and kernel mode.
    pub(super) processor: Duration,
    /// From start to exit.
    pub(super) wall: Duration,
}

/// Runs a function that starts processes and waits for them. Returns their total cost.
/// Nothing else may end a process of this one meanwhile.
pub(super) fn cost_of(run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Cost> {
    let before = finished_children()?.processor;
    let start = Instant::now();
    run()?;
    let wall = start.elapsed();
    let processor = finished_children()?.processor.saturating_sub(before);
    Ok(Cost { processor, wall })
}

/// Runs a command to its end; what it prints is lost.
/// Errors: it can't be started, or fails.
pub(super) fn finish(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot run `{}`", command.get_program().display()))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// Bytes of memory that a command held at most, or a little more: never less than this task itself.
pub(super) fn peak_memory(command: &Command) -> anyhow::Result<u64> {
    // The system keeps one maximum over all finished processes of a parent. So each command has
    // a parent of its own: this program, with the task below.
    let this = std::env::current_exe().context("cannot find this program")?;
    let mut parent = Command::new(this);
    parent
        .args(["bench", "peak-memory", "--"])
        .arg(command.get_program())
        .args(command.get_args());
    Ok(output_of(&mut parent)?.trim().parse()?)
}

/// Print how many bytes of memory a command held at most
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The command, with its arguments
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let (program, arguments) = args.command.split_first().context("a command is missing")?;
    finish(Command::new(program).args(arguments))?;
    println!("{}", finished_children()?.peak_memory);
    Ok(())
}

/// What all finished processes of this one took.
struct Children {
    processor: Duration,
    /// Bytes, the largest of all.
    peak_memory: u64,
}

#[cfg(unix)]
fn finished_children() -> anyhow::Result<Children> {
    // macOS counts bytes, the others KiB.
    const UNIT: u64 = if cfg!(target_vendor = "apple") {
        1
    } else {
        1024
    };

    let usage = children_usage().context("cannot read processor times")?;
    let duration = |time: libc::timeval| -> anyhow::Result<Duration> {
        let seconds = Duration::from_secs(time.tv_sec.try_into()?);
        Ok(seconds + Duration::from_micros(time.tv_usec.try_into()?))
    };
    Ok(Children {
        processor: duration(usage.ru_utime)? + duration(usage.ru_stime)?,
        peak_memory: u64::try_from(usage.ru_maxrss)? * UNIT,
    })
}

/// Returns the system's figures of this process' finished children: `getrusage` of POSIX.
#[cfg(unix)]
#[expect(unsafe_code, reason = "no library that is locked has a safe getrusage")]
fn children_usage() -> std::io::Result<libc::rusage> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the place for the answer is as large as the call wants it, and lives throughout it.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    if result != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the record is made of numbers, which may be zero, as they were before the call.
    Ok(unsafe { usage.assume_init() })
}

#[cfg(not(unix))]
fn finished_children() -> anyhow::Result<Children> {
    anyhow::bail!("this task reads processor times with getrusage, which this system does not have")
}

/// Returns the median; zero for no values.
pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_computes_is_counted() {
        let mut idle = Command::new("true");
        let mut busy = Command::new("sh");
        busy.args(["-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"]);
        let idle = cost_of(|| finish(&mut idle)).unwrap();
        let busy = cost_of(|| finish(&mut busy)).unwrap();
        assert!(busy.processor > idle.processor, "{busy:?} {idle:?}");
        assert!(finished_children().unwrap().peak_memory > 100_000);
    }

    #[test]
    fn a_failed_command_is_not_measured() {
        let error = cost_of(|| finish(&mut Command::new("false"))).unwrap_err();
        assert!(error.to_string().contains("failed"), "{error}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let times = [5, 1, 3].map(Duration::from_secs);
        assert_eq!(median(times.to_vec()), Duration::from_secs(3));
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }
}
