//! Why a source was rejected, in the official compiler's words.

mod code;

use std::borrow::Cow;
use std::fmt;

use crate::interner::Qstr;

pub use code::DiagnosticCode;

/// The Python exception type of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorType {
    /// The source breaks a rule of the language.
    SyntaxError,
    /// Indentation that does not fit.
    IndentationError,
    /// A type that viper does not have, or that does not fit.
    ViperTypeError,
    /// Something the compiler does not do.
    NotImplementedError,
    /// A limit of the bytecode was passed.
    RuntimeError,
    /// Something does not fit into the compiler's own tables.
    MemoryError,
    /// A number does not fit into a machine word.
    OverflowError,
}

impl ErrorType {
    /// Returns the name of the type in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorType::SyntaxError => "SyntaxError",
            ErrorType::IndentationError => "IndentationError",
            ErrorType::ViperTypeError => "ViperTypeError",
            ErrorType::NotImplementedError => "NotImplementedError",
            ErrorType::RuntimeError => "RuntimeError",
            ErrorType::MemoryError => "MemoryError",
            ErrorType::OverflowError => "OverflowError",
        }
    }
}

/// Where in the source an error is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The name of the source: for parse errors that of the input, else the embedded one.
    pub source_name: Vec<u8>,
    /// The line, from 1 (0 if the compiler lost it, as the official one does in a few cases).
    pub line: u32,
    /// The column in characters, from 1: of errors of the parser. Later ones have none.
    pub column: Option<u32>,
    /// For errors found after parsing, the simple name of the scope: `<module>`, a function ...
    pub scope: Option<Vec<u8>>,
}

/// Why a source was rejected.
///
/// Type, message, line and scope are those of `mpy-cross` 1.29; [`Diagnostic::traceback`] is what it
/// writes to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of the error.
    pub code: DiagnosticCode,
    /// The message, without type and place.
    pub message: Cow<'static, str>,
    /// The place; a few errors have none.
    pub location: Option<Location>,
}

impl Diagnostic {
    /// Returns the diagnostic of a failure, with the place still to be filled in.
    #[must_use]
    pub fn without_location(failure: Failure) -> Diagnostic {
        Diagnostic {
            code: failure.code,
            message: failure.message,
            location: None,
        }
    }

    /// Returns the type of the exception.
    #[must_use]
    pub fn error_type(&self) -> ErrorType {
        self.code.error_type()
    }

    /// Returns the text that `mpy-cross` prints: a traceback if there is a place, then type and message. Each
    /// line ends with a newline.
    #[must_use]
    pub fn traceback(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Some(location) = &self.location {
            text.extend_from_slice(b"Traceback (most recent call last):\n  File \"");
            text.extend_from_slice(&location.source_name);
            text.extend_from_slice(format!("\", line {}", location.line).as_bytes());
            if let Some(scope) = &location.scope {
                text.extend_from_slice(b", in ");
                text.extend_from_slice(scope);
            }
            text.push(b'\n');
        }
        text.extend_from_slice(self.error_type().name().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(self.message.as_bytes());
        text.push(b'\n');
        text
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            let source_name = String::from_utf8_lossy(&location.source_name);
            write!(formatter, "{source_name}:{}: ", location.line)?;
        }
        write!(formatter, "{}: {}", self.error_type().name(), self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Where a [`Failure`] is, before names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// No place.
    Nowhere,
    /// Not known where the error is found: a caller fills it in with [`Failure::or_at`].
    Open,
    /// A line of the input, while parsing.
    Input(u32),
    /// A line in a scope of this name.
    Scope(u32, Qstr),
}

/// An error on its way to the caller, who makes a [`Diagnostic`] of it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The kind of the error.
    pub code: DiagnosticCode,
    /// The message, without type and place.
    pub message: Cow<'static, str>,
    /// Where it is.
    pub place: Place,
    /// The column of [`Place::Input`], if it is known.
    pub column: Option<u32>,
}

impl Failure {
    /// Returns a failure at a place, with the message of its code.
    #[must_use]
    pub fn new(code: DiagnosticCode, place: Place) -> Failure {
        Failure {
            code,
            message: Cow::Borrowed(code.message()),
            place,
            column: None,
        }
    }

    /// Returns the same failure with these words.
    #[must_use]
    pub fn with_message(self, message: String) -> Failure {
        Failure {
            message: Cow::Owned(message),
            ..self
        }
    }

