//! Names, literals, displays, comprehensions.

use std::rc::Rc;

use super::super::ast::{
    Clause, Comprehension, ComprehensionKind, Constant, Expression, ExpressionKind, FormatPart,
};
use super::super::literal;
use super::super::syntax_error::SyntaxError;
use super::super::token::TokenKind;
use super::expression::expression;
use super::target::description;
use super::{Parsed, Parser, ScopeKind};

impl Parser {
    pub(super) fn atom(&mut self) -> Parsed<Expression> {
        let line = self.line();
        let kind = match self.kind().clone() {
            TokenKind::Name(name) => {
                let constant = match name.as_str() {
                    "None" => Some(Constant::None),
                    "True" => Some(Constant::Bool(true)),
                    "False" => Some(Constant::Bool(false)),
                    _ => None,
                };
                if let Some(constant) = constant {
                    self.advance();
                    ExpressionKind::Constant(constant)
                } else {
                    ExpressionKind::Name(self.expect_name()?)
                }
            }
            TokenKind::Number(text) => {
                self.advance();
                literal::number(&text).map_or(
                    ExpressionKind::Unsupported("a number of more than 63 bits"),
                    ExpressionKind::Constant,
                )
            }
            TokenKind::Text(_) => return self.strings(),
            TokenKind::Operator("...") => {
                self.advance();
                ExpressionKind::Constant(Constant::Ellipsis)
            }
            TokenKind::Operator("(") => return self.parentheses(),
            TokenKind::Operator("[") => return self.list(),
            TokenKind::Operator("{") => return self.braces(),
            _ => return Err(self.invalid()),
        };
        Ok(expression(line, kind))
    }

    /// String literals side by side are one.
    fn strings(&mut self) -> Parsed<Expression> {
        let line = self.line();
        let mut parts: Vec<FormatPart> = Vec::new();
        let mut bytes: Option<Vec<u8>> = None;
        let mut text = String::new();
        let mut first = true;
        let mut has_name = false;
        while let TokenKind::Text(source) = self.kind().clone() {
            let here = self.line();
            let piece = literal::split(&source);
            has_name |= !piece.raw && !piece.bytes && literal::has_character_name(piece.body);
            if !first && piece.bytes != bytes.is_some() {
                return Err(self.error("cannot mix bytes and nonbytes literals", line));
            }
            first = false;
            if piece.bytes {
                let value = literal::unescape_bytes(piece.body, piece.raw)
                    .map_err(|message| self.error(&message, here))?;
                bytes.get_or_insert_default().extend(value);
            } else if piece.format {
                if !text.is_empty() {
                    parts.push(FormatPart::Text(std::mem::take(&mut text).into()));
                }
                parts.extend(self.format_string(piece.body, piece.raw, here)?);
                if parts.is_empty() {
                    parts.push(FormatPart::Text("".into()));
                }
            } else {
                text.push_str(
                    &literal::unescape(piece.body, piece.raw)
                        .map_err(|message| self.error(&message, here))?,
                );
            }
            self.advance();
        }
        let kind = if has_name {
            // The names of all characters are a table of a megabyte.
            ExpressionKind::Unsupported("the name of a character")
        } else if let Some(bytes) = bytes {
            ExpressionKind::Constant(Constant::Bytes(bytes.into()))
        } else if parts.is_empty() {
            ExpressionKind::Constant(Constant::Text(text.into()))
        } else {
            parts.push(FormatPart::Text(text.into()));
            ExpressionKind::Format(parts)
        };
        Ok(expression(line, kind))
    }

