//! Steps into frames: pure but for reading the files.

use std::io::{self, Read, Write as _};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};

use super::Step;
use super::frames::{Frames, Kind, Note, Progress};

/// What the board can take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The longest payload, in bytes.
    pub(crate) payload: usize,
    /// The board inflates, with a window of four payloads.
    pub(crate) inflates: bool,
}

/// Content is not deflated where it gains less than this, in percent.
const GAIN: usize = 5;

/// The longest payload of content that goes as it is: what is lost with a byte of it.
const LONGEST_PLAIN: usize = 4096;

/// After content that does not deflate, so many payloads go as they are before it is tried again.
const RETRY: u32 = 16;

/// The steps that are still to go.
pub(crate) struct Source<'s> {
    steps: std::iter::Enumerate<std::vec::IntoIter<Step<'s>>>,
    file: Option<File<'s>>,
    limits: Limits,
    has_quit: bool,
    /// Why a file could not be read: the index of its step, and what the system said.
    pub(crate) failure: Option<(usize, io::Error)>,
}

/// The file that is being read.
struct File<'s> {
    step: usize,
    size: u64,
    /// How much of it is in frames.
    sent: u64,
    reader: Box<dyn Read + 's>,
    /// Read, and not yet in a frame.
    buffer: Vec<u8>,
    digest: Sha256,
    /// So many payloads go without trying to deflate.
    plain: u32,
}

impl<'s> Source<'s> {
    pub(crate) fn new(steps: Vec<Step<'s>>, limits: Limits) -> Source<'s> {
        Source {
            steps: steps.into_iter().enumerate(),
            file: None,
            limits,
            has_quit: false,
            failure: None,
        }
    }

    /// Make no more frames, but for the last.
    pub(crate) fn stop(&mut self) {
        self.file = None;
        self.steps = Vec::new().into_iter().enumerate();
    }

    /// Add the next frames of the stream, if there are any.
    pub(crate) fn more(&mut self, frames: &mut Frames) {
        if let Some(file) = &mut self.file {
            let step = file.step;
            match file.more(self.limits, frames) {
                Ok(false) => {}
                Ok(true) => self.file = None,
                Err(error) => self.fail(step, error, frames),
            }
            return;
        }
        match self.steps.next() {
            Some((_, Step::MakeDir(path))) => {
                frames.push(Kind::MakeDir, path.as_str().as_bytes(), Note::Nothing);
            }
            Some((_, Step::Remove(path))) => {
                frames.push(Kind::Remove, path.as_str().as_bytes(), Note::Nothing);
            }
            Some((_, Step::RemoveDir(path))) => {
                frames.push(Kind::RemoveDir, path.as_str().as_bytes(), Note::Nothing);
            }
            Some((step, Step::Write(file))) => match (file.open)() {
                Ok(reader) => {
                    // A board's file system has no larger files.
                    let size = u32::try_from(file.size).unwrap_or(u32::MAX);
                    let path = file.path.as_str().as_bytes();
                    frames.push(
                        Kind::Open,
                        &[&size.to_le_bytes()[..], path].concat(),
                        Note::Nothing,
                    );
                    self.file = Some(File {
                        step,
                        size: file.size,
                        sent: 0,
                        reader,
                        buffer: Vec::new(),
                        digest: Sha256::new(),
                        plain: 0,
                    });
                }
                Err(error) => self.fail(step, error, frames),
            },
            None if !self.has_quit => {
                self.has_quit = true;
                frames.push(Kind::Quit, b"", Note::Nothing);
            }
            None => {}
        }
    }

    fn fail(&mut self, step: usize, error: io::Error, frames: &mut Frames) {
        self.stop();
        self.failure = Some((step, error));
        frames.push(Kind::Abort, b"", Note::Nothing);
    }
}

impl File<'_> {
    /// Add the next frame: content, or at the end the commit. True: that was the last one.
    fn more(&mut self, limits: Limits, frames: &mut Frames) -> io::Result<bool> {
        let window = limits.payload * 4;
        let wanted = window.saturating_sub(self.buffer.len()) as u64;
        let read = (&mut self.reader)
            .take(wanted)
            .read_to_end(&mut self.buffer)?;
        self.check_size(read as u64 == wanted)?;
        if self.buffer.is_empty() {
            let digest = self.digest.finalize_reset();
            frames.push(Kind::Commit, &digest, Note::Commits(self.step));
            return Ok(true);
        }
        let deflated = match self.plain {
            0 if limits.inflates => deflate(&self.buffer, limits.payload),
            _ => None,
        };
        let (kind, payload, count) = match &deflated {
            Some((payload, count)) => (Kind::Deflated, payload.as_slice(), *count),
            None => {
                self.plain = self.plain.checked_sub(1).unwrap_or(RETRY);
                let longest = limits.payload.min(LONGEST_PLAIN);
                let payload = self.buffer.get(..longest).unwrap_or(&self.buffer);
                (Kind::Content, payload, payload.len())
            }
        };
        self.sent += count as u64;
        let progress = Progress {
            step: self.step,
            bytes: self.sent,
            of: self.size,
        };
        frames.push(kind, payload, Note::Progress(progress));
        self.digest
            .update(self.buffer.get(..count).unwrap_or_default());
        self.buffer.drain(..count);
        Ok(false)
    }

    /// The file must have the size that was announced, which the board has found room for.
    fn check_size(&self, goes_on: bool) -> io::Result<()> {
        let read = self.sent + self.buffer.len() as u64;
        if read > self.size || (!goes_on && read < self.size) {
            return Err(io::Error::other(format!(
                "its size is not the {} bytes that it had",
                self.size
            )));
        }
        Ok(())
    }
}

/// As much of `content` as fits a payload when it is deflated: the deflate stream, and how many bytes of `content` are
/// in it. `None` where it gains too little.
fn deflate(content: &[u8], limit: usize) -> Option<(Vec<u8>, usize)> {
    let mut count = content.len();
    for _ in 0..6 {
        let part = content.get(..count)?;
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(part).ok()?;
        let deflated = encoder.finish().ok()?;
        if deflated.len() * 100 > part.len() * (100 - GAIN) {
            return None;
        }
        if deflated.len() <= limit {
            return Some((deflated, count));
        }
        count = count * limit / deflated.len() * 31 / 32;
    }
    None
}
