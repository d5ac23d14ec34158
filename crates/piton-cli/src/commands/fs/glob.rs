//! Patterns in paths, on the board and here: what a shell does with `*.py`, where it is quoted, where the shell does nothing
//! (Windows), and for the board's files.
//!
//! `*`, `?`, `[a-z]` and `[!a-z]` are one name's, as in a shell; a name that begins with a dot fits only what begins with a
//! dot. A path that is there as it is written is that path.

use std::path::Path;

use piton::error::FsError;
use piton::fs::listing::{Kind, Sizes};
use piton::patterns::Patterns;

use super::{Action, Files, step};
use crate::error::CommandError;

/// A name in a folder, and whether it is a folder.
type Name = (String, bool);

/// The arguments' paths, with those that are patterns replaced by what fits them, in the order of their names.
pub(super) fn expand(
    files: &mut Files<'_, '_, '_>,
    action: Action,
) -> Result<Vec<String>, CommandError> {
    let paths = files.paths;
    let takes_destination = matches!(action, Action::Cp | Action::Mv);
    let mut expanded = Vec::with_capacity(paths.len());
    for (index, path) in paths.iter().enumerate() {
        // A destination that is not there yet is no pattern.
        let is_destination = takes_destination && index + 1 == paths.len();
        if is_destination || !is_pattern(path) {
            expanded.push(path.clone());
            continue;
        }
        let fitting = match (path.strip_prefix(':'), action) {
            (Some(below), _) => on_board(files, below, ":")?,
            (None, Action::Cp) => here(path),
            (None, _) => on_board(files, path, "")?,
        };
        if fitting.is_empty() {
            return Err(CommandError::File {
                command: files.args.command.clone(),
                path: path.clone(),
                reason: "nothing fits this pattern".to_owned(),
                detail: None,
            });
        }
        expanded.extend(fitting);
    }
    Ok(expanded)
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// What fits on the board. One exchange: the listing of a folder, or of a tree if a pattern stands for folders.
fn on_board(
    files: &mut Files<'_, '_, '_>,
    path: &str,
    mark: &str,
) -> Result<Vec<String>, CommandError> {
    let (base, pattern) = divide(path, |letter| letter == '/');
    let folder = files.board_path(base)?;
    let listed = match pattern.trim_end_matches('/').contains('/') {
        false => files
            .remote
            .list(&folder, Sizes::AsListed, step())
            .map(|entries| {
                let entries = entries.into_iter();
                let names = entries.map(|entry| (entry.name, entry.kind == Kind::Directory));
                names.collect::<Vec<Name>>()
            }),
        true => files
            .remote
            .tree(&folder, Sizes::AsListed, step())
            .map(|entries| {
                let entries = entries.into_iter();
                let names = entries.map(|entry| {
                    (
                        entry.path.as_str().to_owned(),
                        entry.kind == Kind::Directory,
                    )
                });
                names.collect()
            }),
    };
    let paths = match listed {
        Ok(paths) => paths,
        Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(files.refused(&folder, error)),
    };
    let parts = pattern
        .split('/')
        .filter(|part| !part.is_empty())
        .collect::<Vec<&str>>();
    let mut read = |below: &str| {
        let prefix = match below {
            "" => String::new(),
            below => format!("{below}/"),
        };
        let names = paths.iter().filter_map(|(path, is_folder)| {
            let name = path.strip_prefix(&prefix)?;
            (!name.is_empty() && !name.contains('/')).then(|| (name.to_owned(), *is_folder))
        });
        names.collect()
    };
    let fitting = fitting(&parts, &mut read).into_iter();
    Ok(fitting.map(|path| format!("{mark}{base}{path}")).collect())
}

/// What fits on this computer.
fn here(path: &str) -> Vec<String> {
    let (base, pattern) = divide(path, std::path::is_separator);
    let parts = pattern
        .split(std::path::is_separator)
        .filter(|part| !part.is_empty());
    let parts = parts.collect::<Vec<&str>>();
    let mut read = |below: &str| {
        let folder = match (base, below) {
            ("", "") => Path::new(".").to_owned(),
            _ => Path::new(base).join(below),
        };
        // What cannot be read has nothing that fits, as for a shell.
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let is_folder = entry.path().is_dir();
            Some((entry.file_name().into_string().ok()?, is_folder))
        });
        names.collect()
    };
    let fitting = fitting(&parts, &mut read).into_iter();
    fitting.map(|path| format!("{base}{path}")).collect()
}

