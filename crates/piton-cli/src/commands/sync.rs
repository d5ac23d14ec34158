//! `sync`: copies the changes of a folder to the board, or from the board.

mod watch;

use std::ops::ControlFlow::{self, Continue};
use std::path::{Path, PathBuf};

use piton::cache_folder::compiled_folder;
use piton::events::BoardEvent;
use piton::fs::plan::{Action, Plan};
use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::patterns::Patterns;
use piton::sync::{self, Links, Options, Rejected, SyncEvent};
use serde::Serialize;

use super::compile::excerpt;
use super::reserved::note_reserved;
use crate::context::Context;
use crate::error::{CommandError, FileError};
use crate::interrupt;
use crate::output_sink::OutputSink;
use crate::ui::Ui;
use crate::usage::UsageError;

/// Arguments of `sync`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only print what would be done
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Remove what the source does not have
    #[arg(long)]
    delete: bool,
    /// Leave what fits the pattern at the destination as it is; may be repeated
    #[arg(long, value_name = "PATTERN", action = clap::ArgAction::Append)]
    keep: Vec<String>,
    /// Leave out what fits the pattern, on both sides; may be repeated, and come from `.pitonignore` files
    #[arg(long, value_name = "PATTERN", action = clap::ArgAction::Append)]
    ignore: Vec<String>,
    /// Replace and remove files here even if they are not copies of the board's
    #[arg(long)]
    force: bool,
    /// What to do with symbolic links here
    #[arg(long, value_enum, default_value = "follow")]
    links: LinksName,
    /// Send `.mpy` files instead of sources, as this board loads them
    #[arg(long)]
    compile: bool,
    /// Send sources without comments, docstrings and needless spaces; lines keep their numbers
    #[arg(long)]
    minify: bool,
    /// Have the board read back what it has written, and compare
    #[arg(long)]
    verify: bool,
    /// Sync again whenever the folder here changes, until Ctrl-C
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// After each sync soft-reset the board, and show what its program prints
    #[arg(long, requires = "watch")]
    follow: bool,
    /// Folder to copy from; `:` marks one on the board
    source: String,
    /// Folder to copy to, or the board's mounted drive (default: the board's current folder)
    destination: Option<String>,
}

/// What to do with symbolic links.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LinksName {
    /// Copy what they name
    Follow,
    /// Leave them out
    Skip,
}

/// The direction of a sync.
enum Direction<'a> {
    ToBoard(&'a Path, BoardPath),
    FromBoard(BoardPath, PathBuf),
    ToDrive(&'a Path, &'a Path),
}

impl Args {
    fn direction(&self) -> Result<Direction<'_>, CommandError> {
        let board = |path: &str| {
            path.parse::<BoardPath>().map_err(|_| {
                CommandError::from(FileError::Failed {
                    command: "sync".to_owned(),
                    path: path.to_owned(),
                    reason: "Invalid argument".to_owned(),
                    detail: None,
                })
            })
        };
        let destination = self.destination.as_deref();
        let other = destination.and_then(|path| path.strip_prefix(':'));
        match (self.source.strip_prefix(':'), other, destination) {
            (None, _, None) => Ok(Direction::ToBoard(
                Path::new(&self.source),
                BoardPath::default(),
            )),
            (None, Some(path), _) => Ok(Direction::ToBoard(Path::new(&self.source), board(path)?)),
            (Some(path), None, Some(folder)) if !self.compile && !self.minify && !self.watch => {
                Ok(Direction::FromBoard(board(path)?, PathBuf::from(folder)))
            }
            (None, None, Some(drive)) if sync::is_drive(Path::new(drive)) => match self.follow {
                true => Err(UsageError::Sync(
                    "`--follow` is for a board with a connection: `sync DIR :`",
                )
                .into()),
                false => Ok(Direction::ToDrive(Path::new(&self.source), Path::new(drive))),
            },
            (Some(_), None, Some(_)) => Err(UsageError::Sync(
                "`--compile`, `--minify` and `--watch` are for what goes to the board",
            )
            .into()),
            _ => Err(UsageError::Sync(
                "one of the two folders is on the board: `sync DIR [:DIR]`, `sync :DIR DIR`, or `sync DIR DRIVE` with \
                 the board's mounted drive",
            )
            .into()),
        }
    }

    fn options(&self) -> Options {
        let patterns = |lines: &[String]| {
            let mut patterns = Patterns::new();
            for line in lines {
                patterns.add(line);
            }
            patterns
        };
        let mut options = Options::default();
        options.delete = self.delete;
        options.force = self.force;
        options.keep = patterns(&self.keep);
        options.ignore = patterns(&self.ignore);
        options.links = match self.links {
            LinksName::Follow => Links::Follow,
            LinksName::Skip => Links::Skip,
        };
        options.make.minify = self.minify;
        options.make.cache = compiled_folder().ok();
        options.verify = self.verify;
        options.settle = !self.dry_run;
        options
    }
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let direction = args.direction()?;
    let mut options = args.options();
    if args.compile {
        options.make.compile = Some(match direction {
            Direction::ToDrive(_, drive) => sync::drive_compiler_options(drive)?,
            _ => sync::compiler_options(&ctx.session.facts()?)?,
        });
    }
    match args.watch {
        true => watch::run(args, ctx, &options),
        false => once(args, ctx, &options),
    }
}

