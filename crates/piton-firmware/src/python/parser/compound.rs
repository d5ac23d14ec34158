//! Statements with blocks.

use std::rc::Rc;

use super::super::ast::{
    ClassDefinition, Definition, Expression, Handler, Parameter, ParameterKind, Statement,
    StatementKind, Try,
};
use super::super::token::TokenKind;
use super::{Parsed, Parser, ScopeKind};

impl Parser {
    /// Parses a statement with a block; none if there is none here.
    pub(super) fn compound(&mut self) -> Parsed<Option<Statement>> {
        let line = self.line();
        if self.at_operator("@") {
            return self.decorated().map(|kind| Some(Statement { line, kind }));
        }
        let TokenKind::Name(keyword) = self.kind() else {
            return Ok(None);
        };
        let keyword = keyword.clone();
        let kind = match keyword.as_str() {
            "if" => {
                self.advance();
                self.if_statement("'if' statement", line)?
            }
            "while" => {
                self.advance();
                let condition = self.named_expression()?;
                let body = self.loop_body("'while' statement", line)?;
                let otherwise = self.otherwise()?;
                StatementKind::While(condition, body, otherwise)
            }
            "for" => self.for_statement(line)?,
            "try" => self.try_statement(line)?,
            "with" => self.with_statement(line)?,
            "def" => self.function_definition(Vec::new(), line)?,
            "class" => self.class_definition(line)?,
            "async" => StatementKind::Unsupported("async"),
            "match" if self.at_match() => StatementKind::Unsupported("match"),
            _ => return Ok(None),
        };
        if let StatementKind::Unsupported(_) = kind {
            self.skip_compound();
        }
        Ok(Some(Statement { line, kind }))
    }

    /// Returns whether `match` is a keyword here: its line ends with a colon.
    fn at_match(&self) -> bool {
        if matches!(
            self.kind_after(1),
            TokenKind::Operator("=" | "." | "," | ")" | ":") | TokenKind::Newline
        ) {
            return false;
        }
        let line = self.tokens.get(self.at..).unwrap_or_default();
        let end = line
            .iter()
            .position(|token| token.kind == TokenKind::Newline);
        let before = end
            .and_then(|end| end.checked_sub(1))
            .and_then(|last| line.get(last));
        before.is_some_and(|token| token.kind == TokenKind::Operator(":"))
    }

    /// Passes a statement that is not run here, with its blocks.
    fn skip_compound(&mut self) {
        let mut blocks = 0;
        loop {
            match self.kind() {
                TokenKind::Indent => blocks += 1,
                TokenKind::Dedent => {
                    blocks -= 1;
                    if blocks <= 0 {
                        self.advance();
                        return;
                    }
                }
                TokenKind::Newline if blocks == 0 && *self.kind_after(1) != TokenKind::Indent => {
                    self.advance();
                    return;
                }
                TokenKind::End | TokenKind::Error(_) => return,
                _ => {}
            }
            self.advance();
        }
    }

    fn decorated(&mut self) -> Parsed<StatementKind> {
        let mut decorators = Vec::new();
        while self.take_operator("@") {
            decorators.push(self.named_expression()?);
            if *self.kind() != TokenKind::Newline {
                return Err(self.invalid());
            }
            self.advance();
        }
        let line = self.line();
        if self.at_keyword("def") {
            return self.function_definition(decorators, line);
        }
        if self.at_keyword("class") {
            self.class_definition(line)?;
            return Ok(StatementKind::Unsupported("a decorator of a class"));
        }
        if self.at_keyword("async") {
            self.skip_compound();
            return Ok(StatementKind::Unsupported("async"));
        }
        Err(self.invalid())
    }

    fn if_statement(&mut self, what: &str, line: u32) -> Parsed<StatementKind> {
        let condition = self.named_expression()?;
        let body = self.block(what, line)?;
        let next = self.line();
        if self.take_keyword("elif") {
            let kind = self.nested(|parser| parser.if_statement("'elif' statement", next))?;
            return Ok(StatementKind::If(
                condition,
                body,
                vec![Statement { line: next, kind }],
            ));
        }
        let otherwise = self.otherwise()?;
        Ok(StatementKind::If(condition, body, otherwise))
    }

    fn otherwise(&mut self) -> Parsed<Vec<Statement>> {
        let line = self.line();
        if self.take_keyword("else") {
            self.block("'else' statement", line)
        } else {
            Ok(Vec::new())
        }
    }

    fn loop_body(&mut self, what: &str, line: u32) -> Parsed<Vec<Statement>> {
        self.loops += 1;
        let body = self.block(what, line);
        self.loops -= 1;
        body
    }

