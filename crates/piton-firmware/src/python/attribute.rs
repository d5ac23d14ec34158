//! Attributes and items.

use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Instance, Options, Outcome, Throw, Value};

impl Interpreter {
    /// Returns `value.name`.
    pub(crate) fn attribute(&mut self, value: &Value, name: &str) -> Outcome {
        let missing = || {
            Throw::new(
                "AttributeError",
                format!("'{}' object has no attribute '{name}'", value.owner_name()),
            )
        };
        match value {
            Value::Instance(instance) => instance_attribute(value, instance, name),
            Value::Class(class) => match (class.find(name), name) {
                (Some(found), _) => Ok(found),
                (None, "__name__" | "__qualname__") => Ok(Value::Text(class.name.clone())),
                (None, _) if name.starts_with("__") => {
                    Err(Throw::unsupported(format!("attribute {name}")))
                }
                (None, _) => Err(Throw::new(
                    "AttributeError",
                    format!("type object '{}' has no attribute '{name}'", class.name),
                )),
            },
            Value::Module(module) => {
                let found = module.attributes.borrow().get(name).cloned();
                match found {
                    Some(found) => Ok(found),
                    None if module.own && !name.starts_with("__") => Err(Throw::new(
                        "AttributeError",
                        format!("module '{}' has no attribute '{name}'", module.name),
                    )),
                    None => Err(Throw::unsupported(format!("{}.{name}", module.name))),
                }
            }
            Value::Options(options) => option(value, options, name),
            Value::Metadata(frame) => frame.borrow().field(name).ok_or_else(missing),
            Value::Stat(fields) => fields
                .iter()
                .find(|(field, _)| *field == name)
                .map(|(_, value)| value.clone())
                .ok_or_else(|| Throw::unsupported(format!("os.stat_result.{name}"))),
            Value::Path(path) => super::modules::pathlib::attribute(self, path, name),
            Value::Slice(slice) => match name {
                "start" => Ok(slice.0.clone()),
                "stop" => Ok(slice.1.clone()),
                "step" => Ok(slice.2.clone()),
                _ => Err(missing()),
            },
            Value::Function(function) => match name {
                "__name__" => Ok(Value::Text(function.definition.name.clone())),
                _ => Err(Throw::unsupported(format!("function.{name}"))),
            },
            Value::Type(kind) if name == "__name__" => Ok(Value::text(kind)),
            Value::Type(kind) => super::methods::of_type(kind, name),
            Value::Foreign(_)
            | Value::Native(_)
            | Value::Method(_)
            | Value::Bound(_)
            | Value::Api(_) => Err(Throw::unsupported(format!(
                "attribute {name} of a {}",
                value.type_name()
            ))),
            _ => match super::methods::knows(value, name) {
                Some(true) => Ok(Value::Method(Rc::new((value.clone(), name.into())))),
                Some(false) => Err(Throw::unsupported(format!("{}.{name}", value.type_name()))),
                None if name == "__class__" => Ok(self.class_of(value)),
                None if name == "__doc__" => Err(Throw::unsupported("__doc__")),
                None => Err(missing()),
            },
        }
    }

    /// Returns the class of a value.
    pub(super) fn class_of(&self, value: &Value) -> Value {
        match value {
            Value::Instance(instance) => Value::Class(instance.class.clone()),
            Value::None => Value::Type("NoneType"),
            Value::Bool(_) => Value::Type("bool"),
            Value::Int(_) => Value::Type("int"),
            Value::Float(_) => Value::Type("float"),
            Value::Text(_) => Value::Type("str"),
            Value::Bytes(_) => Value::Type("bytes"),
            Value::List(_) => Value::Type("list"),
            Value::Tuple(_) => Value::Type("tuple"),
            Value::Dict(_) => Value::Type("dict"),
            Value::Set(_) => Value::Type("set"),
            Value::FrozenSet(_) => Value::Type("frozenset"),
            Value::Range(..) => Value::Type("range"),
            Value::Path(_) => Value::Type("PosixPath"),
            Value::Type(_) | Value::Class(_) => Value::Type("type"),
            _ => Value::Type("object"),
        }
    }

