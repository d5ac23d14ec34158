//! `fs`: work with the files of the board. One file for each sub-command that is more than one call.

mod cat;
mod cp;
pub(crate) mod help;
mod ls;
mod missing;
mod mv;
mod paths;
mod rm;
mod sum;
mod tree;

use std::io;
use std::path::Path;

use piton::deadline::Deadline;
use piton::error::FsError;
use piton::fs::Event;
use piton::fs::hash::HashAlgorithm;
use piton::fs::listing::{Kind, Sizes};
use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::times::{CONTENT_TIME, STEP_TIME};

use crate::args::wrong::{no_destination, no_such_option};
use crate::compatibility::Compatibility;
use crate::context::Context;
use crate::error::CommandError;
use crate::suggest::{did_you_mean, nearest};
use crate::ui::Ui;
use crate::usage::UsageError;

use missing::hint_for_board;
use paths::board_paths;

pub(super) use paths::board_path;

/// The C library's number for "No such file or directory".
const ENOENT: i32 = 2;

/// Arguments of `fs`.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Copy and remove folders with all that is in them
    #[arg(short, long, conflicts_with = "no_recursive")]
    pub(crate) recursive: bool,
    /// No folders (default)
    #[arg(long)]
    no_recursive: bool,
    /// Copy even if the file on the board is the same; remove without complaint what is not there
    #[arg(short, long, conflicts_with = "no_force")]
    pub(crate) force: bool,
    /// Skip files that are the same (default)
    #[arg(long)]
    no_force: bool,
    /// Print what is done (default, but not for `cat`)
    #[arg(short, long, conflicts_with = "no_verbose")]
    pub(crate) verbose: bool,
    /// Print results only
    #[arg(long)]
    pub(crate) no_verbose: bool,
    /// Show sizes in bytes
    #[arg(short, long, conflicts_with = "human")]
    pub(crate) size: bool,
    /// Show sizes in K and M
    #[arg(short, long)]
    pub(crate) human: bool,
    /// Show size and name, as without it
    #[arg(short, long)]
    long: bool,
    /// Show all names, as without it
    #[arg(short, long)]
    all: bool,
    /// Make the folders above as well; a folder that is there already is no error
    #[arg(short, long)]
    parents: bool,
    /// Copy `.git`, `__pycache__`, `.env` and the like too, which are left out of folders (`cp -r`)
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// `cat`, `cp`, `ls`, `mkdir`, `mv`, `rm`, `rmdir`, `sha256sum`, `touch` or `tree`
    pub(crate) command: String,
    /// Paths, or patterns such as `*.py`; `:` marks one on the board (needed for `cp` only)
    #[arg(num_args = 1.., required_unless_present = "help")]
    pub(crate) path: Vec<String>,
}

impl Args {
    /// Returns whether the options that mpremote has not go with the sub-command (those that it has, it takes anywhere), and
    /// whether what is copied or moved has a destination.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        let command = self.command.as_str();
        let wrong = [
            (self.long && command != "ls", "-l"),
            (self.all && command != "ls", "-a"),
            (self.parents && command != "mkdir", "-p"),
        ];
        if let Some((_, option)) = wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
            return Err(no_such_option(command, option));
        }
        match (command, self.path.as_slice()) {
            ("cp" | "mv", [only]) => Err(no_destination(command, only)),
            _ => Ok(()),
        }
    }
}

/// `fs` as mpremote knows it, without the options that are ours. `clap` cannot take an option away: it gets a name that
/// nobody types.
pub(super) fn as_mpremote(mut fs: clap::Command) -> clap::Command {
    let options = [
        ("long", "(long"),
        ("all", "(all"),
        ("parents", "(parents"),
        ("no_ignore", "(no-ignore"),
    ];
    for (id, name) in options {
        fs = fs.mut_arg(id, |option| option.short(None).long(name).hide(true));
    }
    fs
}

/// What a sub-command does.
#[derive(Clone, Copy)]
enum Action {
    Cat,
    Cp,
    Ls,
    Mkdir,
    Mv,
    Rm,
    Rmdir,
    Sum(HashAlgorithm),
    Touch,
    Tree,
}

