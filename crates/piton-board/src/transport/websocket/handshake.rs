//! The opening handshake: an HTTP request, and the check of its answer.

use std::io;
use std::net::TcpStream;

use data_encoding::BASE64;
use sha1::{Digest, Sha1};

use crate::deadline::Deadline;
use crate::transport::tcp::{self, Endpoint};

/// The text that the server appends to the key before it calculates the hash; RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Maximum length of the answer.
const MAX_ANSWER: usize = 8 * 1024;

/// Maximum number of bytes of another answer that the error message shows.
const SHOWN: usize = 60;

/// Requests a WebSocket from the server, and returns the bytes that it sent after its answer.
pub(super) fn shake_hands(
    stream: &TcpStream,
    host: &str,
    port: u16,
    key: &[u8],
    deadline: Deadline,
) -> io::Result<Vec<u8>> {
    let key = BASE64.encode(key);
    // MicroPython's webrepl.py compares these names and values exactly.
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n",
        Endpoint { host, port }
    );
    let mut request = request.as_bytes();
    while !request.is_empty() {
        let count = tcp::write(stream, request, deadline)?;
        request = request.get(count..).unwrap_or_default();
    }
    let mut received = Vec::new();
    let end = loop {
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if received.len() > MAX_ANSWER
            || !b"HTTP/1.".starts_with(received.get(..7).unwrap_or(&received))
        {
            return Err(strange(&received));
        }
        let mut buf = [0; 1024];
        match tcp::read(stream, &mut buf, deadline) {
            Ok(count) => received.extend_from_slice(buf.get(..count).unwrap_or_default()),
            Err(error) => return Err(silent(error, &received)),
        }
    };
    let rest = received.split_off(end);
    check_answer(&received, &key)?;
    Ok(rest)
}

fn check_answer(answer: &[u8], key: &str) -> io::Result<()> {
    let text = String::from_utf8_lossy(answer);
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        return Err(strange(answer));
    }
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let accept = headers
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("Sec-WebSocket-Accept"))
        .map_or("", |(_, value)| value.trim());
    let hash = Sha1::digest(format!("{key}{GUID}"));
    if accept != BASE64.encode(&hash) {
        let message = "the server answers the WebSocket handshake of somebody else";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(())
}

/// Returns the error for a server that is not a WebREPL.
fn strange(answer: &[u8]) -> io::Error {
    let line = answer.trim_ascii().split(|byte| *byte == b'\r').next();
    let line = line.unwrap_or_default();
    let shown = line.get(..SHOWN).unwrap_or(line).escape_ascii();
    let message = format!("there is a server, but not WebREPL: it answers `{shown}`");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn silent(error: io::Error, received: &[u8]) -> io::Error {
    let message = match error.kind() {
        io::ErrorKind::TimedOut => "the server does not answer the WebSocket handshake",
        io::ErrorKind::UnexpectedEof if received.is_empty() => {
            "the server closed the connection instead of answering the WebSocket handshake"
        }
        io::ErrorKind::UnexpectedEof => return strange(received),
        _ => return error,
    };
    io::Error::new(error.kind(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_must_match_the_key() {
        // The example of RFC 6455, section 1.3.
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let answer = |accept: &str| {
            format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {accept}\r\n\r\n")
        };
        let right = answer("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(check_answer(right.as_bytes(), key).is_ok());
        for wrong in [answer("s3pPLMBiTxaQ9kYGzzhZRbK+xOp="), answer("")] {
            assert!(check_answer(wrong.as_bytes(), key).is_err());
        }
        let page = b"HTTP/1.0 200 OK\r\n\r\n";
        let error = check_answer(page, key).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is a server, but not WebREPL: it answers `HTTP/1.0 200 OK`"
        );
    }
}
