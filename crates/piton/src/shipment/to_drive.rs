//! Copies a shipment to a mounted drive, such as `CIRCUITPY`.
//!
//! A board's drive is small and FAT, and the board may restart its program after each write. So equal files stay
//! untouched, modules are written after those that they import and `code.py` last. Each file is written beside, renamed
//! when it is on the drive, and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use piton_board::deadline::Cancel;
use piton_board::error::ErrorKind;
use piton_path::PortablePath;
use serde::Serialize;

use super::Shipment;
use super::folders::Folder;
use super::order::order;
use super::parts::Parts;
use crate::flushed;
use crate::regular::{self, Kind, Links};
use crate::spool::Spooled;

/// The action for one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriveAction {
    /// The file does not exist.
    Create,
    /// The file has other content.
    Replace,
    /// The file is equal.
    Keep,
    /// The file would be imported instead of a file of the shipment, or an interrupted copy left it.
    Remove,
}

impl DriveAction {
    /// Returns the action in one word.
    pub fn name(self) -> &'static str {
        match self {
            DriveAction::Create => "create",
            DriveAction::Replace => "replace",
            DriveAction::Keep => "keep",
            DriveAction::Remove => "remove",
        }
    }
}

/// The steps of a deployment, in order. In JSON a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DrivePlan {
    /// Each path with its action.
    pub steps: Vec<DriveStep>,
}

/// One step of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriveStep {
    /// The path on the drive.
    pub path: PortablePath,
    /// What is done there.
    pub action: DriveAction,
}

impl DrivePlan {
    /// Returns how many steps have this action.
    pub fn count(&self, action: DriveAction) -> usize {
        let steps = self.steps.iter();
        steps.filter(|step| step.action == action).count()
    }
}

/// Why a deployment to a drive failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToDriveError {
    /// The drive does not exist, or is not a folder.
    #[error("there is no folder `{}`", path.display())]
    NoFolder {
        /// Its path.
        path: PathBuf,
    },
    /// A name is not valid on FAT. Nothing was written.
    #[error("`{path}` is not a valid name on a FAT drive")]
    Name {
        /// The path.
        path: PortablePath,
    },
    /// Two names differ in case only, and are one file on FAT. Nothing was written.
    #[error("`{first}` and `{second}` would be one file on a drive")]
    SameName {
        /// One file.
        first: PortablePath,
        /// The other.
        second: PortablePath,
    },
    /// A folder of the shipment has the path of something else on the drive: files would be written elsewhere, or not
    /// at all. Nothing was written.
    #[error("`{}` is {found}, expected a folder", path.display())]
    NoFolderInside {
        /// The path on the drive.
        path: PathBuf,
        /// Its kind: a link, a file.
        found: &'static str,
    },
    /// The drive cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The drive cannot be written.
    #[error("could not write `{}`: {source}; this file is as it was", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The drive has too little space. Nothing was written.
    #[error("`{}` has {free} bytes free, {needed} are needed: {} are missing", path.display(), needed - free)]
    NoSpace {
        /// The drive.
        path: PathBuf,
        /// The most bytes that are needed at one time.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// An interrupted copy left two names that may share their clusters on the drive. Nothing was written.
    #[error(
        "an interrupted copy left `{}`, which may have the same place on the drive as `{}`",
        part.display(), path.display()
    )]
    Shared {
        /// The file that the interrupted copy left.
        part: PathBuf,
        /// The file.
        path: PathBuf,
    },
    /// A file reads back with other content than was written.
    #[error("`{}` has other content than was written: the drive is failing, or another program writes to it", path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
    },
    /// The contents cannot be kept in a temporary file.
    #[error("could not write a temporary file: {0}")]
    Spool(#[source] io::Error),
    /// The deployment was cancelled.
    #[error("interrupted; each file is the old one or the new one")]
    Cancelled,
}

impl ToDriveError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ToDriveError::Cancelled => ErrorKind::Interrupted,
            _ => ErrorKind::Refused,
        }
    }
}

