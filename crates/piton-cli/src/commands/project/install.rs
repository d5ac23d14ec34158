//! `install`: the project and its packages onto boards.

use std::ops::ControlFlow::Continue;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use piton::board_names::{NamedBoard, in_dev};
use piton::cache_folder::compiled_folder;
use piton::deadline::Cancel;
use piton::events::BoardEvent;
use piton::mip::{MipEvent, Packages, ProjectInstallation};
use piton::selector::BoardSelector;
use piton::session::output::ProgramOutput;
use piton::sync::{self, Make, Rejected};
use piton::workspace::{InstallOptions, LockOptions, PackageError, Selection, Workspace};
use piton::{Session, SessionOptions};
use serde::Serialize;

use super::super::compile::excerpt;
use super::super::run as run_script;
use super::{NetworkArgs, bring, open};
use crate::context::Context;
use crate::error::{CommandError, FileError};
use crate::ui::Ui;

/// The time between two checks for Ctrl-C while a program is followed.
const SLICE: Duration = Duration::from_millis(50);

/// Arguments of `install`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The packages go into the board's folder for libraries, the folder that `name` in `pyproject.toml` names beside \
                  it. Packages that do not belong to the project stay; `piton mip install` and `uninstall` are for those."
)]
pub(crate) struct Args {
    /// The board, or a group of boards of config.toml (default: the board of the line); may be repeated
    #[arg(long, value_name = "BOARD", action = clap::ArgAction::Append)]
    device: Vec<String>,
    /// Also install this optional group; may be repeated
    #[arg(long, value_name = "GROUP", action = clap::ArgAction::Append)]
    with: Vec<String>,
    /// Leave this group out; may be repeated
    #[arg(long, value_name = "GROUP", action = clap::ArgAction::Append)]
    without: Vec<String>,
    /// Copy this script to `main.py`, and restart the board
    #[arg(long, value_name = "FILE")]
    main: Option<PathBuf>,
    /// Run this script on the board afterwards
    #[arg(long, value_name = "FILE", conflicts_with = "main")]
    run: Option<PathBuf>,
    /// Show what the board prints afterwards, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Send sources, instead of `.mpy` files where the board loads them
    #[arg(long)]
    no_mpy: bool,
    /// Send sources without comments, docstrings and needless spaces
    #[arg(long)]
    minify: bool,
    /// Fail if the lock is not that of `pyproject.toml`
    #[arg(long)]
    locked: bool,
    /// Take the lock as it is, whatever `pyproject.toml` says
    #[arg(long, conflicts_with = "locked")]
    frozen: bool,
    /// Only print what would be changed on the board
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// What `--json` prints for a board.
#[derive(Serialize)]
struct Report<'r> {
    board: &'r str,
    #[serde(flatten)]
    installation: &'r ProjectInstallation,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    for script in args.main.iter().chain(&args.run) {
        if script.extension().is_none_or(|end| end != "py") {
            return Err(CommandError::from(FileError::Arguments {
                command: "install",
                problem: "the script of `--main` and `--run` is a `.py` file",
            }));
        }
    }
    let boards = ctx.config.boards.each(&args.device)?.into_iter();
    let boards: Vec<NamedBoard> = boards
        .map(|(name, selector)| (name, in_dev(selector)))
        .collect();
    let workspace = ready(args, ctx)?;
    match boards.as_slice() {
        [] => one(args, &workspace, ctx),
        [(_, selector)] => {
            ctx.session.connect_to(selector)?;
            one(args, &workspace, ctx)
        }
        boards => many(args, boards, &workspace, ctx),
    }
}

/// Returns the groups to install.
fn selection(args: &Args) -> Selection {
    Selection {
        with: args.with.clone(),
        without: args.without.clone(),
    }
}