    pub(super) fn set_attribute(
        &mut self,
        value: &Value,
        name: &Rc<str>,
        new: Value,
    ) -> Result<(), Throw> {
        match value {
            Value::Instance(instance) => {
                instance.attributes.borrow_mut().insert(name.clone(), new);
                Ok(())
            }
            Value::Class(class) => {
                class.attributes.borrow_mut().insert(name.clone(), new);
                Ok(())
            }
            Value::Options(options) => {
                options.attributes.borrow_mut().insert(name.clone(), new);
                Ok(())
            }
            Value::Module(module) if module.own => {
                module.attributes.borrow_mut().insert(name.clone(), new);
                Ok(())
            }
            Value::Metadata(frame) if frame.borrow().field(name).is_some() => {
                frame.borrow_mut().set_field(name, new);
                Ok(())
            }
            Value::Module(_) | Value::Function(_) | Value::Metadata(_) => {
                Err(Throw::unsupported(format!("setting attribute {name}")))
            }
            other => Err(Throw::new(
                "AttributeError",
                format!("'{}' object has no attribute '{name}'", other.type_name()),
            )),
        }
    }

    /// Returns `value[index]`.
    pub(super) fn item(&mut self, value: &Value, index: &Value) -> Outcome {
        if let Value::Slice(slice) = index {
            return self.slice(value, slice);
        }
        match value {
            Value::List(items) => {
                let items = items.borrow();
                position(items.len(), index, "list")
                    .and_then(|at| items.get(at).cloned().ok_or_else(|| out_of_range("list")))
            }
            Value::Tuple(items) => position(items.len(), index, "tuple")
                .and_then(|at| items.get(at).cloned().ok_or_else(|| out_of_range("tuple"))),
            Value::Text(text) => {
                let at = position(text.chars().count(), index, "string")?;
                text.chars()
                    .nth(at)
                    .map(|character| Value::text(character.to_string()))
                    .ok_or_else(|| out_of_range("string"))
            }
            Value::Bytes(bytes) => {
                let at = position(bytes.len(), index, "byte")?;
                bytes
                    .get(at)
                    .map(|&byte| Value::Int(i64::from(byte)))
                    .ok_or_else(|| Throw::new("IndexError", "index out of range"))
            }
            Value::Range(..) => {
                let items = self.collect(value)?;
                let at = position(items.len(), index, "range object")?;
                items
                    .get(at)
                    .cloned()
                    .ok_or_else(|| out_of_range("range object"))
            }
            Value::Dict(dict) => {
                let found = dict.borrow().get(index)?;
                found.ok_or_else(|| {
                    Throw::Object(self.exceptions.make("KeyError", vec![index.clone()]))
                })
            }
            Value::Instance(instance) if instance.class.find("__getitem__").is_some() => {
                let method = instance.class.find("__getitem__").unwrap_or(Value::None);
                self.call(
                    &method,
                    super::value::Arguments::of(vec![value.clone(), index.clone()]),
                )
            }
            Value::Type(_) => Err(Throw::unsupported("a generic type")),
            Value::Stat(_) | Value::Foreign(_) => Err(Throw::unsupported(format!(
                "items of a {}",
                value.type_name()
            ))),
            other => Err(Throw::type_error(format!(
                "'{}' object is not subscriptable",
                other.type_name()
            ))),
        }
    }

