//! Writes the files of a drive so that after a power cut each of them is old or new.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use piton_path::PortablePath;
use piton_shipment::archive;
use sha2::{Digest, Sha256};

use super::folders::Folder;
use super::to_drive::ToDriveError;
use crate::flushed::{self, Hidden, PART};
use crate::host_file::sync_folder;
use crate::regular::{self, Links};

/// Files that are written in a hidden folder of the drive before they get their names. The folder is created with the
/// first file, and removed with this value.
pub(crate) struct Parts<'a> {
    drive: &'a Path,
    hidden: Hidden,
}

impl Parts<'_> {
    /// Removes what an interrupted copy left. `paths` are the files of the shipment.
    pub(crate) fn open<'a>(
        drive: &'a Path,
        paths: impl Iterator<Item = &'a PortablePath> + Clone,
    ) -> Result<Parts<'a>, ToDriveError> {
        let failed = |source| ToDriveError::Write {
            path: drive.join(PART),
            source,
        };
        let hidden = Hidden::find(drive, OsStr::new("")).map_err(failed)?;
        // A link is not ours: we create a folder.
        if let Some(folder) = hidden.inner().parent()
            && folder
                .symlink_metadata()
                .is_ok_and(|metadata| !metadata.is_dir())
        {
            return Err(ToDriveError::NoFolderInside {
                path: folder.to_owned(),
                found: "a link or a file",
            });
        }
        if hidden.is_left() {
            check_leftovers(drive, hidden.inner(), paths.clone())?;
            clean(hidden.inner()).map_err(failed)?;
        }
        for room in rooms(drive, paths) {
            flushed::remove(&room).map_err(failed)?;
        }
        Ok(Parts { drive, hidden })
    }

    /// Writes a file of the shipment. Returns the folder of the file. An old file exists until the new one does.
    pub(crate) fn put(&self, path: &PortablePath, content: &[u8]) -> io::Result<Folder> {
        self.hidden.make(&[])?;
        let hidden = self.hidden_folder()?;
        let folder = self.make_folders(path, &hidden)?;
        let part = hidden.join(&part_name(path));
        let mut file = File::create_new(&part)?;
        file.write_all(content)?;
        // FAT's table is written before the entry: an entry whose clusters are free in the table cannot be removed.
        sync_folder(&hidden.join(""));
        file.sync_all()?;
        flushed::rename(&part, &file, &folder.join(path.file_name()))?;
        Ok(folder)
    }

    /// Opens the hidden folder.
    fn hidden_folder(&self) -> io::Result<Folder> {
        let inner = self.hidden.inner();
        let below = inner.strip_prefix(self.drive).unwrap_or(inner);
        let folder = Folder::of_drive(self.drive)?;
        let mut names = below.iter().map(|name| name.to_string_lossy());
        names.try_fold(folder, |folder, name| folder.child(&name))
    }

    /// Creates a folder and its parents if they do not exist.
    pub(crate) fn make_folder(&self, path: &PortablePath) -> io::Result<()> {
        self.hidden.make(&[])?;
        self.make_path(path.names(), &self.hidden_folder()?)?;
        Ok(())
    }

    /// Creates the folders of a file. Each gets its name when it is on the drive, empty.
    fn make_folders(&self, path: &PortablePath, hidden: &Folder) -> io::Result<Folder> {
        self.make_path(path.parent().iter().flat_map(PortablePath::names), hidden)
    }

    fn make_path<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        hidden: &Folder,
    ) -> io::Result<Folder> {
        let mut folder = Folder::of_drive(self.drive)?;
        for name in names {
            folder = match folder.child(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.make_empty(&folder.join(name), hidden)?;
                    folder.child(name)?
                }
                child => child?,
            };
        }
        Ok(folder)
    }

    fn make_empty(&self, path: &Path, hidden: &Folder) -> io::Result<()> {
        // A system on which folders cannot be opened cannot flush them: the folder is created in place. Linux writes in
        // the right order where it writes everything at once (`sync`).
        if cfg!(not(unix)) || writes_at_once(self.drive) {
            return fs::create_dir(path);
        }
        flushed::make_folder(&hidden.join("folder"), path)
    }
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        // A part that cannot be removed is removed by the next deployment.
        let cleaned = self.hidden.is_left().then(|| clean(self.hidden.inner()));
        let _ = cleaned.transpose().and_then(|_| self.hidden.remove());
        sync_folder(self.drive);
    }
}

/// Returns whether the drive is mounted with `sync`.
fn writes_at_once(drive: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::StatVfsMountFlags;
        rustix::fs::statvfs(drive)
            .is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::SYNCHRONOUS))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = drive;
        false
    }
}

/// Files that reserved room in the folders of a shipment when a copy was interrupted.
fn rooms<'a>(drive: &Path, paths: impl Iterator<Item = &'a PortablePath>) -> Vec<PathBuf> {
    let mut rooms = Vec::new();
    let mut known = BTreeSet::new();
    for path in paths {
        if !known.insert(path.parent()) {
            continue;
        }
        let Ok(folder) = Folder::of_file(drive, path) else {
            continue;
        };
        for entry in fs::read_dir(folder.join(""))
            .into_iter()
            .flatten()
            .flatten()
        {
            let ours = entry.file_name().to_string_lossy().starts_with(PART);
            // A folder of that name is not touched: a power cut may have damaged it.
            let is_file = ours && entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && entry.metadata().is_ok_and(|metadata| metadata.len() == 0) {
                rooms.push(drive.join(path.to_path()).with_file_name(entry.file_name()));
            }
        }
    }
    rooms
}

