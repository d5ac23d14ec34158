//! The framing of RFC 6455, the client's side: pure functions over bytes.

/// Maximum payload of a frame to the server, in bytes. MicroPython closes the connection at a frame of 64 KiB or more
/// (extmod/modwebsocket.c, `sz == 127`).
pub(super) const MAX_PAYLOAD: usize = 4096;

/// The kind of a message, by its opcode; RFC 6455, section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport) enum Kind {
    Text,
    Binary,
}

/// A part of the server's stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A part of a message. The ends of messages have no meaning here.
    Data(Kind, Vec<u8>),
    /// A ping, which must be answered with the same bytes.
    Ping(Vec<u8>),
    /// The end of the connection, with the server's unchanged reason.
    Close(Vec<u8>),
}

/// A violation of the protocol by the server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("a frame with reserved bits ({0:#04x})")]
    ReservedBits(u8),
    #[error("a frame of the unknown kind {0}")]
    UnknownKind(u8),
    #[error("a masked frame, which only clients send")]
    Masked,
    #[error("a control frame of {0} bytes, or in parts")]
    LongControl(u64),
    #[error("the rest of a message that never began")]
    NoMessage,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// Returns a data frame with a whole message of at most [`MAX_PAYLOAD`] bytes.
pub(super) fn data(kind: Kind, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let opcode = match kind {
        Kind::Text => TEXT,
        Kind::Binary => BINARY,
    };
    encode(opcode, payload, mask)
}

/// Returns the answer to a ping.
pub(super) fn pong(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    encode(PONG, payload, mask)
}

/// Returns a close frame, without a reason: MicroPython 1.25 and other versions would read the bytes of a reason as input
/// (extmod/modwebsocket.c returns the payload of a control frame that is read in pieces).
pub(super) fn close(mask: [u8; 4]) -> Vec<u8> {
    encode(CLOSE, b"", mask)
}

