//! `exec`: runs code and shows its output. `eval` and `run` share the execution with it.

mod keyboard;

use std::ops::ControlFlow;
use std::time::Duration;

use piton::deadline::{Cancel, Deadline};
use piton::error::BoardError;
use piton::exception::BoardException;
use piton::program::{Exit, ExitValue, Guarded, Input, located, reads_input, set_argv};
use piton::reopen::BoardIdentity;
use piton::repl::RawRepl;
use piton::session::ReturnEvent;

use crate::compatibility::Compatibility;
use crate::context::Context;
use crate::error::{CommandError, ProgramError};
use crate::output_sink::OutputSink;
use crate::ui::Ui;

/// How long a program may take to end after a Ctrl-C, since its `finally` blocks run.
const INTERRUPT_TIME: Duration = Duration::from_secs(10);

/// How long a board may take to receive a program that is not followed, or its arguments.
const HAND_OVER_TIME: Duration = Duration::from_secs(10);

/// Arguments of `exec`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What follows a `--`, up to a `+`, becomes the program's `sys.argv`, behind `-c`. `input()` reads a line \
                  of this computer's stdin."
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
    /// The words after `--`, filled in after `clap` has parsed the command: see [`crate::args`].
    #[arg(skip)]
    pub(crate) arguments: Option<Vec<String>>,
}

/// A program, and how to run it.
pub(super) struct Task<'a> {
    /// The program.
    pub(super) code: Code<'a>,
    /// Its name in tracebacks.
    pub(super) name: &'a str,
    /// Whether to wait until the program ends.
    pub(super) follow: bool,
    /// Whether Ctrl-C stops the program; else it only ends the wait.
    pub(super) interrupt: bool,
    /// `sys.argv`, if arguments are given.
    pub(super) argv: Option<Vec<String>>,
}

/// The program.
pub(super) enum Code<'a> {
    /// Source, whose `sys.exit()` is our exit code.
    Program(&'a [u8]),
    /// Piton's own source, which does not exit.
    Snippet(&'a [u8]),
    /// A call of `print` with the user's expression, which does not exit.
    Expression {
        /// The expression, for tracebacks.
        text: &'a str,
        /// The call.
        source: &'a [u8],
    },
    /// A `.mpy` file.
    Mpy {
        /// Its path, for messages.
        path: &'a str,
        /// Its content.
        file: &'a [u8],
    },
}

impl<'a> Task<'a> {
    /// Returns a task for `code` with the options of the command. `name` is its name in tracebacks, `argv_0` its name
    /// in `sys.argv`.
    pub(super) fn new(
        code: Code<'a>,
        args: &WatchArgs,
        name: &'a str,
        argv_0: &str,
        compatibility: &Compatibility,
    ) -> Task<'a> {
        Task {
            code,
            name,
            follow: !args.no_follow,
            interrupt: args.interrupt || (!args.no_interrupt && compatibility.interrupts_programs),
            argv: args.arguments.as_ref().map(|arguments| {
                let mut argv = vec![argv_0.to_owned()];
                argv.extend_from_slice(arguments);
                argv
            }),
        }
    }

    /// Returns whether the program may call `input()`.
    fn reads(&self) -> bool {
        match self.code {
            Code::Snippet(_) => false,
            Code::Program(program)
            | Code::Expression {
                source: program, ..
            }
            | Code::Mpy { file: program, .. } => reads_input(program),
        }
    }

    /// Returns the exception's text, with the lines of the user's source in it.
    fn traceback(&self, exception: &BoardException) -> Vec<u8> {
        match self.code {
            Code::Program(source) => located(exception, self.name, source),
            Code::Expression { text, .. } => located(exception, self.name, text.as_bytes()),
            // A `.mpy` file holds the names of its sources.
            Code::Mpy { .. } | Code::Snippet(_) => located(exception, "<stdin>", &[]),
        }
    }
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let code = Code::Program(args.code.as_bytes());
    let task = Task::new(code, &args.watch, "<exec>", "-c", ctx.compatibility);
    execute(ctx, &task)
}

