//! mpremote's command chains: several commands on one line, each taking what is its own.
//!
//! `piton connect /dev/ttyACM0 cp main.py : + exec "import main"` is three commands. A command takes the
//! arguments it knows and leaves the rest to the next one; commands that take many arguments end at a `+`.

use clap::{CommandFactory, FromArgMatches};

use super::split::{self, Split};
use super::{Face, GlobalOptions, shortcuts};
use crate::commands::{Command, Line, fs};
use crate::config::{Config, Remark};

/// A whole command line, understood before the first command runs.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The options that hold for all commands.
    pub(crate) options: GlobalOptions,
    /// The commands, in order.
    pub(crate) commands: Vec<Command>,
    /// What stands where the next command should: mpremote finds out only after running what is before.
    pub(crate) end: End,
}

/// How a chain ends.
#[derive(Debug)]
pub(crate) enum End {
    /// All words are used up.
    Complete,
    /// Somebody asked a command for help: the text.
    Help(clap::Error),
    /// The rest makes no sense.
    Invalid(UsageError),
}

/// What is wrong with a command line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    /// No command has this name.
    #[error("'{word}' is not a command")]
    NotACommand {
        /// The word that stands where a command should.
        word: String,
    },
    /// `fs` has no sub-command of this name.
    #[error("fs: '{word}' is not a command; pass fs --help for a list")]
    NotAFileCommand {
        /// The word.
        word: String,
    },
    /// `mip` has no sub-command of this name.
    #[error("mip: '{word}' is not a command")]
    NotAMipCommand {
        /// The word.
        word: String,
    },
    /// `romfs` has no sub-command of this name.
    #[error("romfs: '{word}' is not a command; pass romfs --help for a list")]
    NotARomfsCommand {
        /// The word.
        word: String,
    },
    /// A person's shortcut was given what it does not take, or not what it needs.
    #[error("Command {name} {problem}; signature is:\n    {signature}")]
    ShortcutArguments {
        /// The shortcut.
        name: String,
        /// What is missing or too many, in mpremote's words.
        problem: String,
        /// What it takes.
        signature: String,
    },
    /// A person's shortcut stands, over others maybe, for itself.
    #[error("shortcut `{}` stands for itself: {}", names.first().map_or("", String::as_str), names.join(" -> "))]
    ShortcutLoop {
        /// The shortcuts, from the word on the line to the one that comes again.
        names: Vec<String>,
    },
    /// A person's shortcut could not be read.
    #[error("shortcut `{name}` is not known: {remark}")]
    UnreadShortcut {
        /// The shortcut.
        name: String,
        /// Where it stands, and why it was not read.
        remark: Remark,
    },
    /// A global option lacks its value.
    #[error("`{option}` needs a value")]
    NoValue {
        /// The option's name.
        option: String,
    },
    /// The value of a global option is none that it takes.
    #[error("`{option} {value}`: expected {expected}")]
    BadValue {
        /// The option's name.
        option: String,
        /// The value as given.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The two folders of `sync` are on one side.
    #[error("sync: {0}")]
    Sync(&'static str),
    /// The arguments of one command do not fit it.
    #[error("{0}")]
    Arguments(clap::Error),
}

/// Understand `words`, the command line without the program's name, with what is set up in `config`.
pub(crate) fn parse(words: &[String], face: Face, config: &Config) -> Chain {
    let mut chain = Chain {
        options: GlobalOptions::default(),
        commands: Vec::new(),
        end: End::Complete,
    };
    let mut words = words.to_vec();
    while let Some(next) = words.first() {
        if next == "+" {
            words.remove(0);
            continue;
        }
        match chain.parse_next(words, face, config) {
            Ok(rest) => words = rest,
            Err(end) => {
                chain.end = end;
                break;
            }
        }
        if matches!(
            chain.commands.last(),
            Some(Command::Help(_) | Command::Version)
        ) {
            // These two end the program, whatever follows.
            break;
        }
    }
    chain
}

impl Chain {
    /// Take one command (or one global option) off the front of `words`, and give back what is left.
    fn parse_next(
        &mut self,
        mut words: Vec<String>,
        face: Face,
        config: &Config,
    ) -> Result<Vec<String>, End> {
        let with_globals = face == Face::Piton;
        shortcuts::expand(&mut words, face, config).map_err(End::Invalid)?;
        let mut words = words.into_iter();
        let Some(name) = words.next() else {
            // The shortcut stands for nothing.
            return Ok(Vec::new());
        };
        if with_globals && let Some(option) = split::global_option(&name) {
            let value = option.value.and_then(|_| words.next());
            self.set_global(option.name, value)?;
            return Ok(words.collect());
        }

        let mut line = command_line(face);
        let Some(command) = line.find_subcommand(&name) else {
            return Err(End::Invalid(UsageError::NotACommand { word: name }));
        };
        let mut own = words.collect::<Vec<String>>();
        let after_plus = match own.iter().position(|word| word == "+") {
            Some(plus) => own.split_off(plus),
            None => Vec::new(),
        };
        let arguments = match name.as_str() {
            "exec" | "run" if face == Face::Piton => split::program_arguments(command, &mut own),
            _ => None,
        };
        if name == "fs" && lists_current_folder(&own) {
            own.push(String::new());
        }
        let Split {
            options,
            positionals,
            globals,
            mut rest,
        } = if face == Face::Mpremote && MACROS.contains(&name.as_str()) {
            Split {
                rest: own,
                ..Split::default()
            }
        } else if TAKE_ALL.contains(&name.as_str()) {
            split::take_all(&own, with_globals)
        } else {
            split::split(command, &own, with_globals)
        };
        for (option, value) in globals {
            self.set_global(&option, value)?;
        }
        let takes_all = TAKE_ALL.contains(&name.as_str());
        let file_command = (name == "fs")
            .then(|| positionals.first().cloned())
            .flatten();
        let parts = [face.name().to_owned(), name]
            .into_iter()
            .chain(options)
            // What is positional is settled: `clap` must not look for options there again.
            .chain((!takes_all).then(|| "--".to_owned()))
            .chain(positionals);
        let parsed = line
            .try_get_matches_from_mut(parts)
            .and_then(|matches| Line::from_arg_matches(&matches));
        match parsed {
            Ok(line) => self.commands.push(line.command.with_arguments(arguments)),
            Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
                let help = file_command.and_then(|name| ask_for_help(&name, face));
                return Err(End::Help(help.unwrap_or(error)));
            }
            Err(error) => return Err(End::Invalid(UsageError::Arguments(error))),
        }
        rest.extend(after_plus);
        Ok(rest)
    }

    fn set_global(&mut self, option: &str, value: Option<String>) -> Result<(), End> {
        let takes_value = split::global_option(option).is_some_and(|option| option.value.is_some());
        let value = match value {
            None if takes_value => {
                return Err(End::Invalid(UsageError::NoValue {
                    option: option.to_owned(),
                }));
            }
            value => value.unwrap_or_default(),
        };
        self.options.set(option, &value).map_err(|expected| {
            End::Invalid(UsageError::BadValue {
                option: option.to_owned(),
                value,
                expected,
            })
        })?;
        Ok(())
    }
}

