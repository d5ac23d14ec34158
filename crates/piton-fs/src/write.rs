//! Writing files to the board: to a temporary file, which is checked and then renamed.

use std::time::Duration;

use data_encoding::BASE64;
use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::exception::OsError;
use piton_board::literal::{from_literal, py_bytes};
use piton_path::BoardPath;
use sha2::{Digest, Sha256};
use tracing::debug;

use crate::device::Program;
use crate::error::{Error, FileState};
use crate::hash::DigestBytes;
use crate::read::Hex;
use crate::remote::{RemoteFs, quoted};
use crate::transfer::{Outgoing, SendOptions, Step, TransferEvent};
use crate::{FileEvent, device};

/// The suffix of a file while it is written. A file with it is left over from an interrupted transfer; the next write
/// of the same file overwrites and removes it.
pub const TEMPORARY_SUFFIX: &str = ".piton-new";

/// The suffix of a complete file while its entry moves within its folder (FAT): a name of the same length takes as
/// many directory entries. A file with it is left over from a power cut in this moment.
pub const MOVED_SUFFIX: &str = ".piton-nex";

/// Maximum length of a literal that goes in one exchange with the program that writes it.
const AT_ONCE: usize = 512;

/// Length of the literal of one part: less is not worth an exchange, and more does not fit a board's parser.
const PART_LIMIT: std::ops::RangeInclusive<usize> = 128..=4096;

/// The same on boards that take programs in short pieces: a call with this literal fits one piece.
const SHORT_PART: usize = 48;

/// The fraction of free memory (one part in so many) that the literal of one part may take. The board holds its text,
/// in a buffer that doubles as it grows, the literal's value, and the decoded bytes.
const MEMORY_SHARE: usize = 6;

/// Timeout of one part: parsing, and writing to flash that must be erased first.
const PART_TIME: Duration = Duration::from_secs(60);

/// Timeout of cleaning up after a failure.
pub(crate) const TIDY_TIME: Duration = Duration::from_secs(10);

/// The board's answer after it opened the file.
struct Opened {
    /// The board cannot rename: the file is written under its own name.
    in_place: bool,
    base64: bool,
    /// Free memory in bytes, if the board can report it.
    memory: Option<usize>,
}

/// One file to write.
struct Job<'a> {
    path: &'a BoardPath,
    /// The path that is written.
    part: BoardPath,
    program: Program,
    content: &'a [u8],
    /// Set once the board has opened the file.
    opened: Option<Opened>,
    /// Whether the final rename was requested.
    finishing: bool,
}

impl RemoteFs<'_, '_> {
    /// Replaces a file: the old content stays until the new one is complete on the board and checked by its size, and by
    /// SHA-256 where the board has it (else by the sum of its bytes).
    ///
    /// The content is written to a temporary file in the same folder (its name with [`TEMPORARY_SUFFIX`]), which is
    /// renamed in the end. The file system decides how safe this is:
    ///
    /// - littlefs and POSIX replace the old file in one step: an interrupted write, even by a power cut,
    ///   leaves the old file or the new one;
    /// - on FAT the old file is removed first, by MicroPython's rename or by Piton: a power cut in that moment leaves the
    ///   complete new file under its temporary name;
    /// - a micro:bit (MicroPython 1.9) has no rename: the file is written in place, and a failure loses it.
    ///
    /// Short files take one exchange, others are sent as a stream: see [`RemoteFs::send`].
    ///
    /// # Errors
    ///
    /// [`Error::NoSpace`], [`Error::ReadOnly`], [`Error::NotFound`] (the folder), [`Error::IsADirectory`],
    /// [`Error::OutOfMemory`], [`Error::Damaged`], [`Error::Board`]: the old file is as it was.
    /// [`Error::Torn`] if it is not.
    pub fn write(
        &mut self,
        path: &BoardPath,
        content: &[u8],
        events: &mut dyn FnMut(FileEvent),
        deadline: Deadline,
    ) -> Result<(), Error> {
        if literal_length(content) <= AT_ONCE {
            return self.write_in_exchanges(path, content, events, deadline);
        }
        let of = content.len() as u64;
        let mut moved = |event| match event {
            TransferEvent::Moved { bytes, .. } => events(FileEvent::Wrote { bytes, of }),
            TransferEvent::Done { .. } => events(FileEvent::Wrote { bytes: of, of }),
        };
        let file = Outgoing::from_bytes(path.clone(), content);
        let options = SendOptions::default();
        match self.send(vec![Step::Write(file)], &options, &mut moved, deadline) {
            // `MemoryError`: a fragmented heap may have no block for the whole literal, but blocks for smaller ones.
            Err(Error::OutOfMemory { .. }) => {
                self.write_in_exchanges(path, content, events, deadline)
            }
            sent => sent.map(|_| ()),
        }
    }

