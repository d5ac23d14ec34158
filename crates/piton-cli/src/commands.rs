//! The commands: one file each, with its arguments (their doc comments are the help) and what it does.

mod build;
mod compile;
mod completions;
pub(crate) mod connect;
mod deploy;
mod devs;
mod df;
pub(crate) mod doctor;
mod edit;
mod eval;
pub(crate) mod examples;
pub(crate) mod exec;
mod freeze;
pub(crate) mod fs;
pub(crate) mod help;
mod index;
mod info;
mod inspect;
mod keygen;
pub(crate) mod latency;
mod machine_reset;
mod manifest;
mod micropython;
mod minify;
pub(crate) mod mip;
mod mount;
mod new;
pub(crate) mod project;
pub(crate) mod repl;
mod reserved;
pub(crate) mod romfs;
mod rtc;
mod run;
pub(crate) mod select;
mod self_check;
mod shipments;
mod sleep;
pub(crate) mod sync;
mod test;
mod udev;
mod verify;
mod version;
mod virtual_serve;

use clap::CommandFactory as _;

use crate::args::shortcuts::SHORTCUTS;
use crate::args::wrong;
use crate::compatibility::{Compatibility, Wording};
use crate::context::Context;
use crate::error::CommandError;
use crate::suggest::{did_you_mean, nearest, quoted, words};
use crate::usage::UsageError;

/// One command of a chain, as `clap` parses it.
#[derive(Debug, clap::Parser)]
#[command(disable_help_subcommand = true, disable_version_flag = true)]
pub(crate) struct Line {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// All commands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Connect to a board
    Connect(connect::Args),
    /// Disconnect from the board
    Disconnect,
    /// Continue the last session: do not soft-reset the board
    Resume,
    /// Soft-reset the board now
    SoftReset,
    /// Reset the board, as its reset button does
    Reset(machine_reset::Args),
    /// Make the board enter its boot loader
    Bootloader,
    /// Evaluate an expression on the board and print it
    Eval(eval::Args),
    /// Execute code on the board
    Exec(exec::Args),
    /// Run a local script on the board
    Run(run::Args),
    /// Run a program on this computer with MicroPython
    Micropython(micropython::Args),
    /// Run unit tests on virtual boards, or on a board
    Test(test::Args),
    /// Let the board use a folder of this computer, as `/remote`
    Mount(mount::Args),
    /// Unmount the folder
    Umount,
    /// Talk to the board's prompt
    Repl(repl::Args),
    /// Wait before the next command
    Sleep(sleep::Args),
    /// Work with the files of the board
    Fs(fs::Args),
    /// Change files of the board with an editor of this computer
    Edit(edit::Args),
    /// Make images of the read-only file system
    Romfs(Box<romfs::Args>),
    /// Print the board's clock, or set it
    Rtc(rtc::Args),
    /// Copy the changes of a folder to the board, or from the board
    Sync(Box<sync::Args>),
    /// Install packages on the board, list, update and remove them
    Mip(mip::Args),
    /// The packages of a project
    #[command(flatten)]
    Project(project::Command),
    /// Print used and free space of the board's file systems
    Df,
    /// Print what kind of board this is
    Info,
    /// Measure how long a call to the board takes
    Latency(latency::Args),
    /// Find out which USB board is which, and how to name it
    Select,
    /// Make the files of a new project
    New(new::Args),
    /// Build a folder of sources into files that can be shipped
    Build(Box<build::Args>),
    /// Check the files of a build against its manifest
    Verify(verify::Args),
    /// Copy the files of a build to a board, or to its drive
    Deploy(deploy::Args),
    /// Make keys to sign builds with
    Keygen(keygen::Args),
    /// Compile Python sources to `.mpy` files
    Compile(Box<compile::Args>),
    /// Remove comments, docstrings and spaces from a Python source
    Minify(minify::Args),
    /// Freeze what a `manifest.py` lists, and print what it needs
    Freeze(Box<freeze::Args>),
    /// Print what a `manifest.py` lists
    Manifest(Box<manifest::Args>),
    /// Make an index of packages, from which `mip` installs
    Index(Box<index::Args>),
    /// Show what is in `.mpy` files, or join them
    Inspect(inspect::Args),
    /// List the serial ports and the boards at them
    Devs,
    /// Find out why boards cannot be reached
    Doctor,
    /// Print the script that makes a shell complete command lines
    Completions(completions::Args),
    /// Print the udev rules that give a person access to boards (Linux)
    Udev(udev::Args),
    /// Serve a virtual board to other programs
    Virtual(virtual_serve::Args),
    /// Look for a newer release of this program
    #[command(name = "self")]
    SelfCheck(self_check::Args),
    /// Print the version and exit
    Version,
    /// Print the list of commands, or the help of one, and exit
    Help(help::Args),
}

