//! Arguments of calls, as text for the board.

use piton_board::literal::{to_literal, to_literal_with_base64};
use serde::Serialize;

use super::Device;
use super::error::DeviceError;

/// How device/session.py names `binascii.a2b_base64`.
const DECODE: &str = "_b";

/// Makes the text of arguments.
pub(super) struct Arguments;

impl Arguments {
    /// `(1, 'a')` for a tuple or a tuple struct, `()` for a unit, `(value,)` for anything else.
    pub(super) fn positional<A: Serialize + ?Sized>(
        device: &Device,
        arguments: &A,
    ) -> Result<String, DeviceError> {
        let text = Arguments::text(device, arguments)?;
        Ok(Arguments::in_parentheses(text))
    }

    fn in_parentheses(text: String) -> String {
        match text.as_str() {
            "None" => "()".to_owned(),
            tuple if tuple.starts_with('(') => text,
            _ => format!("({text},)"),
        }
    }

    /// A value as the board's code.
    pub(super) fn text<A: Serialize + ?Sized>(
        device: &Device,
        value: &A,
    ) -> Result<String, DeviceError> {
        match device.session().takes_base64() {
            true => to_literal_with_base64(value, DECODE),
            false => to_literal(value),
        }
        .map_err(DeviceError::Argument)
    }

    /// `{'a': 1}` for a struct or a map with names, `{}` for a unit.
    pub(super) fn named<A: Serialize + ?Sized>(
        device: &Device,
        arguments: &A,
    ) -> Result<String, DeviceError> {
        let text = Arguments::text(device, arguments)?;
        Arguments::check_names(text)
    }

    fn check_names(text: String) -> Result<String, DeviceError> {
        match text.as_str() {
            "None" => Ok("{}".to_owned()),
            map if map.starts_with('{') => Ok(text),
            _ => Err(DeviceError::Argument(
                piton_board::literal::LiteralError::Unsupported {
                    message: "globals need names: give a struct or a map".to_owned(),
                },
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_what_stands_behind_a_name() {
        for (value, arguments) in [
            ("None", "()"),
            ("(1, 'a')", "(1, 'a')"),
            ("(1,)", "(1,)"),
            ("[1]", "([1],)"),
        ] {
            assert_eq!(Arguments::in_parentheses(value.to_owned()), arguments);
        }
        assert_eq!(Arguments::check_names("None".to_owned()).unwrap(), "{}");
        assert!(Arguments::check_names("(1, 2)".to_owned()).is_err());
    }
}
