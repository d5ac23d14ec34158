//! Values that calls return, as the board sent them.

use piton_board::literal::{ARRAY_MODULE, Value, from_literal, from_value, parse, unpacked};
use serde::de::DeserializeOwned;

use super::error::DeviceError;

/// The value of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Returned {
    /// What `repr()` gave.
    Text(String),
    /// A long object of bytes, characters or numbers, which crossed the line as it is.
    Value(Value),
}

impl Returned {
    /// Returns what `repr()` gives for the value.
    pub fn into_text(self) -> String {
        match self {
            Returned::Text(text) => text,
            Returned::Value(value @ Value::Array { .. }) => {
                let text = value.to_string();
                text.strip_prefix(ARRAY_MODULE).unwrap_or(&text).to_owned()
            }
            Returned::Value(value) => value.to_string(),
        }
    }

    /// Returns the value, whatever it is.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Value`] when it has no form as a literal.
    pub fn into_value(self) -> Result<Value, DeviceError> {
        match self {
            Returned::Text(text) => match parse(text.as_bytes()) {
                Ok(value) => Ok(value),
                Err(source) => Err(DeviceError::Value { text, source }),
            },
            Returned::Value(value) => Ok(value),
        }
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Value`] when it has no form as a literal, or not that of `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, DeviceError> {
        match self {
            Returned::Text(text) => read(text),
            Returned::Value(value) => from_value(value).map_err(|source| DeviceError::Value {
                text: value.to_string(),
                source,
            }),
        }
    }
}

/// Reads the text of a value.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, DeviceError> {
    from_literal(text.as_bytes()).map_err(|source| DeviceError::Value {
        text: text.to_owned(),
        source,
    })
}

/// Returns the value that stands in an answer as `kind` and its bytes: device/serve.py lists the kinds.
pub(super) fn decoded(kind: u8, body: &[u8]) -> Option<Value> {
    Some(match kind {
        b'B' => Value::Bytes(body.to_vec()),
        b'M' => Value::ByteArray(body.to_vec()),
        // The board checks the text that it makes, and the frame has a checksum.
        b'S' => Value::Str(String::from_utf8_lossy(body).into_owned()),
        b'A' => {
            let (&[typecode, size], items) = body.split_first_chunk()?;
            unpacked(
                char::from(typecode),
                usize::from(size.wrapping_sub(b'0')),
                items,
            )?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_what_their_text_is() {
        for (kind, body, text) in [
            (b'B', b"a\x00".as_slice(), r"b'a\x00'"),
            (b'M', b"a", "bytearray(b'a')"),
            (b'S', "\u{e4}'".as_bytes(), "\"\u{e4}'\""),
            (b'A', b"h2\x01\x00\xff\xff", "array('h', [1, -1])"),
        ] {
            let value = decoded(kind, body).unwrap();
            assert_eq!(Returned::Value(value).into_text(), text);
        }
        let returned = Returned::Value(Value::Bytes(vec![1, 2]));
        assert_eq!(returned.read::<Vec<u8>>().unwrap(), [1, 2]);
        assert!(returned.read::<bool>().is_err());
        for (kind, body) in [(b'A', b"h".as_slice()), (b'A', b"h2x"), (b'Z', b"")] {
            assert_eq!(decoded(kind, body), None);
        }
    }
}
