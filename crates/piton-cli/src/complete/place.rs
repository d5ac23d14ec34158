//! Where a half-typed line stands: before a command, or among the arguments of one.

use std::collections::VecDeque;

use clap::Command;

use crate::args::shortcuts::{expansion, is_command};
use crate::args::{GLOBAL_OPTIONS, GlobalOptions};
use crate::compatibility::Compatibility;
use crate::config::Config;

/// What is known of a line up to the word that is being typed.
#[derive(Debug)]
pub(super) struct Situation {
    /// What that word is.
    pub(super) place: Place,
    /// What the last `connect` named.
    pub(super) connection: Option<String>,
    /// The global options so far.
    pub(super) options: GlobalOptions,
}

/// What a word is.
#[derive(Debug)]
pub(super) enum Place {
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
        /// Of this command.
        command: Box<Command>,
        /// Behind these arguments.
        given: Vec<String>,
        /// Whether the command is complete without: the next one may begin here.
        may_end: bool,
    },
    /// A file, or something that we know nothing of.
    Unknown,
}

/// Read the words before the one that is being typed.
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
    let place = reader.read();
    Situation {
        place,
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
    fn read(&mut self) -> Place {
        // A shortcut may stand for itself; the line itself would complain.
        let mut expansions = 0;
        loop {
            let Some(word) = self.words.pop_front() else {
                return Place::Command;
            };
            if word == "+" {
                continue;
            }
            if let Some(place) = self.global_option(&word) {
                match place {
                    Some(place) => return place,
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
                return Place::Unknown;
            };
            if let Some(place) = self.arguments(command) {
                return place;
            }
        }
    }

    /// Take in a global option: `None` if the word is none, else the place of its value if that is not there yet.
    fn global_option(&mut self, word: &str) -> Option<Option<Place>> {
        let mut options = GLOBAL_OPTIONS.iter();
        let option =
            options.find(|option| self.compatibility.global_options && option.name == word)?;
        let value = match option.value {
            None => String::new(),
            Some(_) => match self.words.pop_front() {
                None => return Some(Some(Place::GlobalValue(option.name))),
                Some(value) => value,
            },
        };
        // A value that makes no sense is the line's to complain about.
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

    /// Take the arguments of a command: its place when the words end among them.
    fn arguments(&mut self, command: &Command) -> Option<Place> {
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
                    return Some(Place::Command);
                }
                let is_required = positionals
                    .get(given.len())
                    .is_some_and(|next| next.is_required_set());
                return Some(Place::Argument {
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
                if let Some(Some(place)) = self.global_option(&word) {
                    return Some(place);
                }
                if takes_value(command, &word) && self.words.pop_front().is_none() {
                    return Some(Place::OptionValue {
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

/// Whether an option of the command has its value in the next word.
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
