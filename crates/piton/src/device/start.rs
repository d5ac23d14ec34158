//! A start of a board that runs main.py.

use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::repl::protocol::{CTRL_D, ends_with_board_start};

use crate::board::Board;
use crate::error::Error;

/// How long the board may take to give its prompt, and to take a key.
const PROMPT_TIME: Duration = Duration::from_secs(5);

/// How long one read waits before the cancel flag is looked at.
const SLICE: Duration = Duration::from_millis(50);

/// How much of the output is kept to recognize the prompt.
const TAIL: usize = 512;

const PROMPT: &[u8] = b"\n>>> ";

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
    wait_for(board, cancel, deadline, output, ends_with_board_start)
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
