//! The functions and types that every manifest has.

mod functions;

use super::interpreter::Interpreter;
use super::value::{Arguments, Dict, Native, Outcome, Throw, Value};
use functions::{
    abs, chr, enumerate, exit, extreme, filter, getattr, isinstance, length, map, next, one, ord,
    print, quantifier, radix, range, round, zip,
};

/// The types that a manifest can name.
const TYPES: &[&str] = &[
    "str",
    "int",
    "float",
    "bool",
    "list",
    "tuple",
    "dict",
    "set",
    "frozenset",
    "bytes",
    "object",
    "type",
    "range",
    "slice",
];

/// What CPython has besides, and what is not built in here.
const LATER: &[&str] = &[
    "__build_class__",
    "__debug__",
    "__doc__",
    "__import__",
    "__loader__",
    "__package__",
    "__spec__",
    "__builtins__",
    "aiter",
    "anext",
    "ascii",
    "breakpoint",
    "bytearray",
    "classmethod",
    "compile",
    "complex",
    "copyright",
    "credits",
    "delattr",
    "dir",
    "eval",
    "exec",
    "globals",
    "help",
    "id",
    "hash",
    "input",
    "license",
    "locals",
    "memoryview",
    "property",
    "staticmethod",
    "super",
    "vars",
    "BaseExceptionGroup",
    "ExceptionGroup",
    "NotImplemented",
    "BlockingIOError",
    "BrokenPipeError",
    "BufferError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "EncodingWarning",
    "FloatingPointError",
    "FutureWarning",
    "ImportWarning",
    "InterruptedError",
    "PendingDeprecationWarning",
    "ProcessLookupError",
    "ReferenceError",
    "ResourceWarning",
    "StopAsyncIteration",
    "SyntaxWarning",
    "UnicodeTranslateError",
    "UnicodeWarning",
];

