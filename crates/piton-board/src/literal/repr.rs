//! The text of a value as a board prints it.

use std::fmt;

use super::value::Value;
use super::write::ARRAY_MODULE;

/// A value as `repr()` writes it on a board: with the names of named tuples, and arrays by the name of their type. A [`Value`] itself
/// prints as an expression that a board evaluates, which has neither.
pub(super) struct Repr<'v>(pub(super) &'v Value);

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Value], close: &str| {
            f.write_str(open)?;
            for (index, item) in items.iter().enumerate() {
                let separator = if index == 0 { "" } else { ", " };
                write!(f, "{separator}{}", Repr(item))?;
            }
            f.write_str(close)
        };
        match self.0 {
            Value::Tuple(of) if of.len() == 1 => items(f, "(", of, ",)"),
            Value::Tuple(of) => items(f, "(", of, ")"),
            Value::List(of) => items(f, "[", of, "]"),
            Value::Set(of) if !of.is_empty() => items(f, "{", of, "}"),
            Value::FrozenSet(of) if !of.is_empty() => items(f, "frozenset({", of, "})"),
            Value::NamedTuple(fields) if !fields.is_empty() => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    let separator = if index == 0 { "(" } else { ", " };
                    write!(f, "{separator}{name}={}", Repr(value))?;
                }
                f.write_str(")")
            }
            Value::Dict(of) => {
                f.write_str("{")?;
                for (index, (key, value)) in of.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}: {}", Repr(key), Repr(value))?;
                }
                f.write_str("}")
            }
            Value::Array { .. } => {
                let text = self.0.to_string();
                f.write_str(text.strip_prefix(ARRAY_MODULE).unwrap_or(&text))
            }
            value => value.fmt(f),
        }
    }
}
