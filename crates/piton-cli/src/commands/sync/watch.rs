//! `sync --watch`: sync again whenever the folder here changes, and show what the board prints meanwhile.

use std::io;
use std::time::{Duration, Instant};

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::sync::{Options, Seen, Watcher};

use super::{Args, Direction};
use crate::context::Context;
use crate::error::CommandError;

/// How often the folder is looked at: a change counts when it is this old.
const PAUSE: Duration = Duration::from_millis(400);

/// How often Ctrl-C is looked for.
const SLICE: Duration = Duration::from_millis(50);

/// How long a board may take for a byte that tells it to leave the raw REPL, or to start.
const STEP_TIME: Duration = Duration::from_secs(3);

/// Ctrl-D at the friendly prompt: soft reset, boot.py and main.py run.
const SOFT_RESET: &[u8] = b"\x04";

/// Sync again and again, until Ctrl-C or until the board is gone.
pub(super) fn run(args: &Args, ctx: &mut Context, options: &Options) -> Result<(), CommandError> {
    let Direction::ToBoard(folder, _) = args.direction()? else {
        return Ok(());
    };
    let mut watcher = Watcher::new(folder, &options.ignore, options.links)?;
    loop {
        match super::once(args, ctx, options) {
            Ok(()) => {
                if args.follow {
                    start_program(ctx)?;
                }
            }
            Err(error @ (CommandError::Sync(_) | CommandError::NotCompiled)) => {
                // For a person to put right, who is at it anyway.
                ctx.ui.report(&error);
            }
            Err(error) => return Err(error),
        }
        ctx.ui.note("watching for changes; Ctrl-C ends it");
        wait_for_change(&mut watcher, ctx, args.follow)?;
    }
}

/// Soft-reset the board as a person at its prompt does, so that its own program runs.
fn start_program(ctx: &mut Context) -> Result<(), CommandError> {
    let board = ctx.session.board()?;
    board.friendly(Deadline::after(STEP_TIME))?;
    let sent = board
        .transport()
        .write_all(SOFT_RESET, Deadline::after(STEP_TIME));
    sent.map_err(lost)
}

/// Wait until the folder has changed. What the board prints is shown if it is to be followed.
fn wait_for_change(
    watcher: &mut Watcher,
    ctx: &mut Context,
    follow: bool,
) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        cancel,
        ..
    } = ctx;
    let mut next_look = Instant::now() + PAUSE;
    let mut buffer = [0; 1024];
    loop {
        if cancel.is_cancelled() {
            return Err(CommandError::Interrupted);
        }
        if follow {
            let transport = session.board()?.transport();
            match transport.read(&mut buffer, Deadline::after(SLICE)) {
                Ok(count) => ui.bytes(buffer.get(..count).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(lost(error)),
            }
        } else {
            std::thread::sleep(SLICE);
        }
        if Instant::now() >= next_look {
            if watcher.look()? == Seen::Changed {
                return Ok(());
            }
            next_look = Instant::now() + PAUSE;
        }
    }
}

fn lost(source: io::Error) -> CommandError {
    BoardError::Disconnected {
        waiting_for: "what the board prints",
        source,
    }
    .into()
}
