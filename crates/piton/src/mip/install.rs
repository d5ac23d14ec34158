//! Fetched packages onto a board: all new files beside the old ones first, then all into their places.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::repl::RawRepl;
use piton_fs::error::Error as FsError;
use piton_fs::hash::HashAlgorithm;
use piton_fs::path::BoardPath;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::{Outgoing, SendOptions, Step, TransferEvent};
use piton_project::mip::INDEX;
use piton_project::mip::package::sha256;
use piton_project::mip::record::{Installed, Record};
use piton_project::mip::resolve::{Package, Visit};
use piton_project::mip::source::Source;
use piton_project::relative_path::RelativePath;
use sha2::{Digest, Sha256};

use super::library::STEP_TIME;
use super::{Fetched, Library, MipError, MipEvent};

/// What the name of a file ends with until all of its package is on the board.
const TEMPORARY_SUFFIX: &str = ".piton-mip";

/// How long the content of one file may take: the largest flash over the slowest line.
const CONTENT_TIME: Duration = Duration::from_secs(3600);

/// Whether the board gets a record of what is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordUse {
    /// It does: [`super::list()`], updating and [`super::uninstall()`] need one.
    Keep,
    /// Only if it has one already; one that is damaged is left alone.
    IfPresent,
}

/// What installing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    /// How many files were written.
    pub written: usize,
    /// How many files of earlier versions were removed.
    pub removed: usize,
    /// Each package: its name, the version on record before, its version now.
    pub packages: Vec<(String, Option<String>, Option<String>)>,
}

/// Put a package and all it needs on the board. Files that it has already are not sent. Files of an earlier version
/// that the new one lacks are removed, if they are on record and nobody changed them.
///
/// # Errors
///
/// When the board refuses a file, or the line breaks: then the board's packages are as they were. (A line that breaks
/// in the moment of renaming can leave a part: see [`RemoteFs::swap`].)
pub fn install(
    repl: &mut RawRepl<'_>,
    library: &Library,
    fetched: &Fetched,
    record_use: RecordUse,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<Installation, MipError> {
    let mut remote = RemoteFs::new(repl);
    let old = match (library.record(&mut remote), record_use) {
        (Ok(record), _) => record,
        (Err(MipError::Record { .. }), RecordUse::IfPresent) => None,
        (Err(error), _) => return Err(error),
    };
    let keeps_record = old.is_some() || record_use == RecordUse::Keep;
    let old = old.unwrap_or_default();
    let mut work = Work {
        remote,
        library,
        events,
        folders: BTreeMap::new(),
        pairs: Vec::new(),
    };
    let new = record_with(&old, fetched);
    let record = match keeps_record && new != old {
        true => Some(new.to_text().map_err(|source| {
            let path = library.record_path().unwrap_or_default();
            MipError::Record { path, source }
        })?),
        false => None,
    };
    let put = work.put_all(fetched, record.as_deref()).and_then(|()| {
        Ok(work
            .remote
            .swap(&work.pairs, Deadline::after(CONTENT_TIME))?)
    });
    if let Err(error) = put {
        work.tidy_up();
        return Err(error);
    }
    let written = work.pairs.len() - usize::from(record.is_some());
    let removed = work.remove_stale(&old, &new)?;
    let packages = fetched.packages().iter();
    let packages = packages.map(|package| {
        let name = package.source.name();
        let before = old.find(&name).and_then(|old| old.version.clone());
        (name, before, package.version.clone())
    });
    Ok(Installation {
        written,
        removed,
        packages: packages.collect(),
    })
}

/// The record as it will be.
fn record_with(old: &Record, fetched: &Fetched) -> Record {
    let mut record = old.clone();
    for (index, (package, contents)) in fetched.packages().iter().zip(&fetched.contents).enumerate()
    {
        let files = package.files.iter().zip(contents);
        record.put(Installed {
            name: package.source.name(),
            version: package.version.clone(),
            source: package.source.to_string(),
            index: match package.source {
                Source::Index { .. } => Some(fetched.index.clone()).filter(|index| index != INDEX),
                _ => None,
            },
            mpy: fetched.mpy,
            requested: index == 0,
            needs: package.needs.clone(),
            files: files
                .map(|(file, content)| (file.path.clone(), sha256(content)))
                .collect(),
        });
    }
    record
}

/// A board's library while it changes.
struct Work<'w, 'r, 'b> {
    remote: RemoteFs<'r, 'b>,
    library: &'w Library,
    events: &'w mut dyn FnMut(MipEvent<'_>),
    /// Folders that are needed: whether they are there already.
    folders: BTreeMap<BoardPath, bool>,
    /// Files that are written, and where they belong.
    pairs: Vec<(BoardPath, BoardPath)>,
}

