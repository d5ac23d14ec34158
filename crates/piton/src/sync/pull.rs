//! Syncing from a board to this computer.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::Error as BoardError;
use piton_board::stop::Stop;
use piton_fs::error::Error as FsError;
use piton_fs::plan::{self, Action, Node, Plan, Protection, Step, Tree, plan};
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::{Arrival, TransferEvent};
use piton_path::BoardPath;
use piton_path::RelativePath;
use piton_project::mip;
use sha2::{Digest, Sha256};

use super::board_side::{Root, note_equal_files, sizes, survey};
use super::host_side::walk_destination;
use super::record::Record;
use super::{Content, Error, IGNORE_NAME, Options, SyncEvent, has_reserved_name, log_plan};
use crate::host_file::Incoming;
use crate::host_name;
use crate::times::CONTENT_TIME;

/// Maximum size of a file in bytes. File systems of boards have no larger files, so a board that sends more is broken,
/// and must not fill the disk.
const LARGEST: u64 = u32::MAX as u64;

/// The planned sync of a board's folder to this computer.
#[derive(Debug)]
pub struct Pull {
    plan: Plan,
    root: BoardPath,
    folder: PathBuf,
    record: Record,
    reserved: Vec<BoardPath>,
    foreign_journals: Vec<BoardPath>,
}

/// Compares the folder `root` of the board with `folder`, and plans the steps. Nothing is
/// changed, except by [`Options::settle`].
///
/// The content of `root` is copied into `folder`, which is created if it is missing. Only files that an earlier pull
/// has written and that are unchanged since then are replaced or removed, unless [`Options::force`] is set: see
/// [`RECORD_NAME`]. File systems that are mounted below `root` are left out.
///
/// # Errors
///
/// [`Error::NoFolder`], [`Error::NotAFolder`]; [`Error::UnsafeName`], [`Error::SameName`] for names that are invalid on
/// this computer; [`Error::WouldBeLost`], [`Error::TooBroad`], [`Error::InTheWay`]; [`Error::Read`], [`Error::Fs`].
///
/// [`RECORD_NAME`]: super::RECORD_NAME
pub fn pull(
    remote: &mut RemoteFs<'_, '_>,
    root: &BoardPath,
    folder: &Path,
    options: &Options,
) -> Result<Pull, Error> {
    let mut host = walk_destination(folder, &options.ignore)?;
    let mut survey = survey(remote, root, &sizes(&host.tree), options)?;
    match survey.root {
        Root::Missing => return Err(Error::NoFolder { path: root.clone() }),
        Root::Other => return Err(Error::NotAFolder { path: root.clone() }),
        Root::Folder => {}
    }
    note_equal_files(&mut host.tree, &host.contents, &mut survey)?;
    let mut source = Tree::new();
    let mut reserved = Vec::new();
    for (path, node) in survey.tree.iter() {
        if *node == Node::Foreign || host.ignored.covers(path.as_str(), node.is_folder()) {
            continue;
        }
        if has_reserved_name(path) || is_twin_of_patterns(path) {
            // The record of installed packages belongs to the board, so it is not reported.
            if path.file_name() != mip::record::FILE_NAME {
                reserved.push(path.below(root));
            }
            continue;
        }
        if !host_name::is_valid(path) {
            return Err(Error::UnsafeName {
                path: path.to_string(),
            });
        }
        // The entry comes from a valid tree, so this does not fail.
        let _ = source.insert(path.clone(), node.clone());
    }
    if let Some((first, second)) = host_name::twins(source.iter().map(|(path, _)| path)) {
        return Err(Error::SameName {
            first: first.clone(),
            second: second.clone(),
        });
    }
    let protection = |path: &RelativePath, node: &Node| match options
        .keep
        .covers(path.as_str(), node.is_folder())
    {
        true => Protection::Kept,
        false => Protection::None,
    };
    let plan_options = plan::Options {
        delete: options.delete,
        protection: Some(&protection),
        ..plan::Options::default()
    };
    let plan = plan(&source, &host.tree, &plan_options)
        .map_err(|conflicts| Error::InTheWay { conflicts })?;
    log_plan(&plan);
    let mut record = Record::load(folder)?;
    check_losses(&plan, folder, &host.contents, &record, options)?;
    for path in &plan.unchanged {
        if let Some(Node::File {
            digest: Some(digest),
            ..
        }) = host.tree.get(path)
        {
            record.add(path.clone(), digest);
        }
    }
    Ok(Pull {
        plan,
        root: root.clone(),
        folder: folder.to_path_buf(),
        record,
        reserved,
        foreign_journals: survey.foreign_journals,
    })
}

