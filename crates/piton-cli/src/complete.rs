//! What may stand next on a command line that somebody is typing: the part of shell completion that the shells'
//! scripts ask for.
//!
//! A script hands over the line, and gets one candidate a line, with a tab and a remark behind it where its shell can
//! show one. Where nothing of ours fits, it gets nothing, and the shell offers files.

mod board;
mod place;
mod shell;

use clap::{Arg, Command};
use piton::discovery::{is_without_hardware, list_serial_ports};
use piton::selector::BoardSelector;

use crate::args::shortcuts::{SHORTCUTS, is_command};
use crate::args::subcommands::sub_commands;
use crate::args::wrong::values_of;
use crate::args::{GLOBAL_OPTIONS, compatibility_and_words};
use crate::compatibility::Compatibility;
use crate::config::Config;
use board::Question;
use place::{Place, Situation};
pub(crate) use shell::Shell;

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    word: String,
    /// For a person; may be empty.
    remark: String,
}

fn candidate(word: impl Into<String>, remark: impl Into<String>) -> Candidate {
    Candidate {
        word: word.into(),
        remark: remark.into(),
    }
}

/// Print the candidates for what a shell's script hands over: the shell's name, and the line in its manner.
pub(crate) fn main(arguments: &[String]) {
    let Some((shell, line)) = arguments
        .split_first()
        .and_then(|(name, rest)| Some((Shell::named(name)?, rest)))
    else {
        return;
    };
    let Some(line) = shell.line(line) else {
        return;
    };
    let Some((current, before)) = line.words.split_last() else {
        return;
    };
    let Ok((compatibility, before)) = compatibility_and_words(before.iter().map(Into::into)) else {
        return;
    };
    // Whoever completes a line is not told what is wrong with the configuration: the line will tell.
    let config = Config::load(compatibility).unwrap_or_default();
    let candidates = candidates(&before, current, compatibility, &config, &mut board::ask);
    let text = candidates
        .iter()
        .map(|candidate| shell.show(&line, &candidate.word, &candidate.remark))
        .collect::<String>();
    // Nobody is left to tell that the shell does not read.
    let _ = crate::ui::raw_stdout(text.as_bytes());
}

/// Asks the board that the line is about.
type AskBoard<'a> = dyn FnMut(&Situation, &Config, Question<'_>) -> Vec<String> + 'a;

/// The words that may stand where `current` begins, after the words `before`.
fn candidates(
    before: &[String],
    current: &str,
    compatibility: &Compatibility,
    config: &Config,
    ask_board: &mut AskBoard<'_>,
) -> Vec<Candidate> {
    let line = crate::commands::command_line(compatibility);
    let situation = place::find(before, &line, compatibility, config);
    let mut found = match &situation.place {
        Place::Command => commands(&line, compatibility, config),
        Place::GlobalValue("--dtr" | "--rts") => plain(&["on", "off", "keep"]),
        Place::GlobalValue("--baud") => plain(&["9600", "115200", "230400", "460800", "921600"]),
        Place::OptionValue { command, option } => values(command, option),
        Place::Argument {
            command,
            given,
            may_end,
        } => {
            let mut found = match current.split_once('=') {
                Some((option, _)) if current.starts_with("--") => values(command, option)
                    .into_iter()
                    .map(|value| candidate(format!("{option}={}", value.word), value.remark))
                    .collect(),
                _ if current.starts_with('-') => options(command),
                _ => arguments(command, given, current, config, &mut |question| {
                    ask_board(&situation, config, question)
                }),
            };
            // Whoever is offered values means one of them.
            if *may_end && found.is_empty() {
                found.extend(commands(&line, compatibility, config));
            }
            found
        }
        Place::GlobalValue(_) | Place::Unknown => Vec::new(),
    };
    let takes_globals = !matches!(
        situation.place,
        Place::GlobalValue(_) | Place::OptionValue { .. } | Place::Unknown
    );
    if compatibility.global_options && takes_globals {
        let globals = GLOBAL_OPTIONS.iter();
        found.extend(globals.map(|option| candidate(option.name, option.help)));
    }
    // Options are many, and seldom meant.
    found.retain(|candidate| {
        candidate.word.starts_with(current)
            && candidate.word.starts_with('-') == current.starts_with('-')
    });
    found.dedup_by(|one, other| one.word == other.word);
    found
}

fn plain(words: &[&str]) -> Vec<Candidate> {
    words.iter().map(|word| candidate(*word, "")).collect()
}

/// Everything that may begin a command.
fn commands(line: &Command, compatibility: &Compatibility, config: &Config) -> Vec<Candidate> {
    let own = line
        .get_subcommands()
        .map(|command| candidate(command.get_name(), about(command.get_about())));
    let shortcuts = SHORTCUTS.iter().filter(|shortcut| {
        !is_command(shortcut.name, compatibility) && !shortcut.name.starts_with('-')
    });
    let shortcuts = shortcuts.map(|shortcut| match shortcut.help {
        "" => candidate(shortcut.name, shortcut.words.join(" ")),
        help => candidate(shortcut.name, help),
    });
    let users = config.shortcuts.iter();
    let users = users.map(|shortcut| candidate(&shortcut.name, &shortcut.help));
    let mut all: Vec<Candidate> = own.chain(shortcuts).chain(users).collect();
    all.sort_by(|one, other| one.word.cmp(&other.word));
    all
}

