//! Statements on one line, and blocks.

use std::rc::Rc;

use super::super::ast::{Expression, ExpressionKind, Statement, StatementKind};
use super::super::syntax_error::SyntaxError;
use super::super::token::TokenKind;
use super::{Parsed, Parser};

impl Parser {
    pub(super) fn statement(&mut self, into: &mut Vec<Statement>) -> Parsed<()> {
        match self.kind() {
            TokenKind::Newline => {
                self.advance();
                return Ok(());
            }
            TokenKind::Indent | TokenKind::Dedent | TokenKind::Error(_) => {
                return Err(self.invalid());
            }
            _ => {}
        }
        if let Some(statement) = self.nested(Self::compound)? {
            into.push(statement);
            return Ok(());
        }
        loop {
            let line = self.line();
            let kind = self.simple()?;
            into.push(Statement { line, kind });
            if !self.take_operator(";") {
                break;
            }
            if *self.kind() == TokenKind::Newline {
                break;
            }
        }
        match self.kind() {
            TokenKind::Newline => {
                self.advance();
                Ok(())
            }
            TokenKind::End => Ok(()),
            _ => Err(self.behind_statement(into.last())),
        }
    }

    /// Returns the error of something that follows a complete statement.
    fn behind_statement(&self, statement: Option<&Statement>) -> SyntaxError {
        let line = self.line();
        if let Some(StatementKind::Expression(expression)) =
            statement.map(|statement| &statement.kind)
            && let ExpressionKind::Name(name) = &expression.kind
            && matches!(&**name, "print" | "exec")
            && self.starts_expression()
        {
            let message =
                format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?");
            return self.error(&message, line);
        }
        self.invalid()
    }

    /// Parses the block after a colon; `header` is the line of the statement that it belongs to.
    pub(super) fn block(&mut self, what: &str, header: u32) -> Parsed<Vec<Statement>> {
        if !self.take_operator(":") {
            return Err(match self.kind() {
                TokenKind::Error(_) => self.invalid(),
                TokenKind::Newline | TokenKind::End => self.error("expected ':'", self.line()),
                _ if matches!(
                    what,
                    "class definition" | "'with' statement" | "function definition"
                ) =>
                {
                    self.invalid()
                }
                _ => self.invalid(),
            });
        }
        let mut statements = Vec::new();
        if *self.kind() != TokenKind::Newline {
            let line = self.line();
            if matches!(self.kind(), TokenKind::Error(_) | TokenKind::End) {
                return Err(self.invalid());
            }
            let mut first = line;
            loop {
                let kind = self.simple()?;
                statements.push(Statement { line: first, kind });
                if !self.take_operator(";") || *self.kind() == TokenKind::Newline {
                    break;
                }
                first = self.line();
            }
            if *self.kind() == TokenKind::Newline {
                self.advance();
            } else if *self.kind() != TokenKind::End {
                return Err(self.behind_statement(statements.last()));
            }
            return Ok(statements);
        }
        self.advance();
        if *self.kind() != TokenKind::Indent {
            if let TokenKind::Error(error) = self.kind() {
                return Err(error.clone());
            }
            let message = format!("expected an indented block after {what} on line {header}");
            return Err(self.first(SyntaxError::indentation(&message, self.line())));
        }
        self.advance();
        while !matches!(self.kind(), TokenKind::Dedent | TokenKind::End) {
            self.statement(&mut statements)?;
        }
        if *self.kind() == TokenKind::Dedent {
            self.advance();
        }
        Ok(statements)
    }

