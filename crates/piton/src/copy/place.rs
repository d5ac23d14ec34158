//! One side of a copy.

use std::fs;
use std::path::{Path, PathBuf};

use piton_fs::error::Error as FsError;
use piton_fs::listing::Kind;
use piton_fs::remote::RemoteFs;
use piton_path::{BoardPath, RelativePath};

use super::{Error, step};

/// A path on the board or on the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// On the board.
    Board(BoardPath),
    /// On the host.
    Host(PathBuf),
}

impl Place {
    /// Returns whether it is on the board.
    pub fn is_on_board(&self) -> bool {
        matches!(self, Place::Board(_))
    }

    /// Returns the path without the separators at its end; the root stays the root.
    pub(super) fn without_end_separators(&self) -> Place {
        match self {
            Place::Board(path) => match path.as_str().trim_end_matches('/') {
                "" if !path.is_empty() => Place::Board(BoardPath::root()),
                // A part of a valid path has no NUL, so it is valid.
                trimmed => Place::Board(trimmed.parse().unwrap_or_else(|_| path.clone())),
            },
            // Components do not include separators at the end.
            Place::Host(path) => Place::Host(path.components().as_path().to_owned()),
        }
    }

    /// Returns whether a separator at its end requires a folder. On the host it has no meaning, as in mpremote.
    pub(super) fn has_to_be_folder(&self) -> bool {
        self.is_on_board() && *self != self.without_end_separators()
    }

    /// Returns the path of an entry below this folder.
    pub(super) fn below(&self, path: &RelativePath) -> Place {
        match self {
            Place::Board(folder) => Place::Board(path.below(folder)),
            Place::Host(folder) => {
                let names = path.names();
                Place::Host(names.fold(folder.clone(), |path, name| path.join(name)))
            }
        }
    }

    /// Returns the last name, unless it is `.` or `..`.
    pub(super) fn name(&self) -> Option<RelativePath> {
        let name = match self {
            Place::Board(path) => path.file_name(),
            Place::Host(path) => path.file_name().and_then(|name| name.to_str()),
        };
        name?.parse().ok()
    }

    /// Returns the kind of the file or folder; `None` if it does not exist.
    pub(super) fn kind(&self, remote: &mut RemoteFs<'_, '_>) -> Result<Option<Kind>, Error> {
        match self {
            Place::Board(path) => match path.as_str() {
                // The current folder and the root always exist, also on boards without folders.
                "" | "/" => Ok(Some(Kind::Directory)),
                _ => match remote.stat(path, step()) {
                    Ok(metadata) => Ok(Some(metadata.kind)),
                    Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => Ok(None),
                    Err(error) => Err(Error::ReadBoard(error)),
                },
            },
            Place::Host(path) => Ok(host_kind(path)),
        }
    }
}

fn host_kind(path: &Path) -> Option<Kind> {
    let metadata = fs::metadata(path).ok()?;
    Some(match metadata.is_dir() {
        true => Kind::Directory,
        false => Kind::File,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(path: &str) -> Place {
        Place::Board(path.parse().unwrap())
    }

    fn host(path: &str) -> Place {
        Place::Host(PathBuf::from(path))
    }

    #[test]
    fn separators_at_the_end_are_removed_and_the_root_stays() {
        for (path, without) in [
            ("", ""),
            ("/", "/"),
            ("//", "/"),
            ("lib", "lib"),
            ("lib/", "lib"),
            ("/lib//", "/lib"),
            ("./", "."),
        ] {
            assert_eq!(
                board(path).without_end_separators(),
                board(without),
                "{path}"
            );
            // Only on the board a separator asks for a folder: mpremote takes it so.
            let is_folder = path.len() > 1 && path.ends_with('/') || path == "//";
            assert_eq!(board(path).has_to_be_folder(), is_folder, "{path}");
        }
        assert_eq!(host("a/b/").without_end_separators(), host("a/b"));
        assert!(!host("a/b/").has_to_be_folder());
    }

    #[test]
    fn a_place_has_a_name_unless_it_is_a_root_or_leads_up() {
        let name = |place: Place| place.name().map(|name| name.as_str().to_owned());
        for (path, expected) in [
            ("lib/a.py", Some("a.py")),
            ("a", Some("a")),
            ("/", None),
            ("", None),
            (".", None),
            ("..", None),
            ("lib/..", None),
        ] {
            assert_eq!(name(board(path)).as_deref(), expected, "{path}");
            assert_eq!(name(host(path)).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn entries_are_below_their_folder_on_both_sides() {
        let entry: RelativePath = "a/b.py".parse().unwrap();
        assert_eq!(board("").below(&entry), board("a/b.py"));
        assert_eq!(board("/").below(&entry), board("/a/b.py"));
        assert_eq!(board("lib").below(&entry), board("lib/a/b.py"));
        assert_eq!(host("lib").below(&entry), host("lib/a/b.py"));
        assert!(board("lib").is_on_board() && !host("lib").is_on_board());
    }

    #[test]
    fn a_place_of_the_host_is_a_file_a_folder_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        assert_eq!(host_kind(folder.path()), Some(Kind::Directory));
        assert_eq!(host_kind(&folder.path().join("a")), Some(Kind::File));
        assert_eq!(host_kind(&folder.path().join("a/b")), None);
        assert_eq!(host_kind(&folder.path().join("none")), None);
    }
}
