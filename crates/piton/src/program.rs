//! Programs that a person runs on a board: with arguments, with an exit code, from a source or from a `.mpy` file.
//! [`Session::run_program`](crate::Session::run_program) follows one to its end.
//!
//! The raw REPL makes a soft reset at a `SystemExit` and loses its value. So a source is sent inside a `try`,
//! by [`Guarded`], whose `except` clause converts it to an exception with the value. The host then makes the
//! reset, which [`Exit::Exited`] requests.

mod guard;
mod input;
mod mpy;
mod run;
mod traceback;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;
use piton_board::literal::{Value, from_literal, py_str};
use piton_board::repl::RawRepl;

pub use guard::Guarded;
pub use input::{Input, Line, reads_input};
pub use mpy::{MpyError, check_mpy, is_mpy, send_mpy};
pub use run::{Code, Ended, Following, Program, ProgramError};
pub use traceback::located;

/// The end of a program without an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ran to its end.
    End,
    /// It raised `SystemExit`. The caller makes a soft reset, as the REPL does.
    Exited(ExitValue),
}

/// The value that a program passed to `sys.exit()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitValue {
    /// The exit code, by Python's rules: 0 for no value and `None`, the lowest eight bits of a number, 1 for anything
    /// else.
    pub code: u8,
    /// Text for stderr, if the value is neither `None` nor a number.
    pub message: Option<String>,
}

impl ExitValue {
    /// Returns the value in an exception of a [`Guarded`] program; `None` for other exceptions.
    fn of(exception: &BoardException) -> Option<ExitValue> {
        if exception.type_name != "Exception" {
            return None;
        }
        if exception.message == guard::EXIT {
            return Some(ExitValue {
                code: 0,
                message: None,
            });
        }
        // The exception's arguments: the mark, and the value.
        let arguments = exception
            .message
            .strip_prefix(&format!("('{}', ", guard::EXIT))?
            .strip_suffix(')')?;
        let (code, message) = match from_literal(arguments.as_bytes()) {
            Ok(Value::None) => (0, None),
            Ok(Value::Bool(flag)) => (u8::from(flag), None),
            Ok(Value::Int(number)) => (lowest_byte(&number.to_string()), None),
            Ok(Value::Str(text)) => (1, Some(text)),
            // `repr()` of an object.
            _ => (1, Some(arguments.to_owned())),
        };
        Some(ExitValue { code, message })
    }
}

/// Returns a whole number, of any size, modulo 256.
fn lowest_byte(digits: &str) -> u8 {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let byte = digits.bytes().fold(0u8, |byte, digit| {
        byte.wrapping_mul(10).wrapping_add(digit.wrapping_sub(b'0'))
    });
    if negative { byte.wrapping_neg() } else { byte }
}

/// Makes `arguments` the board's `sys.argv`, in one exchange.
///
/// # Errors
///
/// As for [`RawRepl::exec`]: boards without `sys.argv` raise an exception.
pub fn set_argv(
    raw: &mut RawRepl<'_>,
    arguments: &[String],
    deadline: Deadline,
) -> Result<(), BoardError> {
    let arguments = arguments
        .iter()
        .map(|argument| py_str(argument))
        .collect::<Vec<String>>()
        .join(",");
    let source = format!("import sys\nsys.argv.clear()\nsys.argv.extend([{arguments}])\n");
    raw.run(source.as_bytes(), deadline).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(message: &str) -> Option<(u8, Option<String>)> {
        let exception = BoardException::parse(format!("Exception: {message}\r\n").as_bytes());
        ExitValue::of(&exception).map(|value| (value.code, value.message))
    }

    #[test]
    fn values_are_converted_to_codes_as_in_python() {
        for (message, code, text) in [
            ("piton exit", 0, None),
            ("('piton exit', None)", 0, None),
            ("('piton exit', 0)", 0, None),
            ("('piton exit', 3)", 3, None),
            ("('piton exit', -1)", 255, None),
            ("('piton exit', 256)", 0, None),
            ("('piton exit', 36893488147419103233)", 1, None),
            ("('piton exit', True)", 1, None),
            ("('piton exit', 'it\\'s \\u20ac')", 1, Some("it's \u{20ac}")),
            ("('piton exit', 2.5)", 1, Some("2.5")),
            ("('piton exit', <object>)", 1, Some("<object>")),
            ("('piton exit', 1, 2)", 1, Some("1, 2")),
        ] {
            assert_eq!(
                value(message),
                Some((code, text.map(Into::into))),
                "{message}"
            );
        }
        assert_eq!(value("something else"), None);
    }
}