/// Returns whether this file of a board has a name that this computer takes for that of the patterns.
fn is_twin_of_patterns(path: &RelativePath) -> bool {
    path.file_name() != IGNORE_NAME
        && path.file_name().to_lowercase().trim_end_matches(['.', ' ']) == IGNORE_NAME
}

/// Checks that only copies of the board's files are replaced or removed.
fn check_losses(
    plan: &Plan,
    folder: &Path,
    contents: &BTreeMap<RelativePath, Content>,
    record: &Record,
    options: &Options,
) -> Result<(), Error> {
    let removes = |action| matches!(action, Action::Delete | Action::DeleteFolder);
    if plan.steps.iter().any(|step| removes(step.action)) && is_broad(folder) {
        return Err(Error::TooBroad {
            path: folder.to_path_buf(),
        });
    }
    if options.force {
        return Ok(());
    }
    let mut paths = Vec::new();
    for step in &plan.steps {
        let loses = matches!(step.action, Action::Delete | Action::Replace);
        if let Some(content) = contents.get(&step.path).filter(|_| loses)
            && !record.knows(&step.path, &content.sha256()?)
        {
            paths.push(step.path.clone());
        }
    }
    paths.sort();
    match paths.is_empty() {
        true => Ok(()),
        false => Err(Error::WouldBeLost { paths }),
    }
}

/// Returns whether the folder has all files of the computer, or of a user.
fn is_broad(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    let home = etcetera::home_dir().ok();
    let home = home.and_then(|home| home.canonicalize().ok());
    folder.parent().is_none() || home.is_some_and(|home| home.starts_with(&folder))
}

impl Pull {
    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the files of the board with a [reserved](piton_path::is_reserved) name. They are left out.
    pub fn reserved(&self) -> &[BoardPath] {
        &self.reserved
    }

    /// Returns the files of the board with the name of a journal that are not journals: see [`FsError::NotAJournal`].
    pub fn foreign_journals(&self) -> &[BoardPath] {
        &self.foreign_journals
    }

    /// Carries the plan out.
    ///
    /// # Errors
    ///
    /// [`Error::Fs`] if the board refuses a file, [`Error::Write`] if this computer does; that of an interruption
    /// when `events` breaks. The reported steps are carried out; each other file is unchanged.
    pub fn apply(
        mut self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(SyncEvent) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut stop = Stop::new(remote.cancel());
        let events = &mut |event| stop.report(|| events(event));
        fs::create_dir_all(&self.folder).map_err(|source| Error::Write {
            path: self.folder.clone(),
            source,
        })?;
        let done = self.apply_steps(remote, events);
        // The record is saved also after an error, because some files were copied.
        let saved = self.record.save(&self.folder);
        done.and(saved)
    }

    /// Carries out all steps: those on this computer in their order, with the files of the board in one stream in
    /// between.
    fn apply_steps(
        &mut self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(SyncEvent),
    ) -> Result<(), Error> {
        let steps = std::mem::take(&mut self.plan.steps);
        let writes = |step: &Step| step.action.writes();
        let first = steps.iter().position(writes).unwrap_or(steps.len());
        let end = steps
            .iter()
            .rposition(writes)
            .map_or(first, |last| last + 1);
        for (index, step) in steps.iter().enumerate().take(first) {
            self.apply_on_host(remote.cancel(), step)?;
            events(SyncEvent::Done { step: index });
        }
        let files = steps.get(first..end).unwrap_or_default();
        self.receive(remote, files, first, events)?;
        for (index, step) in steps.iter().enumerate().skip(end) {
            self.apply_on_host(remote.cancel(), step)?;
            events(SyncEvent::Done { step: index });
        }
        Ok(())
    }

