//! From the arguments of a call to the parameters of a manifest's function, with CPython's messages.

use std::rc::Rc;

use crate::python::call::{missing_arguments, too_many};
use crate::python::value::{Arguments, Throw, Value};

/// The parameters of a function.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    /// Without `self`.
    pub(crate) parameters: &'static [&'static str],
    /// How many of them must be there.
    pub(crate) required: usize,
    /// Whether other keywords are collected.
    pub(crate) keywords: bool,
}

/// What the parameters are set to.
pub(crate) struct Bound {
    values: Vec<Option<Value>>,
    /// The other keywords.
    pub(crate) keywords: Vec<(Rc<str>, Value)>,
}

impl Bound {
    /// Takes the value of a parameter; none if the default counts.
    pub(crate) fn take(&mut self, index: usize) -> Option<Value> {
        self.values.get_mut(index).and_then(Option::take)
    }
}

impl Signature {
    /// Assigns arguments.
    ///
    /// # Errors
    /// `TypeError`, in the order in which CPython finds what is wrong.
    pub(crate) fn bind(&self, arguments: Arguments) -> Result<Bound, Throw> {
        let function = format!("ManifestFile.{}", self.name);
        let count = self.parameters.len();
        let given = arguments.positional.len();
        let mut values: Vec<Option<Value>> = arguments.positional.into_iter().map(Some).collect();
        values.resize_with(values.len().max(count), || None);
        let mut keywords = Vec::new();
        for (name, value) in arguments.named {
            let slot = self
                .parameters
                .iter()
                .position(|parameter| *parameter == &*name);
            let taken = match slot {
                Some(slot) => values.get(slot).is_some_and(Option::is_some),
                None => &*name == "self",
            };
            if taken {
                return Err(Throw::type_error(format!(
                    "{function}() got multiple values for argument '{name}'"
                )));
            }
            match slot.and_then(|slot| values.get_mut(slot)) {
                Some(slot) => *slot = Some(value),
                None if self.keywords => keywords.push((name, value)),
                None => {
                    return Err(Throw::type_error(format!(
                        "{function}() got an unexpected keyword argument '{name}'"
                    )));
                }
            }
        }
        if given > count {
            return Err(Throw::type_error(too_many(
                &function,
                self.required + 1,
                count + 1,
                given + 1,
            )));
        }
        let missing: Vec<&str> = self
            .parameters
            .iter()
            .zip(&values)
            .take(self.required)
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| *name)
            .collect();
        if !missing.is_empty() {
            return Err(Throw::type_error(missing_arguments(
                &function,
                "positional",
                &missing,
            )));
        }
        Ok(Bound { values, keywords })
    }
}
