//! Fetched packages onto a board: all new files beside the old ones first, then all into their places.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::repl::RawRepl;
use piton_fs::Event;
use piton_fs::error::Error as FsError;
use piton_fs::hash::HashAlgorithm;
use piton_fs::path::BoardPath;
use piton_fs::remote::RemoteFs;
use piton_project::mip::INDEX;
use piton_project::mip::package::sha256;
use piton_project::mip::record::{Installed, Record};
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
        made: Vec::new(),
        known_folders: BTreeSet::new(),
        pairs: Vec::new(),
    };
    let new = record_with(&old, fetched);
    let put = work.put_all(fetched).and_then(|()| {
        if keeps_record && new != old {
            work.put_record(&new)?;
        }
        Ok(work
            .remote
            .swap(&work.pairs, Deadline::after(CONTENT_TIME))?)
    });
    if let Err(error) = put {
        work.tidy_up();
        return Err(error);
    }
    let written = work.pairs.len() - usize::from(keeps_record && new != old);
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
    /// Folders that were not there before.
    made: Vec<BoardPath>,
    known_folders: BTreeSet<BoardPath>,
    /// Files that are written, and where they belong.
    pairs: Vec<(BoardPath, BoardPath)>,
}

impl Work<'_, '_, '_> {
    /// Write all files that the board lacks beside their places.
    fn put_all(&mut self, fetched: &Fetched) -> Result<(), MipError> {
        let mut settled = BTreeMap::new();
        for visit in &fetched.resolution.visits {
            let Some(package) = fetched.packages().get(visit.package) else {
                continue;
            };
            (self.events)(MipEvent::Package { visit, package });
            let contents = fetched.contents.get(visit.package);
            for (file, content) in package.files.iter().zip(contents.into_iter().flatten()) {
                let is_first = settled.insert(&file.path, ()).is_none();
                let place = self.library.place(file.path.as_str())?;
                let same = !is_first || self.has(&place, content)?;
                (self.events)(MipEvent::File {
                    path: &self.library.shown(file.path.as_str()),
                    same,
                    hashed: file.hash.is_some(),
                });
                if !same {
                    self.put(place, content)?;
                }
            }
        }
        Ok(())
    }

    fn put_record(&mut self, record: &Record) -> Result<(), MipError> {
        let place = self.library.record_path()?;
        let text = record.to_text().map_err(|source| MipError::Record {
            path: place.clone(),
            source,
        })?;
        self.put(place, text.as_bytes())
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

    /// Write a file beside its place.
    fn put(&mut self, place: BoardPath, content: &[u8]) -> Result<(), MipError> {
        for folder in self.library.folders(&place) {
            self.make_folder(folder)?;
        }
        let beside = format!("{place}{TEMPORARY_SUFFIX}");
        let beside: BoardPath = beside.parse().map_err(|_| MipError::Target {
            target: place.to_string(),
        })?;
        self.pairs.push((beside.clone(), place));
        let events = &mut self.events;
        self.remote.write(
            &beside,
            content,
            &mut |event| {
                if let Event::Wrote { bytes, of } = event {
                    events(MipEvent::Wrote { bytes, of });
                }
            },
            Deadline::after(CONTENT_TIME),
        )?;
        Ok(())
    }

    fn make_folder(&mut self, folder: BoardPath) -> Result<(), MipError> {
        if self.known_folders.contains(&folder) {
            return Ok(());
        }
        let deadline = Deadline::after(STEP_TIME);
        if !self.remote.exists(&folder, deadline)? {
            self.remote.make_dir(&folder, deadline)?;
            self.made.push(folder.clone());
        }
        self.known_folders.insert(folder);
        Ok(())
    }

    /// After a failure: take away what was written. Where the line is gone, it stays under its own names.
    fn tidy_up(&mut self) {
        for (beside, _) in &self.pairs {
            let _ = self.remote.remove_file(beside, Deadline::after(STEP_TIME));
        }
        for folder in self.made.iter().rev() {
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