    fn apply_on_host(&mut self, cancel: &Cancel, step: &Step) -> Result<(), Error> {
        if cancel.is_cancelled() {
            return Err(BoardError::Cancelled.into());
        }
        let path = self.folder.join(step.path.as_str());
        let unwritable = |source| Error::Write {
            path: path.clone(),
            source,
        };
        stay_inside(&self.folder, &step.path).map_err(unwritable)?;
        match step.action {
            Action::MakeFolder => match fs::create_dir(&path) {
                Err(error) if !path.is_dir() => return Err(unwritable(error)),
                _ => {}
            },
            Action::Delete => {
                fs::remove_file(&path).map_err(unwritable)?;
                self.record.remove(&step.path);
            }
            Action::DeleteFolder => fs::remove_dir(&path).map_err(unwritable)?,
            // The content of these files comes from the board.
            Action::Create | Action::Replace => {}
        }
        Ok(())
    }

    /// Receives the files of these steps from the board, and writes each when it is complete.
    fn receive(
        &mut self,
        remote: &mut RemoteFs<'_, '_>,
        files: &[Step],
        first: usize,
        events: &mut dyn FnMut(SyncEvent),
    ) -> Result<(), Error> {
        let paths = files.iter().map(|step| step.path.below(&self.root));
        let paths = paths.collect::<Vec<BoardPath>>();
        if paths.is_empty() {
            return Ok(());
        }
        let mut failed = None;
        let mut arriving: Option<Arriving> = None;
        let mut sink = |arrival: Arrival<'_>| {
            let step = match arrival {
                Arrival::Begin { index, .. }
                | Arrival::Content { index, .. }
                | Arrival::End { index } => files.get(index),
            };
            let step = step.ok_or(io::ErrorKind::InvalidData)?;
            let path = self.folder.join(step.path.as_str());
            let taken = match arrival {
                Arrival::Begin { .. } => stay_inside(&self.folder, &step.path)
                    .and_then(|()| Arriving::begin(&path))
                    .map(|begun| arriving = Some(begun)),
                Arrival::Content { bytes, .. } => match &mut arriving {
                    Some(file) => file.take(bytes),
                    None => Err(io::ErrorKind::InvalidData.into()),
                },
                Arrival::End { .. } => match arriving.take() {
                    // A parent folder may have become a link while the file arrived.
                    Some(file) => stay_inside(&self.folder, &step.path)
                        .and_then(|()| file.end())
                        .map(|sha256| self.record.add(step.path.clone(), &sha256)),
                    None => Err(io::ErrorKind::InvalidData.into()),
                },
            };
            taken.inspect_err(|_| failed = Some(path))
        };
        let mut report = |event| match event {
            TransferEvent::Moved { step, bytes, .. } => events(SyncEvent::Moved {
                step: first + step,
                bytes,
            }),
            TransferEvent::Done { step } => events(SyncEvent::Done { step: first + step }),
            _ => {}
        };
        let deadline = Deadline::after(CONTENT_TIME);
        match remote.receive(&paths, &mut sink, &mut report, deadline) {
            Err(FsError::Source { source, .. }) if failed.is_some() => Err(Error::Write {
                path: failed.unwrap_or_default(),
                source,
            }),
            done => Ok(done.map(|_| ())?),
        }
    }
}

/// A file that is being received.
struct Arriving {
    file: Incoming,
    bytes: u64,
    digest: Sha256,
}

