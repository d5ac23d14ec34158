//! Finds the end of one command's arguments by the rules of mpremote's parser (Python's `argparse`).
//!
//! Each mpremote command is parsed with one more positional argument that takes everything left over: the next
//! command. `argparse` fills positionals as soon as it meets them, so the leftovers begin right after the last
//! positional of the command, or, for a command that takes many, at the first option after them. `clap` has no
//! such rule; so the line is split here, by what `clap` knows of the command, and each part parsed by `clap`.

use super::{GLOBAL_OPTIONS, GlobalOption};

/// The arguments of one command, by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// Options of the command with their values, as they were typed.
    pub(super) options: Vec<String>,
    /// Positional arguments of the command.
    pub(super) positionals: Vec<String>,
    /// Global options among the arguments, with their values.
    pub(super) globals: Vec<(String, Option<String>)>,
    /// The words of the next commands.
    pub(super) rest: Vec<String>,
}

/// Takes all of `words` except global options. `clap` finds the options among them.
pub(super) fn take_all(words: &[String], with_globals: bool) -> Split {
    let mut split = Split::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            split.options.push(word.clone());
            split.options.extend(words.by_ref().cloned());
        } else if with_globals && let Some(option) = global_option(word) {
            let value = option.value.and_then(|_| words.next());
            split.globals.push((option.name.to_owned(), value.cloned()));
        } else {
            split.options.push(word.clone());
        }
    }
    split
}

/// Removes the arguments of a program from the end of `words`: those after the first `--` that follows the arguments
/// of `command` itself. mpremote has nothing like it.
pub(super) fn program_arguments(
    command: &clap::Command,
    words: &mut Vec<String>,
) -> Option<Vec<String>> {
    let dashes = (0..words.len()).filter(|at| words.get(*at).is_some_and(|word| word == "--"));
    for at in dashes {
        let own = split(command, words.get(..at)?, true);
        if own.rest.is_empty() && own.positionals.len() == command.get_positionals().count() {
            let arguments = words.split_off(at + 1);
            words.pop();
            return Some(arguments);
        }
    }
    None
}

/// Removes the arguments of a program from the end of `words`, the words of `micropython`: those after the script, the
/// code or the module. The code becomes one word with its option, because it may begin with a `-`.
pub(super) fn interpreter_arguments(
    command: &clap::Command,
    words: &mut Vec<String>,
) -> Vec<String> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match classify(command, word, true) {
            _ if matches!(word.as_str(), "-c" | "-m") && at + 1 < words.len() => {
                let value = words.remove(at + 1);
                if let Some(word) = words.get_mut(at) {
                    *word = format!("{word}={value}");
                }
                return words.split_off(at + 1);
            }
            Word::Positional => return words.split_off(at + 1),
            Word::Option { takes_next } | Word::Global { takes_next } => {
                at += 1 + usize::from(takes_next);
            }
        }
    }
    Vec::new()
}

/// The kind of a word, for a command.
enum Word {
    Positional,
    /// An option.
    Option {
        takes_next: bool,
    },
    /// A global option, where the command has no option of that name.
    Global {
        takes_next: bool,
    },
}

