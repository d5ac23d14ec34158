//! mpremote's command chains: several commands on one line, each with its own arguments.
//!
//! `piton connect /dev/ttyACM0 cp main.py : + exec "import main"` is three commands. A command takes the
//! arguments it knows and leaves the rest to the next one ([`ArgumentShape`]); commands that take many arguments end at
//! a `+`.

use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::shape::ArgumentShape;
use super::split::{self, Split};
use super::subcommands::sub_commands;
use super::wrong::{self, Given};
use super::{GlobalOptions, argparse, shortcuts};
use crate::commands::{Command, Line, command_line, file_command_help, not_a_command};
use crate::compatibility::{Compatibility, Wording};
use crate::config::Config;
use crate::usage::UsageError;

/// A whole command line, parsed before the first command runs.
#[derive(Debug)]
pub(crate) struct Chain {
    /// The options that hold for all commands.
    pub(crate) options: GlobalOptions,
    /// The commands, in order.
    pub(crate) commands: Vec<Command>,
    /// How the line ends. mpremote reports an error here only after the commands before it have run.
    pub(crate) end: End,
}

/// How a chain ends.
#[derive(Debug)]
pub(crate) enum End {
    /// Every word belongs to a command.
    Complete,
    /// The help of a command was requested: the text.
    Help(clap::Error),
    /// The same under mpremote's name, for a command of mpremote.
    MpremoteHelp(String),
    /// The rest is not a valid command.
    Invalid(UsageError),
}

/// Parses `words`, the command line without the program's name, with the shortcuts in `config`.
pub(crate) fn parse(words: &[String], compatibility: &Compatibility, config: &Config) -> Chain {
    let mut parser = Parser {
        compatibility,
        config,
        line: command_line(compatibility),
        chain: Chain {
            options: GlobalOptions::default(),
            commands: Vec::new(),
            end: End::Complete,
        },
        last: None,
    };
    if let Err(end) = parser.parse(words) {
        parser.chain.end = end;
    }
    parser.chain
}

/// A command line that is being parsed.
struct Parser<'p> {
    compatibility: &'p Compatibility,
    config: &'p Config,
    /// All commands, as definitions of `clap`.
    line: clap::Command,
    /// The commands that are parsed so far.
    chain: Chain,
    /// The name of the last parsed command.
    last: Option<String>,
}

impl Parser<'_> {
    fn parse(&mut self, all: &[String]) -> Result<(), End> {
        let mut words = all.to_vec();
        while let Some(next) = words.first() {
            if next == "+" {
                words.remove(0);
                continue;
            }
            // A shortcut inserts its words at the front, so the remaining words of the typed line are at
            // the end.
            let before = all.get(..all.len().saturating_sub(words.len()));
            words = self.parse_next(words, before.unwrap_or_default())?;
            if matches!(
                self.chain.commands.last(),
                Some(Command::Help(_) | Command::Version)
            ) {
                // `help` and `version` end the program: what follows is not parsed.
                break;
            }
        }
        Ok(())
    }

    /// Parses one command (or one global option) at the front of `words`, and returns the remaining words. `before`
    /// holds the words of the line before it.
    fn parse_next(
        &mut self,
        mut words: Vec<String>,
        before: &[String],
    ) -> Result<Vec<String>, End> {
        let last = self.last.take();
        let with_globals = self.compatibility.global_options;
        if with_globals {
            shortcuts::expand_letters(&mut words);
        }
        shortcuts::expand(&mut words, self.compatibility, self.config).map_err(End::Invalid)?;
        let mut words = words.into_iter();
        let Some(mut name) = words.next() else {
            // The shortcut has no words.
            return Ok(Vec::new());
        };
        if with_globals && let Some(option) = split::global_option(&name) {
            let value = option.value.and_then(|_| words.next());
            self.set_global(option.name, value)?;
            return Ok(words.collect());
        }
        let mut own = words.collect::<Vec<String>>();
        let runs_interpreter = own.first().is_some_and(|word| word == "micropython");
        if with_globals && name == "run" && runs_interpreter {
            // Belay's `run` starts programs of this computer, too.
            name = own.remove(0);
        }
        if self.line.find_subcommand(&name).is_none() {
            let last = last.as_deref();
            let error = not_a_command(&name, before, &own, last, self.compatibility);
            return Err(End::Invalid(error));
        }
        let rest = self.parse_command(&name, own, before)?;
        self.last = Some(name);
        Ok(rest)
    }

    /// Parses the command `name` with the words `own` after it, and returns the words that are not its arguments.
    fn parse_command(
        &mut self,
        name: &str,
        mut own: Vec<String>,
        before: &[String],
    ) -> Result<Vec<String>, End> {
        let Some(command) = self.line.find_subcommand(name) else {
            return Ok(own);
        };
        let shape = ArgumentShape::of(name, own.first().map(String::as_str), self.compatibility);
        let mut arguments = (shape == ArgumentShape::Interpreter)
            .then(|| split::interpreter_arguments(command, &mut own));
        let after_plus = match own.iter().position(|word| word == "+") {
            Some(plus) => own.split_off(plus),
            None => Vec::new(),
        };
        match shape {
            ArgumentShape::Program => arguments = split::program_arguments(command, &mut own),
            ArgumentShape::FileCommand if lists_current_folder(&own) => own.push(String::new()),
            _ => {}
        }
        let with_globals = self.compatibility.global_options;
        let Split {
            options,
            positionals,
            globals,
            mut rest,
        } = match shape {
            ArgumentShape::Macro => Split {
                rest: own.clone(),
                ..Split::default()
            },
            ArgumentShape::UpToPlus => split::take_all(&own, with_globals),
            ArgumentShape::Counted
            | ArgumentShape::FileCommand
            | ArgumentShape::Program
            | ArgumentShape::Interpreter => split::split(command, &own, with_globals),
        };
        for (option, value) in globals {
            self.set_global(&option, value)?;
        }
        let given = Given {
            name,
            before,
            own: &own,
            positionals: &positionals,
        };
        let command = self.match_arguments(&given, shape, options)?;
        self.chain.commands.push(command.with_arguments(arguments));
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
        self.chain.options.set(option, &value).map_err(|expected| {
            End::Invalid(UsageError::BadValue {
                option: option.to_owned(),
                value,
                expected,
            })
        })?;
        Ok(())
    }

    /// Lets `clap` parse the command `given` with `options`.
    fn match_arguments(
        &mut self,
        given: &Given<'_>,
        shape: ArgumentShape,
        options: Vec<String>,
    ) -> Result<Command, End> {
        let (compatibility, name) = (self.compatibility, given.name);
        if compatibility.wording == Wording::Piton {
            ask_for_help_of_files(given, &options)?;
            check_sub_command(given)?;
        }
        let is_sorted = shape != ArgumentShape::UpToPlus;
        let parts = [compatibility.program.to_owned(), name.to_owned()]
            .into_iter()
            .chain(options)
            // The positional arguments are known already: `clap` must not look for options among them again.
            .chain(is_sorted.then(|| "--".to_owned()))
            .chain(given.positionals.iter().cloned());
        let parsed = self
            .line
            .try_get_matches_from_mut(parts)
            .and_then(|matches| Line::from_arg_matches(&matches));
        match parsed {
            Ok(line) if compatibility.wording == Wording::Piton => match line.command.check() {
                Ok(()) => Ok(line.command),
                Err(error) => Err(End::Invalid(error)),
            },
            Ok(line) => Ok(line.command),
            Err(error) if error.kind() == ErrorKind::DisplayHelp => {
                let file_command = given.positionals.first();
                let file_command = file_command.filter(|_| shape == ArgumentShape::FileCommand);
                let help = file_command.and_then(|name| ask_for_help(name, compatibility));
                Err(asked_for_help(name, help.unwrap_or(error), compatibility))
            }
            Err(error) => Err(self.wrong_arguments(given, shape, error)),
        }
    }

    /// Returns the error for arguments that do not fit a command.
    fn wrong_arguments(
        &self,
        given: &Given<'_>,
        shape: ArgumentShape,
        mut error: clap::Error,
    ) -> End {
        let Some(command) = self.line.find_subcommand(given.name) else {
            return End::Invalid(UsageError::Arguments(error));
        };
        if self.compatibility.wording == Wording::Piton {
            return End::Invalid(wrong::arguments(command, given, &error));
        }
        if shape == ArgumentShape::UpToPlus {
            add_plus_hint(&mut error, given.name);
        }
        let text = argparse::message(command, given.positionals.len(), &error);
        End::Invalid(match text {
            Some(text) => UsageError::Argparse { text },
            None => UsageError::Arguments(error),
        })
    }
}

