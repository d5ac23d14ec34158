//! `exec`: runs code and shows its output. `eval` and `run` share the execution with it.

mod keyboard;

use std::ops::ControlFlow;

use piton::error::BoardError;
use piton::program::{self, Code, Ended, ExitValue, Following, Program};
use piton::session::ReturnEvent;

use crate::compatibility::Compatibility;
use crate::context::Context;
use crate::error::{CommandError, ProgramError};
use crate::output_sink::OutputSink;

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

/// A program, and whether to follow it.
pub(crate) struct Task<'a> {
    program: Program<'a>,
    /// Whether to wait until the program ends.
    follow: bool,
}

impl<'a> Task<'a> {
    /// Returns a task for `code` with the options of the command. `name` is its name in tracebacks, `argv_0` its name
    /// in `sys.argv`.
    pub(crate) fn new(
        code: Code<'a>,
        args: &WatchArgs,
        name: &'a str,
        argv_0: &str,
        compatibility: &Compatibility,
    ) -> Task<'a> {
        let mut program = Program::new(code, name);
        program.extended = compatibility.extended_programs;
        program.interrupt =
            args.interrupt || (!args.no_interrupt && compatibility.interrupts_programs);
        program.argv = args.arguments.as_ref().map(|arguments| {
            let mut argv = vec![argv_0.to_owned()];
            argv.extend_from_slice(arguments);
            argv
        });
        Task {
            program,
            follow: !args.no_follow,
        }
    }
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let code = Code::Source(args.code.as_bytes());
    let task = Task::new(code, &args.watch, "<exec>", "-c", ctx.compatibility);
    execute(ctx, &task)
}

/// Runs a program on the board. Its output goes to stdout as it arrives, and so does the traceback of an exception.
///
/// Ctrl-C stops the program on the board, and waits for it to end.
pub(crate) fn execute(ctx: &mut Context, task: &Task<'_>) -> Result<(), CommandError> {
    let Context { session, ui, .. } = &mut *ctx;
    let program = &task.program;
    if !task.follow {
        let started = session.start_program(program);
        return started.map_err(|error| not_run(error, program));
    }
    let mut output = OutputSink::default();
    let mut lines = keyboard::Lines::default();
    let mut following = Following {
        output: &mut |bytes| output.flow(ui.bytes(bytes)),
        line: &mut || lines.next(),
    };
    let ended = session.run_program(program, &mut following);
    output.check()?;
    match ended.map_err(|error| not_run(error, program))? {
        Ended::Raised { traceback } => {
            ui.bytes(&traceback)?;
            Err(ProgramError::Raised.into())
        }
        Ended::Away => follow_return(ctx),
        Ended::Interrupted => Err(CommandError::Interrupted),
        Ended::Exited(value) => leave(ctx, value),
        _ => Ok(()),
    }
}

/// Returns the error of a program that did not run, with its path.
fn not_run(error: piton::Error, program: &Program<'_>) -> CommandError {
    let path = program.name.to_owned();
    let error = match error {
        piton::Error::Program(program::ProgramError::NoArguments { message }) => {
            ProgramError::NoArguments { message }
        }
        piton::Error::Program(program::ProgramError::Mpy(source)) => {
            ProgramError::Mpy { path, source }
        }
        piton::Error::Program(program::ProgramError::NoMpyFromMemory { message }) => {
            ProgramError::NoMpyFromMemory { path, message }
        }
        error => return error.into(),
    };
    error.into()
}

/// Waits for the board after a connection lost during a program, and shows its output until it is idle.
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
                ui.note(
                    "the connection to the board was lost: waiting for the board, Ctrl-C gives up",
                );
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
