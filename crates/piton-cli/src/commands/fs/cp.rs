//! `fs cp`: copy files from, to and on the board.
//!
//! A `:` marks a path on the board. The last path is the destination; an existing folder there gets the file under
//! its own name. A file that the board has already, by its SHA-256, is not sent again.
//!
//! First it is settled what goes where, for all sources; then all of it goes at once.

mod carry;
mod recursive;
mod single;
mod spool;

use piton::error::FsError;

use super::{Files, local_error, step};
use crate::error::CommandError;

/// One side of a copy.
enum Place<'a> {
    /// A path on the board, without its `:`.
    Board(&'a str),
    /// A path on this computer.
    Local(&'a str),
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Place<'a> {
        match text.strip_prefix(':') {
            Some(path) => Place::Board(path),
            None => Place::Local(text),
        }
    }
}

/// What stands at the destination before the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    File,
    Folder,
}

/// One thing that a copy has to do. Paths are as a person writes them: a `:` marks one on the board.
enum Work {
    /// Make a folder, if there is none.
    Folder(String),
    /// Copy a file.
    File {
        /// From here.
        from: String,
        /// To exactly here.
        to: String,
    },
}

/// What is to be done for one source.
struct Job<'a> {
    source: &'a str,
    work: Vec<Work>,
}

/// The destination of all sources.
struct Target<'a> {
    /// As given.
    path: &'a str,
    /// Whether there are several sources.
    several: bool,
    /// What is there when the next source's turn comes, once that is known.
    found: Option<Found>,
}

impl<'a> Target<'a> {
    fn plain(&self) -> &'a str {
        without_end_slashes(self.path)
    }

    fn look(&mut self, files: &mut Files<'_, '_, '_>) -> Result<Found, CommandError> {
        let found = match self.found {
            Some(found) => found,
            None => look(files, self.plain())?,
        };
        self.found = Some(found);
        Ok(found)
    }
}

pub(super) fn run(files: &mut Files<'_, '_, '_>) -> Result<(), CommandError> {
    let args = files.args;
    let Some((destination, sources)) = files
        .paths
        .split_last()
        .filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(refused("missing destination path"));
    };
    if files.compatibility.extended_files && !files.paths.iter().any(|path| path.starts_with(':')) {
        files.ui.note(&format!(
            "nothing of this is on the board: a path there begins with `:`, as in `cp {} :`",
            sources.join(" ")
        ));
    }
    let mut target = Target {
        path: destination,
        several: sources.len() > 1,
        found: None,
    };
    let mut unchanged = None;
    if let [source] = sources {
        match single::copy(files, source, &mut target)? {
            single::Outcome::Done => return Ok(()),
            single::Outcome::Unchanged(known) => unchanged = known,
        }
    }
    let mut jobs = Vec::new();
    let mut failure = None;
    let mut left_out = Vec::new();
    for source in sources {
        let settled = match args.recursive {
            true => recursive::settle(files, source, &mut target, &mut left_out),
            false => settle_file(files, source, &mut target),
        };
        let work = settled.unwrap_or_else(|error| {
            failure = Some(error);
            Vec::new()
        });
        jobs.push(Job { source, work });
        if failure.is_some() {
            break;
        }
    }
    // What comes before a source that cannot be copied is copied.
    carry::out(files, &jobs, destination, unchanged)?;
    if let Some(line) = recursive::told(&left_out) {
        files.ui.note(&line);
    }
    failure.map_or(Ok(()), Err)
}

/// What to do to copy one file. When there are several sources, the destination must be a folder.
fn settle_file(
    files: &mut Files<'_, '_, '_>,
    source: &str,
    target: &mut Target<'_>,
) -> Result<Vec<Work>, CommandError> {
    let found = target.look(files)?;
    let ends_with_slash = target.plain() != target.path;
    let must_be_folder = target.several || (ends_with_slash && target.path.starts_with(':'));
    match found {
        Found::Nothing if target.several => return Err(refused("destination does not exist")),
        Found::Nothing | Found::File if must_be_folder => {
            return Err(refused("destination is not a directory"));
        }
        _ => {}
    }
    if let Place::Local(path) = Place::parse(source) {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Err(refused(IS_A_FOLDER)),
            Ok(_) => {}
            Err(error) => return Err(local_error("cp", path, &error)),
        }
    }
    let to = match found {
        Found::Folder => recursive::below(target.plain(), &[base_name(source).to_owned()]),
        Found::Nothing | Found::File => target.plain().to_owned(),
    };
    Ok(vec![Work::File {
        from: source.to_owned(),
        to,
    }])
}

/// What a folder gets that is to be copied as a file.
const IS_A_FOLDER: &str = "-r not specified; omitting directory";

fn look(files: &mut Files<'_, '_, '_>, place: &str) -> Result<Found, CommandError> {
    let is_folder = match Place::parse(place) {
        // The current folder and the root are always there.
        Place::Board("" | "/") => true,
        Place::Board(path) => {
            let path = files.board_path(path)?;
            match files.remote.stat(&path, step()) {
                Ok(metadata) => metadata.kind == piton::fs::listing::Kind::Directory,
                Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => {
                    return Ok(Found::Nothing);
                }
                Err(error) => return Err(files.refused(&path, error)),
            }
        }
        Place::Local(path) => match std::fs::metadata(path) {
            Ok(metadata) => metadata.is_dir(),
            Err(_) => return Ok(Found::Nothing),
        },
    };
    Ok(if is_folder {
        Found::Folder
    } else {
        Found::File
    })
}

fn refused(problem: &'static str) -> CommandError {
    CommandError::Refused {
        command: "cp",
        problem,
    }
}

/// The path without the slashes at its end; the root stays the root.
pub(super) fn without_end_slashes(path: &str) -> &str {
    let is_separator = |letter: char| letter == '/' || (letter == '\\' && cfg!(windows));
    let trimmed = path.trim_end_matches(is_separator);
    match trimmed {
        "" | ":" if trimmed.len() < path.len() => path.get(..=trimmed.len()).unwrap_or(path),
        trimmed => trimmed,
    }
}

/// The last name of a path of either side.
pub(super) fn base_name(path: &str) -> &str {
    match Place::parse(path) {
        Place::Board(path) => path.rsplit('/').next().unwrap_or(path),
        Place::Local(path) => std::path::Path::new(path)
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default(),
    }
}

/// mpremote's way to put a name behind a folder of the board; it shows in messages.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        return format!("./{name}");
    }
    format!("{}/{name}", folder.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_end() {
        for (path, trimmed) in [
            ("a/", "a"),
            (":lib//", ":lib"),
            (":/", ":/"),
            ("/", "/"),
            (":", ":"),
            ("", ""),
        ] {
            assert_eq!(without_end_slashes(path), trimmed);
        }
    }

    #[test]
    fn names_behind_folders() {
        assert_eq!(join("", "a"), "./a");
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("lib/", "a"), "lib/a");
    }
}
