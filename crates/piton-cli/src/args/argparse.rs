//! Messages for wrong usage in the words of Python's `argparse`, for mpremote: scripts and mpremote's own tests compare
//! them.
//!
//! `clap` finds what is wrong; this module writes it down as Python 3.11 does. mpremote 1.29 ends each command with a
//! positional `next_command` for the rest of the line: argparse names it among the missing arguments.

mod layout;
mod parsers;
mod wrap;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use piton::literal::py_str;

use crate::terminal;
use parsers::{Count, NEXT_COMMAND};
pub(crate) use parsers::{PARSERS, Parser};

/// Returns the help of a command as argparse prints it; `None` for a command that mpremote lacks.
pub(crate) fn help(name: &str) -> Option<String> {
    let parser = PARSERS.iter().find(|parser| parser.name == name)?;
    Some(parser.help(terminal::width()))
}

/// Returns argparse's message for wrong arguments, usage first. `None` for a command that mpremote lacks, and for an
/// error that argparse does not know. `given` is the number of positional arguments.
pub(super) fn message(
    command: &clap::Command,
    given: usize,
    error: &clap::Error,
) -> Option<String> {
    let name = command.get_name();
    let parser = PARSERS.iter().find(|parser| parser.name == name)?;
    let problem = parser.problem(command, given, error)?;
    Some(format!(
        "{}{name}: error: {problem}\n",
        parser.usage(terminal::width())
    ))
}

impl Parser {
    fn problem(
        &self,
        command: &clap::Command,
        given: usize,
        error: &clap::Error,
    ) -> Option<String> {
        let required = self
            .positionals
            .iter()
            .filter(|positional| positional.count != Count::Optional);
        let missing: Vec<&str> = required
            .skip(given)
            .chain([&NEXT_COMMAND])
            .map(|positional| positional.name)
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
                    self.positionals.first()?.name,
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
}

/// Returns the option as argparse calls it.
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

    /// Usages and helps are mpremote's, broken into lines as there.
    #[test]
    fn help_is_that_of_mpremote_at_any_width() {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mpremote_helps.py");
        // The interpreter of the environment that mpremote is installed in.
        let output = std::process::Command::new(
            Path::new(test_programs::mpremote().get_program()).with_file_name("python3"),
        )
        .arg(script)
        .output()
        .unwrap();
        let theirs: Vec<(usize, String, String)> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(theirs.len(), 111 * PARSERS.len());
        for (columns, name, text) in theirs {
            let parser = PARSERS.iter().find(|parser| parser.name == name).unwrap();
            let ours = parser.usage(columns) + &parser.help(columns);
            assert_eq!(ours, text, "`{name}` on {columns} columns");
        }
    }
}
