//! The errors of literals.

use std::fmt;

/// Why a literal could not be read or written. Offsets count bytes from the start of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LiteralError {
    /// The text is not a literal.
    #[error("not a Python literal: expected {expected} at byte {at}, found {found}")]
    Syntax {
        /// Offset of the error.
        at: usize,
        /// What a literal could have at this offset.
        expected: &'static str,
        /// The next few bytes at this offset, escaped, or "the end".
        found: String,
    },
    /// Brackets nest deeper than [`DEPTH_LIMIT`](super::DEPTH_LIMIT).
    #[error("literal nests deeper than {limit} levels at byte {at}")]
    TooDeep {
        /// Offset of the first bracket that is too deep.
        at: usize,
        /// Maximum number of levels.
        limit: usize,
    },
    /// A str is not Unicode text: it has a lone surrogate, or bytes that are not UTF-8 (a MicroPython built without
    /// Unicode prints these unchanged).
    #[error("str is not Unicode text at byte {at}")]
    NotText {
        /// Offset of the escape or byte.
        at: usize,
    },
    /// The text is a literal, but not of the requested type.
    #[error("unexpected value{}: {message}", Place(*at))]
    Mismatch {
        /// Offset of the value, if it is known.
        at: Option<usize>,
        /// The requested and the existing type.
        message: String,
    },
    /// The value cannot be written as a Python literal.
    #[error("can't be written as a Python literal: {message}")]
    Unsupported {
        /// The message of the type.
        message: String,
    },
}

impl LiteralError {
    /// Returns the error with this offset, if it is a mismatch without one.
    pub(super) fn located(self, place: usize) -> LiteralError {
        match self {
            LiteralError::Mismatch { at: None, message } => LiteralError::Mismatch {
                at: Some(place),
                message,
            },
            other => other,
        }
    }
}

impl serde::de::Error for LiteralError {
    fn custom<T: fmt::Display>(message: T) -> LiteralError {
        LiteralError::Mismatch {
            at: None,
            message: message.to_string(),
        }
    }
}

impl serde::ser::Error for LiteralError {
    fn custom<T: fmt::Display>(message: T) -> LiteralError {
        LiteralError::Unsupported {
            message: message.to_string(),
        }
    }
}

struct Place(Option<usize>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, " at byte {at}"),
            None => Ok(()),
        }
    }
}
