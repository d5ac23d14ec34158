//! Starts of a board: how they look, and one that runs main.py.

use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::repl::protocol::CTRL_D;

use crate::board::Board;
use crate::error::Error;

/// How long the board may take to give its prompt, and to take a key.
const PROMPT_TIME: Duration = Duration::from_secs(5);

/// How long one read waits before the cancel flag is looked at.
const SLICE: Duration = Duration::from_millis(50);

/// How much of the output is kept to recognize the prompt.
const TAIL: usize = 512;

const PROMPT: &[u8] = b"\n>>> ";

/// Whether output ends as a board's start does: banner and friendly prompt. A board that is reset behind a USB-to-serial
/// converter does not disconnect; only this says so.
pub(super) fn is_a_start(output: &[u8]) -> bool {
    let contains = |text: &[u8]| output.windows(text.len()).any(|window| window == text);
    output.ends_with(b"\n>>> ")
        && (contains(b"MicroPython v") || contains(b"Adafruit CircuitPython"))
}

/// Types Ctrl-D at the board's prompt, passes on what the board prints then, and returns when it gives its prompt again, at `deadline`,
/// or when `cancel` is raised.
pub(super) fn start_main(
    board: &mut Board,
    cancel: &Cancel,
    output: &mut dyn FnMut(&[u8]),
    deadline: Deadline,
) -> Result<(), Error> {
    let key_deadline = Deadline::after(PROMPT_TIME);
    board.friendly(key_deadline)?;
    wait_for(board, cancel, key_deadline, &mut |_| {}, |seen| {
        seen.ends_with(PROMPT)
    })?;
    board.type_keys(&[CTRL_D], key_deadline)?;
    wait_for(board, cancel, deadline, output, is_a_start)
}

/// Reads until `is_over` says so of the end of the output, or nothing more is to be waited for.
fn wait_for(
    board: &Board,
    cancel: &Cancel,
    deadline: Deadline,
    output: &mut dyn FnMut(&[u8]),
    is_over: impl Fn(&[u8]) -> bool,
) -> Result<(), Error> {
    let mut tail: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 1024];
    while !deadline.has_passed() && !cancel.is_cancelled() {
        let read = board.read_output(&mut buffer, SLICE)?;
        output(read);
        tail.extend_from_slice(read);
        if is_over(&tail) {
            break;
        }
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }
    Ok(())
}