impl Command {
    /// Returns whether this connects to a board that the next command is to examine.
    pub(crate) fn precedes_doctor(&self, next: Option<&Command>) -> bool {
        matches!((self, next), (Command::Connect(_), Some(Command::Doctor)))
    }

    /// Runs the command.
    pub(crate) fn run(&self, ctx: &mut Context) -> Result<(), CommandError> {
        match self {
            Command::Connect(args) => connect::run(args, ctx),
            Command::Disconnect => {
                ctx.session.disconnect();
                Ok(())
            }
            Command::Resume => {
                ctx.session.resume();
                Ok(())
            }
            Command::SoftReset => Ok(ctx.session.soft_reset()?),
            Command::Reset(args) => machine_reset::reset(args, ctx),
            Command::Bootloader => machine_reset::bootloader(ctx),
            Command::Eval(args) => eval::run(args, ctx),
            Command::Exec(args) => exec::run(args, ctx),
            Command::Run(args) => run::run(args, ctx),
            Command::Micropython(args) => micropython::run(args, ctx),
            Command::Test(args) => test::run(args, ctx),
            Command::Mount(args) => mount::run(args, ctx),
            Command::Umount => mount::umount(ctx),
            Command::Repl(args) => repl::run(args, ctx),
            Command::Sleep(args) => sleep::run(args, ctx),
            Command::Fs(args) => fs::run(args, ctx),
            Command::Edit(args) => edit::run(args, ctx),
            Command::Romfs(args) => romfs::run(args, ctx),
            Command::Rtc(args) => rtc::run(args, ctx),
            Command::Sync(args) => sync::run(args, ctx),
            Command::Mip(args) => mip::run(args, ctx),
            Command::Project(command) => command.run(ctx),
            Command::Df => df::run(ctx),
            Command::Info => info::run(ctx),
            Command::Latency(args) => latency::run(args, ctx),
            Command::Select => select::run(ctx),
            Command::New(args) => new::run(args, ctx),
            Command::Build(args) => build::run(args, ctx),
            Command::Verify(args) => verify::run(args, ctx),
            Command::Deploy(args) => deploy::run(args, ctx),
            Command::Keygen(args) => keygen::run(args, ctx),
            Command::Compile(args) => compile::run(args, ctx),
            Command::Minify(args) => minify::run(args, ctx),
            Command::Freeze(args) => freeze::run(args, ctx),
            Command::Manifest(args) => manifest::run(args, ctx),
            Command::Index(args) => index::run(args, ctx),
            Command::Inspect(args) => inspect::run(args, ctx),
            Command::Devs => devs::run(ctx),
            Command::Doctor => doctor::run(ctx),
            Command::Completions(args) => completions::run(args, ctx),
            Command::Udev(args) => udev::run(args, ctx),
            Command::Virtual(args) => virtual_serve::run(args, ctx),
            Command::SelfCheck(args) => self_check::run(args, ctx),
            Command::Version => version::run(ctx),
            Command::Help(args) => help::run(args, ctx),
        }
    }

    /// Checks that the command takes the given options, where several commands share them.
    ///
    /// # Errors
    ///
    /// [`UsageError::Wrong`] for an option that the command does not take.
    pub(crate) fn check(&self) -> Result<(), UsageError> {
        match self {
            Command::Fs(args) => args.check(),
            _ => Ok(()),
        }
    }

    /// Adds the arguments of a program to the command that runs it.
    pub(crate) fn with_arguments(mut self, arguments: Option<Vec<String>>) -> Command {
        match &mut self {
            Command::Exec(args) => args.watch.arguments = arguments,
            Command::Run(args) => args.watch.arguments = arguments,
            Command::Micropython(args) => args.arguments = arguments.unwrap_or_default(),
            _ => {}
        }
        self
    }

