//! Fetched packages onto a board: all new files beside the old ones first, then all into their places.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::ops::ControlFlow;

use piton_board::deadline::Deadline;
use piton_board::repl::RawRepl;
use piton_board::stop::Stop;
use piton_fs::error::Error as FsError;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::{Hashing, SurveyEntry};
use piton_path::PortablePath;
use piton_project::mip::INDEX;
use piton_project::mip::record::{FILE_NAME, Installed, Record};
use piton_project::mip::resolve::{Package, Visit};
use piton_project::mip::source::Source;

use super::change::{Change, FileEvent, Found, Stale};
use super::fetch::Content;
use super::library::is_same;
use super::look::{Looked, place_of, survey};
use super::{Fetched, Library, MipError, MipEvent};
use crate::times::CONTENT_TIME;

/// Whether the board gets a record of what is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordUse {
    /// It does: [`super::list()`], updating and [`super::uninstall()`] need one.
    Keep,
    /// Only if it has one already; one that is damaged is left alone.
    IfPresent,
}

/// What installing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Installation {
    /// How many files were written.
    pub written: usize,
    /// How many files of earlier versions were removed.
    pub removed: usize,
    /// Each package: its name, the version on record before, its version now.
    pub packages: Vec<(String, Option<String>, Option<String>)>,
}

/// Puts packages and all they need on the board. Files that it has already are not sent. Files of an earlier version
/// that the new one lacks are removed, if they are on record and nobody changed them.
///
/// All packages are one change where they can be: one look at the board, one stream, all or nothing. Packages that bring
/// different files of one name follow each other, and so do all of them when the board refuses a file: then those before
/// the refused one are installed.
///
/// `looked` is what [`super::look()`] found for these packages before they were fetched; without it, the board is looked at
/// now. An interrupted change of this library is finished first. The result has an entry for each of `fetched`.
///
/// # Errors
///
/// When the board refuses a file, or the line breaks: then the packages of this change are as they were. If the line
/// breaks, or the power goes, while the new files take their places, the rest is done by the next change of this library.
/// When `events` breaks while files are sent, the packages of this change are as they were; later, they are installed.
pub fn install(
    repl: &mut RawRepl<'_>,
    library: &Library,
    fetched: &[Fetched],
    looked: Option<Looked>,
    record_use: RecordUse,
    events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
) -> Result<Vec<Installation>, MipError> {
    let mut stop = Stop::new(repl.cancel());
    let events = &mut |event: MipEvent<'_>| stop.report(|| events(event));
    let mut looked = looked;
    let mut remote = RemoteFs::new(repl);
    let mut installations = Vec::new();
    let mut first = 0;
    while let Some(rest) = fetched.get(first..).filter(|rest| !rest.is_empty()) {
        let (together, _) = rest.split_at(count_without_conflict(rest));
        let mut job = Job {
            library,
            all: fetched,
            fetched: together,
            first,
            record_use,
        };
        let mut announced = 0;
        match job.carry_out(&mut remote, looked.take(), &mut announced, events) {
            Ok(done) => installations.extend(done),
            Err(error) if together.len() > 1 && is_refusal(&error) => {
                for (index, one) in together.iter().enumerate() {
                    job.fetched = std::slice::from_ref(one);
                    job.first = first + index;
                    installations.extend(job.carry_out(
                        &mut remote,
                        None,
                        &mut announced,
                        events,
                    )?);
                    announced = 0;
                }
            }
            Err(error) => return Err(error),
        }
        first += together.len();
    }
    Ok(installations)
}

/// Returns how many of these, from the first on, have no two different files of one name.
fn count_without_conflict(fetched: &[Fetched]) -> usize {
    let mut contents: BTreeMap<String, &str> = BTreeMap::new();
    let clashes = fetched.iter().position(|fetched| {
        fetched.files().any(|(file, content)| {
            let known = contents.insert(place_of(file), content.sha256());
            known.is_some_and(|known| known != content.sha256())
        })
    });
    clashes.unwrap_or(fetched.len()).max(1)
}

/// Whether the board answered, and its answer was about one file.
fn is_refusal(error: &MipError) -> bool {
    error.board().is_none() && !matches!(error, MipError::Fs(FsError::Torn { .. }))
}

