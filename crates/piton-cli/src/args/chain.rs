//! mpremote's command chains: several commands on one line, each taking what is its own.
//!
//! `piton connect /dev/ttyACM0 cp main.py : + exec "import main"` is three commands. A command takes the
//! arguments it knows and leaves the rest to the next one; commands that take many arguments end at a `+`.

use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::split::{self, Split};
use super::subcommands::sub_commands;
use super::wrong::{self, Given};
use super::{Face, GlobalOptions, argparse, shortcuts};
use crate::commands::{Command, Line, command_line, file_command_help, not_a_command};
use crate::config::Config;
use crate::usage::UsageError;

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
    /// The same under mpremote's name, for a command that mpremote has.
    MpremoteHelp(String),
    /// The rest makes no sense.
    Invalid(UsageError),
}

/// Understand `words`, the command line without the program's name, with what is set up in `config`.
pub(crate) fn parse(words: &[String], face: Face, config: &Config) -> Chain {
    let mut chain = Chain {
        options: GlobalOptions::default(),
        commands: Vec::new(),
        end: End::Complete,
    };
    let all = words;
    let mut words = words.to_vec();
    let mut last = None;
    while let Some(next) = words.first() {
        if next == "+" {
            words.remove(0);
            continue;
        }
        // What shortcuts put there comes first, so the words still to come end the line as it was typed.
        let before = all.get(..all.len().saturating_sub(words.len()));
        let place = Place {
            before: before.unwrap_or_default(),
            last: last.take(),
        };
        match chain.parse_next(words, &place, &mut last, face, config) {
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

/// Where in the line a command stands.
struct Place<'p> {
    /// The words before it.
    before: &'p [String],
    /// The command right before it.
    last: Option<String>,
}

impl Chain {
    /// Take one command (or one global option) off the front of `words`, and give back what is left; `taken` becomes
    /// the command's name.
    fn parse_next(
        &mut self,
        mut words: Vec<String>,
        place: &Place<'_>,
        taken: &mut Option<String>,
        face: Face,
        config: &Config,
    ) -> Result<Vec<String>, End> {
        let with_globals = face == Face::Piton;
        if with_globals {
            shortcuts::expand_letters(&mut words);
        }
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
        let mut own = words.collect::<Vec<String>>();
        let Some(command) = line.find_subcommand(&name) else {
            let last = place.last.as_deref();
            let error = not_a_command(&name, place.before, &own, last, face);
            return Err(End::Invalid(error));
        };
        *taken = Some(name.clone());
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
        } = take_arguments(command, &own, face);
        for (option, value) in globals {
            self.set_global(&option, value)?;
        }
        let given = Given {
            name: &name,
            before: place.before,
            own: &own,
            positionals: &positionals,
        };
        let command = understand(&mut line, &given, options, face)?;
        self.commands.push(command.with_arguments(arguments));
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

/// The arguments of a command, sorted out; `own` are the words behind it, up to a `+`.
fn take_arguments(command: &clap::Command, own: &[String], face: Face) -> Split {
    let with_globals = face == Face::Piton;
    let name = command.get_name();
    if face == Face::Mpremote && MACROS.contains(&name) {
        return Split {
            rest: own.to_vec(),
            ..Split::default()
        };
    }
    match TAKE_ALL.contains(&name) {
        true => split::take_all(own, with_globals),
        false => split::split(command, own, with_globals),
    }
}

/// The command that `given` is, with `options`.
fn understand(
    line: &mut clap::Command,
    given: &Given<'_>,
    options: Vec<String>,
    face: Face,
) -> Result<Command, End> {
    let name = given.name;
    if face == Face::Piton {
        ask_for_help_of_files(given, &options)?;
        check_sub_command(given)?;
    }
    let parts = [face.name().to_owned(), name.to_owned()]
        .into_iter()
        .chain(options)
        // What is positional is settled: `clap` must not look for options there again.
        .chain((!TAKE_ALL.contains(&name)).then(|| "--".to_owned()))
        .chain(given.positionals.iter().cloned());
    let parsed = line
        .try_get_matches_from_mut(parts)
        .and_then(|matches| Line::from_arg_matches(&matches));
    match parsed {
        Ok(line) if face == Face::Piton => match line.command.check() {
            Ok(()) => Ok(line.command),
            Err(error) => Err(End::Invalid(error)),
        },
        Ok(line) => Ok(line.command),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            let file_command = given.positionals.first().filter(|_| name == "fs");
            let help = file_command.and_then(|name| ask_for_help(name, face));
            Err(asked_for_help(name, help.unwrap_or(error), face))
        }
        Err(error) => Err(wrong_arguments(line, given, error, face)),
    }
}

/// Say what ends the arguments of a command that takes all, where there is one too many: for mpremote's name.
fn tell_of_plus(error: &mut clap::Error, name: &str) {
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

/// The error for arguments that do not fit a command.
fn wrong_arguments(
    line: &clap::Command,
    given: &Given<'_>,
    mut error: clap::Error,
    face: Face,
) -> End {
    let Some(command) = line.find_subcommand(given.name) else {
        return End::Invalid(UsageError::Arguments(error));
    };
    if face == Face::Piton {
        return End::Invalid(wrong::arguments(command, given, &error));
    }
    if TAKE_ALL.contains(&given.name) {
        tell_of_plus(&mut error, given.name);
    }
    let said = argparse::message(command, given.positionals.len(), &error);
    End::Invalid(match said {
        Some(text) => UsageError::Argparse { text },
        None => UsageError::Arguments(error),
    })
}

/// Whether a command that has commands of its own was given one that it has not.
fn check_sub_command(given: &Given<'_>) -> Result<(), End> {
    let (Some(word), Some(known)) = (given.positionals.first(), sub_commands(given.name)) else {
        return Ok(());
    };
    match known.has(word) {
        true => Ok(()),
        false => Err(End::Invalid(wrong::sub_command(given, known, word))),
    }
}

/// `-h` asks a file command for help, too. To mpremote it means sizes for people: so it stays where sizes are shown.
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
    let help = ask_for_help(topic, Face::Piton).or_else(|| {
        let words = ["piton", "fs", "--help"];
        command_line(Face::Piton).try_get_matches_from(words).err()
    });
    help.map_or(Ok(()), |help| Err(End::Help(help)))
}

/// The end of a line that asks the command `name` for its help, of which `clap` has this one.
fn asked_for_help(name: &str, help: clap::Error, face: Face) -> End {
    let of_mpremote = match face {
        Face::Piton => None,
        Face::Mpremote => argparse::help(name),
    };
    of_mpremote.map_or(End::Help(help), End::MpremoteHelp)
}

/// The same as `clap` gives help.
fn ask_for_help(name: &str, face: Face) -> Option<clap::Error> {
    let command = file_command_help(name, face)?;
    command.try_get_matches_from(["fs", "--help"]).err()
}

#[cfg(test)]
#[path = "chain/tests.rs"]
mod tests;
