//! Python text as statements: what is a comment, what a string, what stands in which bracket.
//!
//! Values are the literal parser's to read; here the text is only taken apart. Comments become spaces, so that every
//! offset stays what it is in the file.

use std::ops::Range;

/// A Python text, taken apart.
pub(super) struct Source {
    /// The text with spaces for comments and line continuations.
    text: Vec<u8>,
    /// The same with a `"` for each byte of each string.
    shape: Vec<u8>,
    /// The statements that are not empty, in order.
    pub(super) statements: Vec<Statement>,
    /// What cannot be taken apart: where, and why.
    pub(super) errors: Vec<(usize, &'static str)>,
    /// Strings that are no literals: where, and why.
    unreadable: Vec<(usize, &'static str)>,
}

/// A statement.
pub(super) struct Statement {
    /// Its bytes, without white space round them.
    pub(super) at: Range<usize>,
    /// Whether white space stands before it on its line.
    pub(super) indented: bool,
}

/// Take `text` apart.
pub(super) fn scan(text: &str) -> Source {
    let mut scanner = Scanner {
        at: 0,
        brackets: Vec::new(),
        start: 0,
        line_start: true,
        source: Source {
            text: text.as_bytes().to_vec(),
            shape: text.as_bytes().to_vec(),
            statements: Vec::new(),
            errors: Vec::new(),
            unreadable: Vec::new(),
        },
    };
    if text.starts_with('\u{feff}') {
        scanner.blank(0..3);
        scanner.at = 3;
        scanner.start = 3;
    }
    scanner.run();
    scanner.source
}

struct Scanner {
    at: usize,
    /// Where the brackets that are open stand.
    brackets: Vec<usize>,
    /// Where the statement begins.
    start: usize,
    /// Whether the statement is the first of its line.
    line_start: bool,
    source: Source,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.text.get(self.at + ahead).copied()
    }

    fn run(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'#' => {
                    let start = self.at;
                    while self.peek(0).is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                    self.blank(start..self.at);
                    continue;
                }
                b'\'' | b'"' => {
                    self.string(byte);
                    continue;
                }
                b'(' | b'[' | b'{' => self.brackets.push(self.at),
                b')' | b']' | b'}' if self.brackets.pop().is_none() => {
                    self.source
                        .errors
                        .push((self.at, "nothing is open that this bracket closes"));
                }
                b'\\' if matches!(self.peek(1), Some(b'\n' | b'\r')) => {
                    let line_end = if self.peek(1) == Some(b'\r') && self.peek(2) == Some(b'\n') {
                        3
                    } else {
                        2
                    };
                    self.blank(self.at..self.at + line_end);
                    self.at += line_end;
                    continue;
                }
                b'\n' | b';' if self.brackets.is_empty() => self.end_statement(byte == b'\n'),
                _ => {}
            }
            self.at += 1;
        }
        if let Some(open) = self.brackets.first() {
            self.source
                .errors
                .push((*open, "this bracket is not closed"));
        }
        self.end_statement(true);
    }

    fn end_statement(&mut self, ends_line: bool) {
        let whole = self.start..self.at;
        let at = self.source.trimmed(&whole);
        if !at.is_empty() {
            self.source.statements.push(Statement {
                indented: self.line_start && at.start > self.start,
                at,
            });
        }
        self.start = self.at + 1;
        self.line_start = ends_line;
    }

    /// Step over a string.
    fn string(&mut self, quote: u8) {
        let start = self.at;
        let letters = self.prefix_letters(start);
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        let quotes = if triple { 3 } else { 1 };
        self.at += quotes;
        let mut braces = false;
        loop {
            match self.peek(0) {
                Some(b'\\') => self.at += 1,
                Some(byte)
                    if byte == quote
                        && (!triple
                            || (self.peek(1) == Some(quote) && self.peek(2) == Some(quote))) =>
                {
                    self.at += quotes;
                    break;
                }
                Some(b'\n') if !triple => {
                    self.source
                        .errors
                        .push((start, "this string is not closed"));
                    break;
                }
                None => {
                    self.source
                        .errors
                        .push((start, "this string is not closed"));
                    self.at = self.source.text.len();
                    break;
                }
                Some(b'{' | b'}') => braces = true,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.source.text.len());
        if let Some(shape) = self.source.shape.get_mut(start..self.at) {
            shape.fill(b'"');
        }
        for at in letters {
            if self
                .source
                .text
                .get(at)
                .is_some_and(|letter| b"fF".contains(letter))
            {
                if braces {
                    self.source
                        .unreadable
                        .push((at, "an f-string needs Python"));
                } else {
                    // Without braces it is a string like any other.
                    self.blank(at..at + 1);
                }
            }
        }
    }

    /// The letters right before a string's quote.
    fn prefix_letters(&self, quote: usize) -> Range<usize> {
        let before = self.source.text.get(..quote).unwrap_or_default();
        let letters = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let is_prefix = before
            .iter()
            .rev()
            .take(letters)
            .all(|letter| b"rbuft".contains(&letter.to_ascii_lowercase()));
        // Anything else is a name.
        if letters > 2 || !is_prefix {
            quote..quote
        } else {
            quote - letters..quote
        }
    }

    fn blank(&mut self, at: Range<usize>) {
        for bytes in [&mut self.source.text, &mut self.source.shape] {
            if let Some(bytes) = bytes.get_mut(at.clone()) {
                bytes.fill(b' ');
            }
        }
    }
}

