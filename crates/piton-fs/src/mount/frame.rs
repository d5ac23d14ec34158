//! Parsing and building the frames of a mount, which stand between other output of the board. docs/mount.md describes
//! them.
//!
//! Each frame begins with random letters, which are new for each mount, and its sequence number only increases. So a
//! program cannot print a frame by accident, nor repeat one that it has read.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::wire::{MARK, crc32, seven_bits};

/// Maximum length of content from the board, in bytes. It sends at most 1 KiB of a file, or two paths.
const LONGEST: usize = 8 * 1024;

/// Time after which an incomplete frame counts as output.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The same for the first bytes outside of an exchange. It is short because a program may print 0x18 and then wait for
/// input.
const SHORT_TIMEOUT: Duration = Duration::from_millis(100);
const SHORT_BEGINNING: usize = 2;

/// Bytes of sequence, kind, attempt, trouble and length.
const HEAD: usize = 9;

/// Bytes of the CRC-32 at the end of a frame.
const CHECK: usize = 4;

/// Bytes that an answer adds to its content, without the places.
pub(super) const ANSWER_OVERHEAD: usize = 17;

/// Bytes that no answer contains, because the board acts on them: 0x03 is Ctrl-C, and after a problem 0x01 and 0x0d end
/// an exchange, since other programs request the raw REPL by them. They are sent with the highest bit set, and a place
/// in the frame names the position of each.
const RESERVED: [u8; 3] = [0x01, 0x03, 0x0d];

/// The first bytes of each frame of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(pub(super) [u8; 9]);

impl Token {
    /// Returns random letters.
    pub(super) fn random() -> Token {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyzABCDEFG";
        let mut token = [0x18; 9];
        // The operating system provides the random keys of the hasher.
        let mut random = RandomState::new().hash_one(Instant::now());
        for place in token.iter_mut().skip(1) {
            *place = *LETTERS.get((random % 32) as usize).unwrap_or(&b'a');
            random /= 32;
        }
        Token(token)
    }

    /// Returns the token as text, for the board's program.
    pub(super) fn text(&self) -> &str {
        // `random` makes ASCII only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the first bytes of each answer.
    fn mark(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().skip(1).take(4).map(|letter| letter | MARK)
    }
}

/// A frame of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) sequence: u32,
    pub(super) kind: u8,
    /// The number of earlier requests for the same answer.
    pub(super) attempt: u8,
    /// Interrupts in the lower four bits, damaged answers above them.
    pub(super) trouble: u8,
    pub(super) content: Vec<u8>,
}

impl Frame {
    /// Returns the frame as the board sends it.
    pub(super) fn bytes(&self, token: Token) -> Vec<u8> {
        let length = u16::try_from(self.content.len()).unwrap_or_default();
        let mut bytes = token.0.to_vec();
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend([self.kind, self.attempt, self.trouble]);
        bytes.extend(length.to_le_bytes());
        bytes.extend(&self.content);
        let summed = bytes.get(token.0.len()..).unwrap_or_default();
        let check = crc32(&[summed]);
        bytes.extend(check.to_le_bytes());
        bytes
    }
}

/// Divides a stream into frames and other output.
#[derive(Debug)]
pub(super) struct Parser {
    token: Token,
    /// Bytes that may be the beginning of a frame.
    held: Vec<u8>,
    /// The time of the last of these bytes.
    held_since: Duration,
    /// Whether an exchange is open: then the board sends only frames.
    pub(super) expects_frames: bool,
}

enum Parsed {
    Frame(Frame, usize),
    Output,
    Open,
}

impl Parser {
    pub(super) fn new(token: Token) -> Parser {
        Parser {
            token,
            held: Vec::new(),
            held_since: Duration::ZERO,
            expects_frames: false,
        }
    }

    /// Takes new bytes and returns the next frame. The bytes after it are kept: call again with no bytes until the
    /// result is `None`.
    pub(super) fn next(
        &mut self,
        bytes: &[u8],
        now: Duration,
        passed: &mut Vec<u8>,
    ) -> Option<Frame> {
        if !bytes.is_empty() {
            self.held.extend_from_slice(bytes);
            self.held_since = now;
        }
        loop {
            let start = self.held.iter().position(|&byte| byte == 0x18);
            passed.extend(self.held.drain(..start.unwrap_or(self.held.len())));
            if self.held.is_empty() {
                return None;
            }
            match self.classify(now.saturating_sub(self.held_since)) {
                Parsed::Frame(frame, length) => {
                    self.held.drain(..length);
                    return Some(frame);
                }
                Parsed::Output => passed.extend(self.held.drain(..1)),
                Parsed::Open => return None,
            }
        }
    }

