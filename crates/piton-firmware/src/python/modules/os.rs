//! `os`, without what changes files or starts programs.

use std::rc::Rc;

use super::super::files::Walk;
use super::super::interpreter::Interpreter;
use super::super::value::{Arguments, Iteration, Module, Native, Outcome, Throw, Value};
use crate::manifest::posix_text;

static FUNCTIONS: &[Native] = &[
    Native {
        name: "getcwd",
        call: |interpreter, _| Ok(Value::text(interpreter.state.disk.folder())),
    },
    Native {
        name: "chdir",
        call: |interpreter, arguments| {
            let path = path(arguments, "chdir")?;
            interpreter.state.disk.change(&path).map(|()| Value::None)
        },
    },
    Native {
        name: "listdir",
        call: |interpreter, arguments| {
            let path = if arguments.positional.is_empty() {
                ".".to_owned()
            } else {
                path(arguments, "listdir")?
            };
            let names = interpreter.state.disk.list(&path)?;
            Ok(Value::list(
                names
                    .into_iter()
                    .map(|name| Value::text(name.name))
                    .collect(),
            ))
        },
    },
    Native {
        name: "walk",
        call: walk,
    },
    Native {
        name: "stat",
        call: |interpreter, arguments| {
            let path = path(arguments, "stat")?;
            let status = interpreter.state.disk.status(&path)?;
            Ok(Value::Stat(
                [
                    (
                        "st_size",
                        Value::Int(i64::try_from(status.size).unwrap_or(i64::MAX)),
                    ),
                    ("st_mtime", Value::Float(status.modified)),
                ]
                .into(),
            ))
        },
    },
    Native {
        name: "getenv",
        call: |interpreter, arguments| {
            let [name, default] = arguments.bind("getenv", ["key", "default"], 1)?;
            let Value::Dict(environment) = interpreter.environment.clone() else {
                return Ok(Value::None);
            };
            let found = environment.borrow().get(&name.unwrap_or(Value::None))?;
            Ok(found.or(default).unwrap_or(Value::None))
        },
    },
    Native {
        name: "fspath",
        call: |_, arguments| {
            let [path] = arguments.bind("fspath", ["path"], 1)?;
            posix_text(&path.unwrap_or(Value::None)).map(Value::text)
        },
    },
];

pub(super) fn make(interpreter: &Interpreter) -> Rc<Module> {
    let mut attributes = super::functions(FUNCTIONS);
    attributes.push(("environ", interpreter.environment.clone()));
    attributes.extend(
        [
            ("sep", "/"),
            ("linesep", "\n"),
            ("name", "posix"),
            ("curdir", "."),
            ("pardir", ".."),
            ("pathsep", ":"),
            ("extsep", "."),
        ]
        .map(|(name, value)| (name, Value::text(value))),
    );
    if let Some(error) = interpreter.exceptions.named("OSError") {
        attributes.push(("error", error));
    }
    super::module("os", false, attributes)
}

fn path(arguments: Arguments, name: &str) -> Result<String, Throw> {
    let [path] = arguments.bind(name, ["path"], 1)?;
    match path.unwrap_or(Value::None) {
        Value::Text(path) | Value::Path(path) => Ok(path.to_string()),
        Value::None if name == "listdir" => Ok(".".to_owned()),
        other => Err(Throw::type_error(format!(
            "{name}: path should be string, bytes, os.PathLike or integer, not {}",
            other.type_name()
        ))),
    }
}

fn walk(_: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [top, topdown, onerror, follow] =
        arguments.bind("walk", ["top", "topdown", "onerror", "followlinks"], 1)?;
    if topdown.is_some_and(|topdown| !topdown.is_true()) || onerror.is_some() {
        return Err(Throw::unsupported("os.walk from the bottom"));
    }
    let walk = Walk::new(
        &posix_text(&top.unwrap_or(Value::None))?,
        follow.is_some_and(|follow| follow.is_true()),
    );
    Ok(Value::Iterator(Rc::new(std::cell::RefCell::new(
        Iteration::Walk(walk),
    ))))
}
