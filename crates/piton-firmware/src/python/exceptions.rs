//! The classes of exceptions, and their texts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Arguments, Class, Instance, Outcome, Throw, Value};

/// Each class and the one it is below.
const CLASSES: &[(&str, &str)] = &[
    ("BaseException", ""),
    ("SystemExit", "BaseException"),
    ("KeyboardInterrupt", "BaseException"),
    ("GeneratorExit", "BaseException"),
    ("Exception", "BaseException"),
    ("ManifestFileError", "Exception"),
    ("ManifestIgnoreException", "Exception"),
    ("ManifestUsePyPIException", "Exception"),
    ("ArithmeticError", "Exception"),
    ("OverflowError", "ArithmeticError"),
    ("ZeroDivisionError", "ArithmeticError"),
    ("AssertionError", "Exception"),
    ("AttributeError", "Exception"),
    ("EOFError", "Exception"),
    ("ImportError", "Exception"),
    ("ModuleNotFoundError", "ImportError"),
    ("LookupError", "Exception"),
    ("IndexError", "LookupError"),
    ("KeyError", "LookupError"),
    ("MemoryError", "Exception"),
    ("NameError", "Exception"),
    ("UnboundLocalError", "NameError"),
    ("OSError", "Exception"),
    ("FileExistsError", "OSError"),
    ("FileNotFoundError", "OSError"),
    ("IsADirectoryError", "OSError"),
    ("NotADirectoryError", "OSError"),
    ("PermissionError", "OSError"),
    ("ConnectionError", "OSError"),
    ("TimeoutError", "OSError"),
    ("RuntimeError", "Exception"),
    ("NotImplementedError", "RuntimeError"),
    ("RecursionError", "RuntimeError"),
    ("StopIteration", "Exception"),
    ("SyntaxError", "Exception"),
    ("IndentationError", "SyntaxError"),
    ("TabError", "IndentationError"),
    ("SystemError", "Exception"),
    ("TypeError", "Exception"),
    ("ValueError", "Exception"),
    ("UnicodeError", "ValueError"),
    ("UnicodeDecodeError", "UnicodeError"),
    ("UnicodeEncodeError", "UnicodeError"),
    ("JSONDecodeError", "ValueError"),
    ("Warning", "Exception"),
    ("UserWarning", "Warning"),
    ("DeprecationWarning", "Warning"),
    ("RuntimeWarning", "Warning"),
];

/// The classes that a manifest cannot name.
const HIDDEN: [&str; 4] = [
    "ManifestFileError",
    "ManifestIgnoreException",
    "ManifestUsePyPIException",
    "JSONDecodeError",
];

/// The classes that are built in.
pub(super) struct Exceptions {
    classes: BTreeMap<&'static str, Rc<Class>>,
}

impl Exceptions {
    pub(super) fn new() -> Exceptions {
        let mut classes: BTreeMap<&'static str, Rc<Class>> = BTreeMap::new();
        for &(name, base) in CLASSES {
            let bases = classes.get(base).cloned().into_iter().collect();
            classes.insert(
                name,
                Rc::new(Class {
                    name: name.into(),
                    bases,
                    attributes: RefCell::default(),
                }),
            );
        }
        Exceptions { classes }
    }

    /// Returns the class that a manifest knows by this name.
    pub(super) fn named(&self, name: &str) -> Option<Value> {
        let name = match name {
            "EnvironmentError" | "IOError" => "OSError",
            name if HIDDEN.contains(&name) => return None,
            name => name,
        };
        self.classes.get(name).cloned().map(Value::Class)
    }

    pub(super) fn class(&self, name: &str) -> Option<Rc<Class>> {
        self.classes.get(name).cloned()
    }

    /// Makes an exception.
    pub(super) fn make(&self, class: &str, arguments: Vec<Value>) -> Value {
        let class = self.class(class).or_else(|| self.class("Exception"));
        match class {
            Some(class) => instance(class, arguments),
            None => Value::None,
        }
    }
}

fn instance(class: Rc<Class>, arguments: Vec<Value>) -> Value {
    let mut attributes: BTreeMap<Rc<str>, Value> = BTreeMap::new();
    if class.is_below("OSError")
        && let [errno @ Value::Int(_), text, rest @ ..] = arguments.as_slice()
    {
        attributes.insert("errno".into(), errno.clone());
        attributes.insert("strerror".into(), text.clone());
        attributes.insert(
            "filename".into(),
            rest.first().cloned().unwrap_or(Value::None),
        );
    }
    if class.is_below("SystemExit") {
        let code = match arguments.as_slice() {
            [] => Value::None,
            [one] => one.clone(),
            several => Value::Tuple(several.to_vec().into()),
        };
        attributes.insert("code".into(), code);
    }
    if class.is_below("StopIteration") {
        attributes.insert(
            "value".into(),
            arguments.first().cloned().unwrap_or(Value::None),
        );
    }
    attributes.insert("args".into(), Value::Tuple(arguments.into()));
    Value::Instance(Rc::new(Instance {
        class,
        attributes: RefCell::new(attributes),
    }))
}

