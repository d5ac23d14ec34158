//! From a source to statements.

use super::reader::{Reader, Stop};
use super::{Expression, ExpressionKind, Problem, ProblemKind, Statement, StatementKind};
use crate::lexer::normalise;
use crate::scan::Kind;
use crate::token::{self, Token};

/// Reads all statements of a source.
#[must_use]
pub fn read(source: &[u8]) -> Vec<Statement> {
    let source = normalise(source);
    let start = if source.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let mut reader = Reader::new(&source, start);
    let mut statements = Vec::new();
    // Whether an indented line belongs to the statement before.
    let mut in_block = false;
    loop {
        let line = reader.piece.line;
        let kind = match reader.piece.kind {
            Kind::End => break,
            Kind::LineEnd | Kind::Operator(Token::DelSemicolon) => {
                reader.advance();
                continue;
            }
            _ => match reader.piece.indent {
                Some(1..) if in_block => {
                    reader.skip_line();
                    None
                }
                Some(1..) => {
                    reader.skip_line();
                    Some(StatementKind::Unreadable(Problem {
                        line,
                        kind: ProblemKind::UnexpectedIndent,
                    }))
                }
                _ => Some(reader.statement()),
            },
        };
        // A problem with the characters leaves nothing of a statement to rely on.
        let problem = reader.problem.take().map(StatementKind::Unreadable);
        if let Some(kind) = problem.or(kind) {
            in_block = matches!(kind, StatementKind::Keyword(_) | StatementKind::Decorator);
            statements.push(Statement { line, kind });
        }
    }
    if let Some(problem) = reader.problem.take() {
        statements.push(Statement {
            line: problem.line,
            kind: StatementKind::Unreadable(problem),
        });
    }
    statements
}

impl Reader<'_> {
    /// Returns whether the logical line opens a block.
    fn line_ends_with_colon(&self) -> bool {
        let mut scanner = self.scanner.clone();
        let mut last = self.piece.kind;
        while let Ok(piece) = scanner.next() {
            if matches!(piece.kind, Kind::LineEnd | Kind::End) {
                break;
            }
            last = piece.kind;
        }
        last == Kind::Operator(Token::DelColon)
    }

    fn statement(&mut self) -> StatementKind {
        if self.at(Token::OpAt) {
            self.skip_line();
            return StatementKind::Decorator;
        }
        if self.piece.kind == Kind::Name {
            if self.piece.text == b"pass" {
                self.advance();
                return self.end_statement(StatementKind::Nothing);
            }
            // `match` is a name everywhere else.
            let is_match = self.piece.text == b"match" && self.line_ends_with_colon();
            if is_match || begins_statement(self.piece.text) {
                let keyword = self.text_of_piece();
                if is_match || opens_block(self.piece.text) {
                    self.skip_line();
                } else {
                    self.skip_statement();
                }
                return StatementKind::Keyword(keyword);
            }
        }
        let start = self.start;
        let mut last = self.items();
        let mut targets = Vec::new();
        loop {
            if self.at(Token::DelColon) && targets.is_empty() {
                // The annotation is an expression that is not evaluated.
                self.advance();
                self.skip_expression(0, Stop::Equals);
                if self.at_end() {
                    return match last.kind {
                        ExpressionKind::Unreadable(problem) => StatementKind::Unreadable(problem),
                        _ => StatementKind::Nothing,
                    };
                }
            }
            if !self.take(Token::DelEqual) {
                break;
            }
            targets.push(last);
            last = self.items();
        }
        if !self.at_end() {
            self.skip_expression(0, Stop::Nothing);
            while self.take(Token::DelComma) {
                self.skip_expression(0, Stop::Nothing);
            }
            return StatementKind::Unreadable(Problem {
                line: last.line,
                kind: ProblemKind::NotLiteral(self.excerpt(start)),
            });
        }
        if targets.is_empty() {
            StatementKind::Expression(last)
        } else {
            StatementKind::Assignment {
                targets,
                value: last,
            }
        }
    }

    /// Returns `kind` if the statement ends here, else what is wrong.
    fn end_statement(&mut self, kind: StatementKind) -> StatementKind {
        if self.at_end() {
            return kind;
        }
        let (line, start) = (self.piece.line, self.start);
        self.skip_line();
        StatementKind::Unreadable(Problem {
            line,
            kind: ProblemKind::NotLiteral(self.excerpt(start)),
        })
    }

    /// Returns an expression outside brackets, or a tuple without parentheses.
    fn items(&mut self) -> Expression {
        let (line, start) = (self.piece.line, self.start);
        let first = self.expression(0, Stop::ColonOrEquals);
        if !self.at(Token::DelComma) {
            return first;
        }
        let mut items = vec![first];
        while self.take(Token::DelComma) {
            if self.at_end() || self.at(Token::DelEqual) {
                break;
            }
            items.push(self.expression(0, Stop::ColonOrEquals));
        }
        Expression {
            line,
            kind: ExpressionKind::Tuple(items),
            excerpt: self.excerpt(start),
        }
    }
}

/// Returns whether `text` is a keyword that begins a statement only Python can run.
fn begins_statement(text: &[u8]) -> bool {
    !matches!(
        token::keyword(text),
        None | Some(
            Token::KwNone
                | Token::KwTrue
                | Token::KwFalse
                | Token::KwDebug
                | Token::KwNot
                | Token::KwLambda
        )
    )
}

/// Returns whether a statement that begins with this keyword goes up to the end of its line, and can have a block.
fn opens_block(keyword: &[u8]) -> bool {
    matches!(
        token::keyword(keyword),
        Some(
            Token::KwIf
                | Token::KwElif
                | Token::KwElse
                | Token::KwFor
                | Token::KwWhile
                | Token::KwTry
                | Token::KwExcept
                | Token::KwFinally
                | Token::KwWith
                | Token::KwDef
                | Token::KwClass
                | Token::KwAsync
        )
    )
}
