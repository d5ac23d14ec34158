//! Lists the candidates for the next word of a command line: the part of shell completion that the shells' scripts
//! call.
//!
//! A script passes the line, and gets one candidate per line, followed by a tab and a remark if its shell can show one.
//! Without candidates, the shell offers files.

mod board;
mod position;
mod shell;

use std::ffi::OsString;

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
use position::{Position, Situation};
use shell::Line;
pub(crate) use shell::Shell;

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    word: String,
    /// Shown beside the word; may be empty.
    remark: String,
}

fn candidate(word: impl Into<String>, remark: impl Into<String>) -> Candidate {
    Candidate {
        word: word.into(),
        remark: remark.into(),
    }
}

/// Prints the candidates. `arguments` are those of a shell's script: the shell's name, and the line in the shell's
/// form.
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
    let argv: Vec<OsString> = before.iter().map(OsString::from).collect();
    if let Some(words) = crate::belay::find(&argv) {
        let config = Config::load(Compatibility::BELAY).unwrap_or_default();
        return print(&of_belay(words, current, &config), shell, &line);
    }
    let Ok((compatibility, before)) = compatibility_and_words(before.iter().map(Into::into)) else {
        return;
    };
    // Errors of the configuration are not printed into a line that is being typed: running the line prints them.
    let config = Config::load(compatibility).unwrap_or_default();
    let candidates = candidates(&before, current, compatibility, &config, &mut board::ask);
    print(&candidates, shell, &line);
}

fn print(candidates: &[Candidate], shell: Shell, line: &Line) {
    let text = candidates
        .iter()
        .map(|candidate| shell.show(line, &candidate.word, &candidate.remark))
        .collect::<String>();
    // A shell that does not read its candidates needs no message.
    let _ = crate::ui::raw_stdout(text.as_bytes());
}

/// Returns the candidates of belay's command line: commands, options, and boards in the place of a port.
fn of_belay(words: &[OsString], current: &str, config: &Config) -> Vec<Candidate> {
    let mut command = crate::belay::command_line();
    let mut given = 0;
    for word in words.iter().filter_map(|word| word.to_str()) {
        if word.starts_with('-') {
            continue;
        }
        match command.find_subcommand(word).cloned() {
            Some(inner) => (command, given) = (inner, 0),
            None => given += 1,
        }
    }
    let argument = command.get_positionals().nth(given);
    let is_port = argument.is_some_and(|argument| argument.get_id() == "port");
    let mut candidates = match current.starts_with('-') {
        true => options(&command),
        false if command.has_subcommands() => {
            let inner = command.get_subcommands();
            inner
                .map(|command| candidate(command.get_name(), about(command.get_about())))
                .collect()
        }
        false if is_port => places_to_connect_to(config),
        false => Vec::new(),
    };
    candidates.retain(|candidate| candidate.word.starts_with(current));
    candidates
}

/// A function that queries the board of the line.
type AskBoard<'a> = dyn FnMut(&Situation, &Config, Question<'_>) -> Vec<String> + 'a;

/// Returns the candidates that begin with `current`, after the words `before`.
fn candidates(
    before: &[String],
    current: &str,
    compatibility: &Compatibility,
    config: &Config,
    ask_board: &mut AskBoard<'_>,
) -> Vec<Candidate> {
    let line = crate::commands::command_line(compatibility);
    let situation = position::find(before, &line, compatibility, config);
    let mut candidates = match &situation.position {
        Position::Command => commands(&line, compatibility, config),
        Position::GlobalValue("--dtr" | "--rts") => plain(&["on", "off", "keep"]),
        Position::GlobalValue("--baud") => plain(&["9600", "115200", "230400", "460800", "921600"]),
        Position::OptionValue { option, .. } if option == "--device" => {
            let mut boards = places_to_connect_to(config);
            boards.retain(|place| !["auto", "list"].contains(&place.word.as_str()));
            let groups = config.boards.groups();
            boards.extend(groups.map(|name| candidate(name, "a group of boards")));
            boards
        }
        Position::OptionValue { command, option } => values(command, option),
        Position::Argument {
            command,
            given,
            may_end,
        } => {
            let mut candidates = match current.split_once('=') {
                Some((option, _)) if current.starts_with("--") => values(command, option)
                    .into_iter()
                    .map(|value| candidate(format!("{option}={}", value.word), value.remark))
                    .collect(),
                _ if current.starts_with('-') => options(command),
                _ => arguments(command, given, current, config, &mut |question| {
                    ask_board(&situation, config, question)
                }),
            };
            // An option with a list of values accepts nothing else.
            if *may_end && candidates.is_empty() {
                candidates.extend(commands(&line, compatibility, config));
            }
            candidates
        }
        Position::GlobalValue(_) | Position::Unknown => Vec::new(),
    };
    let takes_globals = !matches!(
        situation.position,
        Position::GlobalValue(_) | Position::OptionValue { .. } | Position::Unknown
    );
    if compatibility.global_options && takes_globals {
        let globals = GLOBAL_OPTIONS.iter();
        candidates.extend(globals.map(|option| candidate(option.name, option.help)));
    }
    // Options are many, and rarely meant: they are offered after a dash only.
    candidates.retain(|candidate| {
        candidate.word.starts_with(current)
            && candidate.word.starts_with('-') == current.starts_with('-')
    });
    candidates.dedup_by(|one, other| one.word == other.word);
    candidates
}

fn plain(words: &[&str]) -> Vec<Candidate> {
    words.iter().map(|word| candidate(*word, "")).collect()
}

/// Returns all words that may begin a command.
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

/// Returns the values of an option.
fn values(command: &Command, option: &str) -> Vec<Candidate> {
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|argument| match option.strip_prefix("--") {
        Some(long) => argument.get_long() == Some(long),
        None => argument
            .get_short()
            .is_some_and(|short| option == format!("-{short}")),
    });
    let candidates = argument.map(possible_values).unwrap_or_default();
    match candidates.is_empty() {
        true => {
            let known = values_of(command.get_name(), option);
            known.into_iter().map(|word| candidate(word, "")).collect()
        }
        false => candidates,
    }
}

/// Returns the values that `clap` knows for an argument, without the `true` and `false` of a flag.
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

/// Commands whose paths are all on the board: the leading `:` is optional.
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

/// Returns the candidates for the next argument of a command after those that are `given`.
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
            let argument = command.get_positionals().nth(given.len());
            let values = argument.map(possible_values).unwrap_or_default();
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

/// Returns the candidates for a path on the board, as an argument of `command`.
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
    for (name, selector) in config.boards.boards() {
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

/// Returns the board that the line connects to so far.
fn selector(situation: &Situation, config: &Config) -> Option<BoardSelector> {
    match &situation.connection {
        Some(word) => config.boards.selector(word).ok(),
        None => Some(
            config
                .boards
                .default_board()
                .cloned()
                .unwrap_or(BoardSelector::Auto),
        ),
    }
}

#[cfg(test)]
mod tests;
