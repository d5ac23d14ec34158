//! Copying a shipment to a mounted drive, such as `CIRCUITPY`.
//!
//! A drive of a board is small, FAT, and watched: each write may restart the board's program. So equal files stay
//! untouched, what others import comes before them and `code.py` last, each file is written beside and renamed when it
//! is on the drive, and read back.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use piton_board::deadline::Cancel;
use piton_mpy::header::Dialect;
use piton_project::relative_path::RelativePath;

use super::order::order;
use super::{BoardFormat, Shipment};
use crate::host_file::sync_folder;

/// Begins the name of a file that is being written.
const PART: &str = ".piton-part";

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
    let (_, rest) = text.split_once("CircuitPython ")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
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
/// [`DeployError::NoFolder`], [`DeployError::SameName`], [`DeployError::Read`].
pub fn plan(shipment: &Shipment, drive: &Path) -> Result<Plan, DeployError> {
    if !drive.is_dir() {
        return Err(DeployError::NoFolder {
            path: drive.to_owned(),
        });
    }
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
    remove_parts(plan, drive);
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
                write(&place, content).map_err(failed)?;
                let back = fs::read(&place).map_err(failed)?;
                if back != *content {
                    return Err(DeployError::ReadBack { path: place });
                }
            }
            (Action::Remove, _) => fs::remove_file(&place).map_err(failed)?,
            _ => {}
        }
        events(path, *action);
    }
    sync_folder(drive);
    Ok(())
}

/// Write beside, have it on the drive, rename.
fn write(place: &Path, content: &[u8]) -> io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut part = tempfile::Builder::new().prefix(PART).tempfile_in(folder)?;
    part.write_all(content)?;
    part.as_file().sync_all()?;
    part.persist(place).map_err(|error| error.error)?;
    sync_folder(folder);
    Ok(())
}

/// Remove what a power cut left of an earlier copy: it takes the space that is missing.
fn remove_parts(plan: &Plan, drive: &Path) {
    let mut folders = plan
        .steps
        .iter()
        .map(|(path, _)| {
            path.parent()
                .map_or(PathBuf::new(), |parent| parent.to_path())
        })
        .collect::<Vec<PathBuf>>();
    folders.sort();
    folders.dedup();
    for folder in folders {
        for entry in fs::read_dir(drive.join(folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with(PART) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
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
    // A new folder takes a cluster, and so may a folder that gets more names.
    let new_folders = plan.steps.iter().filter(|(path, _)| {
        path.parent()
            .is_some_and(|parent| !drive.join(parent.to_path()).is_dir())
    });
    let mut used = (new_folders.count() as u64 + 1) * cluster;
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
