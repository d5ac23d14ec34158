//! Converting Rust types to literals, through serde. The parent module has the table of types.

use std::cell::RefCell;
use std::fmt::Write;

use serde::ser::{self, Serialize};

use super::array::packed;
use super::error::LiteralError;
use super::int::BIG_INT_NAME;
use super::value_serde::{
    ARRAY_NAME, BYTE_ARRAY_NAME, COMPLEX_NAME, ELLIPSIS_NAME, FROZEN_SET_NAME, SET_NAME,
};
use super::write::{ARRAY_CALL, py_bytes, py_str, write_f32, write_f64};

/// Returns `value` as a Python literal.
///
/// # Errors
///
/// [`LiteralError::Unsupported`] if the type's own `Serialize` fails.
pub fn to_literal<T: Serialize + ?Sized>(value: &T) -> Result<String, LiteralError> {
    let mut text = String::new();
    value.serialize(Serializer {
        text: &mut text,
        data: None,
    })?;
    Ok(text)
}

/// Returns `value` as a Python expression in which `name[0]`, `name[1]`, ... stand for long bytes. These are added to `data`, and
/// go to the board by another way than the text. So do the numbers of an array, if all boards have them in the same size.
///
/// # Errors
///
/// As for [`to_literal`].
pub fn to_literal_with_data<T: Serialize + ?Sized>(
    value: &T,
    name: &str,
    data: &mut Vec<Vec<u8>>,
) -> Result<String, LiteralError> {
    let mut text = String::new();
    let sink = Data {
        name,
        parts: RefCell::new(std::mem::take(data)),
    };
    let written = value.serialize(Serializer {
        text: &mut text,
        data: Some(&sink),
    });
    *data = sink.parts.into_inner();
    written.map(|()| text)
}

/// Maximum number of bytes that stay in the text.
const SHORT: usize = 64;

struct Serializer<'t> {
    text: &'t mut String,
    data: Option<&'t Data<'t>>,
}

/// The long bytes, and the name of what holds them on the board.
struct Data<'d> {
    name: &'d str,
    parts: RefCell<Vec<Vec<u8>>>,
}

impl Data<'_> {
    /// Adds bytes, and writes what stands for them.
    fn push(&self, text: &mut String, bytes: Vec<u8>) -> Result<(), LiteralError> {
        let mut parts = self.parts.borrow_mut();
        write!(text, "{}[{}]", self.name, parts.len())?;
        parts.push(bytes);
        Ok(())
    }
}

impl From<std::fmt::Error> for LiteralError {
    fn from(error: std::fmt::Error) -> LiteralError {
        LiteralError::Unsupported {
            message: error.to_string(),
        }
    }
}

macro_rules! as_decimal {
    ($($name:ident $number:ty),*) => {$(
        fn $name(self, number: $number) -> Result<(), LiteralError> {
            Ok(write!(self.text, "{number}")?)
        }
    )*};
}

impl<'t> ser::Serializer for Serializer<'t> {
    type Ok = ();
    type Error = LiteralError;
    type SerializeSeq = Items<'t>;
    type SerializeTuple = Items<'t>;
    type SerializeTupleStruct = Items<'t>;
    type SerializeTupleVariant = Items<'t>;
    type SerializeMap = Items<'t>;
    type SerializeStruct = Items<'t>;
    type SerializeStructVariant = Items<'t>;

