//! The terminal as a byte device: raw during the REPL, and always restored.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub(crate) use system::{read_keys, read_line};

/// Returns the width of text for people, in columns: the value of `COLUMNS`, else the width of the terminal on stdout,
/// else 80.
pub(crate) fn width() -> usize {
    let columns = std::env::var(crate::environment::COLUMNS).ok();
    let columns = columns
        .and_then(|text| text.parse().ok())
        .filter(|columns| *columns > 0);
    columns.or_else(system::columns).unwrap_or(80)
}

/// The modes to restore, while the terminal is raw.
static BEFORE: Mutex<Option<system::Modes>> = Mutex::new(None);

/// The terminal in raw mode: every key is a byte for the board, and none is a signal or a line edit.
///
/// The previous modes are restored when this is dropped, also by a panic; [`restore`] is for the paths that drop
/// nothing.
pub(crate) struct RawMode {
    /// Whether the terminal was raw already: then the outer value restores it.
    is_nested: bool,
}

impl RawMode {
    /// Switches the terminal of this process to raw mode.
    pub(crate) fn enter() -> io::Result<RawMode> {
        let mut before = before();
        let is_nested = before.is_some();
        if !is_nested {
            *before = Some(system::make_raw()?);
        }
        Ok(RawMode { is_nested })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if !self.is_nested {
            restore();
        }
    }
}

/// Restores the modes from before [`RawMode::enter`], unless they are restored already.
pub(crate) fn restore() {
    if let Some(modes) = before().take() {
        // A terminal that is gone has no modes to restore.
        let _ = system::put_back(&modes);
    }
}

/// Returns the modes, which are complete even if a thread panicked while it held the lock.
fn before() -> MutexGuard<'static, Option<system::Modes>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a line without its end, CR LF or LF.
fn without_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    line
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// These bytes, as a terminal of the VT family sends them.
    Bytes(Vec<u8>),
    /// No key within the time limit.
    Nothing,
    /// The end of the input.
    End,
}

/// Reads a line without echo. `None` if the user ended it by Ctrl-C or Ctrl-D, or at the end of the input.
///
/// `ask` prints the question once echo is off: keys typed before that would be shown.
pub(crate) fn read_hidden_line(ask: impl FnOnce()) -> io::Result<Option<String>> {
    let _raw = RawMode::enter()?;
    ask();
    let mut line = Vec::new();
    loop {
        let bytes = match read_keys(Duration::from_millis(500))? {
            Keys::Bytes(bytes) => bytes,
            Keys::Nothing => continue,
            Keys::End => return Ok(None),
        };
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => return Ok(Some(String::from_utf8_lossy(&line).into_owned())),
                // Ctrl-C, Ctrl-D.
                3 | 4 => return Ok(None),
                // Backspace removes a whole letter, which may have several bytes.
                8 | 127 => while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {},
                byte => line.push(byte),
            }
        }
    }
}
