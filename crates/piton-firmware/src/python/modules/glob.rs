//! `glob` and `fnmatch`

use std::rc::Rc;

use super::super::interpreter::Interpreter;
use super::super::value::{Arguments, Module, Native, Outcome, Throw, Value};
use crate::manifest::disk::Disk;
use crate::manifest::{posix, posix_text};

static GLOB: &[Native] = &[
    Native {
        name: "glob",
        call: |interpreter, arguments| find(interpreter, arguments).map(Value::list),
    },
    Native {
        name: "iglob",
        call: |interpreter, arguments| {
            find(interpreter, arguments).map(|found| Value::iterator("generator", found))
        },
    },
];

static FNMATCH: &[Native] = &[
    Native {
        name: "fnmatch",
        call: |_, arguments| matched(arguments),
    },
    Native {
        name: "fnmatchcase",
        call: |_, arguments| matched(arguments),
    },
    Native {
        name: "filter",
        call: |interpreter, arguments| {
            let [names, pattern] = arguments.bind("filter", ["names", "pat"], 2)?;
            let pattern = posix_text(&pattern.unwrap_or(Value::None))?;
            let mut chosen = Vec::new();
            for name in interpreter.collect(&names.unwrap_or(Value::None))? {
                if fits(&pattern, &posix_text(&name)?) {
                    chosen.push(name);
                }
            }
            Ok(Value::list(chosen))
        },
    },
];

pub(super) fn make() -> Rc<Module> {
    super::module("glob", false, super::functions(GLOB))
}

pub(super) fn make_fnmatch() -> Rc<Module> {
    super::module("fnmatch", false, super::functions(FNMATCH))
}

fn matched(arguments: Arguments) -> Outcome {
    let [name, pattern] = arguments.bind("fnmatch", ["name", "pat"], 2)?;
    let name = posix_text(&name.unwrap_or(Value::None))?;
    let pattern = posix_text(&pattern.unwrap_or(Value::None))?;
    Ok(Value::Bool(fits(&pattern, &name)))
}

fn find(interpreter: &mut Interpreter, arguments: Arguments) -> Result<Vec<Value>, Throw> {
    let mut root = String::new();
    let mut recursive = false;
    let mut positional = Arguments::of(arguments.positional);
    for (name, value) in arguments.named {
        match &*name {
            "recursive" => recursive = value.is_true(),
            "root_dir" => root = posix_text(&value)?,
            "pathname" => positional.positional.push(value),
            _ => return Err(Throw::unsupported(format!("glob with {name}"))),
        }
    }
    let [pattern] = positional.bind("glob", ["pathname"], 1)?;
    let pattern = posix_text(&pattern.unwrap_or(Value::None))?;
    let names = expand(&interpreter.state.disk, &root, &pattern, recursive, false);
    Ok(names.into_iter().map(Value::text).collect())
}

fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// Returns the paths that a pattern stands for, in the order of `glob`.
pub(super) fn expand(
    disk: &Disk,
    root: &str,
    pattern: &str,
    recursive: bool,
    folders_only: bool,
) -> Vec<String> {
    let at_root = |path: &str| {
        if root.is_empty() {
            path.to_owned()
        } else {
            posix::join(root, path)
        }
    };
    if !has_magic(pattern) {
        let exists = if folders_only || pattern.ends_with('/') {
            disk.is_folder(&at_root(pattern))
        } else {
            disk.status(&at_root(pattern)).is_ok() || disk.is_link(&at_root(pattern))
        };
        return if exists {
            vec![pattern.to_owned()]
        } else {
            Vec::new()
        };
    }
    let (folder, name) = posix::split(pattern);
    let folders = if folder.is_empty() {
        vec![String::new()]
    } else if folder != pattern && has_magic(folder) {
        expand(disk, root, folder, recursive, true)
    } else {
        vec![folder.to_owned()]
    };
    let mut found = Vec::new();
    for folder in folders {
        let here = if folder.is_empty() {
            at_root(".")
        } else {
            at_root(&folder)
        };
        if name == "**" && recursive {
            let mut names = Vec::new();
            if disk.is_folder(&here) {
                names.push(String::new());
                below(disk, &here, "", folders_only, &mut names);
            }
            found.extend(
                names
                    .into_iter()
                    .map(|name| posix::join(&folder, &name))
                    .filter(|path| !path.is_empty()),
            );
        } else if has_magic(name) {
            for entry in disk.list(&here).unwrap_or_default() {
                let hidden = entry.name.starts_with('.') && !name.starts_with('.');
                if !hidden && (entry.is_folder || !folders_only) && fits(name, &entry.name) {
                    found.push(posix::join(&folder, &entry.name));
                }
            }
        } else {
            let path = posix::join(&folder, name);
            let exists = if name.is_empty() {
                disk.is_folder(&here)
            } else {
                disk.status(&at_root(&path)).is_ok() || disk.is_link(&at_root(&path))
            };
            if exists {
                found.push(path);
            }
        }
    }
    found
}

fn below(disk: &Disk, folder: &str, prefix: &str, folders_only: bool, names: &mut Vec<String>) {
    if prefix.split('/').count() > 64 {
        return;
    }
    for entry in disk.list(folder).unwrap_or_default() {
        if entry.name.starts_with('.') || (folders_only && !entry.is_folder) {
            continue;
        }
        let path = posix::join(prefix, &entry.name);
        names.push(path.clone());
        if entry.is_folder {
            below(
                disk,
                &posix::join(folder, &entry.name),
                &path,
                folders_only,
                names,
            );
        }
    }
}

/// `fnmatch.fnmatchcase`
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    fits_from(&pattern, &name)
}

fn fits_from(pattern: &[char], name: &[char]) -> bool {
    // The last star and where it was tried: no recursion, so no pattern takes exponential time.
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        let step = match pattern.get(at) {
            Some('*') => {
                star = Some((at + 1, from));
                at += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => match class(
                pattern.get(at..).unwrap_or_default(),
                name.get(from).copied().unwrap_or('\0'),
            ) {
                Some((true, length)) => Some(length),
                Some((false, _)) => None,
                None if name.get(from) == Some(&'[') => Some(1),
                None => None,
            },
            Some(character) if name.get(from) == Some(character) => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(length), _) => {
                at += length;
                from += 1;
            }
            (None, Some((behind, tried))) => {
                star = Some((behind, tried + 1));
                at = behind;
                from = tried + 1;
            }
            (None, None) => return false,
        }
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|character| *character == '*')
}

/// Tests a class of characters; returns how long it is. None if the bracket is not closed.
fn class(pattern: &[char], character: char) -> Option<(bool, usize)> {
    let negated = pattern.get(1) == Some(&'!');
    let start = if negated { 2 } else { 1 };
    let end = start
        + 1
        + pattern
            .get(start + 1..)?
            .iter()
            .position(|&other| other == ']')?;
    let body = pattern.get(start..end)?;
    let mut found = false;
    let mut at = 0;
    while let Some(&low) = body.get(at) {
        if body.get(at + 1) == Some(&'-')
            && let Some(&high) = body.get(at + 2)
        {
            found |= (low..=high).contains(&character);
            at += 3;
        } else {
            found |= low == character;
            at += 1;
        }
    }
    Some((found != negated, end + 1))
}
