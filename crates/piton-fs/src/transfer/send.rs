//! Sending files to the board in one stream.

use std::time::{Duration, Instant};

use piton_board::deadline::{Deadline, scaled};
use piton_board::error::Error as BoardError;
use piton_board::repl::{Conversation, RawRepl};
use piton_path::BoardPath;
use tracing::debug;

use super::agent::{self, Listener, Message, ProgramEvent, StartError};
use super::room::{NoRoom, check_room, folders};
use super::sender::{
    DAMAGED, DONE, FAILED, HELLO, IS_TORN, MODEST_SIZE, NextAction, SILENCE, Sender,
};
use super::source::{Source, Taken};
use super::{END_TIME, SendOptions, Step, Summary, TransferEvent};
use crate::device;
use crate::error::{Error, FileState};
use crate::remote::RemoteFs;
use crate::write::TEMPORARY_SUFFIX;

/// Seconds for each byte, for a line whose pace is not known yet.
const SLOW_PACE: f64 = 0.0005;

/// Number of attempts to start the board's program.
const TRIES: u32 = 3;

/// Message: the size of a block of the board's file system in bytes. Boards with `os.statvfs` send it first.
const BLOCK: u8 = b'V';
/// Message: the number of free blocks.
const FREE: u8 = b'W';

/// Ends the board's program in any state: an interrupt, followed by a byte that begins no packet.
const STOP: &[u8] = b"\x03\x01";

/// Silence at the beginning and at the end of the stream after which the board is asked whether a message was lost.
const QUESTION_TIME: Duration = Duration::from_secs(3);

/// Requests the state after a damaged packet.
const INTERRUPT: &[u8] = b"\x03";

/// Calls the board's program again after a pause.
const RESUME: &[u8] = b"import sys\nsys.modules.pop('_piton')()";

/// The result of a stream.
pub(crate) enum Outcome {
    /// All steps are carried out.
    Sent,
    /// The board can't take a stream. Nothing was done.
    Unable,
    /// `done` steps are carried out, and the next one failed.
    Failed { done: usize, error: Failure },
}

/// Why a stream failed.
pub(crate) enum Failure {
    /// The file does not fit.
    NoRoom(NoRoom),
    /// A file of the host could not be read.
    Source(std::io::Error),
    /// The board's error, or a timeout.
    Board(BoardError),
    /// The board could not rename the complete file.
    Torn(BoardError),
    /// The connection broke while the board renamed the file: the rename may have happened or not.
    InDoubt(BoardError),
}

/// A running stream.
struct Stream<'s> {
    /// Taken when the board's program has started.
    steps: Option<Vec<Step<'s>>>,
    verify: bool,
    /// The number of steps.
    count: usize,
    /// The largest number of bytes that the line has carried at once.
    size: usize,
    /// Seconds for each of these bytes.
    pace: f64,
    sender: Option<Sender<'s>>,
    began: Instant,
    done: usize,
    committed: Option<usize>,
    is_torn: bool,
    listener: Listener,
    block: u64,
    /// Free bytes, if the board reports them.
    free: Option<u64>,
    /// The step whose file does not fit.
    no_room: Option<NoRoom>,
    /// Questions to a silent board since its last message.
    questions: u32,
}

/// How the board's program ended.
enum Ended {
    /// It ended.
    Program,
    /// It has paused.
    Pause,
    /// The board was reset.
    Reset,
}