    /// Does the work of [`RemoteFs::write`] without a stream: the content is sent as literals in programs.
    pub(crate) fn write_in_exchanges(
        &mut self,
        path: &BoardPath,
        content: &[u8],
        events: &mut dyn FnMut(FileEvent),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut job = Job {
            path,
            part: path.with_suffix(TEMPORARY_SUFFIX),
            program: device::WRITE,
            content,
            opened: None,
            finishing: false,
        };
        // A board that takes programs in pieces gets them as literals, where the escapes of the content are escaped
        // again. It may also have too little memory to compile the program together with the content.
        let written = match literal_length(content) <= AT_ONCE && !self.takes_pieces() {
            true => self.write_at_once(&mut job, deadline),
            false => self.write_in_parts(&mut job, events, deadline),
        };
        if let Err(error) = written {
            return Err(self.tidy_up(&job, error));
        }
        events(FileEvent::Wrote {
            bytes: content.len() as u64,
            of: content.len() as u64,
        });
        Ok(())
    }

    fn write_at_once(&mut self, job: &mut Job<'_>, deadline: Deadline) -> Result<(), Error> {
        let mut source = job.open_source();
        if !job.content.is_empty() {
            source.push_str(&format!("_piton({})\n", py_bytes(job.content)));
        }
        source.push_str(&job.finish_source());
        let mut answer = Vec::new();
        let ended = self.exec(
            source.as_bytes(),
            &mut |bytes| answer.extend_from_slice(bytes),
            deadline.sooner(PART_TIME),
        );
        let mut lines = answer.split_inclusive(|byte| *byte == b'\n');
        if let Some(line) = lines.next() {
            job.opened = Some(job.read_opened(line)?);
        }
        job.finishing = ended.is_ok() || !matches!(ended, Err(BoardError::Exception(_)));
        ended.map_err(|error| Error::new(job.path, error))?;
        job.read_outcome(lines.next().unwrap_or_default())
    }

    fn write_in_parts(
        &mut self,
        job: &mut Job<'_>,
        events: &mut dyn FnMut(FileEvent),
        deadline: Deadline,
    ) -> Result<(), Error> {
        if self.takes_pieces() && !self.can_rename(deadline)? {
            // A board without `os.rename` (micro:bit) cannot replace the old file by a complete one.
            debug!(path = %job.path, "the board cannot rename, the file is written under its own name");
            job.program = device::WRITE_IN_PLACE;
        }
        let answer = self
            .run(job.open_source().as_bytes(), deadline.sooner(PART_TIME))
            .map_err(|error| Error::new(job.path, error))?;
        let opened = job.read_opened(&answer)?;
        let takes_base64 = opened.base64;
        let mut limit = opened
            .memory
            .map_or(AT_ONCE, |memory| memory / MEMORY_SHARE)
            .clamp(*PART_LIMIT.start(), *PART_LIMIT.end());
        job.opened = Some(opened);
        let mut bytes = 0;
        if self.takes_pieces() && !job.content.is_empty() {
            limit = SHORT_PART;
            bytes = self.write_blocks(job, events, deadline)?;
        }
        while let Some(rest @ [_, ..]) = job.content.get(bytes..) {
            let (literal, taken) = next_literal(rest, limit, takes_base64);
            let source = format!("_piton({literal})\n");
            match self.run(source.as_bytes(), deadline.sooner(PART_TIME)) {
                Ok(_) => bytes += taken,
                Err(error) => match Error::new(job.path, error) {
                    // `MemoryError`: a fragmented heap may have no block for this literal. Smaller ones continue after
                    // the bytes that the board has written.
                    Error::OutOfMemory { .. } if limit > *PART_LIMIT.start() => {
                        limit /= 2;
                        debug!(limit, "the board ran out of memory, parts get smaller");
                        bytes = self.written_so_far(job.path, deadline)?;
                    }
                    error => return Err(error),
                },
            }
            if bytes < job.content.len() {
                events(FileEvent::Wrote {
                    bytes: bytes as u64,
                    of: job.content.len() as u64,
                });
            }
        }
        job.finishing = true;
        let answer = self
            .run(job.finish_source().as_bytes(), deadline.sooner(PART_TIME))
            .map_err(|error| {
                job.finishing = !matches!(error, BoardError::Exception(_));
                Error::new(job.path, error)
            })?;
        job.read_outcome(&answer)
    }

