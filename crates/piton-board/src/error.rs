//! The errors of a connection to a board: one variant for each case that a caller can act on.

use std::fmt;
use std::io;

use crate::exception::BoardException;

/// The kind of a failure, as far as callers act on it in the same way: the command line tool has an exit code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The board, this computer or a server refused the operation, or the input is invalid.
    Refused,
    /// The request itself is invalid, for every board.
    Usage,
    /// There is no connection to a board, or it was lost.
    NoConnection,
    /// A person or the caller stopped the operation.
    Interrupted,
}

/// Why an operation on a board failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The selector's text has none of the known forms.
    #[error("`{text}` does not name a board: {expected}")]
    Selector {
        /// The text as given.
        text: String,
        /// The expected forms.
        expected: &'static str,
    },
    /// There is no serial port that could be a board.
    #[error("no board found{}", SkippedPorts(skipped))]
    NoBoard {
        /// Why each port that looked like a board could not be opened.
        skipped: Vec<Error>,
    },
    /// No port has this USB serial number.
    #[error("no board with serial number `{serial_number}`")]
    NoSuchSerialNumber {
        /// The serial number asked for.
        serial_number: String,
    },
    /// The port does not exist.
    #[error("no such port: `{port}`")]
    NoSuchPort {
        /// Path or name of the port.
        port: String,
        /// The existing serial ports, in the order of [`crate::discovery::list_serial_ports`].
        available: Vec<String>,
    },
    /// Another program has the port open.
    #[error("port `{port}` is in use by {}", holder.as_deref().unwrap_or("another program"))]
    PortBusy {
        /// Path or name of the port.
        port: String,
        /// The program that has it open, such as "`minicom` (process 4711)", if the system reports it.
        holder: Option<String>,
    },
    /// The user may not open the port.
    #[error("no permission to open `{port}`")]
    PortPermission {
        /// Path or name of the port.
        port: String,
    },
    /// A WebREPL or a telnet server requires a password, and none was given.
    #[error("`{address}` needs a password")]
    PasswordNeeded {
        /// The board's address.
        address: String,
    },
    /// A WebREPL or a telnet server has refused the password.
    #[error("`{address}` refuses the password")]
    PasswordRefused {
        /// The board's address.
        address: String,
    },
    /// The port, address or program could not be opened for another reason.
    #[error("could not open `{address}`: {source}")]
    Open {
        /// The board's address, port or command.
        address: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// The connection has no control lines that could reset the board.
    #[error("`{address}` has no control lines")]
    NoControlLines {
        /// The board's address.
        address: String,
    },
    /// The connection to the board was lost.
    #[error("lost the connection to the board while waiting for {waiting_for}")]
    Disconnected {
        /// What the host was waiting for.
        waiting_for: &'static str,
        /// The operating system's error.
        source: io::Error,
    },
    /// The deadline passed.
    #[error("timed out waiting for {waiting_for}; board sent {}", Shown(received))]
    Timeout {
        /// What the host was waiting for.
        waiting_for: &'static str,
        /// The last bytes, at most 4096, that came instead since the start of the wait.
        received: Vec<u8>,
    },
    /// The board's answer is not a Python literal, or not of the requested type.
    #[error("can't read the board's answer: {0}")]
    Literal(#[from] crate::literal::LiteralError),
    /// A person pressed Ctrl-C, or the caller raised the [`crate::deadline::Cancel`] flag.
    #[error("interrupted")]
    Cancelled,
    /// The program on the board raised an exception.
    #[error("the board raised {0}")]
    Exception(#[source] BoardException),
    /// The board did not enter the raw REPL.
    #[error(
        "no answer from a raw REPL: not a MicroPython board, busy with a program that ignores Ctrl-C, or not \
         ready; board sent {}",
        Shown(received)
    )]
    NoRawRepl {
        /// The bytes that the host sent in all attempts.
        sent: Vec<u8>,
        /// The last bytes, at most 4096, that came.
        received: Vec<u8>,
    },
    /// The board was reset by something else than this connection: it is in the friendly REPL now.
    #[error("the board was reset: it is not in the raw REPL any more")]
    BoardReset,
    /// The previous exchange ended with an error. Interrupt the program, or enter the raw REPL again.
    #[error("the board is not at the raw REPL's prompt")]
    NotAtPrompt,
    /// The board does not support raw-paste, and the program needs it.
    /// [`crate::repl::RawRepl::converse_by_raw_paste`] handles this error.
    #[error("the board does not support raw-paste")]
    NoRawPaste,
    /// The program contains a control byte that the REPL would act on.
    #[error(
        "byte {byte:#04x} at offset {offset} of the program cannot be sent: write it as an escape, `\\x{byte:02x}`"
    )]
    UnsendableByte {
        /// The byte: 0x01 to 0x04.
        byte: u8,
        /// Its offset in the source, from 0.
        offset: usize,
    },
    /// WebREPL's file protocol cannot express the request.
    #[error("WebREPL's file protocol has no way to send {problem}")]
    FileRecord {
        /// The part of the request that it cannot express.
        problem: &'static str,
    },
    /// The board's answer does not fit the protocol.
    #[error("expected {expected}; board sent {}", Shown(received))]
    Unexpected {
        /// What was expected.
        expected: &'static str,
        /// The bytes that came.
        received: Vec<u8>,
    },
}

