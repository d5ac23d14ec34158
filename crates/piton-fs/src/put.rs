//! One small file to the board: one program that looks, writes beside, compares and renames.

use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::{from_literal, py_bytes};
use piton_board::repl::Conversation;

use crate::device;
use crate::error::Error;
use crate::hash::{DigestBytes, HashAlgorithm};
use crate::path::BoardPath;
use crate::remote::{RemoteFs, quoted};
use crate::transfer::agent::{self, is_end, is_lack};
use crate::transfer::load;
use crate::wire::{crc32, deflate};

/// The longest file that goes this way, in bytes: the board holds it three times. A board with less memory says so before the
/// content is sent.
pub const LONGEST_PUT: usize = 16 << 10;

/// Up to this size a file goes with the shorter program, which cannot inflate.
const SHORT_PUT: usize = 1024;

/// Content is deflated where that saves at least an eighth of it, and more than the board's own code for it costs.
const LEAST_GAIN: usize = 512;

/// What the board says after 0x06: it waits for deflated or for plain content, or has the file already.
const WANTS_DEFLATED: u8 = b'z';
const WANTS_PLAIN: u8 = b'p';
const HAS_IT: u8 = b'u';

/// How long the board may take to write it: flash is erased, a file system tidied.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// How often the content is sent when it comes damaged.
const TRIES: u32 = 2;

/// Where a file went: see [`RemoteFs::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The destination is a folder, and the file is in it.
    pub in_folder: bool,
    /// The file was there already, with the same content: nothing was written.
    pub unchanged: bool,
}

/// What stands where a file is to go: see [`RemoteFs::peek`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// The destination is a folder, and the file goes into it.
    pub in_folder: bool,
    /// The SHA-256 of the file that is there, if it has the right size.
    pub digest: Option<[u8; 32]>,
}

impl RemoteFs<'_, '_> {
    /// Look at the destination of one file of `size` bytes: `path`, or `inside` if `path` is a folder. One exchange.
    ///
    /// `None`: the board has no SHA-256, or no folders.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] when the answer is garbled, [`Error::Board`].
    pub fn peek(
        &mut self,
        path: &BoardPath,
        inside: &BoardPath,
        size: u64,
        deadline: Deadline,
    ) -> Result<Option<Peek>, Error> {
        let arguments = [&*quoted(path), &quoted(inside), &size.to_string()];
        let answer = match self.peek_once(&device::PEEK.call(&arguments), deadline) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(None),
            Err(BoardError::Exception(exception)) if is_lack(&exception.type_name) => {
                return Ok(None);
            }
            Err(error) => return Err(Error::new(path, error)),
        };
        let garbled = || Error::Answer {
            path: path.clone(),
            received: answer.clone(),
        };
        let found = from_literal::<(bool, Option<DigestBytes>)>(answer.trim_ascii());
        let (in_folder, digest) = found.map_err(|_| garbled())?;
        let digest = digest.map(|DigestBytes(digest)| digest.try_into().map_err(|_| garbled()));
        Ok(Some(Peek {
            in_folder,
            digest: digest.transpose()?,
        }))
    }

    fn peek_once(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Option<Vec<u8>>, BoardError> {
        let Some(conversation) = self.raw().converse_by_raw_paste(source, deadline)? else {
            return Ok(None);
        };
        let mut answer = Vec::new();
        let ended = conversation.finish(&mut |bytes| answer.extend_from_slice(bytes), deadline);
        ended.map_err(|error| self.stop(error))?;
        Ok(Some(answer))
    }

    /// Write a file of at most [`LONGEST_PUT`] bytes, whole, as [`RemoteFs::write`] does: to `path`, or to `inside` if `path` is
    /// a folder. What has this content already is left alone, unless `force`. One exchange.
    ///
    /// `None`: the board, or the file system, or the line, needs [`RemoteFs::write`] or [`RemoteFs::send`]. Nothing was changed.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::write`].
    pub fn put(
        &mut self,
        path: &BoardPath,
        inside: &BoardPath,
        content: &[u8],
        force: bool,
        deadline: Deadline,
    ) -> Result<Option<Put>, Error> {
        if content.len() > LONGEST_PUT || agent::known(self.raw()).streams == Some(false) {
            return Ok(None);
        }
        let deadline = deadline.sooner(WRITE_TIME);
        let parcel = Parcel::new(content);
        for _ in 0..TRIES {
            match self.put_once(path, inside, &parcel, force, deadline) {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(put))) => return Ok(Some(put)),
                Ok(Some(Err(received))) => {
                    let path = path.clone();
                    return Err(Error::Answer { path, received });
                }
                Err(BoardError::Exception(exception)) if is_lack(&exception.type_name) => {
                    return Ok(None);
                }
                Err(BoardError::Exception(exception)) => {
                    let number = exception.os_error().map(|error| error.number);
                    match number {
                        // It came damaged, or not at all: an interrupt ended the wait.
                        None => continue,
                        // A file system that does not rename onto a file, or what needs a closer look.
                        Some(1 | 13 | 17 | 28) => return Ok(None),
                        Some(_) => {}
                    }
                    return Err(Error::new(path, BoardError::Exception(exception)));
                }
                Err(error) => {
                    let error = self.stop(error);
                    return Err(Error::new(path, error));
                }
            }
        }
        Ok(None)
    }

    /// Returns where the file went; `None`: the board has no raw-paste.
    fn put_once(
        &mut self,
        path: &BoardPath,
        inside: &BoardPath,
        parcel: &Parcel<'_>,
        force: bool,
        deadline: Deadline,
    ) -> Result<Option<Result<Put, Vec<u8>>>, BoardError> {
        let is_short = parcel.content.len() <= SHORT_PUT;
        let source = parcel.program(is_short, path, inside, force);
        let before = Instant::now();
        let Some(mut conversation) = self.raw().converse_by_raw_paste(&source, deadline)? else {
            return Ok(None);
        };
        let pace = before.elapsed() / u32::try_from(source.len()).unwrap_or(u32::MAX).max(1);
        let mut has_it = false;
        if load::is_asked(&mut conversation, load::RUN_TIME, deadline)? {
            let wanted = match is_short {
                true => Some(WANTS_PLAIN),
                false => what_is_wanted(&mut conversation, deadline)?,
            };
            let content = match wanted {
                Some(WANTS_DEFLATED) => Some(&parcel.deflated),
                Some(WANTS_PLAIN) => Some(&parcel.plain),
                _ => None,
            };
            has_it = wanted == Some(HAS_IT);
            if let Some(content) = content {
                conversation.write(content, deadline)?;
                // As slow as the board has been so far, and three times that. Whether it has all, or has ended.
                let usual = pace * u32::try_from(content.len() * 3).unwrap_or(u32::MAX);
                let patience = load::LOAD_TIME.max(usual.min(load::RUN_TIME));
                load::is_asked(&mut conversation, patience, deadline)?;
            }
        }
        let mut answer = Vec::new();
        conversation.finish(&mut |bytes| answer.extend_from_slice(bytes), deadline)?;
        let found = from_literal::<(bool, bool)>(answer.trim_ascii());
        Ok(Some(match found {
            Ok((in_folder, unchanged)) => Ok(Put {
                in_folder,
                unchanged: unchanged || has_it,
            }),
            Err(_) => Err(answer),
        }))
    }
}