    /// Returns whether the board takes programs only in pieces. False if that is not known yet.
    fn takes_pieces(&mut self) -> bool {
        self.raw().raw_paste() == Some(false)
    }

    /// Sends the content in blocks, if the board accepts them. Returns how many bytes the board has then: all or 0.
    fn write_blocks(
        &mut self,
        job: &Job<'_>,
        events: &mut dyn FnMut(FileEvent),
        deadline: Deadline,
    ) -> Result<usize, Error> {
        let of = job.content.len();
        let mut moved = |taken: usize| {
            if taken < of {
                let (bytes, of) = (taken as u64, of as u64);
                events(FileEvent::Wrote { bytes, of });
            }
        };
        let sent = self.send_blocks(job.content, &mut moved, deadline);
        let sent = sent.map_err(|error| Error::new(job.path, error))?;
        Ok(if sent { of } else { 0 })
    }

    /// Returns how many bytes the board has written.
    fn written_so_far(&mut self, path: &BoardPath, deadline: Deadline) -> Result<usize, Error> {
        let answer = self
            .run(b"_piton(0)\n", deadline.sooner(PART_TIME))
            .map_err(|error| Error::new(path, error))?;
        self.read_answer(path, &answer)
    }

    /// Cleans up after a failed write: removes the temporary file, if the board still answers, and returns the error
    /// with the state of the file.
    fn tidy_up(&mut self, job: &Job<'_>, error: Error) -> Error {
        // This fails if no file was opened or the program has removed it. Then there is nothing to clean up.
        let _ = self.run(
            b"try:\n _piton(None)\nfinally:\n del _piton\n",
            Deadline::after(TIDY_TIME),
        );
        let error = match error {
            Error::NoSpace { path, .. } => Error::NoSpace {
                needed: Some(job.content.len() as u64),
                free: self.free_space(&path),
                path,
            },
            other => other,
        };
        let state = match &job.opened {
            // The last step has reported the state of the file itself.
            _ if matches!(error, Error::Torn { .. }) => return error,
            Some(opened) if opened.in_place => {
                match self.exists(job.path, Deadline::after(TIDY_TIME)) {
                    Ok(false) => FileState::Missing,
                    _ => FileState::Unknown,
                }
            }
            Some(_) if job.finishing && matches!(error, Error::Board(_)) => {
                FileState::OldOrNew(job.part.clone())
            }
            None if job.finishing => FileState::Unknown,
            _ => return error,
        };
        Error::Torn {
            path: job.path.clone(),
            state,
            source: Box::new(error),
        }
    }

    /// Returns the free bytes on the file system of `path`, if the board can report them.
    pub(crate) fn free_space(&mut self, path: &BoardPath) -> Option<u64> {
        let source = format!(
            "import os\nspace = os.statvfs({} or os.getcwd())\nprint(space[0] * space[4])",
            quoted(&path.parent().unwrap_or_default())
        );
        let answer = self
            .run(source.as_bytes(), Deadline::after(TIDY_TIME))
            .ok()?;
        from_literal(&answer).ok()
    }
}

impl Job<'_> {
    fn open_source(&self) -> String {
        format!(
            "{}_piton({},{},{},{})\n",
            self.program.source(),
            quoted(self.path),
            quoted(&self.part),
            quoted(&self.path.parent().unwrap_or_default()),
            self.content.len()
        )
    }

    fn finish_source(&self) -> String {
        format!(
            "_piton(({},{},{}))\ndel _piton\n",
            self.content.len(),
            py_bytes(&Sha256::digest(self.content)),
            self.sum()
        )
    }

    /// Returns the sum of all bytes: boards without SHA-256 can calculate this fast enough.
    fn sum(&self) -> u64 {
        self.content.iter().map(|byte| u64::from(*byte)).sum()
    }

    fn read_opened(&self, line: &[u8]) -> Result<Opened, Error> {
        let (in_place, base64, memory) = from_literal(line).map_err(|_| self.unexpected(line))?;
        Ok(Opened {
            in_place,
            base64,
            memory,
        })
    }

    fn read_outcome(&self, line: &[u8]) -> Result<(), Error> {
        let path = self.path.clone();
        let size = self.content.len();
        match from_literal(line) {
            Ok(Outcome::Done) => Ok(()),
            Ok(Outcome::Size(found)) => Err(Error::Damaged {
                path,
                expected: format!("{size} bytes"),
                found: format!("{found} bytes"),
            }),
            Ok(Outcome::Content(DigestBytes(digest))) => Err(Error::Damaged {
                path,
                expected: format!("SHA-256 {}", Hex(&Sha256::digest(self.content))),
                found: format!("SHA-256 {}", Hex(&digest)),
            }),
            Ok(Outcome::Sum(found)) => Err(Error::Damaged {
                path,
                expected: format!("sum {}", self.sum()),
                found: format!("sum {found}"),
            }),
            Ok(Outcome::Part(number)) => {
                let refused = match OsError::from_message(&number.to_string()) {
                    Some(error) => Error::Os {
                        path: path.clone(),
                        error,
                    },
                    None => self.unexpected(line),
                };
                Err(Error::Torn {
                    path,
                    state: FileState::Temporary(self.part.clone()),
                    source: Box::new(refused),
                })
            }
            Err(_) => Err(self.unexpected(line)),
        }
    }

    fn unexpected(&self, received: &[u8]) -> Error {
        Error::Answer {
            path: self.path.clone(),
            received: received.to_vec(),
        }
    }
}

