//! Copying to the board in one stream: files of the host, and files of the board through the host.

use std::collections::{HashSet, VecDeque};
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use piton_fs::error::Error as FsError;
use piton_fs::hash::HashAlgorithm;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::{Outgoing, SendOptions, Step as TransferStep, TransferEvent};
use piton_path::BoardPath;
use tracing::debug;

use super::compare::{has_content, has_folder, survey};
use super::to_host::{Arrived, receive};
use super::{CopyEvent, CopyEvents, Error, Place, Plan, PlannedSource, Step, content, report};
use crate::spool::{Spool, Spooled};
use crate::sync::Content;

/// A file or folder to write on the board.
struct Change<'p> {
    /// Index of the source.
    source: usize,
    path: &'p BoardPath,
    /// The content of the file, and its size in bytes; `None` for a folder.
    content: Option<(Content, u64)>,
    is_unchanged: bool,
}

impl Change<'_> {
    fn size(&self) -> u64 {
        self.content.as_ref().map_or(0, |(_, size)| *size)
    }

    fn step(&self) -> TransferStep<'_> {
        match &self.content {
            None => TransferStep::MakeDir(self.path.clone()),
            Some((content, size)) => TransferStep::Write(Outgoing {
                path: self.path.clone(),
                size: *size,
                replaces: None,
                in_place: false,
                open: Box::new(|| content.open()),
            }),
        }
    }
}

pub(super) fn apply(
    plan: Plan,
    remote: &mut RemoteFs<'_, '_>,
    events: &mut CopyEvents<'_>,
) -> Result<(), Error> {
    let spool = Spool::new();
    let (mut changes, failure) = changes(&plan.sources, remote, &spool, events);
    if !plan.options.force {
        mark_unchanged(&mut changes, remote)?;
    }
    let (unchanged, changes): (Vec<Change<'_>>, Vec<Change<'_>>) =
        changes.into_iter().partition(|change| change.is_unchanged);
    debug!(
        unchanged = unchanged.len(),
        to_send = changes.len(),
        "files that the board has already are not sent"
    );
    let files = unchanged.iter().filter(|change| change.content.is_some());
    let mut announcer = Announcer {
        next: 0,
        count: plan.sources.len(),
        unchanged: files.map(|change| (change.source, change.path)).collect(),
    };
    send(&changes, remote, &mut announcer, events)?;
    let end = match &failure {
        Some((source, _)) => source + 1,
        None => announcer.count,
    };
    announcer.announce(end, events)?;
    match failure.map(|(_, error)| error).or(plan.failure) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Returns the changes of the board, up to the first source that cannot be read; and that source's index and error.
fn changes<'p>(
    sources: &'p [PlannedSource],
    remote: &mut RemoteFs<'_, '_>,
    spool: &Spool,
    events: &mut CopyEvents<'_>,
) -> (Vec<Change<'p>>, Option<(usize, Error)>) {
    let (mut fetched, mut fetch_error) = fetch(sources, remote, spool, events);
    let mut changes = Vec::new();
    for (source, planned) in sources.iter().enumerate() {
        for step in &planned.steps {
            let (from, path, size, is_unchanged) = match step {
                Step::MakeFolder {
                    path: Place::Board(path),
                } => {
                    changes.push(Change {
                        source,
                        path,
                        content: None,
                        is_unchanged: false,
                    });
                    continue;
                }
                Step::CopyFile {
                    from,
                    to: Place::Board(path),
                    size,
                    is_unchanged,
                } => (from, path, size, *is_unchanged),
                _ => continue,
            };
            let content = match (from, *size) {
                (Place::Board(_), _) => match (fetched.pop_front(), fetch_error.take()) {
                    (Some(content), error) => {
                        fetch_error = error;
                        spooled(content)
                    }
                    (None, error) => return (changes, error.map(|error| (source, error))),
                },
                (Place::Host(path), Some(size)) => {
                    let path = path.clone();
                    let modified = None;
                    (Content::File { path, modified }, size)
                }
                // The size of a pipe is not known before its end.
                (Place::Host(path), None) => match spool_all(spool, path) {
                    Ok(content) => spooled(content),
                    Err(error) => {
                        let error = read_error(path, error);
                        return (changes, Some((source, error)));
                    }
                },
            };
            changes.push(Change {
                source,
                path,
                content: Some(content),
                is_unchanged,
            });
        }
    }
    (changes, None)
}

/// Returns the content of the files of the board among the sources, in their order, up to the first that cannot be
/// read, and its error.
fn fetch(
    sources: &[PlannedSource],
    remote: &mut RemoteFs<'_, '_>,
    spool: &Spool,
    events: &mut CopyEvents<'_>,
) -> (VecDeque<Spooled>, Option<Error>) {
    let steps = sources.iter().flat_map(|source| &source.steps);
    let paths = steps.filter_map(|step| match step {
        Step::CopyFile {
            from: Place::Board(path),
            ..
        } => Some(path.clone()),
        _ => None,
    });
    let paths = paths.collect::<Vec<BoardPath>>();
    let mut fetched = VecDeque::new();
    let mut complete = 0;
    let received = receive(remote, &paths, events, &mut |arrived, _| {
        match arrived {
            Arrived::Begin(_) => fetched.push_back(spool.begin().map_err(spool_error)?),
            Arrived::Content(bytes) => {
                if let Some(content) = fetched.back_mut() {
                    content.push(bytes).map_err(spool_error)?;
                }
            }
            Arrived::End(_) => complete += 1,
        }
        Ok(())
    });
    // The content of the file that failed is incomplete.
    fetched.truncate(complete);
    (fetched, received.err())
}