impl Error {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Selector { .. } => ErrorKind::Usage,
            Error::NoBoard { .. }
            | Error::NoSuchSerialNumber { .. }
            | Error::NoSuchPort { .. }
            | Error::PortBusy { .. }
            | Error::PortPermission { .. }
            | Error::PasswordNeeded { .. }
            | Error::PasswordRefused { .. }
            | Error::Open { .. }
            | Error::NoControlLines { .. }
            | Error::Disconnected { .. }
            | Error::Timeout { .. }
            | Error::NoRawRepl { .. } => ErrorKind::NoConnection,
            Error::Cancelled => ErrorKind::Interrupted,
            Error::Literal(_)
            | Error::Exception(_)
            | Error::BoardReset
            | Error::NotAtPrompt
            | Error::NoRawPaste
            | Error::UnsendableByte { .. }
            | Error::FileRecord { .. }
            | Error::Unexpected { .. } => ErrorKind::Refused,
        }
    }

    /// Returns the exception, if a program on the board raised one.
    pub fn exception(&self) -> Option<&BoardException> {
        match self {
            Error::Exception(exception) => Some(exception),
            _ => None,
        }
    }
}

/// Bytes from a wire in readable form: the last ones, if there are many.
struct Shown<'a>(&'a [u8]);

/// Maximum number of characters for bytes from a wire in a message. The wire log has all bytes.
const SHOWN: usize = 60;

impl Shown<'_> {
    /// Returns how many bytes at the front are left out, so that the others fit.
    fn left_out(&self) -> usize {
        let mut shown = 0;
        let fits = self.0.iter().rev().take_while(|byte| {
            shown += byte.escape_ascii().len();
            shown <= SHOWN
        });
        self.0.len() - fits.count()
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = self.left_out();
        match self.0.get(left_out..) {
            None | Some([]) => f.write_str("nothing"),
            Some(all) if left_out == 0 => all.escape_ascii().fmt(f),
            Some(last) => write!(f, "{left_out} bytes and {}", last.escape_ascii()),
        }
    }
}

/// The end of the message of [`Error::NoBoard`].
struct SkippedPorts<'a>(&'a [Error]);

impl fmt::Display for SkippedPorts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_few_bytes() {
        let shown = |bytes: &[u8]| Shown(bytes).to_string();
        assert_eq!(shown(b""), "nothing");
        assert_eq!(shown(b"hello\r\n"), "hello\\r\\n");
        let binary = [3, 1].repeat(500);
        let last = r"\x01\x03\x01\x03\x01\x03\x01\x03\x01\x03\x01\x03\x01\x03\x01";
        assert_eq!(shown(&binary), format!("985 bytes and {last}"));
        let many = shown(&b"0123456789".repeat(100));
        assert_eq!(many, format!("940 bytes and {}", "0123456789".repeat(6)));
    }
}
