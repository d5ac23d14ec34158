//! What is wrong with a source, in CPython's words.

/// An error of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// `SyntaxError`, `IndentationError` or `TabError`.
    pub(crate) class: &'static str,
    pub(crate) message: String,
    /// The line, from 1.
    pub(crate) line: u32,
    /// Whether it is about a bracket that is still open at the end: other errors go first, unless they are after it.
    pub(crate) unclosed: bool,
}

impl SyntaxError {
    pub(crate) fn new(message: &str, line: u32) -> SyntaxError {
        SyntaxError {
            class: "SyntaxError",
            message: message.to_owned(),
            line,
            unclosed: false,
        }
    }

    pub(crate) fn indentation(message: &str, line: u32) -> SyntaxError {
        SyntaxError {
            class: "IndentationError",
            ..SyntaxError::new(message, line)
        }
    }

    pub(crate) fn tabs(line: u32) -> SyntaxError {
        SyntaxError {
            class: "TabError",
            ..SyntaxError::new("inconsistent use of tabs and spaces in indentation", line)
        }
    }

    pub(crate) fn unclosed(bracket: char, line: u32) -> SyntaxError {
        SyntaxError {
            unclosed: true,
            ..SyntaxError::new(&format!("'{bracket}' was never closed"), line)
        }
    }

    /// Returns whether CPython reports this error of the tokens before one of the grammar in `line`.
    pub(crate) fn goes_before(&self, line: u32) -> bool {
        if self.unclosed {
            return self.line < line;
        }
        // Blocks and continued lines are only looked at when the grammar comes to them.
        self.class == "SyntaxError" && !self.message.starts_with("unexpected ")
    }
}
