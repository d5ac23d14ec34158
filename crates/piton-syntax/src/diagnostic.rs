//! Why a source was rejected, in the official compiler's words.

use std::borrow::Cow;
use std::fmt;

use crate::interner::Qstr;

/// The Python exception type of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorType {
    /// The source breaks a rule of the language.
    SyntaxError,
    /// Indentation that does not fit.
    IndentationError,
    /// Something the compiler does not do.
    NotImplementedError,
    /// A limit of the bytecode was passed.
    RuntimeError,
    /// Something does not fit into the compiler's own tables.
    MemoryError,
}

impl ErrorType {
    /// The name of the type in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorType::SyntaxError => "SyntaxError",
            ErrorType::IndentationError => "IndentationError",
            ErrorType::NotImplementedError => "NotImplementedError",
            ErrorType::RuntimeError => "RuntimeError",
            ErrorType::MemoryError => "MemoryError",
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
    /// For errors found after parsing, the simple name of the scope: `<module>`, a function ...
    pub scope: Option<Vec<u8>>,
}

/// Why a source was rejected.
///
/// Type, message, line and scope are those of `mpy-cross` 1.29; [`Diagnostic::traceback`] is what it
/// writes to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The type of the exception.
    pub error_type: ErrorType,
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
            error_type: failure.error_type,
            message: failure.message,
            location: None,
        }
    }

    /// The text `mpy-cross` prints: a traceback if there is a place, then type and message; each
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
        text.extend_from_slice(self.error_type.name().as_bytes());
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
        write!(formatter, "{}: {}", self.error_type.name(), self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Where a [`Failure`] is, before names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// No place.
    Nowhere,
    /// Not known where the error is found: whoever passes it on says it with [`Failure::or_at`].
    Open,
    /// A line of the input, while parsing.
    Input(u32),
    /// A line in a scope of this name.
    Scope(u32, Qstr),
}

/// An error on its way out.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The type of the exception.
    pub error_type: ErrorType,
    /// The message, without type and place.
    pub message: Cow<'static, str>,
    /// Where it is.
    pub place: Place,
}

impl Failure {
    /// Returns a `SyntaxError` of the parser at this line.
    pub fn syntax(message: impl Into<Cow<'static, str>>, line: u32) -> Failure {
        Failure {
            error_type: ErrorType::SyntaxError,
            message: message.into(),
            place: Place::Input(line),
        }
    }

    fn without_place(error_type: ErrorType, message: &'static str) -> Failure {
        Failure {
            error_type,
            message: Cow::Borrowed(message),
            place: Place::Nowhere,
        }
    }

    /// `\N{...}`: needs the names of all characters.
    pub fn unicode_name_escape() -> Failure {
        Failure::without_place(ErrorType::NotImplementedError, "unicode name escapes")
    }

    /// A name of more than 255 bytes.
    pub fn name_too_long() -> Failure {
        Failure::without_place(ErrorType::RuntimeError, "name too long")
    }

    /// More of something than the bytecode has numbers for, where the official compiler stops with an
    /// assertion or writes a module that does something else.
    pub fn limit(message: &'static str) -> Failure {
        Failure {
            place: Place::Open,
            ..Failure::without_place(ErrorType::RuntimeError, message)
        }
    }

    /// The same failure at this place, if it has none yet.
    pub fn or_at(self, place: Place) -> Failure {
        Failure {
            place: match self.place {
                Place::Open => place,
                known => known,
            },
            ..self
        }
    }

    /// A jump that does not fit into 15 bits.
    pub fn bytecode_overflow() -> Failure {
        Failure::without_place(ErrorType::RuntimeError, "bytecode overflow")
    }

    /// Numbers too deep in tuples, where the official compiler's stack check stops it.
    pub fn recursion_depth() -> Failure {
        Failure::without_place(ErrorType::RuntimeError, "maximum recursion depth exceeded")
    }

    /// A function that asks for an emitter that does not exist yet.
    pub fn native_code() -> Failure {
        Failure::without_place(
            ErrorType::NotImplementedError,
            "native code (`@micropython.native`, `viper` and `asm_*`) is not yet supported",
        )
    }

    /// More of something than the compiler's own 32-bit tables hold.
    pub fn too_large() -> Failure {
        Failure::without_place(ErrorType::MemoryError, "source too large")
    }
}
