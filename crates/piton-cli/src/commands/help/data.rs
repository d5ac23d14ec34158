//! The help as data, for `--json`: editors, the reference pages of the site and the man pages are made from it.

use clap::{Arg, Command};
use serde::Serialize;

use super::{GROUPS, PORT_SHORTCUTS, capitalised};
use crate::args::GLOBAL_OPTIONS;
use crate::args::subcommands::sub_commands;
use crate::commands::examples::{examples, section};
use crate::commands::{command_line, file_command_help};
use crate::compatibility::Compatibility;
use crate::config::UserShortcut;

/// The whole help: what `piton --json help` prints.
#[derive(Serialize)]
pub(super) struct Overview {
    version: &'static str,
    usage: &'static str,
    /// The commands by topic, in the order of the list of commands.
    groups: Vec<Group>,
    /// Words that connect to a port, each with what it stands for.
    shortcuts: Vec<Described>,
    /// Options of the whole line.
    options: Vec<OptionHelp>,
}

#[derive(Serialize)]
struct Group {
    title: &'static str,
    commands: Vec<Topic>,
}

/// The help of a command.
#[derive(Serialize)]
pub(super) struct Topic {
    name: String,
    about: String,
    usage: String,
    /// What there is to say beside the options; empty for most commands.
    details: String,
    arguments: Vec<Described>,
    options: Vec<OptionHelp>,
    subcommands: Vec<Described>,
    examples: Vec<Described>,
}

/// A word or a line, and what it means.
#[derive(Serialize)]
struct Described {
    name: String,
    help: String,
}

#[derive(Serialize)]
struct OptionHelp {
    /// The ways to write it: `-r`, `--recursive`.
    names: Vec<String>,
    /// The name of its value, such as `N`.
    value: Option<String>,
    help: String,
    default: Option<String>,
    /// The values that it takes; empty if any is.
    values: Vec<String>,
}

/// Returns the help of all commands.
pub(super) fn overview(version: &'static str) -> Overview {
    let mut line = command_line(Compatibility::PITON);
    line.build();
    let groups = GROUPS.iter().map(|(title, names)| Group {
        title,
        commands: names.iter().filter_map(|name| topic(&line, name)).collect(),
    });
    let shortcuts = PORT_SHORTCUTS.iter().map(|(names, help)| Described {
        name: (*names).to_owned(),
        help: capitalised(help),
    });
    Overview {
        version,
        usage: "piton [OPTIONS] [COMMAND [ARGUMENTS]...]...",
        groups: groups.collect(),
        shortcuts: shortcuts.collect(),
        options: global_options(),
    }
}

/// Returns the help of a command, or of a sub-command of `fs`.
pub(super) fn topic(line: &Command, name: &str) -> Option<Topic> {
    let mut command = match file_command_help(name, Compatibility::PITON) {
        Some(command) => command,
        None => line.find_subcommand(name)?.clone(),
    };
    let usage = command.render_usage().to_string();
    let details = command.get_after_help().map(ToString::to_string);
    let details = details.unwrap_or_default();
    let details = details.strip_suffix(&section(name)).unwrap_or(&details);
    let about = command.get_long_about().or(command.get_about());
    let shown = || command.get_arguments().filter(|arg| !arg.is_hide_set());
    let arguments = shown().filter(|arg| arg.is_positional()).map(described);
    let options = shown().filter(|arg| !arg.is_positional()).map(option);
    let subcommands = sub_commands(name).into_iter().flat_map(|all| all.own);
    Some(Topic {
        name: name.to_owned(),
        about: about.map(ToString::to_string).unwrap_or_default(),
        usage: usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned(),
        details: details.trim().to_owned(),
        arguments: arguments.collect(),
        options: options.collect(),
        subcommands: pairs(subcommands),
        examples: pairs(examples(name)),
    })
}

/// Returns the help of a shortcut of the configuration.
pub(super) fn shortcut(shortcut: &UserShortcut) -> Topic {
    Topic {
        name: shortcut.name.clone(),
        about: shortcut.help.trim().to_owned(),
        usage: shortcut.signature(),
        details: match &shortcut.words {
            Ok(words) => words.join(" "),
            Err(remark) => remark.to_string(),
        },
        arguments: Vec::new(),
        options: Vec::new(),
        subcommands: Vec::new(),
        examples: Vec::new(),
    }
}

fn pairs<'a>(rows: impl IntoIterator<Item = &'a (&'static str, &'static str)>) -> Vec<Described> {
    let rows = rows.into_iter().map(|(name, help)| Described {
        name: (*name).to_owned(),
        help: (*help).to_owned(),
    });
    rows.collect()
}

/// Returns the longer of an argument's texts.
fn help_of(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    help.map(ToString::to_string).unwrap_or_default()
}

fn described(arg: &Arg) -> Described {
    Described {
        name: arg.to_string(),
        help: help_of(arg),
    }
}

fn option(arg: &Arg) -> OptionHelp {
    let letter = arg.get_short().map(|letter| format!("-{letter}"));
    let word = arg.get_long().map(|word| format!("--{word}"));
    let takes_value = arg.get_action().takes_values();
    let value = arg.get_value_names().filter(|_| takes_value);
    let default: Vec<_> = arg.get_default_values().iter().map(text_of).collect();
    let possible = arg.get_possible_values();
    let values = possible.iter().filter(|value| !value.is_hide_set());
    OptionHelp {
        names: letter.into_iter().chain(word).collect(),
        value: value.map(|names| names.join(" ")),
        help: help_of(arg),
        default: (takes_value && !default.is_empty()).then(|| default.join(" ")),
        values: match takes_value {
            true => values.map(|value| value.get_name().to_owned()).collect(),
            false => Vec::new(),
        },
    }
}

fn text_of(value: &clap::builder::OsStr) -> String {
    value.to_string_lossy().into_owned()
}

fn global_options() -> Vec<OptionHelp> {
    let options = GLOBAL_OPTIONS.iter().map(|option| OptionHelp {
        names: match option.name {
            "--verbose" => vec!["-v".to_owned(), option.name.to_owned()],
            name => vec![name.to_owned()],
        },
        value: option.value.map(ToOwned::to_owned),
        help: capitalised(option.help),
        default: None,
        values: Vec::new(),
    });
    options.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each help as text has everything that its data has, so there can be nothing else.
    #[test]
    fn the_data_is_what_the_text_says() {
        let mut line = command_line(Compatibility::PITON);
        line.build();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for group in overview("1.2.3").groups {
            assert!(!group.commands.is_empty(), "{}", group.title);
            for topic in group.commands {
                let mut command = file_command_help(&topic.name, Compatibility::PITON)
                    .unwrap_or_else(|| line.find_subcommand(&topic.name).unwrap().clone());
                let text = words(&command.render_long_help().to_string());
                let mut parts = vec![&topic.about, &topic.usage, &topic.details];
                for option in &topic.options {
                    assert!(!option.names.is_empty());
                    parts.extend(option.names.iter().chain([&option.help]));
                    parts.extend(option.value.iter().chain(&option.default));
                }
                let described = topic.arguments.iter().chain(&topic.examples);
                parts.extend(described.flat_map(|row| [&row.name, &row.help]));
                for part in parts {
                    assert!(text.contains(&words(part)), "{}: {part}", topic.name);
                }
            }
        }
    }

    #[test]
    fn every_command_of_the_list_has_its_help() {
        let names: usize = GROUPS.iter().map(|(_, names)| names.len()).sum();
        let topics = overview("1.2.3").groups;
        let topics: usize = topics.iter().map(|group| group.commands.len()).sum();
        assert_eq!(names, topics);
    }
}
