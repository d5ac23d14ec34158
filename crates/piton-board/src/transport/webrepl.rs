//! A board on the network, by MicroPython's WebREPL: `ws://`.
//!
//! Output and input of the board are text messages, whose bytes may be invalid UTF-8. Binary messages are WebREPL's file
//! protocol (extmod/modwebrepl.c). The login comes first: the board prints `Password: `, and then `WebREPL connected` with
//! a prompt that does not come from the REPL.
//!
//! The board accepts one connection at a time, and closes a second one at once. After a soft reset it has lost the
//! connection, and listens again when its boot.py starts WebREPL.
//!
//! There is no encryption: anyone who can read the network traffic can read the password.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::transport::tcp::Endpoint;
use crate::transport::websocket::{Kind, WebSocket};
use crate::transport::{BinaryMessages, Transport};

/// The TCP port of MicroPython's webrepl.py.
pub const DEFAULT_PORT: u16 = 8266;

/// Maximum length of MicroPython's password (extmod/modwebrepl.c, `webrepl_passwd`).
pub const MAX_PASSWORD: usize = 9;

const PROMPT: &[u8] = b"Password: ";
const CONNECTED: &[u8] = b"WebREPL connected\r\n";
const DENIED: &[u8] = b"Access denied";

/// Maximum length of the text before the request for the password.
const MAX_GREETING: usize = 4096;

/// The password of a WebREPL or a telnet server. Debug output does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Returns the password with this text.
    pub fn new(text: impl Into<String>) -> Password {
        Password(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A connection to a board's WebREPL, logged in.
#[derive(Debug)]
pub struct WebRepl(WebSocket);

impl WebRepl {
    /// Connects to `host` (a name, or an address without brackets) and logs in, all within `timeout`.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if there is no server, or not a WebREPL, or another program is connected to it;
    /// [`Error::PasswordRefused`].
    pub fn connect(
        host: &str,
        port: u16,
        password: &Password,
        timeout: Duration,
    ) -> Result<WebRepl, Error> {
        let deadline = Deadline::after(timeout);
        Login::reach(host, port, deadline)?.log_in(password, deadline)
    }
}

/// A connection to a WebREPL that waits for its password.
#[derive(Debug)]
pub struct Login {
    socket: WebSocket,
    address: String,
}

impl Login {
    /// Connects to `host` (a name, or an address without brackets), and waits for the request for the password.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if there is no server, or not a WebREPL, or another program is connected to it.
    pub fn reach(host: &str, port: u16, deadline: Deadline) -> Result<Login, Error> {
        let address = format!("ws://{}", Endpoint { host, port });
        let open = |source| Error::Open {
            address: address.clone(),
            source,
        };
        let socket = WebSocket::connect(host, port, deadline).map_err(open)?;
        read_to(&socket, &[PROMPT], deadline)
            .map_err(|(error, received)| open(no_prompt(error, &received)))?;
        Ok(Login { socket, address })
    }

    /// Answers with the password.
    ///
    /// # Errors
    ///
    /// [`Error::PasswordRefused`]; [`Error::Open`] if no answer comes.
    pub fn log_in(self, password: &Password, deadline: Deadline) -> Result<WebRepl, Error> {
        let Login { socket, address } = self;
        // A line end in the password would end it, and the rest would be input of the REPL.
        if password.0.contains(['\r', '\n']) {
            return Err(Error::PasswordRefused { address });
        }
        let open = |source| Error::Open {
            address: address.clone(),
            source,
        };
        // There is no line feed, because it would be the first input of the REPL.
        let answer = format!("{}\r", password.0);
        socket
            .write(Kind::Text, answer.as_bytes(), deadline)
            .map_err(open)?;
        match read_to(&socket, &[CONNECTED, DENIED], deadline) {
            Ok(CONNECTED) => Ok(WebRepl(socket)),
            Ok(_) => Err(Error::PasswordRefused { address }),
            Err((error, received)) => Err(open(no_login(error, &received))),
        }
    }
}

impl Transport for WebRepl {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        self.0.read(Kind::Text, buf, deadline)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.0.write(Kind::Text, bytes, deadline)
    }

    fn binary_messages(&self) -> Option<&dyn BinaryMessages> {
        Some(self)
    }
}

impl BinaryMessages for WebRepl {
    fn send(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.0.write(Kind::Binary, bytes, deadline)
    }

    fn receive(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        self.0.read(Kind::Binary, buf, deadline)
    }

    fn discard(&self) {
        self.0.discard_binary();
    }
}

/// Reads text up to the first of `markers`, and not one byte more. An error is returned with the text before it.
fn read_to<'m>(
    socket: &WebSocket,
    markers: &[&'m [u8]],
    deadline: Deadline,
) -> Result<&'m [u8], (io::Error, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        let mut byte = [0];
        if let Err(error) = socket.read(Kind::Text, &mut byte, deadline) {
            return Err((error, received));
        }
        received.extend_from_slice(&byte);
        if let Some(marker) = markers.iter().find(|marker| received.ends_with(marker)) {
            return Ok(marker);
        }
        if received.len() > MAX_GREETING {
            return Err((io::ErrorKind::InvalidData.into(), received));
        }
    }
}

fn no_prompt(error: io::Error, received: &[u8]) -> io::Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof if received.is_empty() => {
            "the board closed the connection before it asked for the password: is another WebREPL session open?"
        }
        io::ErrorKind::UnexpectedEof => "the server closed the connection",
        io::ErrorKind::TimedOut => "the board did not ask for the password in time",
        io::ErrorKind::InvalidData if error.get_ref().is_none() => {
            "the server does not ask for a password"
        }
        _ => return error,
    };
    said(error.kind(), what, received)
}

fn no_login(error: io::Error, received: &[u8]) -> io::Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the board closed the connection after the password",
        io::ErrorKind::TimedOut => "the board did not answer to the password in time",
        io::ErrorKind::InvalidData if error.get_ref().is_none() => {
            "the server does not answer to the password"
        }
        _ => return error,
    };
    said(error.kind(), what, received)
}

fn said(kind: io::ErrorKind, what: &str, received: &[u8]) -> io::Error {
    let words = received.trim_ascii();
    let words = words.get(..200).unwrap_or(words);
    if words.is_empty() {
        return io::Error::new(kind, what);
    }
    io::Error::new(kind, format!("{what}; it said: {}", words.escape_ascii()))
}
