//! Listing the entries of a folder, or of the whole tree below it.

use std::collections::BTreeMap;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::from_literal;
use piton_path::BoardPath;

use crate::device::{self, Program};
use crate::error::Error;
use crate::remote::{RemoteFs, quoted};
use crate::transfer::agent::is_missing_function;

/// File or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file, or anything else that is not a folder.
    File,
    /// A folder.
    Directory,
}

impl Kind {
    /// Returns the kind in the type bits of a mode (MicroPython's extmod/vfs.h, `MP_S_IFDIR`).
    pub(crate) fn from_mode(mode: u32) -> Kind {
        match mode & 0x4000 {
            0 => Kind::File,
            _ => Kind::Directory,
        }
    }
}

/// A file or folder, as its folder lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DirEntry {
    /// The name as the board reports it. It must be checked before it is used in a path of the host.
    pub name: String,
    /// File or folder.
    pub kind: Kind,
    /// Size in bytes, if the listing has it. Most folders have none.
    pub size: Option<u64>,
}

/// A file or folder below the listed folder.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TreeEntry {
    /// The path below that folder.
    pub path: BoardPath,
    /// File or folder.
    pub kind: Kind,
    /// Size in bytes, if the listing has it.
    pub size: Option<u64>,
    /// The number of folders in between: 0 for the folder's own entries.
    pub depth: usize,
    /// Whether no other entry of the same folder follows.
    pub is_last: bool,
    /// The position of the entry in the board's answer, which keeps the order of the folders' listings.
    #[serde(skip)]
    pub position: usize,
}

/// Returns the entries of a tree in the order of the board's listing, which on most file systems is the order of
/// creation. Each folder still comes before its contents.
pub fn in_board_order(mut entries: Vec<TreeEntry>) -> Vec<TreeEntry> {
    let positions: BTreeMap<BoardPath, usize> = entries
        .iter()
        .map(|entry| (entry.path.clone(), entry.position))
        .collect();
    entries.sort_by_cached_key(|entry| {
        let mut path = BoardPath::default();
        names(&entry.path)
            .map(|name| {
                path = match name.parse() {
                    Ok(name) => path.join(&name),
                    Err(_) => BoardPath::default(),
                };
                positions.get(&path).copied()
            })
            .collect::<Vec<_>>()
    });
    mark_last(&mut entries);
    entries
}

/// The treatment of files without a size in the listing (`os.ilistdir` on MicroPython's POSIX file system).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// Report no size, as mpremote does.
    AsListed,
    /// Let the board call `os.stat` for each such file. No further exchange.
    Measured,
}

/// One line of the board's answer: name, type bits, inode, and maybe a size in bytes.
type Line = (String, u32, u64, i64);
type ShortLine = (String, u32, u64);

impl RemoteFs<'_, '_> {
    /// Returns the entries of a folder, in the board's order. The empty path is the current folder.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotADirectory`], [`Error::Board`].
    pub fn list(
        &mut self,
        path: &BoardPath,
        sizes: Sizes,
        deadline: Deadline,
    ) -> Result<Vec<DirEntry>, Error> {
        match self.list_once(path, sizes, deadline) {
            // The answer was damaged on its way.
            Err(Error::Answer { .. }) => self.list_once(path, sizes, deadline),
            listed => listed,
        }
    }

    /// Does the work of [`RemoteFs::list`].
    fn list_once(
        &mut self,
        path: &BoardPath,
        sizes: Sizes,
        deadline: Deadline,
    ) -> Result<Vec<DirEntry>, Error> {
        // Nearly all boards can run this shortest program. The comprehension creates no variable on the board.
        if self.raw().raw_paste() != Some(false) {
            let argument = match path.is_empty() {
                true => String::new(),
                false => quoted(path),
            };
            let source = format!("import os\n[print(x)for x in os.ilistdir({argument})]");
            match self.run_short(source.as_bytes(), deadline) {
                Ok(answer) => {
                    let entries: Result<Vec<DirEntry>, Error> =
                        lines(&answer).map(|line| entry(path, line)).collect();
                    let entries = entries?;
                    let has_size =
                        |entry: &DirEntry| entry.kind != Kind::File || entry.size.is_some();
                    if sizes == Sizes::AsListed || entries.iter().all(has_size) {
                        return Ok(entries);
                    }
                }
                Err(BoardError::Exception(exception))
                    if is_missing_function(&exception.type_name) => {}
                Err(error) => return Err(Error::new(path, error)),
            }
        }
        let answer = self.listing(device::LIST, path, sizes, deadline)?;
        lines(&answer).map(|line| entry(path, line)).collect()
    }

