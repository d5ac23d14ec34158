//! The terminal as a byte device: raw while the REPL has it, always put back.

use std::io;
use std::time::Duration;

/// The terminal in raw mode: every key is a byte for the board, none of them a signal or a line edit.
///
/// The modes from before come back when this is dropped, also by a panic; [`restore`] is for the paths that drop
/// nothing.
pub(crate) struct RawMode(());

impl RawMode {
    /// Switch the terminal of this process to raw mode.
    pub(crate) fn enter() -> io::Result<RawMode> {
        crossterm::terminal::enable_raw_mode()?;
        Ok(RawMode(()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

/// Put back the modes from before [`RawMode::enter`]; nothing happens where they are in place.
pub(crate) fn restore() {
    // There is nobody to tell that a terminal is gone.
    let _ = crossterm::terminal::disable_raw_mode();
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
pub(crate) fn read_hidden_line() -> io::Result<Option<String>> {
    let _raw = RawMode::enter()?;
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

#[cfg(unix)]
pub(crate) use unix::read_keys;
#[cfg(windows)]
pub(crate) use windows::read_keys;

#[cfg(unix)]
mod unix {
    use super::{Duration, Keys, io};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// Wait for keys, at most as long as `limit`.
    ///
    /// Reads past the buffer of [`io::stdin`]: what a later command wants from stdin is still there.
    pub(crate) fn read_keys(limit: Duration) -> io::Result<Keys> {
        let stdin = io::stdin();
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(Keys::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut buffer = vec![0; 256];
        match rustix::io::read(&stdin, &mut buffer) {
            // A terminal that hangs up reads as an error.
            Ok(0) | Err(rustix::io::Errno::IO) => Ok(Keys::End),
            Ok(count) => {
                buffer.truncate(count);
                Ok(Keys::Bytes(buffer))
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Keys::Nothing),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(windows)]
mod windows {
    use super::{Duration, Keys, io};
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
    use crossterm::tty::IsTty;

    /// Wait for keys, at most as long as `limit`.
    pub(crate) fn read_keys(limit: Duration) -> io::Result<Keys> {
        if !io::stdin().is_tty() {
            let mut buffer = vec![0; 256];
            let count = io::Read::read(&mut io::stdin(), &mut buffer)?;
            buffer.truncate(count);
            return Ok(if count == 0 {
                Keys::End
            } else {
                Keys::Bytes(buffer)
            });
        }
        if !poll(limit)? {
            return Ok(Keys::Nothing);
        }
        match read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => Ok(Keys::Bytes(bytes_of(key))),
            Event::Paste(text) => Ok(Keys::Bytes(text.into_bytes())),
            _ => Ok(Keys::Nothing),
        }
    }

    /// The bytes that a terminal of the VT family sends for a key, as MicroPython's readline knows them.
    fn bytes_of(key: KeyEvent) -> Vec<u8> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let modifier = match (control, alt) {
            (true, _) => "1;5",
            (_, true) => "1;3",
            _ => "",
        };
        let cursor = |letter: char| format!("\x1b[{modifier}{letter}").into_bytes();
        match key.code {
            KeyCode::Char(letter) if control => {
                // Ctrl-A is 1, as on every terminal; Ctrl-] is 0x1d.
                u8::try_from(letter.to_ascii_uppercase())
                    .map_or_else(|_| Vec::new(), |byte| vec![byte & 0x1f])
            }
            KeyCode::Char(letter) => letter.to_string().into_bytes(),
            KeyCode::Enter => b"\r".to_vec(),
            KeyCode::Tab => b"\t".to_vec(),
            KeyCode::BackTab => b"\x1b[Z".to_vec(),
            KeyCode::Backspace => b"\x7f".to_vec(),
            KeyCode::Esc => b"\x1b".to_vec(),
            KeyCode::Up => cursor('A'),
            KeyCode::Down => cursor('B'),
            KeyCode::Right => cursor('C'),
            KeyCode::Left => cursor('D'),
            KeyCode::Home => cursor('H'),
            KeyCode::End => cursor('F'),
            KeyCode::PageUp => b"\x1b[5~".to_vec(),
            KeyCode::PageDown => b"\x1b[6~".to_vec(),
            KeyCode::Delete => b"\x1b[3~".to_vec(),
            KeyCode::Insert => b"\x1b[2~".to_vec(),
            _ => Vec::new(),
        }
    }
}