    /// Returns whether the command does something by itself: a chain without such a command ends in the REPL.
    pub(crate) fn is_action(&self) -> bool {
        match self {
            Command::Connect(args) => args.is_list(),
            Command::Disconnect
            | Command::Resume
            | Command::Mount(_)
            | Command::Umount
            | Command::Sleep(_) => false,
            Command::SoftReset
            | Command::Reset(_)
            | Command::Bootloader
            | Command::Eval(_)
            | Command::Exec(_)
            | Command::Run(_)
            | Command::Micropython(_)
            | Command::Test(_)
            | Command::Repl(_)
            | Command::Fs(_)
            | Command::Edit(_)
            | Command::Romfs(_)
            | Command::Rtc(_)
            | Command::Sync(_)
            | Command::Mip(_)
            | Command::Project(_)
            | Command::Df
            | Command::Info
            | Command::Latency(_)
            | Command::Select
            | Command::New(_)
            | Command::Build(_)
            | Command::Verify(_)
            | Command::Deploy(_)
            | Command::Keygen(_)
            | Command::Compile(_)
            | Command::Minify(_)
            | Command::Freeze(_)
            | Command::Manifest(_)
            | Command::Index(_)
            | Command::Inspect(_)
            | Command::Devs
            | Command::Doctor
            | Command::Completions(_)
            | Command::Udev(_)
            | Command::Virtual(_)
            | Command::SelfCheck(_)
            | Command::Version
            | Command::Help(_) => true,
        }
    }
}

/// Returns the definition of all commands for `clap`, with `argparse`'s liberties: long options may be shortened, and
/// an option may be given twice.
pub(crate) fn command_line(compatibility: &Compatibility) -> clap::Command {
    let line = Line::command()
        .name(compatibility.program)
        .mut_subcommands(|command| command.infer_long_args(true).args_override_self(true));
    match compatibility.wording {
        Wording::Piton => line.mut_subcommands(examples::with_examples),
        Wording::Mpremote => line.mut_subcommand("fs", fs::as_mpremote),
    }
}

/// Returns the help of a sub-command of `fs`, if it is one.
pub(crate) fn file_command_help(
    name: &str,
    compatibility: &Compatibility,
) -> Option<clap::Command> {
    let line = command_line(compatibility);
    fs::help::command(line.find_subcommand("fs")?, name, compatibility.program)
}

/// Returns the error for an unknown word in the place of a command. `before` holds the words before it, the last
/// command of which is `last`, and `after` those that follow.
pub(crate) fn not_a_command(
    word: &str,
    before: &[String],
    after: &[String],
    last: Option<&str>,
    compatibility: &Compatibility,
) -> UsageError {
    let line = command_line(compatibility);
    let names = line.get_subcommands().map(clap::Command::get_name);
    let shortcuts = SHORTCUTS.iter().map(|shortcut| shortcut.name);
    let near = nearest(word, names.chain(shortcuts));
    if last == Some("install") && compatibility.wording == Wording::Piton {
        return UsageError::NotACommand {
            word: word.to_owned(),
            hints: package_hints(word, compatibility.program),
        };
    }
    let last = last.and_then(|name| line.find_subcommand(name));
    if compatibility.global_options && word.starts_with('-') {
        return wrong::not_an_option(word, last, before);
    }
    UsageError::NotACommand {
        word: word.to_owned(),
        hints: not_a_command_hints(word, near.as_deref(), (before, after), compatibility),
    }
}

/// Returns the hints for a word after `install`: the name of a package, for people who know pip and mip.
fn package_hints(word: &str, program: &str) -> Vec<String> {
    let word = quoted(word);
    vec![
        format!(
            "`{program} add {word}` adds a package to the project, and `{program} install` takes no names"
        ),
        format!("`{program} mip install {word}` installs a package on the board without a project"),
    ]
}

fn not_a_command_hints(
    word: &str,
    near: Option<&str>,
    (before, after): (&[String], &[String]),
    compatibility: &Compatibility,
) -> Vec<String> {
    let name = compatibility.program;
    if word.starts_with('-') {
        return vec!["options come before the other arguments of their command".to_owned()];
    }
    if std::path::Path::new(word).is_file() {
        return vec![format!(
            "`{name} run {}` runs a local script on the board",
            match compatibility.wording {
                Wording::Piton => quoted(word),
                Wording::Mpremote => word.to_owned(),
            }
        )];
    }
    let list = format!("`{name} help` lists the commands");
    let exact = match compatibility.wording {
        Wording::Piton => words::exact(word, before, after),
        Wording::Mpremote => Vec::new(),
    };
    let mut hints = match (exact.is_empty(), near) {
        (false, _) => exact,
        (true, Some(command)) => vec![did_you_mean(command)],
        (true, None) if compatibility.wording == Wording::Piton => words::near(word, before, after),
        (true, None) => Vec::new(),
    };
    hints.push(list);
    hints
}
