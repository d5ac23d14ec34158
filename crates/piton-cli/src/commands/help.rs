//! `help`: the list of commands and shortcuts, or the help of one command.

mod mpremote;

use std::fmt::Write as _;

use crate::args::Face;
use crate::args::GLOBAL_OPTIONS;
use crate::args::shortcuts::{SHORTCUTS, expansion, is_command};
use crate::commands::{command_line, file_command_help, not_a_command};
use crate::config::{Config, UserShortcut};
use crate::context::Context;
use crate::error::CommandError;

/// The shortcuts for ports, four in a row.
const PORT_SHORTCUTS: [(&str, &str); 3] = [
    ("a0 to a3", "connect to `/dev/ttyACM0` to `3`"),
    ("u0 to u3", "connect to `/dev/ttyUSB0` to `3`"),
    ("c0 to c3", "connect to `COM0` to `COM3`"),
];

/// Arguments of `help`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command to explain
    command: Option<String>,
}

pub(super) fn run(args: &Args, ctx: &Context) -> Result<(), CommandError> {
    if ctx.face == Face::Mpremote {
        // There, whatever follows is ignored.
        return ctx
            .ui
            .bytes(mpremote::overview(&ctx.config.shortcuts).as_bytes());
    }
    let mut line = command_line(ctx.face);
    line.build();
    let Some(word) = &args.command else {
        return ctx
            .ui
            .bytes(overview(&line, ctx.face, &ctx.config).as_bytes());
    };
    if let Some(shortcut) = ctx.config.shortcut(word) {
        return ctx.ui.text(&explain(shortcut));
    }
    let name = expansion(word)
        .filter(|_| !is_command(word, ctx.face))
        .and_then(|words| words.first().copied())
        .unwrap_or(word);
    let file_command = if name == "fs" {
        file_command_help(word, ctx.face)
    } else {
        None
    };
    if let Some(mut command) = file_command {
        return ctx.ui.text(&command.render_help().to_string());
    }
    let command = line
        .find_subcommand_mut(name)
        .ok_or_else(|| not_a_command(word, ctx.face))?;
    ctx.ui.text(&command.render_help().to_string())
}

/// The help of a shortcut that a person has set up.
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

/// Everything at a glance.
fn overview(line: &clap::Command, face: Face, config: &Config) -> String {
    let name = face.name();
    let mut text = format!(
        "{name} -- talk to MicroPython boards\n\n\
         Usage: {name} [OPTIONS] [COMMAND [ARGUMENTS]...]...\n\n\
         Several commands on one line run from left to right. A `+` ends the arguments of a command that takes many.\n\
         The connection is made by itself (`connect auto`); without a command that does something, the REPL opens.\n",
    );
    let commands = line
        .get_subcommands()
        // Under mpremote's name the shortcut takes its place.
        .filter(|command| !(face == Face::Mpremote && is_command(command.get_name(), Face::Piton)))
        .map(|command| (command.get_name().to_owned(), about(command)));
    section(&mut text, "Commands", commands);
    let shortcuts = SHORTCUTS
        .iter()
        .filter(|shortcut| !shortcut.help.is_empty() && !is_command(shortcut.name, face))
        .map(|shortcut| (shortcut.name.to_owned(), shortcut.help.to_owned()));
    let ports = PORT_SHORTCUTS.map(|(names, help)| (names.to_owned(), help.to_owned()));
    section(&mut text, "Shortcuts", shortcuts.chain(ports));
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
        section(&mut text, "Your shortcuts", shortcuts);
    }
    if face == Face::Piton {
        let options = GLOBAL_OPTIONS.iter().map(|option| {
            let value = option
                .value
                .map_or_else(String::new, |name| format!(" {name}"));
            (format!("{}{value}", option.name), option.help.to_owned())
        });
        section(&mut text, "Options", options);
        text.push_str(
            "\n`piton mpremote ...` and `piton mpy-cross ...` behave as those programs.\n",
        );
    }
    let _ = write!(
        text,
        "\n`{name} help COMMAND` tells more about a command.\n\
         Exit codes: 0 done, 1 the board or the input said no, 2 wrong usage, 3 no or lost connection{}.\n",
        if face == Face::Mpremote {
            " (here: 1)"
        } else {
            ""
        }
    );
    text
}

fn about(command: &clap::Command) -> String {
    command
        .get_about()
        .map_or_else(String::new, ToString::to_string)
}

fn section(text: &mut String, title: &str, rows: impl Iterator<Item = (String, String)>) {
    let rows = rows.collect::<Vec<(String, String)>>();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let _ = write!(text, "\n{title}:\n");
    for (name, help) in rows {
        let _ = writeln!(text, "  {name:width$}  {help}");
    }
}
