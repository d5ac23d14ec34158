//! What can go wrong between host and board: one variant for each thing a caller can act on.

use std::io;

/// Why an operation on a board failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The selector's text fits none of the known forms.
    #[error("`{text}` does not name a board: {expected}")]
    Selector {
        /// The text as given.
        text: String,
        /// Which forms there are.
        expected: &'static str,
    },
    /// No serial port that could be a board.
    #[error("no board found")]
    NoBoard,
    /// No port carries this USB serial number.
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
    },
    /// Another program has the port open.
    #[error("port `{port}` is in use by another program")]
    PortBusy {
        /// Path or name of the port.
        port: String,
    },
    /// The user may not open the port.
    #[error("no permission to open `{port}`")]
    PortPermission {
        /// Path or name of the port.
        port: String,
    },
    /// The port, address or program could not be opened for another reason.
    #[error("could not open `{address}`: {source}")]
    Open {
        /// What was to be opened.
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The board went away in the middle.
    #[error("lost the connection to the board while waiting for {waiting_for}")]
    Disconnected {
        /// What the host was waiting for.
        waiting_for: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The deadline passed.
    #[error("timed out waiting for {waiting_for}; board sent {}", received.escape_ascii())]
    Timeout {
        /// What the host was waiting for.
        waiting_for: &'static str,
        /// What came instead, from the start of the wait (the last 4096 bytes of it).
        received: Vec<u8>,
    },
    /// A person pressed Ctrl-C, or the caller raised the [`crate::deadline::Cancel`] flag.
    #[error("interrupted")]
    Cancelled,
}
