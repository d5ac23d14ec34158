//! Finds the position at the end of a half-typed line: before a command, or among the arguments of one.

use std::collections::VecDeque;

use clap::Command;

use crate::args::shortcuts::{expansion, is_command};
use crate::args::{GLOBAL_OPTIONS, GlobalOptions};
use crate::compatibility::Compatibility;
use crate::config::Config;

/// The meaning of a line up to the word that is being typed.
#[derive(Debug)]
pub(super) struct Situation {
    /// The kind of that word.
    pub(super) position: Position,
    /// The board of the last `connect`.
    pub(super) connection: Option<String>,
    /// The global options so far.
    pub(super) options: GlobalOptions,
}

/// The kind of a word.
#[derive(Debug)]
pub(super) enum Position {
    /// A command.
    Command,
    /// The value of this global option.
    GlobalValue(&'static str),
    /// The value of an option of a command.
    OptionValue {
        /// The command.
        command: Box<Command>,
        /// The option, with its dashes.
        option: String,
    },
    /// An argument, or an option.
    Argument {
        /// The command.
        command: Box<Command>,
        /// The arguments before the word.
        given: Vec<String>,
        /// Whether the command is complete without the word, so that the next command may begin here.
        may_end: bool,
    },
    /// A file, or something unknown.
    Unknown,
}

/// Parses the words before the unfinished one.
pub(super) fn find(
    before: &[String],
    line: &Command,
    compatibility: &Compatibility,
    config: &Config,
) -> Situation {
    let mut reader = Reader {
        words: before.iter().cloned().collect(),
        line,
        compatibility,
        config,
        connection: None,
        options: GlobalOptions::default(),
    };
    let position = reader.read();
    Situation {
        position,
        connection: reader.connection,
        options: reader.options,
    }
}

struct Reader<'r> {
    words: VecDeque<String>,
    line: &'r Command,
    compatibility: &'r Compatibility,
    config: &'r Config,
    connection: Option<String>,
    options: GlobalOptions,
}

impl Reader<'_> {
    fn read(&mut self) -> Position {
        // A shortcut that contains itself is an error, which running the line reports.
        let mut expansions = 0;
        loop {
            let Some(word) = self.words.pop_front() else {
                return Position::Command;
            };
            if word == "+" {
                continue;
            }
            if let Some(position) = self.global_option(&word) {
                match position {
                    Some(position) => return position,
                    None => continue,
                }
            }
            if let Some(meaning) = self.meaning(&word).filter(|_| expansions < 100) {
                expansions += 1;
                for word in meaning.into_iter().rev() {
                    self.words.push_front(word);
                }
                continue;
            }
            let Some(command) = self.line.find_subcommand(&word) else {
                return Position::Unknown;
            };
            if let Some(position) = self.arguments(command) {
                return position;
            }
        }
    }

    /// Takes a global option. Returns `None` if the word is not one, else the position of its value if that is not
    /// typed yet.
    fn global_option(&mut self, word: &str) -> Option<Option<Position>> {
        let mut options = GLOBAL_OPTIONS.iter();
        let option =
            options.find(|option| self.compatibility.global_options && option.name == word)?;
        let value = match option.value {
            None => String::new(),
            Some(_) => match self.words.pop_front() {
                None => return Some(Some(Position::GlobalValue(option.name))),
                Some(value) => value,
            },
        };
        // An invalid value is an error, which running the line reports.
        let _ = self.options.set(option.name, &value);
        Some(None)
    }

    fn meaning(&self, word: &str) -> Option<Vec<String>> {
        if let Some(shortcut) = self.config.shortcut(word) {
            return shortcut.words.clone().ok();
        }
        let words = expansion(word).filter(|_| !is_command(word, self.compatibility))?;
        Some(words.iter().map(ToString::to_string).collect())
    }

    /// Takes the arguments of a command. Returns the position among them if the words end there.
    fn arguments(&mut self, command: &Command) -> Option<Position> {
        let positionals: Vec<_> = command.get_positionals().collect();
        let takes_many = positionals.last().is_some_and(|last| {
            let range = last.get_num_args();
            range.is_some_and(|range| range.max_values() > 1)
        });
        let mut given = Vec::new();
        loop {
            let is_full = given.len() >= positionals.len() && !takes_many;
            let Some(word) = self.words.front() else {
                if is_full && !positionals.is_empty() {
                    self.note_connection(command, &given);
                    return Some(Position::Command);
                }
                let is_required = positionals
                    .get(given.len())
                    .is_some_and(|next| next.is_required_set());
                return Some(Position::Argument {
                    command: Box::new(command.clone()),
                    given,
                    may_end: !is_required && !takes_many,
                });
            };
            if word == "+" || (is_full && !positionals.is_empty()) {
                break;
            }
            if word.len() > 1 && word.starts_with('-') {
                let word = self.words.pop_front().unwrap_or_default();
                if let Some(Some(position)) = self.global_option(&word) {
                    return Some(position);
                }
                if takes_value(command, &word) && self.words.pop_front().is_none() {
                    return Some(Position::OptionValue {
                        command: Box::new(command.clone()),
                        option: word,
                    });
                }
                continue;
            }
            if is_full {
                break;
            }
            given.extend(self.words.pop_front());
        }
        self.note_connection(command, &given);
        None
    }

    fn note_connection(&mut self, command: &Command, given: &[String]) {
        if command.get_name() == "connect" {
            self.connection = given.first().cloned();
        }
    }
}

/// Returns whether an option of the command has its value in the next word.
fn takes_value(command: &Command, word: &str) -> bool {
    let is_it = |option: &&clap::Arg| match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => option
            .get_short()
            .is_some_and(|short| word == format!("-{short}")),
    };
    let option = command.get_arguments().find(is_it);
    option.is_some_and(|option| !option.is_positional() && option.get_action().takes_values())
}
