//! Python that is data: assignments and calls with literals, read without running anything.
//!
//! It is for files that configure a tool, such as mpremote's `config.py` and the `manifest.py` of libraries and
//! firmware. [`read`] takes any text. What only Python can run, it names with the line, and goes on after it: a
//! statement costs only itself, and so does an item of a list, a dict or a call. Both MicroPython's and CPython's
//! literals are understood.
//!
//! ```
//! use piton_syntax::script::{self, Names, StatementKind, Value};
//!
//! let statements = script::read(b"module('a.py', opt=3)\n");
//! let StatementKind::Expression(expression) = &statements[0].kind else { panic!() };
//! let call = expression.call().unwrap();
//! assert_eq!(call.function.as_name(), Some("module"));
//! assert_eq!(call.arguments[1].name.as_deref(), Some("opt"));
//! let path = call.arguments[0].value.value(&Names::new());
//! assert_eq!(path, Ok(Value::Text("a.py".to_owned())));
//! ```

mod literal;
mod reader;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use crate::number::Integer;

pub use statement::read;

/// The values of names that were assigned.
pub type Names = BTreeMap<String, Value>;

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The line it begins in, from 1.
    pub line: u32,
    /// The kind.
    pub kind: StatementKind,
}

/// The kind of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// An expression as a statement: a call, or a docstring.
    Expression(Expression),
    /// `target = value`, with one target for each `=`. Annotations are left out.
    Assignment {
        /// From left to right.
        targets: Vec<Expression>,
        /// The assigned value.
        value: Expression,
    },
    /// `pass`, or a name with an annotation and no value.
    Nothing,
    /// A statement that begins with this keyword, and the block that belongs to it: only Python can run it.
    Keyword(String),
    /// `@...` before a function or class.
    Decorator,
    /// A statement that cannot be read.
    Unreadable(Problem),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// The line it begins in, from 1.
    pub line: u32,
    /// The kind.
    pub kind: ExpressionKind,
    /// The beginning of its source, if it is not a literal.
    excerpt: String,
}

/// The kind of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// A number, a text, bytes, `None`, `True`, `False` or `...`.
    Literal(Value),
    /// `[...]`
    List(Vec<Expression>),
    /// `(...)`, or items without parentheses.
    Tuple(Vec<Expression>),
    /// `{...}` with items that are not pairs.
    Set(Vec<Expression>),
    /// `{...}` with at least one pair, or without items.
    Dict(Vec<DictItem>),
    /// A name.
    Name(String),
    /// `base.name`
    Attribute(Box<Expression>, String),
    /// `base[index]`
    Subscript(Box<Expression>, Box<Expression>),
    /// `function(...)`
    Call(Call),
    /// An expression that only Python can evaluate.
    Unreadable(Problem),
}

/// An item of a dict.
#[derive(Clone, Debug, PartialEq)]
pub struct DictItem {
    /// The expression before the colon.
    pub key: Expression,
    /// The expression after the colon; `None` if there is no colon.
    pub value: Option<Expression>,
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub function: Box<Expression>,
    /// The arguments, in order.
    pub arguments: Vec<Argument>,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The name of a keyword argument.
    pub name: Option<String>,
    /// Its value.
    pub value: Expression,
}

/// The value of a literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `...`
    Ellipsis,
    /// `True` or `False`
    Bool(bool),
    /// An integer.
    Integer(Integer),
    /// A float.
    Float(f64),
    /// A complex number without a real part.
    Imaginary(f64),
    /// A `str`.
    Text(String),
    /// A `bytes`.
    Bytes(Vec<u8>),
    /// A `list`.
    List(Vec<Value>),
    /// A `tuple`.
    Tuple(Vec<Value>),
    /// A `set`, in the order of the source.
    Set(Vec<Value>),
    /// A `dict`, in the order of the source. A key can be there twice; the last one counts.
    Dict(Vec<(Value, Value)>),
}

