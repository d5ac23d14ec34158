//! Operators.

use std::cmp::Ordering;
use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Arguments, Dict, Outcome, Throw, Value};

/// The methods of classes for operators.
const METHODS: [(&str, &str, &str); 7] = [
    ("+", "__add__", "__radd__"),
    ("-", "__sub__", "__rsub__"),
    ("*", "__mul__", "__rmul__"),
    ("/", "__truediv__", "__rtruediv__"),
    ("%", "__mod__", "__rmod__"),
    ("|", "__or__", "__ror__"),
    ("&", "__and__", "__rand__"),
];

impl Interpreter {
    /// Returns whether a value counts as true.
    pub(super) fn truth(&mut self, value: &Value) -> Result<bool, Throw> {
        if let Value::Instance(instance) = value {
            for name in ["__bool__", "__len__"] {
                if let Some(method) = instance.class.find(name) {
                    let result = self.call(&method, Arguments::of(vec![value.clone()]))?;
                    return Ok(result.is_true());
                }
            }
        }
        Ok(value.is_true())
    }

    pub(super) fn unary(&mut self, operator: &str, value: &Value) -> Outcome {
        if operator == "not" {
            return Ok(Value::Bool(!self.truth(value)?));
        }
        let number = match value {
            Value::Bool(value) => Value::Int(i64::from(*value)),
            other => other.clone(),
        };
        match (operator, number) {
            ("-", Value::Int(value)) => value.checked_neg().map(Value::Int).ok_or_else(big),
            ("-", Value::Float(value)) => Ok(Value::Float(-value)),
            ("+", number @ (Value::Int(_) | Value::Float(_))) => Ok(number),
            ("~", Value::Int(value)) => Ok(Value::Int(!value)),
            _ => Err(Throw::type_error(format!(
                "bad operand type for unary {operator}: '{}'",
                value.type_name()
            ))),
        }
    }

    /// `left operator= right`: lists and dicts are changed in place.
    pub(super) fn augment(&mut self, operator: &str, left: Value, right: Value) -> Outcome {
        match (operator, &left, &right) {
            ("+", Value::List(items), _) => {
                if self.iterator(&right).is_err() {
                    return Err(Throw::type_error(format!(
                        "'{}' object is not iterable",
                        right.type_name()
                    )));
                }
                let more = self.collect(&right)?;
                items.borrow_mut().extend(more);
                Ok(left)
            }
            ("*", Value::List(items), Value::Int(count)) => {
                let once = items.borrow().clone();
                *items.borrow_mut() = repeat(&once, *count)?;
                Ok(left)
            }
            ("|", Value::Dict(dict), Value::Dict(other)) => {
                let other = other.borrow().clone();
                for (key, value) in other.entries() {
                    dict.borrow_mut().insert(key.clone(), value.clone())?;
                }
                Ok(left)
            }
            ("|" | "&" | "-" | "^", Value::Set(set), Value::Set(_) | Value::FrozenSet(_)) => {
                let Value::Set(new) = self.binary(operator, &left, &right)? else {
                    return Ok(left);
                };
                let new = new.borrow().clone();
                *set.borrow_mut() = new;
                Ok(left)
            }
            _ => self.binary_named(operator, &left, &right, &format!("{operator}=")),
        }
    }

    pub(super) fn binary(&mut self, operator: &str, left: &Value, right: &Value) -> Outcome {
        self.binary_named(operator, left, right, operator)
    }

    fn binary_named(
        &mut self,
        operator: &str,
        left: &Value,
        right: &Value,
        shown: &str,
    ) -> Outcome {
        if let Some((_, method, reflected)) = METHODS.iter().find(|(name, _, _)| *name == operator)
        {
            for (one, two, name) in [(left, right, method), (right, left, reflected)] {
                if let Value::Instance(instance) = one
                    && let Some(method) = instance.class.find(name)
                {
                    return self.call(&method, Arguments::of(vec![one.clone(), two.clone()]));
                }
            }
        }
        if let Some(result) = arithmetic(operator, left, right)? {
            return Ok(result);
        }
        match (operator, left, right) {
            ("+", _, _) => concatenate(left, right, shown),
            ("*", _, _) => multiply(left, right, shown),
            ("%", Value::Text(format), values) => {
                self.percent_format(format, values).map(Value::text)
            }
            ("|", Value::Dict(one), Value::Dict(two)) => {
                let mut dict = one.borrow().clone();
                for (key, value) in two.borrow().entries() {
                    dict.insert(key.clone(), value.clone())?;
                }
                Ok(Value::dict(dict))
            }
            (
                "|" | "&" | "-" | "^",
                Value::Set(_) | Value::FrozenSet(_),
                Value::Set(_) | Value::FrozenSet(_),
            ) => {
                let (one, two) = (set_of(left), set_of(right));
                set_operation(operator, &one, &two).map(Value::set)
            }
            ("/", Value::Path(path), other) => {
                let other =
                    path_part(other).ok_or_else(|| unsupported_operands(shown, left, right))?;
                Ok(super::modules::pathlib::joined(path, &[other]))
            }
            ("/", other, Value::Path(path)) => {
                let other =
                    path_part(other).ok_or_else(|| unsupported_operands(shown, left, right))?;
                Ok(super::modules::pathlib::joined(
                    &other,
                    std::slice::from_ref(path),
                ))
            }
            _ => Err(unsupported_operands(shown, left, right)),
        }
    }