    /// Classifies the beginning of the held bytes. `waited` is the time since the last of them.
    fn classify(&self, waited: Duration) -> Parsed {
        let token = self.token.0.as_slice();
        let Some(rest) = self.held.strip_prefix(token) else {
            let timeout = match self.expects_frames || self.held.len() > SHORT_BEGINNING {
                true => TIMEOUT,
                false => SHORT_TIMEOUT,
            };
            return match token.starts_with(&self.held) && waited < timeout {
                true => Parsed::Open,
                false => Parsed::Output,
            };
        };
        let open = match waited < TIMEOUT {
            true => Parsed::Open,
            false => Parsed::Output,
        };
        let Some((&head, body)) = rest.split_first_chunk::<HEAD>() else {
            return open;
        };
        let [s0, s1, s2, s3, kind, attempt, trouble, l0, l1] = head;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        if length > LONGEST {
            return Parsed::Output;
        }
        let Some((content, after)) = body.split_at_checked(length) else {
            return open;
        };
        let Some(check) = after.first_chunk::<CHECK>() else {
            return open;
        };
        if u32::from_le_bytes(*check) != crc32(&[&head, content]) {
            return Parsed::Output;
        }
        let frame = Frame {
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
            kind,
            attempt,
            trouble,
            content: content.to_vec(),
        };
        Parsed::Frame(frame, token.len() + HEAD + length + CHECK)
    }
}

/// The answer to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The result, or a negative error number.
    pub(super) status: i16,
    /// The content on the wire.
    pub(super) content: Vec<u8>,
    /// Whether it is deflated.
    pub(super) packed: bool,
}

/// Flags of an answer, in its first byte.
pub(super) mod flag {
    /// The content is deflated.
    pub(crate) const PACKED: u8 = 1;
    /// The board raises `KeyboardInterrupt` instead of using the answer.
    pub(crate) const RAISE: u8 = 2;
    /// The board sends a confirmation and waits for permission before it leaves the exchange.
    pub(crate) const CONFIRM: u8 = 4;
}

impl Answer {
    /// Returns the bytes of the answer to this attempt at the request of this number. Content has at most 16,000 bytes.
    pub(super) fn bytes(&self, token: Token, sequence: u32, attempt: u8, flags: u8) -> Vec<u8> {
        let packed = if self.packed { flag::PACKED } else { 0 };
        let mut body = vec![packed | flags];
        body.extend(self.status.to_le_bytes());
        body.extend(&self.content);
        let [low, high] = seven_bits(body.len() + CHECK);
        let number = sequence.to_le_bytes()[0];
        let mut bytes: Vec<u8> = token.mark().collect();
        bytes.extend([attempt | MARK, number | MARK, low, high]);
        body.extend(crc32(&[&bytes, &body]).to_le_bytes());
        let mut places = Vec::new();
        for (at, byte) in body.iter_mut().enumerate() {
            if RESERVED.contains(byte) {
                *byte |= MARK;
                places.push(at);
            }
        }
        bytes.extend(seven_bits(places.len()));
        bytes.extend(body);
        bytes.extend(places.into_iter().flat_map(seven_bits));
        bytes
    }
}

