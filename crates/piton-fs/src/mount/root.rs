//! Mapping paths of the board to paths below the mounted folder, and never outside of it.
//!
//! Each name of a path is checked by itself: `..` does not leave the mounted folder, and names with a meaning to the
//! host's system (`C:`, `\`, `NUL`) are refused. The operating system resolves symbolic links, and their targets must
//! be below the folder, unless links were declared safe. The whole path is checked before each operation, because the
//! target of a relative link changes when the board moves the link. The board cannot act between check and operation:
//! requests are served one after the other. Another process could replace a folder by a link in between. The check does
//! not cover this, since such a process has the user's rights already.

use std::io;
use std::path::{Path, PathBuf};

use super::errno::Errno;

/// The mounted folder.
#[derive(Debug)]
pub(super) struct Root {
    folder: PathBuf,
    unsafe_links: bool,
}

/// The treatment of a link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Use its target.
    Follow,
    /// Use the link itself.
    Keep,
}

impl Root {
    /// Opens the folder to be served, which must exist.
    pub(super) fn new(folder: &Path, unsafe_links: bool) -> io::Result<Root> {
        let folder = folder.canonicalize()?;
        if !folder.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Root {
            folder,
            unsafe_links,
        })
    }

    /// Returns the folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path on this computer of the board's `path`.
    pub(super) fn locate(&self, path: &str, last: Last) -> Result<PathBuf, Errno> {
        let names = names(path)?;
        let mut host_path = self.folder.clone();
        host_path.extend(&names);
        if self.unsafe_links || names.is_empty() {
            return Ok(host_path);
        }
        let (Some(parent), Some(name)) = (host_path.parent(), host_path.file_name()) else {
            return Err(Errno::PERM);
        };
        let parent = self.below(parent.canonicalize()?)?;
        let host_path = parent.join(name);
        if last == Last::Keep {
            return Ok(host_path);
        }
        match host_path.canonicalize() {
            Ok(host_path) => self.below(host_path),
            // No entry has this name, not even a dangling link: the board may create it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match host_path.symlink_metadata() {
                    Ok(_) => Err(Errno::PERM),
                    Err(_) => Ok(host_path),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the path on this computer of an entry that a request changes. A link at the end is not followed.
    ///
    /// # Errors
    ///
    /// As for [`Root::locate`], and an error for the mounted folder itself.
    pub(super) fn locate_changeable(&self, path: &str) -> Result<PathBuf, Errno> {
        match names(path)?.is_empty() {
            true => Err(Errno::PERM),
            false => self.locate(path, Last::Keep),
        }
    }

    fn below(&self, host_path: PathBuf) -> Result<PathBuf, Errno> {
        match host_path.starts_with(&self.folder) {
            true => Ok(host_path),
            false => Err(Errno::PERM),
        }
    }
}

/// Returns the names of a board's path below the mounted folder, with `.` and `..` resolved.
pub(super) fn names(path: &str) -> Result<Vec<&str>, Errno> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop().ok_or(Errno::PERM)?;
            }
            name if name.contains('\0') => return Err(Errno::INVAL),
            name if cfg!(windows) && !is_plain_on_windows(name) => return Err(Errno::INVAL),
            name => names.push(name),
        }
    }
    Ok(names)
}

/// Returns whether Windows uses this name unchanged for a file of the folder: no drive, no stream, no device, and no
/// ending that Windows strips.
fn is_plain_on_windows(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    let strange = |letter: char| letter < ' ' || "\\:*?\"<>|".contains(letter);
    if name.contains(strange) || name.ends_with(['.', ' ']) {
        return false;
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let stem = stem.to_lowercase();
    let numbered = stem
        .strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"))
        .is_some_and(|number| {
            let mut letters = number.chars();
            matches!(
                (letters.next(), letters.next()),
                (Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'), None)
            )
        });
    !numbered && !DEVICES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        for (path, expected) in [
            ("/", Ok(vec![])),
            ("", Ok(vec![])),
            ("/a/b", Ok(vec!["a", "b"])),
            ("a//./b/", Ok(vec!["a", "b"])),
            ("/a/../b", Ok(vec!["b"])),
            ("..", Err(Errno::PERM)),
            ("/../etc/passwd", Err(Errno::PERM)),
            ("/a/../../b", Err(Errno::PERM)),
            ("/a\0b", Err(Errno::INVAL)),
        ] {
            assert_eq!(names(path), expected, "{path:?}");
        }
    }

    #[test]
    fn names_with_a_meaning_to_windows_are_refused() {
        for name in [
            "C:", "a:b", "a\\b", "..\\a", "nul", "NUL.txt", "Com1", "lpt9.log", "aux .c", "a.",
            "a ", "con", "a*", "a?",
        ] {
            assert!(!is_plain_on_windows(name), "{name:?}");
        }
        for name in [
            "main.py", ".hidden", "com", "comet", "com12", "null", "a.b.c", "ä ö",
        ] {
            assert!(is_plain_on_windows(name), "{name:?}");
        }
    }
}
