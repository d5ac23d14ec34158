//! The terminal as a byte device: raw while the REPL has it, always put back.

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

/// How many columns text for people may have: those of `COLUMNS`, else of the terminal that stdout is, else 80.
pub(crate) fn width() -> usize {
    let said = std::env::var(crate::environment::COLUMNS).ok();
    let said = said
        .and_then(|text| text.parse().ok())
        .filter(|columns| *columns > 0);
    said.or_else(system::columns).unwrap_or(80)
}

/// The modes to put back, while the terminal is raw.
static BEFORE: Mutex<Option<system::Modes>> = Mutex::new(None);

/// The terminal in raw mode: every key is a byte for the board, none of them a signal or a line edit.
///
/// The modes from before come back when this is dropped, also by a panic; [`restore`] is for the paths that drop
/// nothing.
pub(crate) struct RawMode {
    /// Whether the terminal was raw already: then it is another's to put back.
    is_nested: bool,
}

impl RawMode {
    /// Switch the terminal of this process to raw mode.
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

/// Put back the modes from before [`RawMode::enter`]; nothing happens where they are in place.
pub(crate) fn restore() {
    if let Some(modes) = before().take() {
        // There is nobody to tell that a terminal is gone.
        let _ = system::put_back(&modes);
    }
}

/// Modes are whole even if a thread has panicked with them in its hands.
fn before() -> MutexGuard<'static, Option<system::Modes>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line without its end, CR LF or LF.
fn without_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    line
}

/// What a person typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// These bytes, as a terminal of the VT family sends them.
    Bytes(Vec<u8>),
    /// Nothing within the time limit.
    Nothing,
    /// The end: no key will ever come.
    End,
}

/// Read a line that nobody must see: no echo. `None` when the person thought better of it (Ctrl-C, Ctrl-D, end).
///
/// `ask` tells what to type, once there is no echo any more: some people are quick, and programs quicker.
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
                // Backspace takes a whole letter back.
                8 | 127 => while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {},
                byte => line.push(byte),
            }
        }
    }
}
