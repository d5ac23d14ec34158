//! Doing what `cp` has settled: everything for the board in one go, and everything from it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use piton::error::FsError;
use piton::fs::hash::HashAlgorithm;
use piton::fs::listing::Kind;
use piton::fs::transfer::{
    Arrival, Candidate, Outgoing, SendOptions, Step, SurveyEntry, TransferEvent,
};
use piton::host_file::Incoming;
use piton::path::BoardPath;

use super::spool::{Spool, Spooled};
use super::{IS_A_FOLDER, Job, Place, Work, refused};
use crate::commands::fs::{Args, Files, content, local_error};
use crate::error::CommandError;
use crate::progress::Progress;
use crate::ui::Ui;

/// No file system of a board has larger files: a board that sends more is broken, and does not fill the disk here.
const LARGEST: u64 = u32::MAX as u64;

/// Do all that is in `jobs`. Each source is announced when its turn comes. `unchanged` says of a single file that it is there
/// already, or not; `None` where that is not known.
pub(super) fn out(
    files: &mut Files<'_, '_, '_>,
    jobs: &[Job<'_>],
    destination: &str,
    unchanged: Option<bool>,
) -> Result<(), CommandError> {
    match Place::parse(destination) {
        Place::Board(_) => to_board(files, jobs, destination, unchanged),
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
    /// What a file of the board held, or a pipe here.
    Spooled(Spooled),
}

impl Content {
    fn size(&self) -> u64 {
        match self {
            Content::Local { size, .. } => *size,
            Content::Spooled(content) => content.size(),
        }
    }

    /// What to call it in a message.
    fn name(&self) -> &str {
        match self {
            Content::Local { path, .. } => path,
            Content::Spooled(_) => "",
        }
    }

    fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
        match self {
            Content::Local { path, .. } => Ok(Box::new(fs::File::open(path)?)),
            Content::Spooled(content) => Ok(Box::new(content.reader())),
        }
    }

    fn sha256(&self) -> Result<Vec<u8>, CommandError> {
        self.open()
            .and_then(|mut reader| HashAlgorithm::Sha256.digest_of(&mut *reader))
            .map_err(|error| local_error("cp", self.name(), &error))
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
                in_place: false,
                open: Box::new(|| content.open()),
            }),
        }
    }
}

