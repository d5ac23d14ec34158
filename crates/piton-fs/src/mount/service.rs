//! The host's end of the mount: frames in, answers out, and everything else passed on.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use piton_board::transport::side_channel::Service;

use super::SMALLEST_RING;
use super::frame::{Frame, Message, Parser, Token};
use super::piece::deflate;
use super::server::Server;

/// The closing frame of an exchange; it carries what was typed before the answer came.
const CLOSING: u8 = 255;

/// How long the board may take to close an exchange, before something was lost on the way.
const CLOSING_TIME: Duration = Duration::from_millis(1500);

/// How often a board that may wait for the rest of an answer is helped out. It reads in pieces of 32 bytes, and gives
/// up after four seconds without any.
const RESCUES: u32 = 3;

/// Completes any piece that the board may be waiting for. A prompt ignores NUL.
const RESCUE: [u8; 32] = [0; 32];

/// A request that is repeated was answered perhaps while the board repeated it: then the exchange is closed soon.
const REPEAT_PAUSE: Duration = Duration::from_millis(300);

/// What the starting program fetches: device/mount.py, as it is and deflated.
pub(super) struct Payload {
    plain: Vec<u8>,
    deflated: Vec<u8>,
}

impl Payload {
    pub(super) fn new(source: &[u8]) -> Payload {
        Payload {
            plain: source.to_vec(),
            deflated: deflate(source),
        }
    }

    /// Deflated, then as it is.
    pub(super) fn both(&self) -> [&[u8]; 2] {
        [&self.deflated, &self.plain]
    }
}

/// What became known while the mount began.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) mpy: u32,
    /// The longest answer that is safe.
    pub(super) window: usize,
}

/// Serves the frames of one mount.
pub(super) struct MountService {
    token: Token,
    parser: Parser,
    server: Server,
    payload: Payload,
    found: Arc<Mutex<Found>>,
    /// Number and answer of the last request.
    last: Option<(u32, Option<Vec<u8>>)>,
    exchange: Option<Exchange>,
}

/// From a request to its closing frame.
struct Exchange {
    sequence: u32,
    /// When the board last heard of us.
    answered: Instant,
    rescues: u32,
    /// The request came again: when to repeat the answer.
    repeat: Option<Instant>,
}

impl MountService {
    pub(super) fn new(
        token: Token,
        server: Server,
        payload: Payload,
        found: Arc<Mutex<Found>>,
    ) -> MountService {
        MountService {
            token,
            parser: Parser::new(token),
            server,
            payload,
            found,
            last: None,
            exchange: None,
        }
    }

    /// Give a piece of the program to the starting program, which asks for it by this line: module version, offset,
    /// length, and whether the board can't inflate.
    ///
    /// All of it was asked for at first, and nothing was read for longer than it takes to arrive at 115200 baud. If
    /// that is asked for once, answers of its length are safe.
    fn start(&mut self, line: &[u8], reply: &mut Vec<u8>) {
        let words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .filter_map(|word| std::str::from_utf8(word).ok())
            .collect::<Vec<_>>();
        let &[mpy, offset, step, plain] = words.as_slice() else {
            return;
        };
        let (Ok(mpy), Ok(offset), Ok(step)) =
            (mpy.parse(), offset.parse::<usize>(), step.parse::<usize>())
        else {
            return;
        };
        let inflates = plain != "True";
        let [deflated, as_it_is] = self.payload.both();
        let program = if inflates { deflated } else { as_it_is };
        let window = if step >= program.len() {
            program.len().max(SMALLEST_RING)
        } else {
            SMALLEST_RING
        };
        let rest = program.get(offset..).unwrap_or_default();
        reply.extend(rest.iter().take(step));
        self.server.set_up(mpy, window, inflates);
        if let Ok(mut found) = self.found.lock() {
            *found = Found { mpy, window };
        }
        self.begin(0);
    }

    fn begin(&mut self, sequence: u32) {
        self.exchange = Some(Exchange {
            sequence,
            answered: Instant::now(),
            rescues: 0,
            repeat: None,
        });
    }

    fn take(&mut self, frame: &Frame, passed: &mut Vec<u8>, reply: &mut Vec<u8>) {
        let last = self.last.as_ref().map(|(sequence, _)| *sequence);
        match (frame.kind, last) {
            (CLOSING, _) => {
                let current = self.exchange.as_ref().map(|exchange| exchange.sequence);
                if current == Some(frame.sequence) {
                    self.exchange = None;
                    reply.extend(&frame.content);
                }
            }
            (kind, _) if last.is_none_or(|last| frame.sequence > last) => {
                let answer = self.server.serve(kind, &frame.content);
                let answer = answer.map(|answer| answer.bytes(self.token, frame.sequence));
                if let Some(answer) = &answer {
                    reply.extend(answer);
                    self.begin(frame.sequence);
                }
                self.last = Some((frame.sequence, answer));
            }
            (_, Some(last)) if frame.sequence == last => match &mut self.exchange {
                Some(exchange) => exchange.repeat = Some(Instant::now() + REPEAT_PAUSE),
                // It was given up.
                None => {
                    self.begin(last);
                    self.repeat(reply);
                }
            },
            // A request of before, printed by the program.
            _ => passed.extend(frame.bytes(self.token)),
        }
    }

