//! The arguments of each command among the words after its name.

use crate::commands::romfs::images;
use crate::compatibility::Compatibility;

/// The form of a command's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArgumentShape {
    /// Takes options, and as many positional arguments as it has; the next word belongs to the next command.
    Counted,
    /// As [`ArgumentShape::Counted`], but the first argument is a sub-command: `fs`.
    FileCommand,
    /// As [`ArgumentShape::Counted`], with the arguments of the program after a `--`.
    Program,
    /// As [`ArgumentShape::Program`], but what follows its last own argument, to the end of the line, is the program's:
    /// `micropython`.
    Interpreter,
    /// Takes all words up to a `+`, with options anywhere among them: file commands that mpremote lacks.
    UpToPlus,
    /// No words: mpremote's macros.
    Macro,
}

impl ArgumentShape {
    /// Returns the shape of the command called `name`.
    ///
    /// `first` is the word after it: commands for image files are not mpremote's.
    pub(super) fn of(
        name: &str,
        first: Option<&str>,
        compatibility: &Compatibility,
    ) -> ArgumentShape {
        match name {
            "romfs"
                if compatibility.extended_romfs
                    && first.is_some_and(|word| images::COMMANDS.contains(&word)) =>
            {
                ArgumentShape::UpToPlus
            }
            "build" | "compile" | "deploy" | "freeze" | "index" | "inspect" | "keygen"
            | "manifest" | "minify" | "self" | "sync" | "test" | "verify" => {
                ArgumentShape::UpToPlus
            }
            "df" | "reset" | "bootloader" if !compatibility.macros_take_arguments => {
                ArgumentShape::Macro
            }
            "exec" | "run" if compatibility.program_arguments => ArgumentShape::Program,
            "fs" => ArgumentShape::FileCommand,
            "micropython" => ArgumentShape::Interpreter,
            _ => ArgumentShape::Counted,
        }
    }
}
