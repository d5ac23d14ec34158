//! Starting programs with their own stream on the board, and reading their messages.

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::learned::Compile;
use piton_board::repl::protocol::ends_with_board_start;
use piton_board::repl::{Conversation, RawRepl, Repl};

use super::load::{self, load};
use crate::device::Program;
use crate::error::Error;

/// Lets programs be sent to the board as bytecode for the rest of the connection. Otherwise they are sent as source.
pub fn use_bytecode(repl: &mut Repl, compile: Compile) {
    repl.learned_mut().compile = Some(compile);
}

/// A program that imports what a stream check_imports.
const NEEDS: &[u8] = b"import sys\nfrom micropython import kbd_intr\nfrom ubinascii import crc32\n\
    sys.stdin.buffer\ndel sys,kbd_intr,crc32";

/// A program that fails on the oldest boards, which cannot stream. They have too little memory for [`NEEDS`].
const OLD_NEEDS: &[u8] = b"import os\nos.rename";

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

/// The next event of a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramEvent {
    /// A message.
    Message(Message),
    /// The program has ended. [`Conversation::finish`] returns its exception, if it raised one.
    End,
    /// No bytes until the given time.
    Silence,
    /// The banner of a board that was reset.
    Reset,
}

/// Reads the messages of a running program.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// The last bytes that are not a message: output of background code, damage, a board's banner.
    dropped: Vec<u8>,
}

impl Listener {
    /// Returns whether the dropped bytes contain a traceback, whose beginning was damaged.
    pub(crate) fn has_dropped_traceback(&self) -> bool {
        const HEADING: &[u8] = b"most recent call";
        self.dropped
            .windows(HEADING.len())
            .any(|bytes| bytes == HEADING)
    }

    /// Waits until `limit` for the next message or the end of the program.
    pub(crate) fn hear(
        &mut self,
        conversation: &mut Conversation<'_>,
        limit: Deadline,
    ) -> Result<ProgramEvent, BoardError> {
        loop {
            let pending = conversation.pending();
            if let Some(message) = Message::parse(pending) {
                conversation.consume(Message::LENGTH);
                self.dropped.clear();
                return Ok(ProgramEvent::Message(message));
            }
            match pending {
                _ if is_end(pending) => return Ok(ProgramEvent::End),
                [] | [0x04] => {}
                _ if pending.len() < Message::LENGTH && could_grow(pending) => {}
                // Not a message: output of background code, or damage on the line.
                [first, ..] => {
                    self.dropped.push(*first);
                    conversation.consume(1);
                    continue;
                }
            }
            if !conversation.poll("what the board says about the files", limit)?
                && limit.has_passed()
            {
                return Ok(if ends_with_board_start(&self.dropped) {
                    ProgramEvent::Reset
                } else {
                    ProgramEvent::Silence
                });
            }
        }
    }
}

/// Returns whether the pending bytes begin with the end of a program's output, with or without an exception.
pub(crate) fn is_end(pending: &[u8]) -> bool {
    matches!(pending, [0x04, 0x04 | b'T' | b'\r' | b'\n', ..])
}

/// Returns whether the pending bytes may be the beginning of a message.
fn could_grow(pending: &[u8]) -> bool {
    pending.first().is_some_and(u8::is_ascii_uppercase)
}

/// Why a program that streams does not run.
#[derive(Debug)]
pub(crate) enum StartError {
    /// The board cannot run it, or has too little memory.
    Unable,
    /// The exchange failed.
    Failed(BoardError),
    /// The host refused the program's output, and has stopped the program.
    Refused(Error),
}

/// Starts a program that streams, with these arguments.
pub(crate) fn start<'r>(
    raw_repl: &'r mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<Conversation<'r>, StartError> {
    if raw_repl.learned().streams == Some(false) {
        return Err(StartError::Unable);
    }
    if raw_repl.raw_paste() == Some(false) && raw_repl.learned().streams.is_none() {
        check_imports(raw_repl, OLD_NEEDS, deadline)?;
    }
    if load(raw_repl, program, &[], arguments, deadline)? {
        return Ok(raw_repl.conversation());
    }
    if raw_repl.learned().streams.is_none() {
        check_imports(raw_repl, NEEDS, deadline)?;
        raw_repl.learned_mut().streams = Some(true);
    }
    let source = program.call(arguments);
    raw_repl
        .converse(&source, deadline)
        .map_err(StartError::Failed)
}

/// Runs a program to its end as bytecode, with `data` unless it is empty. `output` gets what it prints. Returns false if
/// the board does not load bytecode, or has too little memory for the data.
pub(crate) fn run(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    data: &[u8],
    arguments: &[&str],
    output: &mut dyn FnMut(&[u8]),
    deadline: Deadline,
) -> Result<bool, BoardError> {
    match load(raw_repl, program, data, arguments, deadline) {
        Ok(false) | Err(StartError::Unable | StartError::Refused(_)) => Ok(false),
        Ok(true) => {
            raw_repl
                .conversation()
                .finish_probed(&mut without_confirmation(output), deadline)?;
            Ok(true)
        }
        Err(StartError::Failed(error)) => Err(error),
    }
}

/// Returns `output` without a 0x06 at its start: the late confirmation of the program.
fn without_confirmation<'o>(output: &'o mut dyn FnMut(&[u8])) -> impl FnMut(&[u8]) + 'o {
    let mut is_first = true;
    move |bytes| {
        let bytes = match bytes {
            [load::MORE, rest @ ..] if is_first => rest,
            _ => bytes,
        };
        is_first &= bytes.is_empty();
        output(bytes);
    }
}

/// Checks that the board has what a program imports. If it does not, the board gets no streams for the rest of the
/// connection.
fn check_imports(
    raw_repl: &mut RawRepl<'_>,
    imports: &[u8],
    deadline: Deadline,
) -> Result<(), StartError> {
    match run_with_retry(raw_repl, imports, deadline) {
        Ok(()) => Ok(()),
        Err(BoardError::Exception(_)) => {
            mark_unable(raw_repl);
            Err(StartError::Unable)
        }
        Err(error) => Err(StartError::Failed(error)),
    }
}

/// Runs a program, and repeats it once if it raises.
fn run_with_retry(
    raw_repl: &mut RawRepl<'_>,
    source: &[u8],
    deadline: Deadline,
) -> Result<(), BoardError> {
    match raw_repl.run(source, deadline) {
        // One exception may come from a damaged byte on the line.
        Err(BoardError::Exception(_)) => raw_repl.run(source, deadline).map(|_| ()),
        other => other.map(|_| ()),
    }
}

/// Returns whether an exception means that the firmware lacks a function.
pub(crate) fn is_missing_function(type_name: &str) -> bool {
    matches!(
        type_name,
        "ImportError" | "AttributeError" | "NameError" | "SyntaxError" | "MemoryError"
    )
}

/// Records that programs that stream do not run on this board.
pub(crate) fn mark_unable(raw_repl: &mut RawRepl<'_>) {
    raw_repl.learned_mut().streams = Some(false);
}
