//! `sync --watch`: syncs again whenever the folder here changes, and shows what the board prints meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use piton::compiler::Options as CompilerOptions;
use piton::fs::remote::RemoteFs;
use piton::path::RelativePath;
use piton::session::output::ProgramOutput;
use piton::sync::{self, FolderState, Options, Watcher};

use super::{Args, Direction, excerpt, note_foreign_journals, note_left_out};
use crate::context::Context;
use crate::error::CommandError;
use crate::interrupt;

/// How often the folder is scanned: a change counts when it is this old.
const PAUSE: Duration = Duration::from_millis(400);

/// How often the wait checks for Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// Syncs again and again, until Ctrl-C or until the board is gone.
pub(super) fn run(args: &Args, ctx: &mut Context, options: &Options) -> Result<(), CommandError> {
    let direction = args.direction()?;
    let folder = match &direction {
        Direction::ToBoard(folder, _) | Direction::ToDrive(folder, _) => *folder,
        Direction::FromBoard(..) => return Ok(()),
    };
    interrupt::install(&ctx.cancel);
    let mut checks = Checks::new(args, ctx)?;
    let mut watcher = Watcher::new(folder, &options.ignore, options.links)?;
    ctx.ui.note("watching for changes; Ctrl-C ends it");
    let mut is_first = true;
    let mut program = ProgramOutput::default();
    loop {
        let synced = match checks.look(folder, options, ctx) {
            // The saved source does not compile: the board keeps the previous one, and its program runs on.
            Ok((_, true)) if !is_first => Ok(false),
            Ok((options, _)) => push(&direction, &options, is_first, ctx).map(|()| true),
            Err(error) => Err(error),
        };
        match synced {
            Ok(synced) => {
                if args.follow && synced {
                    ctx.session.start_main()?;
                    program = ProgramOutput::default();
                }
                is_first = false;
            }
            Err(error) if is_mendable(&error) => {
                // The next saved change may mend it.
                ctx.ui.report(&error);
            }
            Err(error) => return Err(error),
        }
        let output = args.follow.then_some(&mut program);
        wait_for_change(&mut watcher, ctx, output)?;
    }
}

/// Returns whether a change of the files here can mend the error: nothing is wrong with the board.
fn is_mendable(error: &CommandError) -> bool {
    match error {
        CommandError::NotCompiled => true,
        CommandError::Piton(error @ piton::Error::Sync(_)) => {
            error.fs().is_none() && error.board().is_none()
        }
        _ => false,
    }
}

/// Syncs once.
fn push(
    direction: &Direction<'_>,
    options: &Options,
    is_first: bool,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        cancel,
        ..
    } = ctx;
    let (folder, root) = match direction {
        Direction::ToDrive(folder, drive) => {
            let push = sync::push_to_drive(folder, drive, options);
            let push = push.map_err(|error| super::shown_error(ui, error))?;
            if is_first {
                note_left_out(ui, push.dangling(), push.private(), push.reserved());
            }
            let plan = push.plan().clone();
            return super::carry_out_quietly(ui, &plan, |events| push.apply(cancel, events));
        }
        Direction::ToBoard(folder, root) => (folder, root),
        Direction::FromBoard(..) => return Ok(()),
    };
    let mut raw = session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw);
    let push = sync::push(&mut remote, folder, root, options)
        .map_err(|error| super::shown_error(ui, error))?;
    if is_first {
        note_left_out(ui, push.dangling(), push.private(), push.reserved());
        note_foreign_journals(ui, push.foreign_journals());
    }
    let plan = push.plan();
    super::carry_out_quietly(ui, plan, |events| push.apply(&mut remote, events))
}

/// Compiles sources before they are sent as they are.
struct Checks {
    /// The options of this board's firmware; `None` where the sync itself compiles.
    compiler: Option<CompilerOptions>,
    /// The paths of the printed failures, each with the source that it is about.
    reported: Vec<(RelativePath, Vec<u8>)>,
}

impl Checks {
    fn new(args: &Args, ctx: &mut Context) -> Result<Checks, CommandError> {
        let compiler = match args.compile {
            true => None,
            false => {
                let options = match args.direction()? {
                    Direction::ToDrive(_, drive) => sync::drive_compiler_options(drive),
                    _ => sync::compiler_options(&ctx.session.facts()?),
                };
                // A board that does not load our `.mpy` files has the same language.
                Some(options.unwrap_or_else(|_| CompilerOptions::new("")))
            }
        };
        Ok(Checks {
            compiler,
            reported: Vec::new(),
        })
    }

    /// Returns the options, extended to protect the board's copies of sources that do not compile; and whether any of
    /// these is new. Each is printed once.
    fn look(
        &mut self,
        folder: &Path,
        options: &Options,
        ctx: &Context,
    ) -> Result<(Options, bool), CommandError> {
        let mut options = options.clone();
        let Some(compiler) = &self.compiler else {
            return Ok((options, false));
        };
        let mut is_new = false;
        let mut reported = Vec::new();
        for (path, rejected) in sync::check(folder, &options, compiler)? {
            options
                .ignore
                .add(&format!("/{}", without_meaning(path.as_str())));
            let source = (path, rejected.source);
            if !self.reported.contains(&source) {
                let text = excerpt::of_source(&rejected.path, &rejected.diagnostic, &source.1);
                ctx.ui.failure(&format!("{text}not sent: {}\n", source.0));
                is_new = true;
            }
            reported.push(source);
        }
        self.reported = reported;
        Ok((options, is_new))
    }
}

/// Returns a pattern that matches this path only.
fn without_meaning(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for letter in path.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '!' | '#' | ' ') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// Waits until the folder has changed. The board's output is shown if its program is followed.
fn wait_for_change(
    watcher: &mut Watcher,
    ctx: &mut Context,
    mut follow: Option<&mut ProgramOutput>,
) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        cancel,
        ..
    } = ctx;
    let mut next_look = Instant::now() + PAUSE;
    let mut buffer = [0; 1024];
    let mut written = Ok(());
    loop {
        if cancel.is_cancelled() {
            return Err(CommandError::Interrupted);
        }
        if let Some(program) = &mut follow {
            let mut show = |bytes: &[u8]| written = ui.bytes(bytes);
            match session.board()?.read_output(&mut buffer, SLICE)? {
                [] => program.flush_quiet(&mut show),
                bytes => program.take(bytes, &mut show),
            }
            std::mem::replace(&mut written, Ok(()))?;
        } else {
            std::thread::sleep(SLICE);
        }
        if Instant::now() >= next_look {
            if watcher.look()? == FolderState::Changed {
                return Ok(());
            }
            next_look = Instant::now() + PAUSE;
        }
    }
}