/// Packages that are installed by one change.
struct Job<'j> {
    library: &'j Library,
    /// All that were asked for.
    all: &'j [Fetched],
    /// Those of them.
    fetched: &'j [Fetched],
    /// The number of the first of them among all that were asked for.
    first: usize,
    record_use: RecordUse,
}

impl<'j> Job<'j> {
    /// Looks at the board, unless it was `looked` at. `announced` is how many lines an earlier try has announced, and becomes how
    /// many are announced now.
    fn carry_out(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        looked: Option<Looked>,
        announced: &mut usize,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<Vec<Installation>, MipError> {
        let (mut found, old) = match looked {
            Some(looked) => (looked.found, looked.record),
            None => self.look(remote, events)?,
        };
        let keeps_record = old.is_some() || self.record_use == RecordUse::Keep;
        let old = old.unwrap_or_default();
        let mut new = old.clone();
        for fetched in self.fetched {
            put_on_record(&mut new, fetched);
        }
        let record = match keeps_record && new != old {
            true => Some(new.to_text().map_err(|source| {
                let path = self.library.record_path().unwrap_or_default();
                MipError::Record { path, source }
            })?),
            false => None,
        };
        let new_files = || new.packages.iter().flat_map(|package| &package.files);
        let mut wanted: BTreeSet<&PortablePath> = new_files().map(|(path, _)| path).collect();
        // What is not fetched since the board has it is not to go before its own turn.
        let on_board = self.all.iter().flat_map(Fetched::files);
        let on_board = on_board.filter(|(_, content)| matches!(content, Content::OnBoard { .. }));
        wanted.extend(on_board.map(|(file, _)| &file.path));
        let old_files = old.packages.iter().flat_map(|package| &package.files);
        let stale = Stale::of(old_files, |path| wanted.contains(path));
        let stale_places = stale.wanted(self.library)?;
        if !stale_places.is_empty() {
            found.extend(remote.look(&stale_places, Deadline::after(CONTENT_TIME))?);
        }

        let mut change = Change::new(self.library);
        let (lines, written) = self.put_missing(&mut change, remote, &found)?;
        if let Some(text) = &record {
            change.put(FILE_NAME, text.as_bytes())?;
        }
        change.make_missing_folders(&found);
        change.remove(remote, &stale, &found)?;
        let mut announcer = Announcer {
            lines: lines.into_iter().peekable(),
            announced_before: std::mem::take(announced),
            announced,
            events,
        };
        change.carry_out(remote, &mut |event| match event {
            FileEvent::Moved { index, bytes, of } => {
                announcer.up_to(Until::File(index));
                (announcer.events)(MipEvent::Wrote { bytes, of });
            }
            FileEvent::Done { index } => announcer.up_to(Until::File(index)),
        })?;
        let mut installations = Vec::new();
        for (index, (fetched, written)) in self.fetched.iter().zip(written).enumerate() {
            announcer.up_to(Until::EndOfRequest);
            let goes_with = |path: &PortablePath| self.owner(&old, path) == index;
            let removed = change.report(&goes_with, announcer.events);
            let packages = fetched.packages().iter().map(|package| {
                let name = package.source.name();
                let before = old.find(&name).and_then(|old| old.version.clone());
                (name, before, package.version.clone())
            });
            let installation = Installation {
                written,
                removed,
                packages: packages.collect(),
            };
            (announcer.events)(MipEvent::Installed {
                index: self.first + index,
                installation: &installation,
            });
            installations.push(installation);
        }
        Ok(installations)
    }

    /// Returns which of the requests a file of an earlier version goes with.
    fn owner(&self, old: &Record, path: &PortablePath) -> usize {
        let mut packages = old.packages.iter();
        let package = packages.find(|package| package.files.iter().any(|(file, _)| file == path));
        let owner = package.and_then(|old| {
            self.fetched.iter().position(|fetched| {
                let mut packages = fetched.packages().iter();
                packages.any(|package| package.source.name() == old.name)
            })
        });
        owner.unwrap_or_default()
    }

    /// Asks the board, once, what it has of all this, and for the record of what is installed. What was cut off is put
    /// right first.
    fn look(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<(Found, Option<Record>), MipError> {
        let files = self.fetched.iter().flat_map(Fetched::files);
        let files = files.map(|(file, content)| match content {
            Content::Fetched { bytes, .. } => (file, Hashing::IfSize(bytes.len() as u64)),
            Content::OnBoard { .. } => (file, Hashing::Always),
        });
        survey(remote, self.library, files, self.record_use, events)
    }

    /// Puts the files that the board lacks into the change. Returns what there is to announce, and how many files each
    /// request brings.
    fn put_missing(
        &self,
        change: &mut Change<'j>,
        remote: &mut RemoteFs<'_, '_>,
        found: &Found,
    ) -> Result<(Vec<Line<'j>>, Vec<usize>), MipError> {
        let mut lines = Vec::new();
        let mut written = Vec::new();
        let mut settled = BTreeSet::new();
        for (number, fetched) in self.fetched.iter().enumerate() {
            let before = change.written();
            lines.push(Line::Request(self.first + number));
            for visit in &fetched.resolution.visits {
                let Some(package) = fetched.packages().get(visit.package) else {
                    continue;
                };
                lines.push(Line::Package(visit, package));
                let contents = fetched.contents.get(visit.package);
                for (file, content) in package.files.iter().zip(contents.into_iter().flatten()) {
                    let path = file.path.as_str();
                    let mut index = None;
                    if settled.insert(&file.path) && !self.has(remote, found, path, content)? {
                        let Content::Fetched { bytes, .. } = content else {
                            let path = self.library.place(path)?;
                            return Err(MipError::Gone { path });
                        };
                        index = Some(change.written());
                        change.put(path, bytes)?;
                    }
                    lines.push(Line::File {
                        shown: self.library.shown(path),
                        hashed: file.hash.is_some(),
                        index,
                    });
                }
            }
            lines.push(Line::EndOfRequest);
            written.push(change.written() - before);
        }
        Ok((lines, written))
    }

    /// Whether the board has this file already.
    fn has(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        found: &Found,
        path: &str,
        content: &Content,
    ) -> Result<bool, MipError> {
        let may_be_same = |entry: &&SurveyEntry| match content {
            Content::Fetched { bytes, .. } => entry.size == bytes.len() as u64,
            Content::OnBoard { .. } => true,
        };
        match found.get(&self.library.place(path)?).filter(may_be_same) {
            Some(entry) => is_same(remote, entry, content.sha256()),
            None => Ok(false),
        }
    }
}

/// Puts what was fetched on the record.
fn put_on_record(record: &mut Record, fetched: &Fetched) {
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
                .map(|(file, content)| (file.path.clone(), content.sha256().to_owned()))
                .collect(),
        });
    }
}

