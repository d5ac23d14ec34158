//! WebREPL's file protocol: whole files as binary messages, without the REPL (extmod/modwebrepl.c).
//!
//! The board accepts a request while it waits for input: at its friendly prompt, or in the raw REPL between programs. It
//! does not answer a request that fails, but ends the session and prints the reason on its own console.
//!
//! # Limits
//!
//! A file is written in two turns, without a program on the board. But a byte may be lost: the board drops a byte of the
//! content that the network delivers alone (`_webrepl_read` reads it before the read that returns no more bytes). So a
//! written file must be checked through the REPL. Reading a file takes one turn for each 256 bytes. `piton-fs`, which uses
//! the REPL, is better if the REPL is free.

use std::io;

use crate::deadline::{Cancel, Deadline};
use crate::error::Error;
use crate::transport::BinaryMessages;

/// Maximum length of a name in a request, in bytes. A NUL follows it.
pub const MAX_NAME: usize = 63;

/// Number of bytes that are sent between two checks of the deadline and the cancel flag.
const CHUNK: usize = 4096;

/// Maximum time between two checks of the cancel flag.
const SLICE: std::time::Duration = std::time::Duration::from_millis(50);

const PUT_FILE: u8 = 1;
const GET_FILE: u8 = 2;
const GET_VERSION: u8 = 3;

/// The board's answer to a successful request: `WB`, and the code 0.
const DONE: [u8; 4] = *b"WB\0\0";

/// The files of a board with WebREPL, with one request at a time.
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
    /// [`Error::Timeout`] if the board is busy, [`Error::Disconnected`], [`Error::Cancelled`].
    pub fn version(&self, deadline: Deadline) -> Result<[u8; 3], Error> {
        self.request(GET_VERSION, "", 0, deadline)?;
        self.receive("its version", deadline)
    }

    /// Creates or replaces the file `path` of the board. `progress` gets the number of sent bytes.
    ///
    /// # Errors
    ///
    /// [`Error::FileRecord`] for a name or a size that a request cannot express. [`Error::Disconnected`] if the board cannot
    /// write the file. After [`Error::Timeout`] and [`Error::Cancelled`] the board still waits for the rest: close the
    /// session.
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

    /// Passes the content of the file `path` to `sink`, piece by piece.
    ///
    /// # Errors
    ///
    /// As for [`WebReplFiles::put`]; [`Error::Disconnected`] if there is no such file.
    pub fn get(
        &self,
        path: &str,
        sink: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.request(GET_FILE, path, 0, deadline)?;
        self.expect_done(deadline)?;
        loop {
            // Any byte requests the next piece.
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
        // Flags, and an offset that boards ignore.
        record.extend_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        record.extend_from_slice(&size.to_le_bytes());
        let length = u16::try_from(path.len()).unwrap_or(0);
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(path.as_bytes());
        record.resize(82, 0);
        // Drop the rest of an earlier exchange.
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
        let waiting_for = "the line to accept the written bytes";
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