static FUNCTIONS: &[Native] = &[
    Native {
        name: "abs",
        call: |_, arguments| abs(&one("abs", arguments)?),
    },
    Native {
        name: "all",
        call: |interpreter, arguments| quantifier(interpreter, "all", arguments),
    },
    Native {
        name: "any",
        call: |interpreter, arguments| quantifier(interpreter, "any", arguments),
    },
    Native {
        name: "bin",
        call: |interpreter, arguments| radix(interpreter, "bin", "#b", arguments),
    },
    Native {
        name: "callable",
        call: |_, arguments| {
            let value = one("callable", arguments)?;
            Ok(Value::Bool(matches!(
                value,
                Value::Function(_)
                    | Value::Native(_)
                    | Value::Method(_)
                    | Value::Bound(_)
                    | Value::Api(_)
                    | Value::Type(_)
                    | Value::Class(_)
            )))
        },
    },
    Native {
        name: "chr",
        call: chr,
    },
    Native {
        name: "divmod",
        call: |interpreter, arguments| {
            let [left, right] = arguments
                .bind("divmod", ["x", "y"], 2)?
                .map(|value| value.unwrap_or(Value::None));
            Ok(Value::Tuple(
                [
                    interpreter.binary("//", &left, &right)?,
                    interpreter.binary("%", &left, &right)?,
                ]
                .into(),
            ))
        },
    },
    Native {
        name: "enumerate",
        call: enumerate,
    },
    Native {
        name: "exit",
        call: exit,
    },
    Native {
        name: "filter",
        call: filter,
    },
    Native {
        name: "format",
        call: |interpreter, arguments| {
            let [value, form] = arguments.bind("format", ["value", "format_spec"], 1)?;
            let form = form
                .and_then(|form| form.as_text().cloned())
                .unwrap_or_default();
            interpreter
                .format(&value.unwrap_or(Value::None), &form)
                .map(Value::text)
        },
    },
    Native {
        name: "getattr",
        call: getattr,
    },
    Native {
        name: "hasattr",
        call: |interpreter, arguments| {
            let [value, name] = arguments
                .bind("hasattr", ["obj", "name"], 2)?
                .map(|value| value.unwrap_or(Value::None));
            let Value::Text(name) = name else {
                return Err(Throw::type_error(
                    "hasattr(): attribute name must be string",
                ));
            };
            match interpreter.attribute(&value, &name) {
                Ok(_) => Ok(Value::Bool(true)),
                Err(Throw::Error {
                    class: "AttributeError",
                    ..
                }) => Ok(Value::Bool(false)),
                Err(other) => Err(other),
            }
        },
    },
    Native {
        name: "hex",
        call: |interpreter, arguments| radix(interpreter, "hex", "#x", arguments),
    },
    Native {
        name: "isinstance",
        call: isinstance,
    },
    Native {
        name: "issubclass",
        call: |_, arguments| match arguments.positional.as_slice() {
            [Value::Class(one), Value::Class(two)] => Ok(Value::Bool(one.is_subclass_of(two))),
            _ => Err(Throw::unsupported("issubclass")),
        },
    },
    Native {
        name: "iter",
        call: |interpreter, arguments| {
            let value = one("iter", arguments)?;
            interpreter.iterator(&value)
        },
    },
    Native {
        name: "len",
        call: length,
    },
    Native {
        name: "map",
        call: map,
    },
    Native {
        name: "max",
        call: |interpreter, arguments| extreme(interpreter, "max", arguments),
    },
    Native {
        name: "min",
        call: |interpreter, arguments| extreme(interpreter, "min", arguments),
    },
    Native {
        name: "next",
        call: next,
    },
    Native {
        name: "oct",
        call: |interpreter, arguments| radix(interpreter, "oct", "#o", arguments),
    },
    Native {
        name: "open",
        call: super::files::open,
    },
    Native {
        name: "ord",
        call: ord,
    },
    Native {
        name: "pow",
        call: |interpreter, arguments| {
            let [left, right] = arguments
                .bind("pow", ["base", "exp"], 2)?
                .map(|value| value.unwrap_or(Value::None));
            interpreter.binary("**", &left, &right)
        },
    },
    Native {
        name: "print",
        call: print,
    },
    Native {
        name: "quit",
        call: exit,
    },
    Native {
        name: "repr",
        call: |interpreter, arguments| {
            let value = one("repr", arguments)?;
            interpreter.repr(&value).map(Value::text)
        },
    },
    Native {
        name: "reversed",
        call: |interpreter, arguments| {
            let value = one("reversed", arguments)?;
            if matches!(
                value,
                Value::Set(_) | Value::FrozenSet(_) | Value::Iterator(_)
            ) {
                return Err(Throw::type_error(format!(
                    "'{}' object is not reversible",
                    value.type_name()
                )));
            }
            let mut items = interpreter.collect(&value)?;
            items.reverse();
            let kind = match value {
                Value::List(_) => "list_reverseiterator",
                _ => "reversed",
            };
            Ok(Value::iterator(kind, items))
        },
    },
    Native {
        name: "round",
        call: round,
    },
    Native {
        name: "setattr",
        call: |interpreter, arguments| {
            let [value, name, new] = arguments
                .bind("setattr", ["obj", "name", "value"], 3)?
                .map(|value| value.unwrap_or(Value::None));
            let Value::Text(name) = name else {
                return Err(Throw::type_error(
                    "setattr(): attribute name must be string",
                ));
            };
            interpreter.set_attribute(&value, &name, new)?;
            Ok(Value::None)
        },
    },
    Native {
        name: "sorted",
        call: |interpreter, mut arguments| {
            if arguments.positional.len() != 1 {
                return Err(Throw::type_error(format!(
                    "sorted expected 1 argument, got {}",
                    arguments.positional.len()
                )));
            }
            let items = interpreter.collect(&arguments.positional.remove(0))?;
            interpreter.sorted(items, arguments).map(Value::list)
        },
    },
    Native {
        name: "sum",
        call: |interpreter, arguments| {
            let [items, start] = arguments.bind("sum", ["iterable", "start"], 1)?;
            let mut total = start.unwrap_or(Value::Int(0));
            for item in interpreter.collect(&items.unwrap_or(Value::None))? {
                total = interpreter.binary("+", &total, &item)?;
            }
            Ok(total)
        },
    },
    Native {
        name: "zip",
        call: zip,
    },
];

impl Interpreter {
    /// Returns what a name stands for that is not set.
    pub(super) fn builtin(&mut self, name: &str) -> Outcome {
        if let Some(name) = TYPES.iter().find(|known| **known == name) {
            return Ok(Value::Type(name));
        }
        if let Some(native) = FUNCTIONS.iter().find(|native| native.name == name) {
            return Ok(Value::Native(native));
        }
        if let Some(class) = self.exceptions.named(name) {
            return Ok(class);
        }
        match name {
            // The name of the module that `exec` takes the missing names from.
            "__name__" => Ok(Value::text("builtins")),
            "Ellipsis" => Ok(Value::Ellipsis),
            _ if LATER.contains(&name) => Err(Throw::unsupported(name)),
            _ => Err(Throw::new(
                "NameError",
                format!("name '{name}' is not defined"),
            )),
        }
    }