    fn simple(&mut self) -> Parsed<StatementKind> {
        let keyword = match self.kind() {
            TokenKind::Name(name) => name.clone(),
            _ => String::new(),
        };
        let line = self.line();
        match keyword.as_str() {
            "pass" => {
                self.advance();
                Ok(StatementKind::Pass)
            }
            "break" | "continue" => {
                self.advance();
                if self.loops == 0 {
                    let message = if keyword == "break" {
                        "'break' outside loop"
                    } else {
                        "'continue' not properly in loop"
                    };
                    self.late_error(message, line);
                }
                Ok(if keyword == "break" {
                    StatementKind::Break
                } else {
                    StatementKind::Continue
                })
            }
            "return" => self.return_statement(line),
            "raise" => self.raise_statement(),
            "assert" => {
                self.advance();
                let condition = self.expression()?;
                let message = if self.take_operator(",") {
                    Some(self.expression()?)
                } else {
                    None
                };
                Ok(StatementKind::Assert(condition, message))
            }
            "del" => {
                self.advance();
                let target = self.star_expressions()?;
                self.check_delete(&target)?;
                let targets = match target.kind {
                    ExpressionKind::Tuple(items) | ExpressionKind::List(items) => items,
                    _ => vec![target],
                };
                for target in &targets {
                    self.bind_target(target);
                }
                Ok(StatementKind::Delete(targets))
            }
            "global" | "nonlocal" => self.outer_names(&keyword, line),
            "import" => self.import(),
            "from" => self.import_from(),
            _ => self.expression_statement(),
        }
    }

    fn return_statement(&mut self, line: u32) -> Parsed<StatementKind> {
        self.advance();
        if self.function().is_none() {
            self.late_error("'return' outside function", line);
        }
        let value = if self.at_statement_end() {
            None
        } else {
            Some(self.star_expressions()?)
        };
        Ok(StatementKind::Return(value))
    }