impl Arriving {
    fn begin(path: &Path) -> io::Result<Arriving> {
        Ok(Arriving {
            file: Incoming::begin(path)?,
            bytes: 0,
            digest: Sha256::new(),
        })
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        if self.bytes > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    /// Renames the file to its destination. Returns its SHA-256.
    fn end(self) -> io::Result<Vec<u8>> {
        self.file.commit()?;
        Ok(self.digest.finalize().to_vec())
    }
}

/// Refuses links below `folder`, which could lead out of it, also new ones since the plan was made.
pub(super) fn stay_inside(folder: &Path, path: &RelativePath) -> io::Result<()> {
    let mut place = folder.to_path_buf();
    for name in path.names() {
        place.push(name);
        if place.is_symlink() {
            let text = format!("`{}` is a link, which may lead elsewhere", place.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    /// Returns a plan of these steps, and the contents of the files of this computer.
    fn planned(steps: &[(Action, &str)]) -> (Plan, BTreeMap<RelativePath, Content>) {
        let mut plan = Plan::default();
        let mut contents = BTreeMap::new();
        for (action, name) in steps {
            plan.steps.push(Step {
                action: *action,
                path: path(name),
                size: None,
            });
            contents.insert(path(name), Content::Made(name.as_bytes().to_vec()));
        }
        (plan, contents)
    }

    /// Returns the paths that would be lost, when `known` files are on record as copies of the board's.
    fn lost(steps: &[(Action, &str)], known: &[&str], options: &Options) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (plan, contents) = planned(steps);
        let mut record = Record::default();
        for name in known {
            record.add(path(name), &Sha256::digest(name));
        }
        match check_losses(&plan, folder.path(), &contents, &record, options) {
            Ok(()) => "nothing".to_owned(),
            Err(Error::WouldBeLost { paths }) => {
                let paths = paths.iter().map(|path| path.as_str());
                paths.collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn only_copies_of_the_boards_files_are_replaced_and_removed() {
        let steps = [
            (Action::Replace, "b"),
            (Action::Delete, "a"),
            (Action::Replace, "known"),
            (Action::Create, "new"),
        ];
        let options = Options::default();
        assert_eq!(lost(&steps, &["known"], &options), "a b");
        assert_eq!(lost(&steps, &["a", "b", "known"], &options), "nothing");
        let force = Options {
            force: true,
            ..Options::default()
        };
        assert_eq!(lost(&steps, &[], &force), "nothing");
    }

    #[test]
    fn nothing_is_removed_from_a_home_or_a_root() {
        assert!(is_broad(Path::new("/")));
        let home = etcetera::home_dir().unwrap();
        assert!(is_broad(&home));
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_broad(folder.path()));
        assert!(!is_broad(&folder.path().join("none")));
        let (plan, contents) = planned(&[(Action::DeleteFolder, "a")]);
        let force = Options {
            force: true,
            ..Options::default()
        };
        let refused = check_losses(&plan, Path::new("/"), &contents, &Record::default(), &force);
        assert!(matches!(refused, Err(Error::TooBroad { .. })));
        let (plan, contents) = planned(&[(Action::Create, "a")]);
        assert!(check_losses(&plan, Path::new("/"), &contents, &Record::default(), &force).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_below_the_folder_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("real/deep")).unwrap();
        std::os::unix::fs::symlink(at("real"), at("link")).unwrap();
        std::os::unix::fs::symlink("/nowhere", at("real/dangling")).unwrap();
        for (name, is_inside) in [
            ("real/deep/a", true),
            ("new/a", true),
            ("link", false),
            ("link/deep/a", false),
            ("real/dangling", false),
        ] {
            assert_eq!(
                stay_inside(folder.path(), &path(name)).is_ok(),
                is_inside,
                "{name}"
            );
        }
        // The folder itself may be one: the caller named it.
        assert!(stay_inside(&at("link"), &path("deep/a")).is_ok());
    }

    #[test]
    fn a_file_that_is_larger_than_any_boards_is_not_written_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("a");
        let mut arriving = Arriving::begin(&at).unwrap();
        arriving.take(b"one").unwrap();
        arriving.bytes = LARGEST;
        let error = arriving.take(b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        drop(arriving);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut arriving = Arriving::begin(&at).unwrap();
        arriving.take(b"o").unwrap();
        arriving.take(b"ne").unwrap();
        assert!(!at.exists(), "not before it is complete");
        assert_eq!(arriving.end().unwrap(), Sha256::digest(b"one").to_vec());
        assert_eq!(fs::read(&at).unwrap(), b"one");
    }
}
