//! Methods of lists, dicts and sets.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::interpreter::Interpreter;
use super::super::operators::{set_of, set_operation};
use super::super::value::{Arguments, Dict, Outcome, Throw, Value};

impl Interpreter {
    pub(super) fn list_method(
        &mut self,
        items: &Rc<RefCell<Vec<Value>>>,
        name: &str,
        arguments: Arguments,
    ) -> Outcome {
        if name == "sort" {
            let list = items.borrow().clone();
            let sorted = self.sorted(list, arguments)?;
            *items.borrow_mut() = sorted;
            return Ok(Value::None);
        }
        let label = format!("list.{name}");
        match name {
            "append" => {
                let [item] = arguments.bind(&label, ["object"], 1)?;
                items.borrow_mut().push(item.unwrap_or(Value::None));
            }
            "extend" => {
                let [more] = arguments.bind(&label, ["iterable"], 1)?;
                let more = self.collect(&more.unwrap_or(Value::None))?;
                items.borrow_mut().extend(more);
            }
            "clear" => items.borrow_mut().clear(),
            "copy" => return Ok(Value::list(items.borrow().clone())),
            "reverse" => items.borrow_mut().reverse(),
            "insert" => {
                let [at, item] = arguments.bind("insert", ["index", "object"], 2)?;
                let Some(Value::Int(at)) = at else {
                    return Err(Throw::unsupported("list.insert"));
                };
                let length = i64::try_from(items.borrow().len()).unwrap_or(i64::MAX);
                let at = if at < 0 { at + length } else { at }.clamp(0, length);
                items.borrow_mut().insert(
                    usize::try_from(at).unwrap_or(0),
                    item.unwrap_or(Value::None),
                );
            }
            "pop" => {
                let [at] = arguments.bind("pop", ["index"], 0)?;
                let mut items = items.borrow_mut();
                if items.is_empty() {
                    return Err(Throw::new("IndexError", "pop from empty list"));
                }
                let at = super::super::attribute::position(
                    items.len(),
                    &at.unwrap_or(Value::Int(-1)),
                    "pop",
                )?;
                return Ok(items.remove(at));
            }
            "remove" | "index" | "count" => {
                let [wanted, ..] = arguments.bind(&label, ["value", "start", "stop"], 1)?;
                let wanted = wanted.unwrap_or(Value::None);
                let list = items.borrow().clone();
                let mut found = Vec::new();
                for (at, item) in list.iter().enumerate() {
                    if self.equal(item, &wanted)? {
                        found.push(at);
                    }
                }
                return match (name, found.first()) {
                    ("count", _) => Ok(Value::Int(i64::try_from(found.len()).unwrap_or(0))),
                    ("index", Some(&at)) => Ok(Value::Int(i64::try_from(at).unwrap_or(0))),
                    ("index", None) => {
                        let shown = self.repr(&wanted)?;
                        Err(Throw::new("ValueError", format!("{shown} is not in list")))
                    }
                    (_, Some(&at)) => {
                        items.borrow_mut().remove(at);
                        Ok(Value::None)
                    }
                    (_, None) => Err(Throw::new("ValueError", "list.remove(x): x not in list")),
                };
            }
            _ => return Err(Throw::unsupported(label)),
        }
        Ok(Value::None)
    }