    fn slice(&mut self, value: &Value, slice: &(Value, Value, Value)) -> Outcome {
        let items = match value {
            Value::List(_)
            | Value::Tuple(_)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Range(..) => self.collect(value)?,
            other => {
                return Err(Throw::type_error(format!(
                    "'{}' object is not subscriptable",
                    other.type_name()
                )));
            }
        };
        let positions = slice_positions(items.len(), slice)?;
        let chosen: Vec<Value> = positions
            .into_iter()
            .filter_map(|at| items.get(at).cloned())
            .collect();
        Ok(match value {
            Value::Tuple(_) => Value::Tuple(chosen.into()),
            Value::Text(_) => Value::text(
                chosen
                    .iter()
                    .filter_map(Value::as_text)
                    .map(|text| &**text)
                    .collect::<String>(),
            ),
            Value::Bytes(_) => Value::Bytes(
                chosen
                    .iter()
                    .filter_map(|item| match item {
                        Value::Int(byte) => u8::try_from(*byte).ok(),
                        _ => None,
                    })
                    .collect(),
            ),
            _ => Value::list(chosen),
        })
    }

    pub(super) fn set_item(
        &mut self,
        value: &Value,
        index: &Value,
        new: Value,
    ) -> Result<(), Throw> {
        match (value, index) {
            (Value::List(items), Value::Slice(slice)) => {
                let new = self.collect(&new)?;
                let mut items = items.borrow_mut();
                if !matches!(slice.2, Value::None | Value::Int(1)) {
                    return Err(Throw::unsupported("an assignment to a slice with steps"));
                }
                let positions = slice_positions(items.len(), slice)?;
                let start = match positions.first() {
                    Some(&first) => first,
                    None => slice_start(items.len(), &slice.0)?,
                };
                let end = positions.last().map_or(start, |last| last + 1);
                items.splice(start..end, new);
                Ok(())
            }
            (Value::List(items), _) => {
                let mut items = items.borrow_mut();
                let at = position(items.len(), index, "list").map_err(|throw| match throw {
                    Throw::Error {
                        class: "IndexError",
                        ..
                    } => Throw::new("IndexError", "list assignment index out of range"),
                    other => other,
                })?;
                if let Some(slot) = items.get_mut(at) {
                    *slot = new;
                }
                Ok(())
            }
            (Value::Dict(dict), _) => dict.borrow_mut().insert(index.clone(), new),
            (Value::Instance(_) | Value::Module(_), _) => {
                Err(Throw::unsupported("an assignment to an item"))
            }
            (other, _) => Err(Throw::type_error(format!(
                "'{}' object does not support item assignment",
                other.type_name()
            ))),
        }
    }

    pub(super) fn delete_item(&mut self, value: &Value, index: &Value) -> Result<(), Throw> {
        match (value, index) {
            (Value::Dict(dict), _) => {
                let removed = dict.borrow_mut().remove(index)?;
                match removed {
                    Some(_) => Ok(()),
                    None => Err(Throw::Object(
                        self.exceptions.make("KeyError", vec![index.clone()]),
                    )),
                }
            }
            (Value::List(items), Value::Slice(slice)) => {
                let mut items = items.borrow_mut();
                let mut positions = slice_positions(items.len(), slice)?;
                positions.sort_unstable();
                for at in positions.into_iter().rev() {
                    items.remove(at);
                }
                Ok(())
            }
            (Value::List(items), _) => {
                let mut items = items.borrow_mut();
                let at = position(items.len(), index, "list assignment")?;
                items.remove(at);
                Ok(())
            }
            (other, _) => Err(Throw::type_error(format!(
                "'{}' object doesn't support item deletion",
                other.type_name()
            ))),
        }
    }
}

/// Returns an attribute of `options`: what was given, what is the default, or `None`.
fn option(value: &Value, options: &Options, name: &str) -> Outcome {
    if let Some(own) = options.attributes.borrow().get(name) {
        return Ok(own.clone());
    }
    let find = |pairs: &[(Rc<str>, Value)]| {
        let pair = pairs.iter().find(|(other, _)| &**other == name);
        pair.map(|(_, value)| value.clone())
    };
    match name {
        "defaults" => Ok(Value::Method(Rc::new((value.clone(), name.into())))),
        "_kwargs" => Ok(pairs(&options.arguments)),
        "_defaults" => Ok(pairs(&options.defaults.borrow())),
        _ if name.starts_with("__") && name.ends_with("__") => {
            Err(Throw::unsupported(format!("options.{name}")))
        }
        _ => {
            let given = find(&options.arguments);
            let default = || find(&options.defaults.borrow());
            Ok(given.or_else(default).unwrap_or(Value::None))
        }
    }
}

