//! `rtc`: read or set the board's clock.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use piton::deadline::Deadline;
use piton::error::{BoardError, FsError};
use piton::repl::RawRepl;

use crate::context::Context;
use crate::error::CommandError;

/// How long a board may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Arguments of `rtc`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Set the board's clock to this computer's local time
    #[arg(short, long, conflicts_with = "no_set")]
    pub(crate) set: bool,
    /// Print the board's clock (default)
    #[arg(long)]
    no_set: bool,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let mut raw = ctx.session.raw_repl()?;
    if args.set {
        // The first exchange may take long: the time is looked at after it.
        ask(&mut raw, "import machine")?;
        let time = local_time()?;
        ask(&mut raw, &format!("machine.RTC().datetime({time})"))?;
        return Ok(());
    }
    let printed = ask(
        &mut raw,
        "import machine\nprint(tuple(machine.RTC().datetime()))",
    )?;
    let printed = String::from_utf8_lossy(&printed);
    if ctx.ui.json() {
        let fields = piton::literal::from_literal::<Vec<i64>>(printed.trim().as_bytes())
            .map_err(BoardError::from)?;
        return ctx.ui.json_line(&fields);
    }
    ctx.ui.line(printed.trim_end())
}

fn ask(raw: &mut RawRepl<'_>, source: &str) -> Result<Vec<u8>, CommandError> {
    raw.run(source.as_bytes(), Deadline::after(ANSWER_TIME))
        .map_err(|error| match error {
            BoardError::Exception(exception)
                if matches!(
                    exception.type_name.as_str(),
                    "ImportError" | "AttributeError"
                ) =>
            {
                CommandError::NoClock {
                    message: exception.message,
                }
            }
            // As an error of files, so that the message shows the traceback, as mpremote does.
            error => FsError::from(error).into(),
        })
}

/// This computer's local time, as the tuple that `machine.RTC().datetime()` takes: year, month, day, weekday (Monday
/// is 0), hour, minute, second, microsecond.
///
/// Rust's standard library knows no time zones; the system's own command does.
fn local_time() -> Result<String, CommandError> {
    loop {
        let before = since_epoch();
        let output = command()
            .output()
            .map_err(|source| CommandError::LocalTime { source })?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let fields = printed
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<u32>, _>>();
        let Ok(&[year, month, day, weekday, hour, minute, second]) = fields.as_deref() else {
            return Err(CommandError::LocalTime {
                source: std::io::Error::other(format!("`date` printed {printed:?}")),
            });
        };
        let after = since_epoch();
        if before.as_secs() == after.as_secs() {
            // In both notations Sunday, the last day here, may be 0 or 7.
            let weekday = (weekday + 6) % 7;
            let microsecond = after.subsec_micros();
            return Ok(format!(
                "({year},{month},{day},{weekday},{hour},{minute},{second},{microsecond})"
            ));
        }
        // A second has begun meanwhile: which of the two was printed, nobody knows.
    }
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(not(windows))]
fn command() -> Command {
    let mut command = Command::new("date");
    command.arg("+%Y %m %d %u %H %M %S");
    command
}

#[cfg(windows)]
fn command() -> Command {
    let mut command = Command::new("powershell");
    command.args([
        "-NoProfile",
        "-NonInteractive",
        "-Command",
        "$now = Get-Date; $now.ToString('yyyy MM dd ') + [int]$now.DayOfWeek + $now.ToString(' HH mm ss')",
    ]);
    command
}