/// Returns the name of a part: the hash of its file's path, since all parts are in one folder.
fn part_name(path: &PortablePath) -> String {
    let hash = Sha256::digest(path.as_str());
    HEXLOWER.encode(hash.get(..8).unwrap_or_default())
}

/// Returns whether a name has the form of [`part_name`]. A folder that a power cut damaged may have any names.
fn is_part(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Checks that no part has the content of its file: the two may share their clusters, and removing the part would free
/// them. Only a drive that Linux mounted with `sync` can have got there.
fn check_leftovers<'a>(
    drive: &Path,
    folder: &Path,
    paths: impl Iterator<Item = &'a PortablePath>,
) -> Result<(), ToDriveError> {
    let read = |path: &Path| regular::read(path, Links::Refuse, archive::MAXIMUM_SIZE);
    for path in paths {
        let part = folder.join(part_name(path));
        let full_path = drive.join(path.to_path());
        if let (Ok(left), Ok(file)) = (read(&part), read(&full_path))
            && left == file
            && !left.is_empty()
        {
            return Err(ToDriveError::Shared {
                part,
                path: full_path,
            });
        }
    }
    Ok(())
}

/// Removes the parts in their folder.
fn clean(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(is_part) {
            flushed::remove(&entry.path())?;
        } else if name == "folder" {
            flushed::remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PortablePath {
        text.parse().unwrap()
    }

    fn entries(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_part_has_the_hash_of_its_path_as_its_name() {
        let name = part_name(&path("lib/a.mpy"));
        assert!(is_part(&name), "{name}");
        assert_ne!(name, part_name(&path("lib/b.mpy")));
        for other in [
            "",
            "folder",
            "0123456789abcde",
            "0123456789abcdeg",
            "0123456789abcdef0",
        ] {
            assert!(!is_part(other), "{other}");
        }
    }

    #[test]
    fn files_get_their_folders_and_nothing_else_stays_on_the_drive() {
        let drive = tempfile::tempdir().unwrap();
        let drive = drive.path();
        fs::write(drive.join("a.mpy"), "old").unwrap();
        let paths = [path("a.mpy"), path("lib/deep/b.mpy")];
        let parts = Parts::open(drive, paths.iter()).unwrap();
        parts.put(&paths[0], b"one").unwrap();
        parts.put(&paths[1], b"two").unwrap();
        parts.make_folder(&path("empty/inner")).unwrap();
        // In the middle, the hidden folder is there.
        assert!(entries(drive).len() > 3, "{:?}", entries(drive));
        drop(parts);
        assert_eq!(entries(drive), ["a.mpy", "empty", "lib"]);
        assert_eq!(fs::read(drive.join("a.mpy")).unwrap(), b"one");
        assert_eq!(fs::read(drive.join("lib/deep/b.mpy")).unwrap(), b"two");
        assert!(drive.join("empty/inner").is_dir());
    }

    #[test]
    fn what_an_interrupted_copy_left_is_removed_and_files_of_others_stay() {
        let drive = tempfile::tempdir().unwrap();
        let drive = drive.path();
        let files = [path("a.mpy")];
        let parts = Parts::open(drive, files.iter()).unwrap();
        parts.put(&files[0], b"one").unwrap();
        let inner = parts.hidden.inner().to_owned();
        // As if the computer had stopped now, in the middle of the next file.
        std::mem::forget(parts);
        fs::write(inner.join(part_name(&path("b.mpy"))), "half").unwrap();
        fs::write(drive.join(format!("{PART}-room")), "").unwrap();
        fs::write(drive.join(format!("{PART}-mine")), "mine").unwrap();
        drop(Parts::open(drive, files.iter()).unwrap());
        assert_eq!(entries(drive), [format!("{PART}-mine"), "a.mpy".to_owned()]);
    }

    #[test]
    fn a_part_with_the_content_of_its_file_is_not_removed() {
        // On a drive that was mounted with `sync` both names may have the same clusters.
        let drive = tempfile::tempdir().unwrap();
        let drive = drive.path();
        let files = [path("a.mpy")];
        let parts = Parts::open(drive, files.iter()).unwrap();
        parts.put(&files[0], b"one").unwrap();
        let part = parts.hidden.inner().join(part_name(&files[0]));
        std::mem::forget(parts);
        fs::write(&part, "one").unwrap();
        let refused = Parts::open(drive, files.iter()).err().unwrap();
        assert!(matches!(refused, ToDriveError::Shared { .. }), "{refused}");
        assert!(part.exists());
        // An empty file shares nothing.
        fs::write(&part, "").unwrap();
        fs::write(drive.join("a.mpy"), "").unwrap();
        assert!(Parts::open(drive, files.iter()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_folder_is_not_followed() {
        let (drive, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let drive = drive.path();
        std::os::unix::fs::symlink(elsewhere.path(), drive.join("lib")).unwrap();
        let files = [path("lib/a.mpy")];
        let parts = Parts::open(drive, files.iter()).unwrap();
        assert!(parts.put(&files[0], b"one").is_err());
        drop(parts);
        assert!(entries(elsewhere.path()).is_empty());
        assert_eq!(entries(drive), ["lib"]);
    }
}
