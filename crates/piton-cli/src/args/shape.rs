//! How each command takes its arguments from the words behind its name.

use crate::compatibility::Compatibility;

/// How a command takes its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArgumentShape {
    /// Takes options, and as many positional arguments as it has; the next word belongs to the next command.
    Counted,
    /// The same for `fs`, whose first argument is a command of its own.
    FileCommand,
    /// The same, and behind a `--` the arguments of the program that it runs.
    Program,
    /// Takes all words up to a `+`, options anywhere among them: the commands that mpremote lacks and that work with
    /// files.
    UpToPlus,
    /// Takes none: mpremote's macros, which are complete in themselves.
    Macro,
}

impl ArgumentShape {
    /// Returns the shape of the command called `name`.
    pub(super) fn of(name: &str, compatibility: &Compatibility) -> ArgumentShape {
        match name {
            "build" | "compile" | "deploy" | "inspect" | "keygen" | "minify" | "sync"
            | "verify" => ArgumentShape::UpToPlus,
            "df" | "reset" | "bootloader" if !compatibility.macros_take_arguments => {
                ArgumentShape::Macro
            }
            "exec" | "run" if compatibility.program_arguments => ArgumentShape::Program,
            "fs" => ArgumentShape::FileCommand,
            _ => ArgumentShape::Counted,
        }
    }
}
