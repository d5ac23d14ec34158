//! Arguments of calls, as text for the board and bytes beside it.

use piton_board::literal::{LiteralError, py_bytes, py_str, to_literal, to_literal_with_data};
use serde::Serialize;

use super::error::DeviceError;

/// How device/serve.py names what goes beside the text.
const DATA: &str = "_d";

/// Longer bytes do not stand in the text.
const SHORT: usize = 64;

/// Longer texts, in bytes, do not stand in the text: the board needs less memory for them than for a literal.
const SHORT_TEXT: usize = 512;

/// Python code for a call, with objects of bytes beside it: they cross the line as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    text: String,
    data: Vec<Vec<u8>>,
    is_code_alone: bool,
}

impl Arguments {
    /// No code.
    pub fn new() -> Arguments {
        Arguments::default()
    }

    /// No code, and none of what is added goes beside it, however long it is.
    pub fn code_alone() -> Arguments {
        Arguments {
            is_code_alone: true,
            ..Arguments::default()
        }
    }

    /// Adds code.
    pub fn push_code(&mut self, code: &str) {
        self.text.push_str(code);
    }

    /// Adds an expression for a bytes object: a literal if it is short.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        if bytes.len() <= SHORT || self.is_code_alone {
            self.text.push_str(&py_bytes(bytes));
            return;
        }
        self.text.push_str(&format!("{DATA}[{}]", self.data.len()));
        self.data.push(bytes.to_vec());
    }

    /// Adds an expression for a str object: a literal if it is not long.
    pub fn push_text(&mut self, text: &str) {
        if text.len() <= SHORT_TEXT || self.is_code_alone {
            self.text.push_str(&py_str(text));
            return;
        }
        self.text.push_str("str(");
        self.push_bytes(text.as_bytes());
        self.text.push_str(",'utf8')");
    }

    /// Adds an expression for a value.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Argument`] when its type can't be sent.
    pub fn push<A: Serialize + ?Sized>(&mut self, value: &A) -> Result<(), DeviceError> {
        let text = match self.is_code_alone {
            true => to_literal(value),
            false => to_literal_with_data(value, DATA, &mut self.data),
        };
        self.text.push_str(&text.map_err(DeviceError::Argument)?);
        Ok(())
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.text
    }

    pub(super) fn data(&self) -> &[Vec<u8>] {
        &self.data
    }

    /// The code, and what goes beside it.
    pub(super) fn into_parts(self) -> (String, Vec<Vec<u8>>) {
        (self.text, self.data)
    }

    /// `(1, 'a')` for a tuple or a tuple struct, `()` for a unit, `(value,)` for anything else.
    pub(super) fn positional<A: Serialize + ?Sized>(
        arguments: &A,
    ) -> Result<Arguments, DeviceError> {
        let mut code = Arguments::new();
        code.push(arguments)?;
        code.text = in_parentheses(code.text);
        Ok(code)
    }

    /// `{'a': 1}` for a struct or a map with names, `{}` for a unit.
    pub(super) fn named<A: Serialize + ?Sized>(arguments: &A) -> Result<Arguments, DeviceError> {
        let mut code = Arguments::new();
        code.push(arguments)?;
        code.text = with_names(code.text)?;
        Ok(code)
    }

    /// Puts code before this.
    pub(super) fn after(mut self, code: &str) -> Arguments {
        self.text.insert_str(0, code);
        self
    }
}

impl From<&str> for Arguments {
    fn from(code: &str) -> Arguments {
        Arguments {
            text: code.to_owned(),
            ..Arguments::default()
        }
    }
}

fn in_parentheses(text: String) -> String {
    match text.as_str() {
        "None" => "()".to_owned(),
        tuple if tuple.starts_with('(') => text,
        _ => format!("({text},)"),
    }
}

fn with_names(text: String) -> Result<String, DeviceError> {
    match text.as_str() {
        "None" => Ok("{}".to_owned()),
        map if map.starts_with('{') => Ok(text),
        _ => Err(DeviceError::Argument(LiteralError::Unsupported {
            message: "globals need names: give a struct or a map".to_owned(),
        })),
    }
}

/// The expression in which bytes beside it stand as literals, for boards without device/serve.py.
pub(super) fn inlined(expression: &str, data: &[Vec<u8>]) -> String {
    if data.is_empty() {
        return expression.to_owned();
    }
    let literals: String = data.iter().map(|bytes| py_bytes(bytes) + ",").collect();
    // The last two are names of the session, which a function does not see.
    format!("(lambda {DATA},_k,_o:{expression})(({literals}),_k,_o)")
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
            assert_eq!(in_parentheses(value.to_owned()), arguments);
        }
        assert_eq!(with_names("None".to_owned()).unwrap(), "{}");
        assert!(with_names("(1, 2)".to_owned()).is_err());
    }

    #[test]
    fn long_bytes_stand_beside_the_code() {
        let mut code = Arguments::from("f(");
        code.push_bytes(b"a");
        code.push_code(",");
        code.push_bytes(&[7; 65]);
        code.push_code(")");
        assert_eq!(code.code(), "f(b'a',_d[0])");
        assert_eq!(code.data(), [vec![7; 65]]);
        let mut alone = Arguments::code_alone();
        alone.push_bytes(&[b'a'; 65]);
        alone.push_text(&"t".repeat(600));
        assert_eq!(alone.code().len(), 3 + 65 + 2 + 600);
        assert!(alone.data().is_empty());
        let mut text = Arguments::new();
        text.push_text("short");
        text.push_text(&"\u{e4}".repeat(300));
        assert_eq!(text.code(), "'short'str(_d[0],'utf8')");
        assert_eq!(text.data(), ["\u{e4}".repeat(300).into_bytes()]);
        let inlined = inlined("f(_d[0])", &[b"x".to_vec()]);
        assert_eq!(inlined, "(lambda _d,_k,_o:f(_d[0]))((b'x',),_k,_o)");
    }
}
