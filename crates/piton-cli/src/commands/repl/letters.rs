//! Letters outside ASCII, which the board's line editor drops silently.
//!
//! At the prompt each is sent as its escape in a Python string (`\xe9`, `\u0142`), so that the program gets the letter.
//! A program that reads keys itself gets the letters unchanged.

use std::fmt::Write as _;

/// The remark that is shown once.
const REMARK: &str = "the board's prompt takes ASCII only: other letters go as their escapes in strings, \\xe9 or \\u0142";

/// The letters of a keyboard.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// The first bytes of a letter whose rest has not arrived.
    begun: Vec<u8>,
    /// Whether [`REMARK`] was shown.
    has_remarked: bool,
}

impl Letters {
    /// Returns the bytes to send for these keys. `at_prompt`: the board edits a line.
    pub(super) fn take(
        &mut self,
        keys: &[u8],
        at_prompt: bool,
        remark: impl FnOnce(&str),
    ) -> Vec<u8> {
        if !at_prompt || (keys.is_ascii() && self.begun.is_empty()) {
            return [&*std::mem::take(&mut self.begun), keys].concat();
        }
        let bytes = [&*std::mem::take(&mut self.begun), keys].concat();
        let mut text = String::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            // The board drops bytes that are not UTF-8; an incomplete letter at the end waits for its rest.
            if bytes.ends_with(chunk.invalid()) {
                self.begun = chunk.invalid().to_vec();
            }
        }
        let mut out = String::with_capacity(text.len());
        for letter in text.chars() {
            let code = u32::from(letter);
            // Writing to a `String` cannot fail.
            let _ = match code {
                0..0x80 => write!(out, "{letter}"),
                0x80..0x100 => write!(out, "\\x{code:02x}"),
                0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
        }
        if !text.is_ascii() && !std::mem::replace(&mut self.has_remarked, true) {
            remark(REMARK);
        }
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_prompt_letters_become_escapes_and_a_person_is_told_once() {
        let mut letters = Letters::default();
        let mut remarks = 0;
        let mut take = |keys: &[u8]| letters.take(keys, true, |_| remarks += 1);
        assert_eq!(take(b"print('\x1b[A\x7f"), b"print('\x1b[A\x7f");
        assert_eq!(
            take("\u{e9}\u{142}\u{1f600}".as_bytes()),
            b"\\xe9\\u0142\\U0001f600"
        );
        // A letter in two halves.
        assert_eq!(take(b"a\xc5"), b"a");
        assert_eq!(take(b"\x82b"), b"\\u0142b");
        assert_eq!(take(b"\xff."), b".");
        assert_eq!(remarks, 1);
    }

    #[test]
    fn a_program_gets_the_keys_as_they_are() {
        let mut letters = Letters::default();
        let keys = "\u{e9}".as_bytes();
        assert_eq!(letters.take(keys, false, |_| unreachable!()), keys);
    }
}
