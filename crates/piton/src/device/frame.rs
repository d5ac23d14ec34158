//! Answers of the board, cut out of what the code on the board prints.
//!
//! A frame is the session's mark, the number of characters of the answer, a space, the CRC-32 of the answer seeded by the
//! number of the call, a space, and the answer. The mark holds 64 random bits, so no program prints it by accident; whatever
//! else a program prints, is output. A mark with `!` after it begins an event, which has the same form and the seed 0.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};

use data_encoding::BASE64URL_NOPAD;

use super::returned::{Returned, decoded};

/// How the host and the board know what belongs to a call.
#[derive(Clone, Debug)]
pub(super) struct Framing {
    mark: String,
    sums: Sums,
}

/// How calls and answers are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sums {
    /// By CRC-32, seeded by the number of the call: device/session.py.
    Crc32,
    /// By two sums, which begin with the number of the call: device/session_small.py.
    Two,
}

impl Framing {
    pub(super) fn random(sums: Sums) -> Framing {
        let bits = RandomState::new().hash_one(0);
        let digits = BASE64URL_NOPAD.encode(&bits.to_be_bytes());
        Framing {
            mark: format!("\x1e{digits}"),
            sums,
        }
    }

    /// What begins each answer.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// The check of `parts`, one after the other, in the call of this number.
    pub(super) fn check(&self, number: u32, parts: &[&[u8]]) -> u32 {
        match self.sums {
            Sums::Crc32 => crc32(number, parts),
            Sums::Two => {
                let mut sums = (number & 0x3fff, 0);
                for byte in parts.iter().copied().flatten() {
                    sums.0 = (sums.0 + u32::from(*byte)) & 0x3fff;
                    sums.1 = (sums.1 + sums.0) & 0x3fff;
                }
                (sums.1 << 14) | sums.0
            }
        }
    }
}

/// The board's `binascii.crc32` of `parts`, one after the other.
pub(super) fn crc32(seed: u32, parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// What the board said about a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Value(Returned),
    /// The `repr()` of the traceback's text.
    Traceback(String),
    /// The exception is what ends the program.
    Raises,
    /// The code ran, and its answer is lost.
    Lost,
}

impl Answer {
    /// Whether a KeyboardInterrupt ended the call.
    pub(super) fn is_interrupt(&self) -> bool {
        matches!(self, Answer::Traceback(text) if text.contains("\\nKeyboardInterrupt"))
    }
}

/// How long the head of a frame is at most: two numbers and two spaces.
const HEAD_LIMIT: usize = 24;

/// The byte that ends output in the raw REPL. Code may print it as well.
const END: u8 = 0x04;

/// Looks for the frame of one call in what the board has sent and is not consumed yet.
pub(super) struct FrameReader<'m> {
    framing: &'m Framing,
    number: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The mark has not come.
    Before,
    /// What is pending follows the mark.
    Inside,
    /// What is pending begins with the mark of an event that is not there as a whole.
    Event,
    /// The same for a request.
    Request,
    /// The frame was read.
    After,
}

/// The head of a frame: numbers, and where the answer begins.
#[derive(Clone, Copy)]
struct Head {
    characters: usize,
    check: u32,
    length: usize,
}

/// What is to be done with pending bytes.
pub(super) struct Step {
    /// So many are output.
    pub(super) output: usize,
    /// So many are used, those of the output included.
    pub(super) used: usize,
    pub(super) answer: Option<Answer>,
    /// The `repr()` of an event's name and value.
    pub(super) event: Option<String>,
    /// The place in the payload from which the board asks for more.
    pub(super) request: Option<usize>,
}

impl Step {
    /// Passes on `output` bytes, and drops those after them up to `used`.
    fn skip(output: usize, used: usize) -> Step {
        Step {
            output,
            used,
            answer: None,
            event: None,
            request: None,
        }
    }
}

/// What follows the mark of an event.
const EVENT: u8 = b'!';

/// What follows the mark of a request.
const REQUEST: u8 = b'?';

