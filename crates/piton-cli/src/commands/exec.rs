//! `exec`: run code and show what it prints, and the part that `eval` and `run` share with it.

use std::time::Duration;

use piton::deadline::Deadline;

use super::comeback;
use crate::context::Context;
use crate::error::CommandError;

/// How long a program may take to end after a Ctrl-C: its `finally` blocks run.
const INTERRUPT_TIME: Duration = Duration::from_secs(10);

/// How long a board may take to take in a program that is not followed.
const HAND_OVER_TIME: Duration = Duration::from_secs(10);

/// Arguments of `exec`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show what the code prints until it ends (default)
    #[arg(short, long, conflicts_with = "no_follow")]
    pub(crate) follow: bool,
    /// Start the code and leave it running
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// Python code
    pub(crate) code: String,
}

/// Whether to stay with a program until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Following {
    Yes,
    No,
}

impl Following {
    /// The meaning of a `--no-follow` flag.
    pub(super) fn unless(no_follow: bool) -> Following {
        if no_follow {
            Following::No
        } else {
            Following::Yes
        }
    }
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    execute(ctx, args.code.as_bytes(), Following::unless(args.no_follow))
}

/// Run `source` on the board. Its output goes to stdout as it arrives, and so does the traceback of an exception.
///
/// Ctrl-C stops the program on the board, and waits for it to end.
pub(super) fn execute(
    ctx: &mut Context,
    source: &[u8],
    following: Following,
) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        cancel,
        ..
    } = ctx;
    session.board()?;
    let comeback = session.comeback();
    let mut raw = session.raw_repl()?;
    if following == Following::No {
        raw.exec_no_follow(source, Deadline::after(HAND_OVER_TIME))?;
        return Ok(());
    }
    let mut unwritten = None;
    let mut output = |bytes: &[u8]| {
        if unwritten.is_none()
            && let Err(error) = ui.bytes(bytes)
        {
            // Nobody reads any more: no reason to go on.
            unwritten = Some(error);
            cancel.cancel();
        }
    };
    let mut result = raw.exec(source, &mut output, Deadline::NEVER);
    let interrupted = matches!(result, Err(piton::error::BoardError::Cancelled));
    if interrupted {
        cancel.take();
        result = raw.interrupt(&mut output, Deadline::after(INTERRUPT_TIME));
    }
    if let Some(error) = unwritten {
        return Err(error);
    }
    match result {
        Err(piton::error::BoardError::Exception(exception)) => {
            ui.bytes(&exception.traceback)?;
            Err(CommandError::ProgramRaised)
        }
        Err(lost @ piton::error::BoardError::Disconnected { .. }) => match comeback {
            Some(whereabouts) => comeback::follow(ctx, &whereabouts),
            None => Err(lost.into()),
        },
        Ok(()) if interrupted => Err(CommandError::Interrupted),
        result => Ok(result?),
    }
}