    fn raise_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.at_statement_end() {
            return Ok(StatementKind::Raise(None, None));
        }
        let value = self.expression()?;
        let cause = if self.take_keyword("from") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(StatementKind::Raise(Some(value), cause))
    }

    fn outer_names(&mut self, keyword: &str, line: u32) -> Parsed<StatementKind> {
        self.advance();
        loop {
            let name = self.expect_name()?;
            if keyword == "nonlocal" && self.function().is_none() {
                self.late_error("nonlocal declaration not allowed at module level", line);
            }
            if keyword == "nonlocal" && self.function().is_some() {
                self.nonlocal(&name, line);
            }
            if let Some(scope) = self.scopes.last_mut() {
                if scope.bound.contains(&name) && scope.kind == super::ScopeKind::Function {
                    let message =
                        format!("name '{name}' is assigned to before {keyword} declaration");
                    return Err(SyntaxError::new(&message, line));
                }
                scope.outer.push((name, keyword == "global"));
            }
            if !self.take_operator(",") {
                break;
            }
        }
        Ok(StatementKind::Pass)
    }

    /// Has the functions around the current one looked through for a name.
    fn nonlocal(&mut self, name: &Rc<str>, line: u32) {
        let around = self.scopes.len().saturating_sub(1);
        let (outer, _) = self.scopes.split_at_mut(around);
        let is_inside = outer
            .iter()
            .any(|scope| scope.kind == super::ScopeKind::Function);
        match outer.last_mut() {
            Some(scope) if is_inside => scope.unbound.push((name.clone(), line)),
            _ => self.late_error(&format!("no binding for nonlocal '{name}' found"), line),
        }
    }

    pub(super) fn at_statement_end(&self) -> bool {
        matches!(self.kind(), TokenKind::Newline | TokenKind::End) || self.at_operator(";")
    }

    fn dotted_name(&mut self) -> Parsed<Rc<str>> {
        let mut name = self.expect_name()?.to_string();
        while self.take_operator(".") {
            name.push('.');
            name.push_str(&self.expect_name()?);
        }
        Ok(name.into())
    }

    fn import(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let mut modules = Vec::new();
        loop {
            let module = self.dotted_name()?;
            let name = if self.take_keyword("as") {
                Some(self.expect_name()?)
            } else {
                None
            };
            let bound = name
                .clone()
                .unwrap_or_else(|| module.split('.').next().unwrap_or_default().into());
            self.bind(&bound);
            modules.push((module, name));
            if !self.take_operator(",") {
                return Ok(StatementKind::Import(modules));
            }
        }
    }

    fn import_from(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let mut dots = 0;
        loop {
            if self.take_operator(".") {
                dots += 1;
            } else if self.take_operator("...") {
                dots += 3;
            } else {
                break;
            }
        }
        let module = if dots > 0 && self.at_keyword("import") {
            "".into()
        } else {
            self.dotted_name()?
        };
        self.expect_keyword("import")?;
        if self.take_operator("*") {
            return Ok(StatementKind::ImportFrom(module, dots, Vec::new()));
        }
        let parenthesised = self.take_operator("(");
        let mut names = Vec::new();
        loop {
            let name = self.expect_name()?;
            let alias = if self.take_keyword("as") {
                Some(self.expect_name()?)
            } else {
                None
            };
            self.bind(alias.as_ref().unwrap_or(&name));
            names.push((name, alias));
            if !self.take_operator(",") {
                break;
            }
            if parenthesised && self.at_operator(")") {
                break;
            }
            if !parenthesised && *self.kind() == TokenKind::Newline {
                return Err(self.error(
                    "trailing comma not allowed without surrounding parentheses",
                    self.line(),
                ));
            }
        }
        if parenthesised {
            self.expect_operator(")")?;
        }
        Ok(StatementKind::ImportFrom(module, dots, names))
    }

    fn expression_statement(&mut self) -> Parsed<StatementKind> {
        let first = self.star_expressions()?;
        if let TokenKind::Operator(operator) = *self.kind() {
            let binary = [
                "+=", "-=", "*=", "/=", "//=", "%=", "**=", ">>=", "<<=", "&=", "|=", "^=", "@=",
            ]
            .into_iter()
            .find(|&augmented| augmented == operator);
            if let Some(augmented) = binary {
                self.check_augmented(&first)?;
                self.advance();
                self.bind_target(&first);
                let value = self.assigned_value()?;
                return Ok(StatementKind::Augmented(
                    first,
                    augmented.trim_end_matches('='),
                    value,
                ));
            }
            if operator == ":" {
                return self.annotated(first);
            }
        }
        if !self.at_operator("=") {
            return Ok(StatementKind::Expression(first));
        }
        let mut targets = Vec::new();
        let mut value = first;
        while self.at_operator("=") {
            self.check_target(&value)?;
            self.advance();
            self.bind_target(&value);
            targets.push(value);
            value = self.assigned_value()?;
        }
        Ok(StatementKind::Assign(targets, value))
    }

    fn assigned_value(&mut self) -> Parsed<Expression> {
        if self.at_keyword("yield") {
            self.yield_expression()
        } else {
            self.star_expressions()
        }
    }

    fn annotated(&mut self, target: Expression) -> Parsed<StatementKind> {
        match target.kind {
            ExpressionKind::Name(_)
            | ExpressionKind::Attribute(..)
            | ExpressionKind::Subscript(..) => {}
            ExpressionKind::List(_) => {
                return Err(self.error(
                    "only single target (not list) can be annotated",
                    target.line,
                ));
            }
            ExpressionKind::Tuple(_) => {
                return Err(self.error(
                    "only single target (not tuple) can be annotated",
                    target.line,
                ));
            }
            _ => return Err(self.error("illegal target for annotation", target.line)),
        }
        self.advance();
        self.bind_target(&target);
        let line = target.line;
        let annotation = self.expression()?;
        let mut group = Vec::new();
        if self.take_operator("=") {
            let value = self.assigned_value()?;
            let kind = StatementKind::Assign(vec![target], value);
            group.push(Statement { line, kind });
        }
        // Functions do not evaluate their annotations.
        if self.function().is_none() {
            let kind = StatementKind::Expression(annotation);
            group.push(Statement { line, kind });
        }
        Ok(StatementKind::Group(group))
    }
}
