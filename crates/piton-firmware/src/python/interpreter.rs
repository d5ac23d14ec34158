//! Runs statements.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{Expression, ExpressionKind, Handler, Statement, StatementKind, Try};
use super::exceptions::Exceptions;
use super::value::{Arguments, Class, Function, Module, Outcome, Scope, ScopeKind, Throw, Value};
use crate::manifest::state::State;

/// How many statements a manifest may run. A loop that does not end is an error, and not a build that hangs.
const MAXIMUM_STEPS: u64 = 200_000_000;

/// Where a statement leaves to.
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

/// A running manifest.
pub(crate) struct Interpreter {
    pub(crate) state: State,
    pub(super) exceptions: Exceptions,
    pub(super) modules: BTreeMap<Rc<str>, Rc<Module>>,
    /// `sys.path`.
    pub(super) module_path: Rc<RefCell<Vec<Value>>>,
    pub(super) environment: Value,
    /// The exceptions that are being handled, the innermost last.
    pub(super) handled: Vec<Value>,
    pub(super) depth: usize,
    /// The Python that runs the manifests instead, if a caller named one.
    pub(super) child: Option<super::child::Python>,
    steps: u64,
}

impl Interpreter {
    pub(crate) fn new(state: State) -> Interpreter {
        let environment = super::modules::environment(&state.environment);
        let module_path = state.module_path.iter().map(Value::text).collect();
        Interpreter {
            state,
            exceptions: Exceptions::new(),
            modules: BTreeMap::new(),
            module_path: Rc::new(RefCell::new(module_path)),
            environment,
            handled: Vec::new(),
            depth: 0,
            child: None,
            steps: 0,
        }
    }

    /// Runs a source with these globals.
    pub(crate) fn run_source(&mut self, source: &str, globals: &Rc<Scope>) -> Result<(), Throw> {
        if source.contains('\0') {
            return Err(Throw::new(
                "ValueError",
                "source code string cannot contain null bytes",
            ));
        }
        let statements = super::parser::parse(source).map_err(|error| Throw::Error {
            class: error.class,
            message: format!("{} (<string>, line {})", error.message, error.line),
        })?;
        self.block(&statements, globals).map(|_| ())
    }

