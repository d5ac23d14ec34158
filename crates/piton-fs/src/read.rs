//! Reading files from the board, one at a time.

use data_encoding::BASE64;
use piton_board::deadline::Deadline;
use piton_board::literal::from_literal;
use piton_path::BoardPath;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::hash::DigestBytes;
use crate::remote::{RemoteFs, quoted};
use crate::transfer::{Arrival, TransferEvent};
use crate::{FileEvent, device};

/// Maximum length of a line of the answer: a chunk of 256 bytes, each as `\x00`, has 1,030 bytes. A damaged line end joins two
/// lines; a board that sends no line ends must not fill the memory.
const LONGEST_LINE: usize = 8192;

impl RemoteFs<'_, '_> {
    /// Returns the content of a file.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::IsADirectory`]; [`Error::Damaged`] if size or SHA-256 (on boards that have it)
    /// differ from what the board read; [`Error::Board`]. `deadline` is for the whole file.
    pub fn read(
        &mut self,
        path: &BoardPath,
        events: &mut dyn FnMut(FileEvent),
        deadline: Deadline,
    ) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        self.read_to(
            path,
            &mut |bytes| content.extend_from_slice(bytes),
            events,
            deadline,
        )?;
        Ok(content)
    }

    /// Passes the content of a file to `sink`, piece by piece, as it arrives.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::read`]. `sink` may have got a part of the content.
    pub fn read_to(
        &mut self,
        path: &BoardPath,
        sink: &mut dyn FnMut(&[u8]),
        events: &mut dyn FnMut(FileEvent),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut content = |arrival: Arrival<'_>| {
            if let Arrival::Content { bytes, .. } = arrival {
                sink(bytes);
            }
            Ok(())
        };
        let mut moved = |event| {
            if let TransferEvent::Moved { bytes, of, .. } = event {
                events(FileEvent::Read {
                    bytes,
                    of: Some(of),
                });
            }
        };
        let paths = [path.clone()];
        self.receive(&paths, &mut content, &mut moved, deadline)?;
        Ok(())
    }

    /// Does the work of [`RemoteFs::read_to`] without a stream: a program prints the content as literals.
    pub(crate) fn read_in_exchange(
        &mut self,
        path: &BoardPath,
        sink: &mut dyn FnMut(&[u8]),
        events: &mut dyn FnMut(FileEvent),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut incoming = Incoming::new();
        let source = device::READ.call(&[&quoted(path)]);
        self.exec(
            &source,
            &mut |bytes| incoming.take(bytes, sink, events),
            deadline,
        )
        .map_err(|error| Error::new(path, error))?;
        incoming.finish().map_err(|fault| fault.of(path))
    }
}

/// The part of the board's answer that has arrived.
pub(crate) struct Incoming {
    /// The line that is not complete yet.
    line: Vec<u8>,
    state: State,
    bytes: u64,
    of: Option<u64>,
    digest: Sha256,
}

enum State {
    /// The size comes next.
    Start,
    /// Content comes next, or the end.
    Content,
    /// The board has reported how many bytes it read, and their SHA-256 if it has the algorithm.
    End(u64, Option<Vec<u8>>),
    /// This line is not part of any answer.
    Broken(Vec<u8>),
}

/// Why an answer is not content.
pub(crate) enum Fault {
    /// This is no part of any answer.
    Answer(Vec<u8>),
    /// The content differs from what the board read.
    Damaged { expected: String, found: String },
}

impl Fault {
    fn of(self, path: &BoardPath) -> Error {
        let path = path.clone();
        match self {
            Fault::Answer(received) => Error::Answer { path, received },
            Fault::Damaged { expected, found } => Error::Damaged {
                path,
                expected,
                found,
            },
        }
    }
}

impl Incoming {
    pub(crate) fn new() -> Incoming {
        Incoming {
            line: Vec::new(),
            state: State::Start,
            bytes: 0,
            of: None,
            digest: Sha256::new(),
        }
    }

    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        sink: &mut dyn FnMut(&[u8]),
        events: &mut dyn FnMut(FileEvent),
    ) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.len() > LONGEST_LINE {
                let begin = self.line.get(..LONGEST_LINE).unwrap_or_default();
                self.state = State::Broken(begin.to_vec());
            }
            if matches!(self.state, State::Broken(_)) {
                self.line.clear();
            }
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take_line(line.trim_ascii_end(), sink, events);
            }
        }
    }

    fn take_line(
        &mut self,
        line: &[u8],
        sink: &mut dyn FnMut(&[u8]),
        events: &mut dyn FnMut(FileEvent),
    ) {
        let broken = || State::Broken(line.to_vec());
        self.state = match &self.state {
            State::Broken(_) => return,
            State::End(..) => broken(),
            State::Start => match from_literal(line) {
                Ok(of) => {
                    self.of = of;
                    State::Content
                }
                Err(_) => broken(),
            },
            State::Content if line.starts_with(b"(") => match from_literal(line) {
                Ok::<(u64, Option<DigestBytes>), _>((bytes, digest)) => {
                    State::End(bytes, digest.map(|digest| digest.0))
                }
                Err(_) => broken(),
            },
            State::Content => {
                let content = match line {
                    [b'b', b'\'' | b'"', ..] => {
                        from_literal(line).ok().map(|bytes: DigestBytes| bytes.0)
                    }
                    _ => BASE64.decode(line).ok(),
                };
                match content {
                    Some(content) => {
                        self.bytes += content.len() as u64;
                        self.digest.update(&content);
                        sink(&content);
                        events(FileEvent::Read {
                            bytes: self.bytes,
                            of: self.of,
                        });
                        State::Content
                    }
                    None => broken(),
                }
            }
        };
    }

    /// Compares the content with the size and hash that the board reports.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        let (bytes, digest) = match self.state {
            State::End(bytes, digest) => (bytes, digest),
            State::Broken(received) => return Err(Fault::Answer(received)),
            State::Start | State::Content => return Err(Fault::Answer(self.line)),
        };
        if bytes != self.bytes {
            return Err(Fault::Damaged {
                expected: format!("{bytes} bytes"),
                found: format!("{} bytes", self.bytes),
            });
        }
        let actual = self.digest.finalize();
        match digest {
            Some(digest) if digest != actual.as_slice() => Err(Fault::Damaged {
                expected: format!("SHA-256 {}", Hex(&digest)),
                found: format!("SHA-256 {}", Hex(&actual)),
            }),
            _ => Ok(()),
        }
    }
}

