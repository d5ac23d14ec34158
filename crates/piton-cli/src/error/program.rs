//! Failures of programs on the board.

/// Why a program did not run, or how it ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// It ended with an exception. Its traceback is already printed.
    #[error("the program on the board raised an exception")]
    Raised,
    /// It gave this exit code to `sys.exit()`.
    #[error("the program on the board ended with exit code {code}")]
    Exited {
        /// The code, not 0.
        code: u8,
    },
    /// The board has no `sys.argv` to hold its arguments.
    #[error("the board takes no arguments for programs: {message}")]
    NoArguments {
        /// What the board said it lacks.
        message: String,
    },
    /// The board does not run a `.mpy` file.
    #[error("`{path}` does not run on this board: {source}")]
    Mpy {
        /// Path as given.
        path: String,
        /// The reason.
        source: piton::program::MpyError,
    },
    /// The board cannot load a `.mpy` file from its memory.
    #[error("the board could not take `{path}` into its memory: {message}")]
    NoMpyFromMemory {
        /// Path as given.
        path: String,
        /// What the board raised.
        message: String,
    },
}

impl ProgramError {
    /// Returns the hints. `name` is the name of this program.
    pub(super) fn hints(&self, name: &str) -> Vec<String> {
        match self {
            ProgramError::Mpy { .. } => vec![format!(
                "`{name} info` shows what the board loads; `{name} compile` makes files for it from the sources"
            )],
            ProgramError::NoMpyFromMemory { .. } => vec![format!(
                "copy it there: `{name} cp FILE :`, then `{name} exec 'import NAME'`"
            )],
            _ => Vec::new(),
        }
    }
}