/// Takes what the board says after 0x06; `None`: its program has ended.
fn what_is_wanted(
    conversation: &mut Conversation<'_>,
    deadline: Deadline,
) -> Result<Option<u8>, BoardError> {
    let limit = deadline.sooner(load::RUN_TIME);
    loop {
        match conversation.pending() {
            pending if is_end(pending) => return Ok(None),
            [] | [0x04] => {}
            &[first, ..] => {
                conversation.consume(1);
                return Ok(Some(first));
            }
        }
        let waiting_for = "the board to say what it wants";
        if !conversation.poll(waiting_for, limit)? && limit.has_passed() {
            return Err(BoardError::Timeout {
                waiting_for,
                received: Vec::new(),
            });
        }
    }
}

/// A file as it goes over the wire: both ways in which the board may ask for it.
struct Parcel<'c> {
    content: &'c [u8],
    /// Without 0x03, as [`Parcel::deflated`] is.
    plain: Vec<u8>,
    /// Empty, where it gains too little.
    deflated: Vec<u8>,
    /// What stands for 0x03 in both.
    pair: [u8; 2],
}

impl<'c> Parcel<'c> {
    fn new(content: &'c [u8]) -> Parcel<'c> {
        let deflated = match content.len() {
            ..=SHORT_PUT => Vec::new(),
            _ => deflate(content),
        };
        let gain = content.len().saturating_sub(deflated.len());
        let deflated = match gain >= LEAST_GAIN.max(content.len() / 8) {
            true => deflated,
            false => Vec::new(),
        };
        // One pair for both: none that stands in either.
        let pair = load::pair_for(&[content, &deflated].concat());
        let [plain, deflated] = [content, &deflated].map(|bytes| load::with_pair(bytes, pair));
        Parcel {
            content,
            plain,
            deflated,
            pair,
        }
    }

    /// The program that takes it.
    fn program(
        &self,
        is_short: bool,
        path: &BoardPath,
        inside: &BoardPath,
        force: bool,
    ) -> Vec<u8> {
        let (path, inside) = (quoted(path), quoted(inside));
        let sent = self.plain.len().to_string();
        let pair = py_bytes(&self.pair);
        let sum = crc32(&[self.content]).to_string();
        if is_short {
            let force = if force { "1" } else { "0" };
            return device::PUT.call(&[&path, &inside, &sent, &pair, &sum, force]);
        }
        let size = self.content.len();
        let digest = match force {
            true => "0".to_owned(),
            false => py_bytes(&HashAlgorithm::Sha256.digest(self.content)),
        };
        device::PARCEL.call(&[
            &path,
            &inside,
            &size.to_string(),
            &sent,
            &self.deflated.len().to_string(),
            // The window: nothing refers to what is farther back than the content is long.
            &size.next_power_of_two().ilog2().to_string(),
            &pair,
            &sum,
            &digest,
        ])
    }
}
