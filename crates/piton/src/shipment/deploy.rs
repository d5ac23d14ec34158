//! Copying a shipment to a mounted drive, such as `CIRCUITPY`.
//!
//! A drive of a board is small, FAT, and watched: each write may restart the board's program. So equal files stay
//! untouched, what others import comes before them and `code.py` last, each file is written beside and renamed when it
//! is on the drive, and read back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_board::deadline::Cancel;
use piton_mpy::header::Dialect;
use piton_project::relative_path::RelativePath;

use super::order::order;
use super::parts::Parts;
use super::{BoardFormat, Shipment};
use crate::build::project::circuitpython_version;
use crate::flushed;

/// What is done to one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is not there.
    Create,
    /// It has other content.
    Replace,
    /// It is there as it should be.
    Keep,
    /// It would be imported instead of a file of the shipment, or is what an interrupted copy left.
    Remove,
}

impl Action {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Replace => "replace",
            Action::Keep => "keep",
            Action::Remove => "remove",
        }
    }
}

/// What is to be done, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Each path with what is done to it.
    pub steps: Vec<(RelativePath, Action)>,
}

/// Why a deployment failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// The drive is not there, or is no folder.
    #[error("there is no folder `{}`", path.display())]
    NoFolder {
        /// Its path.
        path: PathBuf,
    },
    /// A name that FAT does not have. Nothing was written.
    #[error("`{path}` is no name for a file on a FAT drive")]
    Name {
        /// The path.
        path: RelativePath,
    },
    /// Two files differ in upper and lower case only, which is one file to the FAT of a drive. Nothing was written.
    #[error("`{first}` and `{second}` would be one file on a drive")]
    SameName {
        /// One file.
        first: RelativePath,
        /// The other.
        second: RelativePath,
    },
    /// The drive cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The drive cannot be written.
    #[error("could not write `{}`: {source}; this file is as it was", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The drive is too full. Nothing was written.
    #[error("`{}` has {free} bytes free, {needed} are needed: {} are missing", path.display(), needed - free)]
    NoSpace {
        /// The drive.
        path: PathBuf,
        /// Bytes that are needed at one time.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A copy was interrupted so that two names may have one place on the drive. Nothing was written.
    #[error(
        "an interrupted copy left `{}`, which may have the same place on the drive as `{}`",
        part.display(), path.display()
    )]
    Shared {
        /// What was left.
        part: PathBuf,
        /// The file.
        path: PathBuf,
    },
    /// What was read back is not what was written.
    #[error("`{}` reads back wrong: the drive is failing, or something else writes to it", path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
    },
    /// Ctrl-C.
    #[error("interrupted; each file is the old one or the new one")]
    Cancelled,
}

/// What a drive says about its board, in `boot_out.txt` of CircuitPython.
pub fn board_of_drive(drive: &Path) -> Option<BoardFormat> {
    let text = fs::read_to_string(drive.join("boot_out.txt")).ok()?;
    let version = circuitpython_version(&text)?;
    let digits = version
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?;
    let major = digits.parse::<u32>().ok()?;
    Some(BoardFormat {
        dialect: Dialect::CircuitPython,
        // CircuitPython 8 has version 6 as well (MPY_VERSION, py/persistentcode.h there), 7 has 5.
        version: Some(if major >= 8 { 6 } else { 5 }),
        sub_version: 0,
        arch: None,
    })
}

/// Decide what to do, looking at the drive only.
///
/// # Errors
///
/// [`DeployError::NoFolder`], [`DeployError::Name`], [`DeployError::SameName`], [`DeployError::Read`].
pub fn plan(shipment: &Shipment, drive: &Path) -> Result<Plan, DeployError> {
    if !drive.is_dir() {
        return Err(DeployError::NoFolder {
            path: drive.to_owned(),
        });
    }
    check_names(shipment.files().map(|(path, _)| path))?;
    let files = order(shipment);
    let mut names = BTreeMap::new();
    for (path, _) in &files {
        if let Some(first) = names.insert(path.as_str().to_lowercase(), *path) {
            let (first, second) = (first.clone(), (*path).clone());
            return Err(DeployError::SameName { first, second });
        }
    }
    let mut plan = Plan::default();
    let wanted = files
        .iter()
        .copied()
        .collect::<BTreeMap<&RelativePath, &[u8]>>();
    for (path, content) in &files {
        let place = drive.join(path.to_path());
        let action = match fs::read(&place) {
            Ok(there) if there == *content => Action::Keep,
            Ok(_) => Action::Replace,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Action::Create,
            Err(source) => {
                return Err(DeployError::Read {
                    path: place,
                    source,
                });
            }
        };
        plan.steps.push(((*path).clone(), action));
        if let Some(twin) = twin(path)
            && !wanted.contains_key(&twin)
            && drive.join(twin.to_path()).is_file()
        {
            // At once: the file that was written is not imported before.
            plan.steps.push((twin, Action::Remove));
        }
    }
    Ok(plan)
}