/// The sub-commands by name.
const ACTIONS: &[(&str, Action)] = &[
    ("cat", Action::Cat),
    ("cp", Action::Cp),
    ("ls", Action::Ls),
    ("md5sum", Action::Sum(HashAlgorithm::Md5)),
    ("mkdir", Action::Mkdir),
    ("mv", Action::Mv),
    ("rm", Action::Rm),
    ("rmdir", Action::Rmdir),
    ("sha1sum", Action::Sum(HashAlgorithm::Sha1)),
    ("sha256sum", Action::Sum(HashAlgorithm::Sha256)),
    ("sha384sum", Action::Sum(HashAlgorithm::Sha384)),
    ("sha512sum", Action::Sum(HashAlgorithm::Sha512)),
    ("touch", Action::Touch),
    ("tree", Action::Tree),
];

/// What the sub-commands share while they run.
struct Files<'a, 'r, 'b> {
    remote: RemoteFs<'r, 'b>,
    ui: &'a Ui,
    args: &'a Args,
    compatibility: &'static Compatibility,
    device_name: &'a str,
    /// Sizes that the board's listing leaves out are `0` to mpremote, and measured by us.
    sizes: Sizes,
    /// The board's current folder, if a folder of this computer is mounted there and whole folders may be removed.
    current: Option<BoardPath>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let (_, action) = ACTIONS
        .iter()
        .find(|(name, _)| *name == args.command)
        .ok_or_else(|| UsageError::NotAFileCommand {
            word: args.command.clone(),
            nearest: nearest(&args.command, ACTIONS.iter().map(|(name, _)| name)),
        })?;
    let Context {
        session,
        ui,
        compatibility,
        ..
    } = ctx;
    let device_name = session.board()?.device_name().to_owned();
    let guarded = session.board()?.mounted().is_some() && args.recursive;
    let mut raw = session.raw_repl()?;
    let current = match guarded {
        true => RemoteFs::new(&mut raw).current_dir(step()).map(Some),
        false => Ok(None),
    };
    let mut files = Files {
        remote: RemoteFs::new(&mut raw),
        ui,
        args,
        compatibility,
        device_name: &device_name,
        sizes: match compatibility.extended_files {
            true => Sizes::Measured,
            false => Sizes::AsListed,
        },
        current: current.map_err(|error| refused(&args.command, "", error))?,
    };
    match action {
        Action::Cp => return cp::run(&mut files),
        Action::Mv => return mv::run(&mut files),
        _ => {}
    }
    let verbose = if matches!(action, Action::Cat) {
        args.verbose
    } else {
        !args.no_verbose
    };
    for path in board_paths(&mut files)? {
        if verbose {
            ui.step(&format!("{} :{path}", args.command))?;
        }
        files.run_one(*action, &path)?;
    }
    Ok(())
}

