//! From tokens to expressions.

use super::literal::{number_value, string_value};
use super::{
    Argument, Call, DictItem, Expression, ExpressionKind, MAXIMUM_DEPTH, Names, Problem,
    ProblemKind, Value,
};
use crate::scan::{Kind, Obstacle, Piece, Scanner};
use crate::token::{self, Token};

/// The most characters of the source that a problem quotes.
const EXCERPT_LENGTH: usize = 40;

/// What ends an expression, besides a comma, a closing bracket and the end of the statement.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    Nothing,
    Colon,
    Equals,
    ColonOrEquals,
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    source: &'a [u8],
    pub(super) scanner: Scanner<'a>,
    pub(super) piece: Piece<'a>,
    /// Where the piece begins, and where the one before it ends.
    pub(super) start: usize,
    last_end: usize,
    /// The lines of the brackets that are open.
    open: Vec<u32>,
    /// The first problem with the characters of the statement.
    pub(super) problem: Option<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a [u8], start: usize) -> Reader<'a> {
        let mut reader = Reader {
            source,
            scanner: Scanner::new(source, start),
            piece: Piece {
                kind: Kind::End,
                text: &[],
                line: 1,
                last_line: 1,
                indent: None,
                spaced: false,
                depth: 0,
            },
            start,
            last_end: start,
            open: Vec::new(),
            problem: None,
        };
        reader.advance();
        reader
    }

    /// Moves to the next piece.
    pub(super) fn advance(&mut self) {
        self.last_end = self.start + self.piece.text.len();
        loop {
            if let Ok(piece) = self.scanner.next() {
                self.piece = piece;
                self.start = self.scanner.position() - piece.text.len();
                break;
            }
            let (mut line, obstacle) = (self.scanner.line(), self.scanner.pass_obstacle());
            let kind = match obstacle {
                Obstacle::End if self.open.is_empty() => ProblemKind::UnexpectedEnd,
                Obstacle::End => {
                    line = self.open.first().copied().unwrap_or(line);
                    ProblemKind::UnclosedBracket
                }
                Obstacle::OpenLiteral => ProblemKind::UnclosedString,
                Obstacle::ClosingBracket => ProblemKind::UnopenedBracket,
                Obstacle::Character => ProblemKind::InvalidCharacter,
            };
            self.problem.get_or_insert(Problem { line, kind });
            if obstacle == Obstacle::End {
                self.piece.kind = Kind::End;
                self.piece.text = &[];
                self.start = self.source.len();
                return;
            }
        }
        match self.piece.kind {
            Kind::Operator(Token::DelParenOpen | Token::DelBracketOpen | Token::DelBraceOpen) => {
                self.open.push(self.piece.line)
            }
            Kind::Operator(
                Token::DelParenClose | Token::DelBracketClose | Token::DelBraceClose,
            ) => drop(self.open.pop()),
            _ => {}
        }
    }

    pub(super) fn at(&self, token: Token) -> bool {
        self.piece.kind == Kind::Operator(token)
    }

    pub(super) fn take(&mut self, token: Token) -> bool {
        let is_next = self.at(token);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Returns whether the piece ends the statement.
    pub(super) fn at_end(&self) -> bool {
        self.at(Token::DelSemicolon) || matches!(self.piece.kind, Kind::LineEnd | Kind::End)
    }

    pub(super) fn skip_line(&mut self) {
        while !matches!(self.piece.kind, Kind::LineEnd | Kind::End) {
            self.advance();
        }
    }

    pub(super) fn skip_statement(&mut self) {
        while !(self.at_end() && self.piece.depth == 0) && self.piece.kind != Kind::End {
            self.advance();
        }
    }

    pub(super) fn text_of_piece(&self) -> String {
        String::from_utf8_lossy(self.piece.text).into_owned()
    }

    /// Returns the source from `start` up to the piece, as far as it helps to find the place.
    pub(super) fn excerpt(&self, start: usize) -> String {
        let end = self.last_end.min(start + EXCERPT_LENGTH * 4);
        let text = self.source.get(start..end).unwrap_or_default();
        let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        match line.trim() {
            "" => "the end".to_owned(),
            line => format!(
                "`{}`",
                line.chars().take(EXCERPT_LENGTH).collect::<String>()
            ),
        }
    }

    /// Returns whether the piece ends an expression that began with `depth` open brackets.
    fn at_stop(&self, depth: usize, stop: Stop) -> bool {
        if self.piece.kind == Kind::End {
            return true;
        }
        if self.piece.depth > depth {
            return false;
        }
        match self.piece.kind {
            Kind::LineEnd => true,
            Kind::Operator(token) => match token {
                Token::DelComma
                | Token::DelParenClose
                | Token::DelBracketClose
                | Token::DelBraceClose => true,
                Token::DelSemicolon => depth == 0,
                Token::DelColon => matches!(stop, Stop::Colon | Stop::ColonOrEquals),
                Token::DelEqual => matches!(stop, Stop::Equals | Stop::ColonOrEquals),
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn skip_expression(&mut self, depth: usize, stop: Stop) {
        while !self.at_stop(depth, stop) {
            self.advance();
        }
    }

    /// Returns an expression, `nesting` brackets deep. It ends at a comma, a closing bracket, the end of the statement
    /// or what `stop` says.
    pub(super) fn expression(&mut self, nesting: usize, stop: Stop) -> Expression {
        let (line, start, depth) = (self.piece.line, self.start, self.piece.depth);
        let operand = if nesting > MAXIMUM_DEPTH {
            Some(ExpressionKind::Unreadable(Problem {
                line,
                kind: ProblemKind::TooDeep,
            }))
        } else {
            self.operand(nesting)
        };
        let Some(mut kind) = operand else {
            self.skip_expression(depth, stop);
            return self.unreadable(line, ProblemKind::NotLiteral(self.excerpt(start)));
        };
        let mut nesting = nesting;
        while has_trailers(&kind) && !self.at_stop(depth, stop) {
            nesting += 1;
            let base = Expression {
                line,
                kind,
                excerpt: self.excerpt(start),
            };
            match self.trailer(base, nesting) {
                Ok(longer) => kind = longer,
                Err(base) => {
                    kind = base.kind;
                    break;
                }
            }
        }
        if self.at_stop(depth, stop) {
            return Expression {
                line,
                excerpt: if is_literal(&kind) {
                    String::new()
                } else {
                    self.excerpt(start)
                },
                kind,
            };
        }
        let (behind, behind_line) = (self.start, self.piece.line);
        self.skip_expression(depth, stop);
        let whole = Expression {
            line,
            kind,
            excerpt: self.excerpt(start),
        };
        match whole.value(&Names::new()) {
            Ok(_) => self.unreadable(
                behind_line,
                ProblemKind::MoreBehindLiteral(self.excerpt(behind)),
            ),
            Err(problem) => self.unreadable(problem.line, problem.kind),
        }
    }

    fn unreadable(&self, line: u32, kind: ProblemKind) -> Expression {
        Expression {
            line,
            kind: ExpressionKind::Unreadable(Problem { line, kind }),
            excerpt: String::new(),
        }
    }

    /// Returns a literal, a bracket or a name; none for anything else.
    fn operand(&mut self, nesting: usize) -> Option<ExpressionKind> {
        match self.piece.kind {
            Kind::Text | Kind::Literal => Some(self.strings()),
            Kind::Number => self.number().map(ExpressionKind::Literal),
            Kind::Operator(Token::OpMinus | Token::OpPlus) => self.signed_number(),
            Kind::Operator(Token::Ellipsis) => {
                self.advance();
                Some(ExpressionKind::Literal(Value::Ellipsis))
            }
            Kind::Operator(Token::DelParenOpen) => Some(self.parentheses(nesting)),
            Kind::Operator(Token::DelBracketOpen) => {
                let (items, _) = self.bracket(Token::DelBracketClose, nesting)?;
                Some(ExpressionKind::List(items))
            }
            Kind::Operator(Token::DelBraceOpen) => self.braces(nesting),
            Kind::Name => {
                let kind = match token::keyword(self.piece.text) {
                    Some(Token::KwNone) => ExpressionKind::Literal(Value::None),
                    Some(Token::KwTrue) => ExpressionKind::Literal(Value::Bool(true)),
                    Some(Token::KwFalse) => ExpressionKind::Literal(Value::Bool(false)),
                    Some(Token::KwDebug) | None => ExpressionKind::Name(self.text_of_piece()),
                    Some(_) => return None,
                };
                self.advance();
                Some(kind)
            }
            Kind::Operator(_) | Kind::LineEnd | Kind::End => None,
        }
    }

    /// Reads `.name`, `(...)` or `[...]` after `base`. Gives `base` back if there is none.
    fn trailer(&mut self, base: Expression, nesting: usize) -> Result<ExpressionKind, Expression> {
        if nesting > MAXIMUM_DEPTH {
            return Err(self.unreadable(base.line, ProblemKind::TooDeep));
        }
        match self.piece.kind {
            Kind::Operator(Token::DelPeriod) => {
                self.advance();
                if self.piece.kind != Kind::Name {
                    return Err(base);
                }
                let name = self.text_of_piece();
                self.advance();
                Ok(ExpressionKind::Attribute(Box::new(base), name))
            }
            Kind::Operator(Token::DelBracketOpen) => {
                let line = self.piece.line;
                let Some((mut items, comma)) = self.bracket(Token::DelBracketClose, nesting) else {
                    return Err(base);
                };
                let index = match items.pop() {
                    Some(only) if items.is_empty() && !comma => only,
                    last => {
                        items.extend(last);
                        Expression {
                            line,
                            kind: ExpressionKind::Tuple(items),
                            excerpt: String::new(),
                        }
                    }
                };
                Ok(ExpressionKind::Subscript(Box::new(base), Box::new(index)))
            }
            Kind::Operator(Token::DelParenOpen) => {
                let Some(arguments) = self.arguments(nesting) else {
                    return Err(base);
                };
                let function = Box::new(base);
                Ok(ExpressionKind::Call(Call {
                    function,
                    arguments,
                }))
            }
            _ => Err(base),
        }
    }

    /// Returns the items of a bracket, and whether there is a comma. None if another kind of bracket closes it.
    fn bracket(&mut self, close: Token, nesting: usize) -> Option<(Vec<Expression>, bool)> {
        self.advance();
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.at_bracket_end() {
            items.push(self.expression(nesting + 1, Stop::Nothing));
            comma |= self.take(Token::DelComma);
        }
        self.take(close).then_some((items, comma))
    }

    fn at_bracket_end(&self) -> bool {
        matches!(
            self.piece.kind,
            Kind::End
                | Kind::Operator(
                    Token::DelParenClose | Token::DelBracketClose | Token::DelBraceClose
                )
        )
    }

    /// Returns a tuple, or what is in parentheses by itself.
    fn parentheses(&mut self, nesting: usize) -> ExpressionKind {
        let line = self.piece.line;
        let Some((mut items, comma)) = self.bracket(Token::DelParenClose, nesting) else {
            return self.unreadable(line, ProblemKind::UnclosedBracket).kind;
        };
        match items.pop() {
            Some(only) if items.is_empty() && !comma => only.kind,
            last => {
                items.extend(last);
                ExpressionKind::Tuple(items)
            }
        }
    }

    /// Returns a dict or a set.
    fn braces(&mut self, nesting: usize) -> Option<ExpressionKind> {
        self.advance();
        let mut items = Vec::new();
        while !self.at_bracket_end() {
            let key = self.expression(nesting + 1, Stop::Colon);
            let value = self
                .take(Token::DelColon)
                .then(|| self.expression(nesting + 1, Stop::Nothing));
            items.push(DictItem { key, value });
            self.take(Token::DelComma);
        }
        if !self.take(Token::DelBraceClose) {
            return None;
        }
        if items.is_empty() || items.iter().any(|item| item.value.is_some()) {
            return Some(ExpressionKind::Dict(items));
        }
        let items = items.into_iter().map(|item| item.key).collect();
        Some(ExpressionKind::Set(items))
    }

    fn arguments(&mut self, nesting: usize) -> Option<Vec<Argument>> {
        self.advance();
        let mut arguments = Vec::new();
        while !self.at_bracket_end() {
            let mut value = self.expression(nesting + 1, Stop::Equals);
            let mut name = None;
            if self.take(Token::DelEqual) {
                name = value.as_name().map(str::to_owned);
                let right = self.expression(nesting + 1, Stop::Nothing);
                // `f(a.b=1)` means nothing; the left side says what is wrong.
                value = match (&name, &value.kind) {
                    (Some(_), _) => right,
                    (None, ExpressionKind::Unreadable(_)) => value,
                    (None, _) => {
                        self.unreadable(value.line, ProblemKind::NotLiteral(value.excerpt))
                    }
                };
            }
            arguments.push(Argument { name, value });
            self.take(Token::DelComma);
        }
        self.take(Token::DelParenClose).then_some(arguments)
    }

    /// Reads adjacent strings and joins them.
    fn strings(&mut self) -> ExpressionKind {
        let mut joined: Option<Value> = None;
        let mut problem = None;
        while matches!(self.piece.kind, Kind::Text | Kind::Literal) {
            let (line, text) = (self.piece.line, self.piece.text);
            self.advance();
            let result = string_value(text).and_then(|value| match (joined.take(), value) {
                (None, value) => Ok(value),
                (Some(Value::Text(first)), Value::Text(second)) => Ok(Value::Text(first + &second)),
                (Some(Value::Bytes(first)), Value::Bytes(second)) => {
                    Ok(Value::Bytes([first, second].concat()))
                }
                _ => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    Err(ProblemKind::MoreBehindLiteral(format!("`{text}`")))
                }
            });
            match result {
                Ok(value) => joined = Some(value),
                Err(kind) => {
                    problem.get_or_insert(Problem { line, kind });
                }
            }
        }
        match problem {
            Some(problem) => ExpressionKind::Unreadable(problem),
            None => ExpressionKind::Literal(joined.unwrap_or(Value::None)),
        }
    }

    /// Returns the number here; none if it is malformed.
    fn number(&mut self) -> Option<Value> {
        let value = number_value(self.piece.text)?;
        self.advance();
        Some(value)
    }

    fn signed_number(&mut self) -> Option<ExpressionKind> {
        let negative = self.at(Token::OpMinus);
        self.advance();
        if self.piece.kind != Kind::Number {
            return None;
        }
        let number = match self.number()? {
            Value::Integer(value) if negative => Value::Integer(value.negated()),
            Value::Float(value) if negative => Value::Float(-value),
            Value::Imaginary(value) if negative => Value::Imaginary(-value),
            positive => positive,
        };
        Some(ExpressionKind::Literal(number))
    }
}

/// Returns whether an expression can be what `.name`, `(...)` and `[...]` belong to. After a literal they are what is
/// too much.
fn has_trailers(kind: &ExpressionKind) -> bool {
    matches!(
        kind,
        ExpressionKind::Name(_)
            | ExpressionKind::Attribute(..)
            | ExpressionKind::Subscript(..)
            | ExpressionKind::Call(_)
    )
}

fn is_literal(kind: &ExpressionKind) -> bool {
    matches!(kind, ExpressionKind::Literal(_))
}