impl Stream<'_> {
    /// Follows the stream to the end of the board's program.
    fn run(
        &mut self,
        conversation: &mut Conversation<'_>,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Ended, BoardError> {
        let mut heard_at = Instant::now();
        loop {
            let now = self.began.elapsed();
            let until = match self.sender.as_mut().map(|sender| sender.next_action(now)) {
                Some(NextAction::Write(bytes)) => {
                    conversation.write(&bytes, deadline)?;
                    continue;
                }
                Some(NextAction::Listen(at)) => at.saturating_sub(now),
                None => SILENCE,
                Some(NextAction::GiveUp) => return Err(damaged()),
            };
            let longest = self
                .sender
                .as_ref()
                .map_or(SILENCE, Sender::longest_silence);
            let longest = scaled(longest);
            let silence = longest.saturating_sub(heard_at.elapsed());
            let question = scaled(QUESTION_TIME * (1 << self.questions));
            if heard_at.elapsed() >= question {
                self.ask(conversation, deadline)?;
            }
            let limit = deadline.slice(until.min(silence).min(question));
            let (message, end) = match self.listener.hear(conversation, limit)? {
                ProgramEvent::Message(message) => (Some(message), None),
                ProgramEvent::End if self.is_pausing() => (None, Some(Ended::Pause)),
                ProgramEvent::End => (None, Some(Ended::Program)),
                ProgramEvent::Reset => (None, Some(Ended::Reset)),
                ProgramEvent::Silence => (None, None),
            };
            if let Some(end) = end {
                return Ok(end);
            }
            if let Some(message) = message {
                heard_at = Instant::now();
                self.questions = 0;
                if self.sender.is_none() && message.kind == DAMAGED {
                    // The answer to the question: the first message was lost. The board repeats it after an interrupt.
                    conversation.write(INTERRUPT, deadline)?;
                }
                self.take(message, events);
            } else if deadline.has_passed() || heard_at.elapsed() >= longest {
                return Err(BoardError::Timeout {
                    waiting_for: "the board to receive more of the files",
                    received: Vec::new(),
                });
            }
        }
    }

    /// Asks a silent board whether it waits for a packet whose request was lost, or has ended its program. If it is only late,
    /// the question does no harm.
    fn ask(
        &mut self,
        conversation: &mut Conversation<'_>,
        deadline: Deadline,
    ) -> Result<(), BoardError> {
        self.questions += 1;
        match &self.sender {
            // An interrupt would end a program that is not ready yet. The probe is a damaged packet to it, which it reports.
            None => conversation.probe(deadline),
            // A board in its program answers the interrupt first.
            Some(sender) if sender.is_ending() => conversation.probe_after_interrupt(deadline),
            Some(_) => Ok(()),
        }
    }

    fn is_pausing(&self) -> bool {
        self.sender.as_ref().is_some_and(Sender::is_pausing)
    }

    fn take(&mut self, message: Message, events: &mut dyn FnMut(TransferEvent)) {
        let value = message.value;
        match message.kind {
            BLOCK => self.block = u64::from(value),
            FREE => self.free = Some(u64::from(value) * self.block),
            HELLO => self.begin(),
            DONE | FAILED => {
                // A damaged number may exceed the number of steps.
                let done = ((value & (IS_TORN - 1)) as usize).min(self.count);
                for step in self.done..done {
                    events(TransferEvent::Done { step });
                }
                self.done = self.done.max(done);
                if message.kind == FAILED {
                    self.is_torn = value & IS_TORN != 0;
                }
            }
            _ => {}
        }
        let now = self.began.elapsed();
        let Some(sender) = &mut self.sender else {
            return;
        };
        let Taken {
            progress,
            committed,
        } = sender.hear(message, now);
        self.committed = committed.or(self.committed);
        if let Some(progress) = progress {
            events(TransferEvent::Moved {
                step: progress.step,
                bytes: progress.bytes,
                of: progress.of,
            });
        }
    }

    /// Prepares the stream when the board is ready. It is empty if a file does not fit.
    fn begin(&mut self) {
        let Some(steps) = self.steps.take() else {
            return;
        };
        let free = self.free.unwrap_or(u64::MAX);
        self.no_room = check_room(&steps, self.block, free);
        let steps = match self.no_room {
            Some(_) => Vec::new(),
            None => steps,
        };
        let source = Source::new(steps, self.verify);
        self.sender = Some(Sender::new(
            source,
            self.size,
            self.pace,
            self.began.elapsed(),
        ));
    }
}

/// Returns the error for a line that damages packets of every size.
fn damaged() -> BoardError {
    BoardError::Unexpected {
        expected: "the board to receive an undamaged packet",
        received: Vec::new(),
    }
}

/// Sends the stream, with its pauses, to its end.
fn follow(
    raw_repl: &mut RawRepl<'_>,
    stream: &mut Stream<'_>,
    events: &mut dyn FnMut(TransferEvent),
    deadline: Deadline,
) -> Result<(), BoardError> {
    loop {
        let mut conversation = raw_repl.conversation();
        let ended = stream.run(&mut conversation, events, deadline);
        if let Err(
            BoardError::Cancelled | BoardError::Timeout { .. } | BoardError::Unexpected { .. },
        ) = &ended
        {
            // An error is ignored here: `RemoteFs::stop`, which the caller uses next, repeats the interrupt.
            let _ = conversation.write(STOP, Deadline::after(END_TIME));
        }
        let end_time = deadline.sooner(END_TIME);
        match ended? {
            Ended::Program => {
                conversation.finish_probed(&mut |_| {}, end_time)?;
                let has_failed = stream.sender.as_ref().is_some_and(Sender::has_failed);
                // The answer to a probe followed the damaged text of an exception.
                return match has_failed || stream.listener.has_dropped_traceback() {
                    true => Err(BoardError::Unexpected {
                        expected: "the error of the program that receives files",
                        received: Vec::new(),
                    }),
                    false => Ok(()),
                };
            }
            Ended::Reset => return Err(conversation.board_was_reset()),
            Ended::Pause => {
                conversation.finish_probed(&mut |_| {}, end_time)?;
                raw_repl.converse(RESUME, deadline)?;
            }
        }
    }
}