/// Returns the class of an error of the operating system.
fn os_class(errno: i32) -> &'static str {
    match errno {
        1 | 13 => "PermissionError",
        2 => "FileNotFoundError",
        17 => "FileExistsError",
        20 => "NotADirectoryError",
        21 => "IsADirectoryError",
        _ => "OSError",
    }
}

impl Interpreter {
    /// Returns the exception object of an error.
    pub(crate) fn exception(&self, throw: Throw) -> Value {
        match throw {
            Throw::Error { class, message } => {
                self.exceptions.make(class, vec![Value::text(message)])
            }
            Throw::Os { errno, path } => {
                let text = Value::text(crate::manifest::disk::error_text(errno));
                let mut arguments = vec![Value::Int(i64::from(errno)), text];
                arguments.extend(path.map(Value::text));
                self.exceptions.make(os_class(errno), arguments)
            }
            Throw::Object(object) => object,
            Throw::Unsupported { what, .. } => self
                .exceptions
                .make("RuntimeError", vec![Value::text(what)]),
        }
    }

    /// Returns what `raise` raises: an exception, or a new one of a class.
    pub(super) fn exception_of(&mut self, value: &Value) -> Outcome {
        let raised = match value {
            Value::Class(class) if class.is_below("BaseException") => {
                self.call(value, Arguments::default())?
            }
            other => other.clone(),
        };
        match &raised {
            Value::Instance(instance) if instance.class.is_below("BaseException") => Ok(raised),
            _ => Err(Throw::type_error(
                "exceptions must derive from BaseException",
            )),
        }
    }

    /// Makes an exception of a class; for classes of a manifest without `__init__` too.
    pub(super) fn make_exception(class: &Rc<Class>, arguments: Vec<Value>) -> Value {
        instance(class.clone(), arguments)
    }

    /// Returns whether `except class` catches this exception.
    pub(super) fn matches_exception(
        &self,
        exception: &Value,
        class: &Value,
    ) -> Result<bool, Throw> {
        let message = "catching classes that do not inherit from BaseException is not allowed";
        match (exception, class) {
            (Value::Instance(instance), Value::Class(class)) if class.is_below("BaseException") => {
                Ok(instance.class.is_subclass_of(class))
            }
            (_, Value::Tuple(classes)) => {
                for class in classes.iter() {
                    if self.matches_exception(exception, class)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err(Throw::type_error(message)),
        }
    }

    /// Returns `str(exception)`.
    pub(super) fn exception_text(&mut self, instance: &Rc<Instance>) -> Result<String, Throw> {
        if let Some(method) = instance.class.find("__str__") {
            let bound = Value::Bound(Rc::new((Value::Instance(instance.clone()), method)));
            let text = self.call(&bound, Arguments::default())?;
            return self.text(&text);
        }
        let attributes = instance.attributes.borrow().clone();
        if let (Some(errno), Some(text)) = (attributes.get("errno"), attributes.get("strerror")) {
            let text = format!("[Errno {}] {}", self.text(errno)?, self.text(text)?);
            return match attributes.get("filename") {
                None | Some(Value::None) => Ok(text),
                Some(file) => Ok(format!("{text}: {}", self.repr(file)?)),
            };
        }
        let Some(Value::Tuple(arguments)) = attributes.get("args").cloned() else {
            return Ok(String::new());
        };
        match &*arguments {
            [] => Ok(String::new()),
            [one] if instance.class.is_below("KeyError") => self.repr(one),
            [one] => self.text(one),
            _ => self.repr(&Value::Tuple(arguments)),
        }
    }

    /// Returns the class of an error and its text, as messages have it.
    pub(crate) fn describe(&mut self, throw: Throw) -> Result<(Rc<Class>, String), Throw> {
        if let Throw::Unsupported { .. } = throw {
            return Err(throw);
        }
        let Value::Instance(instance) = self.exception(throw) else {
            return Err(Throw::unsupported("an exception of an unknown class"));
        };
        let text = self.exception_text(&instance)?;
        Ok((instance.class.clone(), text))
    }
}
