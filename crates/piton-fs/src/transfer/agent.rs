//! How a program with a stream of its own gets to the board, and what it says.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::{Conversation, RawRepl};

use crate::base64;
use crate::device::Program;
use crate::error::Error;

/// What is known of the board on this connection, found out by trying.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known {
    /// The board inflates programs.
    inflates: Option<bool>,
    /// The board can run programs that stream: it reads bytes from `sys.stdin`, and polls.
    pub(crate) streams: Option<bool>,
}

/// Takes a program as lines of base64 and runs it. Base64 has no Ctrl-C, so nothing needs to be switched before; it
/// fits the two windows that raw-paste has at first; and the Adler-32 of the zlib format guards what is run. Each
/// 0x06 asks for a line. `ubinascii` is the module in C, where `binascii` may be one in Python.
const LOADER: &str = "exec(\"import sys,io,deflate,ubinascii as a\\ns=b''\\nwhile 1:\\n print(end='\\\\6')\\n \
    l=sys.stdin.readline()\\n if l<'!':break\\n s+=a.a2b_base64(l)\\n\
    exec(deflate.DeflateIO(io.BytesIO(s),2,13).read(),{})\",{})";

/// Imports what programs that stream need.
const NEEDS: &[u8] =
    b"import sys,select\nfrom micropython import kbd_intr\nfrom ubinascii import crc32\n\
    sys.stdin.buffer\nselect.poll\ndel sys,select,kbd_intr,crc32";

/// Imports what [`LOADER`] needs.
const INFLATE: &[u8] =
    b"import sys,io,deflate,ubinascii\ndeflate.DeflateIO\ndel sys,io,deflate,ubinascii";

/// What a stream needs and the oldest boards lack, in names that they have to read anyway.
const OLD_NEEDS: &[u8] = b"import os\nos.rename";

/// Asks for a line of the program.
const MORE: u8 = 0x06;

/// The longest line on a line that is not known to be slow. The board reads it as it comes.
const LONG_LINE: usize = 2000;

/// The length of a line, with its end, of which two fit any receive ring.
const SHORT_LINE: usize = 124;

/// How long the loader's 220 bytes take on a UART: 19 ms at 115200 baud. Far more means a busy host.
const SLOW: std::ops::Range<Duration> = Duration::from_millis(16)..Duration::from_millis(70);

/// How long the board may take for a line of its program.
const LINE_TIME: Duration = Duration::from_secs(3);

/// One message of the board: a letter and a number of 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) value: u32,
}

impl Message {
    /// Length on the wire: letter, value with the lowest byte first, check.
    const LENGTH: usize = 5;

    fn parse(bytes: &[u8]) -> Option<Message> {
        let &[kind, low, middle, high, check] = bytes.first_chunk::<{ Message::LENGTH }>()?;
        let sum = [kind, low, middle, high]
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let is_whole = kind.is_ascii_uppercase() && sum ^ 90 == check;
        is_whole.then(|| Message {
            kind,
            value: u32::from_le_bytes([low, middle, high, 0]),
        })
    }
}

/// What comes next from a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message.
    Message(Message),
    /// The program has ended: [`Conversation::finish`] tells how.
    End,
    /// Nothing, for the time given.
    Silence,
    /// A board's start: it was reset.
    Reset,
}

/// Listens to a running program.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// The last bytes that made no sense: output of background code, damage, a board's start.
    dropped: Vec<u8>,
}

impl Listener {
    /// The next message, or the end.
    pub(crate) fn hear(
        &mut self,
        conversation: &mut Conversation<'_>,
        patience: Duration,
    ) -> Result<Heard, BoardError> {
        let limit = Deadline::after(patience);
        loop {
            let pending = conversation.pending();
            if let Some(message) = Message::parse(pending) {
                conversation.consume(Message::LENGTH);
                self.dropped.clear();
                return Ok(Heard::Message(message));
            }
            match pending {
                _ if is_end(pending) => return Ok(Heard::End),
                [] | [0x04] => {}
                _ if pending.len() < Message::LENGTH && could_grow(pending) => {}
                [first, ..] => {
                    self.dropped.push(*first);
                    conversation.consume(1);
                    continue;
                }
            }
            if !conversation.poll("what the board says about the files", limit)?
                && limit.has_passed()
            {
                return Ok(if self.is_start() {
                    Heard::Reset
                } else {
                    Heard::Silence
                });
            }
        }
    }

