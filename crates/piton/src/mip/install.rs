//! Fetched packages onto a board: all new files beside the old ones first, then all into their places.

use std::collections::BTreeSet;
use std::iter::Peekable;

use piton_board::deadline::Deadline;
use piton_board::repl::RawRepl;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::Hashing;
use piton_project::mip::INDEX;
use piton_project::mip::package::sha256;
use piton_project::mip::record::{FILE_NAME, Installed, Record};
use piton_project::mip::resolve::{Package, Visit};
use piton_project::mip::source::Source;
use piton_project::relative_path::RelativePath;

use super::change::{Change, FileEvent, Found, Stale};
use super::library::{CONTENT_TIME, is_same};
use super::{Fetched, Library, MipError, MipEvent};

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
/// A change of this library that was cut off is finished first.
///
/// # Errors
///
/// When the board refuses a file, or the line breaks: then the board's packages are as they were. If the line breaks, or
/// the power goes, while the new files take their places, the rest is done by the next change of this library.
pub fn install(
    repl: &mut RawRepl<'_>,
    library: &Library,
    fetched: &Fetched,
    record_use: RecordUse,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<Installation, MipError> {
    let mut remote = RemoteFs::new(repl);
    let remote = &mut remote;
    let old = match (library.settled_record(remote, events), record_use) {
        (Ok(record), _) => record,
        (Err(MipError::Record { .. }), RecordUse::IfPresent) => None,
        (Err(error), _) => return Err(error),
    };
    let keeps_record = old.is_some() || record_use == RecordUse::Keep;
    let old = old.unwrap_or_default();
    let new = record_with(&old, fetched);
    let record = match keeps_record && new != old {
        true => Some(new.to_text().map_err(|source| {
            let path = library.record_path().unwrap_or_default();
            MipError::Record { path, source }
        })?),
        false => None,
    };
    let new_files = || new.packages.iter().flat_map(|package| &package.files);
    let wanted: BTreeSet<&RelativePath> = new_files().map(|(path, _)| path).collect();
    let old_files = old.packages.iter().flat_map(|package| &package.files);
    let stale = Stale::of(old_files, |path| wanted.contains(path));

    let found = look(remote, library, fetched, &stale)?;
    let mut change = Change::new(library);
    let lines = put_missing(&mut change, remote, library, fetched, &found)?;
    let written = change.written();
    if let Some(text) = &record {
        change.put(FILE_NAME, text.as_bytes())?;
    }
    change.make_missing_folders(&found);
    change.remove(remote, &stale, &found)?;
    let mut telling = Telling {
        lines: lines.into_iter().peekable(),
        events,
    };
    change.carry_out(remote, &mut |event| match event {
        FileEvent::Moved { index, bytes, of } => {
            telling.up_to(Some(index));
            (telling.events)(MipEvent::Wrote { bytes, of });
        }
        FileEvent::Done { index } => telling.up_to(Some(index)),
    })?;
    telling.up_to(None);
    change.tell(events);
    let packages = fetched.packages().iter();
    let packages = packages.map(|package| {
        let name = package.source.name();
        let before = old.find(&name).and_then(|old| old.version.clone());
        (name, before, package.version.clone())
    });
    Ok(Installation {
        written,
        removed: change.removed(),
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

/// Ask the board, once, what it has of all this.
fn look(
    remote: &mut RemoteFs<'_, '_>,
    library: &Library,
    fetched: &Fetched,
    stale: &Stale<'_>,
) -> Result<Found, MipError> {
    let mut wanted = stale.wanted(library)?;
    let mut folders = BTreeSet::new();
    folders.extend(library.folders(&library.record_path()?));
    for (package, contents) in fetched.packages().iter().zip(&fetched.contents) {
        for (file, content) in package.files.iter().zip(contents) {
            let place = library.place(file.path.as_str())?;
            folders.extend(library.folders(&place));
            wanted.push((place, Hashing::IfSize(content.len() as u64)));
        }
    }
    let folders = folders.into_iter();
    wanted.extend(folders.map(|folder| (folder, Hashing::Never)));
    Ok(remote.look(&wanted, Deadline::after(CONTENT_TIME))?)
}

/// What there is to tell, in its order.
enum Line<'f> {
    Package(&'f Visit, &'f Package),
    File {
        shown: String,
        hashed: bool,
        /// Its number among the files that are written, if the board lacks it.
        index: Option<usize>,
    },
}

/// Put the files that the board lacks into the change.
fn put_missing<'f>(
    change: &mut Change<'f>,
    remote: &mut RemoteFs<'_, '_>,
    library: &Library,
    fetched: &'f Fetched,
    found: &Found,
) -> Result<Vec<Line<'f>>, MipError> {
    let mut lines = Vec::new();
    let mut settled = BTreeSet::new();
    for visit in &fetched.resolution.visits {
        let Some(package) = fetched.packages().get(visit.package) else {
            continue;
        };
        lines.push(Line::Package(visit, package));
        let contents = fetched.contents.get(visit.package);
        for (file, content) in package.files.iter().zip(contents.into_iter().flatten()) {
            let path = file.path.as_str();
            let mut index = None;
            if settled.insert(&file.path) && !has(remote, library, found, path, content)? {
                index = Some(change.written());
                change.put(path, content)?;
            }
            lines.push(Line::File {
                shown: library.shown(path),
                hashed: file.hash.is_some(),
                index,
            });
        }
    }
    Ok(lines)
}

/// Whether the board has this file already.
fn has(
    remote: &mut RemoteFs<'_, '_>,
    library: &Library,
    found: &Found,
    path: &str,
    content: &[u8],
) -> Result<bool, MipError> {
    match found.get(&library.place(path)?) {
        Some(entry) if entry.size == content.len() as u64 => {
            is_same(remote, entry, &sha256(content))
        }
        _ => Ok(false),
    }
}

/// Tells lines when their turn has come.
struct Telling<'t, 'f, L: Iterator<Item = Line<'f>>> {
    lines: Peekable<L>,
    events: &'t mut dyn FnMut(MipEvent<'_>),
}

impl<'f, L: Iterator<Item = Line<'f>>> Telling<'_, 'f, L> {
    /// Tell up to the file with this number among those that are written; all, at the end.
    fn up_to(&mut self, index: Option<usize>) {
        let is_due = |line: &Line<'_>| match (line, index) {
            (
                Line::File {
                    index: Some(own), ..
                },
                Some(index),
            ) => *own <= index,
            _ => true,
        };
        while let Some(line) = self.lines.next_if(is_due) {
            (self.events)(match &line {
                Line::Package(visit, package) => MipEvent::Package { visit, package },
                Line::File {
                    shown,
                    hashed,
                    index,
                } => MipEvent::File {
                    path: shown,
                    same: index.is_none(),
                    hashed: *hashed,
                },
            });
        }
    }
}
