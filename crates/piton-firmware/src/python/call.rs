//! Calls.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::ParameterKind;
use super::interpreter::{Flow, Interpreter};
use super::value::{
    Arguments, Class, Dict, Function, Instance, Outcome, Scope, ScopeKind, Throw, Value,
};

impl Interpreter {
    /// Calls a function, a method, a type or a class.
    pub(crate) fn call(&mut self, function: &Value, mut arguments: Arguments) -> Outcome {
        match function {
            Value::Function(function) => self.call_function(function, arguments),
            Value::Native(native) => (native.call)(self, arguments),
            Value::Method(method) => self.call_method(&method.0, &method.1, arguments),
            Value::Bound(bound) => {
                arguments.positional.insert(0, bound.0.clone());
                self.call(&bound.1, arguments)
            }
            Value::Api(name) => {
                self.depth += 1;
                let limit = if self.depth > 300 {
                    Err(Throw::new(
                        "RecursionError",
                        "maximum recursion depth exceeded",
                    ))
                } else {
                    Ok(())
                };
                let result = limit.and_then(|()| crate::manifest::api::call(self, name, arguments));
                self.depth -= 1;
                result
            }
            Value::Type(name) => self.construct(name, arguments),
            Value::Class(class) => self.call_class(class, arguments),
            Value::Instance(instance) => match instance.class.find("__call__") {
                Some(method) => {
                    arguments.positional.insert(0, function.clone());
                    self.call(&method, arguments)
                }
                None => Err(Throw::type_error(format!(
                    "'{}' object is not callable",
                    function.type_name()
                ))),
            },
            other => Err(Throw::type_error(format!(
                "'{}' object is not callable",
                other.type_name()
            ))),
        }
    }

    fn call_class(&mut self, class: &Rc<Class>, mut arguments: Arguments) -> Outcome {
        if class.is_below("BaseException") {
            let exception = Interpreter::make_exception(class, arguments.positional.clone());
            if let Some(method) = class.find("__init__") {
                arguments.positional.insert(0, exception.clone());
                self.call(&method, arguments)?;
            } else if !arguments.named.is_empty() {
                return Err(Throw::type_error(format!(
                    "{}() takes no keyword arguments",
                    class.name
                )));
            }
            return Ok(exception);
        }
        let object = Value::Instance(Rc::new(Instance {
            class: class.clone(),
            attributes: RefCell::default(),
        }));
        match class.find("__init__") {
            Some(method) => {
                arguments.positional.insert(0, object.clone());
                self.call(&method, arguments)?;
            }
            None if !arguments.positional.is_empty() || !arguments.named.is_empty() => {
                return Err(Throw::type_error(format!(
                    "{}() takes no arguments",
                    class.name
                )));
            }
            None => {}
        }
        Ok(object)
    }

    fn call_function(&mut self, function: &Rc<Function>, arguments: Arguments) -> Outcome {
        if let Some(what) = function.definition.unsupported {
            return Err(Throw::unsupported(what));
        }
        if self.depth >= 300 {
            return Err(Throw::new(
                "RecursionError",
                "maximum recursion depth exceeded",
            ));
        }
        let names = bind(function, arguments)?;
        let scope = Rc::new(Scope {
            kind: ScopeKind::Function,
            qualified: function.qualified.clone(),
            names: RefCell::new(names.into_iter().collect()),
            locals: function.definition.locals.clone(),
            outer: function.definition.outer.clone(),
            parent: Some(function.scope.clone()),
        });
        self.depth += 1;
        let result = self.block(&function.definition.body, &scope);
        self.depth -= 1;
        match result? {
            Flow::Return(value) => Ok(value),
            _ => Ok(Value::None),
        }
    }

    /// Returns how messages name a function.
    pub(super) fn function_name(&self, function: &Value) -> String {
        match function {
            Value::Function(function) => format!("{}()", function.qualified),
            Value::Native(native) => format!("{}()", native.name),
            Value::Api(name) => format!("manifestfile.ManifestFile.{name}()"),
            Value::Type(name) => (*name).to_owned(),
            Value::Class(class) => class.name.to_string(),
            Value::Method(method) => format!("{}.{}()", method.0.type_name(), method.1),
            Value::Bound(bound) => self.function_name(&bound.1),
            other => format!("'{}' object", other.type_name()),
        }
    }

    /// Returns all items of an iterable.
    pub(crate) fn collect(&mut self, value: &Value) -> Result<Vec<Value>, Throw> {
        let iterator = self.iterator(value)?;
        let mut items = Vec::new();
        while let Some(item) = self.next(&iterator)? {
            items.push(item);
        }
        Ok(items)
    }
}