fn once(args: &Args, ctx: &mut Context, options: &Options) -> Result<(), CommandError> {
    let direction = args.direction()?;
    if let Direction::ToDrive(folder, drive) = direction {
        interrupt::install(&ctx.cancel);
        let (ui, cancel) = (&ctx.ui, &ctx.cancel);
        let push =
            sync::push_to_drive(folder, drive, options).map_err(|error| shown_error(ui, error))?;
        note_left_out(ui, push.dangling(), push.private(), push.reserved());
        let plan = push.plan().clone();
        let board = drive.display().to_string();
        return carry_out(args.dry_run, ui, &board, &plan, |events| {
            push.apply(cancel, events)
        });
    }
    let Context { session, ui, .. } = ctx;
    let board = session.board()?.device_name().to_owned();
    let mut raw = session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw);
    match direction {
        Direction::ToDrive(..) => Ok(()),
        Direction::ToBoard(folder, root) => {
            let push = sync::push(&mut remote, folder, &root, options)
                .map_err(|error| shown_error(ui, error))?;
            note_left_out(ui, push.dangling(), push.private(), push.reserved());
            note_foreign_journals(ui, push.foreign_journals());
            let plan = push.plan();
            carry_out(args.dry_run, ui, &board, plan, |events| {
                push.apply(&mut remote, events)
            })
        }
        Direction::FromBoard(root, folder) => {
            let pull = sync::pull(&mut remote, &root, &folder, options)?;
            for path in pull.reserved() {
                note_reserved(ui, &format!(":{path}"));
            }
            note_foreign_journals(ui, pull.foreign_journals());
            let plan = pull.plan().clone();
            carry_out(args.dry_run, ui, &board, &plan, |events| {
                pull.apply(&mut remote, events)
            })
        }
    }
}

/// Prints which paths of a folder here are not copied.
pub(crate) fn note_left_out(
    ui: &Ui,
    dangling: &[PathBuf],
    private: &[PathBuf],
    reserved: &[PathBuf],
) {
    for link in dangling {
        ui.note(&format!("left out: `{}` names nothing", link.display()));
    }
    for path in private {
        ui.note(&format!(
            "left out: `{}` usually holds passwords or secret keys; `--ignore '!NAME'` copies it",
            path.display()
        ));
    }
    for path in reserved {
        note_reserved(ui, &path.display().to_string());
    }
}

/// Prints the paths of files that have the name of piton's journal and are not journals.
fn note_foreign_journals(ui: &Ui, paths: &[BoardPath]) {
    for path in paths {
        let path = path.as_str().escape_debug();
        ui.note(&format!(
            "`:{path}` has the name of piton's journal but is not a journal: it was not changed. Remove it with `fs rm :{path}`"
        ));
    }
}

/// Returns the error of a sync. A diagnostic of the compiler is printed at once.
pub(crate) fn shown_error(ui: &Ui, error: sync::Error) -> CommandError {
    match error {
        sync::Error::NotCompiled { rejected } => {
            for Rejected {
                path,
                diagnostic,
                source,
            } in &rejected
            {
                let text = excerpt::of_source(path, diagnostic, source);
                ui.failure(&format!("{text}\n"));
            }
            CommandError::NotCompiled
        }
        error => error.into(),
    }
}