/// Adds a hint about `+` to an error of one argument too many, for a command that takes all words: under mpremote's
/// name.
fn add_plus_hint(error: &mut clap::Error, name: &str) {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return;
    };
    if error.kind() == ErrorKind::UnknownArgument && !word.starts_with('-') {
        let tip = format!("the arguments of `{name}` go up to a `+`; the next command follows it");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
}

/// Returns whether these arguments of `fs` are `ls` or `tree` without a path, by mpremote's rule: the sub-command comes
/// first, and nothing but options follows.
fn lists_current_folder(own: &[String]) -> bool {
    matches!(own.first().map(String::as_str), Some("ls" | "tree"))
        && own.iter().filter(|word| !word.starts_with('-')).count() == 1
}

/// Refuses an unknown sub-command of a command that has sub-commands.
fn check_sub_command(given: &Given<'_>) -> Result<(), End> {
    let (Some(word), Some(known)) = (given.positionals.first(), sub_commands(given.name)) else {
        return Ok(());
    };
    match known.has(word) {
        true => Ok(()),
        false => Err(End::Invalid(wrong::sub_command(given, known, word))),
    }
}

/// Returns the help of a file command at `-h`, except where sizes are shown: there `-h` keeps mpremote's meaning, sizes
/// for people.
fn ask_for_help_of_files(given: &Given<'_>, options: &[String]) -> Result<(), End> {
    let topic = given.positionals.first().map_or("fs", String::as_str);
    let asks = match topic {
        "tree" => false,
        "ls" => options == ["-h"],
        _ => options.iter().any(|option| option == "-h"),
    };
    if given.name != "fs" || !asks {
        return Ok(());
    }
    let help = ask_for_help(topic, Compatibility::PITON).or_else(|| {
        let words = ["piton", "fs", "--help"];
        command_line(Compatibility::PITON)
            .try_get_matches_from(words)
            .err()
    });
    help.map_or(Ok(()), |help| Err(End::Help(help)))
}

/// Returns the end of a line that requests the help of the command `name`, which `clap` writes as `help`.
fn asked_for_help(name: &str, help: clap::Error, compatibility: &Compatibility) -> End {
    let of_mpremote = match compatibility.wording {
        Wording::Piton => None,
        Wording::Mpremote => argparse::help(name),
    };
    of_mpremote.map_or(End::Help(help), End::MpremoteHelp)
}

/// Returns the help of a file command in the form of `clap`.
fn ask_for_help(name: &str, compatibility: &Compatibility) -> Option<clap::Error> {
    let command = file_command_help(name, compatibility)?;
    command.try_get_matches_from(["fs", "--help"]).err()
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