impl Source {
    /// The text there, comments left out.
    pub(super) fn text(&self, at: &Range<usize>) -> &[u8] {
        self.text.get(at.clone()).unwrap_or_default()
    }

    /// The text there with `"` for what is in strings.
    pub(super) fn shape(&self, at: &Range<usize>) -> &[u8] {
        self.shape.get(at.clone()).unwrap_or_default()
    }

    /// The first string there that is no literal, and why.
    pub(super) fn unreadable_in(&self, at: &Range<usize>) -> Option<(usize, &'static str)> {
        self.unreadable
            .iter()
            .find(|(place, _)| at.contains(place))
            .copied()
    }

    fn trimmed(&self, at: &Range<usize>) -> Range<usize> {
        let text = self.shape(at);
        let start = at.end - text.trim_ascii_start().len();
        start..start + text.trim_ascii().len()
    }

    /// What stands before, between and after the `=` of assignments, outside brackets.
    pub(super) fn split_at_equals(&self, at: &Range<usize>) -> Vec<Range<usize>> {
        let shape = self.shape(at);
        self.split(at, usize::MAX, |index| {
            let before = index.checked_sub(1).and_then(|before| shape.get(before));
            shape.get(index) == Some(&b'=')
                && shape.get(index + 1) != Some(&b'=')
                && !before.is_some_and(|before| b"=!<>+-*/%&|^@:~".contains(before))
        })
    }

    /// What stands between commas, outside brackets; nothing for a trailing comma.
    pub(super) fn split_at_commas(&self, at: &Range<usize>) -> Vec<Range<usize>> {
        let shape = self.shape(at);
        let mut parts = self.split(at, usize::MAX, |index| shape.get(index) == Some(&b','));
        if parts.last().is_some_and(Range::is_empty) {
            parts.pop();
        }
        parts
    }

    /// What stands before and after the first colon outside brackets.
    pub(super) fn split_at_colon(&self, at: &Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
        let shape = self.shape(at);
        match &*self.split(at, 2, |index| shape.get(index) == Some(&b':')) {
            [before, after] => Some((before.clone(), after.clone())),
            _ => None,
        }
    }

    /// What stands before the first colon outside brackets, or all.
    pub(super) fn before_colon(&self, at: &Range<usize>) -> Range<usize> {
        self.split_at_colon(at)
            .map_or_else(|| at.clone(), |(before, _)| before)
    }

    /// What stands in the brackets of `name[...]`.
    pub(super) fn subscript(&self, at: &Range<usize>, name: &[u8]) -> Option<Range<usize>> {
        let brackets = self.shape(at).strip_prefix(name)?;
        self.inside(&(at.end - brackets.len()..at.end), b'[', b']')
    }

    /// What stands in the braces that are all there is, maybe in parentheses.
    pub(super) fn braces(&self, at: &Range<usize>) -> Option<Range<usize>> {
        let mut at = at.clone();
        while let Some(inside) = self.inside(&at, b'(', b')') {
            at = inside;
        }
        self.inside(&at, b'{', b'}')
    }

    /// What stands between a bracket and its partner, if those are the ends of the text there.
    fn inside(&self, at: &Range<usize>, open: u8, close: u8) -> Option<Range<usize>> {
        let at = self.trimmed(at);
        let shape = self.shape(&at);
        let mut depth = 0_usize;
        for (index, byte) in shape.iter().enumerate() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && index + 1 < shape.len() {
                return None;
            }
        }
        let inside = shape.strip_prefix(&[open])?.strip_suffix(&[close])?;
        Some(self.trimmed(&(at.start + 1..at.start + 1 + inside.len())))
    }

    /// Cut at the bytes outside brackets that `is_cut` says, given by their place in the part, into `limit` pieces
    /// at most.
    fn split(
        &self,
        at: &Range<usize>,
        limit: usize,
        is_cut: impl Fn(usize) -> bool,
    ) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut start = at.start;
        let mut depth = 0_usize;
        for (index, byte) in self.shape(at).iter().enumerate() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ if depth == 0 && parts.len() + 1 < limit && is_cut(index) => {
                    parts.push(self.trimmed(&(start..at.start + index)));
                    start = at.start + index + 1;
                }
                _ => {}
            }
        }
        parts.push(self.trimmed(&(start..at.end)));
        parts
    }
}
