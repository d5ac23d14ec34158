//! Doing what `cp` has settled: everything for the board in one go, and everything from it.

use std::fs;
use std::io;
use std::path::Path;

use piton::error::FsError;
use piton::fs::hash::HashAlgorithm;
use piton::fs::path::BoardPath;
use piton::fs::transfer::{Outgoing, SendOptions, Step, TransferEvent};

use super::{IS_A_FOLDER, Job, Place, Work, refused};
use crate::commands::fs::{Args, Files, content, local_error, show_progress, step};
use crate::error::CommandError;
use crate::progress::Progress;
use crate::ui::Ui;

/// Do all that is in `jobs`. Each source is announced when its turn comes.
pub(super) fn out(
    files: &mut Files<'_, '_, '_>,
    jobs: &[Job<'_>],
    destination: &str,
) -> Result<(), CommandError> {
    match Place::parse(destination) {
        Place::Board(_) => to_board(files, jobs, destination),
        Place::Local(_) => to_here(files, jobs, destination),
    }
}

/// Something to do on the board.
struct Change {
    /// Of which source.
    job: usize,
    /// The path as it shows in messages.
    shown: String,
    path: BoardPath,
    /// What the file is to hold; `None` for a folder.
    content: Option<Content>,
}

/// What a file is to hold.
enum Content {
    /// What a file here holds, of this size.
    Local { path: String, size: u64 },
    /// What a file of the board held.
    Bytes(Vec<u8>),
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Content::Local { size, .. } => *size,
            Content::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// What to call it in a message.
    fn name(&self) -> &str {
        match self {
            Content::Local { path, .. } => path,
            Content::Bytes(_) => "",
        }
    }

    fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
        match self {
            Content::Local { path, .. } => Ok(Box::new(fs::File::open(path)?)),
            Content::Bytes(bytes) => Ok(Box::new(bytes.as_slice())),
        }
    }

    fn read(&self) -> Result<Vec<u8>, CommandError> {
        match self {
            Content::Local { path, .. } => {
                fs::read(path).map_err(|error| local_error("cp", path, &error))
            }
            Content::Bytes(bytes) => Ok(bytes.clone()),
        }
    }
}

impl Change {
    fn step(&self) -> Step<'_> {
        match &self.content {
            None => Step::MakeDir(self.path.clone()),
            Some(content) => Step::Write(Outgoing {
                path: self.path.clone(),
                size: content.size(),
                replaces: None,
                open: Box::new(|| content.open()),
            }),
        }
    }
}