/// What is announced, in this order.
enum Line<'f> {
    /// One of those that were asked for is next: its number.
    Request(usize),
    Package(&'f Visit, &'f Package),
    File {
        shown: String,
        hashed: bool,
        /// Its number among the files that are written, if the board lacks it.
        index: Option<usize>,
    },
    EndOfRequest,
}

/// How far lines are due.
#[derive(Clone, Copy)]
enum Until {
    /// To the file with this number among those that are written. What follows the end of a request waits until all
    /// files are in their places: nothing is called done before that.
    File(usize),
    /// To the end of the request, all files being in their places.
    EndOfRequest,
}

/// Sends each line when it is due.
struct Announcer<'t, 'f, L: Iterator<Item = Line<'f>>> {
    lines: Peekable<L>,
    /// How many lines an earlier try announced.
    announced_before: usize,
    /// How many are announced now, those included.
    announced: &'t mut usize,
    events: &'t mut dyn FnMut(MipEvent<'_>),
}

impl<'f, L: Iterator<Item = Line<'f>>> Announcer<'_, 'f, L> {
    fn up_to(&mut self, until: Until) {
        let is_due = |line: &Line<'_>| match (line, until) {
            (Line::EndOfRequest, _) => false,
            (
                Line::File {
                    index: Some(own), ..
                },
                Until::File(index),
            ) => *own <= index,
            _ => true,
        };
        while let Some(line) = self.lines.next_if(is_due) {
            *self.announced += 1;
            if *self.announced <= self.announced_before {
                continue;
            }
            (self.events)(match &line {
                Line::Request(index) => MipEvent::Request { index: *index },
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
                Line::EndOfRequest => continue,
            });
        }
        if matches!(until, Until::EndOfRequest) {
            let _ = self
                .lines
                .next_if(|line| matches!(line, Line::EndOfRequest));
        }
    }
}
