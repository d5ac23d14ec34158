//! Consoles of Windows, set up like a terminal: keys and output are VT sequences.
//!
//! The modes are those of Microsoft's page "High-Level Console Modes"; Windows has had them since 10, version 1607.

#![expect(clippy::disallowed_methods, reason = "nothing is printed")]

use std::io::{self, BufRead, Read};
use std::time::Duration;

use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT, ENABLE_PROCESSED_INPUT,
    ENABLE_PROCESSED_OUTPUT, ENABLE_VIRTUAL_TERMINAL_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING,
};

use super::{Keys, without_end};
use crate::windows_console::Console;

/// The modes of the console.
pub(super) struct Modes {
    input: CONSOLE_MODE,
    /// `None` where stdout is not a console.
    output: Option<CONSOLE_MODE>,
}

/// Makes the console raw. Returns its previous modes.
pub(super) fn make_raw() -> io::Result<Modes> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let (input, output) = (Console::of(&stdin), Console::of(&stdout));
    let before = Modes {
        input: input.mode()?,
        output: output.mode().ok(),
    };
    let cooked = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT;
    input.set_mode(before.input & !cooked | ENABLE_VIRTUAL_TERMINAL_INPUT)?;
    if let Some(mode) = before.output {
        let drawn = ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
        if let Err(error) = output.set_mode(mode | drawn) {
            // If stdout refuses, stdin must not stay raw.
            put_back(&before)?;
            return Err(error);
        }
    }
    Ok(before)
}

/// Sets the modes of the console.
pub(super) fn put_back(modes: &Modes) -> io::Result<()> {
    if let Some(mode) = modes.output {
        Console::of(&io::stdout()).set_mode(mode)?;
    }
    Console::of(&io::stdin()).set_mode(modes.input)
}

/// Returns `None`: the width is not queried on Windows.
pub(super) fn columns() -> Option<usize> {
    None
}

/// Waits for keys, for at most `limit` (a pipe or a file is read without a limit).
pub(crate) fn read_keys(limit: Duration) -> io::Result<Keys> {
    let stdin = io::stdin();
    let console = Console::of(&stdin);
    if console.mode().is_err() {
        let mut buffer = vec![0; 256];
        let count = stdin.lock().read(&mut buffer)?;
        buffer.truncate(count);
        return Ok(if count == 0 {
            Keys::End
        } else {
            Keys::Bytes(buffer)
        });
    }
    let mut units = Vec::new();
    // A letter beyond 16 bits arrives as two keys, which must be decoded together.
    while units.is_empty() || ends_within_a_letter(&units) {
        if !console.wait(limit)? {
            break;
        }
        let read = console.read_keys(&mut units)?;
        if read == 0 {
            // An event without a letter: a shift key, or a window that got the focus.
            break;
        }
    }
    Ok(if units.is_empty() {
        Keys::Nothing
    } else {
        Keys::Bytes(String::from_utf16_lossy(&units).into_bytes())
    })
}

/// Returns whether the last unit is the first half of a letter.
fn ends_within_a_letter(units: &[u16]) -> bool {
    matches!(units.last(), Some(0xd800..=0xdbff))
}

/// Continues to read a line, of which `begun` holds the start, to its end. Waits for it: a console edits the line
/// meanwhile, and Ctrl-C ends the wait.
pub(crate) fn read_line(begun: &mut Vec<u8>) -> io::Result<Keys> {
    let count = io::stdin().lock().read_until(b'\n', begun)?;
    match count {
        0 if begun.is_empty() => Ok(Keys::End),
        _ => Ok(Keys::Bytes(without_end(std::mem::take(begun)))),
    }
}
