//! Everything that can be wrong with a command line.

use crate::config::Remark;

/// What is wrong with a command line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    /// No command has this name.
    #[error("'{word}' is not a command")]
    NotACommand {
        /// The word that stands where a command should.
        word: String,
        /// What a person may have meant.
        hints: Vec<String>,
    },
    /// The arguments of one command do not fit it, in our own words.
    #[error("{problem}")]
    Wrong {
        /// What does not fit.
        problem: String,
        /// What would.
        hints: Vec<String>,
    },
    /// `fs` has no sub-command of this name.
    #[error("fs: '{word}' is not a command; pass fs --help for a list")]
    NotAFileCommand {
        /// The word.
        word: String,
        /// The name that it is nearest to.
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
    /// A person's shortcut was given what it does not take, or not what it needs.
    #[error("Command {name} {problem}; signature is:\n    {signature}")]
    ShortcutArguments {
        /// The shortcut.
        name: String,
        /// What is missing or too many, in mpremote's words.
        problem: String,
        /// What it takes.
        signature: String,
    },
    /// A person's shortcut stands, over others maybe, for itself.
    #[error("shortcut `{}` stands for itself: {}", names.first().map_or("", String::as_str), names.join(" -> "))]
    ShortcutLoop {
        /// The shortcuts, from the word on the line to the one that comes again.
        names: Vec<String>,
    },
    /// A person's shortcut could not be read.
    #[error("shortcut `{name}` is not known: {remark}")]
    UnreadShortcut {
        /// The shortcut.
        name: String,
        /// Where it stands, and why it was not read.
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
        /// What it should be.
        expected: &'static str,
    },
    /// The two folders of `sync` are on one side.
    #[error("sync: {0}")]
    Sync(&'static str),
    /// The arguments of a command that mpremote lacks do not fit it, under mpremote's name.
    #[error("{0}")]
    Arguments(clap::Error),
    /// The arguments of one of mpremote's commands do not fit it, as mpremote prints it.
    #[error("{text}")]
    Argparse {
        /// The usage and what is wrong, in lines.
        text: String,
    },
}
