//! Copying to the host: consecutive files of the board are received in one stream.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use piton_fs::error::Error as FsError;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::Arrival;
use piton_path::BoardPath;

use super::{CopyEvent, CopyEvents, Error, Place, Plan, PlannedSource, Step, content, report};
use crate::host_file::Incoming;

/// Maximum size of a file in bytes. File systems of boards have no larger files, so a board that sends more is
/// broken, and must not fill the disk.
const LARGEST: u64 = u32::MAX as u64;

/// A part of the stream of files from a board.
pub(super) enum Arrived<'a> {
    /// A file begins, with this index.
    Begin(usize),
    /// More content of the file.
    Content(&'a [u8]),
    /// The file with this index is complete.
    End(usize),
}

/// Handles a part of the stream.
type Take<'t> = dyn FnMut(Arrived<'_>, &mut CopyEvents<'_>) -> Result<(), Error> + 't;

/// Receives files of the board in one stream, and passes on each part when it arrives.
pub(super) fn receive(
    remote: &mut RemoteFs<'_, '_>,
    paths: &[BoardPath],
    events: &mut CopyEvents<'_>,
    take: &mut Take<'_>,
) -> Result<(), Error> {
    if paths.is_empty() {
        return Ok(());
    }
    report(events, CopyEvent::Begin { of: 0 })?;
    let mut failed = None;
    let (mut bytes_before, mut bytes, mut of) = (0, 0, 0);
    let mut sink = |arrival: Arrival<'_>| {
        let arrived = match arrival {
            Arrival::Begin { index, size } => {
                bytes_before += std::mem::take(&mut bytes);
                of = bytes_before + size.unwrap_or_default();
                Arrived::Begin(index)
            }
            Arrival::Content { bytes: more, .. } => {
                bytes += more.len() as u64;
                if bytes > LARGEST {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                Arrived::Content(more)
            }
            Arrival::End { index } => Arrived::End(index),
        };
        let bytes = bytes_before + bytes;
        take(arrived, events)
            .and_then(|()| report(events, CopyEvent::Moved { bytes, of }))
            .map_err(|error| {
                failed = Some(error);
                io::ErrorKind::Other.into()
            })
    };
    let received = remote.receive(paths, &mut sink, &mut |_| {}, content());
    report(events, CopyEvent::End)?;
    match (received, failed) {
        (_, Some(error)) => Err(error),
        (Ok(_), None) => Ok(()),
        (Err(FsError::IsADirectory { .. }), None) => Err(Error::IsAFolder),
        (Err(error), None) => Err(Error::ReadBoard(error)),
    }
}

pub(super) fn apply(
    plan: Plan,
    remote: &mut RemoteFs<'_, '_>,
    events: &mut CopyEvents<'_>,
) -> Result<(), Error> {
    let mut begun = Begun {
        sources: &plan.sources,
        count: 0,
    };
    let mut row = Vec::new();
    for (index, source) in plan.sources.iter().enumerate() {
        for step in &source.steps {
            let Step::CopyFile {
                from,
                to: Place::Host(to),
                ..
            } = step
            else {
                continue;
            };
            match from {
                Place::Board(from) => row.push(Incomer {
                    source: index,
                    from,
                    to,
                }),
                Place::Host(from) => {
                    receive_row(&std::mem::take(&mut row), remote, &mut begun, events)?;
                    begun.advance(index, events)?;
                    copy_on_host(from, to)?;
                }
            }
        }
    }
    receive_row(&row, remote, &mut begun, events)?;
    begun.advance(plan.sources.len(), events)?;
    plan.failure.map_or(Ok(()), Err)
}

/// A file of the board that is being copied to the host.
struct Incomer<'p> {
    /// Index of the source.
    source: usize,
    from: &'p BoardPath,
    to: &'p Path,
}

/// The sources that have begun: they are reported, and their folders are created.
struct Begun<'p> {
    sources: &'p [PlannedSource],
    count: usize,
}

impl Begun<'_> {
    /// Begins the sources up to this index.
    fn advance(&mut self, index: usize, events: &mut CopyEvents<'_>) -> Result<(), Error> {
        while self.count <= index
            && let Some(source) = self.sources.get(self.count)
        {
            report(events, CopyEvent::Source { index: self.count })?;
            for step in &source.steps {
                if let Step::MakeFolder {
                    path: Place::Host(path),
                } = step
                {
                    make_folder(path)?;
                }
            }
            self.count += 1;
        }
        Ok(())
    }
}

fn receive_row(
    row: &[Incomer<'_>],
    remote: &mut RemoteFs<'_, '_>,
    begun: &mut Begun<'_>,
    events: &mut CopyEvents<'_>,
) -> Result<(), Error> {
    if let Some(first) = row.first() {
        begun.advance(first.source, events)?;
    }
    let paths = row.iter().map(|incomer| incomer.from.clone());
    let paths = paths.collect::<Vec<BoardPath>>();
    let mut file: Option<(Incoming, &Path)> = None;
    receive(remote, &paths, events, &mut |arrived, events| {
        match arrived {
            Arrived::Begin(index) => {
                file = match row.get(index) {
                    Some(incomer) => Some((begin_file(incomer.to)?, incomer.to)),
                    None => None,
                };
            }
            Arrived::Content(bytes) => {
                if let Some((file, to)) = &mut file {
                    file.write_all(bytes).map_err(write_error(to))?;
                }
            }
            Arrived::End(index) => {
                if let Some((file, to)) = file.take() {
                    file.commit().map_err(write_error(to))?;
                }
                if let Some(next) = row.get(index + 1) {
                    begun.advance(next.source, events)?;
                }
            }
        }
        Ok(())
    })
}

fn copy_on_host(from: &Path, to: &Path) -> Result<(), Error> {
    let mut file = fs::File::open(from).map_err(|source| Error::ReadHost {
        path: from.to_owned(),
        source,
    })?;
    let mut copy = begin_file(to)?;
    io::copy(&mut file, &mut copy)
        .and_then(|_| copy.commit())
        .map_err(write_error(to))
}

fn make_folder(path: &Path) -> Result<(), Error> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(write_error(path)(error)),
        _ => Ok(()),
    }
}

fn begin_file(to: &Path) -> Result<Incoming, Error> {
    Incoming::begin(to).map_err(write_error(to))
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> Error + use<'_> {
    move |source| Error::WriteHost {
        path: path.to_owned(),
        source,
    }
}
