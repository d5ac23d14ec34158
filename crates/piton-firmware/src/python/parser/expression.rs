//! Expressions, from the loosest operator to the tightest.

use std::rc::Rc;

use super::super::ast::{Constant, Expression, ExpressionKind, Statement, StatementKind};
use super::super::token::TokenKind;
use super::compound::definition;
use super::{KEYWORDS, Parsed, Parser, ScopeKind};

pub(super) fn expression(line: u32, kind: ExpressionKind) -> Expression {
    Expression {
        line,
        kind,
        parenthesised: false,
    }
}

impl Parser {
    /// Returns whether an expression can begin here.
    pub(super) fn starts_expression(&self) -> bool {
        match self.kind() {
            TokenKind::Name(name) => {
                !KEYWORDS.contains(&name.as_str())
                    || matches!(
                        name.as_str(),
                        "None" | "True" | "False" | "lambda" | "not" | "await"
                    )
            }
            TokenKind::Number(_) | TokenKind::Text(_) => true,
            TokenKind::Operator(operator) => {
                matches!(*operator, "(" | "[" | "{" | "-" | "+" | "~" | "...")
            }
            _ => false,
        }
    }

    /// One expression, or several with commas: a tuple.
    pub(super) fn star_expressions(&mut self) -> Parsed<Expression> {
        if self.at_keyword("yield") {
            return self.yield_expression();
        }
        let line = self.line();
        let first = self.star_expression()?;
        if !self.at_operator(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take_operator(",") {
            if !self.starts_expression() && !self.at_operator("*") {
                break;
            }
            items.push(self.star_expression()?);
        }
        Ok(expression(line, ExpressionKind::Tuple(items)))
    }

    pub(super) fn star_expression(&mut self) -> Parsed<Expression> {
        let line = self.line();
        if self.take_operator("*") {
            let inner = self.binary(0)?;
            return Ok(expression(line, ExpressionKind::Starred(Box::new(inner))));
        }
        self.expression()
    }

    pub(super) fn yield_expression(&mut self) -> Parsed<Expression> {
        let line = self.line();
        self.advance();
        if let Some(function) = self.function() {
            function.unsupported = Some("yield");
        } else {
            self.late_error("'yield' outside function", line);
        }
        if self.take_keyword("from") {
            self.expression()?;
        } else if self.starts_expression() || self.at_operator("*") {
            self.star_expressions()?;
        }
        Ok(expression(line, ExpressionKind::Unsupported("yield")))
    }

    /// `name := value`, or an expression.
    pub(super) fn named_expression(&mut self) -> Parsed<Expression> {
        let line = self.line();
        if matches!(self.kind(), TokenKind::Name(_))
            && *self.kind_after(1) == TokenKind::Operator(":=")
        {
            let name = self.expect_name()?;
            self.advance();
            self.bind_outside(&name);
            let value = self.expression()?;
            return Ok(expression(
                line,
                ExpressionKind::Named(name, Box::new(value)),
            ));
        }
        let value = self.expression()?;
        if self.at_operator("=") && self.brackets() == 0 {
            let message = match &value.kind {
                ExpressionKind::Name(_) => {
                    "invalid syntax. Maybe you meant '==' or ':=' instead of '='?".to_owned()
                }
                _ => {
                    self.check_target(&value)?;
                    let what = match value.kind {
                        ExpressionKind::Attribute(..) => "attribute",
                        ExpressionKind::Subscript(..) => "subscript",
                        _ => return Err(self.invalid()),
                    };
                    format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?")
                }
            };
            return Err(self.error(&message, line));
        }
        Ok(value)
    }

    /// An expression without commas.
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.nested(|parser| {
            let line = parser.line();
            if parser.at_keyword("lambda") {
                return parser.lambda();
            }
            let value = parser.disjunction()?;
            if !parser.at_keyword("if") {
                parser.check_comma(&value)?;
                return Ok(value);
            }
            parser.advance();
            let condition = parser.disjunction()?;
            if !parser.at_keyword("else") {
                if parser.at_operator(":") {
                    return Err(parser.invalid());
                }
                return Err(parser.error("expected 'else' after 'if' expression", line));
            }
            parser.advance();
            let otherwise = parser.expression()?;
            Ok(expression(
                line,
                ExpressionKind::Conditional(Box::new((condition, value, otherwise))),
            ))
        })
    }