/// Runs a program on the board. Its output goes to stdout as it arrives, and so does the traceback of an exception.
///
/// Ctrl-C stops the program on the board, and waits for it to end.
pub(super) fn execute(ctx: &mut Context, task: &Task<'_>) -> Result<(), CommandError> {
    ctx.session.board()?;
    // A serial port that disappears means that the board was reset or unplugged. If a network connection ends, the
    // program may still run, so it is not waited for.
    let reconnects = ctx.session.identity().is_some_and(BoardIdentity::is_port);
    let mut raw = ctx.session.raw_repl()?;
    let guarded = prepare(&mut raw, task, ctx.compatibility)?;
    if !task.follow {
        let source = source_to_send(task, guarded.as_ref());
        raw.exec_no_follow(source, Deadline::after(HAND_OVER_TIME))?;
        return Ok(());
    }
    let input = match ctx.compatibility.extended_programs {
        true if task.reads() => Input::install(&mut raw, Deadline::after(HAND_OVER_TIME))?,
        _ => None,
    };
    let mut watch = Watch::new(input, &ctx.ui);
    let ended = follow(&mut raw, task, guarded, &mut watch, &ctx.cancel)?;
    if watch.input.is_some()
        && matches!(ended.outcome, Ok(Exit::End) | Err(BoardError::Exception(_)))
    {
        // If the board is gone by now, the next command reports it.
        let _ = Input::remove(&mut raw, Deadline::after(HAND_OVER_TIME));
    }
    match ended.outcome {
        Err(BoardError::Exception(exception)) => {
            let traceback = match ctx.compatibility.extended_programs {
                true => task.traceback(&exception),
                false => exception.traceback,
            };
            ctx.ui.bytes(&traceback)?;
            Err(ProgramError::Raised.into())
        }
        Err(BoardError::Disconnected { .. }) if reconnects => follow_return(ctx),
        Err(BoardError::Cancelled) => Err(CommandError::Interrupted),
        Ok(Exit::Exited(value)) => leave(ctx, value),
        Ok(Exit::End) if ended.interrupted => Err(CommandError::Interrupted),
        Ok(Exit::End) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn source_to_send<'a>(task: &Task<'a>, guarded: Option<&'a Guarded>) -> &'a [u8] {
    match (guarded, &task.code) {
        (Some(guarded), _) => guarded.source(),
        (None, Code::Program(source) | Code::Snippet(source) | Code::Expression { source, .. }) => {
            source
        }
        (None, Code::Mpy { .. }) => &[],
    }
}

/// The end of a program that was followed.
struct Ended {
    outcome: Result<Exit, BoardError>,
    /// Whether Ctrl-C ended it.
    interrupted: bool,
}

/// This computer's side of a program that is followed: its output goes to stdout, its input comes from stdin.
struct Watch<'u> {
    ui: &'u Ui,
    /// The program's `input()`, where it has one.
    input: Option<Input>,
    lines: keyboard::Lines,
    output: OutputSink,
}

impl<'u> Watch<'u> {
    fn new(input: Option<Input>, ui: &'u Ui) -> Watch<'u> {
        Watch {
            ui,
            input,
            lines: keyboard::Lines::default(),
            output: OutputSink::default(),
        }
    }

    /// Shows a piece of output, and returns what the program gets for it. Stops the program when stdout is closed.
    fn exchange(&mut self, bytes: &[u8]) -> ControlFlow<(), Vec<u8>> {
        let Watch {
            ui, input, lines, ..
        } = self;
        let Some(input) = input else {
            let written = ui.bytes(bytes);
            return self.output.flow(written).map_continue(|()| Vec::new());
        };
        let mut text = Vec::new();
        input.take(bytes, &mut |bytes| text.extend_from_slice(bytes));
        let reply = input.reply(|| lines.next());
        let written = ui.bytes(&text);
        self.output.flow(written).map_continue(|()| reply)
    }

    /// Shows what was held back until the program has ended.
    fn flush(&mut self) {
        let mut text = Vec::new();
        if let Some(input) = &mut self.input {
            input.flush(&mut |bytes| text.extend_from_slice(bytes));
        }
        let written = self.ui.bytes(&text);
        // The program has ended: there is nothing to stop.
        let _ = self.output.flow(written);
    }
}

/// Shows the output of the program until it ends, and gives it lines of stdin.
fn follow(
    raw: &mut RawRepl<'_>,
    task: &Task<'_>,
    mut guarded: Option<Guarded>,
    watch: &mut Watch<'_>,
    cancel: &Cancel,
) -> Result<Ended, CommandError> {
    let source = source_to_send(task, guarded.as_ref());
    let mut exchange = |bytes: &[u8]| watch.exchange(bytes);
    let mut result = raw.exec_with_replies(source, &mut exchange, Deadline::NEVER);
    if let (Some(large), Code::Program(plain)) = (&guarded, &task.code)
        && large.is_too_large(&result)
    {
        // The guard made the program too large for the board's memory. Without it the program runs, and its exit code
        // stays unknown.
        guarded = None;
        result = raw.exec_with_replies(plain, &mut exchange, Deadline::NEVER);
    }
    let interrupted = matches!(result, Err(BoardError::Cancelled));
    if interrupted {
        cancel.take();
        if task.interrupt || watch.output.has_failed() {
            let mut show = |bytes: &[u8]| {
                // What does not reach stdout is reported below.
                let _ = watch.exchange(bytes);
            };
            result = raw.interrupt(&mut show, Deadline::after(INTERRUPT_TIME));
        }
    }
    watch.flush();
    watch.output.check()?;
    let outcome = match &guarded {
        Some(guarded) => guarded.outcome(result),
        None => result.map(|()| Exit::End),
    };
    Ok(Ended {
        outcome,
        interrupted,
    })
}

/// Sends what the program needs beside its source. Returns the program with a guard, if it needs one.
fn prepare(
    raw: &mut RawRepl<'_>,
    task: &Task<'_>,
    compatibility: &Compatibility,
) -> Result<Option<Guarded>, CommandError> {
    if let Some(argv) = &task.argv {
        set_argv(raw, argv, Deadline::after(HAND_OVER_TIME)).map_err(|error| match error {
            BoardError::Exception(exception) => CommandError::from(ProgramError::NoArguments {
                message: exception.message,
            }),
            error => error.into(),
        })?;
    }
    Ok(match task.code {
        // mpremote's exit code does not depend on the program's.
        Code::Program(source) if task.follow && compatibility.extended_programs => {
            Some(Guarded::new(source))
        }
        Code::Program(_) | Code::Snippet(_) | Code::Expression { .. } => None,
        Code::Mpy { path, file } => Some(super::run::send_mpy(raw, path, file)?),
    })
}

/// Waits for a board that went away while its program ran, and shows what it prints until it is idle.
///
/// # Errors
///
/// [`BoardError::BoardReset`] at the end: the program did not run to its end.
fn follow_return(ctx: &mut Context) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let mut output = OutputSink::default();
    let returned = session.follow_return(&mut |event| {
        match event {
            ReturnEvent::Waiting => {
                ui.note("the board went away: waiting for it to come back, Ctrl-C gives up");
            }
            ReturnEvent::Reconnected { device_name } => {
                ui.note(&format!("connected again, at {device_name}"));
            }
            ReturnEvent::Output { bytes } => return output.flow(ui.bytes(bytes)),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    output.finish(returned)?;
    Err(BoardError::BoardReset.into())
}

/// Ends as the program did: the board with a soft reset, the command with the program's exit code.
fn leave(ctx: &mut Context, value: ExitValue) -> Result<(), CommandError> {
    if let Some(message) = value.message {
        ctx.ui.failure(&format!("{message}\n"));
    }
    ctx.session.soft_reset()?;
    match value.code {
        0 => Ok(()),
        code => Err(ProgramError::Exited { code }.into()),
    }
}
