//! Receiving files from the board in one stream.

mod frame;

use std::io;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::py_str;
use piton_board::repl::Conversation;
use piton_path::BoardPath;
use sha2::{Digest, Sha256};
use tracing::debug;

use super::agent::{self, StartError};
use super::{END_TIME, Summary, TransferEvent};
use crate::device;
use crate::error::Error;
use crate::read::Hex;
use crate::remote::RemoteFs;
use crate::wire::crc32;
use frame::{FRAME_OVERHEAD, LONGEST, whole_frame};

/// An event of a transfer from the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// A file begins.
    Begin {
        /// Index of its path.
        index: usize,
        /// Its size in bytes.
        size: Option<u64>,
    },
    /// The next content.
    Content {
        /// Index of its path.
        index: usize,
        /// The next bytes.
        bytes: &'a [u8],
    },
    /// The file is complete, with the right SHA-256 on boards that have it.
    End {
        /// Index of its path.
        index: usize,
    },
}

/// Receives the events.
pub type Sink<'s> = dyn FnMut(Arrival<'_>) -> io::Result<()> + 's;

/// Silence after which missing content is requested.
const SILENCE: Duration = Duration::from_secs(2);

/// The same after the last frame, behind which the board waits for a request.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// Maximum length of the paths that are sent to the board at once, in bytes.
const NAMES_LENGTH: usize = 4096;
/// Bytes around each path: two quotes and a comma.
const NAME_OVERHEAD: usize = 3;

/// Maximum number of requests in a row without a complete frame in answer.
const TRIES: u32 = 8;

/// Maximum number of attempts to start the board's program.
const RECEIVE_TRIES: u32 = 4;

/// Number of frames that the board sends for a request after a damage, and the number to which it grows.
const BURST: u32 = 8;
const LONGEST_BURST: u32 = 256;

/// Distance between the numbers of frames before and after a request: a frame that was only late is not taken for a repeated one,
/// which may have other content.
const NUMBER_STEP: u16 = 4099;

/// Lengths of the longest and the shortest payloads that are asked for, and the longest after the first damage.
const LONG: u32 = 4096;
const SHORTEST: u32 = 64;
const DAMAGED: u32 = 512;

/// Numbers of frames between two damaged ones from which shorter or longer ones are tried.
const FEW: u32 = 4;
const MANY: u32 = 32;

/// The end of a program that raised, and of one that did not.
const RAISED: &[u8] = b"\x04Traceback";
const ENDED: &[u8] = b"\x04\x04>";

/// The file that is being received.
struct File {
    /// Size in bytes, as the board announced it.
    of: u64,
    /// Bytes received so far.
    bytes: u64,
    digest: Sha256,
}

/// A stream that is being received.
struct Stream<'s> {
    paths: &'s [BoardPath],
    /// Index of the first of these paths among the paths of all streams.
    first: usize,
    sink: &'s mut Sink<'s>,
    events: &'s mut dyn FnMut(TransferEvent),
    /// Index in `paths` of the current file.
    index: usize,
    file: Option<File>,
    /// The number of the next frame.
    number: u16,
    /// Whether a frame has come.
    has_begun: bool,
    /// The number of the mark that the board sends before it repeats frames. Bytes before the mark are dropped.
    mark: Option<u8>,
    /// The number of the last requested mark.
    marks: u8,
    /// Requests since the last complete frame.
    tries: u32,
    /// The longest content of a frame that is asked for, in bytes.
    longest: u32,
    /// Complete frames with content since the last damage.
    frames: u32,
    /// The number of frames with content that the board sends for a request, and how many of them are still to come. 0 if
    /// the line has damaged nothing: then it sends all.
    burst: u32,
    left: u32,
    summary: Summary,
}

/// The result of reading the pending bytes.
enum Taken {
    /// This number of bytes was used, and more may be usable.
    Bytes(usize),
    /// The frame is incomplete.
    TooFew,
    /// The bytes are damaged.
    Damaged,
    /// All files have arrived; this number of bytes was used.
    All(usize),
    /// The program has ended.
    End,
}

