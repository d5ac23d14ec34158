//! Converting literals to Rust types, through serde. The parent module has the table of types.

use std::borrow::Cow;

use serde::de::{
    self, Deserialize, DeserializeOwned, DeserializeSeed, IntoDeserializer, Unexpected, Visitor,
};

use super::error::LiteralError;
use super::int::Int;
use super::parse::{Node, Shape, Token, nodes};
use super::repr::Repr;
use super::value::Value;
use super::value_serde::VALUE_NAME;

/// Reads a Python literal as a `T`.
///
/// Integers beyond 128 bits can be read only as [`Int`] and [`Value`](super::Value).
///
/// # Errors
///
/// [`LiteralError::Mismatch`] if the text is a literal but not a `T`; the other variants if it is not a literal.
pub fn from_literal<T: DeserializeOwned>(text: &[u8]) -> Result<T, LiteralError> {
    let mut cursor = Cursor {
        text,
        nodes: nodes(text)?.into_iter(),
    };
    T::deserialize(&mut cursor)
}

/// Reads a value as a `T`, as [`from_literal`] reads its text.
///
/// # Errors
///
/// [`LiteralError::Mismatch`] when the value is no `T`.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, LiteralError> {
    let text = Repr(value).to_string();
    // One node for all of the text: long bytes are not read from it again.
    let token = match value {
        Value::Str(text) => Token::Str(Cow::Borrowed(text)),
        Value::Bytes(bytes) => Token::Bytes(Cow::Borrowed(bytes)),
        Value::ByteArray(bytes) => Token::ByteArray(Cow::Borrowed(bytes)),
        _ => return from_literal(text.as_bytes()),
    };
    let node = Node {
        at: 0,
        end: text.len(),
        token,
    };
    let mut cursor = Cursor {
        text: text.as_bytes(),
        nodes: vec![node].into_iter(),
    };
    T::deserialize(&mut cursor)
}

/// The nodes that are not used yet.
struct Cursor<'a> {
    text: &'a [u8],
    nodes: std::vec::IntoIter<Node<'a>>,
}

impl<'a> Cursor<'a> {
    /// Returns the next node. Parentheses around a single value are skipped.
    fn next(&mut self) -> Result<Node<'a>, LiteralError> {
        loop {
            match self.nodes.next() {
                Some(Node {
                    token: Token::Group,
                    ..
                }) => {}
                Some(node) => return Ok(node),
                None => return Err(de::Error::custom("the text ends before the value does")),
            }
        }
    }

    fn peek(&mut self) -> Option<&Node<'a>> {
        while let Some(Node {
            token: Token::Group,
            ..
        }) = self.nodes.as_slice().first()
        {
            self.nodes.next();
        }
        self.nodes.as_slice().first()
    }

    /// Returns the offset of the next value.
    fn offset(&mut self) -> usize {
        let end = self.text.len();
        self.peek().map_or(end, |node| node.at)
    }

    /// Skips the next value.
    fn skip(&mut self) -> Result<(), LiteralError> {
        let mut values = 1_usize;
        while values > 0 {
            values -= 1;
            if let Token::Open { shape, items } = self.next()?.token {
                values += match shape {
                    Shape::Dict | Shape::NamedTuple => items * 2,
                    _ => items,
                };
            }
        }
        Ok(())
    }

    /// Passes the next value to `visitor`, with its own type.
    fn any<'de, V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, LiteralError> {
        let node = self.next()?;
        let at = node.at;
        let visited = match node.token {
            Token::None | Token::Ellipsis | Token::Group => visitor.visit_unit(),
            Token::Bool(truth) => visitor.visit_bool(truth),
            Token::Int(number) => visit_int(&number, visitor),
            Token::Float(number) => visitor.visit_f64(number),
            Token::Complex { real, imaginary } => {
                visitor.visit_seq([real, imaginary].into_iter().into_seq())
            }
            Token::Str(text) => match text {
                Cow::Borrowed(text) => visitor.visit_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Token::Bytes(bytes) | Token::ByteArray(bytes) => visit_bytes(bytes, visitor),
            Token::Open { shape, items } => match shape {
                Shape::Dict | Shape::NamedTuple => self.map(items, visitor),
                _ => self.seq(items, false, visitor),
            },
        };
        visited.map_err(|error| error.located(at))
    }

    fn map<'de, V: Visitor<'de>>(
        &mut self,
        items: usize,
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        let mut left = Items {
            cursor: self,
            left: items,
            named: false,
        };
        let visited = visitor.visit_map(&mut left)?;
        left.finish(items)?;
        Ok(visited)
    }

    fn seq<'de, V: Visitor<'de>>(
        &mut self,
        items: usize,
        named: bool,
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        let mut left = Items {
            cursor: self,
            left: items,
            named,
        };
        let visited = visitor.visit_seq(&mut left)?;
        left.finish(items)?;
        Ok(visited)
    }

    /// As [`Cursor::any`], for a visitor of sequences: accepts also attribute tuples, without their names, and bytes.
    fn sequence<'de, V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, LiteralError> {
        let (at, items) = match self.peek() {
            Some(Node {
                at,
                token:
                    Token::Open {
                        shape: Shape::NamedTuple,
                        items,
                    },
                ..
            }) => (*at, *items),
            Some(Node {
                at,
                token: Token::Bytes(bytes) | Token::ByteArray(bytes),
                ..
            }) => {
                let at = *at;
                let bytes = bytes.to_vec();
                self.next()?;
                return visitor
                    .visit_seq(bytes.into_iter().into_seq())
                    .map_err(|error: LiteralError| error.located(at));
            }
            _ => return self.any(visitor),
        };
        self.next()?;
        self.seq(items, true, visitor)
            .map_err(|error| error.located(at))
    }
}