    as_decimal!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128
    );

    fn serialize_bool(self, truth: bool) -> Result<(), LiteralError> {
        self.text.push_str(if truth { "True" } else { "False" });
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), LiteralError> {
        Ok(write_f32(self.text, number)?)
    }

    fn serialize_f64(self, number: f64) -> Result<(), LiteralError> {
        Ok(write_f64(self.text, number)?)
    }

    fn serialize_char(self, character: char) -> Result<(), LiteralError> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), LiteralError> {
        self.text.push_str(&py_str(text));
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), LiteralError> {
        match self.data {
            Some(data) if bytes.len() > SHORT => data.push(self.text, bytes.to_vec())?,
            _ => self.text.push_str(&py_bytes(bytes)),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), LiteralError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), LiteralError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), LiteralError> {
        self.text.push_str("None");
        Ok(())
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), LiteralError> {
        if name == ELLIPSIS_NAME {
            self.text.push_str("...");
            return Ok(());
        }
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), LiteralError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), LiteralError> {
        let call = match name {
            BIG_INT_NAME => {
                // The value is the number's decimal text, which the serializer has put in quotes.
                self.text.push_str(to_literal(value)?.trim_matches('\''));
                return Ok(());
            }
            // The content is written as a tuple, whose parentheses become those of the call.
            COMPLEX_NAME => {
                self.text.push_str("complex");
                return value.serialize(self);
            }
            ARRAY_NAME => {
                self.text.push_str(ARRAY_CALL);
                if let Some(data) = self.data
                    && let Some((typecode, numbers)) = packed(&to_literal(value)?)
                    && numbers.len() > SHORT
                {
                    write!(self.text, "('{typecode}', ")?;
                    data.push(self.text, numbers)?;
                    self.text.push(')');
                    return Ok(());
                }
                return value.serialize(self);
            }
            BYTE_ARRAY_NAME => "bytearray(",
            FROZEN_SET_NAME => "frozenset(",
            SET_NAME => "set(",
            _ => return value.serialize(self),
        };
        self.text.push_str(call);
        value.serialize(Serializer {
            text: self.text,
            data: self.data,
        })?;
        self.text.push(')');
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), LiteralError> {
        let items = self.variant(variant, "", "}");
        value.serialize(Serializer {
            text: items.text,
            data: items.data,
        })?;
        items.text.push_str(items.closing);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'t>, LiteralError> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'t>, LiteralError> {
        Ok(self.open("(", ")"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'t>, LiteralError> {
        Ok(self.open("(", ")"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'t>, LiteralError> {
        Ok(self.variant(variant, "(", ")}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'t>, LiteralError> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'t>, LiteralError> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items<'t>, LiteralError> {
        Ok(self.variant(variant, "{", "}}"))
    }
}

impl<'t> Serializer<'t> {
    fn open(self, opening: &str, closing: &'static str) -> Items<'t> {
        self.text.push_str(opening);
        Items {
            text: self.text,
            data: self.data,
            count: 0,
            closing,
        }
    }

    /// Writes the start of a dict whose only key is the variant's name, including the `opening` bracket of its content.
    fn variant(self, name: &str, opening: &str, closing: &'static str) -> Items<'t> {
        self.text.push('{');
        self.text.push_str(&py_str(name));
        self.text.push_str(": ");
        self.open(opening, closing)
    }
}

/// The items between two brackets.
struct Items<'t> {
    text: &'t mut String,
    data: Option<&'t Data<'t>>,
    count: usize,
    closing: &'static str,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LiteralError> {
        if self.count > 0 {
            self.text.push_str(", ");
        }
        self.count += 1;
        value.serialize(Serializer {
            text: self.text,
            data: self.data,
        })
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LiteralError> {
        self.text.push_str(": ");
        value.serialize(Serializer {
            text: self.text,
            data: self.data,
        })
    }

    fn finish(self) -> Result<(), LiteralError> {
        // A comma distinguishes a tuple of one item from a value in parentheses.
        if self.count == 1 && self.closing.starts_with(')') {
            self.text.push(',');
        }
        self.text.push_str(self.closing);
        Ok(())
    }
}

macro_rules! items {
    ($($kind:ident $item:ident),*) => {$(
        impl ser::$kind for Items<'_> {
            type Ok = ();
            type Error = LiteralError;

            fn $item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LiteralError> {
                self.item(value)
            }

            fn end(self) -> Result<(), LiteralError> {
                self.finish()
            }
        }
    )*};
}
items!(
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
);

macro_rules! fields {
    ($($kind:ident),*) => {$(
        impl ser::$kind for Items<'_> {
            type Ok = ();
            type Error = LiteralError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), LiteralError> {
                self.item(name)?;
                self.value(value)
            }

            fn end(self) -> Result<(), LiteralError> {
                self.finish()
            }
        }
    )*};
}
fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Items<'_> {
    type Ok = ();
    type Error = LiteralError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), LiteralError> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), LiteralError> {
        self.value(value)
    }

    fn end(self) -> Result<(), LiteralError> {
        self.finish()
    }
}