/// Returns the project with a lock and a folder of dependencies that are as its settings say.
fn ready(args: &Args, ctx: &Context) -> Result<Workspace, CommandError> {
    let mut workspace = open()?;
    // A wrong name is an error before a server or a board is asked.
    workspace.chosen(&selection(args))?;
    let has_packages = workspace.project().dependencies().next().is_some();
    let is_locked = workspace.lock().is_some();
    // A project of belay has no lock: its folder of dependencies is one.
    let has_folder = workspace.dependencies().is_dir();
    let may_change = !args.frozen && (is_locked || (has_packages && !has_folder));
    if args.locked && !is_locked && has_packages {
        return Err(PackageError::NotLocked.into());
    }
    if may_change {
        let mut options = LockOptions::default();
        options.locked = args.locked;
        if workspace.lock().is_none() || !workspace.stale()?.is_empty() || args.locked {
            let both = (&ctx.ui, &ctx.cancel);
            bring(&mut workspace, &options, args.network, args.dry_run, both)?;
        }
    }
    restore(&mut workspace, args.network, ctx)?;
    Ok(workspace)
}

/// Fetches the files of the lock, if the folder of the dependencies is missing: it need not be kept with the sources.
fn restore(
    workspace: &mut Workspace,
    network: NetworkArgs,
    ctx: &Context,
) -> Result<(), CommandError> {
    if workspace.lock().is_none() || workspace.dependencies().is_dir() {
        return Ok(());
    }
    let settings = network.settings();
    let locked = workspace.fetch_locked(&settings, &ctx.cancel, &mut super::shown(&ctx.ui));
    ctx.ui.clear_progress();
    workspace.write(&locked?)?;
    Ok(())
}

/// Installs on the board of the line.
fn one(args: &Args, workspace: &Workspace, ctx: &mut Context) -> Result<(), CommandError> {
    let Context { session, ui, .. } = ctx;
    let board = session.board()?.device_name().to_owned();
    let mut show = |event: MipEvent<'_>| {
        ui.event(&BoardEvent {
            board: &board,
            event,
        });
        if let MipEvent::Wrote { bytes, of } = event {
            ui.progress(bytes, of);
        }
    };
    let installed = install(args, workspace, session, &mut show);
    ui.clear_progress();
    let installation = installed.map_err(|error| shown_error(ui, error))?;
    print_installation(&board, &installation, args.dry_run, ui)?;
    if args.dry_run {
        return Ok(());
    }
    if let Some(script) = &args.run {
        let script = run_script::Args {
            watch: super::super::exec::WatchArgs::default(),
            path: script.display().to_string(),
        };
        return run_script::run(&script, ctx);
    }
    if args.main.is_some() || args.follow {
        ctx.session.start_main()?;
    }
    match args.follow {
        true => follow(ctx),
        false => Ok(()),
    }
}

/// Shows what the board prints, until Ctrl-C.
pub(crate) fn follow(ctx: &mut Context) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        cancel,
        ..
    } = ctx;
    let mut program = ProgramOutput::default();
    let mut buffer = [0; 1024];
    loop {
        if cancel.is_cancelled() {
            return Err(CommandError::Interrupted);
        }
        let mut written = Ok(());
        let mut show = |bytes: &[u8]| written = ui.bytes(bytes);
        match session.board()?.read_output(&mut buffer, SLICE)? {
            [] => program.flush_quiet(&mut show),
            bytes => program.take(bytes, &mut show),
        }
        written?;
    }
}

/// Installs on several boards at a time. The failure of one does not stop the others.
fn many(
    args: &Args,
    boards: &[NamedBoard],
    workspace: &Workspace,
    ctx: &mut Context,
) -> Result<(), CommandError> {
    if args.run.is_some() || args.follow {
        return Err(CommandError::from(FileError::Arguments {
            command: "install",
            problem: "`--run` and `--follow` are for one board",
        }));
    }
    // A board is used by one session at a time.
    ctx.session.disconnect();
    let connect = ctx.session.connect_options().clone();
    let (ui, cancel) = (&ctx.ui, &ctx.cancel);
    let lines = &ui.board_lines();
    let results = thread::scope(|scope| {
        let running: Vec<_> = boards
            .iter()
            .map(|(name, selector)| {
                let mut options = SessionOptions::default();
                options.connect = connect.clone();
                let line = lines.add(&printable::line(name));
                let install = move || {
                    let mut show = |event: MipEvent<'_>| {
                        ui.event(&BoardEvent { board: name, event });
                        if let MipEvent::Wrote { bytes, of } = event {
                            line.at(bytes, of);
                        }
                    };
                    let result = on_board(args, workspace, selector, options, &mut show);
                    drop(line);
                    lines.aside(|| report(name, &result, args.dry_run, cancel, ui));
                    result
                };
                (name, scope.spawn(install))
            })
            .collect();
        let results = running
            .into_iter()
            .map(|(name, thread)| (name, thread.join()));
        results.collect::<Vec<_>>()
    });
    let mut failure = None;
    for (name, result) in results {
        match result {
            // A person has read the line of each board.
            Ok(Ok(installation)) if ui.json() => {
                print_installation(name, &installation, args.dry_run, ui)?
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => failure = failure.or(Some(shown_error(ui, error))),
            Err(_) => failure = failure.or(Some(CommandError::Interrupted)),
        }
    }
    failure.map_or(Ok(()), Err)
}

