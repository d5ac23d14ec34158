//! Why a text is no literal, or a literal is not the value asked for.

use std::fmt;

/// Why a literal could not be read or written. Offsets count bytes from the start of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LiteralError {
    /// The text breaks off, or goes on in a way that no literal does.
    #[error("not a Python literal: expected {expected} at byte {at}, found {found}")]
    Syntax {
        /// Where.
        at: usize,
        /// What could have stood there.
        expected: &'static str,
        /// What stands there: the next few bytes, escaped, or "the end".
        found: String,
    },
    /// Brackets nest deeper than [`DEPTH_LIMIT`](super::DEPTH_LIMIT).
    #[error("literal nests deeper than {limit} levels at byte {at}")]
    TooDeep {
        /// Where the first bracket too many stands.
        at: usize,
        /// How deep is allowed.
        limit: usize,
    },
    /// A str holds something that is not Unicode text: a lone surrogate, or bytes that are not UTF-8 (a
    /// MicroPython built without Unicode prints those as they are).
    #[error("str is not Unicode text at byte {at}")]
    NotText {
        /// Where the offending escape or byte stands.
        at: usize,
    },
    /// The text is a literal, but not of the type asked for.
    #[error("unexpected value{}: {message}", Place(*at))]
    Mismatch {
        /// Where the value starts, where that is known.
        at: Option<usize>,
        /// What was asked for and what was there.
        message: String,
    },
    /// The value has no form as a Python literal.
    #[error("can't be written as a Python literal: {message}")]
    Unsupported {
        /// What the type said.
        message: String,
    },
}

impl LiteralError {
    /// The same error; a mismatch that has no place yet gets this one.
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
