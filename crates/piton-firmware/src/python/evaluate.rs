//! Evaluates expressions, and finds names.

use std::cell::RefCell;
use std::rc::Rc;

use super::ast::{
    Argument, Clause, Comprehension, ComprehensionKind, Constant, Expression, ExpressionKind,
    FormatPart,
};
use super::interpreter::Interpreter;
use super::iteration::Generator;
use super::value::{Arguments, Dict, Iteration, Outcome, Scope, ScopeKind, Throw, Value};

impl Interpreter {
    // tidy: one arm for each kind of expression
    pub(super) fn evaluate(&mut self, expression: &Expression, scope: &Rc<Scope>) -> Outcome {
        match &expression.kind {
            ExpressionKind::Constant(constant) => Ok(constant_value(constant)),
            ExpressionKind::Name(name) => self.load(name, scope),
            ExpressionKind::Format(parts) => self.format_parts(parts, scope).map(Value::text),
            ExpressionKind::Tuple(items) => self
                .items(items, scope)
                .map(|items| Value::Tuple(items.into())),
            ExpressionKind::List(items) => self.items(items, scope).map(Value::list),
            ExpressionKind::Set(items) => {
                let items = self.items(items, scope)?;
                Dict::set(items).map(Value::set)
            }
            ExpressionKind::Dict(pairs) => self.dict_display(pairs, scope),
            ExpressionKind::Unary(operator, inner) => {
                let value = self.evaluate(inner, scope)?;
                self.unary(operator, &value)
            }
            ExpressionKind::Binary(operator, left, right) => {
                let left = self.evaluate(left, scope)?;
                let right = self.evaluate(right, scope)?;
                self.binary(operator, &left, &right)
            }
            ExpressionKind::And(left, right) => {
                let left = self.evaluate(left, scope)?;
                if self.truth(&left)? {
                    self.evaluate(right, scope)
                } else {
                    Ok(left)
                }
            }
            ExpressionKind::Or(left, right) => {
                let left = self.evaluate(left, scope)?;
                if self.truth(&left)? {
                    Ok(left)
                } else {
                    self.evaluate(right, scope)
                }
            }
            ExpressionKind::Compare(first, rest) => self.comparisons(first, rest, scope),
            ExpressionKind::Call(function, arguments) => {
                let function = self.evaluate(function, scope)?;
                let arguments = self.arguments(&function, arguments, scope)?;
                self.state.line = expression.line;
                self.call(&function, arguments)
            }
            ExpressionKind::Attribute(base, name) => {
                let base = self.evaluate(base, scope)?;
                self.attribute(&base, name)
            }
            ExpressionKind::Subscript(base, index) => {
                let base = self.evaluate(base, scope)?;
                let index = self.evaluate(index, scope)?;
                self.item(&base, &index)
            }
            ExpressionKind::Slice(start, stop, step) => {
                let mut part = |part: &Option<Box<Expression>>| {
                    part.as_ref()
                        .map_or(Ok(Value::None), |part| self.evaluate(part, scope))
                };
                Ok(Value::Slice(Rc::new((
                    part(start)?,
                    part(stop)?,
                    part(step)?,
                ))))
            }
            ExpressionKind::Conditional(parts) => {
                let (condition, value, otherwise) = &**parts;
                let condition = self.evaluate(condition, scope)?;
                let chosen = if self.truth(&condition)? {
                    value
                } else {
                    otherwise
                };
                self.evaluate(chosen, scope)
            }
            ExpressionKind::Lambda(definition) => self.function(definition, scope),
            ExpressionKind::Comprehension(comprehension) => {
                self.comprehension(comprehension, scope)
            }
            ExpressionKind::Starred(_) => Err(Throw::unsupported("a starred expression")),
            ExpressionKind::Named(name, value) => {
                let value = self.evaluate(value, scope)?;
                let mut target = scope;
                while target.kind == ScopeKind::Comprehension {
                    match &target.parent {
                        Some(parent) => target = parent,
                        None => break,
                    }
                }
                self.store(name, value.clone(), target);
                Ok(value)
            }
            ExpressionKind::Unsupported(what) => Err(Throw::unsupported(*what)),
        }
    }

