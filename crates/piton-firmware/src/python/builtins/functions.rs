//! What the functions do.

use std::rc::Rc;

use super::super::interpreter::Interpreter;
use super::super::value::{Arguments, Iteration, Outcome, Throw, Value};

pub(super) fn one(name: &str, arguments: Arguments) -> Outcome {
    let [value] = arguments.bind(name, ["object"], 1)?;
    Ok(value.unwrap_or(Value::None))
}

pub(super) fn abs(value: &Value) -> Outcome {
    match value {
        Value::Int(number) => Ok(Value::Int(number.saturating_abs())),
        Value::Float(number) => Ok(Value::Float(number.abs())),
        other => Err(Throw::type_error(format!(
            "bad operand type for abs(): '{}'",
            other.type_name()
        ))),
    }
}

pub(super) fn quantifier(
    interpreter: &mut Interpreter,
    name: &str,
    arguments: Arguments,
) -> Outcome {
    let items = one(name, arguments)?;
    let items = interpreter.iterator(&items)?;
    while let Some(item) = interpreter.next(&items)? {
        if interpreter.truth(&item)? == (name == "any") {
            return Ok(Value::Bool(name == "any"));
        }
    }
    Ok(Value::Bool(name == "all"))
}

pub(super) fn radix(
    interpreter: &mut Interpreter,
    name: &str,
    form: &str,
    arguments: Arguments,
) -> Outcome {
    let value = one(name, arguments)?;
    interpreter.format(&value, form).map(Value::text)
}

pub(super) fn chr(_: &mut Interpreter, arguments: Arguments) -> Outcome {
    match one("chr", arguments)? {
        Value::Int(code) => u32::try_from(code)
            .ok()
            .and_then(char::from_u32)
            .map(|character| Value::text(character.to_string()))
            .ok_or_else(|| Throw::new("ValueError", "chr() arg not in range(0x110000)")),
        _ => Err(Throw::unsupported("chr")),
    }
}

pub(super) fn ord(_: &mut Interpreter, arguments: Arguments) -> Outcome {
    match one("ord", arguments)? {
        Value::Text(text) if text.chars().count() == 1 => Ok(Value::Int(
            text.chars()
                .next()
                .map_or(0, |character| i64::from(u32::from(character))),
        )),
        _ => Err(Throw::unsupported("ord")),
    }
}

pub(super) fn enumerate(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [items, start] = arguments.bind("enumerate", ["iterable", "start"], 1)?;
    let start = match start {
        Some(Value::Int(start)) => start,
        _ => 0,
    };
    let items = interpreter.iterator(&items.unwrap_or(Value::None))?;
    Ok(Value::iteration(Iteration::Enumerate(start, items)))
}

pub(super) fn exit(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let code = arguments.positional.first().cloned().unwrap_or(Value::None);
    Err(Throw::Object(
        interpreter.exceptions.make("SystemExit", vec![code]),
    ))
}

pub(super) fn filter(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [function, items] = arguments
        .bind("filter", ["function", "iterable"], 2)?
        .map(|value| value.unwrap_or(Value::None));
    let items = interpreter.iterator(&items)?;
    Ok(Value::iteration(Iteration::Filter(function, items)))
}

pub(super) fn map(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let Some((function, iterables)) = arguments.positional.split_first() else {
        return Err(Throw::type_error("map() must have at least two arguments."));
    };
    let iterators = iterators(interpreter, iterables)?;
    Ok(Value::iteration(Iteration::Map(
        function.clone(),
        iterators,
    )))
}

pub(super) fn zip(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    if !arguments.named.is_empty() {
        return Err(Throw::unsupported("zip with keywords"));
    }
    let iterators = iterators(interpreter, &arguments.positional)?;
    Ok(Value::iteration(Iteration::Zip(iterators)))
}

fn iterators(interpreter: &mut Interpreter, iterables: &[Value]) -> Result<Rc<[Value]>, Throw> {
    iterables
        .iter()
        .map(|iterable| interpreter.iterator(iterable))
        .collect()
}

pub(super) fn getattr(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [value, name, default] = arguments.bind("getattr", ["obj", "name", "default"], 2)?;
    let Some(Value::Text(name)) = name else {
        return Err(Throw::type_error("attribute name must be string"));
    };
    match (
        interpreter.attribute(&value.unwrap_or(Value::None), &name),
        default,
    ) {
        (
            Err(Throw::Error {
                class: "AttributeError",
                ..
            }),
            Some(default),
        ) => Ok(default),
        (result, _) => result,
    }
}

pub(super) fn isinstance(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [value, class] = arguments
        .bind("isinstance", ["obj", "class_or_tuple"], 2)?
        .map(|value| value.unwrap_or(Value::None));
    is_instance(interpreter, &value, &class).map(Value::Bool)
}

