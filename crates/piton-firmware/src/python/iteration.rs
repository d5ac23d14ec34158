//! Iterators: each makes an item when it is asked for one, as in Python.

use std::cell::RefCell;
use std::rc::Rc;

use super::ast::Comprehension;
use super::call::range_items;
use super::interpreter::Interpreter;
use super::value::{Arguments, Iteration, Outcome, Scope, Throw, Value};

/// A generator expression that is not at its end.
pub(crate) struct Generator {
    pub(crate) comprehension: Rc<Comprehension>,
    pub(crate) scope: Rc<Scope>,
    /// The iterators of the clauses that are open, from the outermost.
    pub(crate) open: RefCell<Vec<Value>>,
}

impl Interpreter {
    /// Returns an iterator over a value.
    ///
    /// # Errors
    /// `TypeError` if it is not iterable.
    pub(crate) fn iterator(&mut self, value: &Value) -> Outcome {
        let (kind, items): (_, Vec<Value>) = match value {
            Value::Iterator(_) => return Ok(value.clone()),
            Value::List(items) => {
                return Ok(Value::iteration(Iteration::List(items.clone(), 0)));
            }
            Value::Tuple(items) => ("tuple_iterator", items.to_vec()),
            Value::Text(text) => {
                let kind = if text.is_ascii() {
                    "str_ascii_iterator"
                } else {
                    "str_iterator"
                };
                let items = text.chars().map(|character| character.to_string());
                (kind, items.map(Value::text).collect())
            }
            Value::Bytes(bytes) => {
                let items = bytes.iter().map(|&byte| Value::Int(i64::from(byte)));
                ("bytes_iterator", items.collect())
            }
            Value::Dict(dict) => ("dict_keyiterator", dict.borrow().keys()),
            Value::Set(set) => ("set_iterator", set.borrow().keys()),
            Value::FrozenSet(set) => ("set_iterator", set.keys()),
            Value::Range(start, stop, step) => {
                ("range_iterator", range_items(*start, *stop, *step)?)
            }
            Value::File(file) => {
                let lines = file.borrow_mut().lines()?;
                (
                    "_io.TextIOWrapper",
                    lines.into_iter().map(Value::text).collect(),
                )
            }
            Value::Options(_) | Value::Metadata(_) => {
                return Err(Throw::type_error(format!(
                    "'{}' object is not iterable",
                    value.type_name()
                )));
            }
            Value::Instance(instance)
                if instance.class.find("__iter__").is_some()
                    || instance.class.find("__getitem__").is_some() =>
            {
                return Err(Throw::unsupported("an iterator of a class"));
            }
            Value::Stat(_) => return Err(Throw::unsupported("items of os.stat_result")),
            other => {
                return Err(Throw::type_error(format!(
                    "'{}' object is not iterable",
                    other.type_name()
                )));
            }
        };
        Ok(Value::iterator(kind, items))
    }

    /// Returns the next item of an iterator.
    pub(super) fn next(&mut self, iterator: &Value) -> Result<Option<Value>, Throw> {
        let Value::Iterator(iteration) = iterator else {
            return Err(Throw::type_error(format!(
                "'{}' object is not an iterator",
                iterator.type_name()
            )));
        };
        let Ok(mut borrowed) = iteration.try_borrow_mut() else {
            return Err(Throw::new("ValueError", "generator already executing"));
        };
        match &mut *borrowed {
            Iteration::Items(_, items) => Ok(items.next()),
            Iteration::List(list, at) => {
                let item = list.borrow().get(*at).cloned();
                *at += 1;
                Ok(item)
            }
            Iteration::Walk(walk) => walk.next(&self.state.disk),
            Iteration::Generator(generator) => {
                let result = self.resume(generator);
                if !matches!(result, Ok(Some(_))) {
                    *borrowed = Iteration::Items("generator", Vec::new().into_iter());
                }
                result
            }
            Iteration::Map(function, iterators) => match self.row(iterators)? {
                Some(row) => self.call(function, Arguments::of(row)).map(Some),
                None => Ok(None),
            },
            Iteration::Filter(function, iterator) => self.next_chosen(function, iterator),
            Iteration::Zip(iterators) => {
                let row = self.row(iterators)?;
                Ok(row.map(|row| Value::Tuple(row.into())))
            }
            Iteration::Enumerate(number, iterator) => {
                let item = self.next(iterator)?;
                let index = Value::Int(*number);
                *number += 1;
                Ok(item.map(|item| Value::Tuple([index, item].into())))
            }
        }
    }

    /// Returns the next item of each iterator, until the first of them ends.
    fn row(&mut self, iterators: &[Value]) -> Result<Option<Vec<Value>>, Throw> {
        let mut row = Vec::with_capacity(iterators.len());
        for iterator in iterators {
            match self.next(iterator)? {
                Some(item) => row.push(item),
                None => return Ok(None),
            }
        }
        Ok(Some(row).filter(|row| !row.is_empty()))
    }

    fn next_chosen(&mut self, function: &Value, iterator: &Value) -> Result<Option<Value>, Throw> {
        while let Some(item) = self.next(iterator)? {
            let result = match function {
                Value::None => item.clone(),
                _ => self.call(function, Arguments::of(vec![item.clone()]))?,
            };
            if self.truth(&result)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// Runs a generator expression to its next item.
    fn resume(&mut self, generator: &Generator) -> Result<Option<Value>, Throw> {
        let comprehension = &generator.comprehension;
        loop {
            let (depth, innermost) = {
                let open = generator.open.borrow();
                match open.last() {
                    Some(iterator) => (open.len() - 1, iterator.clone()),
                    None => return Ok(None),
                }
            };
            let Some(item) = self.next(&innermost)? else {
                generator.open.borrow_mut().pop();
                continue;
            };
            let Some(clause) = comprehension.clauses.get(depth) else {
                return Ok(None);
            };
            if !self.enter_clause(clause, item, &generator.scope)? {
                continue;
            }
            let Some(next) = comprehension.clauses.get(depth + 1) else {
                return self
                    .evaluate(&comprehension.element, &generator.scope)
                    .map(Some);
            };
            let iterable = self.evaluate(&next.iterable, &generator.scope)?;
            let iterator = self.iterator(&iterable)?;
            generator.open.borrow_mut().push(iterator);
        }
    }
}
