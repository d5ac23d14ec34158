//! The destinations of the board's output in the REPL: the terminal, and the capture file.

use std::fs::File;
use std::io::Write;
use std::sync::Mutex;

use crate::error::{CommandError, FileError};
use crate::ui::Ui;

/// The terminal and the capture file.
pub(super) struct Screen<'a> {
    ui: &'a Ui,
    escape: bool,
    capture: Option<Capture>,
}

struct Capture {
    path: String,
    file: Mutex<File>,
}

impl<'a> Screen<'a> {
    /// Returns a screen that shows unprintable bytes unchanged or as `[hh]`, and writes what it shows to `capture` too.
    pub(super) fn new(
        ui: &'a Ui,
        escape: bool,
        capture: Option<&str>,
    ) -> Result<Screen<'a>, CommandError> {
        let capture = match capture {
            None => None,
            Some(path) => Some(Capture {
                path: path.to_owned(),
                file: Mutex::new(File::create(path).map_err(|source| FileError::Write {
                    path: path.to_owned(),
                    source,
                })?),
            }),
        };
        Ok(Screen {
            ui,
            escape,
            capture,
        })
    }

    /// Shows bytes of the board.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), CommandError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let escaped;
        let shown = if self.escape {
            escaped = escape_non_printable(bytes);
            &escaped
        } else {
            bytes
        };
        self.ui.bytes(shown)?;
        if let Some(capture) = &self.capture
            && let Ok(mut file) = capture.file.lock()
        {
            file.write_all(shown).map_err(|source| FileError::Write {
                path: capture.path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Shows a remark between the board's lines, while the terminal is raw.
    pub(super) fn remark(&self, text: &str) {
        self.ui.note_in_raw_mode(text);
    }
}

/// Replaces unprintable bytes by `[hh]`: all but backspace, tab, line ends, escape and printable ASCII, as in mpremote.
fn escape_non_printable(bytes: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if matches!(byte, 8 | 9 | 10 | 13 | 27 | 32..=126) {
            escaped.push(byte);
        } else {
            escaped.extend_from_slice(format!("[{byte:02x}]").as_bytes());
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_do_not_print_are_shown_in_hexadecimal() {
        assert_eq!(
            escape_non_printable(b"a\x00\xc3\xa9\x1b[K\r\n\x7f"),
            b"a[00][c3][a9]\x1b[K\r\n[7f]"
        );
    }
}