fn is_instance(interpreter: &mut Interpreter, value: &Value, class: &Value) -> Result<bool, Throw> {
    match class {
        Value::Tuple(classes) => {
            for class in classes.iter() {
                if is_instance(interpreter, value, class)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Class(class) => {
            Ok(matches!(value, Value::Instance(instance) if instance.class.is_subclass_of(class)))
        }
        Value::Type(name) => {
            let own = interpreter.class_of(value);
            Ok(match own {
                Value::Type(own) => {
                    own == *name || *name == "object" || (own == "bool" && *name == "int")
                }
                _ => *name == "object",
            })
        }
        _ => Err(Throw::type_error(
            "isinstance() arg 2 must be a type, a tuple of types, or a union",
        )),
    }
}

pub(super) fn length(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let value = one("len", arguments)?;
    let length = match &value {
        Value::Text(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.borrow().len(),
        Value::Tuple(items) => items.len(),
        Value::Dict(dict) | Value::Set(dict) => dict.borrow().len(),
        Value::FrozenSet(set) => set.len(),
        Value::Range(..) => interpreter.collect(&value)?.len(),
        Value::Instance(instance) if instance.class.find("__len__").is_some() => {
            let method = instance.class.find("__len__").unwrap_or(Value::None);
            return interpreter.call(&method, Arguments::of(vec![value.clone()]));
        }
        other => {
            return Err(Throw::type_error(format!(
                "object of type '{}' has no len()",
                other.type_name()
            )));
        }
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

pub(super) fn extreme(
    interpreter: &mut Interpreter,
    name: &str,
    mut arguments: Arguments,
) -> Outcome {
    let named = std::mem::take(&mut arguments.named);
    let default = named
        .iter()
        .find(|(name, _)| &**name == "default")
        .map(|(_, value)| value.clone());
    let key: Vec<_> = named
        .into_iter()
        .filter(|(name, _)| &**name == "key")
        .collect();
    let items = match arguments.positional.as_slice() {
        [one] => interpreter.collect(one)?,
        several => several.to_vec(),
    };
    let mut key = Arguments {
        positional: Vec::new(),
        named: key,
    };
    if name == "max" {
        // The first of equal items, from the end that counts.
        key.named.push(("reverse".into(), Value::Bool(true)));
    }
    let sorted = interpreter.sorted(items, key)?;
    sorted
        .into_iter()
        .next()
        .or(default)
        .ok_or_else(|| Throw::new("ValueError", format!("{name}() arg is an empty sequence")))
}

pub(super) fn next(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [iterator, default] = arguments.bind("next", ["iterator", "default"], 1)?;
    match interpreter
        .next(&iterator.unwrap_or(Value::None))?
        .or(default)
    {
        Some(value) => Ok(value),
        None => Err(Throw::Object(
            interpreter.exceptions.make("StopIteration", Vec::new()),
        )),
    }
}

pub(super) fn round(_: &mut Interpreter, arguments: Arguments) -> Outcome {
    match arguments.positional.as_slice() {
        [value @ Value::Int(_)] => Ok(value.clone()),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a manifest rounds small numbers"
        )]
        [Value::Float(number)] => Ok(Value::Int(number.round_ties_even() as i64)),
        _ => Err(Throw::unsupported("round")),
    }
}

pub(super) fn range(arguments: &[Value]) -> Outcome {
    let mut numbers = Vec::new();
    for argument in arguments {
        match argument {
            Value::Int(number) => numbers.push(*number),
            Value::Bool(flag) => numbers.push(i64::from(*flag)),
            other => {
                return Err(Throw::type_error(format!(
                    "'{}' object cannot be interpreted as an integer",
                    other.type_name()
                )));
            }
        }
    }
    match numbers.as_slice() {
        [stop] => Ok(Value::Range(0, *stop, 1)),
        [start, stop] => Ok(Value::Range(*start, *stop, 1)),
        [_, _, 0] => Err(Throw::new("ValueError", "range() arg 3 must not be zero")),
        [start, stop, step] => Ok(Value::Range(*start, *stop, *step)),
        _ => Err(Throw::unsupported("range")),
    }
}

/// Adds a line to what the manifest prints.
pub(super) fn print(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let mut separator = " ".to_owned();
    let mut end = "\n".to_owned();
    for (name, value) in &arguments.named {
        match (&**name, value) {
            ("sep" | "end", Value::None) | ("file" | "flush", _) => {}
            ("sep", Value::Text(text)) => separator = text.to_string(),
            ("end", Value::Text(text)) => end = text.to_string(),
            (other, _) => {
                return Err(Throw::type_error(format!(
                    "'{other}' is an invalid keyword argument for print()"
                )));
            }
        }
    }
    let mut parts = Vec::new();
    for value in &arguments.positional {
        parts.push(interpreter.text(value)?);
    }
    let line = parts.join(&separator) + &end;
    interpreter.state.printed.push_str(&line);
    Ok(Value::None)
}