/// Compares the shipment with the drive and plans the steps. Nothing is changed.
///
/// # Errors
///
/// [`ToDriveError::NoFolder`], [`ToDriveError::Name`], [`ToDriveError::SameName`], [`ToDriveError::NoFolderInside`],
/// [`ToDriveError::Read`].
pub fn plan(shipment: &Shipment, drive: &Path) -> Result<DrivePlan, ToDriveError> {
    if !drive.is_dir() {
        return Err(ToDriveError::NoFolder {
            path: drive.to_owned(),
        });
    }
    let files = order(shipment);
    let paths = files.iter().map(|(path, _)| *path);
    check_names(paths.clone(), cfg!(windows))?;
    check_case(paths.clone())?;
    let mut plan = DrivePlan::default();
    let wanted = paths.collect::<BTreeSet<&PortablePath>>();
    for (path, content) in &files {
        let action = match kind_of(drive, path)? {
            None => DriveAction::Create,
            // A link or a device is not written to: the new file replaces it.
            Some(Kind::Link | Kind::Special) => DriveAction::Replace,
            Some(Kind::File | Kind::Folder) => compare(drive, path, content)?,
        };
        plan.steps.push(DriveStep {
            path: (*path).clone(),
            action,
        });
        if let Some(twin) = twin(path)
            && !wanted.contains(&twin)
            && matches!(kind_of(drive, &twin)?, Some(Kind::File | Kind::Link))
        {
            // Right after its twin: as long as this file exists, it is imported instead of the new one.
            plan.steps.push(DriveStep {
                path: twin,
                action: DriveAction::Remove,
            });
        }
    }
    Ok(plan)
}

/// Returns the kind of the entry at a path of the drive, if there is one.
fn kind_of(drive: &Path, path: &PortablePath) -> Result<Option<Kind>, ToDriveError> {
    let full_path = drive.join(path.to_path());
    let metadata = Folder::of_file(drive, path)
        .and_then(|folder| folder.join(path.file_name()).symlink_metadata());
    match metadata {
        Ok(metadata) => Ok(Some(Kind::of(metadata.file_type()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(no_folder_inside(drive, path).unwrap_or(ToDriveError::Read {
            path: full_path,
            source,
        })),
    }
}

/// Returns an error for the first parent of a path that exists and is not a folder.
fn no_folder_inside(drive: &Path, path: &PortablePath) -> Option<ToDriveError> {
    let mut parent = drive.to_owned();
    path.parent()?.names().find_map(|name| {
        parent.push(name);
        let found = match Kind::of(parent.symlink_metadata().ok()?.file_type()) {
            Kind::Folder => return None,
            Kind::Link => "a link",
            Kind::File => "a file",
            Kind::Special => "a device, a pipe or a socket",
        };
        let path = parent.clone();
        Some(ToDriveError::NoFolderInside { path, found })
    })
}

/// Returns [`DriveAction::Keep`] if the file on the drive has this content, else [`DriveAction::Replace`].
fn compare(
    drive: &Path,
    path: &PortablePath,
    content: &Spooled,
) -> Result<DriveAction, ToDriveError> {
    let read = || {
        let folder = Folder::of_file(drive, path)?;
        let file = folder.join(path.file_name());
        if file.symlink_metadata()?.len() != content.size() {
            // Opened for the error if it is a folder.
            return regular::open(&file, Links::Refuse).map(|_| DriveAction::Replace);
        }
        let old = regular::read(&file, Links::Refuse, content.size())?;
        Ok(match old == content.read()? {
            true => DriveAction::Keep,
            false => DriveAction::Replace,
        })
    };
    read().map_err(|source| ToDriveError::Read {
        path: drive.join(path.to_path()),
        source,
    })
}

/// Checks that no two names are the same on FAT: the names of two files, or of a file and another file's folder.
///
/// # Errors
///
/// [`ToDriveError::SameName`].
fn check_case<'a>(
    paths: impl Iterator<Item = &'a PortablePath> + Clone,
) -> Result<(), ToDriveError> {
    let mut names = BTreeMap::new();
    for path in paths.clone() {
        if let Some(first) = names.insert(path.as_str().to_lowercase(), path) {
            let (first, second) = (first.clone(), path.clone());
            return Err(ToDriveError::SameName { first, second });
        }
    }
    for path in paths {
        let mut above = std::iter::successors(path.parent(), PortablePath::parent);
        let file = above.find_map(|folder| names.get(&folder.as_str().to_lowercase()));
        if let Some(file) = file {
            let (first, second) = ((*file).clone(), path.clone());
            return Err(ToDriveError::SameName { first, second });
        }
    }
    Ok(())
}

/// Checks that all names are valid on FAT, the file system of boards; on Windows also that none is the name of a
/// device.
///
/// # Errors
///
/// [`ToDriveError::Name`].
pub(crate) fn check_names<'a>(
    mut paths: impl Iterator<Item = &'a PortablePath>,
    is_windows: bool,
) -> Result<(), ToDriveError> {
    let refused = |part: &str| {
        part.contains(['"', '*', '<', '>', '?', '|'])
            || part.ends_with(['.', ' '])
            // A long name of FAT has at most 255 units of UTF-16.
            || part.encode_utf16().count() > 255
            || is_windows && is_device(part)
    };
    match paths.find(|path| path.names().any(refused)) {
        Some(path) => Err(ToDriveError::Name { path: path.clone() }),
        None => Ok(()),
    }
}

/// Returns whether a name is that of a device on Windows, with any extension
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>, "Naming Conventions").
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let number = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    let mut letters = number.unwrap_or_default().chars();
    let is_number = |letter: char| letter.is_ascii_digit() || "\u{b9}\u{b2}\u{b3}".contains(letter);
    letters.next().is_some_and(is_number) && letters.next().is_none()
}

