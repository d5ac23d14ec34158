//! The stream from the board.

use std::io;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::py_str;
use piton_board::repl::Conversation;
use piton_path::BoardPath;
use sha2::{Digest, Sha256};
use tracing::debug;

use super::agent::{self, Start};
use super::{END_TIME, Summary, TransferEvent};
use crate::device;
use crate::error::Error;
use crate::read::Hex;
use crate::remote::RemoteFs;
use crate::wire::crc32;

/// An event of a transfer from the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// A file begins.
    Begin {
        /// Index of its path.
        index: usize,
        /// Its size in bytes, where the board can tell beforehand.
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

/// How many bytes of names go to the board at a time, with what is around each.
const NAMES_LENGTH: usize = 4096;
const NAME_OVERHEAD: usize = 3;

/// Maximum number of requests in a row without a complete frame in answer.
const TRIES: u32 = 8;

/// The bytes of a frame around its payload.
const AROUND: usize = 9;

/// The longest payload, in device/receive.py.
const LONGEST: usize = 4096;

/// The file that is arriving.
struct File {
    of: u64,
    bytes: u64,
    digest: Sha256,
}

/// A stream that is arriving.
struct Stream<'s> {
    paths: &'s [BoardPath],
    /// Number of the first of these paths among all.
    first: usize,
    sink: &'s mut Sink<'s>,
    events: &'s mut dyn FnMut(TransferEvent),
    index: usize,
    file: Option<File>,
    number: u16,
    /// The number of the mark up to which bytes are dropped.
    mark: Option<u8>,
    marks: u8,
    tries: u32,
    summary: Summary,
}

/// The result of reading the pending bytes.
enum Taken {
    /// So many of them are used, and more may be usable.
    Bytes(usize),
    /// The frame is incomplete.
    TooFew,
    /// They are damaged.
    Damaged,
    /// All files have arrived; so many bytes are used.
    All(usize),
    /// The program has ended.
    End,
}