fn options(command: &Command) -> Vec<Candidate> {
    let options = command
        .get_arguments()
        .filter(|argument| !argument.is_positional());
    options
        .filter_map(|option| {
            let name = option.get_long()?;
            let is_known = !option.is_hide_set();
            is_known.then(|| candidate(format!("--{name}"), about(option.get_help())))
        })
        .collect()
}

/// What an option may be given.
fn values(command: &Command, option: &str) -> Vec<Candidate> {
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|argument| match option.strip_prefix("--") {
        Some(long) => argument.get_long() == Some(long),
        None => argument
            .get_short()
            .is_some_and(|short| option == format!("-{short}")),
    });
    let found = argument.map(possible_values).unwrap_or_default();
    match found.is_empty() {
        true => {
            let known = values_of(command.get_name(), option);
            known.into_iter().map(|word| candidate(word, "")).collect()
        }
        false => found,
    }
}

/// The values that `clap` knows for an argument. A flag's, `true` and `false`, nobody types.
fn possible_values(argument: &Arg) -> Vec<Candidate> {
    if !argument.get_action().takes_values() {
        return Vec::new();
    }
    let values = argument.get_possible_values().into_iter();
    values
        .map(|value| candidate(value.get_name(), about(value.get_help())))
        .collect()
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// Commands all of whose paths are on the board, so that a `:` in front is a matter of taste.
const ON_THE_BOARD: &[&str] = &[
    "cat",
    "edit",
    "ls",
    "mkdir",
    "mv",
    "rm",
    "rmdir",
    "sha256sum",
    "touch",
    "tree",
];

/// What may stand for the next argument of a command after those that are `given`.
fn arguments(
    command: &Command,
    given: &[String],
    current: &str,
    config: &Config,
    ask_board: &mut dyn FnMut(Question<'_>) -> Vec<String>,
) -> Vec<Candidate> {
    let name = command.get_name();
    let first = given.first().map(String::as_str);
    match (name, first) {
        ("connect", None) => places_to_connect_to(config),
        ("help", None) => {
            let line = crate::commands::command_line(Compatibility::PITON);
            commands(&line, Compatibility::PITON, config)
        }
        ("mip", Some("uninstall" | "update" | "list")) => {
            let names = ask_board(Question::Packages).into_iter();
            names
                .filter(|name| !given.contains(name))
                .map(|name| candidate(name, ""))
                .collect()
        }
        (name, None) if let Some(known) = sub_commands(name) => known
            .own
            .iter()
            .map(|(word, help)| candidate(*word, *help))
            .collect(),
        (name, first) => {
            let place = command.get_positionals().nth(given.len());
            let values = place.map(possible_values).unwrap_or_default();
            if !values.is_empty() {
                return values;
            }
            let name = match (name, first) {
                ("fs", Some(action)) => action,
                _ => name,
            };
            paths(name, current, ask_board)
        }
    }
}

/// The paths on the board that may stand for an argument of `command`.
fn paths(
    command: &str,
    current: &str,
    ask_board: &mut dyn FnMut(Question<'_>) -> Vec<String>,
) -> Vec<Candidate> {
    let (colon, path) = match current.strip_prefix(':') {
        Some(path) => (":", path),
        None if ON_THE_BOARD.contains(&command) => ("", current),
        None => return Vec::new(),
    };
    let folder = path
        .rfind('/')
        .map_or("", |end| path.get(..=end).unwrap_or(""));
    let names = ask_board(Question::Folder(folder)).into_iter();
    names
        .map(|name| candidate(format!("{colon}{folder}{name}"), ""))
        .collect()
}

fn places_to_connect_to(config: &Config) -> Vec<Candidate> {
    let mut places = vec![
        candidate("auto", "the first USB serial port"),
        candidate("list", "list the serial ports"),
        candidate("virtual", "a virtual board"),
        candidate("virtual:", "a virtual board with its files in a folder"),
        candidate("socket://", "a TCP server"),
        candidate("rfc2217://", "a serial port behind a telnet server"),
        candidate("ws://", "WebREPL"),
    ];
    for (name, selector) in config.boards() {
        places.push(candidate(name, selector.to_string()));
    }
    let mut ports = list_serial_ports();
    ports.retain(|port| !is_without_hardware(&port.path));
    for port in ports {
        let product = port.product.unwrap_or_default();
        if let Some(serial_number) = port.serial_number {
            places.push(candidate(format!("id:{serial_number}"), product.clone()));
        }
        places.push(candidate(port.path, product));
    }
    places
}

/// The board that a line is about so far.
fn selector(situation: &Situation, config: &Config) -> Option<BoardSelector> {
    match &situation.connection {
        Some(word) => config.selector(word).ok(),
        None => Some(config.board.clone().unwrap_or(BoardSelector::Auto)),
    }
}

#[cfg(test)]
mod tests;
