//! Syncing a folder of this computer to a mounted drive of a board, such as `CIRCUITPY`.
//!
//! The files are written as by `deploy`: under temporary names, read back, and renamed so that a power cut leaves each
//! of them old or new. Equal files are not written, because each write restarts the board's program, and `code.py`
//! comes last. The record on the drive lists the files that a sync has written, and only these are ever removed.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use piton_board::deadline::Cancel;
use piton_board::error::Error as BoardError;
use piton_board::stop::Stop;
use piton_compiler::Options as CompilerOptions;
use piton_fs::plan::{self, Action, Node, Plan, Protection, Step, Tree, plan};
use piton_fs::start_files;
use piton_path::PortablePath;
use piton_path::RelativePath;

use super::board_side::sizes;
use super::host_side::walk_destination;
use super::make;
use super::pull::stay_inside;
use super::record::{FILE_NAME, Record};
use super::{Content, Error, HostTree, Options, SyncEvent, log_plan, walk};
use crate::board_format::{BOOT_OUT, BoardFormat};
use crate::shipment::parts::Parts;
use crate::shipment::to_drive::{ToDriveError, check_names};

/// Returns whether the folder is a board's drive: CircuitPython's by its `boot_out.txt`, others as the mount point of a
/// drive.
pub fn is_drive(folder: &Path) -> bool {
    folder.is_dir() && (folder.join(BOOT_OUT).is_file() || is_mounted_here(folder))
}

#[cfg(unix)]
fn is_mounted_here(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    // The root of the system is mounted too, but is not a board.
    match folder.canonicalize().ok().as_deref().and_then(Path::parent) {
        Some(parent) => device(folder) != device(parent),
        None => false,
    }
}

#[cfg(not(unix))]
fn is_mounted_here(folder: &Path) -> bool {
    // `E:\`, except the drive of the system.
    let system = std::env::var_os("SystemDrive").unwrap_or_default();
    folder
        .canonicalize()
        .is_ok_and(|place| place.parent().is_none() && !folder.starts_with(Path::new(&system)))
}

/// Returns the compiler's options for the board of this drive.
///
/// # Errors
///
/// [`Error::NoMpy`] if the board of the drive is unknown, or its CircuitPython is unknown to the compiler.
pub fn drive_compiler_options(drive: &Path) -> Result<CompilerOptions, Error> {
    let format = BoardFormat::of_drive(drive).ok_or(Error::NoMpy { version: None })?;
    Ok(format.compiler_options("")?)
}

/// The planned sync of a folder to a drive.
#[derive(Debug)]
pub struct DrivePush {
    plan: Plan,
    drive: PathBuf,
    contents: BTreeMap<RelativePath, Content>,
    dangling: Vec<PathBuf>,
    private: Vec<PathBuf>,
    reserved: Vec<PathBuf>,
    record: Record,
}

/// Compares `folder` with `drive`, and plans the steps. Nothing is changed.
///
/// With [`Options::delete`], only files that are in the record of earlier syncs and unchanged since then are removed. A
/// link on the drive is in the way of a file.
///
/// # Errors
///
/// [`Error::Read`] and other errors of [`walk`]; [`Error::NotCompiled`]; [`Error::InTheWay`]; [`Error::Drive`] for
/// names that FAT does not have.
pub fn push_to_drive(folder: &Path, drive: &Path, options: &Options) -> Result<DrivePush, Error> {
    let mut host = walk(folder, &options.ignore, options.links)?;
    let superseded = make::make(&mut host, &options.make)?;
    let mut on_drive = walk_destination(drive, &options.ignore)?;
    check_tree(&host.tree)?;
    note_equal_files(&mut host, &mut on_drive)?;
    let record = Record::load(drive)?;
    let mut removable = Tree::new();
    for (path, content) in &on_drive.contents {
        if superseded.contains(path)
            || (host.tree.get(path).is_none() && record.knows(path, &content.sha256()?))
        {
            // The parent folders are removable too, because a sync has created them.
            let _ = removable.insert(path.clone(), Node::Folder);
        }
    }
    let protection = |path: &RelativePath, node: &Node| {
        if options.keep.covers(path.as_str(), node.is_folder()) {
            Protection::Kept
        } else if host.tree.get(path).is_some() || removable.get(path).is_some() {
            Protection::None
        } else {
            Protection::Ignored
        }
    };
    let plan_options = plan::Options {
        delete: options.delete,
        protection: Some(&protection),
        superseded: Some(&superseded),
        ..plan::Options::default()
    };
    let plan = plan(&host.tree, &on_drive.tree, &plan_options)
        .map_err(|conflicts| Error::InTheWay { conflicts })?;
    log_plan(&plan);
    Ok(DrivePush {
        plan,
        drive: drive.to_path_buf(),
        contents: host.contents,
        dangling: host.dangling,
        private: host.private,
        reserved: host.reserved,
        record,
    })
}