impl Stream<'_> {
    /// Uses the first of the pending bytes.
    fn take(&mut self, pending: &[u8]) -> Result<Taken, Error> {
        if let Some(mark) = self.mark {
            return Ok(self.find_answer(pending, mark));
        }
        if agent::is_end(pending) {
            return Ok(Taken::End);
        }
        let &[kind, number_low, number_high, length_low, length_high, ..] = pending else {
            return Ok(match pending.first() {
                None | Some(b'F' | b'B' | b'H' | b'Q' | 0x04 | 0x06) => Taken::TooFew,
                Some(_) => Taken::Damaged,
            });
        };
        if kind == 0x06 {
            // After an interrupt the loader repeats its request for bytes of the program (0x06), although it has them
            // all. The repeated request arrives before the first frame.
            return Ok(Taken::Bytes(1));
        }
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let number = u16::from_le_bytes([number_low, number_high]);
        if !b"FBHQ".contains(&kind) || length > LONGEST || number != self.number {
            return Ok(Taken::Damaged);
        }
        let Some((frame, crc)) = pending
            .get(..length + FRAME_OVERHEAD)
            .and_then(|frame| frame.split_last_chunk::<4>())
        else {
            return Ok(Taken::TooFew);
        };
        if crc32(&[frame]) != u32::from_le_bytes(*crc) {
            return Ok(Taken::Damaged);
        }
        self.number = self.number.wrapping_add(1);
        self.has_begun = true;
        self.tries = 0;
        if kind == b'B' {
            self.frames = self.frames.saturating_add(1);
            self.left = self.left.saturating_sub(1);
        }
        if kind == b'Q' {
            return Ok(Taken::All(length + FRAME_OVERHEAD));
        }
        self.handle_frame(kind, frame.get(5..).unwrap_or_default())?;
        Ok(Taken::Bytes(length + FRAME_OVERHEAD))
    }

    /// Finds the answer to the last request among bytes that were sent before it: the mark; if the mark was damaged, the
    /// frame behind it.
    fn find_answer(&mut self, pending: &[u8], mark: u8) -> Taken {
        let wanted = [165, 90, 150, mark];
        for (at, bytes) in pending.windows(4).enumerate() {
            if bytes == wanted {
                self.mark = None;
                return Taken::Bytes(at + 4);
            }
            let rest = pending.get(at..).unwrap_or_default();
            if whole_frame(rest).is_some_and(|(_, number)| number == self.number) {
                self.mark = None;
                return Taken::Bytes(at);
            }
        }
        match pending.len().checked_sub(LONGEST + FRAME_OVERHEAD) {
            Some(old @ 1..) => Taken::Bytes(old),
            _ => Taken::TooFew,
        }
    }

    /// Returns whether the last of the dropped bytes are the last frame: the board waits for a request, or for the host's end.
    fn board_waits(&self, pending: &[u8]) -> bool {
        let last = pending.last_chunk::<FRAME_OVERHEAD>();
        let is_last = |bytes: &[u8; FRAME_OVERHEAD]| matches!(whole_frame(bytes), Some((b'Q', _)));
        self.mark.is_some() && last.is_some_and(is_last)
    }

    /// Returns the offset of the program's end in bytes that are dropped while the board is asked for a frame.
    fn end_among_dropped(&self, pending: &[u8]) -> Option<usize> {
        self.mark?;
        let last = |end: &[u8]| pending.windows(end.len()).rposition(|bytes| bytes == end);
        pending
            .ends_with(b"\x04>")
            .then(|| last(RAISED).or(last(ENDED)))?
    }

    /// Reports a frame to the sink: the begin of a file, its content, or its end.
    fn handle_frame(&mut self, kind: u8, payload: &[u8]) -> Result<(), Error> {
        let Some(path) = self.paths.get(self.index) else {
            return Err(Error::Answer {
                path: BoardPath::default(),
                received: vec![kind],
            });
        };
        let index = self.first + self.index;
        let failed = |source| Error::Source {
            path: path.clone(),
            source,
        };
        let out_of_order = || Error::Answer {
            path: path.clone(),
            received: vec![kind],
        };
        match kind {
            b'F' => {
                let size = payload.first_chunk::<4>().ok_or_else(out_of_order)?;
                let of = u64::from(u32::from_le_bytes(*size));
                self.file = Some(File {
                    of,
                    bytes: 0,
                    digest: Sha256::new(),
                });
                (self.sink)(Arrival::Begin {
                    index,
                    size: Some(of),
                })
                .map_err(failed)
            }
            b'B' => {
                let file = self.file.as_mut().ok_or_else(out_of_order)?;
                file.digest.update(payload);
                file.bytes += payload.len() as u64;
                (self.sink)(Arrival::Content {
                    index,
                    bytes: payload,
                })
                .map_err(failed)?;
                (self.events)(TransferEvent::Moved {
                    step: index,
                    bytes: file.bytes,
                    of: file.of,
                });
                Ok(())
            }
            _ => {
                let file = self.file.take().ok_or_else(out_of_order)?;
                let digest = file.digest.finalize();
                if !payload.is_empty() && payload != digest.as_slice() {
                    return Err(Error::Damaged {
                        path: path.clone(),
                        expected: format!("SHA-256 {}", Hex(payload)),
                        found: format!("SHA-256 {}", Hex(&digest)),
                    });
                }
                self.summary.files += 1;
                self.summary.bytes += file.bytes;
                (self.sink)(Arrival::End { index }).map_err(failed)?;
                (self.events)(TransferEvent::Done { step: index });
                self.index += 1;
                Ok(())
            }
        }
    }

    /// Requests everything after the last complete frame, because one was damaged or lost.
    fn ask_again(
        &mut self,
        conversation: &mut Conversation<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.tries += 1;
        if self.tries > TRIES {
            return Err(Error::Damaged {
                path: self.paths.get(self.index).cloned().unwrap_or_default(),
                expected: "a complete frame".to_owned(),
                found: format!("none in {TRIES} tries"),
            });
        }
        debug!(
            file = self.first + self.index,
            offset = self.file.as_ref().map_or(0, |file| file.bytes),
            tries = self.tries,
            "a frame was damaged or lost, the board is asked to repeat it"
        );
        // On a line that damages much only short frames arrive.
        self.longest = match self.frames {
            ..FEW => (self.longest / 2).max(SHORTEST),
            MANY.. => (self.longest * 2).min(LONG),
            _ => self.longest,
        };
        if self.burst == 0 {
            self.longest = self.longest.min(DAMAGED);
        }
        self.frames = 0;
        self.burst = BURST;
        self.request(conversation, deadline)
    }

    /// Requests everything after the last complete frame.
    fn request(
        &mut self,
        conversation: &mut Conversation<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.left = self.burst;
        self.marks = self.marks.wrapping_add(1);
        self.mark = Some(self.marks);
        let offset = self.file.as_ref().map_or(0, |file| file.bytes);
        // The frame that begins the file may be the one that was lost, so the board repeats it.
        if offset == 0 {
            self.file = None;
        }
        self.number = self.number.wrapping_add(NUMBER_STEP);
        let (index, number) = (self.index as u64, u64::from(self.number));
        let (marks, longest) = (u64::from(self.marks), u64::from(self.longest));
        let burst = u64::from(self.burst);
        let sum = index + offset + number + marks + longest + burst;
        let line = format!("{index} {offset} {number} {marks} {longest} {burst} {sum}\n");
        conversation.write(line.as_bytes(), deadline)?;
        Ok(())
    }

    fn run(
        &mut self,
        conversation: &mut Conversation<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut limit = deadline.sooner(SILENCE);
        loop {
            match self.take(conversation.pending())? {
                Taken::Bytes(count) => {
                    conversation.consume(count);
                    if self.burst > 0 && self.left == 0 {
                        self.burst = (self.burst * 2).min(LONGEST_BURST);
                        self.request(conversation, deadline)?;
                    }
                    continue;
                }
                Taken::All(count) => {
                    conversation.consume(count);
                    conversation.write(b"\n", deadline)?;
                    return Ok(());
                }
                Taken::End => return Ok(()),
                Taken::Damaged => {
                    let count = conversation.pending().len();
                    conversation.consume(count);
                    self.ask_again(conversation, deadline)?;
                    limit = deadline.sooner(SILENCE);
                    continue;
                }
                Taken::TooFew => {}
            }
            if self.board_waits(conversation.pending()) {
                limit = limit.sooner(ANSWER_TIME);
            }
            if conversation.poll("a file from the board", limit)? {
                limit = deadline.sooner(SILENCE);
            } else if deadline.has_passed() {
                return Err(Error::Board(BoardError::Timeout {
                    waiting_for: "a file from the board",
                    received: conversation.pending().to_vec(),
                }));
            } else if limit.has_passed() {
                if let Some(end) = self.end_among_dropped(conversation.pending()) {
                    conversation.consume(end);
                    return Ok(());
                }
                // A frame was lost, or the line is late. The request is harmless in both cases: the board repeats what the host
                // lacks under new numbers, and the host drops what was late.
                self.ask_again(conversation, deadline)?;
                limit = deadline.sooner(SILENCE * (1 << self.tries.min(3)));
            }
        }
    }
}