    /// Whether what was dropped is how a board starts: banner and friendly prompt.
    fn is_start(&self) -> bool {
        let from = self.dropped.len().saturating_sub(512);
        let last = self.dropped.get(from..).unwrap_or_default();
        let has = |text: &[u8]| last.windows(text.len()).any(|window| window == text);
        last.ends_with(b">>> ") && (has(b"MicroPython v") || has(b"Adafruit CircuitPython"))
    }
}

/// Whether this is how the output of a program ends: with an exception, or without.
pub(crate) fn is_end(pending: &[u8]) -> bool {
    matches!(pending, [0x04, 0x04 | b'T' | b'\r' | b'\n', ..])
}

/// Whether this may be the beginning of a message.
fn could_grow(pending: &[u8]) -> bool {
    pending.first().is_some_and(u8::is_ascii_uppercase)
}

/// Why a program that streams does not run.
#[derive(Debug)]
pub(crate) enum Start {
    /// The board can't, or has too little memory.
    Unable,
    /// The exchange failed.
    Failed(BoardError),
    /// It ran, and what it sent was refused. The program is stopped.
    Refused(Error),
}

/// Start a program that streams, with these arguments.
pub(crate) fn start<'r>(
    raw_repl: &'r mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<Conversation<'r>, Start> {
    let known: Known = raw_repl.note().unwrap_or_default();
    if known.streams == Some(false) {
        return Err(Start::Unable);
    }
    if raw_repl.raw_paste() == Some(false) && known.streams.is_none() {
        needs(raw_repl, OLD_NEEDS, deadline)?;
    }
    if load_inflated(raw_repl, program, arguments, deadline)? {
        return Ok(raw_repl.conversation());
    }
    if known.streams.is_none() {
        needs(raw_repl, NEEDS, deadline)?;
        let known: Known = raw_repl.note().unwrap_or_default();
        raw_repl.set_note(Known {
            streams: Some(true),
            ..known
        });
    }
    let source = program.call(arguments);
    raw_repl.converse(&source, deadline).map_err(Start::Failed)
}

