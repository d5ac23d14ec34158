//! How far a string literal goes.

use crate::lexer::is_name_part;

/// How deep literals can be nested in an f-string; CPython takes 150.
const MAXIMUM_DEPTH: usize = 150;

/// Prefix and first quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// Bytes of both.
    length: usize,
    quote: u8,
    triple: bool,
    raw: bool,
    /// Whether braces have a meaning: an f-string or a t-string.
    pub(super) format: bool,
    /// Whether the literal is a string that is nothing but its value: no bytes, no f-string, no t-string.
    pub(super) plain: bool,
}

impl Opening {
    /// Returns what `source` begins with, if that is a literal.
    pub(super) fn of(source: &[u8]) -> Option<Opening> {
        let length = source
            .iter()
            .take(3)
            .position(|byte| matches!(byte, b'\'' | b'"'))?;
        let (prefix, quotes) = source.split_at_checked(length)?;
        let lower = |index: usize| prefix.get(index).map(u8::to_ascii_lowercase);
        let raw = match (lower(0), lower(1)) {
            (None, _) | (Some(b'u' | b'b' | b'f' | b't'), None) => false,
            (Some(b'r'), None | Some(b'b' | b'f' | b't'))
            | (Some(b'b' | b'f' | b't'), Some(b'r')) => true,
            _ => return None,
        };
        let has = |letter: u8| prefix.iter().any(|byte| byte.eq_ignore_ascii_case(&letter));
        let quote = *quotes.first()?;
        let triple = quotes.starts_with(&[quote; 3]);
        let format = has(b'f') || has(b't');
        Some(Opening {
            length: length + if triple { 3 } else { 1 },
            quote,
            triple,
            raw,
            format,
            plain: !format && !has(b'b'),
        })
    }

    pub(super) fn is_triple(self) -> bool {
        self.triple
    }

    /// Returns the same, with braces like any other character.
    pub(super) fn without_format(self) -> Opening {
        Opening {
            format: false,
            ..self
        }
    }

    /// Returns the length of the literal that `source` begins with, if it has an end.
    pub(super) fn end(self, source: &[u8]) -> Option<usize> {
        self.body(source, MAXIMUM_DEPTH)
    }

    /// Returns the length up to the last quote. Literals inside may be nested `depth` deep.
    fn body(self, source: &[u8], depth: usize) -> Option<usize> {
        let mut at = self.length;
        loop {
            let rest = source.get(at..)?;
            let byte = *rest.first()?;
            if byte == self.quote && (!self.triple || rest.starts_with(&[self.quote; 3])) {
                return Some(at + if self.triple { 3 } else { 1 });
            }
            at += match byte {
                b'\n' if !self.triple => return None,
                b'\\' => self.escape(rest),
                b'{' if self.format && rest.starts_with(b"{{") => 2,
                b'{' if self.format => self.interpolation(rest, depth)?,
                _ => 1,
            };
        }
    }

    /// Returns the length of what begins with a backslash, as far as it can hide a quote or a brace.
    fn escape(self, rest: &[u8]) -> usize {
        if !self.format {
            return 2;
        }
        match rest.get(1) {
            Some(b'{' | b'}') => 1,
            // The name of a character, in braces that open nothing.
            Some(b'N') if !self.raw && rest.starts_with(b"\\N{") => 3,
            _ => 2,
        }
    }

    /// Returns the length of an interpolation, from brace to brace.
    fn interpolation(self, source: &[u8], depth: usize) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        let mut at = 1;
        let mut brackets = 0_usize;
        loop {
            let rest = source.get(at..)?;
            // A letter before the quote is the prefix only if no name ends with it.
            let in_name = at
                .checked_sub(1)
                .and_then(|before| source.get(before))
                .is_some_and(|&byte| is_name_part(byte));
            if let Some(inner) = Opening::of(rest)
                && !(in_name && rest.first().is_some_and(|&byte| is_name_part(byte)))
            {
                at += inner.body(rest, depth)?;
                continue;
            }
            at += 1;
            match *rest.first()? {
                b'(' | b'[' | b'{' => brackets += 1,
                b'}' if brackets == 0 => return Some(at),
                b')' | b']' | b'}' => brackets = brackets.saturating_sub(1),
                b':' if brackets == 0 => return self.specification(source, at, depth),
                b'#' => at += rest.iter().position(|&byte| byte == b'\n')?,
                b'\n' if !self.triple => return None,
                _ => {}
            }
        }
    }

    /// Returns where the interpolation ends whose format specification begins at `at`.
    fn specification(self, source: &[u8], mut at: usize, depth: usize) -> Option<usize> {
        loop {
            let rest = source.get(at..)?;
            at += match *rest.first()? {
                b'}' => return Some(at + 1),
                b'{' => self.interpolation(rest, depth)?,
                b'\\' => self.escape(rest),
                byte if byte == self.quote
                    && (!self.triple || rest.starts_with(&[self.quote; 3])) =>
                {
                    return None;
                }
                b'\n' if !self.triple => return None,
                _ => 1,
            };
        }
    }
}
