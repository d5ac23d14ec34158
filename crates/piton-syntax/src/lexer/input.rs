//! The stream of characters the lexer reads: the source with line ends made equal, and text that
//! f-strings put before what is left of it.

use std::borrow::Cow;

/// What the stream gives after its end. A NUL byte in the source is turned into [`INVALID_BYTE`].
pub(super) const END: u8 = 0;
/// What a NUL byte in the source becomes: no token begins with it.
const INVALID_BYTE: u8 = 1;

/// A byte stream with any look-ahead and insertion at the current place.
#[derive(Debug)]
pub(super) struct Input<'a> {
    source: Cow<'a, [u8]>,
    position: usize,
    /// Inserted text that comes before the rest of the source, last byte first.
    inserted: Vec<u8>,
    /// Whether text can be inserted into inserted text. If not, [`END`] follows inserted text, and is the end of it.
    nests: bool,
}

/// How far the lexer of MicroPython looks ahead, the current byte counted.
const WINDOW: usize = 3;

impl<'a> Input<'a> {
    pub(super) fn new(source: &'a [u8], nests: bool) -> Input<'a> {
        Input {
            source: normalise(source),
            position: 0,
            inserted: Vec::new(),
            nests,
        }
    }

    /// Returns the byte `ahead` places after the current one, [`END`] after the end.
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        let inserted = self.inserted.len();
        if ahead >= inserted {
            let index = self.position + (ahead - inserted);
            return self.source.get(index).copied().unwrap_or(END);
        }
        self.inserted
            .get(inserted - 1 - ahead)
            .copied()
            .unwrap_or(END)
    }

    /// Steps over the current byte.
    pub(super) fn advance(&mut self) {
        match self.inserted.is_empty() {
            true => self.position += 1,
            false => self.advance_inserted(),
        }
    }

    // Not inlined into each step of the lexer: few sources have f-strings at the current place.
    #[cold]
    fn advance_inserted(&mut self) {
        self.inserted.pop();
        if !self.nests {
            self.fill_window();
        }
    }

    /// Puts what follows inserted text into the window of the lexer, as the compilers up to 1.27 do: what is inserted
    /// later comes after it, and is lost.
    fn fill_window(&mut self) {
        while self.inserted.len() < WINDOW {
            self.inserted.insert(0, END);
        }
        if self.inserted.last() == Some(&END) {
            self.inserted.clear();
        }
    }

    /// Returns whether the current byte is one of inserted text that nothing can be inserted into.
    pub(super) fn is_inserted(&self) -> bool {
        !self.nests && !self.inserted.is_empty()
    }

    /// Puts `text` after the inserted text.
    pub(super) fn append(&mut self, text: &[u8]) {
        self.inserted.splice(0..0, text.iter().rev().copied());
    }

    /// Returns what is left of the source, if it is not hidden behind inserted text.
    pub(super) fn rest(&self) -> Option<&[u8]> {
        if self.inserted.is_empty() {
            self.source.get(self.position..)
        } else {
            None
        }
    }

    /// Returns the place of the current byte in the source, if it is one of the source.
    pub(super) fn position(&self) -> Option<usize> {
        self.inserted.is_empty().then_some(self.position)
    }

    /// Returns the column of a place in the source, from 1. A character that is not UTF-8 counts once for each byte.
    pub(super) fn column(&self, position: usize) -> Option<u32> {
        let before = self.source.get(..position)?;
        let start = before.iter().rposition(|&byte| byte == b'\n');
        let line = before.get(start.map_or(0, |newline| newline + 1)..)?;
        let characters = String::from_utf8_lossy(line).chars().count();
        u32::try_from(characters + 1).ok()
    }

    /// Steps over `count` bytes of what [`Input::rest`] gave.
    pub(super) fn skip(&mut self, count: usize) {
        self.position += count;
    }

    /// Steps over everything that is left.
    pub(super) fn skip_all(&mut self) {
        self.inserted.clear();
        self.position = self.source.len();
    }

    /// Puts `text` before the current byte.
    pub(super) fn insert(&mut self, text: &[u8]) {
        self.inserted.extend(text.iter().rev());
    }
}

/// Returns the source with LF for CR and CRLF, an invalid byte for NUL, and an end of the last line.
pub(crate) fn normalise(source: &[u8]) -> Cow<'_, [u8]> {
    let ends = source.last().is_none_or(|&last| last == b'\n');
    if ends && !source.contains(&b'\r') && !source.contains(&END) {
        return Cow::Borrowed(source);
    }
    let mut text = Vec::with_capacity(source.len() + 1);
    let mut bytes = source.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                b'\n'
            }
            END => INVALID_BYTE,
            _ => byte,
        });
    }
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    Cow::Owned(text)
}
