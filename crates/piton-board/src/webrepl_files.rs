//! WebREPL's file protocol: whole files as binary messages, beside the REPL (extmod/modwebrepl.c).
//!
//! The board takes a request while it waits for input: at its friendly prompt, or in the raw REPL between programs. What
//! it says to a request that fails is nothing: it ends the session, with the reason on its own console.
//!
//! # What it is good for
//!
//! A file goes up as it is, in two turns, and without a program on the board. But a byte may get lost: where the network
//! delivers a single byte of the content by itself, the board drops that one (`_webrepl_read`: it is taken before the
//! read that finds no more). Who puts a file must check it afterwards, by the REPL. A file comes down in one turn for each
//! 256 bytes. So copying by the REPL, which `piton-fs` does, is the better way wherever the REPL is free.

use std::io;

use crate::deadline::{Cancel, Deadline};
use crate::error::Error;
use crate::transport::BinaryMessages;

/// The longest name that a request can hold, in bytes; the board wants a NUL behind it.
pub const MAX_NAME: usize = 63;

/// How much content is sent before the deadline and the cancel flag are looked at again.
const CHUNK: usize = 4096;

/// How long one wait may sleep before it looks at the cancel flag.
const SLICE: std::time::Duration = std::time::Duration::from_millis(50);

const PUT_FILE: u8 = 1;
const GET_FILE: u8 = 2;
const GET_VERSION: u8 = 3;

/// What the board answers where all is well: `WB`, and the code 0.
const DONE: [u8; 4] = *b"WB\0\0";

/// One request at a time to the board behind a WebREPL.
pub struct WebReplFiles<'t> {
    messages: &'t dyn BinaryMessages,
    cancel: Cancel,
}

impl<'t> WebReplFiles<'t> {
    /// Returns the access to files by the binary messages of a WebREPL:
    /// [`crate::transport::Transport::binary_messages`]. Every wait ends within 50 ms
    /// after `cancel` was raised.
    pub fn new(messages: &'t dyn BinaryMessages, cancel: Cancel) -> WebReplFiles<'t> {
        WebReplFiles { messages, cancel }
    }

    /// Returns the version of MicroPython: major, minor, micro.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] when the board is busy, [`Error::Disconnected`], [`Error::Cancelled`].
    pub fn version(&self, deadline: Deadline) -> Result<[u8; 3], Error> {
        self.request(GET_VERSION, "", 0, deadline)?;
        self.receive("its version", deadline)
    }

    /// Makes or replaces the file `path` of the board. `progress` hears how many bytes have gone out.
    ///
    /// # Errors
    ///
    /// [`Error::FileRecord`] for a name or a size that a request cannot hold. [`Error::Disconnected`] when the board cannot
    /// write the file. [`Error::Timeout`], [`Error::Cancelled`]: the board goes on waiting for the rest; close the session.
    pub fn put(
        &self,
        path: &str,
        content: &[u8],
        progress: &mut dyn FnMut(u64),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let size = u32::try_from(content.len()).map_err(|_| Error::FileRecord {
            problem: "a file of 4 GiB or more",
        })?;
        self.request(PUT_FILE, path, size, deadline)?;
        self.expect_done(deadline)?;
        let mut sent = 0;
        for chunk in content.chunks(CHUNK) {
            self.send(chunk, deadline)?;
            sent += chunk.len() as u64;
            progress(sent);
        }
        self.expect_done(deadline)
    }

    /// Hands the content of the file `path` to `sink`, piece by piece.
    ///
    /// # Errors
    ///
    /// As for [`WebReplFiles::put`]; [`Error::Disconnected`] when there is no such file.
    pub fn get(
        &self,
        path: &str,
        sink: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.request(GET_FILE, path, 0, deadline)?;
        self.expect_done(deadline)?;
        loop {
            // "More, please."
            self.send(b"\0", deadline)?;
            let [low, high] = self.receive("the length of a piece of the file", deadline)?;
            let mut left = usize::from(u16::from_le_bytes([low, high]));
            if left == 0 {
                return self.expect_done(deadline);
            }
            while left > 0 {
                let mut buffer = [0; 1024];
                let piece = buffer.get_mut(..left.min(1024)).unwrap_or_default();
                let count = self.read(piece, "a piece of the file", deadline)?;
                sink(piece.get(..count).unwrap_or_default());
                left = left.saturating_sub(count);
            }
        }
    }

    /// Sends a request: `struct webrepl_file` of modwebrepl.c.
    fn request(&self, kind: u8, path: &str, size: u32, deadline: Deadline) -> Result<(), Error> {
        if path.len() > MAX_NAME || path.contains('\0') {
            let problem = "a name of more than 63 bytes, or with a NUL in it";
            return Err(Error::FileRecord { problem });
        }
        let mut record = b"WA".to_vec();
        // Flags, and an offset that no board looks at.
        record.extend_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        record.extend_from_slice(&size.to_le_bytes());
        let length = u16::try_from(path.len()).unwrap_or(0);
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(path.as_bytes());
        record.resize(82, 0);
        // What an exchange before this one left behind.
        self.messages.discard();
        self.send(&record, deadline)
    }

    fn expect_done(&self, deadline: Deadline) -> Result<(), Error> {
        let answer: [u8; 4] = self.receive("the answer to a file request", deadline)?;
        if answer != DONE {
            return Err(Error::Unexpected {
                expected: "`WB` and two zeros, the sign that a file request is done",
                received: answer.to_vec(),
            });
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let waiting_for = "the board to take what was written";
        let sent = self.messages.send(bytes, deadline);
        sent.map_err(|source| failure(source, waiting_for))
    }

    fn receive<const N: usize>(
        &self,
        waiting_for: &'static str,
        deadline: Deadline,
    ) -> Result<[u8; N], Error> {
        let mut answer = [0; N];
        let mut filled = 0;
        while let Some(rest @ [_, ..]) = answer.get_mut(filled..) {
            filled += self.read(rest, waiting_for, deadline)?;
        }
        Ok(answer)
    }

    fn read(
        &self,
        buf: &mut [u8],
        waiting_for: &'static str,
        deadline: Deadline,
    ) -> Result<usize, Error> {
        loop {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            match self.messages.receive(buf, deadline.slice(SLICE)) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut && !deadline.has_passed() => {
                }
                other => return other.map_err(|source| failure(source, waiting_for)),
            }
        }
    }
}

fn failure(source: io::Error, waiting_for: &'static str) -> Error {
    match source.kind() {
        io::ErrorKind::TimedOut => Error::Timeout {
            waiting_for,
            received: Vec::new(),
        },
        _ => Error::Disconnected {
            waiting_for,
            source,
        },
    }
}
