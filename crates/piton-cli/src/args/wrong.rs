//! Messages for wrong usage, in our own words. `clap` finds most of what is wrong, but its advice does not know chains
//! of commands, so the messages and hints are made here.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use piton::building::BuildTarget;
use piton::mpy::header::Arch;

use super::GLOBAL_OPTIONS;
use super::split::takes_option;
use super::subcommands::{SubCommands, sub_commands};
use crate::commands::examples::example;
use crate::commands::{command_line, file_command_help};
use crate::compatibility::Compatibility;
use crate::suggest::words::{line, sub_word};
use crate::suggest::{alternatives, did_you_mean, nearest, nearest_value, quoted};
use crate::usage::UsageError;

/// The wrong command, as it was typed.
pub(super) struct Given<'g> {
    /// Its name.
    pub(super) name: &'g str,
    /// The words of the line before it.
    pub(super) before: &'g [String],
    /// The words after it that belong to it.
    pub(super) own: &'g [String],
    /// Its own words that are not options.
    pub(super) positionals: &'g [String],
}

impl Given<'_> {
    /// Returns its sub-command: `install` of `mip install`.
    fn sub_command(&self) -> Option<&str> {
        let word = self.positionals.first()?;
        sub_commands(self.name)?.has(word).then_some(word.as_str())
    }

    /// Returns its name in messages: `cp`, `mip install`, `run`.
    fn title(&self) -> String {
        match self.sub_command() {
            Some(word) if self.name == "fs" => word.to_owned(),
            Some(word) => format!("{} {word}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// Returns a hint with an example of the command, and the command for its help.
    fn form_hint(&self) -> String {
        let topic = match self.sub_command() {
            Some(word) if self.name == "fs" => word,
            _ => self.name,
        };
        let form = form(self.name, topic).unwrap_or_else(|| format!("piton {topic}"));
        let example = example(&self.title()).or_else(|| example(topic));
        let example = example.map_or_else(String::new, |line| format!(", for example `{line}`"));
        format!("the form is `{form}`{example}; `piton help {topic}` has more")
    }
}

/// Returns an example of a command; `topic` is a file command, or the same as `name`.
fn form(name: &str, topic: &str) -> Option<String> {
    let mut command = match name {
        "fs" if topic != "fs" => file_command_help(topic, Compatibility::PITON)?,
        _ => {
            let mut line = command_line(Compatibility::PITON);
            line.build();
            line.find_subcommand(name)?.clone()
        }
    };
    let usage = command.render_usage().to_string();
    let usage = usage.lines().next()?.strip_prefix("Usage:")?.trim();
    Some(usage.to_owned())
}

/// Returns the error for a sub-command that does not exist.
pub(super) fn sub_command(given: &Given<'_>, known: &SubCommands, word: &str) -> UsageError {
    let near = sub_word(given.name, word)
        .map(str::to_owned)
        .or_else(|| nearest(&word.to_ascii_lowercase(), known.names()));
    let mut hints = Vec::new();
    if let Some(near) = near {
        // The typed line, with the right word in it.
        let mut words = given.before.to_vec();
        words.push(given.name.to_owned());
        let mut is_replaced = false;
        words.extend(given.own.iter().map(|own| match own == word {
            true if !is_replaced => {
                is_replaced = true;
                near.clone()
            }
            _ => own.clone(),
        }));
        hints.push(did_you_mean(&line(&words)));
    } else {
        hints.push(match known.own {
            [(only, _)] => format!("its only command is `{only}`"),
            _ => format!("its commands are {}", and_list(known.names())),
        });
    }
    UsageError::Wrong {
        problem: format!("'{word}' is not a command of `{}`", given.name),
        hints,
    }
}

/// Joins names: `a`, `b` and `c`.
fn and_list(names: impl Iterator<Item = &'static str>) -> String {
    let text = alternatives(names);
    match text.rsplit_once(" or ") {
        Some((start, last)) => format!("{start} and {last}"),
        None => text,
    }
}

/// Returns the error for arguments that do not fit.
pub(super) fn arguments(
    command: &clap::Command,
    given: &Given<'_>,
    error: &clap::Error,
) -> UsageError {
    let title = given.title();
    let mut hints = Vec::new();
    let problem = match error.kind() {
        ErrorKind::MissingRequiredArgument => missing(given, error, &title),
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            let word = text_of(error, ContextKind::InvalidArg).unwrap_or_default();
            unknown(command, given, &word, &mut hints)
        }
        ErrorKind::ArgumentConflict => {
            let names = [ContextKind::InvalidArg, ContextKind::PriorArg]
                .map(|kind| text_of(error, kind).unwrap_or_default());
            let [one, other] = names.map(|name| option_name(&name).to_owned());
            match one == other || other.is_empty() {
                true => format!("`{title}`: `{one}` may stand there once only"),
                false => format!("`{title}`: `{one}` and `{other}` do not go together"),
            }
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            value(&title, given, error, &mut hints)
        }
        // No error of our commands gets here. The first line of `clap`'s message is right for any.
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            format!(
                "`{title}`: {}",
                first.strip_prefix("error: ").unwrap_or(first)
            )
        }
    };
    hints.push(given.form_hint());
    UsageError::Wrong { problem, hints }
}