fn to_board(
    files: &mut Files<'_, '_, '_>,
    jobs: &[Job<'_>],
    destination: &str,
    unchanged: Option<bool>,
) -> Result<(), CommandError> {
    let (changes, failure) = changes(files, jobs);
    let unchanged = match (files.args.force, unchanged) {
        (true, _) => vec![false; changes.len()],
        (false, Some(unchanged)) => vec![unchanged; changes.len()],
        (false, None) => find_unchanged(files, &changes)?,
    };
    let mut announcer = Announcer {
        // In the order of their sources, as the changes are.
        files_shown: changes
            .iter()
            .zip(&unchanged)
            .filter(|(change, unchanged)| **unchanged && change.content.is_some())
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
    let spool = Spool::new();
    let (mut fetched, mut missing) = fetch_all(files, jobs, &spool);
    let mut changes = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        for work in &job.work {
            let from_board = match work {
                Work::File { from, .. } if from.starts_with(':') => match fetched.pop_front() {
                    Some(content) => Some(Content::Spooled(content)),
                    None => {
                        let failure = missing.take().map(|error| (number, error));
                        return (changes, failure);
                    }
                },
                _ => None,
            };
            match change(files, number, work, from_board, &spool) {
                Ok(change) => changes.extend(change),
                Err(error) => return (changes, Some((number, error))),
            }
        }
    }
    (changes, None)
}

/// The files of the board among the sources, in order, up to the first that cannot be read; and why.
fn fetch_all(
    files: &mut Files<'_, '_, '_>,
    jobs: &[Job<'_>],
    spool: &Spool,
) -> (VecDeque<Spooled>, Option<CommandError>) {
    let mut fetched = VecDeque::new();
    let sources = jobs.iter().flat_map(|job| &job.work);
    let sources = sources.filter_map(|work| match work {
        Work::File { from, .. } => from.strip_prefix(':'),
        Work::Folder(_) => None,
    });
    let sources = sources.collect::<Vec<&str>>();
    let mut whole = 0;
    let mut take = |arrived: Arrived<'_>| match arrived {
        Arrived::Begin(_) => {
            fetched.push_back(spool.begin());
            Ok(())
        }
        Arrived::Content(bytes) => match fetched.back_mut() {
            Some(content) => content.push(bytes),
            None => Ok(()),
        }
        .map_err(|error| local_error("cp", "", &error)),
        Arrived::End(_) => {
            whole += 1;
            Ok(())
        }
    };
    let done = receive(files, &sources, &mut take);
    // One that broke off is none.
    fetched.truncate(whole);
    (fetched, done.err())
}

/// What arrives of the files of a board, each with its index.
enum Arrived<'a> {
    Begin(usize),
    Content(&'a [u8]),
    End(usize),
}

/// Have the board send files in one stream, and hand on each as it comes.
fn receive(
    files: &mut Files<'_, '_, '_>,
    paths: &[&str],
    take: &mut dyn FnMut(Arrived<'_>) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let paths = paths.iter().map(|path| files.board_path(path));
    let paths = paths.collect::<Result<Vec<BoardPath>, CommandError>>()?;
    if paths.is_empty() {
        return Ok(());
    }
    let progress = files.ui.transfer(0);
    let mut bytes_before = 0;
    let mut bytes = 0;
    let mut failed = None;
    let mut sink = |arrival: Arrival<'_>| {
        let arrived = match arrival {
            Arrival::Begin { index, size } => {
                bytes_before += std::mem::take(&mut bytes);
                progress.expect(bytes_before + size.unwrap_or_default());
                Arrived::Begin(index)
            }
            Arrival::Content { bytes: more, .. } => {
                bytes += more.len() as u64;
                if bytes > LARGEST {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                progress.at(bytes_before + bytes);
                Arrived::Content(more)
            }
            Arrival::End { index } => Arrived::End(index),
        };
        progress.aside(|| take(arrived)).map_err(|error| {
            failed = Some(error);
            io::ErrorKind::Other.into()
        })
    };
    let done = files
        .remote
        .receive(&paths, &mut sink, &mut |_| {}, content());
    progress.end();
    match (done, failed) {
        (_, Some(error)) => Err(error),
        (Ok(_), None) => Ok(()),
        (Err(FsError::IsADirectory { .. }), None) => Err(refused(IS_A_FOLDER)),
        (Err(error), None) => {
            let path = error.path().cloned().unwrap_or_default();
            Err(files.refused(&path, error))
        }
    }
}

fn change(
    files: &mut Files<'_, '_, '_>,
    job: usize,
    work: &Work,
    from_board: Option<Content>,
    spool: &Spool,
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
        None | Some(Place::Board(_)) => from_board,
        Some(Place::Local(path)) => {
            let metadata = fs::metadata(path).map_err(|error| local_error("cp", path, &error))?;
            // Of a pipe the size is not known before its end.
            Some(match metadata.is_file() {
                true => Content::Local {
                    path: path.to_owned(),
                    size: metadata.len(),
                },
                false => {
                    let content = spool.take_all(Path::new(path));
                    Content::Spooled(content.map_err(|error| local_error("cp", path, &error))?)
                }
            })
        }
    };
    Ok(Some(Change {
        job,
        shown: shown.to_owned(),
        // mpremote's `./` is for the eye: a board without folders would take it for a part of the name.
        path: files.board_path(shown.strip_prefix("./").unwrap_or(shown))?,
        content,
    }))
}

/// Which of the files and folders the board has already: asked in one exchange.
fn find_unchanged(
    files: &mut Files<'_, '_, '_>,
    changes: &[Change],
) -> Result<Vec<bool>, CommandError> {
    let mut roots: Vec<BoardPath> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    let mut candidates = Vec::new();
    for change in changes {
        let path = change.path.as_str();
        let mut above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if !above.any(|folder| known.contains(folder)) && known.insert(path) {
            roots.push(change.path.clone());
        }
        candidates.extend(change.content.as_ref().map(|content| Candidate {
            path: change.path.clone(),
            size: content.size(),
        }));
    }
    if candidates.is_empty() {
        return Ok(vec![false; changes.len()]);
    }
    let survey = files.remote.survey(&roots, &candidates, content());
    let survey = survey.map_err(|error| super::super::refused("cp", "", error))?;
    let there = survey
        .entries
        .iter()
        .map(|entry| (&entry.path, entry))
        .collect::<HashMap<&BoardPath, &SurveyEntry>>();
    let unchanged = changes
        .iter()
        .map(|change| match (there.get(&change.path), &change.content) {
            (Some(entry), Some(content)) => is_same(files, entry, content),
            (Some(entry), None) => Ok(entry.kind == Kind::Directory),
            (None, _) => Ok(false),
        });
    unchanged.collect()
}

fn is_same(
    files: &mut Files<'_, '_, '_>,
    there: &SurveyEntry,
    wanted: &Content,
) -> Result<bool, CommandError> {
    if there.kind == Kind::Directory || there.size != wanted.size() {
        return Ok(false);
    }
    let sha256 = wanted.sha256()?;
    if let Some(digest) = there.digest {
        return Ok(digest.matches(&sha256));
    }
    // A board without SHA-256: the file comes here.
    match files
        .remote
        .hash(&there.path, HashAlgorithm::Sha256, content())
    {
        Ok(digest) => Ok(digest == sha256),
        // What is in the way is for the write to find out.
        Err(error) if error.os_error_number().is_some() => Ok(false),
        Err(error) => Err(files.refused(&there.path, error)),
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
    /// The files that the board has already, in the order of their sources.
    files_shown: VecDeque<(usize, String)>,
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
            while let Some((_, path)) = self.files_shown.pop_front_if(|(job, _)| *job <= self.next)
            {
                lines.push(format!("Up to date: {path}"));
            }
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
    let mut announcer = Announcer {
        files_shown: VecDeque::new(),
        jobs,
        next: 0,
        destination,
    };
    let (ui, args) = (files.ui, files.args);
    let nothing = Progress::new(0, false);
    let mut begin = |job: usize| {
        while announcer.next <= job && announcer.next < jobs.len() {
            let folders = jobs.get(announcer.next).map(|job| &job.work);
            announcer.announce(ui, args, announcer.next + 1, &nothing)?;
            for work in folders.into_iter().flatten() {
                make_folder(work)?;
            }
        }
        Ok(())
    };
    // Files of the board that come in a row come in one stream.
    let mut row: Vec<(usize, &str, &str)> = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        for work in &job.work {
            let Work::File { from, to } = work else {
                continue;
            };
            match Place::parse(from) {
                Place::Board(path) => row.push((number, path, to)),
                Place::Local(path) => {
                    receive_row(files, &mut row, &mut begin)?;
                    begin(number)?;
                    let mut file =
                        fs::File::open(path).map_err(|error| local_error("cp", path, &error))?;
                    let mut copy = begin_here(to)?;
                    io::copy(&mut file, &mut copy)
                        .and_then(|_| copy.commit())
                        .map_err(|error| local_error("cp", to, &error))?;
                }
            }
        }
    }
    receive_row(files, &mut row, &mut begin)?;
    begin(jobs.len())
}

/// Have the board send the files of a row: number of their source, path there, path here.
fn receive_row(
    files: &mut Files<'_, '_, '_>,
    row: &mut Vec<(usize, &str, &str)>,
    begin: &mut dyn FnMut(usize) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let row = std::mem::take(row);
    if let Some((job, ..)) = row.first() {
        begin(*job)?;
    }
    let paths = row.iter().map(|(_, path, _)| *path);
    let paths = paths.collect::<Vec<&str>>();
    let mut file: Option<(Incoming, &str)> = None;
    receive(files, &paths, &mut |arrived| match arrived {
        Arrived::Begin(index) => {
            file = match row.get(index) {
                Some((_, _, to)) => Some((begin_here(to)?, to)),
                None => None,
            };
            Ok(())
        }
        Arrived::Content(bytes) => match &mut file {
            Some((file, to)) => file
                .write_all(bytes)
                .map_err(|error| local_error("cp", to, &error)),
            None => Ok(()),
        },
        Arrived::End(index) => {
            if let Some((file, to)) = file.take() {
                file.commit()
                    .map_err(|error| local_error("cp", to, &error))?;
            }
            match row.get(index + 1) {
                Some((next, ..)) => begin(*next),
                None => Ok(()),
            }
        }
    })
}

fn make_folder(work: &Work) -> Result<(), CommandError> {
    let Work::Folder(to) = work else {
        return Ok(());
    };
    match fs::create_dir(to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(local_error("cp", to, &error))
        }
        _ => Ok(()),
    }
}

fn begin_here(to: &str) -> Result<Incoming, CommandError> {
    Incoming::begin(Path::new(to)).map_err(|error| local_error("cp", to, &error))
}
