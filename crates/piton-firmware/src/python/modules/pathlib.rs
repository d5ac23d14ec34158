//! `pathlib.Path`

use std::rc::Rc;

use super::super::interpreter::Interpreter;
use super::super::value::{Arguments, Outcome, Throw, Value};
use crate::manifest::{posix, posix_text};

/// Makes a path of a text, without what `Path` leaves out: double slashes, dots.
fn path_of(text: &str) -> Value {
    let root = if text.starts_with("//") && !text.starts_with("///") {
        "//"
    } else if text.starts_with('/') {
        "/"
    } else {
        ""
    };
    let parts: Vec<&str> = text
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let joined = format!("{root}{}", parts.join("/"));
    Value::Path(if joined.is_empty() {
        ".".into()
    } else {
        joined.into()
    })
}

/// Joins paths.
pub(in crate::python) fn joined(base: &str, rest: &[Rc<str>]) -> Value {
    path_of(
        &rest
            .iter()
            .fold(base.to_owned(), |base, part| posix::join(&base, part)),
    )
}

pub(in crate::python) fn construct(_: &mut Interpreter, arguments: &Arguments) -> Outcome {
    let mut path = String::new();
    for part in &arguments.positional {
        match part {
            Value::Text(part) | Value::Path(part) => path = posix::join(&path, part),
            other => {
                return Err(Throw::type_error(format!(
                    "expected str, bytes or os.PathLike object, not {}",
                    other.type_name()
                )));
            }
        }
    }
    Ok(path_of(&path))
}

pub(in crate::python) fn current(interpreter: &mut Interpreter, _: Arguments) -> Outcome {
    Ok(path_of(&interpreter.state.disk.folder()))
}

const METHODS: &[&str] = &[
    "as_posix",
    "absolute",
    "exists",
    "glob",
    "is_dir",
    "is_file",
    "iterdir",
    "joinpath",
    "read_bytes",
    "read_text",
    "relative_to",
    "resolve",
    "rglob",
    "with_name",
    "with_suffix",
    "stat",
    "is_absolute",
    "open",
    "match",
];

pub(in crate::python) fn attribute(_: &mut Interpreter, path: &Rc<str>, name: &str) -> Outcome {
    let (folder, last) = posix::split(path);
    let last = if &**path == "." { "" } else { last };
    let suffix = match last.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < last.len() => last.get(dot..).unwrap_or_default(),
        _ => "",
    };
    Ok(match name {
        "name" => Value::text(last),
        "stem" => Value::text(last.strip_suffix(suffix).unwrap_or(last)),
        "suffix" => Value::text(suffix),
        "parent" => path_of(folder),
        "parts" => {
            let root = path.starts_with('/').then(|| Value::text("/"));
            let parts = path
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".")
                .map(Value::text);
            Value::Tuple(root.into_iter().chain(parts).collect())
        }
        name if METHODS.contains(&name) => {
            Value::Method(Rc::new((Value::Path(path.clone()), name.into())))
        }
        other => return Err(Throw::unsupported(format!("Path.{other}"))),
    })
}

