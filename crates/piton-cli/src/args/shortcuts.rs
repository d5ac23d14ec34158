//! Shortcuts, which are replaced by other words: `ls` by `fs ls`, `devs` by `connect list`, `a0` by `connect
//! /dev/ttyACM0`, and those of the user's configuration.

use super::split::global_option;
use crate::compatibility::Compatibility;
use crate::config::{Config, Parameter, UserShortcut};
use crate::usage::UsageError;

/// One shortcut: its name, the words that replace it, and its help.
pub(crate) struct Shortcut {
    /// The word on the command line.
    pub(crate) name: &'static str,
    /// The words that replace it.
    pub(crate) words: &'static [&'static str],
    /// One line for the list of commands; empty for shortcuts that the list joins in one entry.
    pub(crate) help: &'static str,
}

const fn shortcut(
    name: &'static str,
    words: &'static [&'static str],
    help: &'static str,
) -> Shortcut {
    Shortcut { name, words, help }
}

/// mpremote's built-in shortcuts, by its `main.py`; `df`, `reset` and `bootloader` are commands here.
pub(crate) const SHORTCUTS: &[Shortcut] = &[
    shortcut("devs", &["connect", "list"], "list the serial ports"),
    shortcut("cat", &["fs", "cat"], "print files of the board"),
    shortcut("cp", &["fs", "cp"], "copy files from, to or on the board"),
    shortcut("ls", &["fs", "ls"], "list a folder of the board"),
    shortcut("mkdir", &["fs", "mkdir"], "make folders on the board"),
    shortcut("mv", &["fs", "mv"], "rename or move files of the board"),
    shortcut("rm", &["fs", "rm"], "remove files of the board"),
    shortcut(
        "rmdir",
        &["fs", "rmdir"],
        "remove empty folders of the board",
    ),
    shortcut(
        "sha256sum",
        &["fs", "sha256sum"],
        "print the SHA-256 of files of the board",
    ),
    shortcut("touch", &["fs", "touch"], "make empty files on the board"),
    shortcut(
        "tree",
        &["fs", "tree"],
        "draw the tree of a folder of the board",
    ),
    shortcut("--help", &["help"], ""),
    shortcut("--version", &["version"], ""),
    shortcut("a0", &["connect", "/dev/ttyACM0"], ""),
    shortcut("a1", &["connect", "/dev/ttyACM1"], ""),
    shortcut("a2", &["connect", "/dev/ttyACM2"], ""),
    shortcut("a3", &["connect", "/dev/ttyACM3"], ""),
    shortcut("u0", &["connect", "/dev/ttyUSB0"], ""),
    shortcut("u1", &["connect", "/dev/ttyUSB1"], ""),
    shortcut("u2", &["connect", "/dev/ttyUSB2"], ""),
    shortcut("u3", &["connect", "/dev/ttyUSB3"], ""),
    shortcut("c0", &["connect", "COM0"], ""),
    shortcut("c1", &["connect", "COM1"], ""),
    shortcut("c2", &["connect", "COM2"], ""),
    shortcut("c3", &["connect", "COM3"], ""),
];

/// Replaces a letter at the front by its words. mpremote has no letters.
pub(super) fn expand_letters(words: &mut Vec<String>) {
    let is_alone = words.len() == 1;
    let Some(word) = words.first() else { return };
    let meaning: &[&str] = match word.as_str() {
        "-h" => &["help"],
        "-V" => &["version"],
        // About half of all programs print their version at `-v`. Alone on a line it would open the REPL with a log,
        // which is never meant.
        "-v" if is_alone => &["version"],
        "-v" => &["--verbose"],
        "-vv" => &["--verbose", "--verbose"],
        _ => return,
    };
    words.splice(..1, meaning.iter().map(ToString::to_string));
}

/// Returns whether a shortcut of mpremote is a command of its own here.
pub(crate) fn is_command(name: &str, compatibility: &Compatibility) -> bool {
    compatibility.has_devs_command && name == "devs"
}