/// The folders in front of the first name that is a pattern, with the separator at their end, and the rest.
fn divide(path: &str, is_separator: impl Fn(char) -> bool) -> (&str, &str) {
    let magic = path.find(['*', '?', '[']).unwrap_or(path.len());
    let before = path.get(..magic).unwrap_or_default();
    let base = before.rfind(is_separator).map_or(0, |at| at + 1);
    path.split_at(base)
}

/// The paths that fit the parts, name by name. `read` gives the names of a folder.
fn fitting(parts: &[&str], read: &mut dyn FnMut(&str) -> Vec<Name>) -> Vec<String> {
    let mut paths = vec![String::new()];
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let mut next = Vec::new();
        for path in paths {
            let mut names = read(&path);
            names.retain(|(_, is_folder)| is_last || *is_folder);
            // As it is written, if that is there.
            if names.iter().any(|(name, _)| name == part) {
                names.retain(|(name, _)| name == part);
            } else {
                names.retain(|(name, _)| fits(part, name));
            }
            names.sort();
            let below = |name: String| match path.is_empty() {
                true => name,
                false => format!("{path}/{name}"),
            };
            next.extend(names.into_iter().map(|(name, _)| below(name)));
        }
        paths = next;
    }
    paths
}

fn fits(part: &str, name: &str) -> bool {
    if name.starts_with('.') && !part.starts_with('.') {
        return false;
    }
    let mut pattern = Patterns::new();
    // With the slash in front it is the name itself, and neither a comment nor an exception.
    pattern.add(&format!("/{part}"));
    pattern.cover_entry(name, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: &[&str]) {
        const FILES: &[&str] = &[
            "a.py",
            "b.py",
            ".c.py",
            "a[1].txt",
            "a1.txt",
            "lib/",
            "lib/x.mpy",
            "lib/y.py",
            "old/",
            "old/x.mpy",
        ];
        let mut read = |folder: &str| {
            let below = FILES.iter().filter_map(|path| {
                let name = match folder {
                    "" => path,
                    folder => path.strip_prefix(folder)?.strip_prefix('/')?,
                };
                let plain = name.strip_suffix('/').unwrap_or(name);
                (!plain.is_empty() && !plain.contains('/'))
                    .then(|| (plain.to_owned(), plain != name))
            });
            below.collect()
        };
        let parts = pattern.split('/').collect::<Vec<&str>>();
        assert_eq!(fitting(&parts, &mut read), expected, "{pattern}");
    }

    #[test]
    fn patterns_fit_as_in_a_shell() {
        check("*.py", &["a.py", "b.py"]);
        check(".*", &[".c.py"]);
        check("?.py", &["a.py", "b.py"]);
        check("[!a]*.py", &["b.py"]);
        check("*/x.mpy", &["lib/x.mpy", "old/x.mpy"]);
        check("l*/*", &["lib/x.mpy", "lib/y.py"]);
        check("*.c", &[]);
        // There as it is written.
        check("a[1].txt", &["a[1].txt"]);
    }

    #[test]
    fn what_is_in_front_of_a_pattern_is_a_folder() {
        let divide = |path| divide(path, |letter| letter == '/');
        assert_eq!(divide("*.py"), ("", "*.py"));
        assert_eq!(divide("/lib/a*/b"), ("/lib/", "a*/b"));
        assert_eq!(divide("lib/?"), ("lib/", "?"));
    }
}