/// Returns the path that an `import` could load instead: `a.py` for `a.mpy`, and the other way round.
pub fn twin(path: &PortablePath) -> Option<PortablePath> {
    match path.extension()? {
        "mpy" => Some(path.with_extension("py")),
        "py" => Some(path.with_extension("mpy")),
        _ => None,
    }
}

/// Carries out a plan; `events` gets each finished step.
///
/// # Errors
///
/// [`ToDriveError`]. Each file is then the old one or the new one, and doing it again finishes it.
pub fn apply(
    plan: &DrivePlan,
    shipment: &Shipment,
    drive: &Path,
    cancel: &Cancel,
    events: &mut dyn FnMut(&PortablePath, DriveAction),
) -> Result<(), ToDriveError> {
    let files = shipment
        .files()
        .collect::<BTreeMap<&PortablePath, &Spooled>>();
    let parts = Parts::open(drive, files.keys().copied())?;
    check_space(plan, &files, drive)?;
    for DriveStep { path, action } in &plan.steps {
        if cancel.is_cancelled() {
            return Err(ToDriveError::Cancelled);
        }
        let full_path = drive.join(path.to_path());
        let failed = |source| ToDriveError::Write {
            path: full_path.clone(),
            source,
        };
        match (action, files.get(path)) {
            (DriveAction::Create | DriveAction::Replace, Some(content)) => {
                let content = content.read().map_err(failed)?;
                let folder = parts.put(path, &content).map_err(failed)?;
                let written = folder.join(path.file_name());
                let limit = content.len() as u64;
                let is_whole = regular::read(&written, Links::Refuse, limit)
                    .is_ok_and(|read_back| read_back == content);
                if !is_whole || folder.check().is_err() {
                    return Err(ToDriveError::ReadBack { path: full_path });
                }
            }
            (DriveAction::Remove, _) => {
                let folder = Folder::of_file(drive, path).map_err(failed)?;
                flushed::remove(&folder.join(path.file_name())).map_err(failed)?;
            }
            _ => {}
        }
        events(path, *action);
    }
    Ok(())
}

/// Checks that each file fits when it is written, while the old files still exist.
fn check_space(
    plan: &DrivePlan,
    files: &BTreeMap<&PortablePath, &Spooled>,
    drive: &Path,
) -> Result<(), ToDriveError> {
    let Some((cluster, free)) = space(drive) else {
        return Ok(());
    };
    let clusters = |size: u64| size.div_ceil(cluster) * cluster;
    let mut used = 2 * clusters(1) + folders_room(plan, drive).map(clusters).sum::<u64>();
    let mut needed = used;
    for DriveStep { path, action } in &plan.steps {
        let old_size = || {
            drive
                .join(path.to_path())
                .symlink_metadata()
                .map_or(0, |old| old.len())
        };
        let new = files.get(path).map_or(0, |content| content.size());
        match action {
            DriveAction::Create => used += clusters(new),
            DriveAction::Replace => {
                needed = needed.max(used + clusters(new));
                used = (used + clusters(new)).saturating_sub(clusters(old_size()));
            }
            DriveAction::Remove => used = used.saturating_sub(clusters(old_size())),
            DriveAction::Keep => {}
        }
        needed = needed.max(used);
    }
    let writes = plan
        .steps
        .iter()
        .any(|step| matches!(step.action, DriveAction::Create | DriveAction::Replace));
    if writes && needed > free {
        return Err(ToDriveError::NoSpace {
            path: drive.to_owned(),
            needed,
            free,
        });
    }
    Ok(())
}

