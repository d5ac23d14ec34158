//! Parsing strings: prefixes, quotes, escapes.

use std::borrow::Cow;

use super::error::LiteralError;
use super::parse::{Parser, Token};

/// Returns whether a string, with or without a prefix, is next.
pub(super) fn starts_here(parser: &Parser<'_>) -> bool {
    prefix(parser.rest()).is_some()
}

#[derive(Clone, Copy)]
struct Prefix {
    bytes: bool,
    raw: bool,
    length: usize,
}

fn prefix(text: &[u8]) -> Option<Prefix> {
    let length = text
        .iter()
        .take(3)
        .position(|byte| matches!(byte, b'\'' | b'"'))?;
    let (bytes, raw) = match text.get(..length)?.to_ascii_lowercase().as_slice() {
        b"" | b"u" => (false, false),
        b"r" => (false, true),
        b"b" => (true, false),
        b"br" | b"rb" => (true, true),
        _ => return None,
    };
    Some(Prefix { bytes, raw, length })
}

/// Parses one string.
pub(super) fn string<'a>(parser: &mut Parser<'a>) -> Result<Token<'a>, LiteralError> {
    let Some(prefix) = prefix(parser.rest()) else {
        return Err(parser.expected("a string"));
    };
    parser.at += prefix.length;
    let quote = parser.peek().unwrap_or_default();
    let triple = parser.rest().starts_with(&[quote; 3]);
    parser.at += if triple { 3 } else { 1 };
    let mut body = Body::default();
    loop {
        let run_start = parser.at;
        let run = parser.take_while(|byte| !matches!(byte, b'\'' | b'"' | b'\\' | b'\n' | b'\r'));
        body.run(run, run_start, prefix.bytes)?;
        match parser.peek() {
            Some(byte) if byte == quote => {
                if !triple {
                    parser.at += 1;
                    return Ok(body.finish(prefix.bytes));
                }
                if parser.rest().starts_with(&[quote; 3]) {
                    parser.at += 3;
                    return Ok(body.finish(prefix.bytes));
                }
                body.plain(parser);
            }
            Some(b'\'' | b'"') => body.plain(parser),
            Some(b'\\') if prefix.raw => {
                body.plain(parser);
                // Also in a raw string, a quote after a backslash does not end the string.
                if matches!(parser.peek(), Some(b'\'' | b'"' | b'\\')) {
                    body.plain(parser);
                }
            }
            Some(b'\\') => escape(parser, &mut body, prefix.bytes)?,
            Some(b'\n' | b'\r') if triple => body.plain(parser),
            _ => return Err(parser.expected("the closing quote")),
        }
    }
}

/// The decoded content. It is borrowed as long as it is one unchanged part of the text.
#[derive(Default)]
struct Body<'a> {
    borrowed: &'a [u8],
    owned: Vec<u8>,
}

impl<'a> Body<'a> {
    /// Adds a part of the text without escapes.
    fn run(&mut self, run: &'a [u8], at: usize, bytes: bool) -> Result<(), LiteralError> {
        if !bytes && let Err(error) = std::str::from_utf8(run) {
            return Err(LiteralError::NotText {
                at: at + error.valid_up_to(),
            });
        }
        if self.owned.is_empty() && self.borrowed.is_empty() {
            self.borrowed = run;
        } else if !run.is_empty() {
            self.own().extend_from_slice(run);
        }
        Ok(())
    }

    /// Adds the next byte, which is ASCII, unchanged.
    fn plain(&mut self, parser: &mut Parser<'_>) {
        if let Some(byte) = parser.peek() {
            self.own().push(byte);
            parser.at += 1;
        }
    }

    fn own(&mut self) -> &mut Vec<u8> {
        if !self.borrowed.is_empty() {
            self.owned.extend_from_slice(self.borrowed);
            self.borrowed = &[];
        }
        &mut self.owned
    }

    fn finish(self, bytes: bool) -> Token<'a> {
        let content = match self.owned.is_empty() {
            true => Cow::Borrowed(self.borrowed),
            false => Cow::Owned(self.owned),
        };
        if bytes {
            return Token::Bytes(content);
        }
        // Every part was checked when it was added, so the conversion is lossless.
        Token::Str(match content {
            Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).unwrap_or_default()),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).unwrap_or_default()),
        })
    }
}

/// Parses an escape: a backslash and the characters after it.
fn escape(parser: &mut Parser<'_>, body: &mut Body<'_>, bytes: bool) -> Result<(), LiteralError> {
    let at = parser.at;
    parser.at += 1;
    let Some(letter) = parser.peek() else {
        return Err(parser.expected("an escaped character"));
    };
    parser.at += 1;
    let code = match letter {
        b'\n' => return Ok(()),
        b'\r' => {
            parser.take(b'\n');
            return Ok(());
        }
        b'\\' | b'\'' | b'"' => u32::from(letter),
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => u32::from(b'\n'),
        b'r' => u32::from(b'\r'),
        b't' => u32::from(b'\t'),
        b'v' => 0x0b,
        b'0'..=b'7' => {
            parser.at -= 1;
            digits(parser, 1..=3, 8)?
        }
        b'x' => digits(parser, 2..=2, 16)?,
        b'u' if !bytes => digits(parser, 4..=4, 16)?,
        b'U' if !bytes => digits(parser, 8..=8, 16)?,
        b'N' if !bytes => {
            parser.at = at;
            return Err(parser.expected("an escape other than `\\N`, which boards don't have"));
        }
        // As in Python, an unknown escape keeps its backslash.
        _ => {
            parser.at -= 1;
            body.own().push(b'\\');
            return Ok(());
        }
    };
    if bytes {
        return match u8::try_from(code) {
            Ok(byte) => {
                body.own().push(byte);
                Ok(())
            }
            Err(_) => {
                parser.at = at;
                Err(parser.expected("an escape of at most `\\377`"))
            }
        };
    }
    match char::from_u32(code) {
        Some(character) => {
            let mut buf = [0; 4];
            body.own()
                .extend_from_slice(character.encode_utf8(&mut buf).as_bytes());
            Ok(())
        }
        None => Err(LiteralError::NotText { at }),
    }
}

/// Parses a number of at most `count` digits.
fn digits(
    parser: &mut Parser<'_>,
    count: std::ops::RangeInclusive<usize>,
    radix: u32,
) -> Result<u32, LiteralError> {
    let mut code = 0;
    for index in 0..*count.end() {
        let digit = parser
            .peek()
            .and_then(|byte| char::from(byte).to_digit(radix));
        match digit {
            Some(digit) => code = code * radix + digit,
            None if index >= *count.start() => break,
            None => return Err(parser.expected("a hexadecimal digit")),
        }
        parser.at += 1;
    }
    Ok(code)
}