/// Run a program that takes nothing from the host, and give back what it prints. `None`: the board does not inflate
/// programs.
pub(crate) fn run(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<Option<Vec<u8>>, BoardError> {
    let mut tries = 2;
    loop {
        tries -= 1;
        let mut answer = Vec::new();
        let ended = match load_inflated(raw_repl, program, arguments, deadline) {
            Ok(false) | Err(Start::Unable | Start::Refused(_)) => return Ok(None),
            Ok(true) => raw_repl
                .conversation()
                .finish(&mut |bytes| answer.extend_from_slice(bytes), deadline),
            Err(Start::Failed(error)) => Err(error),
        };
        match ended {
            Ok(()) => {
                // The loader has asked for lines until the last one came.
                let asked = answer.iter().take_while(|byte| **byte == MORE).count();
                answer.drain(..asked);
                return Ok(Some(answer));
            }
            // The program was damaged on its way, perhaps.
            Err(BoardError::Exception(_)) if tries > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// Send a program by way of [`LOADER`], where the board inflates. When this returns true it runs.
fn load_inflated(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<bool, Start> {
    let known: Known = raw_repl.note().unwrap_or_default();
    // Firmware from before raw-paste does not inflate.
    if known.inflates == Some(false) || raw_repl.raw_paste() == Some(false) {
        return Ok(false);
    }
    match load(raw_repl, program, arguments, deadline) {
        Ok(()) => {
            raw_repl.set_note(Known {
                inflates: Some(true),
                ..known
            });
            Ok(true)
        }
        Err(BoardError::Exception(exception)) if is_lack(&exception.type_name) => {
            // A damaged byte can look like this once. MicroPython has had `deflate` since 1.21.
            match twice(raw_repl, INFLATE, deadline) {
                Ok(()) => Err(Start::Failed(BoardError::Exception(exception))),
                Err(BoardError::Exception(_)) => {
                    raw_repl.set_note(Known {
                        inflates: Some(false),
                        ..known
                    });
                    Ok(false)
                }
                Err(error) => Err(Start::Failed(error)),
            }
        }
        Err(error) => Err(Start::Failed(error)),
    }
}

/// Find out whether the board has what a program of imports needs.
fn needs(raw_repl: &mut RawRepl<'_>, imports: &[u8], deadline: Deadline) -> Result<(), Start> {
    match twice(raw_repl, imports, deadline) {
        Ok(()) => Ok(()),
        Err(BoardError::Exception(_)) => {
            note_unable(raw_repl);
            Err(Start::Unable)
        }
        Err(error) => Err(Start::Failed(error)),
    }
}

/// Run a program, and again when it raises: one exception may come from a damaged byte.
fn twice(raw_repl: &mut RawRepl<'_>, source: &[u8], deadline: Deadline) -> Result<(), BoardError> {
    match raw_repl.run(source, deadline) {
        Err(BoardError::Exception(_)) => raw_repl.run(source, deadline).map(|_| ()),
        other => other.map(|_| ()),
    }
}

/// Whether an exception says that the firmware lacks something.
pub(crate) fn is_lack(type_name: &str) -> bool {
    matches!(
        type_name,
        "ImportError" | "AttributeError" | "NameError" | "SyntaxError" | "MemoryError"
    )
}

/// Remember that programs that stream do not run on this board.
pub(crate) fn note_unable(raw_repl: &mut RawRepl<'_>) {
    let known: Known = raw_repl.note().unwrap_or_default();
    raw_repl.set_note(Known {
        streams: Some(false),
        ..known
    });
}

/// Send a program by way of [`LOADER`]. When this returns it runs.
fn load(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<(), BoardError> {
    let source = format!("{}_piton({})\n", program.source(), arguments.join(","));
    let text = base64::encode(&zlib(source.as_bytes()));
    let before = Instant::now();
    let mut conversation = raw_repl.converse(LOADER.as_bytes(), deadline)?;
    if !is_asked(&mut conversation)? {
        return conversation.finish(&mut |_| {}, deadline);
    }
    let length = match SLOW.contains(&before.elapsed()) {
        true => SHORT_LINE,
        false => LONG_LINE,
    };
    let mut lines: Vec<Vec<u8>> = text
        .as_bytes()
        .chunks(length)
        .map(|line| [line, b"\n"].concat())
        .collect();
    lines.push(b"\n".to_vec());
    // Two short lines may be on their way; the end is as short as can be and goes with the last one.
    let mut ahead = if length == SHORT_LINE { 2 } else { 1 };
    let mut rest = lines.as_slice();
    while let Some((line, later)) = rest.split_first() {
        if ahead == 0 && line.len() > 1 {
            if !is_asked(&mut conversation)? {
                return conversation.finish(&mut |_| {}, deadline);
            }
            ahead += 1;
        }
        let burst: &[u8] = match later {
            [end] if end.len() == 1 => &[line.as_slice(), end].concat(),
            _ => line,
        };
        conversation.write(burst, deadline)?;
        ahead = usize::saturating_sub(ahead, 1);
        rest = if burst.len() > line.len() { &[] } else { later };
    }
    Ok(())
}

/// Wait until the loader asks for a line. False: it has ended instead.
fn is_asked(conversation: &mut Conversation<'_>) -> Result<bool, BoardError> {
    let limit = Deadline::after(LINE_TIME);
    loop {
        match conversation.pending() {
            [MORE, ..] => {
                conversation.consume(1);
                return Ok(true);
            }
            pending if is_end(pending) => return Ok(false),
            [] | [0x04] => {
                let waiting_for = "the board to ask for more of a program";
                if !conversation.poll(waiting_for, limit)? && limit.has_passed() {
                    return Err(BoardError::Timeout {
                        waiting_for,
                        received: Vec::new(),
                    });
                }
            }
            _ => conversation.consume(1),
        }
    }
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