/// Returns the message for missing arguments.
fn missing(given: &Given<'_>, error: &clap::Error, title: &str) -> String {
    if given.positionals.is_empty()
        && let Some(known) = sub_commands(given.name)
    {
        return format!(
            "`{title}` needs a command of its own: {}",
            alternatives(known.names())
        );
    }
    let names = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(names)) => names.clone(),
        Some(ContextValue::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    };
    // Only the file command's usage names its arguments: to `clap` they are all paths.
    let names = match given.sub_command() {
        Some(word) if given.name == "fs" => file_arguments(word).unwrap_or(names),
        _ => names.iter().map(|name| argument_name(name)).collect(),
    };
    match names.as_slice() {
        [] => format!("`{title}` needs more arguments"),
        names => format!("`{title}` needs {}", names.join(" and ")),
    }
}

/// Returns the required arguments of a file command, from its usage.
fn file_arguments(name: &str) -> Option<Vec<String>> {
    let form = form("fs", name)?;
    let words = form.split(' ').filter(|word| {
        let name = word.trim_end_matches('.');
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase())
    });
    Some(words.map(str::to_owned).collect())
}

/// Returns an argument's name for messages: `CODE` of `<CODE>`; of a group its choices, ``--pty` or `--tcp ADDRESS``.
fn argument_name(name: &str) -> String {
    let (inner, many) = match name.strip_suffix("...") {
        Some(inner) => (inner, "..."),
        None => (name, ""),
    };
    let inner = inner
        .strip_prefix('<')
        .and_then(|inner| inner.strip_suffix('>'))
        .unwrap_or(inner);
    if inner.contains("--") {
        return alternatives(inner.split('|').map(|part| part.replace(['<', '>'], "")));
    }
    format!("{inner}{many}")
}

/// Returns the message for an option, or a word, that the command does not have.
fn unknown(
    command: &clap::Command,
    given: &Given<'_>,
    word: &str,
    hints: &mut Vec<String>,
) -> String {
    let title = given.title();
    if !word.starts_with('-') {
        hints.push(format!(
            "the arguments of `{title}` go up to a `+`; the next command follows it"
        ));
        return format!("`{title}`: `{word}` is one argument too many");
    }
    let option = word.split('=').next().unwrap_or(word);
    hints.extend(option_hints(Some(command), given.sub_command(), option));
    if matches!(given.name, "run" | "exec") && given.positionals.len() == 1 {
        let program = given.positionals.first().map(|word| quoted(word));
        hints.push(format!(
            "options of the program follow a `--`: `piton {} {} -- {}`",
            given.name,
            program.unwrap_or_default(),
            quoted(word)
        ));
    }
    format!("`{title}` has no option `{option}`")
}

/// Options of Unix commands and of other tools: the command, the options, and the hint.
const OTHER_OPTIONS: &[(&str, &[&str], &str)] = &[
    (
        "cp",
        &["-a", "-R", "--archive"],
        "`-r` copies whole folders",
    ),
    ("rm", &["-R", "--dir"], "`-r` removes whole folders"),
    (
        "ls",
        &["-R", "-r", "--recursive"],
        "`piton tree` draws a folder and its contents",
    ),
    (
        "",
        &["-p", "--port", "-d", "--device"],
        "`piton connect PORT` names the board, for the commands after it",
    ),
    (
        "",
        &["-b", "--baudrate", "--baud-rate", "--speed"],
        "`--baud N` sets the bits per second",
    ),
    (
        "",
        &["-c", "--code", "--command"],
        "`piton exec CODE` runs code on the board",
    ),
    (
        "",
        &["--debug", "--trace"],
        "`-v` shows what piton decides, `-vv` every byte on the wire",
    ),
    ("", &["-q", "--silent"], "`--quiet` prints results only"),
    ("", &["-l", "--list"], "`piton devs` lists the boards"),
];

/// Returns the error for an option in the place of a command. `before` holds the words before it, which end with the
/// command `last`.
pub(crate) fn not_an_option(
    word: &str,
    last: Option<&clap::Command>,
    before: &[String],
) -> UsageError {
    let option = word.split('=').next().unwrap_or(word);
    let Some(command) = last.filter(|command| takes_option(command, option)) else {
        let mut hints = option_hints(None, None, option);
        hints.push("`piton help` lists the options".to_owned());
        return UsageError::Wrong {
            problem: format!("there is no option `{option}`"),
            hints,
        };
    };
    let mut words = before.to_vec();
    let is_name = |word: &&String| match command.get_name() {
        "fs" => sub_commands("fs").is_some_and(|known| known.has(word)),
        name => *word == name,
    };
    let index = words.iter().rposition(|word| is_name(&word));
    let name = index.and_then(|at| words.get(at)).cloned();
    let name = name.unwrap_or_else(|| command.get_name().to_owned());
    let hint = match index {
        Some(at) => {
            words.insert(at + 1, word.to_owned());
            format!("put it before them: `{}`", line(&words))
        }
        None => "put it before them".to_owned(),
    };
    UsageError::Wrong {
        problem: format!("`{option}` must come before the other arguments of `{name}`"),
        hints: vec![hint],
    }
}

