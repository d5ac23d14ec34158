//! The stream to the board.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::Conversation;

use super::agent::{self, Heard, Listener, Message, Start};
use super::frames::{Frames, Note};
use super::room::{NoRoom, check_room, folders};
use super::source::{Limits, Source};
use super::{SendOptions, Step, Summary, TransferEvent};
use crate::device;
use crate::error::{Error, FileState};
use crate::path::BoardPath;
use crate::remote::RemoteFs;
use crate::write::TEMPORARY_SUFFIX;

/// Milliseconds of silence in the middle of a frame after which the board takes the rest for lost.
const LOST: &str = "400";

/// How long the board may be silent before it gets what may be missing of a piece that it waits for: a read on the
/// board does not return before it is complete.
const SILENCE: Duration = Duration::from_secs(1);

/// More than the longest piece that the board reads at once (32 bytes, in device/send.py), with four bytes that follow.
const PIECE: usize = 36;

/// So often: flash that is erased may take seconds.
const LONGEST_SILENCE: u32 = 60;

/// Longer than a piece may take, for the board to notice that bytes were missing in it: half of [`LOST`].
const NOTICED: Duration = Duration::from_millis(250);

/// How often the board's program is sent when it does not come to take steps.
const TRIES: u32 = 3;

/// How long the end of the program may take.
const END_TIME: Duration = Duration::from_secs(10);

/// The size of a block of its file system in bytes, and how many are free. Said at first, by boards that know.
const BLOCK: u8 = b'V';
const FREE: u8 = b'W';
/// What the board can take; then the stream begins.
const HELLO: u8 = b'S';
/// Begin with this frame, after a mark.
const FROM: u8 = b'N';
/// So many bytes may be sent in all, since the last [`FROM`].
const GRANT: u8 = b'G';
/// So many steps are carried out.
const DONE: u8 = b'D';
/// The step after those that are carried out has failed.
const FAILED: u8 = b'E';

/// Set in the value of [`FAILED`]: the old file is removed, and the new one stands under its temporary name.
const IS_TORN: u32 = 1 << 23;

/// Four of them end the program where it does not take them for content.
const CTRL_C: u8 = 0x03;

/// What begins the stream, before a number that the board chose.
const MARK: [u8; 3] = [165, 90, 150];

/// How a stream went.
pub(crate) enum Outcome {
    /// All steps are carried out.
    Sent,
    /// The board can't take a stream. Nothing was done.
    Unable,
    /// So many steps are done, the next one failed.
    Failed { done: usize, error: Failure },
}

/// Why a stream failed.
pub(crate) enum Failure {
    /// There is no room for the file.
    NoRoom(NoRoom),
    /// A file of the host could not be read.
    Source(std::io::Error),
    /// What the board said, or that it said nothing.
    Board(BoardError),
    /// The board could not put the complete file in its place.
    Torn(BoardError),
    /// The connection broke when the file may have been in its place, or not.
    InDoubt(BoardError),
}

/// A stream that is on its way.
struct Stream<'c, 's> {
    conversation: Conversation<'c>,
    source: Option<Source<'s>>,
    steps: Option<Vec<Step<'s>>>,
    frames: Frames,
    /// The mark that goes out next.
    mark: Option<u8>,
    /// Bytes sent and allowed, since the last mark.
    sent: u64,
    granted: u64,
    done: usize,
    committed: Option<usize>,
    is_torn: bool,
    listener: Listener,
    block: u64,
    /// Free bytes, where the board knows.
    free: Option<u64>,
    /// The step for which there is no room.
    no_room: Option<NoRoom>,
}