/// Splits `words` into the arguments of `command` and the rest. `with_globals`: global options may be among them.
pub(super) fn split(command: &clap::Command, words: &[String], with_globals: bool) -> Split {
    let mut split = Split::default();
    // The number of words of each positional: one, or as many as come in a row.
    let mut slots = command
        .get_positionals()
        // Hidden ones are for command lines that are not split.
        .filter(|slot| !slot.is_hide_set())
        .map(|slot| {
            slot.get_num_args()
                .is_some_and(|range| range.max_values() > 1)
        })
        .collect::<Vec<bool>>()
        .into_iter()
        .peekable();
    let takes_positionals = slots.peek().is_some();
    let mut words = words.iter().peekable();
    while let Some(word) = words.peek() {
        if takes_positionals && slots.peek().is_none() {
            break;
        }
        if word.as_str() == "--" {
            if takes_positionals {
                words.next();
                split.take_after_dashes(&mut words, &mut slots);
            }
            break;
        }
        match classify(command, word, with_globals) {
            Word::Positional => {
                let Some(many) = slots.next() else { break };
                split.positionals.extend(words.next().cloned());
                while many
                    && let Some(word) = words.next_if(|word| {
                        matches!(classify(command, word, with_globals), Word::Positional)
                    })
                {
                    split.positionals.push(word.clone());
                }
                if words.next_if(|word| word.as_str() == "--").is_some() {
                    // A positional of many words continues after a global option.
                    let mut slots = many.then_some(true).into_iter().chain(slots);
                    split.take_after_dashes(&mut words, &mut slots);
                    break;
                }
            }
            Word::Option { takes_next } => {
                split.options.extend(words.next().cloned());
                if takes_next {
                    let value = words
                        .next_if(|word| matches!(classify(command, word, false), Word::Positional));
                    split.options.extend(value.cloned());
                }
            }
            Word::Global { takes_next } => {
                let name = words.next().cloned().unwrap_or_default();
                let value = words.next_if(|_| takes_next).cloned();
                split.globals.push((name, value));
            }
        }
    }
    split.rest.extend(words.cloned());
    split
}

impl Split {
    /// Takes the words after `--`: all of them are positional.
    fn take_after_dashes<'w>(
        &mut self,
        words: &mut impl Iterator<Item = &'w String>,
        slots: &mut impl Iterator<Item = bool>,
    ) {
        for many in slots {
            if many {
                self.positionals.extend(words.by_ref().cloned());
            } else {
                self.positionals.extend(words.next().cloned());
            }
        }
    }
}

/// Classifies a word by `argparse`'s rules for options, in its order.
fn classify(command: &clap::Command, word: &str, with_globals: bool) -> Word {
    if !word.starts_with('-') || word == "-" {
        return Word::Positional;
    }
    let (name, has_value) = match word.split_once('=') {
        Some((name, _)) => (name, true),
        None => (word, false),
    };
    if let Some(takes_value) = find_option(command, name) {
        return Word::Option {
            takes_next: takes_value && !has_value,
        };
    }
    if with_globals && let Some(option) = global_option(word) {
        return Word::Global {
            takes_next: option.value.is_some(),
        };
    }
    if is_negative_number(word) || word.contains(' ') {
        return Word::Positional;
    }
    Word::Option { takes_next: false }
}

/// Returns whether `command` has an option of this name.
pub(super) fn takes_option(command: &clap::Command, name: &str) -> bool {
    find_option(command, name).is_some()
}

/// Returns the global option `word`, which must be written in full.
pub(super) fn global_option(word: &str) -> Option<&'static GlobalOption> {
    GLOBAL_OPTIONS.iter().find(|option| option.name == word)
}

/// Returns whether the option `name` of `command` takes a value from the next word; `None` if there is no such option.
/// Long options may be shortened as long as they stay unambiguous, short ones joined.
fn find_option(command: &clap::Command, name: &str) -> Option<bool> {
    let options = || {
        command
            .get_arguments()
            .filter(|argument| !argument.is_positional())
    };
    if let Some(long) = name.strip_prefix("--") {
        let named = |exact: bool| {
            options().find(|option| {
                option.get_long().is_some_and(|own| {
                    if exact {
                        own == long
                    } else {
                        !long.is_empty() && own.starts_with(long)
                    }
                })
            })
        };
        let option = named(true).or_else(|| named(false))?;
        return Some(option.get_action().takes_values());
    }
    let mut letters = name.chars().skip(1);
    let first = letters.next()?;
    let option = options().find(|option| option.get_short() == Some(first))?;
    // `-p3` holds its value. Of joined letters (`-rv`) the last one could take the next word, and no such letter of
    // ours takes a value.
    Some(option.get_action().takes_values() && letters.next().is_none())
}

/// Returns whether a word is a negative number: to `argparse`, `-1` and `-.5` are arguments where no option looks like
/// a number.
fn is_negative_number(word: &str) -> bool {
    let Some(digits) = word.strip_prefix('-') else {
        return false;
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match fraction {
        Some(fraction) => all_digits(whole) && all_digits(fraction) && !fraction.is_empty(),
        None => all_digits(whole) && !whole.is_empty(),
    }
}