impl<'m> FrameReader<'m> {
    pub(super) fn new(framing: &'m Framing, number: u32) -> FrameReader<'m> {
        FrameReader {
            framing,
            number,
            state: State::Before,
        }
    }

    /// Returns a reader for events, to which no frame is the answer.
    pub(super) fn for_events(&self) -> FrameReader<'m> {
        FrameReader::new(self.framing, 0)
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Looks at what is pending. Output that may be the begin of the mark, or of the end of the program, stays pending.
    pub(super) fn step(&mut self, pending: &[u8]) -> Step {
        match self.state {
            State::Before => self.find_mark(pending),
            State::Inside => {
                let frame = Head::parse(pending).and_then(|head| {
                    let rest = pending.get(head.length..)?;
                    let (body, length) =
                        head.body(rest, |body| self.framing.check(self.number, &[body]))?;
                    Some((head.length + length, answer(&body)?))
                });
                if frame.is_some() {
                    self.state = State::After;
                }
                Step {
                    answer: frame.as_ref().map(|(_, answer)| answer.clone()),
                    ..Step::skip(0, frame.map_or(0, |(end, _)| end))
                }
            }
            State::Event => self.read_event(pending),
            State::Request => self.read_request(pending),
            State::After => Step::skip(0, 0),
        }
    }

    fn find_mark(&mut self, pending: &[u8]) -> Step {
        let mark = self.framing.mark.as_bytes();
        let Some(at) = find(pending, mark) else {
            let output = pending
                .iter()
                .position(|byte| *byte == END)
                .unwrap_or_else(|| pending.len() - overlap(pending, mark));
            return Step::skip(output, output);
        };
        match pending.get(at + mark.len()) {
            None => Step::skip(at, at),
            Some(&EVENT) => {
                self.state = State::Event;
                match at {
                    0 => self.read_event(pending),
                    _ => Step::skip(at, at),
                }
            }
            Some(&REQUEST) => {
                self.state = State::Request;
                match at {
                    0 => self.read_request(pending),
                    _ => Step::skip(at, at),
                }
            }
            Some(_) => {
                self.state = State::Inside;
                Step::skip(at, at + mark.len())
            }
        }
    }

    /// Reads an event, whose mark is the first of what is pending. A damaged one is dropped.
    fn read_event(&mut self, pending: &[u8]) -> Step {
        let start = self.framing.mark.len() + 1;
        let rest = pending.get(start..).unwrap_or_default();
        let Some(head) = Head::parse(rest) else {
            if rest.len() < HEAD_LIMIT {
                return Step::skip(0, 0);
            }
            self.state = State::Before;
            return Step::skip(0, start);
        };
        let rest = rest.get(head.length..).unwrap_or_default();
        if let Some((body, length)) = head.body(rest, |body| self.framing.check(0, &[body])) {
            self.state = State::Before;
            return Step {
                event: Some(String::from_utf8_lossy(&body).into_owned()),
                ..Step::skip(0, start + head.length + length)
            };
        }
        if !head.is_complete(rest) {
            return Step::skip(0, 0);
        }
        self.state = State::Before;
        Step::skip(0, start)
    }

    /// Reads a request, whose mark is the first of what is pending. A damaged one is dropped: the board is found to wait.
    fn read_request(&mut self, pending: &[u8]) -> Step {
        const DIGITS: usize = 10;
        let start = self.framing.mark.len() + 1;
        let rest = pending.get(start..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == rest.len() && digits <= DIGITS {
            return Step::skip(0, 0);
        }
        self.state = State::Before;
        let number = std::str::from_utf8(rest.get(..digits).unwrap_or_default());
        let request = number.ok().and_then(|number| number.parse().ok());
        let is_whole = digits <= DIGITS && rest.get(digits) == Some(&b' ');
        match request.filter(|_| is_whole) {
            Some(request) => Step {
                request: Some(request),
                ..Step::skip(0, start + digits + 1)
            },
            None => Step::skip(0, start),
        }
    }

    /// Whether what is pending is a part of an answer that may contain any byte, such as those that end a program.
    pub(super) fn is_in_bytes(&self, pending: &[u8]) -> bool {
        let is_bytes = || {
            let head = Head::parse(pending)?;
            let kind = pending.get(head.length)?;
            let is_whole = pending.len() - head.length >= head.characters;
            Some(b"BMSA".contains(kind) && !is_whole)
        };
        self.state == State::Inside && is_bytes().unwrap_or(false)
    }

    /// Gives up an event or a request that does not go on: what is pending is looked at anew after its mark.
    pub(super) fn give_up_event(&mut self) -> usize {
        self.state = State::Before;
        self.framing.mark.len() + 1
    }
}

fn answer(body: &[u8]) -> Option<Answer> {
    let (kind, rest) = body.split_first()?;
    let text = || String::from_utf8_lossy(rest).into_owned();
    match kind {
        b'R' => Some(Answer::Value(Returned::Text(text()))),
        b'E' => Some(Answer::Traceback(text())),
        b'X' => Some(Answer::Raises),
        b'?' => Some(Answer::Lost),
        kind => decoded(*kind, rest).map(Returned::Value).map(Answer::Value),
    }
}

/// Whether pending bytes end as the raw REPL ends a program: so they may be its end.
pub(super) fn looks_like_an_end(pending: &[u8]) -> bool {
    pending.ends_with(b">") && pending.contains(&END)
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Head> {
        let mut fields = bytes
            .get(..bytes.len().min(HEAD_LIMIT))?
            .splitn(3, |byte| *byte == b' ');
        let characters = fields.next()?;
        let check = fields.next()?;
        fields.next()?;
        Some(Head {
            characters: std::str::from_utf8(characters).ok()?.parse().ok()?,
            check: std::str::from_utf8(check).ok()?.parse().ok()?,
            length: characters.len() + check.len() + 2,
        })
    }

    /// Returns the body at the begin of `rest` that has the right check, and how many bytes of `rest` it is.
    ///
    /// The board counts bytes of bytes objects, and characters of a text. A text may hold other characters than ASCII (since 1.29
    /// `repr()` leaves printable ones as they are) and line ends (`__repr__` of a class): for each the board writes CR LF.
    fn body<'b>(
        &self,
        rest: &'b [u8],
        check: impl Fn(&[u8]) -> u32,
    ) -> Option<(Cow<'b, [u8]>, usize)> {
        let bytes = rest.get(..self.characters)?;
        if check(bytes) == self.check {
            return Some((Cow::Borrowed(bytes), bytes.len()));
        }
        let length = self.text_length(rest)?;
        let text = String::from_utf8_lossy(rest.get(..length)?).replace("\r\n", "\n");
        (check(text.as_bytes()) == self.check).then(|| (Cow::Owned(text.into_bytes()), length))
    }

    /// Whether all bytes of a body have come, or at least what stands there is none.
    fn is_complete(&self, rest: &[u8]) -> bool {
        rest.len() >= self.characters && self.text_length(rest).is_some()
    }

    /// How many bytes the characters of a text take, CR LF counted as one; `None` if they are not all there.
    fn text_length(&self, rest: &[u8]) -> Option<usize> {
        let mut at = 0;
        for _ in 0..self.characters {
            let width = match rest.get(at..)? {
                [b'\r', b'\n', ..] => 2,
                [first, ..] => match first.leading_ones() {
                    width @ 2..=4 => width as usize,
                    _ => 1,
                },
                [] => return None,
            };
            at += width;
        }
        (at <= rest.len()).then_some(at)
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let first = mark.first()?;
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| byte == first)?;
        if bytes.get(at..)?.starts_with(mark) {
            return Some(at);
        }
        at += 1;
    }
}