/// Commands that mpremote has as macros: complete in themselves, what follows is the next command.
const MACROS: &[&str] = &["df", "reset", "bootloader"];

/// Commands that mpremote does not have and that work with files: options may stand anywhere among their arguments,
/// which go on up to a `+`.
const TAKE_ALL: &[&str] = &[
    "build", "compile", "deploy", "inspect", "keygen", "minify", "sync", "verify",
];

/// Whether these arguments of `fs` are `ls` or `tree` without a path, by mpremote's rule: the sub-command comes
/// first, and nothing but options follows.
fn lists_current_folder(own: &[String]) -> bool {
    matches!(own.first().map(String::as_str), Some("ls" | "tree"))
        && own.iter().filter(|word| !word.starts_with('-')).count() == 1
}

/// What a command may be called: the commands and the shortcuts.
pub(crate) fn command_names(face: Face) -> Vec<String> {
    let line = command_line(face);
    let shortcuts = shortcuts::SHORTCUTS
        .iter()
        .map(|shortcut| shortcut.name.to_owned());
    line.get_subcommands()
        .map(|command| command.get_name().to_owned())
        .chain(shortcuts)
        .collect()
}

/// The help of a sub-command of `fs`, if it is one.
pub(crate) fn file_command_help(name: &str, face: Face) -> Option<clap::Command> {
    let line = command_line(face);
    fs::help::command(line.find_subcommand("fs")?, name, face.name())
}

/// The same as `clap` gives help.
fn ask_for_help(name: &str, face: Face) -> Option<clap::Error> {
    let command = file_command_help(name, face)?;
    command.try_get_matches_from(["fs", "--help"]).err()
}

/// All commands as `clap` sees them, with `argparse`'s liberties: long options may be shortened, and an option
/// given twice counts once.
pub(crate) fn command_line(face: Face) -> clap::Command {
    Line::command()
        .name(face.name())
        .mut_subcommands(|command| command.infer_long_args(true).args_override_self(true))
}

#[cfg(test)]
#[path = "chain/tests.rs"]
mod tests;
