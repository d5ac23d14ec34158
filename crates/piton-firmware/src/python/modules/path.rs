//! `os.path`

use std::rc::Rc;

use super::super::interpreter::Interpreter;
use super::super::value::{Arguments, Module, Native, Outcome, Throw, Value};
use crate::manifest::{posix, posix_text};

type Text = fn(&mut Interpreter, &str) -> Outcome;

static FUNCTIONS: &[Native] = &[
    Native {
        name: "join",
        call: join,
    },
    Native {
        name: "exists",
        call: |interpreter, arguments| {
            test(interpreter, arguments, |interpreter, path| {
                interpreter.state.disk.status(path).is_ok()
            })
        },
    },
    Native {
        name: "lexists",
        call: |interpreter, arguments| {
            test(interpreter, arguments, |interpreter, path| {
                interpreter.state.disk.status(path).is_ok() || interpreter.state.disk.is_link(path)
            })
        },
    },
    Native {
        name: "isfile",
        call: |interpreter, arguments| {
            test(interpreter, arguments, |interpreter, path| {
                interpreter.state.disk.is_file(path)
            })
        },
    },
    Native {
        name: "isdir",
        call: |interpreter, arguments| {
            test(interpreter, arguments, |interpreter, path| {
                interpreter.state.disk.is_folder(path)
            })
        },
    },
    Native {
        name: "islink",
        call: |interpreter, arguments| {
            test(interpreter, arguments, |interpreter, path| {
                interpreter.state.disk.is_link(path)
            })
        },
    },
    Native {
        name: "isabs",
        call: |interpreter, arguments| {
            test(interpreter, arguments, |_, path| posix::is_absolute(path))
        },
    },
    Native {
        name: "abspath",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |interpreter, path| {
                Ok(Value::text(interpreter.state.disk.absolute(path)))
            })
        },
    },
    Native {
        name: "realpath",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |interpreter, path| {
                Ok(Value::text(interpreter.state.disk.real(path)))
            })
        },
    },
    Native {
        name: "normpath",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |_, path| {
                Ok(Value::text(posix::normalise(path)))
            })
        },
    },
    Native {
        name: "dirname",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |_, path| {
                Ok(Value::text(posix::split(path).0))
            })
        },
    },
    Native {
        name: "basename",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |_, path| {
                Ok(Value::text(posix::split(path).1))
            })
        },
    },
    Native {
        name: "split",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |_, path| {
                Ok(pair(posix::split(path)))
            })
        },
    },
    Native {
        name: "splitext",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |_, path| {
                Ok(pair(posix::split_extension(path)))
            })
        },
    },
    Native {
        name: "normcase",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |_, path| Ok(Value::text(path)))
        },
    },
    Native {
        name: "expanduser",
        call: |interpreter, arguments| text(interpreter, arguments, expand_user),
    },
    Native {
        name: "getsize",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |interpreter, path| {
                interpreter
                    .state
                    .disk
                    .status(path)
                    .map(|status| Value::Int(i64::try_from(status.size).unwrap_or(i64::MAX)))
            })
        },
    },
    Native {
        name: "getmtime",
        call: |interpreter, arguments| {
            text(interpreter, arguments, |interpreter, path| {
                interpreter
                    .state
                    .disk
                    .status(path)
                    .map(|status| Value::Float(status.modified))
            })
        },
    },
    Native {
        name: "relpath",
        call: relative,
    },
];

pub(super) fn make() -> Rc<Module> {
    let mut attributes = super::functions(FUNCTIONS);
    attributes.push(("sep", Value::text("/")));
    attributes.push(("pardir", Value::text("..")));
    attributes.push(("curdir", Value::text(".")));
    super::module("posixpath", false, attributes)
}

fn pair((one, two): (&str, &str)) -> Value {
    Value::Tuple([Value::text(one), Value::text(two)].into())
}

fn text(interpreter: &mut Interpreter, arguments: Arguments, apply: Text) -> Outcome {
    let [path] = arguments.bind("path", ["path"], 1)?;
    let path = path.unwrap_or(Value::None);
    if matches!(path, Value::Bytes(_)) {
        return Err(Throw::unsupported("a path of bytes"));
    }
    let path = posix_text(&path)?;
    apply(interpreter, &path)
}

fn test(
    interpreter: &mut Interpreter,
    arguments: Arguments,
    apply: fn(&mut Interpreter, &str) -> bool,
) -> Outcome {
    let [path] = arguments.bind("path", ["path"], 1)?;
    match path.unwrap_or(Value::None) {
        Value::Text(path) | Value::Path(path) => Ok(Value::Bool(apply(interpreter, &path))),
        Value::Int(_) | Value::Bytes(_) => Err(Throw::unsupported("a path of another type")),
        other => Err(Throw::type_error(format!(
            "stat: path should be string, bytes, os.PathLike or integer, not {}",
            other.type_name()
        ))),
    }
}

fn join(_: &mut Interpreter, arguments: Arguments) -> Outcome {
    let Some((first, rest)) = arguments.positional.split_first() else {
        return Err(Throw::type_error(
            "join() missing 1 required positional argument: 'a'",
        ));
    };
    let mut joined = Value::text(posix_text(first)?);
    for part in rest {
        let base = posix_text(&joined)?;
        joined = match part {
            Value::Text(part) | Value::Path(part) => Value::text(posix::join(&base, part)),
            other => {
                return Err(Throw::type_error(format!(
                    "join() argument must be str, bytes, or os.PathLike object, not '{}'",
                    other.type_name()
                )));
            }
        };
    }
    Ok(joined)
}

fn relative(interpreter: &mut Interpreter, arguments: Arguments) -> Outcome {
    let [path, start] = arguments.bind("relpath", ["path", "start"], 1)?;
    let path = posix_text(&path.unwrap_or(Value::None))?;
    let start = match start {
        None | Some(Value::None) => ".".to_owned(),
        Some(start) => posix_text(&start)?,
    };
    if path.is_empty() {
        return Err(Throw::new("ValueError", "no path specified"));
    }
    Ok(Value::text(posix::relative(
        &path,
        &start,
        &interpreter.state.disk.folder(),
    )))
}

fn expand_user(interpreter: &mut Interpreter, path: &str) -> Outcome {
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(Value::text(path));
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(Throw::unsupported("the folder of another user"));
    }
    let home = interpreter
        .state
        .environment
        .iter()
        .find(|(name, _)| name == "HOME");
    Ok(Value::text(home.map_or_else(
        || path.to_owned(),
        |(_, home)| format!("{}{rest}", home.trim_end_matches('/')),
    )))
}