    fn parentheses(&mut self) -> Parsed<Expression> {
        let line = self.line();
        self.advance();
        if self.take_operator(")") {
            return Ok(expression(line, ExpressionKind::Tuple(Vec::new())));
        }
        if self.at_keyword("yield") {
            let value = self.yield_expression()?;
            self.expect_operator(")")?;
            return Ok(value);
        }
        let first = self.display_item()?;
        if self.at_keyword("for") || self.at_keyword("async") {
            let value = self.comprehension(ComprehensionKind::Generator, first, None, line)?;
            self.expect_operator(")")?;
            return Ok(value);
        }
        if self.at_operator(",") {
            let items = self.display_rest(first, ")")?;
            return Ok(expression(line, ExpressionKind::Tuple(items)));
        }
        self.expect_operator(")")?;
        if matches!(first.kind, ExpressionKind::Starred(_)) {
            return Err(self.error("cannot use starred expression here", line));
        }
        Ok(Expression {
            parenthesised: true,
            ..first
        })
    }

    fn display_item(&mut self) -> Parsed<Expression> {
        if self.at_operator("*") {
            return self.star_expression();
        }
        let item = self.named_expression()?;
        if self.at_operator("=") {
            return Err(self.assignment_in_brackets(&item));
        }
        Ok(item)
    }

    /// Returns the error of `item = ...` where a value is expected. CPython looks at what follows before it explains it.
    fn assignment_in_brackets(&mut self, item: &Expression) -> SyntaxError {
        let plain = self.invalid();
        self.advance();
        let value = self.binary(0);
        if value.is_err() || self.at_operator("=") || self.at_operator(":=") {
            return plain;
        }
        let message = match &item.kind {
            ExpressionKind::Name(_) => {
                "invalid syntax. Maybe you meant '==' or ':=' instead of '='?".to_owned()
            }
            ExpressionKind::Attribute(..)
            | ExpressionKind::Subscript(..)
            | ExpressionKind::Call(..)
            | ExpressionKind::Binary(..)
            | ExpressionKind::Unary(..)
            | ExpressionKind::Format(_)
            | ExpressionKind::Dict(_)
            | ExpressionKind::Set(_)
            | ExpressionKind::Constant(
                Constant::Text(_) | Constant::Bytes(_) | Constant::Int(_) | Constant::Float(_),
            ) => {
                let what = description(item);
                format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?")
            }
            _ => return plain,
        };
        self.error(&message, item.line)
    }

    /// The items after the first one, and the bracket that closes them.
    fn display_rest(&mut self, first: Expression, end: &str) -> Parsed<Vec<Expression>> {
        let mut items = vec![first];
        while self.take_operator(",") {
            if self.at_operator(end) {
                break;
            }
            items.push(self.display_item()?);
        }
        self.expect_operator(end)?;
        Ok(items)
    }

    fn list(&mut self) -> Parsed<Expression> {
        let line = self.line();
        self.advance();
        if self.take_operator("]") {
            return Ok(expression(line, ExpressionKind::List(Vec::new())));
        }
        let first = self.display_item()?;
        if self.at_keyword("for") || self.at_keyword("async") {
            let value = self.comprehension(ComprehensionKind::List, first, None, line)?;
            self.expect_operator("]")?;
            return Ok(value);
        }
        let items = self.display_rest(first, "]")?;
        Ok(expression(line, ExpressionKind::List(items)))
    }

    fn braces(&mut self) -> Parsed<Expression> {
        let line = self.line();
        self.advance();
        if self.take_operator("}") {
            return Ok(expression(line, ExpressionKind::Dict(Vec::new())));
        }
        if self.at_operator("**") {
            return self.dict(Vec::new(), line);
        }
        let first = self.display_item()?;
        if self.take_operator(":") {
            if self.at_operator("}") || self.at_operator(",") {
                return Err(self.error(
                    "expression expected after dictionary key and ':'",
                    self.line(),
                ));
            }
            let value = self.expression()?;
            if self.at_keyword("for") || self.at_keyword("async") {
                let value =
                    self.comprehension(ComprehensionKind::Dict, first, Some(value), line)?;
                self.expect_operator("}")?;
                return Ok(value);
            }
            let pairs = vec![(Some(first), value)];
            if !self.take_operator(",") {
                self.expect_operator("}")?;
                return Ok(expression(line, ExpressionKind::Dict(pairs)));
            }
            return self.dict(pairs, line);
        }
        if self.at_keyword("for") || self.at_keyword("async") {
            let value = self.comprehension(ComprehensionKind::Set, first, None, line)?;
            self.expect_operator("}")?;
            return Ok(value);
        }
        let items = self.display_rest(first, "}")?;
        Ok(expression(line, ExpressionKind::Set(items)))
    }

