//! The errors of a command line.

use crate::config::Remark;

/// Why a command line is not valid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    /// No command has this name.
    #[error("'{word}' is not a command")]
    NotACommand {
        /// The word in the place of a command.
        word: String,
        /// The suggestions.
        hints: Vec<String>,
    },
    /// The arguments do not fit their command, in Piton's words.
    #[error("{problem}")]
    Wrong {
        /// The problem.
        problem: String,
        /// What may have been meant.
        hints: Vec<String>,
    },
    /// `fs` has no sub-command of this name.
    #[error("fs: '{word}' is not a command; pass fs --help for a list")]
    NotAFileCommand {
        /// The word.
        word: String,
        /// The nearest name.
        nearest: Option<String>,
    },
    /// `mip` has no sub-command of this name.
    #[error("mip: '{word}' is not a command")]
    NotAMipCommand {
        /// The word.
        word: String,
    },
    /// `romfs` has no sub-command of this name.
    #[error("romfs: '{word}' is not a command; pass romfs --help for a list")]
    NotARomfsCommand {
        /// The word.
        word: String,
    },
    /// The arguments do not fit a user's shortcut.
    #[error("Command {name} {problem}; signature is:\n    {signature}")]
    ShortcutArguments {
        /// The shortcut.
        name: String,
        /// The missing or superfluous argument, in mpremote's words.
        problem: String,
        /// Its signature.
        signature: String,
    },
    /// A user's shortcut contains itself, directly or through others.
    #[error("shortcut `{}` refers to itself: {}", names.first().map_or("", String::as_str), names.join(" -> "))]
    ShortcutLoop {
        /// The shortcuts, from the word on the line to the repeated one.
        names: Vec<String>,
    },
    /// A user's shortcut could not be read.
    #[error("shortcut `{name}` is not known: {remark}")]
    UnreadShortcut {
        /// The shortcut.
        name: String,
        /// The place of the shortcut, and why it was not read.
        remark: Remark,
    },
    /// A global option lacks its value.
    #[error("`{option}` needs a value")]
    NoValue {
        /// The option's name.
        option: String,
    },
    /// The value of a global option is not valid.
    #[error("`{option} {value}`: expected {expected}")]
    BadValue {
        /// The option's name.
        option: String,
        /// The value as given.
        value: String,
        /// A description of valid values.
        expected: &'static str,
    },
    /// The two folders of `sync` are both on the board, or both on this computer.
    #[error("sync: {0}")]
    Sync(&'static str),
    /// The arguments do not fit a command that mpremote lacks, under mpremote's name.
    #[error("{0}")]
    Arguments(clap::Error),
    /// The arguments do not fit a command of mpremote, as mpremote prints it.
    #[error("{text}")]
    Argparse {
        /// The lines of the usage and of the problem.
        text: String,
    },
}