    pub(super) fn block(
        &mut self,
        statements: &[Statement],
        scope: &Rc<Scope>,
    ) -> Result<Flow, Throw> {
        for statement in statements {
            let kept = std::mem::replace(&mut self.state.line, statement.line);
            self.steps += 1;
            if self.steps > MAXIMUM_STEPS {
                return Err(Throw::unsupported("a loop without an end"));
            }
            match self.statement(statement, scope) {
                Ok(Flow::Next) => self.state.line = kept,
                Ok(other) => return Ok(other),
                Err(Throw::Unsupported { what, line: 0 }) => {
                    return Err(Throw::Unsupported {
                        what,
                        line: statement.line,
                    });
                }
                Err(other) => return Err(other),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement, scope: &Rc<Scope>) -> Result<Flow, Throw> {
        match &statement.kind {
            StatementKind::Expression(expression) => {
                self.evaluate(expression, scope)?;
            }
            StatementKind::Assign(targets, value) => {
                let value = self.evaluate(value, scope)?;
                for target in targets {
                    self.assign(target, value.clone(), scope)?;
                }
            }
            StatementKind::Augmented(target, operator, value) => {
                self.augmented(target, operator, value, scope)?
            }
            StatementKind::If(condition, body, otherwise) => {
                let condition = self.evaluate(condition, scope)?;
                let chosen = if self.truth(&condition)? {
                    body
                } else {
                    otherwise
                };
                return self.block(chosen, scope);
            }
            StatementKind::While(condition, body, otherwise) => {
                return self.while_loop(condition, body, otherwise, scope);
            }
            StatementKind::For(target, iterable, body, otherwise) => {
                return self.for_loop(target, iterable, body, otherwise, scope);
            }
            StatementKind::Try(parts) => return self.try_statement(parts, scope),
            StatementKind::With(items, body) => return self.with(items, body, scope),
            StatementKind::Function(definition, decorators) => {
                let mut value = self.function(definition, scope)?;
                for decorator in decorators.iter().rev() {
                    let decorator = self.evaluate(decorator, scope)?;
                    value = self.call(&decorator, Arguments::of(vec![value]))?;
                }
                self.store(&definition.name, value, scope);
            }
            StatementKind::Class(class) => self.class(class, scope)?,
            StatementKind::Return(value) => {
                let value = value
                    .as_ref()
                    .map_or(Ok(Value::None), |value| self.evaluate(value, scope))?;
                return Ok(Flow::Return(value));
            }
            StatementKind::Raise(value, cause) => {
                return Err(self.raise(value.as_ref(), cause.as_ref(), scope));
            }
            StatementKind::Assert(condition, message) => {
                self.assert(condition, message.as_ref(), scope)?
            }
            StatementKind::Delete(targets) => {
                for target in targets {
                    self.delete(target, scope)?;
                }
            }
            StatementKind::Import(modules) => {
                for (path, name) in modules {
                    let module = self.import(path, name.is_some())?;
                    let top: Rc<str> = path.split('.').next().unwrap_or_default().into();
                    self.store(name.as_ref().unwrap_or(&top), module, scope);
                }
            }
            StatementKind::ImportFrom(path, dots, names) => {
                self.import_from(path, *dots, names, scope)?
            }
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
            StatementKind::Pass => {}
            StatementKind::Group(statements) => return self.block(statements, scope),
            StatementKind::Unsupported(what) => return Err(Throw::unsupported(*what)),
        }
        Ok(Flow::Next)
    }

    fn augmented(
        &mut self,
        target: &Expression,
        operator: &str,
        value: &Expression,
        scope: &Rc<Scope>,
    ) -> Result<(), Throw> {
        let old = self.evaluate(target, scope)?;
        let value = self.evaluate(value, scope)?;
        let new = self.augment(operator, old, value)?;
        self.assign(target, new, scope)
    }

    fn while_loop(
        &mut self,
        condition: &Expression,
        body: &[Statement],
        otherwise: &[Statement],
        scope: &Rc<Scope>,
    ) -> Result<Flow, Throw> {
        loop {
            let value = self.evaluate(condition, scope)?;
            if !self.truth(&value)? {
                return self.block(otherwise, scope);
            }
            match self.block(body, scope)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
    }

    fn for_loop(
        &mut self,
        target: &Expression,
        iterable: &Expression,
        body: &[Statement],
        otherwise: &[Statement],
        scope: &Rc<Scope>,
    ) -> Result<Flow, Throw> {
        let iterable = self.evaluate(iterable, scope)?;
        let iterator = self.iterator(&iterable)?;
        while let Some(item) = self.next(&iterator)? {
            self.assign(target, item, scope)?;
            match self.block(body, scope)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
        self.block(otherwise, scope)
    }

    fn try_statement(&mut self, parts: &Try, scope: &Rc<Scope>) -> Result<Flow, Throw> {
        let line = self.state.line;
        let result = match self.block(&parts.body, scope) {
            Ok(Flow::Next) => self.block(&parts.otherwise, scope),
            Err(throw) if !matches!(throw, Throw::Unsupported { .. }) => {
                self.state.line = line;
                self.handle(throw, &parts.handlers, scope)
            }
            other => other,
        };
        if let Err(Throw::Unsupported { .. }) = result {
            return result;
        }
        match self.block(&parts.finally, scope)? {
            Flow::Next => result,
            other => Ok(other),
        }
    }

    fn handle(
        &mut self,
        throw: Throw,
        handlers: &[Handler],
        scope: &Rc<Scope>,
    ) -> Result<Flow, Throw> {
        let exception = self.exception(throw);
        for handler in handlers {
            let fits = match &handler.class {
                Some(class) => {
                    let class = self.evaluate(class, scope)?;
                    self.matches_exception(&exception, &class)?
                }
                None => true,
            };
            if !fits {
                continue;
            }
            if let Some(name) = &handler.name {
                self.store(name, exception.clone(), scope);
            }
            self.handled.push(exception);
            let result = self.block(&handler.body, scope);
            self.handled.pop();
            if let Some(name) = &handler.name {
                let _ = self.delete_name(name, scope);
            }
            return result;
        }
        Err(Throw::Object(exception))
    }

    fn raise(
        &mut self,
        value: Option<&Expression>,
        cause: Option<&Expression>,
        scope: &Rc<Scope>,
    ) -> Throw {
        let Some(value) = value else {
            return match self.handled.last() {
                Some(exception) => Throw::Object(exception.clone()),
                None => Throw::new("RuntimeError", "No active exception to reraise"),
            };
        };
        let value = match self.evaluate(value, scope) {
            Ok(value) => value,
            Err(throw) => return throw,
        };
        if let Some(cause) = cause
            && let Err(throw) = self.evaluate(cause, scope)
        {
            return throw;
        }
        match self.exception_of(&value) {
            Ok(exception) => Throw::Object(exception),
            Err(throw) => throw,
        }
    }

    fn assert(
        &mut self,
        condition: &Expression,
        message: Option<&Expression>,
        scope: &Rc<Scope>,
    ) -> Result<(), Throw> {
        let value = self.evaluate(condition, scope)?;
        if self.truth(&value)? {
            return Ok(());
        }
        let arguments = match message {
            Some(message) => vec![self.evaluate(message, scope)?],
            None => Vec::new(),
        };
        Err(Throw::Object(
            self.exceptions.make("AssertionError", arguments),
        ))
    }

    fn with(
        &mut self,
        items: &[(Expression, Option<Expression>)],
        body: &[Statement],
        scope: &Rc<Scope>,
    ) -> Result<Flow, Throw> {
        let Some(((context, target), rest)) = items.split_first() else {
            return self.block(body, scope);
        };
        let context = self.evaluate(context, scope)?;
        let entered = match &context {
            Value::File(_) | Value::Path(_) => context.clone(),
            Value::Iterator(_) => context.clone(),
            Value::Instance(_) => {
                let enter = self.attribute(&context, "__enter__")?;
                self.call(&enter, Arguments::default())?
            }
            other => {
                return Err(Throw::type_error(format!(
                    "'{}' object does not support the context manager protocol",
                    other.type_name()
                )));
            }
        };
        if let Some(target) = target {
            self.assign(target, entered, scope)?;
        }
        let result = self.with(rest, body, scope);
        if let Value::File(file) = &context {
            file.borrow_mut().closed = true;
        }
        if let Value::Instance(_) = &context {
            return self.leave(&context, result);
        }
        result
    }

    fn leave(&mut self, context: &Value, result: Result<Flow, Throw>) -> Result<Flow, Throw> {
        let exit = self.attribute(context, "__exit__")?;
        match result {
            Err(throw) if !matches!(throw, Throw::Unsupported { .. }) => {
                let exception = self.exception(throw);
                let class = self.class_of(&exception);
                let arguments = Arguments::of(vec![class, exception.clone(), Value::None]);
                let handled = self.call(&exit, arguments)?;
                if self.truth(&handled)? {
                    Ok(Flow::Next)
                } else {
                    Err(Throw::Object(exception))
                }
            }
            other => {
                self.call(
                    &exit,
                    Arguments::of(vec![Value::None, Value::None, Value::None]),
                )?;
                other
            }
        }
    }

    /// Makes a function, with its defaults.
    pub(super) fn function(
        &mut self,
        definition: &Rc<super::ast::Definition>,
        scope: &Rc<Scope>,
    ) -> Outcome {
        let mut defaults = Vec::new();
        for parameter in &definition.parameters {
            defaults.push(match &parameter.default {
                Some(default) => Some(self.evaluate(default, scope)?),
                None => None,
            });
        }
        Ok(Value::Function(Rc::new(Function {
            qualified: scope.qualify(&definition.name),
            definition: definition.clone(),
            defaults,
            scope: scope.clone(),
        })))
    }

    fn class(
        &mut self,
        definition: &Rc<super::ast::ClassDefinition>,
        scope: &Rc<Scope>,
    ) -> Result<(), Throw> {
        if definition.unsupported {
            return Err(Throw::unsupported("a class with keywords"));
        }
        let mut bases = Vec::new();
        for base in &definition.bases {
            match self.evaluate(base, scope)? {
                Value::Class(class) => bases.push(class),
                Value::Type("object") => {}
                other => {
                    return Err(Throw::unsupported(format!(
                        "a class below {}",
                        self.repr(&other)?
                    )));
                }
            }
        }
        let body = Rc::new(Scope {
            kind: ScopeKind::Class,
            qualified: scope.qualify(&definition.name),
            names: RefCell::default(),
            locals: Rc::default(),
            outer: Rc::default(),
            parent: Some(scope.clone()),
        });
        body.names
            .borrow_mut()
            .insert("__qualname__".into(), Value::Text(body.qualified.clone()));
        self.block(&definition.body, &body)?;
        let mut attributes: BTreeMap<Rc<str>, Value> = body
            .names
            .borrow()
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        attributes.remove("__qualname__");
        let class = Rc::new(Class {
            name: definition.name.clone(),
            bases,
            attributes: RefCell::new(attributes),
        });
        self.store(&definition.name, Value::Class(class), scope);
        Ok(())
    }

    /// Assigns a value to a target.
    pub(super) fn assign(
        &mut self,
        target: &Expression,
        value: Value,
        scope: &Rc<Scope>,
    ) -> Result<(), Throw> {
        match &target.kind {
            ExpressionKind::Name(name) => {
                self.store(name, value, scope);
                Ok(())
            }
            ExpressionKind::Attribute(base, name) => {
                let base = self.evaluate(base, scope)?;
                self.set_attribute(&base, name, value)
            }
            ExpressionKind::Subscript(base, index) => {
                let base = self.evaluate(base, scope)?;
                let index = self.evaluate(index, scope)?;
                self.set_item(&base, &index, value)
            }
            ExpressionKind::Tuple(targets) | ExpressionKind::List(targets) => {
                self.unpack(targets, &value, scope)
            }
            _ => Err(Throw::unsupported("an assignment")),
        }
    }

    fn unpack(
        &mut self,
        targets: &[Expression],
        value: &Value,
        scope: &Rc<Scope>,
    ) -> Result<(), Throw> {
        let Ok(iterator) = self.iterator(value) else {
            return Err(Throw::type_error(format!(
                "cannot unpack non-iterable {} object",
                value.type_name()
            )));
        };
        let mut items = Vec::new();
        while let Some(item) = self.next(&iterator)? {
            items.push(item);
        }
        let star = targets
            .iter()
            .position(|target| matches!(target.kind, ExpressionKind::Starred(_)));
        let wanted = targets.len();
        let Some(star) = star else {
            if items.len() > wanted {
                return Err(Throw::new(
                    "ValueError",
                    format!("too many values to unpack (expected {wanted})"),
                ));
            }
            if items.len() < wanted {
                let message = format!(
                    "not enough values to unpack (expected {wanted}, got {})",
                    items.len()
                );
                return Err(Throw::new("ValueError", message));
            }
            for (target, item) in targets.iter().zip(items) {
                self.assign(target, item, scope)?;
            }
            return Ok(());
        };
        if items.len() + 1 < wanted {
            let message = format!(
                "not enough values to unpack (expected at least {}, got {})",
                wanted - 1,
                items.len()
            );
            return Err(Throw::new("ValueError", message));
        }
        let behind = items.split_off(items.len() - (wanted - star - 1));
        let middle = items.split_off(star);
        let middle = std::iter::once(Value::list(middle));
        for (target, item) in targets
            .iter()
            .zip(items.into_iter().chain(middle).chain(behind))
        {
            let target = if let ExpressionKind::Starred(inner) = &target.kind {
                inner
            } else {
                target
            };
            self.assign(target, item, scope)?;
        }
        Ok(())
    }

    fn delete(&mut self, target: &Expression, scope: &Rc<Scope>) -> Result<(), Throw> {
        match &target.kind {
            ExpressionKind::Name(name) => self.delete_name(name, scope),
            ExpressionKind::Subscript(base, index) => {
                let base = self.evaluate(base, scope)?;
                let index = self.evaluate(index, scope)?;
                self.delete_item(&base, &index)
            }
            _ => Err(Throw::unsupported("del of an attribute")),
        }
    }
}
