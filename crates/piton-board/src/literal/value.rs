//! A Python value of any type.

use std::borrow::Cow;

use super::error::LiteralError;
use super::int::Int;
use super::parse::{Node, Shape, Token};

/// A Python value.
///
/// Two values are equal if their types and contents are equal, with items in the same order: `1`, `1.0` and `True`
/// differ, and so do sets with another order of items. As in Python, `nan` does not equal itself.
///
/// `Display` writes a literal that evaluates to an equal value on a board.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    None,
    /// `...`, which boards print as `Ellipsis`.
    Ellipsis,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of any size.
    Int(Int),
    /// A float. Many boards calculate in single precision.
    Float(f64),
    /// A complex number.
    Complex {
        /// The real part.
        real: f64,
        /// The imaginary part.
        imaginary: f64,
    },
    /// A str.
    Str(String),
    /// A bytes object.
    Bytes(Vec<u8>),
    /// A bytearray.
    ByteArray(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A tuple whose items have names, as `os.uname()` or a namedtuple: printed as `(name=value, ...)`, maybe with
    /// the type's name before it. Written as a plain tuple, to which it is equal on a board.
    NamedTuple(Vec<(String, Value)>),
    /// A list.
    List(Vec<Value>),
    /// A dict, in the printed order.
    Dict(Vec<(Value, Value)>),
    /// A set.
    Set(Vec<Value>),
    /// A frozenset.
    FrozenSet(Vec<Value>),
    /// An `array.array`.
    Array {
        /// Its type code, such as `i` or `f`.
        typecode: char,
        /// Its numbers.
        items: Vec<Value>,
    },
}

impl Value {
    /// Returns the value of the next nodes. The parser's depth limit bounds the recursion.
    pub(super) fn from_nodes<'a>(
        nodes: &mut impl Iterator<Item = Node<'a>>,
    ) -> Result<Value, LiteralError> {
        let Some(node) = nodes.next() else {
            return Err(LiteralError::Syntax {
                at: 0,
                expected: "a value",
                found: "the end".to_owned(),
            });
        };
        Ok(match node.token {
            Token::None => Value::None,
            Token::Ellipsis => Value::Ellipsis,
            Token::Bool(truth) => Value::Bool(truth),
            Token::Int(number) => Value::Int(number),
            Token::Float(number) => Value::Float(number),
            Token::Complex { real, imaginary } => Value::Complex { real, imaginary },
            Token::Str(text) => Value::Str(text.into_owned()),
            Token::Bytes(bytes) => Value::Bytes(bytes.into_owned()),
            Token::ByteArray(bytes) => Value::ByteArray(bytes.into_owned()),
            Token::Group => Value::from_nodes(nodes)?,
            Token::Open {
                shape: Shape::Dict,
                items,
            } => Value::Dict(collect(items, || {
                Ok((Value::from_nodes(nodes)?, Value::from_nodes(nodes)?))
            })?),
            Token::Open {
                shape: Shape::NamedTuple,
                items,
            } => Value::NamedTuple(collect(items, || {
                let name = match nodes.next().map(|node| node.token) {
                    Some(Token::Str(name)) => name,
                    _ => Cow::Borrowed(""),
                };
                Ok((name.into_owned(), Value::from_nodes(nodes)?))
            })?),
            Token::Open { shape, items } => {
                let items = collect(items, || Value::from_nodes(nodes))?;
                match shape {
                    Shape::List => Value::List(items),
                    Shape::Set => Value::Set(items),
                    Shape::FrozenSet => Value::FrozenSet(items),
                    Shape::Array(typecode) => Value::Array {
                        typecode: char::from(typecode),
                        items,
                    },
                    Shape::Tuple | Shape::NamedTuple | Shape::Dict => Value::Tuple(items),
                }
            }
        })
    }
}

fn collect<T>(
    items: usize,
    mut item: impl FnMut() -> Result<T, LiteralError>,
) -> Result<Vec<T>, LiteralError> {
    (0..items).map(|_| item()).collect()
}