/// Returns the byte that allows the board to leave the exchange, after it has confirmed the answer in this attempt. With
/// `raise` the board raises `KeyboardInterrupt`.
pub(super) fn go(attempt: u8, raise: bool) -> u8 {
    MARK | if raise { 0 } else { 0x40 } | attempt & 0x3f
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = Token(*b"\x18abcdefgh");

    fn frame(sequence: u32, kind: u8, content: &[u8]) -> Vec<u8> {
        let content = content.to_vec();
        Frame {
            sequence,
            kind,
            attempt: 1,
            trouble: 17,
            content,
        }
        .bytes(TOKEN)
    }

    /// Feeds the stream in pieces of this size. Returns the output that passed, and the frames.
    fn parse(stream: &[u8], piece: usize) -> (Vec<u8>, Vec<Frame>) {
        let mut parser = Parser::new(TOKEN);
        let mut passed = Vec::new();
        let mut frames = Vec::new();
        for piece in stream.chunks(piece) {
            let mut next = parser.next(piece, Duration::ZERO, &mut passed);
            while let Some(frame) = next {
                frames.push(frame);
                next = parser.next(b"", Duration::ZERO, &mut passed);
            }
        }
        assert_eq!(parser.next(b"", 2 * TIMEOUT, &mut passed), None);
        (passed, frames)
    }

    #[track_caller]
    fn check(stream: &[u8], output: &[u8], frames: &[(u32, u8, &[u8])]) {
        for piece in [1, 2, 7, stream.len()] {
            let (passed, parsed) = parse(stream, piece);
            assert_eq!(
                passed.escape_ascii().to_string(),
                output.escape_ascii().to_string()
            );
            let parsed = parsed
                .iter()
                .map(|frame| (frame.sequence, frame.kind, frame.content.as_slice()))
                .collect::<Vec<_>>();
            assert_eq!(parsed, frames, "in pieces of {piece}");
        }
    }

    #[test]
    fn frames_are_separated_from_output() {
        let stream = [
            b"before".as_slice(),
            &frame(1, 2, b"/x"),
            &frame(2, 5, b"\x18abcdefgh"),
            b"after",
        ]
        .concat();
        let frames: &[(u32, u8, &[u8])] = &[(1, 2, b"/x"), (2, 5, b"\x18abcdefgh")];
        check(&stream, b"beforeafter", frames);
    }

    #[test]
    fn other_bytes_pass() {
        let every_byte = (0..=255).collect::<Vec<u8>>();
        check(&every_byte, &every_byte, &[]);
        for text in [
            b"\x18\x18\x18".as_slice(),
            b"\x18abcdefg!",
            b"\x18abcdefgh",
            b"\x18abcdefgh\x01\x00\x00\x00\x02\x00\x00\x01\x00x\xff\xff\xff\xff",
            b"\x18abcdefgh\x01\x00\x00\x00\x02\x00\x00\xff\xffx",
        ] {
            check(text, text, &[]);
        }
    }

    #[test]
    fn a_frame_is_found_after_an_incomplete_beginning() {
        let stream = [b"\x18abcd\x18".as_slice(), &frame(7, 3, b"")].concat();
        check(&stream, b"\x18abcd\x18", &[(7, 3, b"")]);
    }

    #[test]
    fn answers_contain_their_content_and_no_reserved_byte() {
        let mut state = 1_u32;
        for length in 0..2000 {
            let content: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8 % 16
                })
                .collect();
            let answer = Answer {
                status: -2,
                content: content.clone(),
                packed: length % 2 == 1,
            };
            let bytes = answer.bytes(TOKEN, 0x1234, length as u8 % 100, flag::CONFIRM);
            assert!(!bytes.iter().any(|byte| RESERVED.contains(byte)));
            let number =
                |at: usize| usize::from(bytes[at] & 0x7f) | usize::from(bytes[at + 1] & 0x7f) << 7;
            let (size, places) = (number(6), number(8));
            assert_eq!(bytes.len(), 10 + size + 2 * places);
            let mut body = bytes[10..10 + size].to_vec();
            for place in 0..places {
                body[number(10 + size + 2 * place)] &= 0x7f;
            }
            let (body, check) = body.split_last_chunk::<CHECK>().unwrap();
            assert_eq!(crc32(&[&bytes[..8], body]), u32::from_le_bytes(*check));
            assert_eq!(body[0], 4 | (length % 2) as u8);
            assert_eq!(body[1..3], [0xfe, 0xff]);
            assert_eq!(body[3..], content);
            assert_eq!(body.len() + 10 + CHECK, ANSWER_OVERHEAD + content.len());
        }
    }

    #[test]
    fn each_token_is_different() {
        let token = Token::random();
        assert_eq!(token.0[0], 0x18);
        assert!(token.0[1..].iter().all(u8::is_ascii_alphabetic));
        assert_ne!(token, Token::random());
    }
}