    fn items(&mut self, items: &[Expression], scope: &Rc<Scope>) -> Result<Vec<Value>, Throw> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            if let ExpressionKind::Starred(inner) = &item.kind {
                let inner = self.evaluate(inner, scope)?;
                if self.iterator(&inner).is_err() {
                    let message = format!(
                        "Value after * must be an iterable, not {}",
                        inner.type_name()
                    );
                    return Err(Throw::type_error(message));
                }
                values.extend(self.collect(&inner)?);
            } else {
                values.push(self.evaluate(item, scope)?);
            }
        }
        Ok(values)
    }

    fn dict_display(
        &mut self,
        pairs: &[(Option<Expression>, Expression)],
        scope: &Rc<Scope>,
    ) -> Outcome {
        let mut dict = Dict::default();
        for (key, value) in pairs {
            if let Some(key) = key {
                let key = self.evaluate(key, scope)?;
                let value = self.evaluate(value, scope)?;
                dict.insert(key, value)?;
                continue;
            }
            match self.evaluate(value, scope)? {
                Value::Dict(other) => {
                    for (key, value) in other.borrow().entries() {
                        dict.insert(key.clone(), value.clone())?;
                    }
                }
                other => {
                    return Err(Throw::type_error(format!(
                        "'{}' object is not a mapping",
                        other.type_name()
                    )));
                }
            }
        }
        Ok(Value::dict(dict))
    }

    fn comparisons(
        &mut self,
        first: &Expression,
        rest: &[(&'static str, Expression)],
        scope: &Rc<Scope>,
    ) -> Outcome {
        let mut left = self.evaluate(first, scope)?;
        let mut result = Value::Bool(true);
        for (operator, right) in rest {
            let right = self.evaluate(right, scope)?;
            result = Value::Bool(self.compare(operator, &left, &right)?);
            if !result.is_true() {
                break;
            }
            left = right;
        }
        Ok(result)
    }

    fn arguments(
        &mut self,
        function: &Value,
        arguments: &[Argument],
        scope: &Rc<Scope>,
    ) -> Result<Arguments, Throw> {
        let mut result = Arguments::default();
        for argument in arguments {
            match argument {
                Argument::Positional(value) => {
                    let value = self.evaluate(value, scope)?;
                    result.positional.push(value);
                }
                Argument::Named(name, value) => {
                    let value = self.evaluate(value, scope)?;
                    self.add_named(function, &mut result, name.clone(), value)?;
                }
                Argument::Items(item) => {
                    let value = self.evaluate(item, scope)?;
                    if self.iterator(&value).is_err() {
                        // Python checks a single one in the call, others when it makes a list of them.
                        let is_single = !arguments.iter().any(|argument| {
                            matches!(argument, Argument::Positional(_))
                                || matches!(argument, Argument::Items(other) if !std::ptr::eq(other, item))
                        });
                        let subject = match is_single {
                            true => format!("{} argument", self.function_name(function)),
                            false => "Value".to_owned(),
                        };
                        return Err(Throw::type_error(format!(
                            "{subject} after * must be an iterable, not {}",
                            value.type_name()
                        )));
                    }
                    result.positional.extend(self.collect(&value)?);
                }
                Argument::Pairs(value) => {
                    let value = self.evaluate(value, scope)?;
                    let Value::Dict(pairs) = &value else {
                        return Err(Throw::type_error(format!(
                            "{} argument after ** must be a mapping, not {}",
                            self.function_name(function),
                            value.type_name()
                        )));
                    };
                    for (key, value) in pairs.borrow().entries() {
                        let Value::Text(name) = key else {
                            return Err(Throw::type_error("keywords must be strings"));
                        };
                        self.add_named(function, &mut result, name.clone(), value.clone())?;
                    }
                }
            }
        }
        Ok(result)
    }

    fn add_named(
        &self,
        function: &Value,
        arguments: &mut Arguments,
        name: Rc<str>,
        value: Value,
    ) -> Result<(), Throw> {
        if arguments.named.iter().any(|(other, _)| *other == name) {
            return Err(Throw::type_error(format!(
                "{} got multiple values for keyword argument '{name}'",
                self.function_name(function)
            )));
        }
        arguments.named.push((name, value));
        Ok(())
    }

    fn format_parts(&mut self, parts: &[FormatPart], scope: &Rc<Scope>) -> Result<String, Throw> {
        let mut output = String::new();
        for part in parts {
            match part {
                FormatPart::Text(text) => output.push_str(text),
                FormatPart::Value {
                    expression,
                    conversion,
                    specification,
                } => {
                    let value = self.evaluate(expression, scope)?;
                    let specification = self.format_parts(specification, scope)?;
                    output.push_str(&self.converted(&value, *conversion, &specification)?);
                }
            }
        }
        Ok(output)
    }

    fn comprehension(&mut self, comprehension: &Rc<Comprehension>, scope: &Rc<Scope>) -> Outcome {
        let Some((first, rest)) = comprehension.clauses.split_first() else {
            return Err(Throw::unsupported("a comprehension without for"));
        };
        let iterable = self.evaluate(&first.iterable, scope)?;
        let iterator = self.iterator(&iterable)?;
        let inner = Rc::new(Scope {
            kind: ScopeKind::Comprehension,
            qualified: "".into(),
            names: RefCell::default(),
            locals: comprehension.locals.clone(),
            outer: Rc::default(),
            parent: Some(scope.clone()),
        });
        if comprehension.kind == ComprehensionKind::Generator {
            return Ok(Value::iteration(Iteration::Generator(Rc::new(Generator {
                comprehension: comprehension.clone(),
                scope: inner,
                open: RefCell::new(vec![iterator]),
            }))));
        }
        let mut output = Vec::new();
        while let Some(item) = self.next(&iterator)? {
            self.clause(comprehension, first, rest, item, &inner, &mut output)?;
        }
        Ok(match comprehension.kind {
            ComprehensionKind::List | ComprehensionKind::Generator => {
                Value::list(output.into_iter().map(|(key, _)| key).collect())
            }
            ComprehensionKind::Set => {
                Value::set(Dict::set(output.into_iter().map(|(key, _)| key))?)
            }
            ComprehensionKind::Dict => {
                let mut dict = Dict::default();
                for (key, value) in output {
                    dict.insert(key, value)?;
                }
                Value::dict(dict)
            }
        })
    }

    fn clause(
        &mut self,
        comprehension: &Comprehension,
        clause: &Clause,
        rest: &[Clause],
        item: Value,
        scope: &Rc<Scope>,
        output: &mut Vec<(Value, Value)>,
    ) -> Result<(), Throw> {
        if !self.enter_clause(clause, item, scope)? {
            return Ok(());
        }
        let Some((next, rest)) = rest.split_first() else {
            let key = self.evaluate(&comprehension.element, scope)?;
            let value = comprehension
                .value
                .as_ref()
                .map_or(Ok(Value::None), |value| self.evaluate(value, scope))?;
            output.push((key, value));
            return Ok(());
        };
        let iterable = self.evaluate(&next.iterable, scope)?;
        let iterator = self.iterator(&iterable)?;
        while let Some(item) = self.next(&iterator)? {
            self.clause(comprehension, next, rest, item, scope, output)?;
        }
        Ok(())
    }

    /// Assigns an item to the names of a clause, and returns whether its conditions are true.
    pub(super) fn enter_clause(
        &mut self,
        clause: &Clause,
        item: Value,
        scope: &Rc<Scope>,
    ) -> Result<bool, Throw> {
        self.assign(&clause.target, item, scope)?;
        for condition in &clause.conditions {
            let condition = self.evaluate(condition, scope)?;
            if !self.truth(&condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Finds the value of a name.
    fn load(&mut self, name: &Rc<str>, scope: &Rc<Scope>) -> Outcome {
        let mut current = scope;
        let mut own = true;
        loop {
            let global = current.kind == ScopeKind::Module;
            let declared = current.outer.iter().find(|(outer, _)| outer == name);
            if let Some((_, true)) = declared {
                let module = module_scope(current);
                return self.load_global(name, module);
            }
            let binds = current.locals.contains(name)
                || (current.kind == ScopeKind::Class && own)
                || global;
            if binds && declared.is_none() {
                if global {
                    return self.load_global(name, current);
                }
                let value = current.names.borrow().get(name).cloned();
                if let Some(value) = value {
                    return Ok(value);
                }
                if current.kind != ScopeKind::Class {
                    let message = if own {
                        format!(
                            "cannot access local variable '{name}' where it is not associated with a value"
                        )
                    } else {
                        format!(
                            "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
                        )
                    };
                    let class = if own {
                        "UnboundLocalError"
                    } else {
                        "NameError"
                    };
                    return Err(Throw::new(class, message));
                }
            }
            if current.kind != ScopeKind::Comprehension {
                own = false;
            }
            match &current.parent {
                Some(parent) => current = parent,
                None => return self.load_global(name, current),
            }
        }
    }

    fn load_global(&mut self, name: &Rc<str>, module: &Rc<Scope>) -> Outcome {
        if let Some(value) = module.names.borrow().get(name) {
            return Ok(value.clone());
        }
        self.builtin(name)
    }

    /// Sets a name, in the scope that it belongs to.
    pub(super) fn store(&mut self, name: &Rc<str>, value: Value, scope: &Rc<Scope>) {
        let target = declared_scope(name, scope);
        target.names.borrow_mut().insert(name.clone(), value);
    }

    pub(super) fn delete_name(&mut self, name: &Rc<str>, scope: &Rc<Scope>) -> Result<(), Throw> {
        let target = declared_scope(name, scope);
        let removed = target.names.borrow_mut().remove(name);
        if removed.is_some() {
            return Ok(());
        }
        Err(if target.kind == ScopeKind::Function {
            let message = format!(
                "cannot access local variable '{name}' where it is not associated with a value"
            );
            Throw::new("UnboundLocalError", message)
        } else {
            Throw::new("NameError", format!("name '{name}' is not defined"))
        })
    }
}

fn module_scope(scope: &Rc<Scope>) -> &Rc<Scope> {
    let mut current = scope;
    while let Some(parent) = &current.parent {
        current = parent;
    }
    current
}

/// Returns the scope that a name is set in: `global` and `nonlocal` name another one.
fn declared_scope<'a>(name: &Rc<str>, scope: &'a Rc<Scope>) -> &'a Rc<Scope> {
    match scope.outer.iter().find(|(outer, _)| outer == name) {
        Some((_, true)) => module_scope(scope),
        Some((_, false)) => {
            let mut current = scope;
            while let Some(parent) = &current.parent {
                current = parent;
                if current.locals.contains(name) {
                    return current;
                }
            }
            scope
        }
        None => scope,
    }
}

fn constant_value(constant: &Constant) -> Value {
    match constant {
        Constant::None => Value::None,
        Constant::Ellipsis => Value::Ellipsis,
        Constant::Bool(value) => Value::Bool(*value),
        Constant::Int(value) => Value::Int(*value),
        Constant::Float(value) => Value::Float(*value),
        Constant::Text(text) => Value::Text(text.clone()),
        Constant::Bytes(bytes) => Value::Bytes(bytes.clone()),
    }
}