fn encode(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let payload = payload.get(..MAX_PAYLOAD).unwrap_or(payload);
    let mut frame = Vec::with_capacity(payload.len() + 8);
    frame.push(FINAL | opcode);
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(MASKED | length),
        _ => {
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            frame.push(MASKED | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    let masked = payload.iter().zip(mask.into_iter().cycle());
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}

/// Decodes the bytes of a server, in pieces of any size. Stores at most a header and a control frame.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The received part of the next frame's header.
    header: Vec<u8>,
    /// The frame whose payload is being received.
    frame: Option<Frame>,
    /// The message that continues in continuation frames.
    message: Option<Kind>,
}

#[derive(Debug)]
struct Frame {
    opcode: u8,
    left: u64,
    /// The payload of a control frame, which is processed when it is complete.
    control: Vec<u8>,
}

impl Decoder {
    /// Decodes `bytes`, and adds their content to `pieces`. After an error the connection cannot be used any more.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Violation> {
        loop {
            if self.frame.is_none() {
                let Some((first, rest)) = bytes.split_first() else {
                    return Ok(());
                };
                self.header.push(*first);
                bytes = rest;
                self.frame = parse_header(&self.header)?;
            }
            let Some(frame) = &mut self.frame else {
                continue;
            };
            self.header.clear();
            let count = bytes
                .len()
                .min(usize::try_from(frame.left).unwrap_or(usize::MAX));
            let (payload, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
            bytes = rest;
            frame.left = frame.left.saturating_sub(payload.len() as u64);
            let is_whole = frame.left == 0;
            match frame.opcode {
                CLOSE | PING | PONG => frame.control.extend_from_slice(payload),
                opcode => {
                    let kind = match opcode {
                        TEXT => Kind::Text,
                        BINARY => Kind::Binary,
                        _ => self.message.ok_or(Violation::NoMessage)?,
                    };
                    self.message = Some(kind);
                    if !payload.is_empty() {
                        pieces.push(Piece::Data(kind, payload.to_vec()));
                    }
                }
            }
            if !is_whole {
                return Ok(());
            }
            let control = std::mem::take(&mut frame.control);
            match frame.opcode {
                CLOSE => pieces.push(Piece::Close(control)),
                PING => pieces.push(Piece::Ping(control)),
                _ => {}
            }
            self.frame = None;
        }
    }
}

/// Returns the frame of a header; `None` if the header is incomplete.
fn parse_header(header: &[u8]) -> Result<Option<Frame>, Violation> {
    let [first, second, rest @ ..] = header else {
        return Ok(None);
    };
    if first & RESERVED != 0 {
        return Err(Violation::ReservedBits(*first));
    }
    if second & MASKED != 0 {
        return Err(Violation::Masked);
    }
    let left = match (second, rest) {
        (126, [high, low]) => u64::from(u16::from_be_bytes([*high, *low])),
        (127, rest) if rest.len() == 8 => rest
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        (126 | 127, _) => return Ok(None),
        (length, _) => u64::from(*length),
    };
    let opcode = first & 0x0f;
    match opcode {
        CONTINUATION | TEXT | BINARY => {}
        CLOSE | PING | PONG if left > 125 || first & FINAL == 0 => {
            return Err(Violation::LongControl(left));
        }
        CLOSE | PING | PONG => {}
        _ => return Err(Violation::UnknownKind(opcode)),
    }
    Ok(Some(Frame {
        opcode,
        left,
        control: Vec::new(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the decoded frames of a server, divided in every way.
    #[track_caller]
    fn check(bytes: &[u8], expected: &Result<Vec<Piece>, Violation>) {
        for cut in 1..=bytes.len() {
            let mut decoder = Decoder::default();
            let mut pieces = Vec::new();
            let result = bytes
                .chunks(cut)
                .try_for_each(|chunk| decoder.feed(chunk, &mut pieces));
            let pieces = result.map(|()| join(pieces.into_iter()));
            assert_eq!(&pieces, expected, "by {cut}");
        }
    }

    /// Joins adjacent parts of a message.
    fn join(pieces: impl Iterator<Item = Piece>) -> Vec<Piece> {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (Some(Piece::Data(last, bytes)), Piece::Data(kind, more)) if *last == kind => {
                    bytes.extend(more);
                }
                (_, piece) => joined.push(piece),
            }
        }
        joined
    }

    fn text(text: &[u8]) -> Piece {
        Piece::Data(Kind::Text, text.to_vec())
    }

    #[test]
    fn frames_of_a_server_are_decoded() {
        // The examples of RFC 6455, section 5.7.
        check(b"\x81\x05Hello", &Ok(vec![text(b"Hello")]));
        check(b"\x01\x03Hel\x80\x02lo", &Ok(vec![text(b"Hello")]));
        check(b"\x89\x05Hello", &Ok(vec![Piece::Ping(b"Hello".into())]));
        // A control frame in the middle of a message.
        check(
            b"\x01\x03Hel\x89\x00\x80\x02lo\x8a\x01x",
            &Ok(vec![text(b"Hel"), Piece::Ping(Vec::new()), text(b"lo")]),
        );
        check(
            b"\x82\x04WB\x00\x00\x81\x00\x88\x02\x03\xe8",
            &Ok(vec![
                Piece::Data(Kind::Binary, b"WB\0\0".to_vec()),
                Piece::Close(b"\x03\xe8".to_vec()),
            ]),
        );
        let long = [b"\x82\x7e\x01\x00".as_slice(), &[7; 256]].concat();
        check(&long, &Ok(vec![Piece::Data(Kind::Binary, vec![7; 256])]));
        let longer = [b"\x81\x7f\0\0\0\0\0\x01\0\0".as_slice(), &[7; 65536]].concat();
        let mut decoder = Decoder::default();
        let mut pieces = Vec::new();
        for chunk in longer.chunks(1000) {
            decoder.feed(chunk, &mut pieces).unwrap();
        }
        assert_eq!(join(pieces.into_iter()), [text(&[7; 65536])]);
    }

    #[test]
    fn invalid_frames_are_refused() {
        check(b"\xc1\x00", &Err(Violation::ReservedBits(0xc1)));
        check(b"\x83\x00", &Err(Violation::UnknownKind(3)));
        check(b"\x81\x81mask", &Err(Violation::Masked));
        check(b"\x89\x7e\x00\x7e", &Err(Violation::LongControl(126)));
        check(b"\x08\x00", &Err(Violation::LongControl(0)));
        check(b"\x80\x01x", &Err(Violation::NoMessage));
        // The frame is incomplete, whatever its length is.
        check(b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", &Ok(Vec::new()));
        check(b"\x81", &Ok(Vec::new()));
    }

    #[test]
    fn frames_of_the_client_are_masked() {
        // The masked example of RFC 6455, section 5.7.
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let frame = data(Kind::Text, b"Hello", mask);
        assert_eq!(frame, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assert_eq!(close(mask), b"\x88\x80\x37\xfa\x21\x3d");
        assert_eq!(pong(b"x", [0; 4]), b"\x8a\x81\0\0\0\0x");
        let frame = data(Kind::Binary, &[1; 126], [0; 4]);
        assert_eq!(frame.get(..8), Some(b"\x82\xfe\x00\x7e\0\0\0\0".as_slice()));
        assert_eq!(frame.len(), 8 + 126);
    }
}
