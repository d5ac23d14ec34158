//! The syntax tree.

use std::collections::BTreeSet;
use std::rc::Rc;

/// A value that is written down.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
}

/// An expression and its line.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) line: u32,
    pub(crate) kind: ExpressionKind,
    /// Whether it stands in parentheses.
    pub(crate) parenthesised: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum ExpressionKind {
    Constant(Constant),
    Name(Rc<str>),
    Format(Vec<FormatPart>),
    Tuple(Vec<Expression>),
    List(Vec<Expression>),
    Set(Vec<Expression>),
    /// Without a key: `**value`.
    Dict(Vec<(Option<Expression>, Expression)>),
    Unary(&'static str, Box<Expression>),
    Binary(&'static str, Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Box<Expression>, Vec<(&'static str, Expression)>),
    Call(Box<Expression>, Vec<Argument>),
    Attribute(Box<Expression>, Rc<str>),
    Subscript(Box<Expression>, Box<Expression>),
    Slice(
        Option<Box<Expression>>,
        Option<Box<Expression>>,
        Option<Box<Expression>>,
    ),
    /// Condition, value, other value.
    Conditional(Box<(Expression, Expression, Expression)>),
    Lambda(Rc<Definition>),
    Comprehension(Rc<Comprehension>),
    Starred(Box<Expression>),
    Named(Rc<str>, Box<Expression>),
    /// What the interpreter does not run, by its name in Python.
    Unsupported(&'static str),
}

/// A piece of an f-string.
#[derive(Clone, Debug)]
pub(crate) enum FormatPart {
    Text(Rc<str>),
    Value {
        expression: Expression,
        /// `r`, `s` or `a`.
        conversion: Option<char>,
        specification: Vec<FormatPart>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Argument {
    Positional(Expression),
    Named(Rc<str>, Expression),
    Items(Expression),
    Pairs(Expression),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComprehensionKind {
    List,
    Set,
    Dict,
    Generator,
}

#[derive(Clone, Debug)]
pub(crate) struct Comprehension {
    pub(crate) kind: ComprehensionKind,
    pub(crate) element: Expression,
    /// The value of a dict's pair.
    pub(crate) value: Option<Expression>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) locals: Rc<BTreeSet<Rc<str>>>,
}

/// `for target in iterable if condition`
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) target: Expression,
    pub(crate) iterable: Expression,
    pub(crate) conditions: Vec<Expression>,
}

/// A function or a lambda.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: Rc<str>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Vec<Statement>,
    pub(crate) locals: Rc<BTreeSet<Rc<str>>>,
    /// The names that `global` or `nonlocal` declares; whether it is `global`.
    pub(crate) outer: Rc<Vec<(Rc<str>, bool)>>,
    /// What in it the interpreter does not run.
    pub(crate) unsupported: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterKind {
    PositionalOnly,
    Normal,
    KeywordOnly,
    Items,
    Pairs,
}

#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Rc<str>,
    pub(crate) kind: ParameterKind,
    pub(crate) default: Option<Expression>,
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) line: u32,
    pub(crate) kind: StatementKind,
}

#[derive(Clone, Debug)]
pub(crate) enum StatementKind {
    Expression(Expression),
    Assign(Vec<Expression>, Expression),
    Augmented(Expression, &'static str, Expression),
    If(Expression, Vec<Statement>, Vec<Statement>),
    While(Expression, Vec<Statement>, Vec<Statement>),
    For(Expression, Expression, Vec<Statement>, Vec<Statement>),
    Try(Box<Try>),
    With(Vec<(Expression, Option<Expression>)>, Vec<Statement>),
    Function(Rc<Definition>, Vec<Expression>),
    Class(Rc<ClassDefinition>),
    Return(Option<Expression>),
    Raise(Option<Expression>, Option<Expression>),
    Assert(Expression, Option<Expression>),
    Delete(Vec<Expression>),
    Import(Vec<(Rc<str>, Option<Rc<str>>)>),
    /// Module, dots before it, names; no names for `*`.
    ImportFrom(Rc<str>, usize, Vec<(Rc<str>, Option<Rc<str>>)>),
    Break,
    Continue,
    Pass,
    /// A statement that does several things: an assignment with an annotation.
    Group(Vec<Statement>),
    Unsupported(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Try {
    pub(crate) body: Vec<Statement>,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) otherwise: Vec<Statement>,
    pub(crate) finally: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct Handler {
    pub(crate) class: Option<Expression>,
    pub(crate) name: Option<Rc<str>>,
    pub(crate) body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct ClassDefinition {
    pub(crate) name: Rc<str>,
    pub(crate) bases: Vec<Expression>,
    pub(crate) body: Vec<Statement>,
    pub(crate) unsupported: bool,
}