/// Carries out the plan, and prints one line about it: the first names, and how many.
pub(crate) fn carry_out_quietly(
    ui: &Ui,
    plan: &Plan,
    apply: impl FnOnce(&mut dyn FnMut(SyncEvent) -> ControlFlow<()>) -> Result<(), sync::Error>,
) -> Result<(), CommandError> {
    let progress = ui.transfer(plan.bytes());
    let mut done_bytes = 0;
    let mut events = |event| {
        match event {
            SyncEvent::Moved { bytes, .. } => progress.at(done_bytes + bytes),
            SyncEvent::Done { step } => {
                done_bytes += plan.steps.get(step).and_then(|step| step.size).unwrap_or(0);
                progress.at(done_bytes);
            }
            _ => {}
        }
        Continue(())
    };
    let applied = apply(&mut events);
    progress.end();
    applied?;
    if ui.json() {
        ui.json_line(plan)?;
    } else if let Some(line) = summary(plan) {
        ui.note(&line);
    }
    Ok(())
}

/// Returns a line about what a plan does; `None` if it does nothing.
fn summary(plan: &Plan) -> Option<String> {
    /// The most names that a line lists.
    const NAMED: usize = 5;
    let names = |fits: fn(Action) -> bool, verb: &str| {
        let steps = plan.steps.iter().filter(|step| fits(step.action));
        let names = steps
            .map(|step| step.path.to_string())
            .collect::<Vec<String>>();
        match names.len() {
            0 => None,
            1..=NAMED => Some(format!("{verb} {}", names.join(", "))),
            count => Some(format!("{verb} {count} files")),
        }
    };
    let parts = [
        names(Action::writes, "sent"),
        names(|action| action == Action::Delete, "removed"),
    ];
    let line = parts
        .into_iter()
        .flatten()
        .collect::<Vec<String>>()
        .join("; ");
    (!line.is_empty()).then_some(line)
}

/// Prints the plan (`--dry-run`), or carries it out and prints each step. `board` is the name of the board in events; of a drive its
/// folder.
pub(super) fn carry_out<E: Into<CommandError>>(
    dry_run: bool,
    ui: &Ui,
    board: &str,
    plan: &Plan,
    apply: impl FnOnce(&mut dyn FnMut(SyncEvent) -> ControlFlow<()>) -> Result<(), E>,
) -> Result<(), CommandError> {
    if dry_run {
        return match ui.json() {
            true => ui.json_line(plan),
            false => ui.text(&plan.to_string()),
        };
    }
    let progress = ui.transfer(plan.bytes());
    let mut output = OutputSink::default();
    let mut done_bytes = 0;
    let mut events = |event| {
        ui.event(&BoardEvent { board, event });
        match event {
            SyncEvent::Moved { bytes, .. } => progress.at(done_bytes + bytes),
            SyncEvent::Done { step } => {
                if let Some(step) = plan.steps.get(step) {
                    done_bytes += step.size.unwrap_or_default();
                    progress.at(done_bytes);
                    return output.flow(progress.aside(|| ui.step(&step.to_string())));
                }
            }
            _ => {}
        }
        Continue(())
    };
    let applied = apply(&mut events);
    progress.end();
    output.finish(applied)?;
    if ui.json() {
        return ui.json_line(plan);
    }
    for path in &plan.kept {
        ui.step(&format!("{:<8} {path}", "keep"))?;
    }
    ui.note(&Tally::of(plan).to_string());
    Ok(())
}

/// The totals of a sync.
#[derive(Debug, Serialize)]
struct Tally {
    copied: usize,
    bytes: u64,
    removed: usize,
    unchanged: usize,
}

impl Tally {
    fn of(plan: &Plan) -> Tally {
        let count =
            |fits: fn(Action) -> bool| plan.steps.iter().filter(|step| fits(step.action)).count();
        Tally {
            copied: count(Action::writes),
            bytes: plan.bytes(),
            removed: count(|action| action == Action::Delete),
            unchanged: plan.unchanged.len(),
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.copied == 1 { "" } else { "s" };
        write!(
            f,
            "copied {} file{plural}, {} bytes",
            self.copied, self.bytes
        )?;
        if self.removed > 0 {
            write!(f, "; {} removed", self.removed)?;
        }
        if self.unchanged > 0 {
            write!(f, "; {} unchanged", self.unchanged)?;
        }
        Ok(())
    }
}