    /// The pairs of a dict from here to its end.
    fn dict(
        &mut self,
        mut pairs: Vec<(Option<Expression>, Expression)>,
        line: u32,
    ) -> Parsed<Expression> {
        while !self.at_operator("}") {
            if self.take_operator("**") {
                pairs.push((None, self.binary(0)?));
            } else {
                let key = self.expression()?;
                if !self.take_operator(":") {
                    if self.at_operator("}") || self.at_operator(",") {
                        return Err(self.error("':' expected after dictionary key", key.line));
                    }
                    return Err(self.invalid());
                }
                if self.at_operator("}") || self.at_operator(",") {
                    return Err(self.error(
                        "expression expected after dictionary key and ':'",
                        self.line(),
                    ));
                }
                pairs.push((Some(key), self.expression()?));
            }
            if !self.take_operator(",") {
                break;
            }
        }
        self.expect_operator("}")?;
        Ok(expression(line, ExpressionKind::Dict(pairs)))
    }

    /// Parses the clauses of a comprehension whose element is known. Its targets are names of its own.
    pub(super) fn comprehension(
        &mut self,
        kind: ComprehensionKind,
        element: Expression,
        value: Option<Expression>,
        line: u32,
    ) -> Parsed<Expression> {
        if self.at_keyword("async") {
            return Ok(expression(line, ExpressionKind::Unsupported("async")));
        }
        let (clauses, names) = self.scope(ScopeKind::Comprehension, |parser| {
            let mut clauses = Vec::new();
            while parser.take_keyword("for") {
                let target = parser.target_list()?;
                parser.check_plain_target(&target)?;
                parser.bind_target(&target);
                parser.expect_keyword("in")?;
                let iterable = parser.disjunction()?;
                let mut conditions = Vec::new();
                while parser.take_keyword("if") {
                    conditions.push(parser.condition()?);
                }
                clauses.push(Clause {
                    target,
                    iterable,
                    conditions,
                });
            }
            Ok(clauses)
        })?;
        let comprehension = Comprehension {
            kind,
            element,
            value,
            clauses,
            locals: Rc::new(names.bound),
        };
        Ok(expression(
            line,
            ExpressionKind::Comprehension(Rc::new(comprehension)),
        ))
    }

    fn condition(&mut self) -> Parsed<Expression> {
        let line = self.line();
        if matches!(self.kind(), TokenKind::Name(_))
            && *self.kind_after(1) == TokenKind::Operator(":=")
        {
            let name = self.expect_name()?;
            self.advance();
            self.bind_outside(&name);
            let value = self.disjunction()?;
            return Ok(expression(
                line,
                ExpressionKind::Named(name, Box::new(value)),
            ));
        }
        self.disjunction()
    }

    /// The targets of `for`, up to `in`.
    pub(super) fn target_list(&mut self) -> Parsed<Expression> {
        let line = self.line();
        let first = self.target()?;
        if !self.at_operator(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take_operator(",") {
            if self.at_keyword("in") {
                break;
            }
            items.push(self.target()?);
        }
        Ok(expression(line, ExpressionKind::Tuple(items)))
    }

    fn target(&mut self) -> Parsed<Expression> {
        let line = self.line();
        if self.take_operator("*") {
            let inner = self.primary()?;
            return Ok(expression(line, ExpressionKind::Starred(Box::new(inner))));
        }
        self.primary()
    }
}