/// Returns an attribute of an object of a class.
fn instance_attribute(value: &Value, instance: &Instance, name: &str) -> Outcome {
    let own = instance.attributes.borrow().get(name).cloned();
    if let Some(own) = own {
        return Ok(own);
    }
    let class = &instance.class;
    match (class.find(name), name) {
        (Some(function @ (Value::Function(_) | Value::Native(_))), _) => {
            Ok(Value::Bound(Rc::new((value.clone(), function))))
        }
        (Some(other), _) => Ok(other),
        (None, "__class__") => Ok(Value::Class(class.clone())),
        (None, _) if name.starts_with("__") || class.find("__getattr__").is_some() => {
            Err(Throw::unsupported(format!("attribute {name}")))
        }
        (None, _) => {
            let message = format!("'{}' object has no attribute '{name}'", class.name);
            Err(Throw::new("AttributeError", message))
        }
    }
}

fn pairs(pairs: &[(Rc<str>, Value)]) -> Value {
    let mut dict = super::value::Dict::default();
    for (name, value) in pairs {
        let _ = dict.insert(Value::Text(name.clone()), value.clone());
    }
    Value::dict(dict)
}

fn out_of_range(what: &str) -> Throw {
    Throw::new("IndexError", format!("{what} index out of range"))
}

/// Returns the place of an index, which may count from the end.
pub(super) fn position(length: usize, index: &Value, what: &str) -> Result<usize, Throw> {
    let index = match index {
        Value::Int(index) => *index,
        Value::Bool(index) => i64::from(*index),
        other => {
            let (what, quote) = match what {
                "string" => ("string", "'"),
                "list assignment" => ("list", ""),
                other => (other, ""),
            };
            let plural = if what == "range object" {
                "range indices"
            } else {
                &format!("{what} indices")
            };
            let kinds = if what == "string" {
                "integers"
            } else {
                "integers or slices"
            };
            return Err(Throw::type_error(format!(
                "{plural} must be {kinds}, not {quote}{}{quote}",
                other.type_name()
            )));
        }
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let at = if index < 0 { index + length } else { index };
    if at < 0 || at >= length {
        return Err(out_of_range(what));
    }
    usize::try_from(at).map_err(|_| out_of_range(what))
}

fn bound(value: &Value) -> Result<Option<i64>, Throw> {
    match value {
        Value::None => Ok(None),
        Value::Int(value) => Ok(Some(*value)),
        Value::Bool(value) => Ok(Some(i64::from(*value))),
        _ => Err(Throw::type_error(
            "slice indices must be integers or None or have an __index__ method",
        )),
    }
}

fn slice_start(length: usize, start: &Value) -> Result<usize, Throw> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let start = bound(start)?.unwrap_or(0);
    let start = if start < 0 { start + length } else { start }.clamp(0, length);
    Ok(usize::try_from(start).unwrap_or(0))
}

fn slice_positions(length: usize, slice: &(Value, Value, Value)) -> Result<Vec<usize>, Throw> {
    let step = bound(&slice.2)?.unwrap_or(1);
    if step == 0 {
        return Err(Throw::new("ValueError", "slice step cannot be zero"));
    }
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let place = |value: Option<i64>, default: i64| {
        value.map_or(default, |value| {
            if value < 0 { value + length } else { value }.clamp(low, high)
        })
    };
    let start = place(bound(&slice.0)?, if step > 0 { low } else { high });
    let stop = place(bound(&slice.1)?, if step > 0 { high } else { low });
    let mut positions = Vec::new();
    let mut at = start;
    while if step > 0 { at < stop } else { at > stop } {
        positions.push(usize::try_from(at).unwrap_or(0));
        at += step;
    }
    Ok(positions)
}
