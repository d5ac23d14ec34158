//! `fs`: works with the files of the board. Each sub-command that is more than one call has its own file.

mod cat;
mod cp;
mod files;
pub(crate) mod help;
mod ls;
mod missing;
mod mkdir;
mod mv;
mod paths;
mod refused;
mod rm;
mod sum;
mod tree;

use piton::fs::hash::HashAlgorithm;
use piton::fs::listing::Sizes;
use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;

use crate::args::wrong::{no_destination, no_such_option};
use crate::context::Context;
use crate::error::CommandError;
use crate::suggest::nearest;
use crate::usage::UsageError;

use files::{Files, step};
use missing::not_written;
use paths::board_paths;

pub(super) use files::show_progress;
pub(super) use paths::board_path;
pub(super) use refused::refused;

/// Arguments of `fs`.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Copy and remove folders with their contents
    #[arg(short, long, conflicts_with = "no_recursive")]
    pub(crate) recursive: bool,
    /// No folders (default)
    #[arg(long)]
    no_recursive: bool,
    /// Copy even if the file on the board is the same; ignore missing files when removing
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
    /// Make the parent folders as well; an existing folder is not an error
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
    /// Checks that the sub-command has the given options that mpremote lacks (mpremote's own are allowed anywhere), and
    /// that a copy or a move has a destination.
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

/// Returns `fs` as mpremote has it, without our options. `clap` cannot remove an option: it gets a name that no user
/// types.
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
            Action::Mkdir if self.args.parents => mkdir::run(self, path),
            Action::Mkdir => {
                let made = self.remote.make_dir(path, step());
                made.map_err(|error| not_written(self, path, error))
            }
            Action::Touch => {
                let touched = self.remote.touch(path, step());
                touched.map_err(|error| not_written(self, path, error))
            }
            Action::Rmdir => {
                let removed = self.remote.remove_dir(path, step());
                removed.map_err(|error| self.refused(path, error))
            }
            Action::Cp | Action::Mv => Ok(()),
        }
    }
}
