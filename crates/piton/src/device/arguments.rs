//! Arguments of calls, as text for the board.

use piton_board::literal::to_literal;
use serde::Serialize;

use super::error::DeviceError;

/// Makes the text of arguments.
pub(super) struct Arguments;

impl Arguments {
    /// `(1, 'a')` for a tuple or a tuple struct, `()` for a unit, `(value,)` for anything else.
    pub(super) fn positional<A: Serialize + ?Sized>(arguments: &A) -> Result<String, DeviceError> {
        let text = to_literal(arguments).map_err(DeviceError::Argument)?;
        Ok(match text.as_str() {
            "None" => "()".to_owned(),
            tuple if tuple.starts_with('(') => text,
            _ => format!("({text},)"),
        })
    }

    /// `{'a': 1}` for a struct or a map with names, `{}` for a unit.
    pub(super) fn named<A: Serialize + ?Sized>(arguments: &A) -> Result<String, DeviceError> {
        let text = to_literal(arguments).map_err(DeviceError::Argument)?;
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
        #[derive(Serialize)]
        struct Names {
            pin: u8,
        }
        let positional = |arguments: &dyn Fn() -> Result<String, DeviceError>| arguments().unwrap();
        assert_eq!(positional(&|| Arguments::positional(&())), "()");
        assert_eq!(positional(&|| Arguments::positional(&(1, "a"))), "(1, 'a')");
        assert_eq!(positional(&|| Arguments::positional(&(1,))), "(1,)");
        assert_eq!(positional(&|| Arguments::positional(&vec![1])), "([1],)");
        assert_eq!(
            positional(&|| Arguments::named(&Names { pin: 2 })),
            "{'pin': 2}"
        );
        assert!(Arguments::named(&(1, 2)).is_err());
    }
}
