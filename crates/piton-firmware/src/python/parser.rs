//! From tokens to the syntax tree, with CPython 3.11's words for the mistakes that people make.

mod atom;
mod call;
mod compound;
mod expression;
mod format;
mod statement;
mod target;

use std::collections::BTreeSet;
use std::rc::Rc;

use super::ast::Statement;
use super::syntax_error::SyntaxError;
use super::token::{Token, TokenKind, tokens};

/// How deep expressions and blocks may be nested.
const MAXIMUM_DEPTH: usize = 400;

/// The keywords: they are no names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

type Parsed<T> = Result<T, SyntaxError>;

/// Parses a whole source.
///
/// # Errors
/// What CPython says of it, as far as it is known here; otherwise "invalid syntax".
pub(crate) fn parse(source: &str) -> Result<Vec<Statement>, SyntaxError> {
    let text = source.replace("\r\n", "\n").replace('\r', "\n");
    Parser::new(&text).file()
}

/// The names that one function, class or comprehension binds.
#[derive(Default)]
struct ScopeNames {
    kind: ScopeKind,
    bound: BTreeSet<Rc<str>>,
    outer: Vec<(Rc<str>, bool)>,
    /// Names that `nonlocal` declares in functions inside, with the line, and that no function binds so far.
    unbound: Vec<(Rc<str>, u32)>,
    unsupported: Option<&'static str>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ScopeKind {
    #[default]
    Module,
    Function,
    Class,
    Comprehension,
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    scopes: Vec<ScopeNames>,
    /// How many loops are open in the current function.
    loops: usize,
    /// The first mistake that CPython finds only when the whole source is understood.
    late: Option<SyntaxError>,
}

impl Parser {
    fn new(source: &str) -> Parser {
        Parser {
            tokens: tokens(source),
            at: 0,
            depth: 0,
            scopes: vec![ScopeNames::default()],
            loops: 0,
            late: None,
        }
    }

    fn file(&mut self) -> Parsed<Vec<Statement>> {
        let mut statements = Vec::new();
        while *self.kind() != TokenKind::End {
            self.statement(&mut statements)?;
        }
        match self.late.take() {
            Some(error) => Err(error),
            None => Ok(statements),
        }
    }

    fn kind(&self) -> &TokenKind {
        self.tokens
            .get(self.at)
            .map_or(&TokenKind::End, |token| &token.kind)
    }

    fn kind_after(&self, ahead: usize) -> &TokenKind {
        self.tokens
            .get(self.at + ahead)
            .map_or(&TokenKind::End, |token| &token.kind)
    }

    fn line(&self) -> u32 {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(1, |token| token.line)
    }

    /// Returns how many brackets are open before the current token.
    fn brackets(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|before| self.tokens.get(before))
            .map_or(0, |token| token.depth)
    }

    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn at_operator(&self, operator: &str) -> bool {
        matches!(self.kind(), TokenKind::Operator(found) if *found == operator)
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        matches!(self.kind(), TokenKind::Name(name) if name == keyword)
    }

    fn take_operator(&mut self, operator: &str) -> bool {
        let found = self.at_operator(operator);
        if found {
            self.advance();
        }
        found
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.at_keyword(keyword);
        if found {
            self.advance();
        }
        found
    }

    fn expect_operator(&mut self, operator: &str) -> Parsed<()> {
        if self.take_operator(operator) {
            Ok(())
        } else {
            Err(self.invalid())
        }
    }

    fn expect_keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.take_keyword(keyword) {
            Ok(())
        } else {
            Err(self.invalid())
        }
    }

    /// Returns the name that stands here; keywords are none.
    fn take_name(&mut self) -> Option<Rc<str>> {
        let TokenKind::Name(name) = self.kind() else {
            return None;
        };
        if KEYWORDS.contains(&name.as_str()) {
            return None;
        }
        let name: Rc<str> = name.as_str().into();
        self.advance();
        Some(name)
    }

    fn expect_name(&mut self) -> Parsed<Rc<str>> {
        match self.take_name() {
            Some(name) => Ok(name),
            None => Err(self.invalid()),
        }
    }

    /// "invalid syntax" here, unless the tokens have an error that CPython reports first.
    fn invalid(&self) -> SyntaxError {
        let line = self.line();
        match self.kind() {
            TokenKind::Error(error) => error.clone(),
            TokenKind::Indent => self.first(SyntaxError::indentation("unexpected indent", line)),
            TokenKind::Dedent => self.first(SyntaxError::indentation("unexpected unindent", line)),
            _ => self.first(SyntaxError::new("invalid syntax", line)),
        }
    }

    fn error(&self, message: &str, line: u32) -> SyntaxError {
        self.first(SyntaxError::new(message, line))
    }

    /// Keeps a mistake that is reported if there is no other.
    fn late_error(&mut self, message: &str, line: u32) {
        self.late
            .get_or_insert_with(|| SyntaxError::new(message, line));
    }

    /// Returns the error of the tokens that follow, if there is one and it goes before `error`.
    fn first(&self, error: SyntaxError) -> SyntaxError {
        match self.tokens.last().map(|token| &token.kind) {
            Some(TokenKind::Error(other)) if other.goes_before(self.line()) => other.clone(),
            _ => error,
        }
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAXIMUM_DEPTH {
            return Err(SyntaxError::new("too many nested parentheses", self.line()));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Runs `parse` with a scope of its own.
    fn scope<T>(
        &mut self,
        kind: ScopeKind,
        parse: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<(T, ScopeNames)> {
        self.scopes.push(ScopeNames {
            kind,
            ..ScopeNames::default()
        });
        let loops = if kind == ScopeKind::Comprehension {
            self.loops
        } else {
            std::mem::take(&mut self.loops)
        };
        let result = parse(self);
        self.loops = loops;
        let names = self.scopes.pop().unwrap_or_default();
        self.look_further_out(&names);
        Ok((result?, names))
    }

    /// Looks for what `nonlocal` names in the scopes around one that ended.
    fn look_further_out(&mut self, ended: &ScopeNames) {
        let binds = |name: &Rc<str>| {
            ended.kind == ScopeKind::Function
                && ended.bound.contains(name)
                && !ended.outer.iter().any(|(outer, _)| outer == name)
        };
        let left = ended.unbound.iter().filter(|(name, _)| !binds(name));
        let left: Vec<(Rc<str>, u32)> = left.cloned().collect();
        let is_inside = self
            .scopes
            .iter()
            .any(|scope| scope.kind == ScopeKind::Function);
        match (is_inside, self.scopes.last_mut(), left.first()) {
            (true, Some(around), _) => around.unbound.extend(left),
            (_, _, Some((name, line))) => {
                self.late_error(&format!("no binding for nonlocal '{name}' found"), *line);
            }
            _ => {}
        }
    }

    /// Binds a name in the current scope.
    fn bind(&mut self, name: &Rc<str>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.bound.insert(name.clone());
        }
    }

    /// Binds the name of a walrus: in the scope around comprehensions.
    fn bind_outside(&mut self, name: &Rc<str>) {
        if let Some(scope) = self
            .scopes
            .iter_mut()
            .rev()
            .find(|scope| scope.kind != ScopeKind::Comprehension)
        {
            scope.bound.insert(name.clone());
        }
    }

    /// Returns the function that is being parsed.
    fn function(&mut self) -> Option<&mut ScopeNames> {
        let scope = self
            .scopes
            .iter_mut()
            .rev()
            .find(|scope| scope.kind != ScopeKind::Comprehension)?;
        (scope.kind == ScopeKind::Function).then_some(scope)
    }
}