impl Files<'_, '_, '_> {
    fn run_one(&mut self, action: Action, path: &BoardPath) -> Result<(), CommandError> {
        match action {
            Action::Cat => cat::run(self, path),
            Action::Ls => ls::run(self, path),
            Action::Sum(algorithm) => sum::run(self, path, algorithm),
            Action::Tree => tree::run(self, path),
            Action::Rm => rm::run(self, path),
            Action::Mkdir if self.args.parents => self.make_dirs(path),
            Action::Mkdir => {
                let made = self.remote.make_dir(path, step());
                made.map_err(|error| self.not_written(path, error))
            }
            Action::Touch => {
                let touched = self.remote.touch(path, step());
                touched.map_err(|error| self.not_written(path, error))
            }
            Action::Rmdir => {
                let removed = self.remote.remove_dir(path, step());
                removed.map_err(|error| self.refused(path, error))
            }
            Action::Cp | Action::Mv => Ok(()),
        }
    }

    /// Returns whether `rm` takes what is not there for removed: `-f`, which is no option of mpremote's `rm`.
    fn forgives_missing(&self) -> bool {
        self.args.force && self.compatibility.extended_files
    }

    /// Makes a folder and those above it, unless they exist.
    fn make_dirs(&mut self, path: &BoardPath) -> Result<(), CommandError> {
        let mut missing = Vec::new();
        let mut folder = Some(path.clone());
        while let Some(path) = folder.filter(|path| !path.is_empty() && path.as_str() != "/") {
            match self.remote.stat(&path, step()) {
                Ok(found) if found.kind == Kind::Directory => break,
                Ok(_) => {
                    return Err(CommandError::NotADirectory {
                        command: "mkdir",
                        path: path.to_string(),
                    });
                }
                Err(FsError::NotFound { .. }) => {}
                // A file stands above: the next turn finds it.
                Err(FsError::NotADirectory { .. }) => {}
                Err(error) => return Err(self.refused(&path, error)),
            }
            folder = path.parent();
            missing.push(path);
        }
        for path in missing.iter().rev() {
            let made = self.remote.make_dir(path, step());
            made.map_err(|error| self.not_written(path, error))?;
        }
        Ok(())
    }

    /// Returns the error for a path that could not be written or made. If its folder does not exist, a hint says so.
    fn not_written(&mut self, path: &BoardPath, error: FsError) -> CommandError {
        let hint = match &error {
            FsError::NotFound { .. } => hint_for_board(self, path),
            _ => None,
        };
        refused(&self.args.command, path.as_str(), error).with_detail(hint)
    }

    /// Returns the error for what the board said about `path`. What is not there may be there under a similar name: the
    /// board is asked.
    fn refused(&mut self, path: &BoardPath, error: FsError) -> CommandError {
        let is_missing = matches!(error, FsError::NotFound { .. });
        let error = refused(&self.args.command, path.as_str(), error);
        let hint = match is_missing {
            true => self.similar(path).map(|name| did_you_mean(&name)),
            false => None,
        };
        error.with_detail(hint)
    }

    /// Returns the path beside `path` whose name is nearest to its name.
    fn similar(&mut self, path: &BoardPath) -> Option<String> {
        let folder = path.parent()?;
        let entries = self.remote.list(&folder, Sizes::AsListed, step()).ok()?;
        let name = nearest(path.file_name()?, entries.iter().map(|entry| &entry.name))?;
        Some(folder.join(&name.parse().ok()?).to_string())
    }
}

/// Draws how far a transfer is.
pub(super) fn show_progress(ui: &Ui, event: Event) {
    match event {
        Event::Read {
            bytes,
            of: Some(of),
        }
        | Event::Wrote { bytes, of } => ui.progress(bytes, of),
        _ => {}
    }
}

/// Returns a deadline for anything but the content of a file.
fn step() -> Deadline {
    Deadline::after(STEP_TIME)
}

/// Returns a deadline for the content of a file.
fn content() -> Deadline {
    Deadline::after(CONTENT_TIME)
}

/// Returns the error for what the board said about `path`, in mpremote's words where it has some.
pub(super) fn refused(command: &str, path: &str, error: FsError) -> CommandError {
    if let Some(number) = error.os_error_number() {
        let detail = match &error {
            FsError::NoSpace { .. } | FsError::Torn { .. } => Some(error.to_string()),
            _ => None,
        };
        return CommandError::File {
            command: command.to_owned(),
            path: path.to_owned(),
            reason: error_text(number),
            detail,
        };
    }
    error.into()
}

impl CommandError {
    /// Returns the same error with a hint, if there is one and the error takes it.
    fn with_detail(mut self, hint: Option<String>) -> CommandError {
        if let (CommandError::File { detail, .. }, Some(hint)) = (&mut self, hint) {
            *detail = Some(hint);
        }
        self
    }
}

/// Returns the C library's sentence for an error number. MicroPython's numbers are Linux'; elsewhere they agree as far as
/// files go.
fn error_text(number: i32) -> String {
    let text = io::Error::from_raw_os_error(number).to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// Returns the error for what this computer said about `path`, in the same words.
fn local_error(command: &str, path: &str, error: &io::Error) -> CommandError {
    let text = error.to_string();
    let reason = text
        .split_once(" (os error")
        .map_or(text.as_str(), |(text, _)| text);
    let detail = match error.kind() {
        io::ErrorKind::NotFound => similar_file(Path::new(path)),
        _ => None,
    };
    CommandError::File {
        command: command.to_owned(),
        path: path.to_owned(),
        reason: reason.to_owned(),
        detail: detail.map(|name| did_you_mean(&name)),
    }
}

/// Returns the file of this computer beside `path` whose name is nearest to its name.
fn similar_file(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let readable = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let names = std::fs::read_dir(readable)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = nearest(path.file_name()?.to_str()?, names)?;
    Some(folder.join(name).display().to_string())
}