/// The result of the last step, as the board prints it.
#[derive(serde::Deserialize)]
enum Outcome {
    /// The file is written and has its name.
    Done,
    /// It has this size instead of the right one; it was removed.
    Size(u64),
    /// It has this SHA-256 instead of the right one; it was removed.
    Content(DigestBytes),
    /// Its bytes add up to this instead of the right sum; it was removed.
    Sum(u64),
    /// The old file is removed, but renaming the new one failed with this error number.
    Part(i32),
}

/// Returns a literal of at most `limit` bytes for the beginning of `content`, and the number of bytes that it stands
/// for. It is base64 if the board accepts that and more fits.
fn next_literal(content: &[u8], limit: usize, takes_base64: bool) -> (String, usize) {
    let mut length = QUOTES;
    let as_text = content
        .iter()
        .take_while(|byte| {
            length += escaped_length(**byte);
            length <= limit
        })
        .count();
    let as_base64 = (limit.saturating_sub(QUOTES) / 4 * 3).min(content.len());
    let base64 = takes_base64 && as_base64 > as_text;
    let taken = if base64 { as_base64 } else { as_text.max(1) };
    let part = content.get(..taken).unwrap_or(content);
    match base64 {
        true => (format!("'{}'", BASE64.encode(part)), taken),
        false => (py_bytes(part), taken),
    }
}

/// Length of `b''`.
const QUOTES: usize = 3;

/// Returns the maximum length of the bytes literal of `content`.
fn literal_length(content: &[u8]) -> usize {
    let escaped: usize = content.iter().map(|byte| escaped_length(*byte)).sum();
    QUOTES + escaped
}

fn escaped_length(byte: u8) -> usize {
    match byte {
        b'\\' | b'\'' | b'"' | b'\n' | b'\r' | b'\t' => 2,
        b' '..=b'~' => 1,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_at_most_the_limit_and_lose_nothing() {
        let text = b"print('hello')\r\n\t# \\ \"quoted\"\n".repeat(100);
        let noise: Vec<u8> = (0..5000_u32)
            .map(|number| ((number * 167) >> 3) as u8)
            .collect();
        for content in [&text, &noise] {
            for limit in [128, 500, 4096] {
                for takes_base64 in [false, true] {
                    let mut bytes = Vec::new();
                    while let Some(rest @ [_, ..]) = content.get(bytes.len()..) {
                        let (literal, taken) = next_literal(rest, limit, takes_base64);
                        assert!(literal.len() <= limit, "{} of {limit}", literal.len());
                        let part = match literal.strip_prefix('\'') {
                            Some(text) => BASE64
                                .decode(text.trim_end_matches('\'').as_bytes())
                                .unwrap(),
                            None => from_literal::<Vec<u8>>(literal.as_bytes()).unwrap(),
                        };
                        assert_eq!(part.len(), taken);
                        bytes.extend(part);
                    }
                    assert_eq!(&bytes, content);
                }
            }
        }
    }

    #[test]
    fn text_is_sent_as_text_and_random_bytes_as_base64() {
        let (literal, _) = next_literal(b"import machine\n", 128, true);
        assert_eq!(literal, "b'import machine\\n'");
        let (literal, _) = next_literal(&[0xff; 200], 128, true);
        assert!(literal.starts_with("'////"), "{literal}");
    }
}