impl RemoteFs<'_, '_> {
    /// Reads files from the board, in one stream, in their order.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::read`], for the first file that fails. The files before it have arrived. [`Error::Source`] for
    /// an error of `sink`.
    pub fn receive(
        &mut self,
        paths: &[BoardPath],
        sink: &mut Sink<'_>,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Summary, Error> {
        let mut summary = Summary::default();
        let mut first = 0;
        // The board keeps the paths in memory, so a long list is divided.
        while let Some(rest @ [_, ..]) = paths.get(first..) {
            let mut length = 0;
            let fitting = rest.iter().take_while(|path| {
                length += path.as_str().len() + NAME_OVERHEAD;
                length <= NAMES_LENGTH
            });
            let count = fitting.count().max(1);
            let part = rest.get(..count).unwrap_or(rest);
            let arrived = self.receive_part(part, first, sink, events, deadline)?;
            summary.files += arrived.files;
            summary.bytes += arrived.bytes;
            first += count;
        }
        Ok(summary)
    }

    /// Reads a part of the files; `first` is the index of the first one among all.
    fn receive_part(
        &mut self,
        paths: &[BoardPath],
        first: usize,
        sink: &mut Sink<'_>,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Summary, Error> {
        let mut tries = RECEIVE_TRIES;
        while !paths.is_empty() {
            tries -= 1;
            let mut stream = Stream {
                paths,
                first,
                sink: &mut *sink,
                events: &mut *events,
                index: 0,
                file: None,
                number: 0,
                has_begun: false,
                mark: None,
                marks: 0,
                tries: 0,
                longest: LONG,
                frames: 0,
                burst: 0,
                left: 0,
                summary: Summary::default(),
            };
            let ended = self.receive_once(&mut stream, deadline);
            let has_begun = stream.has_begun;
            let Stream { index, summary, .. } = stream;
            match ended {
                Ok(()) if index == paths.len() => return Ok(summary),
                Ok(()) => {
                    return Err(Error::Answer {
                        path: paths.get(index).cloned().unwrap_or_default(),
                        received: Vec::new(),
                    });
                }
                Err(StartError::Unable) => break,
                Err(StartError::Refused(error)) => return Err(error),
                Err(StartError::Failed(error)) => {
                    let error = self.stop(error);
                    match &error {
                        BoardError::Exception(exception) if !has_begun && tries == 0 => {
                            if exception.type_name == "MemoryError" {
                                break;
                            }
                            if agent::is_missing_function(&exception.type_name) {
                                agent::mark_unable(self.raw());
                                break;
                            }
                        }
                        // A damaged byte of the program can raise any exception. An `OSError` is different: it says that
                        // a file does not exist or cannot be read.
                        BoardError::Exception(exception)
                            if !has_begun && exception.os_error().is_none() =>
                        {
                            continue;
                        }
                        error if !has_begun && tries > 0 && self.may_repeat(error) => continue,
                        _ => {}
                    }
                    let path = paths.get(index).cloned().unwrap_or_default();
                    return Err(Error::new(&path, error));
                }
            }
        }
        self.receive_one_by_one(paths, first, sink, events, deadline)
    }

