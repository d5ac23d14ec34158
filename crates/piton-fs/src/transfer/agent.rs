//! Starting programs with their own stream on the board, and reading their messages.

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::learned::Compile;
use piton_board::repl::protocol::ends_with_board_start;
use piton_board::repl::{Conversation, RawRepl, Repl};

use super::load::load;
use crate::device::Program;
use crate::error::Error;

/// Sends programs to the board as bytecode, for as long as this connection lasts. Without it they go as source.
pub fn use_bytecode(repl: &mut Repl, compile: Compile) {
    repl.learned_mut().compile = Some(compile);
}

/// Imports what programs that stream need.
const NEEDS: &[u8] = b"import sys\nfrom micropython import kbd_intr\nfrom ubinascii import crc32\n\
    sys.stdin.buffer\ndel sys,kbd_intr,crc32";

/// What a stream needs and the oldest boards lack, in names that they have to read anyway.
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
pub(crate) enum Heard {
    /// A message.
    Message(Message),
    /// The program has ended: [`Conversation::finish`] tells how.
    End,
    /// No bytes until the given time.
    Silence,
    /// The banner of a board that was reset.
    Reset,
}

/// Listens to a running program.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// The last bytes that are not a message: output of background code, damage, a board's banner.
    dropped: Vec<u8>,
}

impl Listener {
    /// Returns the next message, or the end.
    pub(crate) fn hear(
        &mut self,
        conversation: &mut Conversation<'_>,
        limit: Deadline,
    ) -> Result<Heard, BoardError> {
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
                return Ok(if ends_with_board_start(&self.dropped) {
                    Heard::Reset
                } else {
                    Heard::Silence
                });
            }
        }
    }
}

/// Returns whether this is how the output of a program ends: with an exception, or without.
pub(crate) fn is_end(pending: &[u8]) -> bool {
    matches!(pending, [0x04, 0x04 | b'T' | b'\r' | b'\n', ..])
}

/// Returns whether this may be the beginning of a message.
fn could_grow(pending: &[u8]) -> bool {
    pending.first().is_some_and(u8::is_ascii_uppercase)
}

/// Why a program with a stream does not run.
#[derive(Debug)]
pub(crate) enum Start {
    /// The board cannot run it, or has too little memory.
    Unable,
    /// The exchange failed.
    Failed(BoardError),
    /// It ran, and its output was refused. The program is stopped.
    Refused(Error),
}

/// Starts a program that streams, with these arguments.
pub(crate) fn start<'r>(
    raw_repl: &'r mut RawRepl<'_>,
    program: Program,
    arguments: &[&str],
    deadline: Deadline,
) -> Result<Conversation<'r>, Start> {
    if raw_repl.learned().streams == Some(false) {
        return Err(Start::Unable);
    }
    if raw_repl.raw_paste() == Some(false) && raw_repl.learned().streams.is_none() {
        needs(raw_repl, OLD_NEEDS, deadline)?;
    }
    if load(raw_repl, program, &[], arguments, deadline)? {
        return Ok(raw_repl.conversation());
    }
    if raw_repl.learned().streams.is_none() {
        needs(raw_repl, NEEDS, deadline)?;
        raw_repl.learned_mut().streams = Some(true);
    }
    let source = program.call(arguments);
    raw_repl.converse(&source, deadline).map_err(Start::Failed)
}

/// Runs a program that takes nothing from the host but what goes with it: `data`, if there is any. `output` hears
/// what it prints. False: the board does not load bytecode, or has no memory for the data.
pub(crate) fn run(
    raw_repl: &mut RawRepl<'_>,
    program: Program,
    data: &[u8],
    arguments: &[&str],
    output: &mut dyn FnMut(&[u8]),
    deadline: Deadline,
) -> Result<bool, BoardError> {
    match load(raw_repl, program, data, arguments, deadline) {
        Ok(false) | Err(Start::Unable | Start::Refused(_)) => Ok(false),
        Ok(true) => {
            raw_repl.conversation().finish(output, deadline)?;
            Ok(true)
        }
        Err(Start::Failed(error)) => Err(error),
    }
}

/// Finds out whether the board has what a program imports.
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

/// Runs a program, and repeats it if it raises: one exception may come from a damaged byte.
fn twice(raw_repl: &mut RawRepl<'_>, source: &[u8], deadline: Deadline) -> Result<(), BoardError> {
    match raw_repl.run(source, deadline) {
        Err(BoardError::Exception(_)) => raw_repl.run(source, deadline).map(|_| ()),
        other => other.map(|_| ()),
    }
}

/// Returns whether an exception means that the firmware lacks a function.
pub(crate) fn is_lack(type_name: &str) -> bool {
    matches!(
        type_name,
        "ImportError" | "AttributeError" | "NameError" | "SyntaxError" | "MemoryError"
    )
}

/// Notes that programs with a stream do not run on this board.
pub(crate) fn note_unable(raw_repl: &mut RawRepl<'_>) {
    raw_repl.learned_mut().streams = Some(false);
}