fn on_board(
    args: &Args,
    workspace: &Workspace,
    selector: &BoardSelector,
    options: SessionOptions,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<ProjectInstallation, piton::Error> {
    let mut session = Session::connect(selector, options)?;
    let installation = install(args, workspace, &mut session, events)?;
    if args.main.is_some() && !args.dry_run {
        session.start_main()?;
    } else {
        session.friendly()?;
    }
    Ok(installation)
}

/// Prints how a board fared, as soon as it is done.
fn report(
    name: &str,
    result: &Result<ProjectInstallation, piton::Error>,
    dry_run: bool,
    cancel: &Cancel,
    ui: &Ui,
) {
    match result {
        Ok(installation) => ui.note(&format!("{name}: {}", summary(installation, dry_run))),
        Err(_) if cancel.is_cancelled() => {}
        Err(error) => ui.failure(&format!("{name}: {error}\n")),
    }
}

/// Makes a board have the project.
fn install(
    args: &Args,
    workspace: &Workspace,
    session: &mut Session,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<ProjectInstallation, piton::Error> {
    let compile = match args.no_mpy {
        true => None,
        false => sync::compiler_options(&session.facts()?).ok(),
    };
    let mut options = InstallOptions::default();
    options.selection = selection(args);
    options.main.clone_from(&args.main);
    options.make = Make::default();
    options.make.keep_native = true;
    options.make.compile = compile;
    options.make.minify = args.minify;
    options.make.cache = compiled_folder().ok();
    let mut packages = Packages::open(session.raw_repl()?, None)?;
    let image = workspace.project_image(packages.library(), &options)?;
    let installed = packages.install_project(&image, args.dry_run, &mut |event| {
        events(event);
        Continue(())
    });
    Ok(installed?)
}

/// Returns the error of an installation. A diagnostic of the compiler is printed at once.
fn shown_error(ui: &Ui, error: piton::Error) -> CommandError {
    let piton::Error::Package(PackageError::Sync(sync)) = &error else {
        return error.into();
    };
    let sync::Error::NotCompiled { rejected } = &**sync else {
        return error.into();
    };
    for Rejected {
        path,
        diagnostic,
        source,
    } in rejected
    {
        let text = excerpt::of_source(path, diagnostic, source);
        ui.failure(&format!("{text}\n"));
    }
    CommandError::NotCompiled
}

fn print_installation(
    board: &str,
    installation: &ProjectInstallation,
    dry_run: bool,
    ui: &Ui,
) -> Result<(), CommandError> {
    if ui.json() {
        return ui.json_line(&Report {
            board,
            installation,
        });
    }
    for path in &installation.written {
        ui.step(&format!("write  {path}"))?;
    }
    for path in &installation.removed {
        ui.step(&format!("remove {path}"))?;
    }
    for path in &installation.kept {
        ui.note(&format!(
            "kept, because it was changed on the board: {path}"
        ));
    }
    ui.note(&summary(installation, dry_run));
    Ok(())
}

fn summary(installation: &ProjectInstallation, dry_run: bool) -> String {
    let verb = if dry_run { "would be " } else { "" };
    let count = installation.written.len();
    let noun = if count == 1 { "file" } else { "files" };
    format!(
        "{count} {noun} {verb}written ({} bytes), {} {verb}removed, {} unchanged",
        installation.bytes,
        installation.removed.len(),
        installation.unchanged
    )
}
