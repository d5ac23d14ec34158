//! `help`: prints the list of commands and shortcuts, or the help of one command.

mod data;
mod mpremote;

pub(crate) use mpremote::dedent;

use std::fmt::Write as _;

use crate::args::GLOBAL_OPTIONS;
use crate::args::shortcuts::{SHORTCUTS, expansion, is_command};
use crate::commands::{command_line, file_command_help, not_a_command};
use crate::compatibility::Compatibility;
use crate::config::{Config, UserShortcut};
use crate::context::Context;
use crate::error::CommandError;
use crate::usage::UsageError;

/// The shortcuts for ports, four in a row.
const PORT_SHORTCUTS: [(&str, &str); 3] = [
    ("a0 to a3", "connect to `/dev/ttyACM0`, ... `/dev/ttyACM3`"),
    ("u0 to u3", "connect to `/dev/ttyUSB0`, ... `/dev/ttyUSB3`"),
    ("c0 to c3", "connect to `COM0`, ... `COM3`"),
];

/// Arguments of `help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command to explain
    command: Option<String>,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    if ctx.compatibility.speaks_mpremote() {
        // mpremote ignores the words after `help`.
        return ctx
            .ui
            .bytes(mpremote::overview(&ctx.config.shortcuts).as_bytes());
    }
    let mut line = command_line(ctx.compatibility);
    line.build();
    let json = ctx.ui.json();
    let Some(word) = &args.command else {
        return match json {
            true => ctx.ui.json_line(&data::overview(ctx.compatibility.version)),
            false => ctx.ui.text(&overview(&line, &ctx.config)),
        };
    };
    if let Some(shortcut) = ctx.config.shortcut(word) {
        return match json {
            true => ctx.ui.json_line(&data::shortcut(shortcut)),
            false => ctx.ui.text(&explain(shortcut)),
        };
    }
    let name = expansion(word)
        .filter(|_| !is_command(word, ctx.compatibility))
        .and_then(|words| words.first().copied())
        .unwrap_or(word);
    if json {
        let known = line.find_subcommand(name).is_some();
        let topic = data::topic(&line, if name == "fs" { word } else { name });
        let topic = topic.filter(|_| known).ok_or_else(|| unknown(word, ctx))?;
        return ctx.ui.json_line(&topic);
    }
    let file_command = if name == "fs" {
        file_command_help(word, ctx.compatibility)
    } else {
        None
    };
    if let Some(mut command) = file_command {
        return ctx.ui.text(&command.render_help().to_string());
    }
    let command = line
        .find_subcommand_mut(name)
        .ok_or_else(|| unknown(word, ctx))?;
    ctx.ui.text(&command.render_help().to_string())
}

fn unknown(word: &str, ctx: &Context) -> UsageError {
    not_a_command(word, &[], &[], None, ctx.compatibility)
}

/// Returns the help of a shortcut of the configuration.
fn explain(shortcut: &UserShortcut) -> String {
    let mut text = String::new();
    if !shortcut.help.is_empty() {
        let _ = writeln!(text, "{}\n", shortcut.help.trim());
    }
    let _ = writeln!(text, "Usage: {}\n", shortcut.signature());
    let _ = match &shortcut.words {
        Ok(words) => writeln!(text, "Stands for: {}", words.join(" ")),
        Err(remark) => writeln!(text, "Not known: {remark}"),
    };
    text
}

/// Commands and shortcuts by topic, as the list of commands shows them.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Every day",
        &["devs", "connect", "repl", "run", "cp", "sync"],
    ),
    (
        "Files of the board",
        &[
            "ls",
            "cat",
            "edit",
            "mkdir",
            "mv",
            "rm",
            "rmdir",
            "touch",
            "tree",
            "sha256sum",
            "df",
            "mount",
            "umount",
            "fs",
        ],
    ),
    (
        "The board",
        &[
            "info",
            "select",
            "latency",
            "eval",
            "exec",
            "soft-reset",
            "reset",
            "bootloader",
            "rtc",
            "resume",
            "disconnect",
            "sleep",
        ],
    ),
    ("On this computer", &["micropython", "test"]),
    (
        "Packages",
        &[
            "mip", "add", "remove", "lock", "update", "install", "list", "why", "outdated",
            "search", "vendor", "clean", "cache",
        ],
    ),
    (
        "Compile and ship",
        &[
            "new", "build", "verify", "deploy", "keygen", "compile", "minify", "inspect", "romfs",
            "manifest", "freeze", "index",
        ],
    ),
    (
        "Set up",
        &[
            "doctor",
            "completions",
            "udev",
            "virtual",
            "self",
            "version",
            "help",
        ],
    ),
];