/// How many bytes at the end of `bytes` may be the begin of `mark`.
fn overlap(bytes: &[u8], mark: &[u8]) -> usize {
    (1..mark.len())
        .rev()
        .find(|&count| {
            mark.get(..count)
                .is_some_and(|start| bytes.ends_with(start))
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use piton_board::literal::Value;

    use super::*;

    fn value(text: &str) -> Option<Answer> {
        Some(Answer::Value(Returned::Text(text.to_owned())))
    }

    fn frame(mark: &Framing, number: u32, answer: &str) -> Vec<u8> {
        let sum = mark.check(number, &[answer.as_bytes()]);
        format!("{}{} {sum} {answer}", mark.mark(), answer.chars().count()).into_bytes()
    }

    fn read(mark: &Framing, pieces: &[&[u8]]) -> (Option<Answer>, Vec<u8>) {
        let (mut pending, mut output, mut answer) = (Vec::new(), Vec::new(), None);
        let mut reader = FrameReader::new(mark, 7);
        for piece in pieces {
            pending.extend_from_slice(piece);
            loop {
                let step = reader.step(&pending);
                output.extend_from_slice(&pending[..step.output]);
                pending.drain(..step.used);
                answer = answer.or(step.answer);
                if step.used == 0 {
                    break;
                }
            }
        }
        (answer, output)
    }

    #[test]
    fn a_frame_is_found_wherever_it_is_divided() {
        let mark = Framing::random(Sums::Crc32);
        let stream = [
            b"a\x1e\x04b".as_slice(),
            &frame(&mark, 7, "R[1, 2]"),
            b"\r\nc",
        ]
        .concat();
        for cut in 0..stream.len() {
            let (answer, output) = read(&mark, &[&stream[..cut], &stream[cut..]]);
            assert_eq!(answer, value("[1, 2]"), "{cut}");
            assert_eq!(output, b"a\x1e\x04b");
        }
    }

    #[test]
    fn events_stand_anywhere_and_are_no_answer() {
        let mark = Framing::random(Sums::Crc32);
        let event = |body: &str| {
            let sum = mark.check(0, &[body.as_bytes()]);
            format!("{}!{} {sum} {body}", mark.mark(), body.len()).into_bytes()
        };
        let mut damaged = event("('x', 1)");
        *damaged.last_mut().unwrap() ^= 1;
        let stream = [
            b"a".to_vec(),
            event("('one', 1)"),
            event("('two', None)"),
            b"b".to_vec(),
            frame(&mark, 7, "R1"),
        ]
        .concat();
        for cut in 0..stream.len() {
            let mut reader = FrameReader::new(&mark, 7);
            let (mut pending, mut output, mut events) = (Vec::new(), Vec::new(), Vec::new());
            let mut answer = None;
            for piece in [&stream[..cut], &stream[cut..]] {
                pending.extend_from_slice(piece);
                loop {
                    let before = reader.state();
                    let step = reader.step(&pending);
                    output.extend_from_slice(&pending[..step.output]);
                    pending.drain(..step.used);
                    answer = answer.or(step.answer);
                    events.extend(step.event);
                    if step.used == 0 && reader.state() == before {
                        break;
                    }
                }
            }
            assert_eq!(answer, value("1"), "{cut}");
            assert_eq!(events, ["('one', 1)", "('two', None)"], "{cut}");
            assert_eq!(output, b"ab", "{cut}");
        }
        let stream = [damaged, frame(&mark, 7, "R1")].concat();
        let (answer, _) = read(&mark, &[&stream]);
        assert_eq!(answer, value("1"));
    }

    #[test]
    fn requests_stand_anywhere_before_the_answer() {
        let mark = Framing::random(Sums::Crc32);
        let request = |text: &str| format!("{}?{text}", mark.mark());
        let stream = [
            request("0 "),
            "a".to_owned(),
            request("x "),
            request("12345678901234567890 "),
            request("4096 "),
        ]
        .concat();
        let stream = [stream.into_bytes(), frame(&mark, 7, "R1")].concat();
        for cut in 0..stream.len() {
            let mut reader = FrameReader::new(&mark, 7);
            let (mut pending, mut requests, mut answer) = (Vec::new(), Vec::new(), None);
            for piece in [&stream[..cut], &stream[cut..]] {
                pending.extend_from_slice(piece);
                loop {
                    let before = reader.state();
                    let step = reader.step(&pending);
                    pending.drain(..step.used);
                    answer = answer.or(step.answer);
                    requests.extend(step.request);
                    if step.used == 0 && reader.state() == before {
                        break;
                    }
                }
            }
            assert_eq!(requests, [0, 4096], "{cut}");
            assert_eq!(answer, value("1"), "{cut}");
        }
    }

    #[test]
    fn an_answer_may_be_bytes_of_any_kind() {
        let mark = Framing::random(Sums::Crc32);
        let body = b"B\x04\x04>\x1e\r\n\xff".as_slice();
        let check = mark.check(7, &[body]);
        let head = format!("{}{} {check} ", mark.mark(), body.len());
        let stream = [head.as_bytes(), body].concat();
        for cut in 0..stream.len() {
            let (answer, output) = read(&mark, &[&stream[..cut], &stream[cut..]]);
            let bytes = Value::Bytes(body[1..].to_vec());
            assert_eq!(answer, Some(Answer::Value(Returned::Value(bytes))));
            assert_eq!(output, b"");
        }
        let mut reader = FrameReader::new(&mark, 7);
        reader.step(&stream);
        let pending = &stream[mark.mark().len()..];
        let end = pending.iter().position(|byte| *byte == b'>').unwrap() + 1;
        reader.step(pending);
        assert!(looks_like_an_end(&pending[..end]));
    }

    #[test]
    fn no_damaged_frame_is_an_answer() {
        let mark = Framing::random(Sums::Crc32);
        let good = frame(&mark, 7, "R3405691582");
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(read(&mark, &[&bad]).0, None, "{at} {bit}");
            }
            let short = [&good[..at], &good[at + 1..]].concat();
            assert_eq!(read(&mark, &[&short]).0, None, "{at}");
        }
        // The answer to another call.
        assert_eq!(read(&mark, &[&frame(&mark, 8, "R1")]).0, None);
    }

    #[test]
    fn an_answer_may_have_line_ends_and_any_character() {
        let mark = Framing::random(Sums::Crc32);
        for text in [
            "<a\n\u{e4}>",
            "'\u{20ac} \u{1f600}'",
            "\n",
            "\r\n\u{e4}\r",
            "\u{1f600}",
        ] {
            let stream = frame(&mark, 7, &format!("R{text}"));
            let stream = String::from_utf8(stream).unwrap().replace('\n', "\r\n") + "more";
            let stream = stream.as_bytes();
            for cut in 0..stream.len() {
                let (answer, _) = read(&mark, &[&stream[..cut], &stream[cut..]]);
                assert_eq!(answer, value(text), "{text:?} {cut}");
            }
        }
    }
}
