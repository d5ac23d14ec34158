//! The client's side of RFC 6455, as far as MicroPython's WebREPL needs it: the handshake, text and binary messages,
//! ping, close. No extensions, no TLS.
//!
//! This is not a library, because the connection of a library is one object for both directions, and here one thread
//! reads while another one writes. The server is not trusted: the stored bytes that it sends are limited.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::transport::tcp;

mod frame;
mod handshake;

pub(in crate::transport) use frame::Kind;
use frame::{Decoder, Piece};

/// Maximum number of binary bytes that are stored until they are read. A board sends them only on request.
const MAX_BINARY: usize = 64 * 1024;

/// Timeout of closing the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

/// An open WebSocket.
#[derive(Debug)]
pub(super) struct WebSocket {
    stream: TcpStream,
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
}

#[derive(Debug, Default)]
struct Incoming {
    decoder: Decoder,
    text: VecDeque<u8>,
    binary: VecDeque<u8>,
    /// The error with which the connection has ended, if it has.
    end: Option<(io::ErrorKind, String)>,
}

#[derive(Debug, Default)]
struct Outgoing {
    /// The rest of a frame that was sent in part when the deadline passed. It must be sent before other bytes.
    owed: Vec<u8>,
}

impl WebSocket {
    /// Connects to `host` (a name, or an address without brackets), and makes the handshake, all by `deadline`.
    ///
    /// # Errors
    ///
    /// The operating system's error; or an error of the kind `TimedOut`, `UnexpectedEof` or `InvalidData` whose message
    /// describes the server's answer.
    pub(super) fn connect(host: &str, port: u16, deadline: Deadline) -> io::Result<WebSocket> {
        let stream = tcp::connect(host, port, deadline)?;
        tcp::keep_alive(&stream);
        let key = [random(), random()].concat();
        let rest = handshake::shake_hands(&stream, host, port, &key, deadline)?;
        let socket = WebSocket {
            stream,
            incoming: Mutex::default(),
            outgoing: Mutex::default(),
        };
        socket.take_in(&mut lock(&socket.incoming), &rest, deadline)?;
        Ok(socket)
    }

    /// Reads at least one byte of messages of this kind.
    ///
    /// # Errors
    ///
    /// As for [`crate::transport::Transport::read`], with a message; `InvalidData` if the server violates the protocol.
    pub(super) fn read(&self, kind: Kind, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let mut incoming = lock(&self.incoming);
        while incoming.queue(kind).is_empty() && !buf.is_empty() {
            if let Some((kind, end)) = &incoming.end {
                return Err(io::Error::new(*kind, end.clone()));
            }
            self.receive(&mut incoming, deadline)?;
            // A server that sends other messages without pause must not extend the wait beyond the deadline.
            if incoming.queue(kind).is_empty() && incoming.end.is_none() && deadline.has_passed() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        io::Read::read(incoming.queue(kind), buf)
    }

    /// Drops the binary messages that were not read.
    pub(super) fn discard_binary(&self) {
        lock(&self.incoming).binary.clear();
    }

    /// Sends `bytes` as messages of this kind.
    ///
    /// # Errors
    ///
    /// As for [`crate::transport::Transport::write_all`].
    pub(super) fn write(&self, kind: Kind, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let mut outgoing = lock(&self.outgoing);
        for chunk in bytes.chunks(frame::MAX_PAYLOAD) {
            outgoing.pay(&self.stream, deadline)?;
            outgoing.owed = frame::data(kind, chunk, mask());
            let whole = outgoing.owed.len();
            if let Err(error) = outgoing.pay(&self.stream, deadline) {
                if outgoing.owed.len() == whole {
                    // No byte of the frame was sent, so the caller may send it again, or another one.
                    outgoing.owed.clear();
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Receives once, and answers the server's requests.
    fn receive(&self, incoming: &mut Incoming, deadline: Deadline) -> io::Result<()> {
        let mut buf = [0; 4096];
        tcp::acknowledge_at_once(&self.stream);
        let count = tcp::read(&self.stream, &mut buf, deadline)?;
        self.take_in(incoming, buf.get(..count).unwrap_or_default(), deadline)
    }

    fn take_in(&self, incoming: &mut Incoming, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let mut pieces = Vec::new();
        let broken = incoming.decoder.feed(bytes, &mut pieces).err();
        for piece in pieces {
            match piece {
                Piece::Data(kind, bytes) => incoming.queue(kind).extend(bytes),
                Piece::Ping(bytes) => {
                    let mut outgoing = lock(&self.outgoing);
                    outgoing.pay(&self.stream, deadline)?;
                    outgoing.owed = frame::pong(&bytes, mask());
                    outgoing.pay(&self.stream, deadline)?;
                }
                Piece::Close(reason) => {
                    incoming.end = Some((io::ErrorKind::UnexpectedEof, closing_words(&reason)));
                    return Ok(());
                }
            }
        }
        if let Some(violation) = broken {
            let message = format!("the server does not speak WebSocket: it sent {violation}");
            incoming.end = Some((io::ErrorKind::InvalidData, message));
        }
        if incoming.binary.len() > MAX_BINARY {
            let message = "the server sends binary messages without end".to_owned();
            incoming.end = Some((io::ErrorKind::InvalidData, message));
        }
        Ok(())
    }
}

impl Incoming {
    fn queue(&mut self, kind: Kind) -> &mut VecDeque<u8> {
        match kind {
            Kind::Text => &mut self.text,
            Kind::Binary => &mut self.binary,
        }
    }
}

impl Outgoing {
    fn pay(&mut self, stream: &TcpStream, deadline: Deadline) -> io::Result<()> {
        while !self.owed.is_empty() {
            let count = tcp::write(stream, &self.owed, deadline)?;
            self.owed.drain(..count.min(self.owed.len()));
        }
        Ok(())
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        let mut outgoing = lock(&self.outgoing);
        let deadline = Deadline::after(CLOSE_TIMEOUT);
        // An error is ignored, because the server may have closed the connection.
        if outgoing.pay(&self.stream, deadline).is_ok() {
            outgoing.owed = frame::close(mask());
            let _ = outgoing.pay(&self.stream, deadline);
        }
        tcp::close(&self.stream);
    }
}

/// Returns the message for a close frame, whose content is a number and a text, or nothing.
fn closing_words(reason: &[u8]) -> String {
    match reason.split_at_checked(2) {
        Some((number, text)) => {
            let number = number
                .iter()
                .fold(0_u16, |all, byte| all << 8 | u16::from(*byte));
            let text = text.escape_ascii();
            format!("the server closed the connection ({number} {text})")
        }
        None => "the server closed the connection".to_owned(),
    }
}

/// Returns eight random bytes, from the seed of the standard library's hash maps. This is good enough: masks protect
/// proxies against scripts of web pages, which do not exist here, and the key of a handshake must only differ each time.
fn random() -> [u8; 8] {
    RandomState::new().build_hasher().finish().to_ne_bytes()
}

fn mask() -> [u8; 4] {
    let [first, second, third, fourth, ..] = random();
    [first, second, third, fourth]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic does not leave the data in an invalid state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