    /// Two expressions side by side in brackets: a comma is missing.
    fn check_comma(&mut self, value: &Expression) -> Parsed<()> {
        if self.brackets() == 0 || !self.starts_expression() {
            return Ok(());
        }
        if matches!(value.kind, ExpressionKind::Name(_))
            && matches!(self.kind(), TokenKind::Text(_))
        {
            return Ok(());
        }
        if matches!(self.kind(), TokenKind::Operator("-" | "+" | "(" | "["))
            || self.at_keyword("not")
        {
            return Ok(());
        }
        let start = self.at;
        let behind = self.expression();
        self.at = start;
        if behind.is_ok() {
            return Err(self.error("invalid syntax. Perhaps you forgot a comma?", value.line));
        }
        Ok(())
    }

    fn lambda(&mut self) -> Parsed<Expression> {
        let line = self.line();
        self.advance();
        let parameters = self.parameters(":")?;
        self.expect_operator(":")?;
        let (value, names) = self.scope(ScopeKind::Function, |parser| {
            for parameter in &parameters {
                parser.bind(&parameter.name);
            }
            parser.expression()
        })?;
        let body = vec![Statement {
            line,
            kind: StatementKind::Return(Some(value)),
        }];
        let function = definition("<lambda>".into(), parameters, body, names);
        Ok(expression(line, ExpressionKind::Lambda(Rc::new(function))))
    }

    pub(super) fn disjunction(&mut self) -> Parsed<Expression> {
        let mut left = self.conjunction()?;
        while self.at_keyword("or") {
            self.advance();
            let right = self.conjunction()?;
            left = expression(
                left.line,
                ExpressionKind::Or(Box::new(left), Box::new(right)),
            );
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed<Expression> {
        let mut left = self.inversion()?;
        while self.at_keyword("and") {
            self.advance();
            let right = self.inversion()?;
            left = expression(
                left.line,
                ExpressionKind::And(Box::new(left), Box::new(right)),
            );
        }
        Ok(left)
    }

    fn inversion(&mut self) -> Parsed<Expression> {
        let line = self.line();
        if self.take_keyword("not") {
            let inner = self.nested(Self::inversion)?;
            return Ok(expression(
                line,
                ExpressionKind::Unary("not", Box::new(inner)),
            ));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Expression> {
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.comparison_operator() {
            let value = self.binary(0)?;
            rest.push((operator, value));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(expression(
            first.line,
            ExpressionKind::Compare(Box::new(first), rest),
        ))
    }

    fn comparison_operator(&mut self) -> Option<&'static str> {
        let operator = match self.kind() {
            TokenKind::Operator(operator) => ["==", "!=", "<=", ">=", "<", ">"]
                .into_iter()
                .find(|known| known == operator)?,
            TokenKind::Name(name) if name == "in" => "in",
            TokenKind::Name(name) if name == "is" => {
                self.advance();
                return Some(if self.take_keyword("not") {
                    "is not"
                } else {
                    "is"
                });
            }
            TokenKind::Name(name)
                if name == "not" && *self.kind_after(1) == TokenKind::Name("in".to_owned()) =>
            {
                self.advance();
                "not in"
            }
            _ => return None,
        };
        self.advance();
        Some(operator)
    }

    /// Binary operators of `level` and tighter ones: `|`, `^`, `&`, shifts, sums, products.
    pub(super) fn binary(&mut self, level: usize) -> Parsed<Expression> {
        const LEVELS: [&[&str]; 6] = [
            &["|"],
            &["^"],
            &["&"],
            &["<<", ">>"],
            &["+", "-"],
            &["*", "/", "//", "%", "@"],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.factor();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            let operator = match self.kind() {
                TokenKind::Operator(found) => operators.iter().find(|operator| *operator == found),
                _ => None,
            };
            let Some(operator) = operator else {
                return Ok(left);
            };
            self.advance();
            let right = self.binary(level + 1)?;
            left = expression(
                left.line,
                ExpressionKind::Binary(operator, Box::new(left), Box::new(right)),
            );
        }
    }

    fn factor(&mut self) -> Parsed<Expression> {
        let line = self.line();
        for operator in ["-", "+", "~"] {
            if self.take_operator(operator) {
                let inner = self.nested(Self::factor)?;
                let kind = match inner.kind {
                    ExpressionKind::Constant(Constant::Int(value))
                        if operator == "-" && !inner.parenthesised =>
                    {
                        ExpressionKind::Constant(Constant::Int(-value))
                    }
                    _ => ExpressionKind::Unary(operator, Box::new(inner)),
                };
                return Ok(expression(line, kind));
            }
        }
        let base = self.primary()?;
        if self.take_operator("**") {
            let exponent = self.nested(Self::factor)?;
            return Ok(expression(
                line,
                ExpressionKind::Binary("**", Box::new(base), Box::new(exponent)),
            ));
        }
        Ok(base)
    }
}
