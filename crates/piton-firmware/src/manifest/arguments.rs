//! Arguments that are paths: what Python's functions for paths make of values, and what they say of others.

use std::rc::Rc;

use super::posix;
use crate::python::interpreter::Interpreter;
use crate::python::value::{Throw, Value};

/// `os.fspath`, for paths that are texts.
pub(crate) fn path_text(value: &Value) -> Result<String, Throw> {
    match value {
        Value::Text(text) | Value::Path(text) => Ok(text.to_string()),
        Value::Bytes(bytes) => {
            String::from_utf8(bytes.to_vec()).map_err(|_| Throw::unsupported("a path of bytes"))
        }
        other => Err(Throw::type_error(format!(
            "expected str, bytes or os.PathLike object, not {}",
            other.type_name()
        ))),
    }
}

/// Replaces the variables of a path, and makes it absolute.
pub(crate) fn resolved(interpreter: &Interpreter, path: &Value) -> Result<String, Throw> {
    let variables = &interpreter.state.variables;
    let text = match path {
        Value::Text(text) => text.to_string(),
        _ if variables.is_empty() => {
            if matches!(path, Value::Bytes(_)) {
                return Err(Throw::unsupported("a path of bytes"));
            }
            return path_text(path).map(|text| interpreter.state.disk.absolute(&text));
        }
        // Upstream calls `replace` of whatever it is.
        Value::Bytes(_) => {
            return Err(Throw::type_error(
                "a bytes-like object is required, not 'str'",
            ));
        }
        Value::Path(_) => {
            return Err(Throw::type_error(
                "Path.replace() takes 2 positional arguments but 3 were given",
            ));
        }
        Value::Instance(_) => {
            return Err(Throw::unsupported("a path of another type"));
        }
        Value::Type(name) => {
            let message = format!("type object '{name}' has no attribute 'replace'");
            return Err(Throw::new("AttributeError", message));
        }
        Value::Class(_) => return Err(Throw::unsupported("a path of another type")),
        other => {
            let message = format!("'{}' object has no attribute 'replace'", other.owner_name());
            return Err(Throw::new("AttributeError", message));
        }
    };
    let replaced = variables.iter().fold(text, |text, (name, value)| {
        text.replace(&format!("$({name})"), value)
    });
    Ok(interpreter.state.disk.absolute(&replaced))
}

fn join_error(value: &Value) -> Throw {
    match value {
        Value::Bytes(_) => Throw::type_error("Can't mix strings and bytes in path components"),
        other => Throw::type_error(format!(
            "join() argument must be str, bytes, or os.PathLike object, not '{}'",
            other.type_name()
        )),
    }
}

/// `os.path.join(base, path)`
pub(crate) fn joined(base: &str, path: &Value) -> Result<String, Throw> {
    match path {
        Value::Text(path) | Value::Path(path) => Ok(posix::join(base, path)),
        other => Err(join_error(other)),
    }
}

/// `os.path.join(package, file)`
pub(crate) fn listed(package: &Value, file: &Value) -> Result<Value, Throw> {
    let base: Rc<str> = match package {
        Value::Text(text) | Value::Path(text) => text.clone(),
        Value::Bytes(_) => return Err(join_error(package)),
        _ => path_text(package)?.into(),
    };
    joined(&base, file).map(Value::text)
}

/// `os.path.splitext(path)[1]`
pub(crate) fn file_extension(path: &Value) -> Result<String, Throw> {
    if matches!(path, Value::Bytes(_)) {
        return Ok(String::new());
    }
    path_text(path).map(|text| posix::split_extension(&text).1.to_owned())
}
