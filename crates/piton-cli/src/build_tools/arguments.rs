//! Options as Python's `argparse` takes them.

use std::collections::VecDeque;

use super::{BuildTool, End};

/// An option: its names, the name of its value if it takes one, its help.
pub(super) struct Known {
    pub(super) names: &'static [&'static str],
    pub(super) value: Option<&'static str>,
    pub(super) help: &'static str,
}

/// Options with their values, under their first names, in order; and the words that are none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    options: Vec<(&'static str, String)>,
    pub(super) files: Vec<String>,
}

impl Given {
    /// Returns the last value of an option.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.options
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns all values of an option.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        self.options
            .iter()
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// Returns whether an option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
}

/// Parses the words of a tool.
pub(super) fn parse(
    tool: BuildTool,
    known: &'static [Known],
    words: &[String],
) -> Result<Given, End> {
    let mut given = Given::default();
    let mut words: VecDeque<String> = words.iter().cloned().collect();
    let mut only_files = false;
    while let Some(word) = words.pop_front() {
        let word = word.as_str();
        if only_files
            || !word.starts_with('-')
            || word == "-"
            || word.contains(' ') && find(known, word).is_none()
        {
            given.files.push(word.to_owned());
            continue;
        }
        if word == "--" {
            only_files = true;
            continue;
        }
        if matches!(word, "-h" | "--help") {
            return Err(End {
                stdout: help(tool, known),
                ..End::default()
            });
        }
        if let Some((flag, rest)) = first_of_many(known, word) {
            given.options.push((flag, String::new()));
            words.push_front(format!("-{rest}"));
            continue;
        }
        let Some((option, joined)) = find(known, word) else {
            return Err(refused(
                tool,
                known,
                &format!("unrecognized arguments: {word}"),
            ));
        };
        let name = option.names.first().copied().unwrap_or_default();
        let value = match (option.value, joined) {
            (None, None) => String::new(),
            (None, Some(value)) => {
                let message = format!(
                    "argument {}: ignored explicit argument {value:?}",
                    option.names.join("/")
                );
                return Err(refused(tool, known, &message.replace('"', "'")));
            }
            (Some(_), Some(value)) => value.to_owned(),
            (Some(_), None) => match words
                .pop_front_if(|next| !next.starts_with('-') || next == "-" || next.contains(' '))
            {
                Some(value) => value,
                None => {
                    let message =
                        format!("argument {}: expected one argument", option.names.join("/"));
                    return Err(refused(tool, known, &message));
                }
            },
        };
        given.options.push((name, value));
    }
    if given.files.is_empty() {
        return Err(refused(
            tool,
            known,
            "the following arguments are required: files",
        ));
    }
    Ok(given)
}

/// Finds the option of a word, and the value that is joined to it.
fn find<'w>(known: &'static [Known], word: &'w str) -> Option<(&'static Known, Option<&'w str>)> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let exact = known.iter().find(|option| option.names.contains(&name));
    if let Some(option) = exact {
        return Some((option, value));
    }
    if name.starts_with("--") {
        let mut shortened = known
            .iter()
            .filter(|option| option.names.iter().any(|full| full.starts_with(name)));
        let first = shortened.next()?;
        return shortened.next().is_none().then_some((first, value));
    }
    // `-fVALUE`.
    let short = word.get(..2)?;
    let option = known.iter().find(|option| option.names.contains(&short))?;
    let rest = word.get(2..)?;
    option
        .value
        .map(|_| (option, Some(rest.strip_prefix('=').unwrap_or(rest))))
}

/// Returns the first of several flags in one word, such as `-vv`, and the letters after it.
fn first_of_many<'w>(known: &'static [Known], word: &'w str) -> Option<(&'static str, &'w str)> {
    let (flag, rest) = (word.get(..2)?, word.get(2..)?);
    let is_one = find(known, word).is_some();
    if is_one || rest.is_empty() || flag == "--" {
        return None;
    }
    let option = known
        .iter()
        .find(|option| option.value.is_none() && option.names.contains(&flag))?;
    Some((option.names.first()?, rest))
}

fn usage(tool: BuildTool, known: &[Known]) -> String {
    let mut text = format!("usage: {} [-h]", tool.file());
    for option in known {
        let name = option.names.first().copied().unwrap_or_default();
        match option.value {
            Some(value) => text.push_str(&format!(" [{name} {value}]")),
            None => text.push_str(&format!(" [{name}]")),
        }
    }
    text.push_str(" files [files ...]\n");
    text
}

fn help(tool: BuildTool, known: &[Known]) -> String {
    let mut text = usage(tool, known);
    text.push_str("\noptions:\n  -h, --help\n        show this help message and exit\n");
    for option in known {
        let value = option
            .value
            .map(|value| format!(" {value}"))
            .unwrap_or_default();
        let names: Vec<String> = option
            .names
            .iter()
            .map(|name| format!("{name}{value}"))
            .collect();
        text.push_str(&format!(
            "  {}\n        {}\n",
            names.join(", "),
            option.help
        ));
    }
    text
}

/// Returns the end for words that cannot be used: exit code 2, as `argparse`.
pub(super) fn refused(tool: BuildTool, known: &[Known], message: &str) -> End {
    End {
        stderr: format!("{}{}: error: {message}\n", usage(tool, known), tool.file()),
        code: 2,
        ..End::default()
    }
}