    fn for_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance();
        let target = self.target_list()?;
        self.check_plain_target(&target)?;
        self.bind_target(&target);
        self.expect_keyword("in")?;
        let iterable = self.star_expressions()?;
        let body = self.loop_body("'for' statement", line)?;
        let otherwise = self.otherwise()?;
        Ok(StatementKind::For(target, iterable, body, otherwise))
    }

    fn try_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance();
        let body = self.block("'try' statement", line)?;
        let mut handlers = Vec::new();
        loop {
            let line = self.line();
            if !self.take_keyword("except") {
                break;
            }
            if self.at_operator("*") {
                return Err(self.invalid());
            }
            let mut class = None;
            let mut name = None;
            if !self.at_operator(":") {
                class = Some(self.expression()?);
                if self.at_operator(",") {
                    return Err(self.error("multiple exception types must be parenthesized", line));
                }
                if self.take_keyword("as") {
                    let bound = self.expect_name()?;
                    self.bind(&bound);
                    name = Some(bound);
                }
            }
            let body = self.block("'except' statement", line)?;
            handlers.push(Handler { class, name, body });
        }
        let otherwise = if handlers.is_empty() {
            Vec::new()
        } else {
            self.otherwise()?
        };
        let line = self.line();
        let finally = if self.take_keyword("finally") {
            Some(self.block("'finally' statement", line)?)
        } else {
            None
        };
        if handlers.is_empty() && finally.is_none() {
            return Err(self.error("expected 'except' or 'finally' block", line));
        }
        Ok(StatementKind::Try(Box::new(Try {
            body,
            handlers,
            otherwise,
            finally: finally.unwrap_or_default(),
        })))
    }

    fn with_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance();
        let start = self.at;
        let parenthesised = self.take_operator("(");
        let items = if parenthesised {
            match self.with_items(true) {
                Ok(items) if self.take_operator(")") && self.at_operator(":") => items,
                _ => {
                    self.at = start;
                    self.with_items(false)?
                }
            }
        } else {
            self.with_items(false)?
        };
        let body = self.block("'with' statement", line)?;
        Ok(StatementKind::With(items, body))
    }

    fn with_items(&mut self, parenthesised: bool) -> Parsed<Vec<(Expression, Option<Expression>)>> {
        let mut items = Vec::new();
        loop {
            let context = self.expression()?;
            let mut target = None;
            if self.take_keyword("as") {
                let bound = self.primary()?;
                self.check_plain_target(&bound)?;
                self.bind_target(&bound);
                target = Some(bound);
            }
            items.push((context, target));
            if !self.take_operator(",") || (parenthesised && self.at_operator(")")) {
                return Ok(items);
            }
        }
    }

    fn function_definition(
        &mut self,
        decorators: Vec<Expression>,
        line: u32,
    ) -> Parsed<StatementKind> {
        self.advance();
        let name = self.expect_name()?;
        self.bind(&name);
        if !self.take_operator("(") {
            return Err(self.error("expected '('", self.line()));
        }
        let parameters = self.parameters(")")?;
        self.expect_operator(")")?;
        if self.take_operator("->") {
            self.expression()?;
        }
        let (body, names) = self.scope(ScopeKind::Function, |parser| {
            for parameter in &parameters {
                parser.bind(&parameter.name);
            }
            parser.block("function definition", line)
        })?;
        Ok(StatementKind::Function(
            Rc::new(definition(name, parameters, body, names)),
            decorators,
        ))
    }

    /// Parses parameters up to `end`, which is not taken.
    pub(super) fn parameters(&mut self, end: &str) -> Parsed<Vec<Parameter>> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut kind = ParameterKind::Normal;
        while !self.at_operator(end) {
            if self.take_operator("/") {
                for parameter in &mut parameters {
                    parameter.kind = ParameterKind::PositionalOnly;
                }
            } else if self.take_operator("**") {
                let name = self.parameter_name(end)?;
                parameters.push(Parameter {
                    name,
                    kind: ParameterKind::Pairs,
                    default: None,
                });
            } else if self.take_operator("*") {
                if !self.at_operator(",") {
                    let name = self.parameter_name(end)?;
                    parameters.push(Parameter {
                        name,
                        kind: ParameterKind::Items,
                        default: None,
                    });
                }
                kind = ParameterKind::KeywordOnly;
            } else {
                let line = self.line();
                let name = self.parameter_name(end)?;
                let default = if self.take_operator("=") {
                    Some(self.expression()?)
                } else {
                    None
                };
                let after_default = parameters
                    .iter()
                    .any(|parameter| parameter.default.is_some());
                if default.is_none() && kind == ParameterKind::Normal && after_default {
                    return Err(self.error("non-default argument follows default argument", line));
                }
                parameters.push(Parameter {
                    name,
                    kind,
                    default,
                });
            }
            if !self.take_operator(",") {
                break;
            }
        }
        for (index, parameter) in parameters.iter().enumerate() {
            if parameters
                .iter()
                .take(index)
                .any(|other| other.name == parameter.name)
            {
                let message = format!(
                    "duplicate argument '{}' in function definition",
                    parameter.name
                );
                return Err(self.error(&message, self.line()));
            }
        }
        Ok(parameters)
    }

    fn parameter_name(&mut self, end: &str) -> Parsed<Rc<str>> {
        let name = self.expect_name()?;
        if end == ")" && self.take_operator(":") {
            self.expression()?;
        }
        Ok(name)
    }

    fn class_definition(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance();
        let name = self.expect_name()?;
        self.bind(&name);
        let mut bases = Vec::new();
        let mut unsupported = false;
        if self.take_operator("(") {
            for argument in self.arguments()? {
                match argument {
                    super::super::ast::Argument::Positional(base) => bases.push(base),
                    _ => unsupported = true,
                }
            }
        }
        let (body, _) = self.scope(ScopeKind::Class, |parser| {
            parser.block("class definition", line)
        })?;
        Ok(StatementKind::Class(Rc::new(ClassDefinition {
            name,
            bases,
            body,
            unsupported,
        })))
    }
}

/// Makes a definition of its parts.
pub(super) fn definition(
    name: Rc<str>,
    parameters: Vec<Parameter>,
    body: Vec<Statement>,
    names: super::ScopeNames,
) -> Definition {
    let outer = names.outer;
    let bound = names
        .bound
        .into_iter()
        .filter(|name| !outer.iter().any(|(other, _)| other == name));
    Definition {
        name,
        parameters,
        body,
        locals: Rc::new(bound.collect()),
        outer: Rc::new(outer),
        unsupported: names.unsupported,
    }
}
