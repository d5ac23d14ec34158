//! Content for boards without flow control: blocks, each of which the board acknowledges before the next is sent.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::repl::Conversation;

use crate::device;
use crate::remote::RemoteFs;
use crate::transfer::agent::is_end;

/// Maximum content of a block, in bytes. With head and check it fits the micro:bit's receive ring of 63 bytes.
const LONGEST: usize = 54;
/// Minimum content of a block, in bytes.
const SHORTEST: usize = 6;

/// Number of blocks without a loss after which blocks grow.
const GROWTH: usize = 8;

/// Added to the length of the content in the first byte of a block, so that no block begins with Ctrl-C.
const LENGTH: usize = 32;

/// Time without an answer after which a block is sent again. Erasing flash takes 20 ms.
const SILENCE: Duration = Duration::from_secs(3);

/// Number of attempts to send a block.
const TRIES: u32 = 12;

impl RemoteFs<'_, '_> {
    /// Sends `content` to the function `_piton` of `device/write.py`, in blocks. `moved` gets the number of bytes
    /// that the board has. Returns false if the board cannot take blocks; then nothing was sent.
    pub(crate) fn send_blocks(
        &mut self,
        content: &[u8],
        moved: &mut dyn FnMut(usize),
        deadline: Deadline,
    ) -> Result<bool, BoardError> {
        let source = format!(
            "{}try:\n _piton_blocks({})\nfinally:\n del _piton_blocks\n",
            device::BLOCKS.source(),
            content.len()
        );
        let mut conversation = self.raw().converse(source.as_bytes(), deadline)?;
        let sent = follow(&mut conversation, content, moved, deadline);
        if sent.is_err() {
            // The board may wait for a block, where it reads Ctrl-C as a byte. No block begins with 0x03, so the byte ends
            // the board's program.
            let _ = conversation.write(b"\x03", deadline);
        }
        let ended = sent.and_then(|()| conversation.finish(&mut |_| {}, deadline));
        match ended.map_err(|error| self.stop(error)) {
            Ok(()) => Ok(true),
            Err(BoardError::Exception(exception))
                if matches!(
                    exception.type_name.as_str(),
                    "ImportError" | "AttributeError"
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Sends blocks until the board has the whole content, or its program has ended.
///
/// The board reports the number of bytes that it has, at first and after each block. So the host does not need to know
/// whether a block or its answer was lost.
fn follow(
    conversation: &mut Conversation<'_>,
    content: &[u8],
    moved: &mut dyn FnMut(usize),
    deadline: Deadline,
) -> Result<(), BoardError> {
    let (mut taken, mut tries, mut longest, mut whole) = (0, 0, LONGEST, 0);
    let mut unanswered = 1;
    loop {
        match answer(conversation, deadline)? {
            Answer::End => return Ok(()),
            Answer::Taken(all) => {
                unanswered = usize::saturating_sub(unanswered, 1);
                if all > taken && all <= content.len() {
                    (taken, tries, whole) = (all, 0, whole + 1);
                    moved(taken);
                    if whole == GROWTH {
                        (longest, whole) = (usize::min(longest * 2, LONGEST), 0);
                    }
                }
            }
            Answer::Silence => unanswered = 0,
        }
        if unanswered > 0 {
            continue;
        }
        if tries > TRIES || deadline.has_passed() {
            return Err(BoardError::Timeout {
                waiting_for: "the board to receive more of the file",
                received: Vec::new(),
            });
        }
        tries += 1;
        let rest = content.get(taken..).unwrap_or_default();
        if rest.is_empty() {
            // All content is written, and only the end of the program is missing.
            continue;
        }
        if tries > 1 {
            // The board lacks a part of the last block: its receive ring is too small for this size.
            (longest, whole) = (usize::max(longest / 2, SHORTEST), 0);
        }
        let block = rest.get(..longest).unwrap_or(rest);
        conversation.write(&encoded(block, taken), deadline)?;
        unanswered = 1;
    }
}

enum Answer {
    /// The board has this number of bytes of the content.
    Taken(usize),
    Silence,
    /// The program has ended.
    End,
}

fn answer(conversation: &mut Conversation<'_>, deadline: Deadline) -> Result<Answer, BoardError> {
    let limit = deadline.sooner(SILENCE);
    loop {
        let pending = conversation.pending();
        if is_end(pending) {
            return Ok(Answer::End);
        }
        if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line = pending.get(..end).unwrap_or_default().trim_ascii();
            let number = str::from_utf8(line).ok().and_then(|line| line.parse().ok());
            conversation.consume(end + 1);
            // Other bytes are damage, or output of background code.
            if let Some(number) = number {
                return Ok(Answer::Taken(number));
            }
        } else if !conversation.poll("the board to receive a block", limit)? && limit.has_passed() {
            return Ok(Answer::Silence);
        }
    }
}

/// Returns the bytes of a block: length, position in the file, content, and two sums over these as the check.
fn encoded(content: &[u8], at: usize) -> Vec<u8> {
    let length = u8::try_from(LENGTH + content.len()).unwrap_or(u8::MAX);
    let [low, high] = (at as u16).to_le_bytes();
    let mut block = [&[length, low, high], content].concat();
    let (mut first, mut second) = (0_u8, 0_u8);
    for byte in &block {
        first = first.wrapping_add(*byte);
        second = second.wrapping_add(first);
    }
    block.extend([first, second]);
    block
}
