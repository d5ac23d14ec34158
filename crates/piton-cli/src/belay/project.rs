//! The commands for the packages of a project.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus};

use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::sync::{Keep, belay_options, push_file};
use piton::workspace::{AddOptions, LockOptions, Selection, Update, Workspace, Written};
use tempfile::TempDir;

use super::board::{begin, carry_out, connect, convert, push, run_script};
use super::line::{AddArgs, InstallArgs, UpdateArgs};
use crate::commands::project::install::follow;
use crate::commands::project::{NetworkArgs, bring};
use crate::commands::sync::shown_error;
use crate::context::Context;
use crate::environment::{MICROPYPATH, PATH};
use crate::error::{CommandError, FileError, ProgramError};
use crate::interrupt;
use crate::local_file;

/// The program that is there even if it is not installed.
const MICROPYTHON: &str = "micropython";

fn open() -> Result<Workspace, CommandError> {
    Ok(Workspace::open(Path::new("."))?)
}

pub(super) fn add(args: &AddArgs, ctx: &Context) -> Result<(), CommandError> {
    let mut options = AddOptions::default();
    options.group.clone_from(&args.group);
    options.develop = args.develop;
    options.rename_to_init = args.renames_to_init();
    options.verbatim = true;
    let (name, source) = match &args.uri {
        Some(uri) => (Some(args.name_or_uri.as_str()), uri),
        None => (None, &args.name_or_uri),
    };
    let (mut workspace, _) = open()?.with_dependency(name, source, &options)?;
    fetch(&mut workspace, &LockOptions::default(), ctx)?;
    workspace.copy_development()?;
    Ok(())
}

/// Opens the project. A lock that is not that of `pyproject.toml` any more is brought up to date; a project without a lock is
/// taken as its folder of dependencies has it.
fn ready(ctx: &Context) -> Result<Workspace, CommandError> {
    let mut workspace = open()?;
    if workspace.lock().is_some() && !workspace.stale()?.is_empty() {
        fetch(&mut workspace, &LockOptions::default(), ctx)?;
    }
    workspace.copy_development()?;
    Ok(workspace)
}

/// Fetches the packages, and writes the settings, the lock and the folder of the dependencies.
fn fetch(
    workspace: &mut Workspace,
    options: &LockOptions,
    ctx: &Context,
) -> Result<Written, CommandError> {
    interrupt::install(&ctx.cancel);
    let network = NetworkArgs::default();
    let (_, written) = bring(workspace, options, network, false, (&ctx.ui, &ctx.cancel))?;
    Ok(written.unwrap_or_default())
}

pub(super) fn update(args: &UpdateArgs, ctx: &Context) -> Result<(), CommandError> {
    let mut workspace = open()?;
    let is_meant = |name: &String| args.packages.is_empty() || args.packages.contains(name);
    let mut names: Vec<(String, String)> = workspace
        .project()
        .dependencies()
        .map(|(group, dependency)| (group.name.clone(), dependency.name.clone()))
        .filter(|(_, name)| is_meant(name))
        .collect();
    // Groups are in the order of their names, dependencies in that of the file.
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    if !names.is_empty() || args.packages.is_empty() {
        let mut options = LockOptions::default();
        options.update = match args.packages.is_empty() {
            true => Update::Everything,
            false => Update::Named(names.iter().map(|(_, name)| name.clone()).collect()),
        };
        let written = fetch(&mut workspace, &options, ctx)?;
        let copied = workspace.copy_development()?;
        for (group, name) in &names {
            let below = format!("{group}/{name}/");
            let is_copied = copied.iter().any(|path| path.starts_with(&below));
            let outcome = match is_copied || is_written(&workspace, &written, group, name) {
                true => "Updated.",
                false => "No changes detected.",
            };
            ctx.ui.line(&format!(
                "  \u{2022} {name}: Updating...   \u{2022} {name}: {outcome}"
            ))?;
        }
    }
    workspace.clean(false)?;
    Ok(())
}

/// Whether a file of a dependency was written or removed.
fn is_written(workspace: &Workspace, written: &Written, group: &str, name: &str) -> bool {
    let folder = format!("{group}/{name}/");
    let lock = workspace.lock();
    let dependencies = lock.iter().flat_map(|lock| &lock.dependencies);
    let packages = dependencies
        .filter(|one| one.group == group && one.name == name)
        .flat_map(|one| &one.packages);
    let files = packages
        .filter_map(|package| lock?.package(package))
        .flat_map(|package| &package.files);
    let paths: Vec<String> = files.map(|file| format!("{group}/{}", file.path)).collect();
    let mut changed = written.files.iter().map(piton::workspace::Difference::path);
    changed.any(|path| path.starts_with(&folder) || paths.iter().any(|known| known == path))
}

pub(super) fn clean() -> Result<(), CommandError> {
    open()?.clean(false)?;
    Ok(())
}

