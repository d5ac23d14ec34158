//! Parses the paths of a command line, and expands the patterns among them.
//!
//! Patterns work as in a shell, for the board's files, and for those of this computer where the shell does not expand
//! them (on Windows, or in quotes). `*`, `?`, `[a-z]` and `[!a-z]` match within one name; a name that begins with a dot
//! matches only a pattern that begins with a dot. A path that exists as it is written is not a pattern.

use std::path::Path;

use piton::copy::Place;
use piton::error::FsError;
use piton::fs::listing::{Kind, Sizes};
use piton::path::BoardPath;
use piton::patterns::Patterns;

use super::files::{Files, step};
use crate::error::{CommandError, FileError};

/// A name in a folder, and whether it is a folder.
type Name = (String, bool);

/// Returns the paths of a copy: a `:` marks one on the board. The last one is the destination.
pub(super) fn places(files: &mut Files<'_, '_, '_>) -> Result<Vec<Place>, CommandError> {
    expand(files, |files, text, is_pattern| {
        Ok(match text.strip_prefix(':') {
            Some(path) => on_board(files, path, is_pattern)?
                .into_iter()
                .map(Place::Board)
                .collect(),
            None if is_pattern => on_host(text),
            None => vec![Place::Host(text.into())],
        })
    })
}

/// Returns paths that are all on the board: the `:` may be left out.
pub(super) fn board_paths(files: &mut Files<'_, '_, '_>) -> Result<Vec<BoardPath>, CommandError> {
    expand(files, |files, text, is_pattern| {
        on_board(files, text.strip_prefix(':').unwrap_or(text), is_pattern)
    })
}

/// Parses the arguments' paths with `read`, and replaces patterns by the paths that match.
fn expand<P>(
    files: &mut Files<'_, '_, '_>,
    mut read: impl FnMut(&mut Files<'_, '_, '_>, &str, bool) -> Result<Vec<P>, CommandError>,
) -> Result<Vec<P>, CommandError> {
    let args = files.args;
    let is_made = matches!(args.command.as_str(), "mkdir" | "touch");
    let has_destination = matches!(args.command.as_str(), "cp" | "mv");
    let mut paths = Vec::with_capacity(args.path.len());
    for (index, text) in args.path.iter().enumerate() {
        // The destination may not exist yet: it is not a pattern.
        let is_new = is_made || (has_destination && index + 1 == args.path.len());
        let is_pattern =
            files.compatibility.extended_files && !is_new && text.contains(['*', '?', '[']);
        let fitting = read(files, text, is_pattern)?;
        if fitting.is_empty() {
            return Err(FileError::Failed {
                command: args.command.clone(),
                path: text.clone(),
                reason: "nothing fits this pattern".to_owned(),
                detail: None,
            }
            .into());
        }
        paths.extend(fitting);
    }
    Ok(paths)
}

/// Returns the paths on the board that match. It takes one exchange: the listing of a folder, or of a tree if a part of
/// the pattern stands for folders.
fn on_board(
    files: &mut Files<'_, '_, '_>,
    text: &str,
    is_pattern: bool,
) -> Result<Vec<BoardPath>, CommandError> {
    if !is_pattern {
        return Ok(vec![board_path(&files.args.command, text)?]);
    }
    let (base, pattern) = divide(text, |letter| letter == '/');
    let folder = board_path(&files.args.command, base)?;
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
                    let path = entry.path.as_str().to_owned();
                    (path, entry.kind == Kind::Directory)
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
    let paths = fitting.map(|path| board_path(&files.args.command, &format!("{base}{path}")));
    paths.collect()
}

/// Returns a path on the board, without its `:`.
pub(in crate::commands) fn board_path(
    command: &str,
    text: &str,
) -> Result<BoardPath, CommandError> {
    text.parse().map_err(|_| {
        CommandError::from(FileError::Failed {
            command: command.to_owned(),
            path: text.to_owned(),
            reason: "Invalid argument".to_owned(),
            detail: None,
        })
    })
}

/// Returns the paths on this computer that match a pattern.
fn on_host(text: &str) -> Vec<Place> {
    let (base, pattern) = divide(text, std::path::is_separator);
    let parts = pattern
        .split(std::path::is_separator)
        .filter(|part| !part.is_empty());
    let parts = parts.collect::<Vec<&str>>();
    let mut read = |below: &str| {
        let folder = match (base, below) {
            ("", "") => Path::new(".").to_owned(),
            _ => Path::new(base).join(below),
        };
        // A folder that cannot be read has no matches, as in a shell.
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let is_folder = entry.path().is_dir();
            Some((entry.file_name().into_string().ok()?, is_folder))
        });
        names.collect()
    };
    let fitting = fitting(&parts, &mut read).into_iter();
    fitting
        .map(|path| Place::Host(format!("{base}{path}").into()))
        .collect()
}

/// Returns the folders in front of the first name that is a pattern, with the separator at their end, and the rest.
fn divide(path: &str, is_separator: impl Fn(char) -> bool) -> (&str, &str) {
    let magic = path.find(['*', '?', '[']).unwrap_or(path.len());
    let before = path.get(..magic).unwrap_or_default();
    let base = before.rfind(is_separator).map_or(0, |at| at + 1);
    path.split_at(base)
}

/// Returns the paths that match the parts, name by name. `read` returns the names of a folder.
///
/// `globset` and `glob` are not used here: the former matches known paths, the latter walks folders of the host. These
/// folders may be the board's, only those that a part matches are read, and a name that exists as it is written is not
/// a pattern. One name is matched by [`Patterns`], as a line of `.pitonignore` is.
fn fitting(parts: &[&str], read: &mut dyn FnMut(&str) -> Vec<Name>) -> Vec<String> {
    let mut paths = vec![String::new()];
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        let mut next = Vec::new();
        for path in paths {
            let mut names = read(&path);
            names.retain(|(_, is_folder)| is_last || *is_folder);
            // The name itself, if it exists as it is written.
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
    // The slash in front makes it a pattern for the name itself, and neither a comment nor an exception.
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
        // The path exists.
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