/// Marks the files that the board has already, for content whose size was unknown to the plan. One exchange.
fn mark_unchanged(changes: &mut [Change<'_>], remote: &mut RemoteFs<'_, '_>) -> Result<(), Error> {
    let wanted = changes.iter().filter_map(|change| match &change.content {
        None => Some((change.path, None)),
        Some((Content::Spooled(_), size)) => Some((change.path, Some(*size))),
        // The plan has compared it.
        Some(_) => None,
    });
    let entries = survey(remote, wanted)?;
    // An earlier change may write the same file, so the file of the board now does not count.
    let mut written = HashSet::new();
    for change in changes {
        let is_first = written.insert(change.path);
        change.is_unchanged = match &change.content {
            None => has_folder(&entries, change.path),
            Some((Content::Spooled(content), size)) => match entries.get(change.path) {
                Some(entry) if is_first => has_content(entry, *size, || sha256_of(content))?,
                _ => false,
            },
            Some(_) => change.is_unchanged,
        };
    }
    Ok(())
}

fn spooled(content: Spooled) -> (Content, u64) {
    let size = content.size();
    (Content::Spooled(content), size)
}

/// Reads a file to its end into the spool.
fn spool_all(spool: &Spool, path: &Path) -> io::Result<Spooled> {
    let mut file = fs::File::open(path)?;
    let mut content = spool.begin()?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer)?;
        match buffer.get(..count) {
            None | Some([]) => return Ok(content),
            Some(bytes) => content.push(bytes)?,
        }
    }
}

fn sha256_of(content: &Spooled) -> Result<Vec<u8>, Error> {
    let mut reader = content.reader();
    let digest = HashAlgorithm::Sha256.digest_of(&mut reader);
    digest.map_err(spool_error)
}

fn read_error(path: &Path, source: io::Error) -> Error {
    Error::ReadHost {
        path: path.to_owned(),
        source,
    }
}

/// Returns the error of the spool, whose files have no names: they are in the folder for temporary files.
fn spool_error(source: io::Error) -> Error {
    Error::WriteHost {
        path: std::env::temp_dir(),
        source,
    }
}

/// Carries out the changes in one stream.
fn send(
    changes: &[Change<'_>],
    remote: &mut RemoteFs<'_, '_>,
    announcer: &mut Announcer<'_>,
    events: &mut CopyEvents<'_>,
) -> Result<(), Error> {
    let Some(first) = changes.first() else {
        return Ok(());
    };
    let of = changes.iter().map(Change::size).sum();
    announcer.announce(first.source + 1, events)?;
    report(events, CopyEvent::Begin { of })?;
    let mut bytes_before = 0;
    let mut reported = Ok(());
    let mut hear = |event| {
        let next = match event {
            TransferEvent::Moved { bytes, .. } => {
                let bytes = bytes_before + bytes;
                report(events, CopyEvent::Moved { bytes, of })
            }
            TransferEvent::Done { step } => {
                bytes_before += changes.get(step).map_or(0, Change::size);
                let bytes = bytes_before;
                let moved = report(events, CopyEvent::Moved { bytes, of });
                match changes.get(step + 1) {
                    Some(next) => moved.and_then(|()| announcer.announce(next.source + 1, events)),
                    None => moved,
                }
            }
            _ => Ok(()),
        };
        if reported.is_ok() {
            reported = next;
        }
    };
    let steps = changes.iter().map(Change::step).collect();
    let sent = remote.send(steps, &SendOptions::default(), &mut hear, content());
    report(events, CopyEvent::End)?;
    reported?;
    match sent {
        Ok(_) => Ok(()),
        Err(FsError::Source { path, source }) => {
            let change = changes.iter().find(|change| *change.path == path);
            Err(match change.and_then(|change| change.content.as_ref()) {
                Some((Content::File { path, .. }, _)) => read_error(path, source),
                _ => spool_error(source),
            })
        }
        Err(error) => Err(Error::WriteBoard(error)),
    }
}

/// Reports the sources that begin, and the files that need not be sent.
struct Announcer<'p> {
    /// The first source that has not been reported.
    next: usize,
    /// The number of sources.
    count: usize,
    /// The files that the board has already, in the order of their sources.
    unchanged: VecDeque<(usize, &'p BoardPath)>,
}

impl Announcer<'_> {
    /// Reports the sources before number `end`.
    fn announce(&mut self, end: usize, events: &mut CopyEvents<'_>) -> Result<(), Error> {
        while self.next < end.min(self.count) {
            report(events, CopyEvent::Source { index: self.next })?;
            let is_due = |(source, _): &mut (usize, _)| *source <= self.next;
            while let Some((_, path)) = self.unchanged.pop_front_if(is_due) {
                report(events, CopyEvent::Unchanged { path })?;
            }
            self.next += 1;
        }
        Ok(())
    }
}
