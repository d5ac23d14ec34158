//! The frames of a mount, between other output of the board: pure parsing and building.
//!
//! ```text
//! board to host:  0x18, 8 letters, u32 sequence, u8 kind, u16 length, content, u16 sum
//! host to board:  the first 4 of the letters, u8 sequence, u8 flags, i16 status, u16 length, content, u16 sum
//! ```
//!
//! Before all that the starting program asks for the rest of itself by lines of text, which begin with 0x18, the letters
//! and a space.
//!
//! Numbers are little-endian. A sum is that of all bytes from the sequence on (to the board: of all bytes), modulo
//! 65536. The letters are drawn anew for each mount, and the sequence only rises, so that nothing a program prints is
//! a frame: neither a byte by itself nor a frame that it saw before.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// The longest content that is taken from the board. It sends 1 KiB of a file and two paths at most.
const LONGEST: usize = 8 * 1024;

/// How long the rest of a frame may take, before its beginning counts as output.
const PATIENCE: Duration = Duration::from_millis(1000);

/// The same, for the beginning of a beginning: a program may print 0x18 and wait.
const SHORT_PATIENCE: Duration = Duration::from_millis(100);

/// Sequence, kind and length.
const HEAD: usize = 7;

/// What an answer adds to its content.
pub(super) const ANSWER_OVERHEAD: usize = 12;

/// What begins each frame of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(pub(super) [u8; 9]);

impl Token {
    /// Letters that nobody knows beforehand.
    pub(super) fn random() -> Token {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyzABCDEFG";
        let mut token = [0x18; 9];
        // The hasher's keys come from the operating system.
        let mut random = RandomState::new().hash_one(Instant::now());
        for place in token.iter_mut().skip(1) {
            *place = *LETTERS.get((random % 32) as usize).unwrap_or(&b'a');
            random /= 32;
        }
        Token(token)
    }

    /// The same as text, for a program.
    pub(super) fn text(&self) -> &str {
        // ASCII, by `random`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn mark(&self) -> &[u8] {
        self.0.get(1..5).unwrap_or_default()
    }
}

/// What the board sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) sequence: u32,
    pub(super) kind: u8,
    pub(super) content: Vec<u8>,
}

impl Frame {
    /// The frame as the board sends it.
    pub(super) fn bytes(&self, token: Token) -> Vec<u8> {
        let length = u16::try_from(self.content.len()).unwrap_or_default();
        let mut bytes = token.0.to_vec();
        bytes.extend(self.sequence.to_le_bytes());
        bytes.push(self.kind);
        bytes.extend(length.to_le_bytes());
        bytes.extend(&self.content);
        let summed = bytes.get(token.0.len()..).unwrap_or_default();
        let check = sum(&[summed]);
        bytes.extend(check.to_le_bytes());
        bytes
    }
}

/// What is cut out of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A line of the starting program, behind the space. None comes after the first frame.
    Line(Vec<u8>),
    Frame(Frame),
}

/// Parts a stream into messages and the rest.
#[derive(Debug)]
pub(super) struct Parser {
    token: Token,
    starting: bool,
    /// Empty, or the beginning of what may be a frame.
    held: Vec<u8>,
    since: Instant,
}

enum Found {
    Message(Message, usize),
    Output,
    Open,
}

impl Parser {
    pub(super) fn new(token: Token) -> Parser {
        Parser {
            token,
            starting: true,
            held: Vec::new(),
            since: Instant::now(),
        }
    }

    /// Take what came, or nothing. After a message the rest is held: call again, with nothing, until there is none.
    pub(super) fn next(&mut self, bytes: &[u8], passed: &mut Vec<u8>) -> Option<Message> {
        if !bytes.is_empty() {
            self.held.extend_from_slice(bytes);
            self.since = Instant::now();
        }
        loop {
            let start = self.held.iter().position(|&byte| byte == 0x18);
            passed.extend(self.held.drain(..start.unwrap_or(self.held.len())));
            if self.held.is_empty() {
                return None;
            }
            match self.look() {
                Found::Message(message, length) => {
                    self.held.drain(..length);
                    self.starting &= matches!(message, Message::Line(_));
                    return Some(message);
                }
                Found::Output => passed.extend(self.held.drain(..1)),
                Found::Open => return None,
            }
        }
    }

    /// What the held bytes begin with.
    fn look(&self) -> Found {
        let token = self.token.0.as_slice();
        let waited = self.since.elapsed();
        let Some(rest) = self.held.strip_prefix(token) else {
            return match token.starts_with(&self.held) && waited < SHORT_PATIENCE {
                true => Found::Open,
                false => Found::Output,
            };
        };
        let open = match waited < PATIENCE {
            true => Found::Open,
            false => Found::Output,
        };
        if self.starting && rest.first() == Some(&b' ') {
            return match rest.iter().position(|&byte| byte == b'\n') {
                Some(end) => Found::Message(
                    Message::Line(rest.get(1..end).unwrap_or_default().to_vec()),
                    token.len() + end + 1,
                ),
                None => open,
            };
        }
        let Some((&head, body)) = rest.split_first_chunk::<HEAD>() else {
            return open;
        };
        let [s0, s1, s2, s3, kind, l0, l1] = head;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        if length > LONGEST {
            return Found::Output;
        }
        let Some((content, after)) = body.split_at_checked(length) else {
            return open;
        };
        let Some(check) = after.first_chunk::<2>() else {
            return open;
        };
        if u16::from_le_bytes(*check) != sum(&[&head, content]) {
            return Found::Output;
        }
        let frame = Frame {
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
            kind,
            content: content.to_vec(),
        };
        Found::Message(Message::Frame(frame), token.len() + HEAD + length + 2)
    }
}