// tidy: one arm for each method
pub(in crate::python) fn method(
    interpreter: &mut Interpreter,
    path: &Rc<str>,
    name: &str,
    arguments: Arguments,
) -> Outcome {
    if !arguments.named.is_empty() {
        return Err(Throw::unsupported(format!("Path.{name} with keywords")));
    }
    let first = arguments.positional.first().cloned();
    let text = |value: Option<Value>| posix_text(&value.unwrap_or(Value::None));
    let disk = &interpreter.state.disk;
    Ok(match name {
        "as_posix" => Value::Text(path.clone()),
        "absolute" => path_of(&posix::join(&disk.folder(), path)),
        "resolve" => path_of(&disk.real(path)),
        "exists" => Value::Bool(disk.status(path).is_ok()),
        "is_dir" => Value::Bool(disk.is_folder(path)),
        "is_file" => Value::Bool(disk.is_file(path)),
        "is_absolute" => Value::Bool(posix::is_absolute(path)),
        "iterdir" => {
            let names = disk.list(path)?;
            Value::iterator(
                "generator",
                names
                    .into_iter()
                    .map(|name| joined(path, &[name.name.into()]))
                    .collect(),
            )
        }
        "joinpath" => {
            let parts = arguments
                .positional
                .iter()
                .map(|part| posix_text(part).map(Rc::from))
                .collect::<Result<Vec<_>, _>>()?;
            joined(path, &parts)
        }
        "read_text" => Value::text(super::super::files::decode(&disk.read(path)?)?),
        "read_bytes" => Value::Bytes(disk.read(path)?.into()),
        "open" => {
            let mut positional = vec![Value::Path(path.clone())];
            positional.extend(arguments.positional);
            return super::super::files::open(interpreter, Arguments::of(positional));
        }
        "stat" => {
            let os = interpreter.import("os", true)?;
            let stat = interpreter.attribute(&os, "stat")?;
            return interpreter.call(&stat, Arguments::of(vec![Value::Path(path.clone())]));
        }
        "with_name" => joined(posix::split(path).0, &[text(first)?.into()]),
        "with_suffix" => {
            let suffix = text(first)?;
            let (base, _) = posix::split_extension(path);
            path_of(&format!("{base}{suffix}"))
        }
        "relative_to" => {
            let base = text(first)?;
            let Value::Path(base) = path_of(&base) else {
                return Ok(Value::None);
            };
            let rest = if &*base == "." {
                Some(&**path)
            } else {
                path.strip_prefix(&*base)
                    .filter(|rest| rest.is_empty() || rest.starts_with('/') || base.ends_with('/'))
            };
            match rest {
                Some(rest) => path_of(rest.trim_start_matches('/')),
                None => return Err(Throw::unsupported("relative_to of another folder")),
            }
        }
        "match" => {
            let pattern = text(first)?;
            if pattern.contains('/') {
                return Err(Throw::unsupported("Path.match with folders"));
            }
            Value::Bool(super::glob::fits(&pattern, posix::split(path).1))
        }
        "glob" | "rglob" => {
            let pattern = text(first)?;
            return find(interpreter, path, &pattern, name == "rglob");
        }
        other => return Err(Throw::unsupported(format!("Path.{other}"))),
    })
}

/// `Path.glob`, for patterns whose order is that of the folders: names, and `**` in front.
fn find(interpreter: &mut Interpreter, path: &str, pattern: &str, everywhere: bool) -> Outcome {
    let (everywhere, pattern) = match pattern.strip_prefix("**/") {
        Some(rest) => (true, rest),
        None => (everywhere, pattern),
    };
    if pattern.contains("**") || (everywhere && pattern.contains('/')) {
        return Err(Throw::unsupported("Path.glob with folders in the pattern"));
    }
    let mut found = Vec::new();
    if everywhere {
        let mut folders = vec![path.to_owned()];
        // A folder is selected before the ones below it, as pathlib walks.
        while let Some(folder) = folders.pop() {
            let Ok(names) = interpreter.state.disk.list(&folder) else {
                continue;
            };
            for name in &names {
                if super::glob::fits(pattern, &name.name) {
                    found.push(joined(&folder, &[name.name.as_str().into()]));
                }
            }
            for name in names
                .iter()
                .rev()
                .filter(|name| name.is_folder && !name.is_link)
            {
                folders.push(posix::join(&folder, &name.name));
            }
        }
    } else {
        let mut folders = vec![path.to_owned()];
        for part in pattern.split('/') {
            let mut next = Vec::new();
            for folder in folders {
                for name in interpreter.state.disk.list(&folder).unwrap_or_default() {
                    if super::glob::fits(part, &name.name) {
                        next.push(posix::join(&folder, &name.name));
                    }
                }
            }
            folders = next;
        }
        found.extend(folders.iter().map(|folder| path_of(folder)));
    }
    Ok(Value::iterator("generator", found))
}
