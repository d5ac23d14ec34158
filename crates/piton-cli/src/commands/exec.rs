//! `exec`: run code and show what it prints, and the part that `eval` and `run` share with it.

use std::cell::RefCell;
use std::time::Duration;

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::program::{Exit, ExitValue, Guarded, set_argv};
use piton::reopen::Whereabouts;
use piton::repl::RawRepl;

use super::comeback;
use crate::args::Face;
use crate::context::Context;
use crate::error::CommandError;

/// How long a program may take to end after a Ctrl-C: its `finally` blocks run.
const INTERRUPT_TIME: Duration = Duration::from_secs(10);

/// How long a board may take to take in a program that is not followed, or its arguments.
const HAND_OVER_TIME: Duration = Duration::from_secs(10);

/// Arguments of `exec`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What follows a `--`, up to a `+`, becomes the program's `sys.argv`, behind `-c`."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    /// Python code
    pub(crate) code: String,
}

/// Options of the commands that run a program.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct WatchArgs {
    /// Show what the program prints until it ends (default)
    #[arg(short, long, conflicts_with = "no_follow")]
    pub(crate) follow: bool,
    /// Start the program and leave it running
    #[arg(long)]
    pub(crate) no_follow: bool,
    /// Ctrl-C stops the program on the board (default, but not for mpremote)
    #[arg(long, conflicts_with = "no_interrupt")]
    pub(crate) interrupt: bool,
    /// Ctrl-C leaves the program running
    #[arg(long)]
    pub(crate) no_interrupt: bool,
    /// The words after `--`: how the line is split, `clap` does not know.
    #[arg(skip)]
    pub(crate) arguments: Option<Vec<String>>,
}

/// A program, and what to do with it.
pub(super) struct Task<'a> {
    /// What runs.
    pub(super) code: Code<'a>,
    /// Whether to stay with the program until it ends.
    pub(super) follow: bool,
    /// Whether Ctrl-C stops the program, or only our watching it.
    pub(super) interrupt: bool,
    /// `sys.argv`, where a person gave arguments.
    pub(super) argv: Option<Vec<String>>,
}

/// What runs.
pub(super) enum Code<'a> {
    /// Source, whose `sys.exit()` is our exit code.
    Program(&'a [u8]),
    /// Source of our own: it does not exit.
    Snippet(&'a [u8]),
    /// A `.mpy` file.
    Mpy {
        /// Its path, for messages.
        path: &'a str,
        /// Its content.
        file: &'a [u8],
    },
}

impl<'a> Task<'a> {
    /// `code`, as the options of the command want it. `name` is the program's own in `sys.argv`.
    pub(super) fn new(code: Code<'a>, args: &WatchArgs, name: &str, face: Face) -> Task<'a> {
        Task {
            code,
            follow: !args.no_follow,
            interrupt: args.interrupt || (!args.no_interrupt && face == Face::Piton),
            argv: args.arguments.as_ref().map(|arguments| {
                let mut argv = vec![name.to_owned()];
                argv.extend_from_slice(arguments);
                argv
            }),
        }
    }
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let code = Code::Program(args.code.as_bytes());
    let task = Task::new(code, &args.watch, "-c", ctx.face);
    execute(ctx, &task)
}

/// Run a program on the board. Its output goes to stdout as it arrives, and so does the traceback of an exception.
///
/// Ctrl-C stops the program on the board, and waits for it to end.
pub(super) fn execute(ctx: &mut Context, task: &Task<'_>) -> Result<(), CommandError> {
    ctx.session.board()?;
    // On the network the program may be running still: nothing to be said about it.
    let comeback = ctx.session.comeback().filter(Whereabouts::is_port);
    let mut raw = ctx.session.raw_repl()?;
    let mut guarded = prepare(&mut raw, task, ctx.face)?;
    let source = match (&guarded, &task.code) {
        (Some(guarded), _) => guarded.source(),
        (None, Code::Program(source) | Code::Snippet(source)) => source,
        (None, Code::Mpy { .. }) => &[],
    };
    if !task.follow {
        raw.exec_no_follow(source, Deadline::after(HAND_OVER_TIME))?;
        return Ok(());
    }
    let Context { ui, cancel, .. } = ctx;
    let unwritten = RefCell::new(None);
    let mut output = |bytes: &[u8]| {
        if unwritten.borrow().is_none()
            && let Err(error) = ui.bytes(bytes)
        {
            // Nobody reads any more: no reason to go on.
            unwritten.replace(Some(error));
            cancel.cancel();
        }
    };
    let mut result = raw.exec(source, &mut output, Deadline::NEVER);
    if let (Some(large), Code::Program(plain)) = (&guarded, &task.code)
        && large.is_too_large(&result)
    {
        // Its exit code stays unknown.
        guarded = None;
        result = raw.exec(plain, &mut output, Deadline::NEVER);
    }
    let interrupted = matches!(result, Err(BoardError::Cancelled));
    if interrupted {
        cancel.take();
        if task.interrupt || unwritten.borrow().is_some() {
            result = raw.interrupt(&mut output, Deadline::after(INTERRUPT_TIME));
        }
    }
    if let Some(error) = unwritten.take() {
        return Err(error);
    }
    let outcome = match &guarded {
        Some(guarded) => guarded.outcome(result),
        None => result.map(|()| Exit::End),
    };
    match outcome {
        Err(BoardError::Exception(exception)) => {
            ctx.ui.bytes(&exception.traceback)?;
            Err(CommandError::ProgramRaised)
        }
        Err(lost @ BoardError::Disconnected { .. }) => match comeback {
            Some(whereabouts) => comeback::follow(ctx, &whereabouts),
            None => Err(lost.into()),
        },
        Err(BoardError::Cancelled) => Err(CommandError::Interrupted),
        Ok(Exit::Exited(value)) => leave(ctx, value),
        Ok(Exit::End) if interrupted => Err(CommandError::Interrupted),
        Ok(Exit::End) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Bring to the board what the program needs beside its source; the program with a guard, if it is to have one.
fn prepare(
    raw: &mut RawRepl<'_>,
    task: &Task<'_>,
    face: Face,
) -> Result<Option<Guarded>, CommandError> {
    if let Some(argv) = &task.argv {
        set_argv(raw, argv, Deadline::after(HAND_OVER_TIME)).map_err(|error| match error {
            BoardError::Exception(exception) => CommandError::NoArguments {
                message: exception.message,
            },
            error => error.into(),
        })?;
    }
    Ok(match task.code {
        // mpremote's exit code says nothing of the program's.
        Code::Program(source) if task.follow && face == Face::Piton => Some(Guarded::new(source)),
        Code::Program(_) | Code::Snippet(_) => None,
        Code::Mpy { path, file } => Some(super::run::send_mpy(raw, path, file)?),
    })
}

/// End as the program did: the board by a soft reset, we by its exit code.
fn leave(ctx: &mut Context, value: ExitValue) -> Result<(), CommandError> {
    if let Some(message) = value.message {
        ctx.ui.failure(&format!("{message}\n"));
    }
    ctx.session.soft_reset()?;
    match value.code {
        0 => Ok(()),
        code => Err(CommandError::ProgramExited { code }),
    }
}