/// Look for names that the file system of boards, FAT, does not have.
pub(crate) fn check_names<'a>(
    mut paths: impl Iterator<Item = &'a RelativePath>,
) -> Result<(), DeployError> {
    let refused =
        |part: &str| part.contains(['"', '*', '<', '>', '?', '|']) || part.ends_with(['.', ' ']);
    match paths.find(|path| path.parts().any(refused)) {
        Some(path) => Err(DeployError::Name { path: path.clone() }),
        None => Ok(()),
    }
}

/// The file that an `import` could take instead: `a.py` for `a.mpy`, and the other way round.
pub fn twin(path: &RelativePath) -> Option<RelativePath> {
    match path.extension()? {
        "mpy" => Some(path.with_extension("py")),
        "py" => Some(path.with_extension("mpy")),
        _ => None,
    }
}

/// Carry out a plan, and tell `events` of each step that is done.
///
/// # Errors
///
/// [`DeployError`]. Each file is then the old one or the new one, and doing it again finishes it.
pub fn apply(
    plan: &Plan,
    shipment: &Shipment,
    drive: &Path,
    cancel: &Cancel,
    events: &mut dyn FnMut(&RelativePath, Action),
) -> Result<(), DeployError> {
    let files = shipment.files().collect::<BTreeMap<&RelativePath, &[u8]>>();
    let parts = Parts::open(drive, files.keys().copied())?;
    check_space(plan, &files, drive)?;
    for (path, action) in &plan.steps {
        if cancel.is_cancelled() {
            return Err(DeployError::Cancelled);
        }
        let place = drive.join(path.to_path());
        let failed = |source| DeployError::Write {
            path: place.clone(),
            source,
        };
        match (action, files.get(path)) {
            (Action::Create | Action::Replace, Some(content)) => {
                parts.put(path, content).map_err(failed)?;
                let back = fs::read(&place).map_err(failed)?;
                if back != *content {
                    return Err(DeployError::ReadBack { path: place });
                }
            }
            (Action::Remove, _) => flushed::remove(&place).map_err(failed)?,
            _ => {}
        }
        events(path, *action);
    }
    Ok(())
}

/// Whether each file fits when its turn comes, the old ones being there until then.
fn check_space(
    plan: &Plan,
    files: &BTreeMap<&RelativePath, &[u8]>,
    drive: &Path,
) -> Result<(), DeployError> {
    let Some((cluster, free)) = space(drive) else {
        return Ok(());
    };
    let clusters = |size: u64| size.div_ceil(cluster) * cluster;
    let mut used = 2 * clusters(1) + folders_room(plan, drive).map(clusters).sum::<u64>();
    let mut needed = used;
    for (path, action) in &plan.steps {
        let size_there = || {
            drive
                .join(path.to_path())
                .metadata()
                .map_or(0, |there| there.len())
        };
        let new = files.get(path).map_or(0, |content| content.len() as u64);
        match action {
            Action::Create => used += clusters(new),
            Action::Replace => {
                needed = needed.max(used + clusters(new));
                used = (used + clusters(new)).saturating_sub(clusters(size_there()));
            }
            Action::Remove => used = used.saturating_sub(clusters(size_there())),
            Action::Keep => {}
        }
        needed = needed.max(used);
    }
    let writes = plan
        .steps
        .iter()
        .any(|(_, action)| matches!(action, Action::Create | Action::Replace));
    if writes && needed > free {
        return Err(DeployError::NoSpace {
            path: drive.to_owned(),
            needed,
            free,
        });
    }
    Ok(())
}

/// How much each folder may grow by, in bytes, new ones from nothing.
fn folders_room(plan: &Plan, drive: &Path) -> impl Iterator<Item = u64> {
    // An entry has 32 bytes: one for the short name, and one for every 13 letters of the long one. What keeps room for
    // it has a longer name by one entry.
    let entry = |name: &str| 32 * (2 + name.encode_utf16().count().div_ceil(13)) as u64;
    let mut rooms = BTreeMap::<Option<RelativePath>, u64>::new();
    let steps = plan.steps.iter();
    for (path, _) in steps.filter(|(_, action)| *action == Action::Create) {
        let mut path = path.clone();
        loop {
            let folder = path.parent();
            let known = rooms.contains_key(&folder);
            *rooms.entry(folder.clone()).or_default() += entry(path.file_name());
            match folder {
                Some(folder) if !known && !drive.join(folder.to_path()).is_dir() => {
                    // Its two entries for itself and its parent.
                    *rooms.entry(Some(folder.clone())).or_default() += 64;
                    path = folder;
                }
                _ => break,
            }
        }
    }
    rooms.into_values()
}

/// Size of a cluster and free bytes, where the system tells.
fn space(drive: &Path) -> Option<(u64, u64)> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        let found = rustix::fs::statvfs(drive).ok()?;
        // A file system that has no blocks at all does not tell.
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
