//! `fs cp -r`: copy a folder with all that is in it.
//!
//! As with cp(1), an existing destination gets the folder inside, another becomes the copy. Nothing is deleted. What has
//! a name that piton keeps for its own records is left out, on either side.

use std::fs;
use std::io;
use std::path::Path;

use piton::fs::listing::{Kind, Sizes};
use piton::left_out::{self, Reason};
use piton::path::is_reserved;
use piton::patterns::Patterns;

use super::{Found, Place, Target, Work, base_name, join, look, settle_file, without_end_slashes};
use crate::commands::fs::{Files, local_error, step};
use crate::commands::sync::note_reserved;
use crate::error::CommandError;

/// A file or folder below the source: the names on the way to it, and which of the two it is.
struct Entry {
    names: Vec<String>,
    kind: Kind,
}

/// What to do to copy a file or a folder.
pub(super) fn settle(
    files: &mut Files<'_, '_, '_>,
    source: &str,
    destination: &mut Target<'_>,
    left_out: &mut Vec<String>,
) -> Result<Vec<Work>, CommandError> {
    let source = without_end_slashes(source);
    if look(files, source)? != Found::Folder {
        return settle_file(files, source, destination);
    }
    let name = base_name(source);
    let there = destination.look(files)?;
    let inside = there != Found::Nothing && !matches!(name, "" | "." | "..");
    let target = if inside {
        below(destination.plain(), &[name.to_owned()])
    } else {
        // The next source finds it there.
        destination.found = Some(Found::Folder);
        destination.plain().to_owned()
    };
    let mut entries = list(files, source, left_out)?;
    entries.retain(|entry| {
        let reserved = entry.names.iter().any(|name| is_reserved(name));
        // A folder that is left out stands for what is in it.
        let parents = entry.names.iter().rev().skip(1);
        if reserved && !parents.clone().any(|name| is_reserved(name)) {
            note_reserved(files.ui, &below(source, &entry.names));
        }
        !reserved
    });
    entries.sort_by(|one, other| one.names.cmp(&other.names));

    let (folders, plain): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .partition(|entry| entry.kind == Kind::Directory);
    let folders = folders
        .iter()
        .map(|folder| Work::Folder(below(&target, &folder.names)));
    let plain = plain.iter().map(|file| Work::File {
        from: below(source, &file.names),
        to: below(&target, &file.names),
    });
    Ok(std::iter::once(Work::Folder(target.clone()))
        .chain(folders)
        .chain(plain)
        .collect())
}

/// The path of something below `folder`, on the side that the folder is on.
pub(super) fn below(folder: &str, names: &[String]) -> String {
    match Place::parse(folder) {
        Place::Board(path) => {
            let path = names
                .iter()
                .fold(path.to_owned(), |path, name| join(&path, name));
            format!(":{path}")
        }
        Place::Local(path) => {
            let path = names
                .iter()
                .fold(Path::new(path).to_owned(), |path, name| path.join(name));
            path.to_string_lossy().into_owned()
        }
    }
}

/// All that is below the source. Of a folder here, what nobody wants on a board is left out, and noted in `left_out`.
fn list(
    files: &mut Files<'_, '_, '_>,
    source: &str,
    left_out: &mut Vec<String>,
) -> Result<Vec<Entry>, CommandError> {
    match Place::parse(source) {
        Place::Local(path) => {
            let mut found = Walk {
                ignore: match files.compatibility.extended_files && !files.args.no_ignore {
                    true => left_out::patterns(),
                    false => Patterns::new(),
                },
                entries: Vec::new(),
                left_out,
            };
            found
                .walk(Path::new(path), &[])
                .map_err(|error| local_error("cp", path, &error))?;
            Ok(found.entries)
        }
        Place::Board(path) => {
            let path = files.board_path(path)?;
            let tree = files
                .remote
                .tree(&path, Sizes::AsListed, step())
                .map_err(|error| files.refused(&path, error))?;
            tree.iter()
                .map(|entry| {
                    let names = entry
                        .path
                        .as_str()
                        .split('/')
                        .filter(|name| !name.is_empty());
                    let names = names.map(ToOwned::to_owned).collect::<Vec<String>>();
                    match names.iter().find(|name| !is_plain_name(name)) {
                        None => Ok(Entry {
                            names,
                            kind: entry.kind,
                        }),
                        Some(_) => Err(CommandError::UnsafeName {
                            path: entry.path.to_string(),
                        }),
                    }
                })
                .collect()
        }
    }
}

/// Whether a name that a board gave stays inside its folder on this computer.
fn is_plain_name(name: &str) -> bool {
    let means_more_on_windows = cfg!(windows) && name.contains(['\\', ':']);
    !matches!(name, "." | "..") && !means_more_on_windows
}

/// Goes through a folder of this computer.
struct Walk<'a> {
    ignore: Patterns,
    entries: Vec<Entry>,
    left_out: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn walk(&mut self, folder: &Path, names: &[String]) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("file name `{}` is not UTF-8", name.display()),
                )
            })?;
            let names = [names, std::slice::from_ref(&name)].concat();
            // What is left out may be a link to nothing, or not for us to read.
            let path = names.join("/");
            let is_folder = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
            // Reserved names have a note of their own: no option copies them.
            if !is_reserved(&name) && self.ignore.cover_entry(&path, is_folder) {
                self.left_out.push(path);
                continue;
            }
            // Links are followed, as mpremote does.
            if fs::metadata(entry.path())?.is_dir() {
                self.walk(&entry.path(), &names)?;
                self.entries.push(Entry {
                    names,
                    kind: Kind::Directory,
                });
            } else {
                self.entries.push(Entry {
                    names,
                    kind: Kind::File,
                });
            }
        }
        Ok(())
    }
}

/// How many names a person reads.
const TOLD: usize = 5;

/// The line that says what was left out; `None` if nothing was. Names that may hold a secret, which a program on the board
/// may want, come first.
pub(super) fn told(left_out: &[String]) -> Option<String> {
    let mut names = left_out.iter().collect::<Vec<_>>();
    names.sort_by_key(|name| {
        let is_private = left_out::reason(name, false) == Some(Reason::Private);
        (!is_private, *name)
    });
    let shown = names.iter().take(TOLD).map(|name| format!("`{name}`"));
    let shown = shown.collect::<Vec<String>>().join(", ");
    match names.len() {
        0 => None,
        count if count > TOLD => Some(format!(
            "left out: {shown} and {} more; `--no-ignore` copies them",
            count - TOLD
        )),
        _ => Some(format!("left out: {shown}; `--no-ignore` copies them")),
    }
}
