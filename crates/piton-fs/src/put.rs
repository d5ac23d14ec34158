//! Writing one small file to the board: one program compares, writes a temporary file, checks it and renames it.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::{from_literal, py_bytes};
use piton_path::BoardPath;
use tracing::debug;

use crate::device;
use crate::error::Error;
use crate::hash::DigestBytes;
use crate::remote::{self, RemoteFs, quoted};
use crate::transfer::agent::{self, is_missing_function};
use crate::transfer::load;
use crate::wire::{crc32, deflate};

/// Maximum size of a file for [`RemoteFs::put`], in bytes: the board holds it twice in memory, three times while it
/// inflates it. A board with less memory says so before the content is sent.
pub const LONGEST_PUT: usize = 16 << 10;

/// Maximum size, in bytes, of a file that is sent with a program in source, which is shorter than bytecode with its
/// loader.
const LONGEST_BY_SOURCE: usize = 1024;

/// The same on boards that do not load our bytecode.
const LONGEST_WITHOUT_BYTECODE: usize = 4096;

/// Minimum number of bytes that deflating must save: a board loads the code that inflates in the time of some hundred
/// bytes.
const LEAST_GAIN: usize = 256;

/// Timeout of the write: flash is erased, and a file system may collect garbage.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// Number of attempts when the content arrives damaged.
const TRIES: u32 = 4;

/// The result of [`RemoteFs::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The destination is a folder, and the file is in it.
    pub in_folder: bool,
    /// The board had the file already, with the same content. Nothing was written.
    pub unchanged: bool,
}

/// The result of [`RemoteFs::peek`]: facts about the destination of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// The destination is a folder, and the file goes into it.
    pub in_folder: bool,
    /// The SHA-256 of the existing file, if it has the right size.
    pub digest: Option<[u8; 32]>,
}

/// Reads the output of device/peek.py.
fn peek(answer: &[u8]) -> Option<Peek> {
    let (in_folder, digest) =
        from_literal::<(bool, Option<DigestBytes>)>(answer.trim_ascii()).ok()?;
    let digest = match digest {
        Some(DigestBytes(digest)) => Some(digest.try_into().ok()?),
        None => None,
    };
    Some(Peek { in_folder, digest })
}

