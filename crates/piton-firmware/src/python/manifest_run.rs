//! What the functions of manifests need of the interpreter.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Options, Scope, Throw, Value};
use crate::manifest::api::{FREEZE_FUNCTIONS, FUNCTIONS};

impl Interpreter {
    /// Runs a manifest with globals of its own.
    pub(crate) fn run_manifest(
        &mut self,
        source: &str,
        options: Vec<(Rc<str>, Value)>,
    ) -> Result<(), Throw> {
        if self.has_child() {
            return self.run_in_child(source, options);
        }
        let scope = Scope::module();
        {
            let mut names = scope.names.borrow_mut();
            let freeze = FREEZE_FUNCTIONS
                .iter()
                .filter(|_| self.state.mode.can_freeze());
            for &name in FUNCTIONS.iter().chain(freeze) {
                names.insert(name.into(), Value::Api(name));
            }
            names.insert(
                "options".into(),
                Value::Options(Rc::new(Options {
                    arguments: options,
                    defaults: RefCell::default(),
                    attributes: RefCell::new(BTreeMap::new()),
                })),
            );
        }
        self.run_source(source, &scope)
    }

    /// Makes an exception.
    pub(crate) fn make(&self, class: &str, arguments: Vec<Value>) -> Value {
        self.exceptions.make(class, arguments)
    }

    /// Returns the first argument of an exception.
    pub(crate) fn first_argument(&self, throw: &Throw) -> Value {
        let Throw::Object(Value::Instance(instance)) = throw else {
            return Value::None;
        };
        match instance.attributes.borrow().get("args") {
            Some(Value::Tuple(arguments)) => arguments.first().cloned().unwrap_or(Value::None),
            _ => Value::None,
        }
    }
}