/// What goes to the board for the request of this number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// What was asked for, or a negative error number.
    pub(super) status: i16,
    /// The content as it goes over the line.
    pub(super) content: Vec<u8>,
    /// Whether it is deflated.
    pub(super) packed: bool,
}

impl Answer {
    /// The bytes of the answer. Content beyond 65535 bytes is no content of ours.
    pub(super) fn bytes(&self, token: Token, sequence: u32) -> Vec<u8> {
        let length = u16::try_from(self.content.len()).unwrap_or_default();
        let mut bytes = token.mark().to_vec();
        bytes.push(sequence.to_le_bytes()[0]);
        bytes.push(u8::from(self.packed));
        bytes.extend(self.status.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.content.iter().take(usize::from(length)));
        let check = sum(&[&bytes]);
        bytes.extend(check.to_le_bytes());
        bytes
    }
}

/// The sum of all bytes, modulo 65536.
pub(super) fn sum(parts: &[&[u8]]) -> u16 {
    parts
        .iter()
        .flat_map(|part| part.iter())
        .fold(0, |sum, &byte| sum.wrapping_add(u16::from(byte)))
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
            content,
        }
        .bytes(TOKEN)
    }

    /// Feed in pieces of this size: what passed, and the frames.
    fn parse(stream: &[u8], piece: usize) -> (Vec<u8>, Vec<Frame>) {
        let mut parser = Parser::new(TOKEN);
        let mut passed = Vec::new();
        let mut frames = Vec::new();
        for piece in stream.chunks(piece) {
            let mut next = parser.next(piece, &mut passed);
            while let Some(message) = next {
                match message {
                    Message::Frame(frame) => frames.push(frame),
                    Message::Line(line) => passed.extend(line),
                }
                next = parser.next(b"", &mut passed);
            }
        }
        parser.since = Instant::now().checked_sub(2 * PATIENCE).unwrap();
        assert_eq!(parser.next(b"", &mut passed), None);
        (passed, frames)
    }

    #[track_caller]
    fn check(stream: &[u8], output: &[u8], frames: &[(u32, u8, &[u8])]) {
        for piece in [1, 2, 7, stream.len()] {
            let (passed, found) = parse(stream, piece);
            assert_eq!(
                passed.escape_ascii().to_string(),
                output.escape_ascii().to_string()
            );
            let found = found
                .iter()
                .map(|frame| (frame.sequence, frame.kind, frame.content.as_slice()))
                .collect::<Vec<_>>();
            assert_eq!(found, frames, "in pieces of {piece}");
        }
    }

    #[test]
    fn frames_are_cut_out() {
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
    fn the_start_speaks_in_lines() {
        let stream = [b"ho\x18abcdefgh 774 0\r\n".as_slice(), &frame(0, 255, b"")].concat();
        check(&stream, b"ho774 0\r", &[(0, 255, b"")]);
        // Not any more after a frame.
        let stream = [frame(1, 2, b"").as_slice(), b"\x18abcdefgh 774\n"].concat();
        check(&stream, b"\x18abcdefgh 774\n", &[(1, 2, b"")]);
    }

    #[test]
    fn all_else_passes() {
        let every_byte = (0..=255).collect::<Vec<u8>>();
        check(&every_byte, &every_byte, &[]);
        for text in [
            b"\x18\x18\x18".as_slice(),
            b"\x18abcdefg!",
            b"\x18abcdefgh",
            b"\x18abcdefgh\x01\x00\x00\x00\x02\x01\x00x\xff\xff",
            b"\x18abcdefgh\x01\x00\x00\x00\x02\xff\xffx",
        ] {
            check(text, text, &[]);
        }
    }

    #[test]
    fn a_frame_after_its_own_beginning() {
        let stream = [b"\x18abcd\x18".as_slice(), &frame(7, 3, b"")].concat();
        check(&stream, b"\x18abcd\x18", &[(7, 3, b"")]);
    }

    #[test]
    fn answers_have_a_sum() {
        let answer = Answer {
            status: -2,
            content: b"hi".to_vec(),
            packed: false,
        };
        let bytes = answer.bytes(TOKEN, 0x1234);
        assert_eq!(bytes.len(), ANSWER_OVERHEAD + 2);
        let (all, check) = bytes.split_last_chunk::<2>().unwrap();
        assert_eq!(all, b"abcd\x34\x00\xfe\xff\x02\x00hi");
        assert_eq!(sum(&[all]), u16::from_le_bytes(*check));
    }

    #[test]
    fn tokens_differ() {
        let token = Token::random();
        assert_eq!(token.0[0], 0x18);
        assert!(token.0[1..].iter().all(u8::is_ascii_alphabetic));
        assert_ne!(token, Token::random());
    }
}