impl Stream<'_> {
    /// Uses the first of the pending bytes.
    fn take(&mut self, pending: &[u8]) -> Result<Taken, Error> {
        if let Some(mark) = self.mark {
            let wanted = [165, 90, 150, mark];
            return Ok(match pending.windows(4).position(|found| found == wanted) {
                Some(at) => {
                    self.mark = None;
                    Taken::Bytes(at + 4)
                }
                None if agent::is_end(pending) => Taken::End,
                None if pending.len() > 3 => Taken::Bytes(pending.len() - 3),
                None => Taken::TooFew,
            });
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
            // The loader has asked for more of the program than there was.
            return Ok(Taken::Bytes(1));
        }
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let number = u16::from_le_bytes([number_low, number_high]);
        if !b"FBHQ".contains(&kind) || length > LONGEST || number != self.number {
            return Ok(Taken::Damaged);
        }
        let Some((frame, crc)) = pending
            .get(..length + AROUND)
            .and_then(|frame| frame.split_last_chunk::<4>())
        else {
            return Ok(Taken::TooFew);
        };
        if crc32(&[frame]) != u32::from_le_bytes(*crc) {
            return Ok(Taken::Damaged);
        }
        self.number = self.number.wrapping_add(1);
        self.tries = 0;
        if kind == b'Q' {
            return Ok(Taken::All(length + AROUND));
        }
        self.carry_out(kind, frame.get(5..).unwrap_or_default())?;
        Ok(Taken::Bytes(length + AROUND))
    }

    fn carry_out(&mut self, kind: u8, payload: &[u8]) -> Result<(), Error> {
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
                let found = file.digest.finalize();
                if !payload.is_empty() && payload != found.as_slice() {
                    return Err(Error::Damaged {
                        path: path.clone(),
                        expected: format!("SHA-256 {}", Hex(payload)),
                        found: format!("SHA-256 {}", Hex(&found)),
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

    /// Requests everything behind the last complete frame.
    fn ask_again(
        &mut self,
        conversation: &mut Conversation<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.tries += 1;
        if self.tries > TRIES {
            return Err(Error::Damaged {
                path: self.paths.get(self.index).cloned().unwrap_or_default(),
                expected: "a whole frame".to_owned(),
                found: format!("none in {TRIES} tries"),
            });
        }
        self.marks = self.marks.wrapping_add(1);
        self.mark = Some(self.marks);
        let offset = self.file.as_ref().map_or(0, |file| file.bytes);
        debug!(
            file = self.first + self.index,
            offset,
            tries = self.tries,
            "a frame was damaged or lost, the board is asked to go on from what arrived"
        );
        // A file without content so far begins again.
        if offset == 0 {
            self.file = None;
        }
        let line = format!("\n{} {offset} {} {}\n", self.index, self.number, self.marks);
        conversation.write(line.trim_start().as_bytes(), deadline)?;
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
            if conversation.poll("a file from the board", limit)? {
                limit = deadline.sooner(SILENCE);
            } else if deadline.has_passed() {
                return Err(Error::Board(BoardError::Timeout {
                    waiting_for: "a file from the board",
                    received: conversation.pending().to_vec(),
                }));
            } else if limit.has_passed() {
                self.ask_again(conversation, deadline)?;
                limit = deadline.sooner(SILENCE);
            }
        }
    }
}

impl RemoteFs<'_, '_> {
    /// Brings files from the board, in one stream, in their order.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::read`], of the first file that fails: those before it have arrived. [`Error::Source`] for
    /// what `sink` refused.
    pub fn receive(
        &mut self,
        paths: &[BoardPath],
        sink: &mut Sink<'_>,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Summary, Error> {
        let mut summary = Summary::default();
        let mut first = 0;
        // The board holds the names in memory.
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

    /// Brings some of the files; `first` is the number of the first one among all.
    fn receive_part(
        &mut self,
        paths: &[BoardPath],
        first: usize,
        sink: &mut Sink<'_>,
        events: &mut dyn FnMut(TransferEvent),
        deadline: Deadline,
    ) -> Result<Summary, Error> {
        let mut tries = 2;
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
                mark: None,
                marks: 0,
                tries: 0,
                summary: Summary::default(),
            };
            let ended = self.receive_once(&mut stream, deadline);
            let has_begun = stream.number > 0;
            let Stream { index, summary, .. } = stream;
            match ended {
                Ok(()) if index == paths.len() => return Ok(summary),
                Ok(()) => {
                    return Err(Error::Answer {
                        path: paths.get(index).cloned().unwrap_or_default(),
                        received: Vec::new(),
                    });
                }
                Err(Start::Unable) => break,
                Err(Start::Refused(error)) => return Err(error),
                Err(Start::Failed(error)) => {
                    let error = self.stop(error);
                    match &error {
                        BoardError::Exception(exception) if !has_begun && tries == 0 => {
                            if exception.type_name == "MemoryError" {
                                break;
                            }
                            if agent::is_lack(&exception.type_name) {
                                agent::note_unable(self.raw());
                                break;
                            }
                        }
                        // The program may have been damaged in transit; or the file does not exist.
                        BoardError::Exception(exception)
                            if !has_begun && exception.os_error().is_none() =>
                        {
                            continue;
                        }
                        _ => {}
                    }
                    let path = paths.get(index).cloned().unwrap_or_default();
                    return Err(Error::new(&path, error));
                }
            }
        }
        self.receive_one_by_one(paths, first, sink, events, deadline)
    }

    fn receive_once(&mut self, stream: &mut Stream<'_>, deadline: Deadline) -> Result<(), Start> {
        let mut list = String::from("[");
        for path in stream.paths {
            list.push_str(&py_str(path.as_str()));
            list.push(',');
        }
        list.push(']');
        let mut conversation = agent::start(self.raw(), device::RECEIVE, &[&list], deadline)?;
        match stream.run(&mut conversation, deadline) {
            Ok(()) => conversation
                .finish(&mut |_| {}, deadline.sooner(END_TIME))
                .map_err(Start::Failed),
            Err(Error::Board(error)) => Err(Start::Failed(error)),
            Err(error) => {
                self.interrupt();
                Err(Start::Refused(error))
            }
        }
    }

    /// Each file by an exchange of its own.
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