    fn receive_once(
        &mut self,
        stream: &mut Stream<'_>,
        deadline: Deadline,
    ) -> Result<(), StartError> {
        let mut list = String::from("[");
        for path in stream.paths {
            list.push_str(&py_str(path.as_str()));
            list.push(',');
        }
        list.push(']');
        let mut conversation = agent::start(self.raw(), device::RECEIVE, &[&list], deadline)?;
        match stream.run(&mut conversation, deadline) {
            Ok(()) => conversation
                .finish_probed(&mut |_| {}, deadline.sooner(END_TIME))
                .map_err(StartError::Failed),
            Err(Error::Board(error)) => Err(StartError::Failed(error)),
            Err(error) => {
                self.interrupt();
                Err(StartError::Refused(error))
            }
        }
    }

    /// Reads each file with an exchange of its own, for boards that cannot stream.
    fn receive_one_by_one(
        &mut self,
        paths: &[BoardPath],
        first: usize,
        sink: &mut Sink<'_>,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Summary, Error> {
        let mut summary = Summary::default();
        for (index, path) in (first..).zip(paths) {
            let mut content = Vec::new();
            let mut moved = |event| {
                if let crate::FileEvent::Read { bytes, of } = event {
                    events(TransferEvent::Moved {
                        step: index,
                        bytes,
                        of: of.unwrap_or(bytes),
                    });
                }
            };
            self.read_in_exchange(
                path,
                &mut |bytes| content.extend_from_slice(bytes),
                &mut moved,
                deadline,
            )?;
            let size = Some(content.len() as u64);
            for arrival in [
                Arrival::Begin { index, size },
                Arrival::Content {
                    index,
                    bytes: &content,
                },
                Arrival::End { index },
            ] {
                sink(arrival).map_err(|source| Error::Source {
                    path: path.clone(),
                    source,
                })?;
            }
            summary.files += 1;
            summary.bytes += content.len() as u64;
            events(TransferEvent::Done { step: index });
        }
        Ok(summary)
    }
}