/// Why a statement or an expression cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: u32,
    /// The kind of the problem.
    pub kind: ProblemKind,
}

/// The kind of a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// This text instead of a literal.
    NotLiteral(String),
    /// This text is after a literal.
    MoreBehindLiteral(String),
    /// An f-string with expressions.
    FormatString,
    /// A string without an end.
    UnclosedString,
    /// A bracket without an end.
    UnclosedBracket,
    /// A bracket that closes none.
    UnopenedBracket,
    /// A line is indented where no block begins.
    UnexpectedIndent,
    /// The source ends after a backslash.
    UnexpectedEnd,
    /// A character that means nothing in Python.
    InvalidCharacter,
    /// `\N{...}`: the names of characters are not known here.
    UnicodeName,
    /// A string that is not Unicode text.
    NotUnicode,
    /// Brackets in brackets, more than [`MAXIMUM_DEPTH`].
    TooDeep,
}

/// How deep lists, calls and the like can be in each other.
pub const MAXIMUM_DEPTH: usize = 100;

impl fmt::Display for ProblemKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            ProblemKind::NotLiteral(found) => {
                return write!(formatter, "expected a value, found {found}");
            }
            ProblemKind::MoreBehindLiteral(found) => {
                return write!(
                    formatter,
                    "expected nothing more after the literal, found {found}"
                );
            }
            ProblemKind::FormatString => "an f-string needs Python",
            ProblemKind::UnclosedString => "this string is not closed",
            ProblemKind::UnclosedBracket => "this bracket is not closed",
            ProblemKind::UnopenedBracket => "nothing is open that this bracket closes",
            ProblemKind::UnexpectedIndent => "unexpected indentation",
            ProblemKind::UnexpectedEnd => "the file ends in the middle of a statement",
            ProblemKind::InvalidCharacter => "a character that means nothing in Python",
            ProblemKind::UnicodeName => "`\\N{...}` needs Python",
            ProblemKind::NotUnicode => "this string is not Unicode text",
            ProblemKind::TooDeep => {
                return write!(
                    formatter,
                    "there are more than {MAXIMUM_DEPTH} brackets in brackets"
                );
            }
        };
        formatter.write_str(text)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.kind)
    }
}

impl std::error::Error for Problem {}

impl Expression {
    /// Returns the name, if the expression is one.
    #[must_use]
    pub fn as_name(&self) -> Option<&str> {
        match &self.kind {
            ExpressionKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Returns the call, if the expression is one.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        match &self.kind {
            ExpressionKind::Call(call) => Some(call),
            _ => None,
        }
    }

    /// Evaluates literals, and the names that are known.
    ///
    /// # Errors
    /// The first part that is neither.
    pub fn value(&self, names: &Names) -> Result<Value, Problem> {
        let values = |items: &[Expression]| -> Result<Vec<Value>, Problem> {
            items.iter().map(|item| item.value(names)).collect()
        };
        match &self.kind {
            ExpressionKind::Literal(value) => Ok(value.clone()),
            ExpressionKind::List(items) => values(items).map(Value::List),
            ExpressionKind::Tuple(items) => values(items).map(Value::Tuple),
            ExpressionKind::Set(items) => values(items).map(Value::Set),
            ExpressionKind::Dict(items) => items
                .iter()
                .map(|item| match &item.value {
                    Some(value) => Ok((item.key.value(names)?, value.value(names)?)),
                    None => Err(item.key.not_literal()),
                })
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Dict),
            ExpressionKind::Name(name) => {
                let value = names.get(name).cloned();
                value.ok_or_else(|| self.not_literal())
            }
            ExpressionKind::Attribute(..)
            | ExpressionKind::Subscript(..)
            | ExpressionKind::Call(_) => Err(self.not_literal()),
            ExpressionKind::Unreadable(problem) => Err(problem.clone()),
        }
    }

    fn not_literal(&self) -> Problem {
        Problem {
            line: self.line,
            kind: ProblemKind::NotLiteral(self.excerpt.clone()),
        }
    }
}