fn to_board(
    files: &mut Files<'_, '_, '_>,
    jobs: &[Job<'_>],
    destination: &str,
) -> Result<(), CommandError> {
    let (changes, failure) = changes(files, jobs);
    let unchanged = match files.args.force {
        true => vec![false; changes.len()],
        false => find_unchanged(files, &changes)?,
    };
    let mut announcer = Announcer {
        files_shown: changes
            .iter()
            .zip(&unchanged)
            .filter(|(_, unchanged)| **unchanged)
            .map(|(change, _)| (change.job, change.shown.clone()))
            .collect(),
        jobs,
        next: 0,
        destination,
    };
    let changes = changes
        .into_iter()
        .zip(&unchanged)
        .filter(|(_, unchanged)| !**unchanged)
        .map(|(change, _)| change)
        .collect::<Vec<Change>>();
    let sizes = changes.iter().filter_map(|change| change.content.as_ref());
    let progress = files.ui.transfer(sizes.map(Content::size).sum());
    send(files, &changes, &mut announcer, &progress)?;
    progress.end();
    let last = match failure {
        Some((job, _)) => job + 1,
        None => jobs.len(),
    };
    announcer.announce(files.ui, files.args, last, &progress)?;
    failure.map_or(Ok(()), |(_, error)| Err(error))
}

/// What is to be done on the board, up to the first source that cannot be read; and which that is, and why.
fn changes(
    files: &mut Files<'_, '_, '_>,
    jobs: &[Job<'_>],
) -> (Vec<Change>, Option<(usize, CommandError)>) {
    let mut changes = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        for work in &job.work {
            match change(files, number, work) {
                Ok(change) => changes.extend(change),
                Err(error) => return (changes, Some((number, error))),
            }
        }
    }
    (changes, None)
}

fn change(
    files: &mut Files<'_, '_, '_>,
    job: usize,
    work: &Work,
) -> Result<Option<Change>, CommandError> {
    let (to, from) = match work {
        Work::Folder(to) => (to, None),
        Work::File { from, to } => (to, Some(from)),
    };
    let Place::Board(shown) = Place::parse(to) else {
        return Ok(None);
    };
    if from.is_none() && matches!(shown, "" | "/") {
        return Ok(None);
    }
    let content = match from.map(|from| Place::parse(from)) {
        None => None,
        Some(Place::Local(path)) => {
            let metadata = fs::metadata(path).map_err(|error| local_error("cp", path, &error))?;
            // Of a pipe the size is not known before its end.
            Some(match metadata.is_file() {
                true => Content::Local {
                    path: path.to_owned(),
                    size: metadata.len(),
                },
                false => {
                    Content::Bytes(fs::read(path).map_err(|error| local_error("cp", path, &error))?)
                }
            })
        }
        Some(Place::Board(path)) => Some(Content::Bytes(fetch(files, path)?)),
    };
    Ok(Some(Change {
        job,
        shown: shown.to_owned(),
        // mpremote's `./` is for the eye: a board without folders would take it for a part of the name.
        path: files.board_path(shown.strip_prefix("./").unwrap_or(shown))?,
        content,
    }))
}

/// The content of a file of the board.
fn fetch(files: &mut Files<'_, '_, '_>, path: &str) -> Result<Vec<u8>, CommandError> {
    let path = files.board_path(path)?;
    let ui = files.ui;
    let mut events = |event| show_progress(ui, event);
    let read = files.remote.read(&path, &mut events, content());
    ui.clear_progress();
    read.map_err(|error| match error {
        FsError::IsADirectory { .. } => refused(IS_A_FOLDER),
        error => files.refused(&path, error),
    })
}

/// Which of the files the board has already.
fn find_unchanged(
    files: &mut Files<'_, '_, '_>,
    changes: &[Change],
) -> Result<Vec<bool>, CommandError> {
    let mut unchanged = Vec::new();
    for change in changes {
        unchanged.push(match &change.content {
            None => false,
            Some(content) => is_up_to_date(files, &change.path, content)?,
        });
    }
    Ok(unchanged)
}

fn is_up_to_date(
    files: &mut Files<'_, '_, '_>,
    path: &BoardPath,
    wanted: &Content,
) -> Result<bool, CommandError> {
    // A file of another size is another file: no need to have the board hash it.
    match files.remote.stat(path, step()) {
        Ok(metadata) if metadata.size == wanted.size() => {}
        Ok(_) | Err(FsError::NotFound { .. } | FsError::NotADirectory { .. }) => return Ok(false),
        Err(error) => return Err(files.refused(path, error)),
    }
    match files.remote.hash(path, HashAlgorithm::Sha256, content()) {
        Ok(digest) => Ok(digest == HashAlgorithm::Sha256.digest(&wanted.read()?)),
        // What is in the way is for the write to find out.
        Err(error) if error.os_error_number().is_some() => Ok(false),
        Err(error) => Err(files.refused(path, error)),
    }
}

/// Do it all in one stream.
fn send(
    files: &mut Files<'_, '_, '_>,
    changes: &[Change],
    announcer: &mut Announcer<'_>,
    progress: &Progress,
) -> Result<(), CommandError> {
    let Some(first) = changes.first() else {
        return Ok(());
    };
    let (ui, args) = (files.ui, files.args);
    let mut announced = announcer.announce(ui, args, first.job + 1, progress);
    let mut sent = 0;
    let mut events = |event| match event {
        TransferEvent::Moved { bytes, .. } => progress.at(sent + bytes),
        TransferEvent::Done { step } => {
            let content = changes.get(step).and_then(|change| change.content.as_ref());
            sent += content.map_or(0, Content::size);
            progress.at(sent);
            if let Some(next) = changes.get(step + 1)
                && announced.is_ok()
            {
                announced = announcer.announce(ui, args, next.job + 1, progress);
            }
        }
        _ => {}
    };
    let steps = changes.iter().map(Change::step).collect();
    let how = SendOptions::default();
    let done = files.remote.send(steps, &how, &mut events, content());
    progress.end();
    announced?;
    match done {
        Ok(_) => Ok(()),
        Err(FsError::Source { path, source }) => {
            let from = changes.iter().find(|change| change.path == path);
            let from = from.and_then(|change| change.content.as_ref());
            Err(local_error(
                "cp",
                from.map_or(path.as_str(), Content::name),
                &source,
            ))
        }
        Err(error) => {
            let change = changes
                .iter()
                .find(|change| error.path() == Some(&change.path));
            let shown = change.map_or("", |change| &change.shown);
            Err(super::super::refused("cp", shown, error))
        }
    }
}

/// Says, source by source, what is being copied and what need not be.
struct Announcer<'a> {
    jobs: &'a [Job<'a>],
    /// The first source that has not been announced.
    next: usize,
    /// The files that the board has already, by source.
    files_shown: Vec<(usize, String)>,
    destination: &'a str,
}

impl Announcer<'_> {
    /// Announce the sources before number `end`.
    fn announce(
        &mut self,
        ui: &Ui,
        args: &Args,
        end: usize,
        progress: &Progress,
    ) -> Result<(), CommandError> {
        while self.next < end
            && let Some(job) = self.jobs.get(self.next)
        {
            let mut lines = Vec::new();
            if !args.no_verbose {
                lines.push(format!("cp {} {}", job.source, self.destination));
            }
            let own = self.files_shown.iter().filter(|(job, _)| *job == self.next);
            lines.extend(own.map(|(_, path)| format!("Up to date: {path}")));
            progress.aside(|| lines.iter().try_for_each(|line| ui.step(line)))?;
            self.next += 1;
        }
        Ok(())
    }
}

fn to_here(
    files: &mut Files<'_, '_, '_>,
    jobs: &[Job<'_>],
    destination: &str,
) -> Result<(), CommandError> {
    for job in jobs {
        if !files.args.no_verbose {
            files.ui.step(&format!("cp {} {destination}", job.source))?;
        }
        for work in &job.work {
            match work {
                Work::Folder(to) => match fs::create_dir(to) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(local_error("cp", to, &error));
                    }
                    _ => {}
                },
                Work::File { from, to } => {
                    let bytes = match Place::parse(from) {
                        Place::Board(path) => fetch(files, path)?,
                        Place::Local(path) => {
                            fs::read(path).map_err(|error| local_error("cp", path, &error))?
                        }
                    };
                    piton::host_file::write(Path::new(to), &bytes)
                        .map_err(|error| local_error("cp", to, &error))?;
                }
            }
        }
    }
    Ok(())
}