/// Bytes as hexadecimal digits.
pub(crate) struct Hex<'b>(pub(crate) &'b [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an answer in pieces of every size. Returns the content, or the error.
    #[track_caller]
    fn check(answer: &str, expected: Result<&[u8], &str>) {
        for size in [1, 2, 7, 10_000] {
            let mut content = Vec::new();
            let mut incoming = Incoming {
                line: Vec::new(),
                state: State::Start,
                bytes: 0,
                of: None,
                digest: Sha256::new(),
            };
            for piece in answer.as_bytes().chunks(size) {
                let mut sink = |bytes: &[u8]| content.extend_from_slice(bytes);
                incoming.take(piece, &mut sink, &mut |_| {});
            }
            let finished = incoming.finish();
            match (finished, expected) {
                (Ok(()), Ok(expected)) => assert_eq!(content, expected, "{answer:?} by {size}"),
                (Err(fault), Err(part)) => {
                    let error = match fault {
                        Fault::Answer(received) => {
                            format!("answer {}", String::from_utf8_lossy(&received))
                        }
                        Fault::Damaged { expected, .. } => expected,
                    };
                    assert!(error.contains(part), "{answer:?} by {size}: {error}");
                }
                (found, _) => panic!("{answer:?} by {size}: {}", found.is_ok()),
            }
        }
    }

    /// Returns the last line of an answer with the SHA-256 of `content`, as a board prints it.
    fn end(content: &[u8]) -> String {
        let digest = Sha256::digest(content);
        let digest: String = digest.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        format!("({}, b'{digest}')\r\n", content.len())
    }

    #[test]
    fn content_comes_as_literals_and_as_base64() {
        let both = format!("7\r\nb'abc\\n'\r\nAP8Q\r\n{}", end(b"abc\n\x00\xff\x10"));
        check(&both, Ok(b"abc\n\x00\xff\x10"));
        check(&format!("0\r\n{}", end(b"")), Ok(b""));
        // A board that cannot say the size beforehand, and one without SHA-256.
        check(
            &format!("None\r\nb\"it's\"\r\n{}", end(b"it's")),
            Ok(b"it's"),
        );
        check("3\nb'abc'\n(3, None)\n", Ok(b"abc"));
    }

    #[test]
    fn an_answer_that_was_damaged_or_cut_off_is_an_error() {
        check("", Err("answer"));
        check("3\r\n", Err("answer"));
        check("3\r\nb'abc'\r\n", Err("answer"));
        check("three\r\nb'abc'\r\n(3, None)\r\n", Err("three"));
        check("3\r\n?abc?\r\n(3, None)\r\n", Err("?abc?"));
        check("3\r\nb'abc\r\n(3, None)\r\n", Err("b'abc"));
        check("3\r\nb'abc'\r\n(three, None)\r\n", Err("three"));
        // Nothing comes after the end.
        check("3\r\nb'abc'\r\n(3, None)\r\nmore\r\n", Err("more"));
    }

    #[test]
    fn content_of_another_size_or_hash_is_damaged() {
        check("3\r\nb'ab'\r\n(3, None)\r\n", Err("3 bytes"));
        check(&format!("3\r\nb'abd'\r\n{}", end(b"abc")), Err("SHA-256"));
    }

    #[test]
    fn a_board_that_sends_no_line_ends_does_not_fill_the_memory() {
        let mut incoming = Incoming {
            line: Vec::new(),
            state: State::Content,
            bytes: 0,
            of: None,
            digest: Sha256::new(),
        };
        for _ in 0..1000 {
            incoming.take(&[b'A'; 1000], &mut |_| {}, &mut |_| {});
        }
        assert!(incoming.line.len() <= LONGEST_LINE);
        assert!(incoming.finish().is_err());
    }
}
