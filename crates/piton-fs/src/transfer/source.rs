//! Converting steps to the bytes of a stream. The only I/O is reading the files.

use std::collections::VecDeque;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::Step;

/// The kind of a record, its first byte: `act` in device/send.py.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Begin a file: its size in 4 bytes, and its path. Its content follows.
    Open = b'F' as isize,
    /// The same, under its own name instead of a temporary one.
    OpenInPlace = b'G' as isize,
    /// Complete a file: no data, or its SHA-256, which the board compares with the content in its flash.
    Commit = b'H' as isize,
    MakeDir = b'M' as isize,
    Remove = b'N' as isize,
    RemoveDir = b'O' as isize,
    /// End the stream.
    Quit = b'Q' as isize,
}

/// Bytes of a file that are read at once.
const READ: usize = 32 * 1024;

/// The progress of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) step: usize,
    pub(crate) bytes: u64,
    pub(crate) of: u64,
}

/// The effect of bytes that the board has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The progress of a file, if there is any.
    pub(crate) progress: Option<Progress>,
    /// The step whose file may have been renamed.
    pub(crate) committed: Option<usize>,
}

/// A part of the stream that is ready and not taken yet.
enum Segment {
    /// A record, which is not divided.
    Record {
        kind: Kind,
        step: usize,
        bytes: Vec<u8>,
    },
    /// Content of a file, which may be divided anywhere.
    Content { step: usize, bytes: VecDeque<u8> },
}

impl Segment {
    fn len(&self) -> usize {
        match self {
            Segment::Record { bytes, .. } => bytes.len(),
            Segment::Content { bytes, .. } => bytes.len(),
        }
    }
}

/// The bytes of the stream that are not taken yet.
pub(crate) struct Source<'s> {
    steps: std::iter::Enumerate<std::vec::IntoIter<Step<'s>>>,
    /// Whether the board is to read each file back.
    verify: bool,
    file: Option<File<'s>>,
    ready: VecDeque<Segment>,
    ready_length: usize,
    /// The progress of the file whose content is being taken.
    progress: Progress,
    has_quit: bool,
    /// Whether a file cannot be completed: the board drops it after it has taken all content that was read.
    aborts: bool,
    /// The failure to read a file: the index of its step, and the error.
    pub(crate) failure: Option<(usize, io::Error)>,
}

/// The file that is being read.
struct File<'s> {
    step: usize,
    size: u64,
    read: u64,
    reader: Box<dyn Read + 's>,
    digest: Option<Sha256>,
}

