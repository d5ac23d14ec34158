//! Python values as text: reading the output of `repr()` on a board, and writing literals that a board evaluates.
//!
//! - [`parse()`] reads text into a [`Value`]; `Value`'s [`Display`](std::fmt::Display) writes it.
//! - [`from_literal`] and [`to_literal`] convert to and from your own types, through serde.
//! - [`py_str`] and [`py_bytes`] quote arguments for code that is sent to a board.
//!
//! The parser accepts the output of MicroPython, CircuitPython and CPython, and more: `inf` and `nan` as well as
//! `float('inf')`, attribute tuples such as `(sysname='rp2', release='1.29.0')`, named tuples, adjacent strings,
//! hexadecimal numbers, trailing commas. Nesting is limited to [`DEPTH_LIMIT`], so that no text can
//! overflow the stack.
//!
//! # Types
//!
//! | Rust, through serde | written as | read from |
//! |---|---|---|
//! | `()`, unit struct, `Option::None` | `None` | `None` (and `...`) |
//! | `bool` | `True`, `False` | the same |
//! | integers up to 128 bits, [`Int`] | decimal | any integer notation |
//! | `f32`, `f64` | shortest text that reads back equal | floats, integers |
//! | `char`, `String`, unit variant | str | str |
//! | bytes | bytes | bytes, bytearray, str (its UTF-8) |
//! | sequences | list | list, tuple, set, frozenset, bytes, bytearray |
//! | tuples, tuple structs | tuple | as for sequences |
//! | maps with keys of any kind | dict | dict, attribute tuple |
//! | structs | dict with str keys | dict, attribute tuple, list or tuple in the order of the fields |
//! | other enum variants | `{'Variant': value}` | the same |
//! | [`Value`] | itself | anything |

mod array;
mod deserialize;
mod error;
mod int;
mod number;
mod parse;
mod repr;
mod serialize;
mod string;
mod value;
mod value_serde;
mod write;

pub use array::unpacked;
pub use deserialize::{from_literal, from_value};
pub use error::LiteralError;
pub use int::Int;
pub use parse::{DEPTH_LIMIT, parse};
pub use serialize::{to_literal, to_literal_with_data};
pub use value::Value;
pub use write::{ARRAY_MODULE, py_bytes, py_str};