impl RemoteFs<'_, '_> {
    /// Queries the destination of one file of `size` bytes: `path`, or `inside` if `path` is a folder. One exchange.
    ///
    /// Returns `None` if the board has no SHA-256 or no folders.
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
        let mut tries = remote::TRIES;
        loop {
            tries -= 1;
            let answer = match self.peek_once(&device::PEEK.call(&arguments), deadline) {
                Ok(Some(answer)) => answer,
                Ok(None) => return Ok(None),
                Err(error) if tries > 0 && self.may_repeat(&error) => continue,
                // The firmware has no SHA-256 or no folders: the survey of a plan asks for less.
                Err(BoardError::Exception(exception))
                    if is_missing_function(&exception.type_name) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(Error::new(path, error)),
            };
            match peek(&answer) {
                Some(peek) => return Ok(Some(peek)),
                None if tries > 0 => debug!("the answer was damaged, the board is asked again"),
                None => {
                    return Err(Error::Answer {
                        path: path.clone(),
                        received: answer,
                    });
                }
            }
        }
    }

    fn peek_once(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Option<Vec<u8>>, BoardError> {
        let source = self.checked(source.to_vec());
        let started = self.raw().converse_by_raw_paste(&source, deadline);
        let mut answer = Vec::new();
        let ended = started.and_then(|conversation| match conversation {
            Some(conversation) => conversation
                .finish_probed(&mut |bytes| answer.extend_from_slice(bytes), deadline)
                .map(|()| true),
            None => Ok(false),
        });
        let has_run = ended.map_err(|error| self.stop(error))?;
        Ok(has_run.then_some(answer))
    }

    /// Writes a file of at most [`LONGEST_PUT`] bytes as [`RemoteFs::write`] does: to `path`, or to `inside` if `path` is
    /// a folder. A file that has this content already is not written, unless `force` is set. One exchange.
    ///
    /// Returns `None` if the board, the file system or the line needs [`RemoteFs::write`] or [`RemoteFs::send`].
    /// Nothing was changed.
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
        // Firmware that lacks what a program imports to read its content raises only after it has compiled the program.
        if content.len() > LONGEST_PUT || self.raw().learned().streams == Some(false) {
            return Ok(None);
        }
        let deadline = deadline.sooner(WRITE_TIME);
        let mut by_source = content.len() <= LONGEST_BY_SOURCE;
        for attempt in 1..=TRIES {
            debug!(%path, bytes = content.len(), by_source, attempt, "a small file is sent with one program");
            let answer = match by_source {
                true => self.put_once(path, inside, content, force, deadline),
                false => self.put_parcel(path, inside, content, force, deadline),
            };
            match answer {
                Ok(None) if !by_source && content.len() <= LONGEST_WITHOUT_BYTECODE => {
                    by_source = true;
                }
                Ok(None) => return Ok(None),
                Ok(Some(answer)) => {
                    let destination = from_literal::<(bool, bool)>(answer.trim_ascii());
                    let (in_folder, unchanged) = match destination {
                        Ok(destination) => destination,
                        // It says nothing of the file, which the next attempt compares.
                        Err(_) if attempt < TRIES => continue,
                        Err(_) => {
                            return Err(Error::Answer {
                                path: path.clone(),
                                received: answer,
                            });
                        }
                    };
                    debug!(%path, unchanged, "the file is on the board");
                    let put = Put {
                        in_folder,
                        unchanged,
                    };
                    return Ok(Some(put));
                }
                // The firmware has no SHA-256 or no folders, or too little memory for the program: nothing was written yet, and
                // `write` needs none of them.
                Err(BoardError::Exception(exception))
                    if is_missing_function(&exception.type_name) =>
                {
                    return Ok(None);
                }
                Err(BoardError::Exception(exception)) => {
                    let number = exception.os_error().map(|error| error.number);
                    match number {
                        // The content arrived damaged or not at all, and an interrupt ended the board's program. The
                        // next attempt may succeed.
                        None => continue,
                        // EPERM, EACCES, EEXIST or ENOSPC. FAT does not rename onto an existing file, but `write` can
                        // replace the file in two steps. For other causes `write` returns the precise error.
                        Some(1 | 13 | 17 | 28) => return Ok(None),
                        Some(_) => {}
                    }
                    return Err(Error::new(path, BoardError::Exception(exception)));
                }
                Err(error) => {
                    let error = self.stop(error);
                    if attempt < TRIES && self.may_repeat(&error) {
                        continue;
                    }
                    return Err(Error::new(path, error));
                }
            }
        }
        Ok(None)
    }

    /// Sends program and content together. Returns the output of the program; `None` if the board does not load
    /// bytecode, or has too little memory.
    fn put_parcel(
        &mut self,
        path: &BoardPath,
        inside: &BoardPath,
        content: &[u8],
        force: bool,
        deadline: Deadline,
    ) -> Result<Option<Vec<u8>>, BoardError> {
        let deflated = deflate(content);
        let gain = content.len().saturating_sub(deflated.len());
        let (data, bits) = match gain >= LEAST_GAIN {
            // The window need not be larger than the content, since no reference goes farther back.
            true => (
                deflated.as_slice(),
                content.len().next_power_of_two().ilog2(),
            ),
            false => (content, 0),
        };
        let arguments = [
            &*quoted(path),
            &quoted(inside),
            &content.len().to_string(),
            &bits.to_string(),
            if force { "1" } else { "0" },
        ];
        let mut answer = Vec::new();
        let mut output = |bytes: &[u8]| answer.extend_from_slice(bytes);
        let ran = agent::run(
            self.raw(),
            device::PARCEL,
            data,
            &arguments,
            &mut output,
            deadline,
        )?;
        Ok(ran.then_some(answer))
    }

    fn put_once(
        &mut self,
        path: &BoardPath,
        inside: &BoardPath,
        content: &[u8],
        force: bool,
        deadline: Deadline,
    ) -> Result<Option<Vec<u8>>, BoardError> {
        let (bytes, pair) = load::without_interrupts(content);
        let source = device::PUT.call(&[
            &quoted(path),
            &quoted(inside),
            &bytes.len().to_string(),
            &py_bytes(&pair),
            &crc32(&[content]).to_string(),
            if force { "1" } else { "0" },
        ]);
        let source = self.checked(source);
        let Some(mut conversation) = self.raw().converse_by_raw_paste(&source, deadline)? else {
            return Ok(None);
        };
        if load::wait_for_request(&mut conversation, deadline)? {
            conversation.write(&bytes, deadline)?;
            // The board confirms the content. If the content was damaged, the program ends instead, and its output has
            // the reason.
            load::wait_for_confirmation(&mut conversation, load::LOAD_TIME, deadline)?;
        }
        let mut answer = Vec::new();
        conversation.finish_probed(&mut |bytes| answer.extend_from_slice(bytes), deadline)?;
        Ok(Some(answer))
    }
}