    /// Sorts values, with `key` and `reverse`.
    pub(crate) fn sorted(
        &mut self,
        items: Vec<Value>,
        arguments: Arguments,
    ) -> Result<Vec<Value>, Throw> {
        let mut key = Value::None;
        let mut reverse = false;
        for (name, value) in arguments.named {
            match &*name {
                "key" => key = value,
                "reverse" => reverse = value.is_true(),
                other => {
                    return Err(Throw::type_error(format!(
                        "'{other}' is an invalid keyword argument for sort()"
                    )));
                }
            }
        }
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            let sort_key = if matches!(key, Value::None) {
                item.clone()
            } else {
                self.call(&key, Arguments::of(vec![item.clone()]))?
            };
            keyed.push((sort_key, item));
        }
        let mut problem = None;
        if reverse {
            keyed.reverse();
        }
        keyed.sort_by(|one, two| {
            self.order(&one.0, &two.0, "<")
                .unwrap_or_else(|throw| {
                    problem.get_or_insert(throw);
                    None
                })
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        if reverse {
            keyed.reverse();
        }
        match problem {
            Some(throw) => Err(throw),
            None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
        }
    }

    pub(super) fn dict_method(
        &mut self,
        dict: &Rc<RefCell<Dict>>,
        name: &str,
        arguments: Arguments,
    ) -> Outcome {
        match name {
            "keys" => return Ok(Value::list(dict.borrow().keys())),
            "values" => {
                return Ok(Value::list(
                    dict.borrow()
                        .entries()
                        .map(|(_, value)| value.clone())
                        .collect(),
                ));
            }
            "items" => {
                let pair = |(key, value): &(Value, Value)| {
                    Value::Tuple([key.clone(), value.clone()].into())
                };
                return Ok(Value::list(dict.borrow().entries().map(pair).collect()));
            }
            "copy" => return Ok(Value::dict(dict.borrow().clone())),
            "clear" => dict.borrow_mut().clear(),
            "update" => {
                for source in &arguments.positional {
                    for (key, value) in self.pairs(source)? {
                        dict.borrow_mut().insert(key, value)?;
                    }
                }
                for (key, value) in arguments.named {
                    dict.borrow_mut().insert(Value::Text(key), value)?;
                }
            }
            "get" | "setdefault" => {
                let [key, default] = arguments.bind(name, ["key", "default"], 1)?;
                let key = key.unwrap_or(Value::None);
                let default = default.unwrap_or(Value::None);
                let found = dict.borrow().get(&key)?;
                if found.is_none() && name == "setdefault" {
                    dict.borrow_mut().insert(key, default.clone())?;
                }
                return Ok(found.unwrap_or(default));
            }
            "pop" => {
                let [key, default] = arguments.bind("pop", ["key", "default"], 1)?;
                let key = key.unwrap_or(Value::None);
                let removed = dict.borrow_mut().remove(&key)?;
                return match removed.map(|(_, value)| value).or(default) {
                    Some(value) => Ok(value),
                    None => Err(Throw::Object(self.exceptions.make("KeyError", vec![key]))),
                };
            }
            "popitem" => {
                let last = dict.borrow().entries().next_back().cloned();
                let Some((key, value)) = last else {
                    let message = Value::text("popitem(): dictionary is empty");
                    return Err(Throw::Object(
                        self.exceptions.make("KeyError", vec![message]),
                    ));
                };
                dict.borrow_mut().remove(&key)?;
                return Ok(Value::Tuple([key, value].into()));
            }
            _ => return Err(Throw::unsupported(format!("dict.{name}"))),
        }
        Ok(Value::None)
    }

    /// Returns the pairs of a dict, or of an iterable of pairs.
    pub(crate) fn pairs(&mut self, source: &Value) -> Result<Vec<(Value, Value)>, Throw> {
        if let Value::Dict(dict) = source {
            return Ok(dict.borrow().entries().cloned().collect());
        }
        let mut pairs = Vec::new();
        for item in self.collect(source)? {
            match self.collect(&item)?.as_slice() {
                [key, value] => pairs.push((key.clone(), value.clone())),
                _ => return Err(Throw::unsupported("a dict of what are no pairs")),
            }
        }
        Ok(pairs)
    }

    pub(super) fn set_method(
        &mut self,
        object: &Value,
        name: &str,
        arguments: Arguments,
    ) -> Outcome {
        let operator = match name {
            "union" | "update" => "|",
            "intersection" => "&",
            "difference" => "-",
            "symmetric_difference" => "^",
            _ => "",
        };
        if !operator.is_empty() {
            let mut result = set_of(object);
            for other in &arguments.positional {
                let other = Dict::set(self.collect(other)?)?;
                result = set_operation(operator, &result, &other)?;
            }
            return Ok(match object {
                Value::Set(set) if name == "update" => {
                    *set.borrow_mut() = result;
                    Value::None
                }
                Value::FrozenSet(_) => Value::FrozenSet(Rc::new(result)),
                _ => Value::set(result),
            });
        }
        let argument = arguments.positional.first().cloned().unwrap_or(Value::None);
        if matches!(name, "issubset" | "issuperset" | "isdisjoint") {
            let own = set_of(object);
            let other = Dict::set(self.collect(&argument)?)?;
            let shared = set_operation("&", &own, &other)?.len();
            return Ok(Value::Bool(match name {
                "issubset" => shared == own.len(),
                "issuperset" => shared == other.len(),
                _ => shared == 0,
            }));
        }
        let Value::Set(set) = object else {
            return Ok(object.clone());
        };
        match name {
            "add" => {
                if set.borrow().get(&argument)?.is_none() {
                    set.borrow_mut().insert(argument, Value::None)?;
                }
            }
            "clear" => set.borrow_mut().clear(),
            "copy" => return Ok(Value::set(set.borrow().clone())),
            "discard" => {
                set.borrow_mut().remove(&argument)?;
            }
            "remove" => {
                let removed = set.borrow_mut().remove(&argument)?;
                if removed.is_none() {
                    return Err(Throw::Object(
                        self.exceptions.make("KeyError", vec![argument]),
                    ));
                }
            }
            _ => return Err(Throw::unsupported(format!("set.{name}"))),
        }
        Ok(Value::None)
    }
}