/// Returns the hints for an unknown option of `command`, or of the line if there is no command.
fn option_hints(
    command: Option<&clap::Command>,
    sub_command: Option<&str>,
    option: &str,
) -> Vec<String> {
    let command_name = match command {
        None => "",
        Some(command) => sub_command.unwrap_or(command.get_name()),
    };
    let mut rows = OTHER_OPTIONS.iter();
    if let Some((_, _, hint)) =
        rows.find(|(of, names, _)| *of == command_name && names.contains(&option))
    {
        return vec![(*hint).to_owned()];
    }
    let own = command.into_iter().flat_map(clap::Command::get_arguments);
    let own = own
        .filter(|argument| !argument.is_hide_set())
        .filter_map(|argument| Some(format!("--{}", argument.get_long()?)));
    let globals = GLOBAL_OPTIONS.iter().map(|option| option.name.to_owned());
    let help = ["--help".to_owned(), "--version".to_owned()];
    let help = help.into_iter().filter(|_| command.is_none());
    let names = own.chain(globals).chain(help);
    nearest(option, names)
        .map(|name| did_you_mean(&name))
        .into_iter()
        .collect()
}

/// Returns the error for `cp` and `mv` with one path.
pub(crate) fn no_destination(file_command: &str, only: &str) -> UsageError {
    let words = [file_command.to_owned(), only.to_owned()];
    let given = Given {
        name: "fs",
        before: &[],
        own: &words,
        positionals: &words,
    };
    let mut hints = Vec::new();
    if file_command == "cp" {
        let (side, destination) = match only.starts_with(':') {
            true => ("this computer", "."),
            false => ("the board", ":"),
        };
        let line = format!("piton cp {} {destination}", quoted(only));
        hints.push(format!("`{line}` copies it to {side}"));
    }
    hints.push(given.form_hint());
    UsageError::Wrong {
        problem: format!(
            "`{file_command}` needs a DESTINATION behind `{}`",
            quoted(only)
        ),
        hints,
    }
}

/// Returns the error for an option of `fs` that is not one of this file command.
pub(crate) fn no_such_option(file_command: &str, option: &str) -> UsageError {
    let words = [file_command.to_owned()];
    let given = Given {
        name: "fs",
        before: &[],
        own: &words,
        positionals: &words,
    };
    let fs = file_command_help(file_command, Compatibility::PITON);
    let mut hints = option_hints(fs.as_ref(), Some(file_command), option);
    hints.push(given.form_hint());
    UsageError::Wrong {
        problem: format!("`{file_command}` has no option `{option}`"),
        hints,
    }
}

/// Returns the message for a wrong value.
fn value(title: &str, given: &Given<'_>, error: &clap::Error, hints: &mut Vec<String>) -> String {
    let argument = text_of(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = text_of(error, ContextKind::InvalidValue).unwrap_or_default();
    let option = option_name(&argument);
    let subject = match option.starts_with('-') {
        true => format!("{title} {option}"),
        false => title.to_owned(),
    };
    let valid = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) => values.clone(),
        _ => values_of(given.name, option),
    };
    if value.is_empty() && option.starts_with('-') {
        let values = match valid.is_empty() {
            true => String::new(),
            false => format!(": {}", alternatives(&valid)),
        };
        return format!("`{subject}` needs a value{values}");
    }
    let source = std::error::Error::source(error).map(ToString::to_string);
    // The parser of a target adds its own hint.
    let is_told = source
        .as_deref()
        .is_some_and(|text| text.contains("did you mean"));
    if !is_told {
        hints.extend(nearest_value(&value, &valid).map(|near| did_you_mean(&near)));
    }
    let shown = quoted(&value);
    match source {
        Some(source) => format!("`{subject} {shown}`: {source}"),
        None if valid.is_empty() => format!("`{subject} {shown}`: that value does not fit"),
        None => format!("`{subject} {shown}`: expected {}", alternatives(&valid)),
    }
}

/// Returns the values of an option that only its type defines, not `clap`.
pub(crate) fn values_of(command: &str, option: &str) -> Vec<String> {
    match (command, option) {
        ("build" | "compile", "--target") => BuildTarget::names().map(str::to_owned).collect(),
        ("compile", "--march") => Arch::ALL.map(|arch| arch.name().to_owned()).to_vec(),
        _ => Vec::new(),
    }
}

/// Returns the name of an option: `--target` of `--target <TARGET>`.
fn option_name(argument: &str) -> &str {
    argument.split([' ', '=']).next().unwrap_or(argument)
}

fn text_of(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}