impl RemoteFs<'_, '_> {
    /// Carries out the steps in their order, in one stream. Each file is written to its name with [`TEMPORARY_SUFFIX`],
    /// and renamed when its SHA-256 is right.
    ///
    /// Stops at the first step that fails: the steps before it are carried out, those after it are not.
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
        debug!(
            files = summary.files,
            bytes = summary.bytes,
            "sending files to the board in one stream"
        );
        let mut steps = Some(steps);
        match self.stream(&mut steps, options, events, deadline) {
            Outcome::Sent => Ok(summary),
            Outcome::Unable => {
                debug!(
                    "the board can't receive a stream, each file is sent with exchanges of its own"
                );
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
                Err(StartError::Unable | StartError::Refused(_)) => return Outcome::Unable,
                Err(StartError::Failed(error)) => self.stop(error),
            };
            match &error {
                BoardError::Exception(exception) if exception.type_name == "MemoryError" => {
                    return Outcome::Unable;
                }
                // A damaged byte of the program raises an exception, a lost one leaves the board waiting for its end.
                BoardError::Exception(_)
                | BoardError::Timeout { .. }
                | BoardError::Unexpected { .. }
                | BoardError::NotAtPrompt
                    if tries > 0 && !deadline.has_passed() =>
                {
                    debug!(%error, "the program that receives files did not start, it is sent again");
                }
                BoardError::Exception(exception)
                    if agent::is_missing_function(&exception.type_name) =>
                {
                    agent::mark_unable(self.raw());
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

    /// Sends the stream. An error means that the board's program did not start.
    fn try_stream<'s>(
        &mut self,
        steps: &mut Option<Vec<Step<'s>>>,
        options: &SendOptions,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Outcome, StartError> {
        let verify = if options.verify { "True" } else { "False" };
        let count = steps.as_ref().map_or(0, Vec::len);
        let folders = match options.fits {
            true => "()".to_owned(),
            false => folders(steps.as_deref().unwrap_or_default()),
        };
        let arguments = [verify, &folders];
        agent::start(self.raw(), device::SEND, &arguments, deadline)?;
        let learned = self.raw().learned();
        let mut stream = Stream {
            steps: steps.take(),
            verify: options.verify,
            count,
            size: learned.longest_burst.max(MODEST_SIZE),
            pace: if learned.seconds_per_byte > 0.0 {
                learned.seconds_per_byte
            } else {
                SLOW_PACE
            },
            sender: None,
            began: Instant::now(),
            done: 0,
            committed: None,
            is_torn: false,
            listener: Listener::default(),
            block: 0,
            free: None,
            no_room: None,
            questions: 0,
        };
        let ended = follow(self.raw(), &mut stream, events, deadline);
        let Stream {
            mut sender,
            steps: unsent,
            committed,
            is_torn,
            no_room,
            done,
            ..
        } = stream;
        if unsent.is_some() {
            *steps = unsent;
            let silent = BoardError::Unexpected {
                expected: "the program that receives files",
                received: Vec::new(),
            };
            return Err(StartError::Failed(ended.err().unwrap_or(silent)));
        }
        let (done, error) = match ended {
            Ok(()) => match (sender.as_mut().and_then(Sender::take_failure), no_room) {
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

    /// Returns the error for the step that failed.
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
                // The host ends the program with Ctrl-C (`KeyboardInterrupt`) when packets of every size are damaged.
                // `ValueError` says that the file in flash has another SHA-256, and `OSError` 110 is `ETIMEDOUT`.
                if matches!(exception.type_name.as_str(), "ValueError" | "KeyboardInterrupt")
                    || exception
                        .os_error()
                        .is_some_and(|error| error.number == 110) =>
            {
                Error::Damaged {
                    path,
                    expected: "what was sent".to_owned(),
                    found: "damaged packets at every attempt".to_owned(),
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

    /// Carries out each step with exchanges of its own, for boards that cannot receive a stream.
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
                        if let crate::FileEvent::Wrote { bytes, .. } = event {
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