    pub(super) fn compare(
        &mut self,
        operator: &str,
        left: &Value,
        right: &Value,
    ) -> Result<bool, Throw> {
        match operator {
            "is" => Ok(left.is(right)),
            "is not" => Ok(!left.is(right)),
            "in" => self.contains(right, left),
            "not in" => Ok(!self.contains(right, left)?),
            "==" => self.equal(left, right),
            "!=" => Ok(!self.equal(left, right)?),
            _ => {
                let order = self.order(left, right, operator)?;
                Ok(order.is_some_and(|order| match operator {
                    "<" => order == Ordering::Less,
                    "<=" => order != Ordering::Greater,
                    ">" => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }))
            }
        }
    }

    fn contains(&mut self, container: &Value, item: &Value) -> Result<bool, Throw> {
        match (container, item) {
            (Value::Text(text), Value::Text(part)) => Ok(text.contains(&**part)),
            (Value::Text(_), other) => {
                let message = format!(
                    "'in <string>' requires string as left operand, not {}",
                    other.type_name()
                );
                Err(Throw::type_error(message))
            }
            (Value::Dict(dict) | Value::Set(dict), item) => Ok(dict.borrow().get(item)?.is_some()),
            (Value::FrozenSet(set), item) => Ok(set.get(item)?.is_some()),
            (Value::Instance(instance), item) if instance.class.find("__contains__").is_some() => {
                let method = instance.class.find("__contains__").unwrap_or(Value::None);
                let result = self.call(
                    &method,
                    Arguments::of(vec![container.clone(), item.clone()]),
                )?;
                self.truth(&result)
            }
            _ => {
                if self.iterator(container).is_err() {
                    let message = format!(
                        "argument of type '{}' is not iterable",
                        container.type_name()
                    );
                    return Err(Throw::type_error(message));
                }
                for other in self.collect(container)? {
                    if self.equal(&other, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Returns whether two values are equal.
    pub(super) fn equal(&mut self, left: &Value, right: &Value) -> Result<bool, Throw> {
        if let (Some(one), Some(two)) = (number(left), number(right)) {
            return Ok(one == two);
        }
        for (one, two) in [(left, right), (right, left)] {
            if let Value::Instance(instance) = one
                && let Some(method) = instance.class.find("__eq__")
            {
                let result = self.call(&method, Arguments::of(vec![one.clone(), two.clone()]))?;
                return self.truth(&result);
            }
        }
        match (left, right) {
            (Value::List(one), Value::List(two)) => {
                let (one, two) = (one.borrow().clone(), two.borrow().clone());
                self.all_equal(&one, &two)
            }
            (Value::Tuple(one), Value::Tuple(two)) => self.all_equal(one, two),
            (Value::Dict(one), Value::Dict(two)) => {
                let (one, two) = (one.borrow().clone(), two.borrow().clone());
                if one.len() != two.len() {
                    return Ok(false);
                }
                for (key, value) in one.entries() {
                    match two.get(key)? {
                        Some(other) if self.equal(value, &other)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            (Value::Set(_) | Value::FrozenSet(_), Value::Set(_) | Value::FrozenSet(_)) => {
                let (one, two) = (set_of(left), set_of(right));
                Ok(one.len() == two.len()
                    && one.index.keys().all(|key| two.index.contains_key(key)))
            }
            (Value::Path(one), Value::Path(two)) => Ok(one == two),
            (Value::Range(..), Value::Range(..)) => {
                let (one, two) = (self.collect(left)?, self.collect(right)?);
                self.all_equal(&one, &two)
            }
            _ => Ok(left.is(right)),
        }
    }

    fn all_equal(&mut self, one: &[Value], two: &[Value]) -> Result<bool, Throw> {
        if one.len() != two.len() {
            return Ok(false);
        }
        for (one, two) in one.iter().zip(two) {
            if !one.is(two) && !self.equal(one, two)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Compares two values; none if they are not a number.
    pub(super) fn order(
        &mut self,
        left: &Value,
        right: &Value,
        operator: &str,
    ) -> Result<Option<Ordering>, Throw> {
        if let (Some(one), Some(two)) = (number(left), number(right)) {
            return Ok(one.partial_cmp(&two));
        }
        match (left, right) {
            (Value::Text(one), Value::Text(two)) => Ok(Some(one.chars().cmp(two.chars()))),
            (Value::Bytes(one), Value::Bytes(two)) => Ok(Some(one.cmp(two))),
            (Value::Path(one), Value::Path(two)) => Ok(Some(one.split('/').cmp(two.split('/')))),
            (Value::List(one), Value::List(two)) => {
                let (one, two) = (one.borrow().clone(), two.borrow().clone());
                self.order_items(&one, &two, operator)
            }
            (Value::Tuple(one), Value::Tuple(two)) => self.order_items(one, two, operator),
            (Value::Set(_) | Value::FrozenSet(_), Value::Set(_) | Value::FrozenSet(_)) => {
                Err(Throw::unsupported("the order of sets"))
            }
            (Value::Instance(_), _) | (_, Value::Instance(_)) => {
                Err(Throw::unsupported("the order of objects"))
            }
            _ => Err(Throw::type_error(format!(
                "'{operator}' not supported between instances of '{}' and '{}'",
                left.type_name(),
                right.type_name()
            ))),
        }
    }

    fn order_items(
        &mut self,
        one: &[Value],
        two: &[Value],
        operator: &str,
    ) -> Result<Option<Ordering>, Throw> {
        for (left, right) in one.iter().zip(two) {
            if !self.equal(left, right)? {
                return self.order(left, right, operator);
            }
        }
        Ok(Some(one.len().cmp(&two.len())))
    }
}

/// `+` of texts, bytes, lists and tuples.
fn concatenate(left: &Value, right: &Value, shown: &str) -> Outcome {
    match (left, right) {
        (Value::Text(one), Value::Text(two)) => Ok(Value::text(format!("{one}{two}"))),
        (Value::Text(_), other) => {
            let message = format!(
                "can only concatenate str (not \"{}\") to str",
                other.type_name()
            );
            Err(Throw::type_error(message))
        }
        (Value::Bytes(one), Value::Bytes(two)) => {
            Ok(Value::Bytes([&**one, &**two].concat().into()))
        }
        (Value::List(one), Value::List(two)) => {
            let mut items = one.borrow().clone();
            items.extend(two.borrow().iter().cloned());
            Ok(Value::list(items))
        }
        (Value::List(_), other) => {
            let message = format!(
                "can only concatenate list (not \"{}\") to list",
                other.type_name()
            );
            Err(Throw::type_error(message))
        }
        (Value::Tuple(one), Value::Tuple(two)) => {
            Ok(Value::Tuple([&**one, &**two].concat().into()))
        }
        (Value::Tuple(_), other) => {
            let message = format!(
                "can only concatenate tuple (not \"{}\") to tuple",
                other.type_name()
            );
            Err(Throw::type_error(message))
        }
        _ => Err(unsupported_operands(shown, left, right)),
    }
}

/// `*` of a sequence and a number.
fn multiply(left: &Value, right: &Value, shown: &str) -> Outcome {
    match (left, right) {
        (sequence, Value::Int(count)) | (Value::Int(count), sequence) => match sequence {
            Value::Text(text) => {
                let count = usize::try_from(*count).unwrap_or(0);
                if text.len().saturating_mul(count) > 1 << 28 {
                    return Err(Throw::new("MemoryError", ""));
                }
                Ok(Value::text(text.repeat(count)))
            }
            Value::List(items) => repeat(&items.borrow(), *count).map(Value::list),
            Value::Tuple(items) => repeat(items, *count).map(|items| Value::Tuple(items.into())),
            Value::Bytes(_) => Err(Throw::unsupported("repeated bytes")),
            _ => Err(unsupported_operands(shown, left, right)),
        },
        (Value::Text(_) | Value::List(_) | Value::Tuple(_), other)
        | (other, Value::Text(_) | Value::List(_) | Value::Tuple(_)) => {
            Err(Throw::type_error(format!(
                "can't multiply sequence by non-int of type '{}'",
                other.type_name()
            )))
        }
        _ => Err(unsupported_operands(shown, left, right)),
    }
}

fn big() -> Throw {
    Throw::unsupported("an integer of more than 64 bits")
}

/// Returns a value as a number to compare; integers beyond 53 bits are compared by [`Value::is`] first.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        #[expect(
            clippy::cast_precision_loss,
            reason = "manifests compare small numbers"
        )]
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// Computes with numbers; none if the operands are none.
fn arithmetic(operator: &str, left: &Value, right: &Value) -> Result<Option<Value>, Throw> {
    let integer = |value: &Value| match value {
        Value::Int(value) => Some(*value),
        Value::Bool(value) => Some(i64::from(*value)),
        _ => None,
    };
    if let (Some(one), Some(two)) = (integer(left), integer(right)) {
        if let (Value::Bool(one), Value::Bool(two)) = (left, right) {
            match operator {
                "&" => return Ok(Some(Value::Bool(one & two))),
                "|" => return Ok(Some(Value::Bool(one | two))),
                "^" => return Ok(Some(Value::Bool(one ^ two))),
                _ => {}
            }
        }
        return integers(operator, one, two);
    }
    let (Some(one), Some(two)) = (number(left), number(right)) else {
        return Ok(None);
    };
    let zero = |message: &str| Throw::new("ZeroDivisionError", message);
    Ok(Some(Value::Float(match operator {
        "+" => one + two,
        "-" => one - two,
        "*" => one * two,
        "/" if two == 0.0 => return Err(zero("float division by zero")),
        "/" => one / two,
        "//" if two == 0.0 => return Err(zero("float floor division by zero")),
        "//" => (one / two).floor(),
        "%" if two == 0.0 => return Err(zero("float modulo")),
        "%" => one - two * (one / two).floor(),
        "**" => one.powf(two),
        _ => return Ok(None),
    })))
}

fn integers(operator: &str, one: i64, two: i64) -> Result<Option<Value>, Throw> {
    let zero = |message: &str| Throw::new("ZeroDivisionError", message);
    let result = match operator {
        "+" => one.checked_add(two),
        "-" => one.checked_sub(two),
        "*" => one.checked_mul(two),
        "/" if two == 0 => return Err(zero("division by zero")),
        #[expect(clippy::cast_precision_loss, reason = "Python's / gives a float")]
        "/" => return Ok(Some(Value::Float(one as f64 / two as f64))),
        "//" | "%" if two == 0 => {
            return Err(zero(if operator == "//" {
                "integer division or modulo by zero"
            } else {
                "integer modulo by zero"
            }));
        }
        "//" => one.checked_div_euclid(two).and_then(|quotient| {
            // Python rounds down, Rust's Euclidean division leaves a positive rest.
            if two < 0 && one.rem_euclid(two) != 0 {
                quotient.checked_sub(1)
            } else {
                Some(quotient)
            }
        }),
        "%" => one.checked_rem_euclid(two).map(|rest| {
            if two < 0 && rest != 0 {
                rest + two
            } else {
                rest
            }
        }),
        "**" if two < 0 => return Err(Throw::unsupported("a negative power")),
        "**" => u32::try_from(two)
            .ok()
            .and_then(|power| one.checked_pow(power)),
        "<<" => u32::try_from(two)
            .ok()
            .filter(|&shift| shift < 62)
            .and_then(|shift| one.checked_mul(1 << shift)),
        ">>" if two < 0 => return Err(Throw::new("ValueError", "negative shift count")),
        ">>" => Some(one >> two.min(63)),
        "&" => Some(one & two),
        "|" => Some(one | two),
        "^" => Some(one ^ two),
        _ => return Ok(None),
    };
    result.map(|value| Some(Value::Int(value))).ok_or_else(big)
}

fn unsupported_operands(operator: &str, left: &Value, right: &Value) -> Throw {
    if let (Value::Bytes(_), "%" | "+" | "*") = (left, operator) {
        return Throw::unsupported(format!("{operator} of bytes"));
    }
    let shown = if operator == "**" {
        "** or pow()"
    } else {
        operator
    };
    Throw::type_error(format!(
        "unsupported operand type(s) for {shown}: '{}' and '{}'",
        left.type_name(),
        right.type_name()
    ))
}

fn repeat(items: &[Value], count: i64) -> Result<Vec<Value>, Throw> {
    let count = usize::try_from(count).unwrap_or(0);
    if items.len().saturating_mul(count) > 10_000_000 {
        return Err(Throw::new("MemoryError", ""));
    }
    Ok(std::iter::repeat_n(items, count)
        .flatten()
        .cloned()
        .collect())
}

/// Returns a copy of a set.
pub(super) fn set_of(value: &Value) -> Dict {
    match value {
        Value::Set(set) => set.borrow().clone(),
        Value::FrozenSet(set) => (**set).clone(),
        _ => Dict::default(),
    }
}

pub(super) fn set_operation(operator: &str, one: &Dict, two: &Dict) -> Result<Dict, Throw> {
    let mut result = Dict::default();
    for (item, _) in one.entries() {
        let shared = two.get(item)?.is_some();
        if match operator {
            "|" => true,
            "&" => shared,
            _ => !shared,
        } {
            result.insert(item.clone(), Value::None)?;
        }
    }
    if matches!(operator, "|" | "^") {
        for (item, _) in two.entries() {
            if one.get(item)?.is_none() {
                result.insert(item.clone(), Value::None)?;
            }
        }
    }
    Ok(result)
}

fn path_part(value: &Value) -> Option<Rc<str>> {
    match value {
        Value::Text(text) | Value::Path(text) => Some(text.clone()),
        _ => None,
    }
}