/// What there is to tell, in its order.
enum Line<'f> {
    Package(&'f Visit, &'f Package),
    File {
        shown: String,
        hashed: bool,
        /// The step that writes it, if the board lacks it.
        step: Option<usize>,
    },
}

impl Work<'_, '_, '_> {
    /// Write all files that the board lacks beside their places, in one stream; `record` is the last of them.
    fn put_all(&mut self, fetched: &Fetched, record: Option<&str>) -> Result<(), MipError> {
        let mut lines = Vec::new();
        let mut files = Vec::new();
        let mut settled = BTreeSet::new();
        for visit in &fetched.resolution.visits {
            let Some(package) = fetched.packages().get(visit.package) else {
                continue;
            };
            lines.push(Line::Package(visit, package));
            let contents = fetched.contents.get(visit.package);
            for (file, content) in package.files.iter().zip(contents.into_iter().flatten()) {
                let place = self.library.place(file.path.as_str())?;
                let is_new = settled.insert(&file.path) && !self.has(&place, content)?;
                lines.push(Line::File {
                    shown: self.library.shown(file.path.as_str()),
                    hashed: file.hash.is_some(),
                    step: is_new.then_some(files.len()),
                });
                if is_new {
                    files.push((place, content.as_slice()));
                }
            }
        }
        if let Some(text) = record {
            files.push((self.library.record_path()?, text.as_bytes()));
        }
        self.send(&files, lines)
    }

    fn send(&mut self, files: &[(BoardPath, &[u8])], lines: Vec<Line<'_>>) -> Result<(), MipError> {
        for (place, _) in files {
            for folder in self.library.folders(place) {
                if !self.folders.contains_key(&folder) {
                    let is_there = self.remote.exists(&folder, Deadline::after(STEP_TIME))?;
                    self.folders.insert(folder, is_there);
                }
            }
            let beside = format!("{place}{TEMPORARY_SUFFIX}");
            let beside = beside.parse().map_err(|_| MipError::Target {
                target: place.to_string(),
            })?;
            self.pairs.push((beside, place.clone()));
        }
        // A folder sorts before what is in it.
        let missing = self.folders.iter().filter(|(_, is_there)| !**is_there);
        let mut steps: Vec<Step<'_>> = missing
            .map(|(folder, _)| Step::MakeDir(folder.clone()))
            .collect();
        let first_file = steps.len();
        let writes = self
            .pairs
            .iter()
            .zip(files)
            .map(|((beside, _), (_, content))| {
                let mut file = Outgoing::from_bytes(beside.clone(), content);
                file.replaces = Some(0);
                Step::Write(file)
            });
        steps.extend(writes);
        let mut lines = lines.into_iter().peekable();
        let events = &mut self.events;
        // Up to the file that `step` writes; all, at the end.
        let mut tell = |step: Option<usize>, events: &mut dyn FnMut(MipEvent<'_>)| {
            let is_due = |line: &Line<'_>| match (line, step) {
                (
                    Line::File {
                        step: Some(own), ..
                    },
                    Some(step),
                ) => *own <= step,
                _ => true,
            };
            while let Some(line) = lines.next_if(is_due) {
                events(match &line {
                    Line::Package(visit, package) => MipEvent::Package { visit, package },
                    Line::File {
                        shown,
                        hashed,
                        step,
                    } => MipEvent::File {
                        path: shown,
                        same: step.is_none(),
                        hashed: *hashed,
                    },
                });
            }
        };
        if steps.is_empty() {
            tell(None, *events);
            return Ok(());
        }
        self.remote.send(
            steps,
            &SendOptions::default(),
            &mut |event| match event {
                TransferEvent::Moved { step, bytes, of } if step >= first_file => {
                    tell(Some(step - first_file), *events);
                    events(MipEvent::Wrote { bytes, of });
                }
                TransferEvent::Done { step } if step >= first_file => {
                    tell(Some(step - first_file), *events);
                }
                _ => {}
            },
            Deadline::after(CONTENT_TIME),
        )?;
        tell(None, self.events);
        Ok(())
    }

    /// Whether the board has this file already.
    fn has(&mut self, place: &BoardPath, content: &[u8]) -> Result<bool, MipError> {
        let deadline = Deadline::after(CONTENT_TIME);
        match self.remote.hash(place, HashAlgorithm::Sha256, deadline) {
            Ok(digest) => Ok(digest == Sha256::digest(content).as_slice()),
            Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// After a failure: take away what was written. Where the line is gone, it stays under its own names.
    fn tidy_up(&mut self) {
        for (beside, _) in &self.pairs {
            let _ = self.remote.remove_file(beside, Deadline::after(STEP_TIME));
        }
        let made = self.folders.iter().filter(|(_, is_there)| !**is_there);
        for (folder, _) in made.rev() {
            let _ = self.remote.remove_dir(folder, Deadline::after(STEP_TIME));
        }
    }

    /// Remove what earlier versions of the packages had and the new ones lack.
    fn remove_stale(&mut self, old: &Record, new: &Record) -> Result<usize, MipError> {
        let is_wanted = |path: &RelativePath| {
            let mut files = new.packages.iter().flat_map(|package| &package.files);
            files.any(|(file, _)| file == path)
        };
        let mut removed = 0;
        for (path, hash) in old.packages.iter().flat_map(|package| &package.files) {
            if !is_wanted(path)
                && remove_unchanged(&mut self.remote, self.library, path, hash, self.events)?
            {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Remove a file of a package, unless somebody changed it; `false` if it stays or was not there.
pub(super) fn remove_unchanged(
    remote: &mut RemoteFs<'_, '_>,
    library: &Library,
    path: &RelativePath,
    hash: &str,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<bool, MipError> {
    let place = library.place(path.as_str())?;
    let shown = library.shown(path.as_str());
    let found = match remote.hash(&place, HashAlgorithm::Sha256, Deadline::after(CONTENT_TIME)) {
        Ok(digest) => digest,
        Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => return Ok(false),
        // Somebody put a folder there.
        Err(FsError::IsADirectory { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
    if found != *hash {
        events(MipEvent::Changed { path: &shown });
        return Ok(false);
    }
    remote.remove_file(&place, Deadline::after(STEP_TIME))?;
    events(MipEvent::Removed { path: &shown });
    remove_empty_folders(remote, library, path)?;
    Ok(true)
}

/// Remove the folders of a package that have become empty.
fn remove_empty_folders(
    remote: &mut RemoteFs<'_, '_>,
    library: &Library,
    path: &RelativePath,
) -> Result<(), MipError> {
    let mut folder = path.parent();
    while let Some(path) = folder {
        let place = library.place(path.as_str())?;
        match remote.remove_dir(&place, Deadline::after(STEP_TIME)) {
            Ok(()) => folder = path.parent(),
            Err(FsError::NotEmpty { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