    /// Returns all entries below a folder, in one exchange: each folder followed by its contents, names in order.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::list`].
    pub fn tree(
        &mut self,
        path: &BoardPath,
        sizes: Sizes,
        deadline: Deadline,
    ) -> Result<Vec<TreeEntry>, Error> {
        let answer = self.listing(device::TREE, path, sizes, deadline)?;
        let mut entries = Vec::new();
        // The folder whose entries follow, relative to `path`.
        let mut folder = BoardPath::default();
        for line in lines(&answer) {
            if !line.starts_with(b"(") {
                let name: String = self.read_answer(path, line)?;
                folder = below(path, &name).ok_or_else(|| Error::Answer {
                    path: path.clone(),
                    received: line.to_vec(),
                })?;
                continue;
            }
            let DirEntry { name, kind, size } = entry(path, line)?;
            let name = name.parse().map_err(|_| Error::Answer {
                path: path.clone(),
                received: line.to_vec(),
            })?;
            entries.push(TreeEntry {
                path: folder.join(&name),
                kind,
                size,
                depth: names(&folder).count(),
                is_last: false,
                position: entries.len(),
            });
        }
        entries.sort_by(|left, right| names(&left.path).cmp(names(&right.path)));
        mark_last(&mut entries);
        Ok(entries)
    }

    fn listing(
        &mut self,
        program: Program,
        path: &BoardPath,
        sizes: Sizes,
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let measure = match sizes {
            Sizes::AsListed => "False",
            Sizes::Measured => "True",
        };
        let source = program.call(&[&quoted(path), measure]);
        self.run_short(&source, deadline)
            .map_err(|error| Error::new(path, error))
    }
}

/// Returns the names of a path.
fn names(path: &BoardPath) -> impl Iterator<Item = &str> {
    path.as_str().split('/').filter(|name| !name.is_empty())
}

/// Returns the part of `path` that lies below `folder`.
fn below(folder: &BoardPath, path: &str) -> Option<BoardPath> {
    let rest = path.strip_prefix(folder.as_str())?;
    rest.trim_start_matches('/').parse().ok()
}

/// Marks the last entry of each folder. In reverse order this is the first entry at its depth.
fn mark_last(entries: &mut [TreeEntry]) {
    let mut seen: Vec<bool> = Vec::new();
    for entry in entries.iter_mut().rev() {
        let is_first_seen = seen.get(entry.depth) != Some(&true);
        entry.is_last = is_first_seen;
        // Entries at deeper levels belong to folders that come later in the list.
        seen.resize(entry.depth, false);
        seen.push(true);
    }
}

fn lines(answer: &[u8]) -> impl Iterator<Item = &[u8]> {
    answer
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

fn entry(path: &BoardPath, line: &[u8]) -> Result<DirEntry, Error> {
    let (name, mode, size) = match from_literal::<Line>(line) {
        // FAT and littlefs give folders the size 0, CircuitPython -1.
        Ok((name, mode, _, size)) => (name, mode, u64::try_from(size).ok()),
        Err(_) => match from_literal::<ShortLine>(line) {
            Ok((name, mode, _)) => (name, mode, None),
            Err(_) => {
                return Err(Error::Answer {
                    path: path.clone(),
                    received: line.to_vec(),
                });
            }
        },
    };
    Ok(DirEntry {
        name,
        kind: Kind::from_mode(mode),
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_of_each_folder_is_marked() {
        let paths = ["a", "a/b", "a/b/c", "a/d", "e", "f", "f/g"];
        let mut entries: Vec<TreeEntry> = paths
            .iter()
            .map(|path| TreeEntry {
                path: path.parse().unwrap(),
                kind: Kind::File,
                size: None,
                depth: path.matches('/').count(),
                is_last: false,
                position: 0,
            })
            .collect();
        mark_last(&mut entries);
        let last: Vec<&str> = entries
            .iter()
            .filter(|entry| entry.is_last)
            .map(|entry| entry.path.as_str())
            .collect();
        assert_eq!(last, ["a/b/c", "a/d", "f", "f/g"]);
    }

    #[test]
    fn trees_can_keep_the_order_of_the_board() {
        // `tree.py` prints all entries of a folder before those of its subfolders.
        let answer = ["z", "b", "a", "b/y", "b/c", "z/k", "b/y/2", "b/y/1"];
        let mut entries: Vec<TreeEntry> = answer
            .iter()
            .enumerate()
            .map(|(position, path)| TreeEntry {
                path: path.parse().unwrap(),
                kind: Kind::File,
                size: None,
                depth: path.matches('/').count(),
                is_last: false,
                position,
            })
            .collect();
        entries.sort_by(|left, right| left.path.as_str().cmp(right.path.as_str()));
        let entries = in_board_order(entries);
        let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(
            paths,
            ["z", "z/k", "b", "b/y", "b/y/2", "b/y/1", "b/c", "a"]
        );
    }

    #[test]
    fn the_lines_of_every_board_are_parsed() {
        let path = BoardPath::default();
        let read = |line: &str| entry(&path, line.as_bytes()).map(|entry| (entry.kind, entry.size));
        assert_eq!(read("('a', 32768, 0, 7)").unwrap(), (Kind::File, Some(7)));
        assert_eq!(read("('a', 32768, 0)").unwrap(), (Kind::File, None));
        assert_eq!(
            read("('a', 16384, 0, -1)").unwrap(),
            (Kind::Directory, None)
        );
        assert!(matches!(read("('a', 16384"), Err(Error::Answer { .. })));
    }
}