impl<'s> Source<'s> {
    pub(crate) fn new(steps: Vec<Step<'s>>, verify: bool) -> Source<'s> {
        Source {
            steps: steps.into_iter().enumerate(),
            verify,
            file: None,
            ready: VecDeque::new(),
            ready_length: 0,
            progress: Progress {
                step: 0,
                bytes: 0,
                of: 0,
            },
            has_quit: false,
            aborts: false,
            failure: None,
        }
    }

    /// Drops everything that was not taken, except the end of the stream.
    pub(crate) fn stop(&mut self) {
        self.file = None;
        self.steps = Vec::new().into_iter().enumerate();
        self.ready.clear();
        self.ready_length = 0;
        self.aborts = false;
        self.has_quit = false;
    }

    /// Returns whether the board must drop the current file next. Everything that was read is taken by then, since
    /// the steps before the file must be carried out.
    pub(crate) fn aborts(&self) -> bool {
        self.aborts && self.ready.is_empty()
    }

    /// Notes that the board has dropped the file.
    pub(crate) fn has_aborted(&mut self) {
        self.aborts = false;
    }

    /// Returns the next bytes of the stream, at most `limit`, or the next record alone if it is longer. They stay until
    /// [`Source::take`].
    pub(crate) fn look(&mut self, limit: usize) -> Vec<u8> {
        while self.ready_length < limit && self.more() {}
        let mut bytes = Vec::new();
        for segment in &self.ready {
            let room = limit.saturating_sub(bytes.len());
            match segment {
                Segment::Record { bytes: record, .. } => {
                    if record.len() > room && !bytes.is_empty() {
                        break;
                    }
                    bytes.extend_from_slice(record);
                }
                Segment::Content { bytes: content, .. } => {
                    bytes.extend(content.iter().take(room));
                    if content.len() > room {
                        break;
                    }
                }
            }
        }
        bytes
    }

    /// Returns whether the stream ends behind the next `count` bytes.
    pub(crate) fn ends_after(&self, count: usize) -> bool {
        self.has_quit && self.ready_length <= count
    }

    /// Removes bytes that the board has taken. Returns their effect.
    pub(crate) fn take(&mut self, count: usize) -> Taken {
        let mut taken = Taken::default();
        let mut left = count;
        self.ready_length = self.ready_length.saturating_sub(count);
        while left > 0 {
            let Some(segment) = self.ready.front_mut() else {
                break;
            };
            let whole = segment.len() <= left;
            let count = segment.len().min(left);
            left -= count;
            match segment {
                Segment::Content { step, bytes } => {
                    bytes.drain(..count);
                    self.progress.bytes += count as u64;
                    taken.progress = Some(Progress {
                        step: *step,
                        ..self.progress
                    });
                }
                Segment::Record { kind, step, bytes } => match kind {
                    Kind::Open | Kind::OpenInPlace => {
                        let size = bytes.get(3..7).and_then(|size| size.first_chunk::<4>());
                        self.progress = Progress {
                            step: *step,
                            bytes: 0,
                            of: u64::from(size.map_or(0, |size| u32::from_le_bytes(*size))),
                        };
                    }
                    Kind::Commit => taken.committed = Some(*step),
                    _ => {}
                },
            }
            if whole {
                self.ready.pop_front();
            }
        }
        taken
    }

    /// Makes more of the stream ready; false at its end.
    fn more(&mut self) -> bool {
        if self.aborts {
            return false;
        }
        if let Some(mut file) = self.file.take() {
            match file.more() {
                Ok(None) => {
                    let digest = file.digest.map(|digest| digest.finalize().to_vec());
                    let digest = digest.unwrap_or_default();
                    self.record(Kind::Commit, file.step, &digest);
                }
                Ok(Some(content)) => {
                    self.ready_length += content.len();
                    self.ready.push_back(Segment::Content {
                        step: file.step,
                        bytes: content.into(),
                    });
                    self.file = Some(file);
                }
                Err(error) => self.fail(file.step, error),
            }
            return true;
        }
        match self.steps.next() {
            Some((step, Step::MakeDir(path))) => {
                self.record(Kind::MakeDir, step, path.as_str().as_bytes());
            }
            Some((step, Step::Remove(path))) => {
                self.record(Kind::Remove, step, path.as_str().as_bytes());
            }
            Some((step, Step::RemoveDir(path))) => {
                self.record(Kind::RemoveDir, step, path.as_str().as_bytes());
            }
            Some((step, Step::Write(file))) => match (file.open)() {
                Ok(reader) => {
                    // A larger file does not fit any file system of a board. The board refuses it with `ENOSPC`.
                    let size = u32::try_from(file.size).unwrap_or(u32::MAX);
                    let path = file.path.as_str().as_bytes();
                    let kind = match file.in_place {
                        true => Kind::OpenInPlace,
                        false => Kind::Open,
                    };
                    self.record(kind, step, &[&size.to_le_bytes()[..], path].concat());
                    self.file = Some(File {
                        step,
                        size: file.size,
                        read: 0,
                        reader,
                        digest: self.verify.then(Sha256::new),
                    });
                }
                Err(error) => self.fail(step, error),
            },
            None if !self.has_quit => {
                self.has_quit = true;
                self.record(Kind::Quit, 0, b"");
            }
            None => return false,
        }
        true
    }

    fn record(&mut self, kind: Kind, step: usize, data: &[u8]) {
        // A path has at most 64 KiB.
        let length = data.len() as u16;
        let mut bytes = vec![kind as u8];
        bytes.extend(length.to_le_bytes());
        bytes.extend(data);
        self.ready_length += bytes.len();
        self.ready.push_back(Segment::Record { kind, step, bytes });
    }

    /// Ends the stream after a failure. The segments that are ready are still sent.
    fn fail(&mut self, step: usize, error: io::Error) {
        self.file = None;
        self.steps = Vec::new().into_iter().enumerate();
        self.aborts = true;
        self.failure = Some((step, error));
    }
}

impl File<'_> {
    /// Returns the next content; `None` at the end of the file.
    fn more(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        let read = (&mut self.reader)
            .take(READ as u64)
            .read_to_end(&mut content)?;
        self.read += read as u64;
        // The board has checked the space for the announced size, so another size is an error.
        let is_short = read == 0 && self.read < self.size;
        if self.read > self.size || is_short {
            return Err(io::Error::other(format!(
                "its size changed from {} bytes",
                self.size
            )));
        }
        if read == 0 {
            return Ok(None);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(&content);
        }
        Ok(Some(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Outgoing;

    fn source<'s>(files: &[(&'s str, &'s [u8])]) -> Source<'s> {
        let steps = files.iter().map(|(path, content)| {
            Step::Write(Outgoing::from_bytes(path.parse().unwrap(), content))
        });
        Source::new(steps.collect(), false)
    }

    #[test]
    fn a_stream_is_the_same_in_pieces_of_every_size() {
        let files: &[(&str, &[u8])] = &[("a", b"0123456789"), ("long/name", b""), ("c", b"xyz")];
        let whole = source(files).look(1000);
        assert!(whole.starts_with(b"F\x05\0\x0a\0\0\0a0123456789H\0\0F"));
        assert!(whole.ends_with(b"xyzH\0\0Q\0\0"));
        for limit in 1..40 {
            let mut source = source(files);
            let mut parts = Vec::new();
            loop {
                let part = source.look(limit);
                if part.is_empty() {
                    break;
                }
                assert_eq!(source.look(limit), part, "looking changes nothing");
                source.take(part.len());
                parts.extend(part);
            }
            assert_eq!(parts, whole, "{limit}");
        }
    }

    #[test]
    fn taken_bytes_give_the_progress_of_the_files() {
        let mut source = source(&[("a", b"0123456789")]);
        assert_eq!(source.look(12), b"F\x05\0\x0a\0\0\0a0123");
        let progress = source.take(12).progress.unwrap();
        assert_eq!((progress.bytes, progress.of), (4, 10));
        assert_eq!(source.look(9), b"456789H\0\0");
        assert_eq!(source.take(9).committed, Some(0));
    }

    #[test]
    fn a_file_that_changed_its_size_is_dropped() {
        let whole = Outgoing::from_bytes("w".parse().unwrap(), b"0");
        let file = Outgoing {
            size: 4,
            ..Outgoing::from_bytes("a".parse().unwrap(), b"abc")
        };
        let steps = vec![Step::Write(whole), Step::Write(file)];
        let mut source = Source::new(steps, false);
        let sent = source.look(100);
        assert_eq!(sent, b"F\x05\0\x01\0\0\0w0H\0\0F\x05\0\x04\0\0\0aabc");
        assert!(!source.aborts(), "the file before it is to be taken");
        assert_eq!(source.take(sent.len()).committed, Some(0));
        assert!(source.aborts());
        assert_eq!(source.look(100), b"");
        source.has_aborted();
        assert_eq!(source.look(100), b"Q\0\0");
        assert!(source.failure.is_some());
    }
}