    /// Returns a failure in a line of the input.
    #[must_use]
    pub fn in_line(code: DiagnosticCode, line: u32) -> Failure {
        Failure::new(code, Place::Input(line))
    }

    /// Returns a failure without a place.
    #[must_use]
    pub fn nowhere(code: DiagnosticCode) -> Failure {
        Failure::new(code, Place::Nowhere)
    }

    /// Returns a failure whose place a caller sets.
    ///
    /// It is for more of something than the bytecode has numbers for, where the official compiler stops with an
    /// assertion or writes a module that does something else.
    #[must_use]
    pub fn limit(code: DiagnosticCode) -> Failure {
        Failure::new(code, Place::Open)
    }

    /// Returns the failure of more of something than the compiler's own 32-bit tables hold.
    #[must_use]
    pub fn too_large() -> Failure {
        Failure::nowhere(DiagnosticCode::SourceTooLarge)
    }

    /// Returns the diagnostic of a failure that is in a line of the input, or nowhere.
    pub(crate) fn in_source(self, input_name: &[u8]) -> Diagnostic {
        let location = match self.place {
            Place::Input(line) => Some(Location {
                source_name: input_name.to_vec(),
                line,
                column: self.column,
                scope: None,
            }),
            Place::Nowhere | Place::Open | Place::Scope(..) => None,
        };
        Diagnostic {
            location,
            ..Diagnostic::without_location(self)
        }
    }

    /// Returns the same failure at this place, if its place is open.
    #[must_use]
    pub fn or_at(self, place: Place) -> Failure {
        Failure {
            place: match self.place {
                Place::Open => place,
                known => known,
            },
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(source_name: &[u8], line: u32, scope: Option<&[u8]>) -> Location {
        Location {
            source_name: source_name.to_vec(),
            line,
            column: None,
            scope: scope.map(<[u8]>::to_vec),
        }
    }

    fn check(location: Option<Location>, traceback: &str, display: &str) {
        let diagnostic = Diagnostic {
            location,
            ..Diagnostic::without_location(Failure::nowhere(DiagnosticCode::CannotAssign))
        };
        assert_eq!(String::from_utf8_lossy(&diagnostic.traceback()), traceback);
        assert_eq!(diagnostic.to_string(), display);
    }

    #[test]
    fn the_traceback_is_that_of_the_official_compiler() {
        check(
            None,
            "SyntaxError: can't assign to expression\n",
            "SyntaxError: can't assign to expression",
        );
        check(
            Some(location(b"a.py", 3, None)),
            "Traceback (most recent call last):\n  File \"a.py\", line 3\n\
             SyntaxError: can't assign to expression\n",
            "a.py:3: SyntaxError: can't assign to expression",
        );
        check(
            Some(location(b"b\xff.py", 0, Some(b"f"))),
            "Traceback (most recent call last):\n  File \"b\u{fffd}.py\", line 0, in f\n\
             SyntaxError: can't assign to expression\n",
            "b\u{fffd}.py:0: SyntaxError: can't assign to expression",
        );
    }

    /// A name need not be UTF-8: the official compiler prints its bytes.
    #[test]
    fn the_traceback_has_the_bytes_of_names() {
        let diagnostic = Diagnostic {
            location: Some(location(b"\xff", 1, Some(b"\xfe"))),
            ..Diagnostic::without_location(Failure::too_large())
        };
        let expected = b"Traceback (most recent call last):\n  File \"\xff\", line 1, in \xfe\nMemoryError: source too large\n";
        assert_eq!(diagnostic.traceback(), expected);
    }

    #[test]
    fn only_an_open_place_is_replaced() {
        let place = Place::Scope(7, Qstr(9));
        let code = DiagnosticCode::TooManyArguments;
        assert_eq!(Failure::limit(code).place, Place::Open);
        assert_eq!(Failure::limit(code).or_at(place).place, place);
        assert_eq!(Failure::nowhere(code).or_at(place).place, Place::Nowhere);
        assert_eq!(
            Failure::in_line(code, 2).or_at(place).place,
            Place::Input(2)
        );
        assert_eq!(Failure::limit(code).or_at(place).message, code.message());
    }

    #[test]
    fn types_have_the_names_that_python_knows() {
        for code in DiagnosticCode::ALL {
            let name = code.error_type().name();
            assert!(name.ends_with("Error"), "{code:?}");
            let diagnostic = Diagnostic::without_location(Failure::nowhere(*code));
            assert_eq!(
                diagnostic.to_string(),
                format!("{name}: {}", code.message())
            );
        }
    }
}