pub(super) fn install(args: &InstallArgs, ctx: &mut Context) -> Result<(), CommandError> {
    for script in args.run.iter().chain(&args.main) {
        if script.extension().is_none_or(|end| end != "py") {
            return Err(CommandError::from(FileError::Arguments {
                command: "install",
                problem: "the script of `--main` and `--run` is a `.py` file",
            }));
        }
        // A script that is not there is said before anything happens to the board.
        local_file::read(script)?;
    }
    let workspace = ready(ctx)?;
    let selection = Selection {
        with: args.with().to_vec(),
        ..Selection::default()
    };
    let dependencies = staged(&workspace, &selection)?;
    connect(&args.board, ctx)?;
    let compiles = args.compile.mpy_cross_binary.is_some();
    let copy = |folder: &Path, target: &str, ignore: &[String], ctx: &mut Context| {
        let root: BoardPath = target.parse().map_err(|_| not_a_folder(target))?;
        let mut options = belay_options(&root, Keep::Usual, None);
        // The project's own patterns add to the usual ones.
        for pattern in ignore {
            options.unsent.add(pattern);
        }
        convert(&mut options, compiles, ctx)?;
        push(folder, &root, &options, ctx)
    };
    copy(dependencies.path(), "/lib", &[], ctx)?;
    ctx.ui.line("Dependencies: Complete.")?;
    let project = workspace.project();
    if let Some(name) = &project.name {
        let folder = workspace.root().join(name);
        std::fs::read_dir(&folder).map_err(|source| local_file::not_read(&folder, source))?;
        copy(&folder, &format!("/{name}"), &project.ignore, ctx)?;
        ctx.ui.line(&format!("{name}: Complete."))?;
    }
    if let Some(main) = &args.main {
        install_main(main, compiles, ctx)?;
        ctx.ui.line("main: Complete.")?;
    }
    if let Some(script) = &args.run {
        begin(ctx)?;
        return run_script(script, ctx);
    }
    // boot.py and main.py run.
    ctx.session.start_main()?;
    match args.follow {
        true => follow(ctx),
        false => Ok(()),
    }
}

/// Copies a script to /main.py.
fn install_main(script: &Path, compiles: bool, ctx: &mut Context) -> Result<(), CommandError> {
    let root = BoardPath::root();
    let mut options = belay_options(&root, Keep::Everything, Some(&[]));
    convert(&mut options, compiles, ctx)?;
    let name = "main.py".parse().map_err(|_| not_a_folder("main.py"))?;
    let mut raw = ctx.session.raw_repl()?;
    let mut remote = RemoteFs::new(&mut raw);
    let push = push_file(&mut remote, script, &name, &root, &options);
    let push = push.map_err(|error| shown_error(&ctx.ui, error))?;
    carry_out(&ctx.ui, &push, &mut remote)
}

fn not_a_folder(path: &str) -> CommandError {
    CommandError::from(FileError::Failed {
        command: "install".to_owned(),
        path: path.to_owned(),
        reason: "Invalid argument".to_owned(),
        detail: None,
    })
}

/// Returns a folder with the files of the chosen groups together, as a board has them in its folder for libraries.
fn staged(workspace: &Workspace, selection: &Selection) -> Result<TempDir, CommandError> {
    let image = workspace.image(selection)?;
    let folder =
        TempDir::new().map_err(|source| local_file::not_written(&std::env::temp_dir(), source))?;
    for file in &image.files {
        let path = folder.path().join(file.path.to_path());
        let parent = path.parent().unwrap_or(folder.path());
        let written =
            std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, &file.content));
        written.map_err(|source| local_file::not_written(&path, source))?;
    }
    Ok(folder)
}

/// Runs a program of this computer with the packages of all groups.
///
/// # Errors
///
/// [`ProgramError::Exited`] if its exit code is not 0.
pub(super) fn run_program(
    program: &OsStr,
    arguments: &[OsString],
    ctx: &Context,
) -> Result<(), CommandError> {
    let workspace = ready(ctx)?;
    let groups = workspace.project().groups.iter();
    let selection = Selection {
        with: groups.map(|group| group.name.clone()).collect(),
        ..Selection::default()
    };
    let folder = staged(&workspace, &selection)?;
    let folders = [Path::new("."), folder.path()];
    let path = std::env::join_paths(folders)
        .map_err(|error| not_run(program, std::io::Error::other(error)))?;
    // Ctrl-C is for the program.
    let _hold = interrupt::hold();
    let mut command = match is_program(program) {
        true => Command::new(program),
        // No MicroPython is installed: the one in this program does it.
        false => own_micropython(program)?,
    };
    let status = command
        .args(arguments)
        .env(MICROPYPATH, path)
        .status()
        .map_err(|source| not_run(program, source))?;
    match code_of(status) {
        0 => Ok(()),
        code => Err(ProgramError::Exited { code }.into()),
    }
}

/// Returns `piton micropython`.
fn own_micropython(program: &OsStr) -> Result<Command, CommandError> {
    let own = std::env::current_exe().map_err(|source| not_run(program, source))?;
    let mut command = Command::new(own);
    // A link to this program may have another name than `piton`.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "piton");
    command.arg(MICROPYTHON);
    Ok(command)
}

fn not_run(program: &OsStr, source: std::io::Error) -> CommandError {
    local_file::not_read(Path::new(program), source)
}

/// Returns the exit code for the end of a program. For one that a signal has ended it is 256 less the signal, as Belay has it.
fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return (256 - signal) as u8;
        }
    }
    status.code().unwrap_or(1) as u8
}

/// Whether a word after `run` is a program: one of this computer, or MicroPython.
pub(super) fn runs_here(word: &OsStr) -> bool {
    word == MICROPYTHON || is_program(word)
}

/// Whether a word is a program of this computer: the path of one, or the name of one in a folder of `PATH`.
fn is_program(word: &OsStr) -> bool {
    let path = Path::new(word);
    if path.components().count() > 1 || path.is_absolute() {
        return is_executable(path);
    }
    let folders = std::env::var_os(PATH).unwrap_or_default();
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(path));
    places.any(|place| is_executable(&place))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// Windows adds the end of the name.
#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    let mut with_end: Vec<std::path::PathBuf> = ["exe", "bat", "cmd", "com"]
        .map(|end| path.with_extension(end))
        .to_vec();
    if path.extension().is_some() {
        with_end.push(path.to_owned());
    }
    with_end.iter().any(|path| path.is_file())
}
