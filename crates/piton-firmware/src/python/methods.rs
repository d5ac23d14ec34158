//! The methods of types that are built in.

mod containers;
mod strings;

use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Arguments, Native, Outcome, Throw, Value};

const TEXT: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdigit",
    "isidentifier",
    "islower",
    "isspace",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];
const TEXT_LATER: &[&str] = &[
    "format_map",
    "isdecimal",
    "isnumeric",
    "isprintable",
    "istitle",
    "maketrans",
    "translate",
];
const LIST: &[&str] = &[
    "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
    "sort",
];
const DICT: &[&str] = &[
    "clear",
    "copy",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];
const SET: &[&str] = &[
    "add",
    "clear",
    "copy",
    "difference",
    "discard",
    "intersection",
    "isdisjoint",
    "issubset",
    "issuperset",
    "pop",
    "remove",
    "symmetric_difference",
    "union",
    "update",
];
const FILE: &[&str] = &["close", "read", "readline", "readlines"];

/// Returns whether a method of a value is built in here; none if Python has none of this name.
// tidy: a table of names
pub(super) fn knows(value: &Value, name: &str) -> Option<bool> {
    if name.starts_with("__") && name.ends_with("__") && name != "__class__" {
        return Some(false);
    }
    let (known, later): (&[&str], &[&str]) = match value {
        Value::Text(_) => (TEXT, TEXT_LATER),
        Value::List(_) => (LIST, &[]),
        Value::Dict(_) => (DICT, &["fromkeys"]),
        Value::Tuple(_) => (&["count", "index"], &[]),
        Value::Set(_) => (
            SET,
            &[
                "difference_update",
                "intersection_update",
                "symmetric_difference_update",
            ],
        ),
        Value::FrozenSet(_) => (
            &[
                "copy",
                "difference",
                "intersection",
                "isdisjoint",
                "issubset",
                "issuperset",
                "symmetric_difference",
                "union",
            ],
            &[],
        ),
        Value::Bytes(_) => (&["decode", "hex", "startswith", "endswith"], TEXT),
        Value::File(_) => (
            FILE,
            &[
                "fileno",
                "seek",
                "tell",
                "write",
                "name",
                "mode",
                "closed",
                "encoding",
                "readable",
                "writable",
                "writelines",
                "flush",
                "buffer",
            ],
        ),
        Value::Int(_) | Value::Bool(_) => (
            &[],
            &[
                "bit_length",
                "to_bytes",
                "from_bytes",
                "real",
                "imag",
                "numerator",
                "denominator",
                "conjugate",
                "bit_count",
                "as_integer_ratio",
            ],
        ),
        Value::Float(_) => (
            &["is_integer"],
            &[
                "hex",
                "real",
                "imag",
                "fromhex",
                "conjugate",
                "as_integer_ratio",
            ],
        ),
        Value::Iterator(_) => (&["close"], &["send", "throw"]),
        Value::Range(..) => (&[], &["start", "stop", "step", "count", "index"]),
        _ => (&[], &[]),
    };
    if known.contains(&name) {
        Some(true)
    } else if later.contains(&name) {
        Some(false)
    } else {
        None
    }
}

/// Returns the attribute of a type: its methods, called with the object first.
pub(super) fn of_type(kind: &'static str, name: &str) -> Outcome {
    static METHODS: &[Native] = &[
        Native {
            name: "str.join",
            call: |interpreter, arguments| unbound(interpreter, "join", arguments),
        },
        Native {
            name: "str.lower",
            call: |interpreter, arguments| unbound(interpreter, "lower", arguments),
        },
        Native {
            name: "str.upper",
            call: |interpreter, arguments| unbound(interpreter, "upper", arguments),
        },
        Native {
            name: "str.strip",
            call: |interpreter, arguments| unbound(interpreter, "strip", arguments),
        },
        Native {
            name: "Path.cwd",
            call: super::modules::pathlib::current,
        },
    ];
    let wanted = format!("{kind}.{name}");
    let found = METHODS.iter().find(|native| native.name == wanted);
    found
        .map(Value::Native)
        .ok_or_else(|| Throw::unsupported(wanted))
}

fn unbound(interpreter: &mut Interpreter, name: &str, mut arguments: Arguments) -> Outcome {
    if arguments.positional.is_empty() {
        return Err(Throw::type_error(format!(
            "unbound method str.{name}() needs an argument"
        )));
    }
    let object = arguments.positional.remove(0);
    interpreter.call_method(&object, name, arguments)
}

impl Interpreter {
    pub(super) fn call_method(
        &mut self,
        object: &Value,
        name: &str,
        arguments: Arguments,
    ) -> Outcome {
        match object {
            Value::Text(text) => self.text_method(text, name, arguments),
            Value::List(items) => self.list_method(&items.clone(), name, arguments),
            Value::Dict(dict) => self.dict_method(&dict.clone(), name, arguments),
            Value::Set(_) | Value::FrozenSet(_) => self.set_method(object, name, arguments),
            Value::Tuple(_) => {
                let copy = Rc::new(std::cell::RefCell::new(self.collect(object)?));
                self.list_method(&copy, name, arguments)
            }
            Value::Bytes(bytes) => self.bytes_method(bytes, name, arguments),
            Value::File(file) => super::files::method(self, &file.clone(), name, arguments),
            Value::Path(path) => super::modules::pathlib::method(self, path, name, arguments),
            Value::Options(options) if name == "defaults" => {
                if !arguments.positional.is_empty() {
                    let given = arguments.positional.len() + 1;
                    let message = super::call::too_many("IncludeOptions.defaults", 1, 1, given);
                    return Err(Throw::type_error(message));
                }
                if arguments.named.iter().any(|(name, _)| &**name == "self") {
                    return Err(Throw::type_error(
                        "IncludeOptions.defaults() got multiple values for argument 'self'",
                    ));
                }
                *options.defaults.borrow_mut() = arguments.named;
                Ok(Value::None)
            }
            Value::Float(value) if name == "is_integer" => Ok(Value::Bool(value.fract() == 0.0)),
            Value::Iterator(_) => Ok(Value::None),
            other => Err(Throw::unsupported(format!("{}.{name}", other.type_name()))),
        }
    }
}
