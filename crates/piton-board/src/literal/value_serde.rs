//! [`Value`] as a serde type. This module's formats keep it exactly; other formats get the nearest type that they have.

use std::fmt;

use serde::de::{self, Deserialize, Visitor};
use serde::ser::{self, Serialize, SerializeTuple};

use super::int::Int;
use super::parse::parse;
use super::value::Value;

/// The name by which a [`Value`] requests its text from our deserializer: see [`ValueVisitor::visit_map`].
pub(super) const VALUE_NAME: &str = "$piton_board::literal::Value";

/// The names by which [`Value`] passes types that serde does not have to our serializer, which writes a call around the
/// content. Other serializers write only the content.
pub(super) const ARRAY_NAME: &str = "$piton_board::literal::array";
pub(super) const BYTE_ARRAY_NAME: &str = "$piton_board::literal::bytearray";
pub(super) const COMPLEX_NAME: &str = "$piton_board::literal::complex";
pub(super) const ELLIPSIS_NAME: &str = "$piton_board::literal::Ellipsis";
pub(super) const FROZEN_SET_NAME: &str = "$piton_board::literal::frozenset";
pub(super) const SET_NAME: &str = "$piton_board::literal::set";

impl Serialize for Value {
    /// Serializes exactly the value through [`to_literal`](super::to_literal). For other serializers a set becomes a
    /// sequence, an attribute tuple a tuple, and an array a pair of its type code and its numbers.
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::None => serializer.serialize_unit(),
            Value::Ellipsis => serializer.serialize_unit_struct(ELLIPSIS_NAME),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Int(number) => number.serialize(serializer),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Complex { real, imaginary } => {
                serializer.serialize_newtype_struct(COMPLEX_NAME, &(real, imaginary))
            }
            Value::Str(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Value::ByteArray(bytes) => {
                serializer.serialize_newtype_struct(BYTE_ARRAY_NAME, &AsBytes(bytes))
            }
            Value::List(items) => items.serialize(serializer),
            Value::Array { typecode, items } => {
                serializer.serialize_newtype_struct(ARRAY_NAME, &(typecode, items))
            }
            Value::Set(items) => serializer.serialize_newtype_struct(SET_NAME, items),
            Value::FrozenSet(items) => serializer.serialize_newtype_struct(FROZEN_SET_NAME, items),
            Value::Dict(items) => {
                serializer.collect_map(items.iter().map(|(key, value)| (key, value)))
            }
            Value::Tuple(items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                for item in items {
                    tuple.serialize_element(item)?;
                }
                tuple.end()
            }
            Value::NamedTuple(fields) => {
                let mut tuple = serializer.serialize_tuple(fields.len())?;
                for (_, value) in fields {
                    tuple.serialize_element(value)?;
                }
                tuple.end()
            }
        }
    }
}

struct AsBytes<'b>(&'b [u8]);

impl Serialize for AsBytes<'_> {
    fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    /// Deserializes exactly the value through [`from_literal`](super::from_literal). From other formats every sequence
    /// becomes a list.
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE_NAME, ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_newtype_struct<D: de::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(Int::from(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Int(Int::from(number)))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Value, E> {
        Ok(Value::Int(Int::from(number)))
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Value, E> {
        Ok(Value::Int(Int::from(number)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Str(text.to_owned()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut dict = Vec::new();
        while let Some(key) = items.next_key()? {
            if matches!(&key, Value::Str(name) if name == VALUE_NAME) {
                let Text(text) = items.next_value()?;
                return parse(&text).map_err(de::Error::custom);
            }
            dict.push((key, items.next_value()?));
        }
        Ok(Value::Dict(dict))
    }
}

/// The text that our deserializer passes.
struct Text(Vec<u8>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of a literal")
            }

            fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
        }

        deserializer.deserialize_bytes(TextVisitor)
    }
}