/// Returns the words that replace the shortcut `name`.
pub(crate) fn expansion(name: &str) -> Option<&'static [&'static str]> {
    SHORTCUTS
        .iter()
        .find(|shortcut| shortcut.name == name)
        .map(|shortcut| shortcut.words)
}

/// Replaces the first word by the words of its shortcut, until it is not a shortcut.
///
/// The rules are mpremote's: a user's shortcut goes before a built-in one of the same name, and before a command. Its
/// arguments become variables on the board, set by an `exec` in front of everything.
pub(super) fn expand(
    words: &mut Vec<String>,
    compatibility: &Compatibility,
    config: &Config,
) -> Result<(), UsageError> {
    let mut assignments = Vec::new();
    let mut last: Option<&UserShortcut> = None;
    let mut behind_last = 0;
    let mut names = Vec::new();
    while let Some(word) = words.first() {
        let meaning: Vec<String> = if let Some(shortcut) = config.shortcut(word) {
            note_name(&mut names, &shortcut.name)?;
            words.remove(0);
            for parameter in &shortcut.parameters {
                if !compatibility.defaults_before_plus
                    && words.first().is_some_and(|word| word == "+")
                {
                    break;
                }
                let value = argument(shortcut, parameter, words, compatibility)?;
                assignments.push(format!("{}={value}", parameter.name));
            }
            last = Some(shortcut);
            shortcut
                .words
                .clone()
                .map_err(|remark| UsageError::UnreadShortcut {
                    name: shortcut.name.clone(),
                    remark,
                })?
        } else if let Some(expansion) = expansion(word).filter(|_| !is_command(word, compatibility))
        {
            note_name(&mut names, word)?;
            words.remove(0);
            last = None;
            expansion.iter().map(ToString::to_string).collect()
        } else {
            break;
        };
        if meaning.is_empty() {
            // The shortcuts are used up: the next word is one of the typed line.
            names.clear();
        }
        behind_last = meaning.len();
        words.splice(0..0, meaning);
    }
    if let Some(shortcut) = last.filter(|shortcut| !shortcut.parameters.is_empty())
        && let Some((name, _)) = words.get(behind_last).and_then(|word| word.split_once('='))
    {
        return Err(wrong_arguments(
            shortcut,
            format!("given unexpected argument {name}"),
        ));
    }
    if !assignments.is_empty() {
        words.splice(0..0, ["exec".to_owned(), assignments.join(";")]);
    }
    Ok(())
}

/// Records that a shortcut was replaced.
///
/// # Errors
///
/// [`UsageError::ShortcutLoop`]: the same shortcut was replaced before, so it contains itself.
fn note_name(names: &mut Vec<String>, name: &str) -> Result<(), UsageError> {
    let seen = names.iter().any(|seen| seen == name);
    names.push(name.to_owned());
    match seen {
        true => Err(UsageError::ShortcutLoop {
            names: std::mem::take(names),
        }),
        false => Ok(()),
    }
}

/// Returns the value of one parameter: the next of the words that follow, else its default.
fn argument(
    shortcut: &UserShortcut,
    parameter: &Parameter,
    words: &mut Vec<String>,
    compatibility: &Compatibility,
) -> Result<String, UsageError> {
    let ends = |word: &String| {
        word == "+" || (compatibility.global_options && global_option(word).is_some())
    };
    if let Some(next) = words.first().filter(|word| !ends(word)) {
        let value = match next.split_once('=') {
            None => Some(next.clone()),
            Some((name, value)) if name == parameter.name => Some(value.to_owned()),
            Some(_) => None,
        };
        if let Some(value) = value {
            words.remove(0);
            return Ok(value);
        }
    }
    parameter
        .default
        .clone()
        .ok_or_else(|| wrong_arguments(shortcut, format!("missing argument {}", parameter.name)))
}

fn wrong_arguments(shortcut: &UserShortcut, problem: String) -> UsageError {
    UsageError::ShortcutArguments {
        name: shortcut.name.clone(),
        problem,
        signature: shortcut.signature(),
    }
}