/// Returns the numbers of a range; a manifest has no use for millions of them.
pub(super) fn range_items(start: i64, stop: i64, step: i64) -> Result<Vec<Value>, Throw> {
    let mut items = Vec::new();
    let mut value = start;
    while if step > 0 { value < stop } else { value > stop } {
        if items.len() > 10_000_000 {
            return Err(Throw::unsupported(
                "a range of more than ten million numbers",
            ));
        }
        items.push(Value::Int(value));
        let Some(next) = value.checked_add(step) else {
            break;
        };
        value = next;
    }
    Ok(items)
}

/// Assigns arguments to the parameters of a function, as CPython does, with its messages.
fn bind(function: &Function, arguments: Arguments) -> Result<BTreeMap<Rc<str>, Value>, Throw> {
    let parameters = &function.definition.parameters;
    let name = &function.qualified;
    let mut bound: BTreeMap<Rc<str>, Value> = BTreeMap::new();
    let positional: Vec<_> = parameters
        .iter()
        .filter(|parameter| {
            matches!(
                parameter.kind,
                ParameterKind::PositionalOnly | ParameterKind::Normal
            )
        })
        .collect();
    let given = arguments.positional.len();
    let mut values = arguments.positional.into_iter();
    for (parameter, value) in positional.iter().zip(&mut values) {
        bound.insert(parameter.name.clone(), value);
    }
    let extra: Vec<Value> = values.collect();
    let mut pairs = Dict::default();
    let has_pairs = parameters
        .iter()
        .any(|parameter| parameter.kind == ParameterKind::Pairs);
    for (key, value) in arguments.named {
        let named = parameters.iter().find(|parameter| {
            parameter.name == key
                && matches!(
                    parameter.kind,
                    ParameterKind::Normal | ParameterKind::KeywordOnly
                )
        });
        match named {
            Some(_) if bound.contains_key(&key) => {
                return Err(Throw::type_error(format!(
                    "{name}() got multiple values for argument '{key}'"
                )));
            }
            Some(_) => {
                bound.insert(key, value);
            }
            None if has_pairs => pairs.insert(Value::Text(key), value)?,
            None => {
                return Err(Throw::type_error(format!(
                    "{name}() got an unexpected keyword argument '{key}'"
                )));
            }
        }
    }
    let items = parameters
        .iter()
        .find(|parameter| parameter.kind == ParameterKind::Items);
    if items.is_none() && !extra.is_empty() {
        let optional = positional
            .iter()
            .filter(|parameter| parameter.default.is_some())
            .count();
        return Err(Throw::type_error(too_many(
            name,
            positional.len() - optional,
            positional.len(),
            given,
        )));
    }
    fill(function, &mut bound, extra, pairs)?;
    Ok(bound)
}

/// Sets the parameters that no argument was given for.
fn fill(
    function: &Function,
    bound: &mut BTreeMap<Rc<str>, Value>,
    extra: Vec<Value>,
    pairs: Dict,
) -> Result<(), Throw> {
    let parameters = &function.definition.parameters;
    let name = &function.qualified;
    let mut missing = Vec::new();
    let mut missing_keywords = Vec::new();
    for (parameter, default) in parameters.iter().zip(&function.defaults) {
        if bound.contains_key(&parameter.name) {
            continue;
        }
        match (parameter.kind, default) {
            (_, Some(default)) => {
                bound.insert(parameter.name.clone(), default.clone());
            }
            (ParameterKind::PositionalOnly | ParameterKind::Normal, None) => {
                missing.push(&*parameter.name)
            }
            (ParameterKind::KeywordOnly, None) => missing_keywords.push(&*parameter.name),
            (ParameterKind::Items, None) => {
                bound.insert(parameter.name.clone(), Value::Tuple(extra.clone().into()));
            }
            (ParameterKind::Pairs, None) => {
                bound.insert(parameter.name.clone(), Value::dict(pairs.clone()));
            }
        }
    }
    if !missing.is_empty() {
        return Err(Throw::type_error(missing_arguments(
            name,
            "positional",
            &missing,
        )));
    }
    if !missing_keywords.is_empty() {
        return Err(Throw::type_error(missing_arguments(
            name,
            "keyword-only",
            &missing_keywords,
        )));
    }
    Ok(())
}

/// CPython's message for too many positional arguments.
pub(crate) fn too_many(function: &str, least: usize, most: usize, given: usize) -> String {
    let takes = if least == most {
        most.to_string()
    } else {
        format!("from {least} to {most}")
    };
    let plural = if most == 1 && least == most { "" } else { "s" };
    let verb = if given == 1 { "was" } else { "were" };
    format!("{function}() takes {takes} positional argument{plural} but {given} {verb} given")
}

/// CPython's message for arguments that are missing.
pub(crate) fn missing_arguments(function: &str, kind: &str, names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let list = match quoted.as_slice() {
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
        [] => String::new(),
    };
    let plural = if names.len() == 1 { "" } else { "s" };
    format!(
        "{function}() missing {} required {kind} argument{plural}: {list}",
        names.len()
    )
}
