//! Wrong usage in the words of Python's `argparse`, for the mpremote face: scripts and mpremote's own tests compare them.
//!
//! What is wrong is `clap`'s finding; this only writes it down as Python 3.11 does. mpremote 1.29 ends each command with
//! a positional `next_command`, which takes the rest of the line: argparse names it among what is missing.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use piton::literal::py_str;

use crate::terminal;

/// How a command of mpremote is called: `mpremote COMMAND --help` of 1.29 has the same.
struct Usage {
    name: &'static str,
    options: &'static [&'static str],
    /// The first word of each is its name. One in brackets may be missing.
    positionals: &'static [&'static str],
}

const fn usage(
    name: &'static str,
    options: &'static [&'static str],
    positionals: &'static [&'static str],
) -> Usage {
    Usage {
        name,
        options,
        positionals,
    }
}

const USAGES: &[Usage] = &[
    usage("connect", &["[-h]"], &["device"]),
    usage("disconnect", &["[-h]"], &[]),
    usage("edit", &["[-h]"], &["files [files ...]"]),
    usage("eval", &["[-h]"], &["expr"]),
    usage("exec", &["[-h]", "[--follow | --no-follow]"], &["expr"]),
    usage(
        "fs",
        &[
            "[--help]",
            "[--recursive | --no-recursive]",
            "[--force | --no-force]",
            "[--verbose | --no-verbose]",
            "[--size | --human]",
        ],
        &["command", "path [path ...]"],
    ),
    usage("help", &["[-h]"], &[]),
    usage(
        "mip",
        &[
            "[-h]",
            "[--mpy | --no-mpy]",
            "[--target TARGET]",
            "[--index INDEX]",
        ],
        &["command", "packages [packages ...]"],
    ),
    usage(
        "mount",
        &["[-h]", "[--unsafe-links | --no-unsafe-links]"],
        &["path"],
    ),
    usage(
        "repl",
        &[
            "[-h]",
            "[--escape-non-printable | --no-escape-non-printable]",
            "[--capture CAPTURE]",
            "[--inject-code INJECT_CODE]",
            "[--inject-file INJECT_FILE]",
        ],
        &[],
    ),
    usage("resume", &["[-h]"], &[]),
    usage(
        "romfs",
        &[
            "[-h]",
            "[--mpy | --no-mpy]",
            "[--partition PARTITION]",
            "[--output OUTPUT]",
        ],
        &["command", "[path]"],
    ),
    usage("rtc", &["[-h]", "[--set | --no-set]"], &[]),
    usage("run", &["[-h]", "[--follow | --no-follow]"], &["path"]),
    usage("sleep", &["[-h]"], &["ms"]),
    usage("soft-reset", &["[-h]"], &[]),
    usage("umount", &["[-h]"], &[]),
    usage("version", &["[-h]"], &[]),
];

/// What argparse says of wrong arguments, usage first; `None` for a command that mpremote lacks, and for an error that
/// argparse has no words for. `given` is the number of positional arguments.
pub(super) fn message(
    command: &clap::Command,
    given: usize,
    error: &clap::Error,
) -> Option<String> {
    let name = command.get_name();
    let usage = USAGES.iter().find(|usage| usage.name == name)?;
    let problem = usage.problem(command, given, error)?;
    Some(format!(
        "{}{name}: error: {problem}\n",
        usage.lines(terminal::width())
    ))
}

impl Usage {
    fn problem(
        &self,
        command: &clap::Command,
        given: usize,
        error: &clap::Error,
    ) -> Option<String> {
        let required = self
            .positionals
            .iter()
            .filter(|text| !text.starts_with('['));
        let missing: Vec<&str> = required
            .skip(given)
            .filter_map(|text| text.split(' ').next())
            .chain(["next_command"])
            .collect();
        let is_short = missing.len() > 1;
        let about = |kind| {
            let word = text_of(error, kind)?;
            let long = word.strip_prefix("--")?.split([' ', '=']).next()?;
            Some(format!("argument {}", option_name(command, long)))
        };
        let value = || text_of(error, ContextKind::InvalidValue);
        Some(match error.kind() {
            ErrorKind::ArgumentConflict => format!(
                "{}: not allowed with {}",
                about(ContextKind::PriorArg)?,
                about(ContextKind::InvalidArg)?
            ),
            ErrorKind::InvalidValue if value().is_none_or(|value| value.is_empty()) => {
                format!("{}: expected one argument", about(ContextKind::InvalidArg)?)
            }
            ErrorKind::ValueValidation => match about(ContextKind::InvalidArg) {
                Some(option) => format!("{option}: invalid int value: {}", py_str(&value()?)),
                None => format!(
                    "argument {}: invalid float value: {}",
                    self.positionals.first()?,
                    py_str(&value()?)
                ),
            },
            ErrorKind::MissingRequiredArgument | ErrorKind::UnknownArgument if is_short => {
                format!(
                    "the following arguments are required: {}",
                    missing.join(", ")
                )
            }
            ErrorKind::UnknownArgument => format!(
                "unrecognized arguments: {}",
                text_of(error, ContextKind::InvalidArg)?
            ),
            _ => return None,
        })
    }

    /// The usage in lines of at most `width` columns less two, as `HelpFormatter._format_usage` breaks them.
    fn lines(&self, width: usize) -> String {
        let start = format!("usage: {}", self.name);
        let positionals: Vec<&str> = self.positionals.iter().copied().chain(["..."]).collect();
        let whole = [&[start.as_str()], self.options, &positionals]
            .concat()
            .join(" ");
        let width = width.saturating_sub(2).max(11);
        if whole.len() <= width {
            return format!("{whole}\n");
        }
        let indent = " ".repeat(start.len() + 1);
        let mut text = String::new();
        for (first, parts) in [(start.as_str(), self.options), ("", &positionals)] {
            let mut line = first.to_owned();
            for part in parts.iter().flat_map(|part| parts_of(part)) {
                let is_empty = line.trim().is_empty();
                if !is_empty && line.len() + 1 + part.len() > width {
                    text.push_str(&line);
                    text.push('\n');
                    line.clear();
                }
                if line.trim().is_empty() {
                    line.clone_from(&indent);
                } else {
                    line.push(' ');
                }
                line.push_str(part);
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

/// What argparse does not divide: what is in brackets, and a word.
fn parts_of(text: &str) -> Vec<&str> {
    match text.split_once(' ') {
        Some((word, rest)) if !text.starts_with('[') => vec![word, rest],
        _ => vec![text],
    }
}

/// The option as argparse calls it.
fn option_name(command: &clap::Command, long: &str) -> String {
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|argument| argument.get_long() == Some(long));
    match argument.and_then(clap::Arg::get_short) {
        Some(short) => format!("--{long}/-{short}"),
        None => format!("--{long}"),
    }
}

fn text_of(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// They are mpremote's, broken into lines as there.
    #[test]
    fn usages_are_those_of_mpremote() {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mpremote_usages.py");
        // The interpreter of the environment that mpremote is installed in.
        let output = std::process::Command::new(
            Path::new(test_programs::mpremote().get_program()).with_file_name("python3"),
        )
        .arg(script)
        .output()
        .unwrap();
        let ours: Vec<String> = [80, 60]
            .iter()
            .flat_map(|width| USAGES.iter().map(|usage| usage.lines(*width)))
            .collect();
        assert_eq!(ours.concat(), String::from_utf8_lossy(&output.stdout));
    }
}
