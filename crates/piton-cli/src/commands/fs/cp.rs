//! `fs cp`: copy files from, to and on the board.
//!
//! A `:` marks a path on the board. The last path is the destination; an existing folder there gets the file under
//! its own name. A file that the board has already, by its SHA-256, is not sent again.

mod recursive;

use piton::error::FsError;
use piton::fs::hash::HashAlgorithm;
use piton::fs::path::BoardPath;

use super::{Files, content, local_error, show_progress, step};
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

pub(super) fn run(files: &mut Files<'_, '_, '_>) -> Result<(), CommandError> {
    let args = files.args;
    let Some((destination, sources)) = args.path.split_last().filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(refused("missing destination path"));
    };
    for source in sources {
        if !args.no_verbose {
            files.ui.step(&format!("cp {source} {destination}"))?;
        }
        if args.recursive {
            recursive::copy(files, source, destination, sources.len() > 1)?;
        } else {
            copy_file(files, source, destination, sources.len() > 1)?;
        }
    }
    Ok(())
}

/// Copy one file. When there are `several`, the destination must be a folder.
fn copy_file(
    files: &mut Files<'_, '_, '_>,
    source: &str,
    destination: &str,
    several: bool,
) -> Result<(), CommandError> {
    let target = without_end_slashes(destination);
    let found = look(files, target)?;
    let must_be_folder = several || (target != destination && destination.starts_with(':'));
    match found {
        Found::Nothing if several => return Err(refused("destination does not exist")),
        Found::Nothing | Found::File if must_be_folder => {
            return Err(refused("destination is not a directory"));
        }
        _ => {}
    }
    let bytes = read(files, source)?;
    let name = base_name(source);
    match Place::parse(target) {
        Place::Board(path) if found == Found::Folder => write(files, &join(path, name), &bytes),
        Place::Board(path) => write(files, path, &bytes),
        Place::Local(path) => {
            let path = match found {
                Found::Folder => std::path::Path::new(path).join(name),
                _ => path.into(),
            };
            piton::host_file::write(&path, &bytes)
                .map_err(|error| local_error("cp", &path.to_string_lossy(), &error))
        }
    }
}

fn look(files: &mut Files<'_, '_, '_>, place: &str) -> Result<Found, CommandError> {
    let is_folder = match Place::parse(place) {
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

/// The content of a file on either side.
fn read(files: &mut Files<'_, '_, '_>, source: &str) -> Result<Vec<u8>, CommandError> {
    const IS_A_FOLDER: &str = "-r not specified; omitting directory";
    match Place::parse(source) {
        Place::Local(path) if std::path::Path::new(path).is_dir() => Err(refused(IS_A_FOLDER)),
        Place::Local(path) => std::fs::read(path).map_err(|error| local_error("cp", path, &error)),
        Place::Board(path) => {
            let path = files.board_path(path)?;
            let ui = files.ui;
            let mut events = |event| show_progress(ui, event);
            let read = files.remote.read(&path, &mut events, content());
            ui.clear_progress();
            read.map_err(|error| match error {
                FsError::IsADirectory { .. } => refused(IS_A_FOLDER),
                error => files.refused(&path, error),
            })
        }
    }
}

/// Write a file on the board, unless it is there already.
fn write(files: &mut Files<'_, '_, '_>, path: &str, bytes: &[u8]) -> Result<(), CommandError> {
    // mpremote's `./` is for the eye: a board without folders would take it for a part of the name.
    let board_path = files.board_path(path.strip_prefix("./").unwrap_or(path))?;
    if !files.args.force && is_up_to_date(files, &board_path, bytes)? {
        return files.ui.step(&format!("Up to date: {path}"));
    }
    let ui = files.ui;
    let mut events = |event| show_progress(ui, event);
    let written = files
        .remote
        .write(&board_path, bytes, &mut events, content());
    ui.clear_progress();
    written.map_err(|error| super::refused("cp", path, error))
}

fn is_up_to_date(
    files: &mut Files<'_, '_, '_>,
    path: &BoardPath,
    bytes: &[u8],
) -> Result<bool, CommandError> {
    // A file of another size is another file: no need to have the board hash it.
    match files.remote.stat(path, step()) {
        Ok(metadata) if metadata.size == bytes.len() as u64 => {}
        Ok(_) | Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => return Ok(false),
        Err(error) => return Err(files.refused(path, error)),
    }
    match files.remote.hash(path, HashAlgorithm::Sha256, content()) {
        Ok(digest) => Ok(digest == HashAlgorithm::Sha256.digest(bytes)),
        // What is in the way is for the write to find out.
        Err(error) if error.os_error_number().is_some() => Ok(false),
        Err(error) => Err(files.refused(path, error)),
    }
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