    /// Calls a type that is built in.
    pub(super) fn construct(&mut self, name: &'static str, arguments: Arguments) -> Outcome {
        if name == "PosixPath" {
            return super::modules::pathlib::construct(self, &arguments);
        }
        if name == "dict" {
            let mut dict = Dict::default();
            for source in &arguments.positional {
                for (key, value) in self.pairs(source)? {
                    dict.insert(key, value)?;
                }
            }
            for (key, value) in arguments.named {
                dict.insert(Value::Text(key), value)?;
            }
            return Ok(Value::dict(dict));
        }
        if !arguments.named.is_empty() {
            return Err(Throw::unsupported(format!("{name} with keywords")));
        }
        let count = arguments.positional.len();
        let first = arguments.positional.first().cloned();
        match (name, first, count) {
            ("str", None, _) => Ok(Value::text("")),
            ("str", Some(value), 1) => self.text(&value).map(Value::text),
            ("list", None, _) => Ok(Value::list(Vec::new())),
            ("list", Some(value), 1) => self.collect(&value).map(Value::list),
            ("tuple", None, _) => Ok(Value::Tuple([].into())),
            ("tuple", Some(value), 1) => {
                self.collect(&value).map(|items| Value::Tuple(items.into()))
            }
            ("set", None, _) => Ok(Value::set(Dict::default())),
            ("set", Some(value), 1) => Dict::set(self.collect(&value)?).map(Value::set),
            ("frozenset", None, _) => Ok(Value::FrozenSet(std::rc::Rc::default())),
            ("frozenset", Some(value), 1) => {
                Dict::set(self.collect(&value)?).map(|set| Value::FrozenSet(set.into()))
            }
            ("bool", None, _) => Ok(Value::Bool(false)),
            ("bool", Some(value), 1) => self.truth(&value).map(Value::Bool),
            ("int", None, _) => Ok(Value::Int(0)),
            ("int", Some(value), 1 | 2) => self.integer(&value, arguments.positional.get(1)),
            ("float", Some(value), 1) => self.float(&value),
            ("range", Some(_), 1..=3) => range(&arguments.positional),
            ("type", Some(value), 1) => Ok(self.class_of(&value)),
            ("object", None, _) => Err(Throw::unsupported("object()")),
            _ => Err(Throw::unsupported(format!(
                "{name}() with {count} arguments"
            ))),
        }
    }

    fn integer(&mut self, value: &Value, base: Option<&Value>) -> Outcome {
        match value {
            Value::Int(_) => Ok(value.clone()),
            Value::Bool(flag) => Ok(Value::Int(i64::from(*flag))),
            #[expect(clippy::cast_possible_truncation, reason = "int() cuts off")]
            Value::Float(number) if number.abs() < 9e18 => Ok(Value::Int(*number as i64)),
            Value::Text(text) => {
                let radix = match base {
                    None => 10,
                    Some(Value::Int(radix)) => u32::try_from(*radix).unwrap_or(10),
                    Some(_) => {
                        return Err(Throw::unsupported("int() with a base that is no number"));
                    }
                };
                let digits = text.trim().replace('_', "").to_ascii_lowercase();
                let (digits, radix) = match (radix, digits.get(..2)) {
                    (16 | 0, Some("0x")) => (digits.get(2..).unwrap_or_default().to_owned(), 16),
                    (8 | 0, Some("0o")) => (digits.get(2..).unwrap_or_default().to_owned(), 8),
                    (2 | 0, Some("0b")) => (digits.get(2..).unwrap_or_default().to_owned(), 2),
                    (0, _) => (digits, 10),
                    _ => (digits, radix),
                };
                i64::from_str_radix(&digits, radix.clamp(2, 36))
                    .map(Value::Int)
                    .map_err(|_| {
                        let shown = super::text::text_repr(text);
                        Throw::new(
                            "ValueError",
                            format!("invalid literal for int() with base {radix}: {shown}"),
                        )
                    })
            }
            other => Err(Throw::type_error(format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                other.type_name()
            ))),
        }
    }

    fn float(&mut self, value: &Value) -> Outcome {
        match value {
            Value::Float(_) => Ok(value.clone()),
            #[expect(clippy::cast_precision_loss, reason = "float() rounds")]
            Value::Int(number) => Ok(Value::Float(*number as f64)),
            Value::Text(text) => text.trim().parse().map(Value::Float).map_err(|_| {
                Throw::new(
                    "ValueError",
                    format!(
                        "could not convert string to float: {}",
                        super::text::text_repr(text)
                    ),
                )
            }),
            _ => Err(Throw::unsupported("float()")),
        }
    }
}
