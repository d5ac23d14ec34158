//! Calls, attributes, subscripts.

use std::rc::Rc;

use super::super::ast::{Argument, ComprehensionKind, Expression, ExpressionKind};
use super::super::token::TokenKind;
use super::expression::expression;
use super::{Parsed, Parser};

impl Parser {
    /// An atom and what hangs on it.
    pub(super) fn primary(&mut self) -> Parsed<Expression> {
        let line = self.line();
        if self.take_keyword("await") {
            self.nested(Self::primary)?;
            if self.function().is_none() {
                self.late_error("'await' outside function", line);
            }
            return Ok(expression(line, ExpressionKind::Unsupported("await")));
        }
        let mut value = self.nested(Self::atom)?;
        loop {
            if self.take_operator(".") {
                let name = self.expect_name()?;
                value = expression(line, ExpressionKind::Attribute(Box::new(value), name));
            } else if self.take_operator("(") {
                let arguments = self.nested(Self::arguments)?;
                value = expression(line, ExpressionKind::Call(Box::new(value), arguments));
            } else if self.take_operator("[") {
                let index = self.nested(Self::subscript)?;
                self.expect_operator("]")?;
                value = expression(
                    line,
                    ExpressionKind::Subscript(Box::new(value), Box::new(index)),
                );
            } else {
                return Ok(value);
            }
        }
    }

    fn subscript(&mut self) -> Parsed<Expression> {
        let line = self.line();
        let first = self.slice()?;
        if !self.at_operator(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take_operator(",") {
            if self.at_operator("]") {
                break;
            }
            items.push(self.slice()?);
        }
        Ok(expression(line, ExpressionKind::Tuple(items)))
    }

    fn slice(&mut self) -> Parsed<Expression> {
        let line = self.line();
        let part = |parser: &mut Parser| -> Parsed<Option<Box<Expression>>> {
            if parser.at_operator(":") || parser.at_operator("]") || parser.at_operator(",") {
                return Ok(None);
            }
            parser.named_expression().map(|value| Some(Box::new(value)))
        };
        let start = part(self)?;
        if !self.take_operator(":") {
            return start.map(|value| *value).ok_or_else(|| self.invalid());
        }
        let stop = part(self)?;
        let step = if self.take_operator(":") {
            part(self)?
        } else {
            None
        };
        Ok(expression(line, ExpressionKind::Slice(start, stop, step)))
    }

    /// The arguments of a call up to its `)`, which is taken.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        let mut arguments: Vec<Argument> = Vec::new();
        let mut names: Vec<(Rc<str>, u32)> = Vec::new();
        let mut unpacked = false;
        while !self.at_operator(")") {
            let here = self.line();
            if self.take_operator("*") {
                if unpacked {
                    let message = "iterable argument unpacking follows keyword argument unpacking";
                    return Err(self.error(message, self.line()));
                }
                arguments.push(Argument::Items(self.expression()?));
            } else if self.take_operator("**") {
                unpacked = true;
                arguments.push(Argument::Pairs(self.expression()?));
            } else if let Some(name) = self.argument_name()? {
                names.push((name.clone(), here));
                let value = self.argument_value()?;
                arguments.push(Argument::Named(name, value));
            } else {
                let line = self.line();
                let value = self.positional(&arguments)?;
                if unpacked || !names.is_empty() {
                    let message = if unpacked {
                        "positional argument follows keyword argument unpacking"
                    } else {
                        "positional argument follows keyword argument"
                    };
                    return Err(self.error(
                        message,
                        if !names.is_empty() {
                            self.end_line_of_arguments(line)
                        } else {
                            line
                        },
                    ));
                }
                arguments.push(Argument::Positional(value));
            }
            if !self.take_operator(",") {
                break;
            }
        }
        self.expect_operator(")")?;
        self.check_repeated(&names);
        Ok(arguments)
    }

    /// Finds the first keyword that comes again, in the order of the first of each.
    fn check_repeated(&mut self, names: &[(Rc<str>, u32)]) {
        let repeated = names.iter().enumerate().find_map(|(index, (name, _))| {
            let mut later = names.iter().skip(index + 1);
            later.find(|(other, _)| other == name)
        });
        if let Some((name, line)) = repeated {
            self.late_error(&format!("keyword argument repeated: {name}"), *line);
        }
    }

    /// CPython reports a positional argument after keywords at the bracket that closes the call.
    fn end_line_of_arguments(&self, line: u32) -> u32 {
        let depth = self.brackets();
        let behind = self.tokens.get(self.at..).unwrap_or_default();
        behind
            .iter()
            .find(|token| token.depth < depth && matches!(token.kind, TokenKind::Operator(")")))
            .or(self.tokens.last())
            .map_or(line, |token| token.line)
    }

    /// Takes `name=`, if it stands here.
    fn argument_name(&mut self) -> Parsed<Option<Rc<str>>> {
        if *self.kind_after(1) != TokenKind::Operator("=") {
            return Ok(None);
        }
        let line = self.line();
        if let TokenKind::Name(keyword) = self.kind()
            && matches!(keyword.as_str(), "True" | "False" | "None")
        {
            return Err(self.error(&format!("cannot assign to {keyword}"), line));
        }
        let Some(name) = self.take_name() else {
            return Ok(None);
        };
        self.advance();
        Ok(Some(name))
    }

    fn argument_value(&mut self) -> Parsed<Expression> {
        if self.at_operator(",") || self.at_operator(")") {
            return Err(self.error("expected argument value expression", self.line()));
        }
        let value = self.expression()?;
        if self.at_keyword("for") {
            return Err(self.error(
                "invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
                value.line,
            ));
        }
        Ok(value)
    }

    fn positional(&mut self, before: &[Argument]) -> Parsed<Expression> {
        let line = self.line();
        let value = self.named_expression()?;
        if self.at_operator("=") {
            return Err(self.error(
                "expression cannot contain assignment, perhaps you meant \"==\"?",
                line,
            ));
        }
        if self.at_keyword("for") || self.at_keyword("async") {
            let generator = self.comprehension(ComprehensionKind::Generator, value, None, line)?;
            if !before.is_empty()
                || (self.at_operator(",") && *self.kind_after(1) != TokenKind::Operator(")"))
            {
                return Err(self.error("Generator expression must be parenthesized", line));
            }
            return Ok(generator);
        }
        Ok(value)
    }
}