/// Checks for names that are invalid on FAT, or the same.
fn check_tree(tree: &Tree) -> Result<(), Error> {
    let mut seen = BTreeMap::new();
    for (path, _) in tree.iter() {
        let path = relative(path)?;
        if let Some(first) = seen.insert(path.as_str().to_lowercase(), path.clone()) {
            let second = path;
            return Err(ToDriveError::SameName { first, second }.into());
        }
    }
    Ok(check_names(seen.values(), cfg!(windows))?)
}

fn relative(path: &RelativePath) -> Result<PortablePath, Error> {
    path.as_str().parse().map_err(|_| Error::UnsafeName {
        path: path.to_string(),
    })
}

/// Marks the files that are the same in both trees.
fn note_equal_files(host: &mut HostTree, drive: &mut HostTree) -> Result<(), Error> {
    let sizes_on_drive = sizes(&drive.tree);
    for (path, size) in sizes(&host.tree) {
        if sizes_on_drive.get(&path) == Some(&size)
            && let (Some(one), Some(other)) = (host.contents.get(&path), drive.contents.get(&path))
        {
            host.tree.set_digest(&path, one.sha256()?);
            drive.tree.set_digest(&path, other.sha256()?);
        }
    }
    Ok(())
}

impl DrivePush {
    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the symbolic links in the folder without a target. They are left out.
    pub fn dangling(&self) -> &[PathBuf] {
        &self.dangling
    }

    /// Returns the files of the folder that are left out because they usually hold passwords or secret keys.
    pub fn private(&self) -> &[PathBuf] {
        &self.private
    }

    /// Returns the files that are left out because of a [reserved](piton_path::is_reserved) name.
    pub fn reserved(&self) -> &[PathBuf] {
        &self.reserved
    }

    /// Carries the plan out: folders first, then files, with those that start the board's program at the end, then
    /// removals.
    ///
    /// # Errors
    ///
    /// [`Error::Write`], [`Error::Drive`] if the drive refuses a file, [`Error::Read`] for a file that was removed
    /// meanwhile, [`BoardError::Cancelled`]. The reported steps are carried out; each other file is unchanged.
    pub fn apply(
        mut self,
        cancel: &Cancel,
        events: &mut dyn FnMut(SyncEvent) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut stop = Stop::new(cancel);
        if self.plan.steps.is_empty() {
            return Ok(());
        }
        let record = PortablePath::of_record(FILE_NAME);
        let steps = std::mem::take(&mut self.plan.steps);
        let paths = steps.iter().map(|step| relative(&step.path));
        let mut paths = paths.collect::<Result<Vec<PortablePath>, Error>>()?;
        paths.push(record.clone());
        let drive = self.drive.clone();
        let parts = Parts::open(&drive, paths.iter())?;
        let mut order = steps.iter().enumerate().collect::<Vec<(usize, &Step)>>();
        order.sort_by_key(|(index, step)| match step.action {
            Action::MakeFolder => (0, *index),
            Action::Create | Action::Replace if start_files::rank(step.path.as_str()) == 0 => {
                (1, *index)
            }
            Action::Create | Action::Replace => (2, *index),
            Action::Delete | Action::DeleteFolder => (3, *index),
        });
        let mut done = Ok(());
        for (index, step) in order {
            done = match cancel.is_cancelled() {
                true => Err(BoardError::Cancelled.into()),
                false => self.apply_step(&parts, step),
            };
            if done.is_err() {
                break;
            }
            stop.report(|| events(SyncEvent::Done { step: index }));
        }
        // The record is saved also after an error, because some steps were carried out.
        let saved = parts
            .put(&record, self.record.text().as_bytes())
            .map_err(|source| Error::Write {
                path: drive.join(FILE_NAME),
                source,
            });
        done.and(saved.map(drop))
    }

    fn apply_step(&mut self, parts: &Parts<'_>, step: &Step) -> Result<(), Error> {
        let place = self.drive.join(step.path.as_str());
        let failed = |source| Error::Write {
            path: place.clone(),
            source,
        };
        // A parent folder may have become a link since the plan was made.
        stay_inside(&self.drive, &step.path).map_err(failed)?;
        let path = relative(&step.path)?;
        match step.action {
            Action::MakeFolder => parts.make_folder(&path).map_err(failed)?,
            Action::Delete => {
                crate::flushed::remove(&place).map_err(failed)?;
                self.record.remove(&step.path);
            }
            Action::DeleteFolder => crate::flushed::remove_folder(&place).map_err(failed)?,
            Action::Create | Action::Replace => {
                let content = self.contents.get(&step.path);
                let content = content.map_or(Ok(Vec::new()), Content::read)?;
                parts.put(&path, &content).map_err(failed)?;
                if fs::read(&place).map_err(failed)? != content {
                    return Err(ToDriveError::ReadBack { path: place }.into());
                }
                let digest = Content::Made(content).sha256()?;
                self.record.add(step.path.clone(), &digest);
            }
        }
        Ok(())
    }
}