/// Returns by how many bytes each folder may grow; new folders start empty.
fn folders_room(plan: &DrivePlan, drive: &Path) -> impl Iterator<Item = u64> {
    // An entry has 32 bytes. A name takes one for its short form, and one for every 13 letters of its long form. The
    // name that reserves room in a folder is longer by one entry.
    let entry = |name: &str| 32 * (2 + name.encode_utf16().count().div_ceil(13)) as u64;
    let mut rooms = BTreeMap::<Option<PortablePath>, u64>::new();
    let steps = plan.steps.iter();
    for step in steps.filter(|step| step.action == DriveAction::Create) {
        let mut path = step.path.clone();
        loop {
            let folder = path.parent();
            let known = rooms.contains_key(&folder);
            *rooms.entry(folder.clone()).or_default() += entry(path.file_name());
            match folder {
                Some(folder) if !known && !drive.join(folder.to_path()).is_dir() => {
                    // A new folder has two entries, `.` and `..`.
                    *rooms.entry(Some(folder.clone())).or_default() += 64;
                    path = folder;
                }
                _ => break,
            }
        }
    }
    rooms.into_values()
}

/// Returns the size of a cluster and the number of free bytes, if the system reports them.
fn space(drive: &Path) -> Option<(u64, u64)> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        let found = rustix::fs::statvfs(drive).ok()?;
        // Some file systems (network, FUSE) report no blocks: their free space is unknown.
        if found.f_blocks == 0 {
            return None;
        }
        Some((found.f_frsize.max(1), found.f_bavail * found.f_frsize))
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    {
        let _ = drive;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns which of the names is refused, on another system and on Windows.
    fn refused(name: &str) -> [bool; 2] {
        let path = name.parse::<PortablePath>().unwrap();
        [false, true].map(|is_windows| check_names([&path].into_iter(), is_windows).is_err())
    }

    #[test]
    fn invalid_names_are_refused() {
        for name in ["a?.py", "a.", "lib./a.py", "a ", "lib/\"", &"a".repeat(256)] {
            assert_eq!(refused(name), [true, true], "{name}");
        }
        for name in [
            "NUL",
            "nul.mpy",
            "lib/aux.py",
            "con",
            "Con.a.b",
            "com1.mpy",
            "lpt\u{b2}",
            "prn .py",
            "COM0/a",
        ] {
            assert_eq!(refused(name), [false, true], "{name}");
        }
        for name in [
            "null.py",
            "com.py",
            "com10.py",
            "lib/auxiliary.py",
            ".nul",
            "ab c",
            "\u{e4}",
        ] {
            assert_eq!(refused(name), [false, false], "{name}");
        }
    }

    #[test]
    fn names_that_are_the_same_on_a_drive_are_refused() {
        let message = |names: &[&str]| {
            let paths = names.iter().map(|name| name.parse().unwrap());
            let paths = paths.collect::<Vec<PortablePath>>();
            check_case(paths.iter())
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(
            message(&["a.py", "lib/A.py", "lib/a.mpy", "Lib/b.py"]),
            None
        );
        for (names, pair) in [
            (["lib/a.py", "LIB/A.py"], "`lib/a.py` and `LIB/A.py`"),
            (["\u{e4}.py", "\u{c4}.py"], "`\u{e4}.py` and `\u{c4}.py`"),
            (["Lib", "lib/a.py"], "`Lib` and `lib/a.py`"),
        ] {
            let message = message(&names).unwrap();
            assert!(message.starts_with(pair), "{message}");
        }
    }
}
