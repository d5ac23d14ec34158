//! Turns of the protocol that no board of the test set takes, played after MicroPython's source.

use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use crate::deadline::{Cancel, Deadline};
use crate::error::Error;
use crate::repl::{Entry, Repl};
use crate::transport::Transport;

/// What the host must send, and what the board answers to it.
type Turn = (&'static [u8], Vec<u8>);

/// A board that plays turns; one with no turn left is gone.
struct Script {
    turns: Mutex<VecDeque<Turn>>,
    sent: Mutex<Vec<u8>>,
    answers: Mutex<VecDeque<u8>>,
}

impl Transport for Script {
    fn read(&self, buf: &mut [u8], _deadline: Deadline) -> io::Result<usize> {
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() {
            if self.turns.lock().unwrap().is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            std::thread::sleep(Duration::from_millis(1));
            return Err(io::ErrorKind::TimedOut.into());
        }
        let count = buf.len().min(answers.len());
        for (to, from) in buf.iter_mut().zip(answers.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }

    fn write_all(&self, bytes: &[u8], _deadline: Deadline) -> io::Result<()> {
        let mut sent = self.sent.lock().unwrap();
        let mut turns = self.turns.lock().unwrap();
        sent.extend_from_slice(bytes);
        while let Some((expected, _)) = turns.front() {
            if sent.len() < expected.len() {
                break;
            }
            let rest = sent.split_off(expected.len());
            assert_eq!(
                sent.escape_ascii().to_string(),
                expected.escape_ascii().to_string()
            );
            *sent = rest;
            let (_, answer) = turns.pop_front().unwrap();
            self.answers.lock().unwrap().extend(answer);
        }
        Ok(())
    }
}

/// Run `source` on a board that is in the raw REPL after the first turn.
fn play(source: &[u8], turns: &[(&'static [u8], &[u8])]) -> (Result<Vec<u8>, Error>, Repl) {
    let enter: (&'static [u8], &[u8]) = (b"\x03\x01", b"\r\n>>> \r\nraw REPL; CTRL-B to exit\r\n>");
    let turns = [&[enter], turns].concat();
    let script = Script {
        turns: Mutex::new(turns.iter().map(|turn| (turn.0, turn.1.to_vec())).collect()),
        sent: Mutex::default(),
        answers: Mutex::default(),
    };
    let mut repl = Repl::new(Box::new(script), Cancel::new());
    let limit = Deadline::after(Duration::from_secs(60));
    let result = repl
        .raw_repl(Entry::KeepState, limit)
        .and_then(|mut raw| raw.run(source, limit));
    (result, repl)
}

const ASK: &[u8] = b"\x05A\x01";

/// 64 bytes of a comment.
const COMMENT: &[u8; 64] = b"# sixty-four bytes of a comment, in order to fill some windows.\n";

#[test]
fn an_error_in_the_source_ends_the_paste_early() {
    // pyexec.c, mp_reader_stdin_close: the lexer is closed by a syntax error with source still to come. The
    // board says 0x04, drops what comes until the host's 0x04, and then reports as after any program.
    let source: &'static [u8] = COMMENT.repeat(10).leak();
    let report = b"\x04Traceback (most recent call last):\r\n  File \"<stdin>\", line 1\r\nSyntaxError: invalid syntax\r\n\x04>";
    let (result, repl) = play(
        source,
        &[
            (ASK, b"R\x01\x80\x00\x01"),
            (&source[..256], b"\x01\x04"),
            (b"\x04", report),
        ],
    );
    let Err(Error::Exception(exception)) = result else {
        panic!("{result:?}");
    };
    assert_eq!(exception.type_name, "SyntaxError");
    assert!(repl.is_raw());
}

#[test]
fn a_small_window_is_not_exceeded() {
    // nrf boards with MICROPY_REPL_STDIN_BUFFER_MAX 64: a window of 32, two of them free at first.
    let source: &'static [u8] = COMMENT.repeat(2).leak();
    let (result, _) = play(
        source,
        &[
            (ASK, b"R\x01\x20\x00\x01"),
            (&source[..64], b"\x01"),
            (&source[64..96], b"\x01"),
            (&source[96..], b"\x01\x01"),
            (b"\x04", b"\x04\x04\x04>"),
        ],
    );
    assert_eq!(result.unwrap(), b"");
}

#[test]
fn firmware_without_raw_paste_gets_plain_source() {
    // pyexec.c, do_reader_stdin: "R\x00" means understood and not supported; the prompt follows.
    let (result, repl) = play(
        b"print(1)",
        &[(ASK, b"R\x00>"), (b"print(1)\x04", b"OK1\r\n\x04\x04>")],
    );
    assert_eq!(result.unwrap(), b"1\r\n");
    assert_eq!(repl.sending.raw_paste(), Some(false));
}

#[test]
fn a_board_that_is_a_process_ends_with_its_program() {
    let (result, repl) = play(
        b"exit()",
        &[
            (ASK, b"R\x01\x80\x00\x01"),
            (b"exit()\x04", b"\x04bye\n\x04\x04"),
        ],
    );
    assert_eq!(result.unwrap(), b"bye\n");
    assert_eq!(repl.soft_resets(), 1);
}

#[test]
fn another_answer_than_before_is_an_error() {
    let (result, _) = play(b"1", &[(ASK, b"R\x01\x00\x00\x01")]);
    assert!(
        matches!(result, Err(Error::Unexpected { .. })),
        "{result:?}"
    );
}

/// A port that sends noise without end.
struct Noise(Mutex<u64>);

impl Transport for Noise {
    fn read(&self, buf: &mut [u8], _deadline: Deadline) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        for byte in buf.iter_mut() {
            // Knuth's linear congruential generator, MMIX: the same noise in each run.
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (*state >> 33) as u8;
        }
        Ok(buf.len())
    }

    fn write_all(&self, _bytes: &[u8], _deadline: Deadline) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn random_bytes_are_not_a_board() {
    let mut repl = Repl::new(Box::new(Noise(Mutex::new(1))), Cancel::new());
    let limit = Deadline::after(Duration::from_millis(300));
    let error = repl.raw_repl(Entry::KeepState, limit).err().unwrap();
    assert!(matches!(error, Error::NoRawRepl { .. }), "{error}");
}