/// Conversion to serde's deserializer of sequences with our error type.
trait IntoSeq: Iterator + Sized {
    fn into_seq(self) -> de::value::SeqDeserializer<Self, LiteralError>
    where
        Self::Item: IntoDeserializer<'static, LiteralError>,
    {
        de::value::SeqDeserializer::new(self)
    }
}

impl<I: Iterator> IntoSeq for I {}

fn visit_int<'de, V: Visitor<'de>>(number: &Int, visitor: V) -> Result<V::Value, LiteralError> {
    let Some(machine) = number.to_i128() else {
        return match number.to_u128() {
            Some(number) => visitor.visit_u128(number),
            None => visitor.visit_str(&number.to_string()),
        };
    };
    match (i64::try_from(machine), u64::try_from(machine)) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_u64(number),
        _ => visitor.visit_i128(machine),
    }
}

fn visit_bytes<'de, V: Visitor<'de>>(
    bytes: Cow<'_, [u8]>,
    visitor: V,
) -> Result<V::Value, LiteralError> {
    match bytes {
        Cow::Borrowed(bytes) => visitor.visit_bytes(bytes),
        Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
    }
}

impl<'de> de::Deserializer<'de> for &mut Cursor<'_> {
    type Error = LiteralError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        self.any(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        // The digits are converted to single precision in one step. Through `f64` the number would be rounded twice.
        let text = self.text;
        let single = self.peek().and_then(|node| match node.token {
            Token::Float(_) => text.get(node.at..node.end),
            _ => None,
        });
        let single = single.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        match single {
            Some(number) => {
                let at = self.next()?.at;
                visitor
                    .visit_f32(number)
                    .map_err(|error: LiteralError| error.located(at))
            }
            None => self.deserialize_f64(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        let number = match self.peek().map(|node| &node.token) {
            Some(Token::Int(number)) => number.to_f64(),
            _ => return self.any(visitor),
        };
        let at = self.next()?.at;
        visitor
            .visit_f64(number)
            .map_err(|error: LiteralError| error.located(at))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        // A number that is too large for serde is passed as text, but it is not a `str`.
        if let Some(Node {
            at,
            token: Token::Int(_),
            ..
        }) = self.peek()
        {
            let error: LiteralError =
                de::Error::invalid_type(Unexpected::Other("integer"), &visitor);
            return Err(error.located(*at));
        }
        self.any(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        match self.peek().map(|node| &node.token) {
            Some(Token::Str(_)) => {}
            _ => return self.any(visitor),
        }
        let node = self.next()?;
        let visited = match node.token {
            Token::Str(text) => visitor.visit_byte_buf(text.into_owned().into_bytes()),
            _ => visitor.visit_unit(),
        };
        visited.map_err(|error: LiteralError| error.located(node.at))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        match self.peek().map(|node| &node.token) {
            Some(Token::None) => {
                self.next()?;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        if name != VALUE_NAME {
            return visitor.visit_newtype_struct(self);
        }
        let text = self.text;
        let node = self.peek().and_then(|node| text.get(node.at..node.end));
        let text = node.unwrap_or_default();
        self.skip()?;
        visitor.visit_map(ValueText(Some(text)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, LiteralError> {
        self.sequence(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        self.sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        self.sequence(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        let at = self.offset();
        let has_content = match self.peek().map(|node| &node.token) {
            Some(Token::Str(_)) => false,
            Some(Token::Open {
                shape: Shape::Dict,
                items: 1,
            }) => {
                self.next()?;
                true
            }
            _ => {
                let error: LiteralError = de::Error::custom(
                    "expected a variant's name, or a dict with it as the one key",
                );
                return Err(error.located(at));
            }
        };
        visitor
            .visit_enum(Variant {
                cursor: self,
                has_content,
            })
            .map_err(|error| error.located(at))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        self.skip()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 unit unit_struct map struct identifier
    }
}

/// The items of one bracket.
struct Items<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    left: usize,
    /// Whether each item has a name before it, to be skipped.
    named: bool,
}

impl Items<'_, '_> {
    /// Returns an error if the type has not used all items.
    fn finish(&mut self, items: usize) -> Result<(), LiteralError> {
        match self.left {
            0 => Ok(()),
            left => Err(LiteralError::Mismatch {
                at: Some(self.cursor.offset()),
                message: format!("{items} items, expected {}", items - left),
            }),
        }
    }
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, '_> {
    type Error = LiteralError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, LiteralError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if self.named {
            self.cursor.skip()?;
        }
        let at = self.cursor.offset();
        seed.deserialize(&mut *self.cursor)
            .map(Some)
            .map_err(|error| error.located(at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::MapAccess<'de> for &mut Items<'_, '_> {
    type Error = LiteralError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, LiteralError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let at = self.cursor.offset();
        seed.deserialize(&mut *self.cursor)
            .map(Some)
            .map_err(|error| error.located(at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, LiteralError> {
        let at = self.cursor.offset();
        seed.deserialize(&mut *self.cursor)
            .map_err(|error| error.located(at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// An enum's variant: its name comes next, then maybe its content.
struct Variant<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    has_content: bool,
}

impl Variant<'_, '_> {
    fn content(&self) -> Result<(), LiteralError> {
        match self.has_content {
            true => Ok(()),
            false => Err(de::Error::custom(
                "expected a dict with the variant's name as the one key, found the name only",
            )),
        }
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_, '_> {
    type Error = LiteralError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), LiteralError> {
        let name = seed.deserialize(&mut *self.cursor)?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, '_> {
    type Error = LiteralError;

    fn unit_variant(self) -> Result<(), LiteralError> {
        match self.has_content {
            true => Deserialize::deserialize(self.cursor),
            false => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, LiteralError> {
        self.content()?;
        seed.deserialize(self.cursor)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        self.content()?;
        self.cursor.sequence(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, LiteralError> {
        self.content()?;
        self.cursor.any(visitor)
    }
}

/// Passes the text of a [`Value`](super::Value) to it, as a map with one entry named [`VALUE_NAME`]: serde's data model
/// cannot distinguish tuples from lists, and has no sets or bytearrays.
struct ValueText<'a>(Option<&'a [u8]>);

impl<'de> de::MapAccess<'de> for ValueText<'_> {
    type Error = LiteralError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, LiteralError> {
        match self.0 {
            Some(_) => seed.deserialize(VALUE_NAME.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, LiteralError> {
        let text = self.0.take().unwrap_or_default();
        seed.deserialize(de::value::BytesDeserializer::new(text))
    }
}