/// Returns the list of commands, shortcuts and options.
fn overview(line: &clap::Command, config: &Config) -> String {
    let mut text = "piton -- talk to MicroPython boards\n\n\
         Usage: piton [OPTIONS] [COMMAND [ARGUMENTS]...]...\n\n\
         Several commands on one line run from left to right. A `+` ends the arguments of a command that takes many.\n\
         The connection is made by itself (`connect auto`); without a command that does something, the REPL opens.\n"
        .to_owned();
    let mut all = everything(line);
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (title, names) in GROUPS {
        let rows = names.iter().filter_map(|name| {
            let at = all.iter().position(|(known, _)| known == name)?;
            Some(all.remove(at))
        });
        section(&mut text, title, width, rows.collect());
    }
    if !all.is_empty() {
        section(&mut text, "More", width, all);
    }
    section(&mut text, "Boards by their port", width, port_shortcuts());
    if !config.shortcuts.is_empty() {
        let shortcuts = config.shortcuts.iter().map(|shortcut| {
            let help = match (shortcut.help.trim().lines().next(), &shortcut.words) {
                (Some(line), _) => line.to_owned(),
                (None, Ok(words)) => words
                    .join(" ")
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                (None, Err(_)) => "(not read)".to_owned(),
            };
            (shortcut.signature(), help)
        });
        section(&mut text, "Your shortcuts", width, shortcuts.collect());
    }
    section(&mut text, "Options", 0, options());
    text.push_str(
        "\n`piton mpremote ...`, `belay`, `mpy-cross`, `mpy-tool`, `mpy-ld` and `makemanifest` behave as those programs.\n\n\
         `piton help COMMAND` explains a command, with examples; so does `piton COMMAND -h`.\n\
         Exit codes: 0 done, 1 the board or the input said no, 2 wrong usage, 3 no or lost connection.\n",
    );
    text
}

/// Returns all commands and shortcuts, each with its help.
fn everything(line: &clap::Command) -> Vec<(String, String)> {
    let commands = line
        .get_subcommands()
        .map(|command| (command.get_name().to_owned(), about(command)));
    let shortcuts = SHORTCUTS
        .iter()
        .filter(|shortcut| {
            !shortcut.help.is_empty() && !is_command(shortcut.name, Compatibility::PITON)
        })
        .map(|shortcut| (shortcut.name.to_owned(), capitalised(shortcut.help)));
    commands.chain(shortcuts).collect()
}

fn port_shortcuts() -> Vec<(String, String)> {
    let ports = PORT_SHORTCUTS.iter();
    ports
        .map(|(names, help)| ((*names).to_owned(), capitalised(help)))
        .collect()
}

fn options() -> Vec<(String, String)> {
    let letters = [
        ("-h, --help".to_owned(), "Print this list".to_owned()),
        ("-V, --version".to_owned(), "Print the version".to_owned()),
    ];
    let options = GLOBAL_OPTIONS.iter().map(|option| {
        let letter = match option.name {
            "--verbose" => "-v, ",
            _ => "",
        };
        let value = option
            .value
            .map_or_else(String::new, |name| format!(" {name}"));
        (
            format!("{letter}{}{value}", option.name),
            capitalised(option.help),
        )
    });
    letters.into_iter().chain(options).collect()
}

/// Returns the text with a capital letter, as `clap` prints the help of commands.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn about(command: &clap::Command) -> String {
    command
        .get_about()
        .map_or_else(String::new, ToString::to_string)
}

/// Appends one part of the list. The column of names is `width` wide, or as wide as the longest of them.
fn section(text: &mut String, title: &str, width: usize, rows: Vec<(String, String)>) {
    let longest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let width = width.max(longest);
    let _ = write!(text, "\n{title}:\n");
    for (name, help) in rows {
        let _ = writeln!(text, "  {name:width$}  {help}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_shortcut_is_in_one_group() {
        let line = command_line(Compatibility::PITON);
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        grouped.sort_unstable();
        let mut all: Vec<String> = everything(&line)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        all.sort_unstable();
        assert_eq!(grouped, all);
    }
}