impl Stream<'_, '_> {
    /// Follow the stream to the end of the board's program.
    fn run(
        &mut self,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Ended, BoardError> {
        let mut silences = 0;
        loop {
            let heard = self
                .listener
                .hear(&mut self.conversation, patience(deadline))?;
            match heard {
                Heard::Message(message) => {
                    silences = 0;
                    self.take(message, events);
                    // Act on what has come as a whole, so that a burst is as large as it may be.
                    if self.conversation.pending().is_empty() {
                        self.write(events, deadline)?;
                    }
                }
                Heard::End => return Ok(Ended::Program),
                Heard::Reset => return Ok(Ended::Reset),
                Heard::Silence => {
                    silences += 1;
                    if silences > LONGEST_SILENCE || deadline.has_passed() {
                        return Err(BoardError::Timeout {
                            waiting_for: "the board to take more of the files",
                            received: Vec::new(),
                        });
                    }
                    // Before the board takes steps, the end of a line of its program may be lost.
                    let filling: &[u8] = if self.steps.is_some() {
                        b"\n\n"
                    } else {
                        &[0; PIECE]
                    };
                    self.conversation.write(filling, deadline)?;
                }
            }
        }
    }

    /// Ask the board's program to end, wherever it is in the stream: the first burst may fill what was missing of a
    /// piece, the next one what the first one began, and four of the rest are taken for what they are.
    fn abort(&mut self) {
        for length in [4, PIECE, PIECE] {
            // Whoever stops the program after this waits for it, and knocks again.
            let _ = self
                .conversation
                .write(&vec![CTRL_C; length], Deadline::after(END_TIME));
            std::thread::sleep(NOTICED);
        }
    }

    fn take(&mut self, message: Message, events: &mut dyn FnMut(TransferEvent)) {
        let value = message.value;
        match message.kind {
            BLOCK => self.block = u64::from(value),
            FREE => self.free = Some(u64::from(value) * self.block),
            HELLO => {
                let limits = Limits {
                    payload: 1 << (value & 0xf),
                    inflates: value & 0x100 != 0,
                };
                if let Some(steps) = self.steps.take() {
                    let free = self.free.unwrap_or(u64::MAX);
                    self.no_room = check_room(&steps, self.block, free);
                    let steps = if self.no_room.is_some() {
                        Vec::new()
                    } else {
                        steps
                    };
                    self.source = Some(Source::new(steps, limits));
                }
            }
            // A number that is not there any more can only be damage: the board will ask again.
            FROM if self.frames.rewind(value as u16) => {
                self.mark = Some((value >> 16) as u8);
                self.sent = 0;
                self.granted = 0;
            }
            GRANT => {
                // The value counts modulo 2^24; it never goes back.
                let ahead = value.wrapping_sub(self.granted as u32) & 0xff_ffff;
                if ahead < 1 << 23 {
                    self.granted += u64::from(ahead);
                }
            }
            DONE | FAILED => {
                let done = (value & 0x7f_ffff) as usize;
                for step in self.done..done {
                    events(TransferEvent::Done { step });
                }
                self.done = self.done.max(done);
                if message.kind == FAILED {
                    self.is_torn = value & IS_TORN != 0;
                    if let Some(source) = &mut self.source {
                        source.stop();
                    }
                }
            }
            _ => {}
        }
    }

    /// Write all that the board allows.
    fn write(
        &mut self,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<(), BoardError> {
        let Some(source) = &mut self.source else {
            return Ok(());
        };
        let mut burst = Vec::new();
        if self.granted <= self.sent {
            return Ok(());
        }
        let room = usize::try_from(self.granted - self.sent).unwrap_or(usize::MAX);
        if let Some(number) = self.mark.take() {
            burst.extend(MARK);
            burst.push(number);
        }
        let mut moved = None;
        let committed = &mut self.committed;
        let mut gone = |note| match note {
            Note::Nothing => {}
            Note::Progress(progress) => moved = Some(progress),
            Note::Commits(step) => *committed = Some(step),
        };
        while burst.len() < room {
            if self.frames.is_drained() {
                source.more(&mut self.frames);
                if self.frames.is_drained() {
                    break;
                }
            }
            let left = room - burst.len();
            self.frames.take(left, &mut burst, &mut gone);
        }
        if burst.is_empty() {
            return Ok(());
        }
        self.sent += burst.len() as u64;
        self.conversation.write(&burst, deadline)?;
        if let Some(progress) = moved {
            events(TransferEvent::Moved {
                step: progress.step,
                bytes: progress.bytes,
                of: progress.of,
            });
        }
        Ok(())
    }
}

/// How the board's program went.
enum Ended {
    /// It ended.
    Program,
    /// The board was reset under it.
    Reset,
}

fn patience(deadline: Deadline) -> Duration {
    deadline
        .remaining()
        .map_or(SILENCE, |left| left.min(SILENCE))
}

impl RemoteFs<'_, '_> {
    /// Carry out the steps in their order, in one stream. Each file is written beside the old one under its name with
    /// [`TEMPORARY_SUFFIX`], and renamed when its SHA-256 is right.
    ///
    /// The first step that fails is the last: those before it are carried out, those after it are not.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::write`]; [`Error::Source`] when a file of the host can't be read or has changed its size.
    pub fn send(
        &mut self,
        steps: Vec<Step<'_>>,
        options: &SendOptions,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Summary, Error> {
        let paths: Vec<BoardPath> = steps.iter().map(|step| step.path().clone()).collect();
        let mut summary = Summary::default();
        let mut sizes = Vec::new();
        for step in &steps {
            let size = match step {
                Step::Write(file) => Some(file.size),
                _ => None,
            };
            summary.files += usize::from(size.is_some());
            summary.bytes += size.unwrap_or_default();
            sizes.push(size);
        }
        if paths.is_empty() {
            return Ok(summary);
        }
        let mut steps = Some(steps);
        match self.stream(&mut steps, options, events, deadline) {
            Outcome::Sent => Ok(summary),
            Outcome::Unable => {
                self.send_one_by_one(steps.unwrap_or_default(), events, deadline)?;
                Ok(summary)
            }
            Outcome::Failed { done, error } => {
                let path = paths.get(done).cloned().unwrap_or_default();
                let size = sizes.get(done).copied().flatten();
                Err(self.failure(path, size, error))
            }
        }
    }

    fn stream<'s>(
        &mut self,
        steps: &mut Option<Vec<Step<'s>>>,
        options: &SendOptions,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Outcome {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let error = match self.try_stream(steps, options, events, deadline) {
                Ok(outcome) => return outcome,
                Err(Start::Unable | Start::Refused(_)) => return Outcome::Unable,
                Err(Start::Failed(error)) => self.stop(error),
            };
            match &error {
                BoardError::Exception(exception) if exception.type_name == "MemoryError" => {
                    return Outcome::Unable;
                }
                // The program was damaged on its way, perhaps.
                BoardError::Exception(_) | BoardError::Timeout { .. }
                    if tries > 0 && !deadline.has_passed() => {}
                BoardError::Exception(exception) if agent::is_lack(&exception.type_name) => {
                    agent::note_unable(self.raw());
                    return Outcome::Unable;
                }
                _ => {
                    return Outcome::Failed {
                        done: 0,
                        error: Failure::Board(error),
                    };
                }
            }
        }
    }

    /// Send the stream. An error means that the board's program did not come to take steps.
    fn try_stream<'s>(
        &mut self,
        steps: &mut Option<Vec<Step<'s>>>,
        options: &SendOptions,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Outcome, Start> {
        let verify = if options.verify { "True" } else { "False" };
        let count = steps.as_ref().map_or(0, Vec::len);
        let folders = folders(steps.as_deref().unwrap_or_default());
        let arguments = [verify, LOST, &folders];
        let conversation = agent::start(self.raw(), device::SEND, &arguments, deadline)?;
        let mut stream = Stream {
            conversation,
            source: None,
            steps: steps.take(),
            frames: Frames::default(),
            mark: None,
            sent: 0,
            granted: 0,
            done: 0,
            committed: None,
            is_torn: false,
            listener: Listener::default(),
            block: 0,
            free: None,
            no_room: None,
        };
        let ended = stream.run(events, deadline);
        if let Err(BoardError::Cancelled | BoardError::Timeout { .. }) = ended {
            stream.abort();
        }
        let Stream {
            conversation,
            source,
            steps: unsent,
            committed,
            is_torn,
            no_room,
            done,
            ..
        } = stream;
        let ended = ended.and_then(|ended| match ended {
            Ended::Program => conversation.finish(&mut |_| {}, deadline.sooner(END_TIME)),
            Ended::Reset => Err(conversation.board_was_reset()),
        });
        if unsent.is_some() {
            *steps = unsent;
            let silent = BoardError::Unexpected {
                expected: "the program that takes files",
                received: Vec::new(),
            };
            return Err(Start::Failed(ended.err().unwrap_or(silent)));
        }
        let (done, error) = match ended {
            Ok(()) => match (source.and_then(|source| source.failure), no_room) {
                (Some((done, error)), _) => (done, Failure::Source(error)),
                (_, Some(no_room)) => (no_room.step, Failure::NoRoom(no_room)),
                (None, None) => {
                    for step in done..count {
                        events(TransferEvent::Done { step });
                    }
                    return Ok(Outcome::Sent);
                }
            },
            Err(error) if is_torn => (done, Failure::Torn(error)),
            Err(error @ BoardError::Exception(_)) => (done, Failure::Board(error)),
            Err(error) => match (self.stop(error), committed == Some(done)) {
                (error, true) => (done, Failure::InDoubt(error)),
                (error, false) => (done, Failure::Board(error)),
            },
        };
        Ok(Outcome::Failed { done, error })
    }

    /// The error for the step that failed.
    fn failure(&mut self, path: BoardPath, size: Option<u64>, failure: Failure) -> Error {
        let part = path.with_suffix(TEMPORARY_SUFFIX);
        match failure {
            Failure::Source(source) => Error::Source { path, source },
            Failure::NoRoom(no_room) => Error::NoSpace {
                path,
                needed: Some(no_room.needed),
                free: Some(no_room.free),
            },
            Failure::Torn(error) => Error::Torn {
                state: FileState::Temporary(part),
                source: Box::new(Error::new(&path, error)),
                path,
            },
            Failure::InDoubt(error) => Error::Torn {
                state: FileState::OldOrNew(part),
                source: Box::new(Error::new(&path, error)),
                path,
            },
            Failure::Board(BoardError::Exception(exception))
                if matches!(exception.type_name.as_str(), "ValueError" | "EOFError")
                    || exception
                        .os_error()
                        .is_some_and(|error| error.number == 110) =>
            {
                Error::Damaged {
                    path,
                    expected: "what was sent".to_owned(),
                    found: "something else, again and again".to_owned(),
                }
            }
            Failure::Board(error) => match Error::new(&path, error) {
                Error::NoSpace { path, .. } => Error::NoSpace {
                    needed: size,
                    free: self.free_space(&path),
                    path,
                },
                other => other,
            },
        }
    }

    /// The steps, each by exchanges of its own.
    fn send_one_by_one(
        &mut self,
        steps: Vec<Step<'_>>,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<(), Error> {
        for (index, step) in steps.into_iter().enumerate() {
            match step {
                Step::MakeDir(path) => match self.make_dir(&path, deadline) {
                    Err(Error::Exists { .. }) if self.is_dir(&path, deadline)? => {}
                    other => other?,
                },
                Step::Remove(path) => match self.remove_file(&path, deadline) {
                    Err(Error::NotFound { .. }) => {}
                    other => other?,
                },
                Step::RemoveDir(path) => match self.remove_dir(&path, deadline) {
                    Err(Error::NotFound { .. }) => {}
                    other => other?,
                },
                Step::Write(file) => {
                    let mut content = Vec::new();
                    let read =
                        (file.open)().and_then(|mut reader| reader.read_to_end(&mut content));
                    if let Err(source) = read {
                        let path = file.path;
                        return Err(Error::Source { path, source });
                    }
                    let of = content.len() as u64;
                    let mut moved = |event| {
                        if let crate::Event::Wrote { bytes, .. } = event {
                            events(TransferEvent::Moved {
                                step: index,
                                bytes,
                                of,
                            });
                        }
                    };
                    self.write_in_exchanges(&file.path, &content, &mut moved, deadline)?;
                }
            }
            events(TransferEvent::Done { step: index });
        }
        Ok(())
    }
}