    fn repeat(&mut self, reply: &mut Vec<u8>) {
        if let Some((_, Some(answer))) = &self.last {
            reply.extend(answer);
        }
    }

    /// Look after an exchange that does not end.
    fn look_after(&mut self, reply: &mut Vec<u8>) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        if exchange.repeat.is_some_and(|at| at <= Instant::now()) {
            exchange.repeat = None;
            exchange.answered = Instant::now();
            self.repeat(reply);
        } else if exchange.answered.elapsed() > CLOSING_TIME {
            if exchange.rescues == RESCUES {
                self.exchange = None;
                return;
            }
            exchange.rescues += 1;
            exchange.answered = Instant::now();
            reply.extend(RESCUE);
        }
    }
}

impl Service for MountService {
    fn receive(&mut self, bytes: &[u8], passed: &mut Vec<u8>, reply: &mut Vec<u8>) {
        let mut next = self.parser.next(bytes, passed);
        while let Some(message) = next {
            match message {
                Message::Line(line) => self.start(&line, reply),
                Message::Frame(frame) => self.take(&frame, passed, reply),
            }
            next = self.parser.next(b"", passed);
        }
        self.look_after(reply);
    }

    fn is_busy(&self) -> bool {
        self.exchange.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::MountOptions;
    use super::super::root::Root;
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

    fn service(folder: &std::path::Path) -> MountService {
        let root = Root::new(folder, false).unwrap();
        let mut server = Server::new(root, MountOptions::default());
        server.set_up(0, 256, false);
        MountService::new(TOKEN, server, Payload::new(b"program"), Arc::default())
    }

    fn feed(service: &mut MountService, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut passed, mut reply) = (Vec::new(), Vec::new());
        service.receive(bytes, &mut passed, &mut reply);
        (passed, reply)
    }

    #[test]
    fn a_request_that_was_seen_before_is_output() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = service(folder.path());
        let make = frame(1, 11, b"/made");
        let (passed, reply) = feed(&mut service, &make);
        assert!(passed.is_empty());
        assert_eq!(reply.len(), 12);
        assert!(service.is_busy());
        assert!(feed(&mut service, &frame(1, CLOSING, b"")).1.is_empty());
        assert!(!service.is_busy());
        feed(&mut service, &frame(2, 12, b"/made"));
        feed(&mut service, &frame(2, CLOSING, b""));
        assert!(!folder.path().join("made").exists());
        // The program prints what it sent before.
        let (passed, reply) = feed(&mut service, &make);
        assert_eq!((passed, reply), (make, Vec::new()));
        assert!(!folder.path().join("made").exists());
    }

    #[test]
    fn a_repeated_request_is_done_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = service(folder.path());
        let make = frame(1, 11, b"/made");
        let (_, first) = feed(&mut service, &make);
        assert!(feed(&mut service, &make).1.is_empty(), "not at once");
        service.exchange.as_mut().unwrap().repeat = Some(Instant::now());
        let (_, second) = feed(&mut service, b"");
        // The same answer, not that the folder exists.
        assert_eq!(first, second);
    }

    #[test]
    fn what_was_typed_is_typed_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = service(folder.path());
        feed(&mut service, &frame(1, 2, b"/"));
        let (_, reply) = feed(&mut service, &frame(1, CLOSING, b"typed\x03"));
        assert_eq!(reply, b"typed\x03");
    }

    #[test]
    fn a_board_that_waits_for_lost_bytes_is_helped_out_and_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut service = service(folder.path());
        feed(&mut service, &frame(1, 2, b"/"));
        for _ in 0..RESCUES {
            let past = Instant::now().checked_sub(2 * CLOSING_TIME).unwrap();
            service.exchange.as_mut().unwrap().answered = past;
            assert_eq!(feed(&mut service, b"").1, RESCUE);
        }
        let past = Instant::now().checked_sub(2 * CLOSING_TIME).unwrap();
        service.exchange.as_mut().unwrap().answered = past;
        assert!(feed(&mut service, b"").1.is_empty());
        assert!(!service.is_busy());
    }
}
