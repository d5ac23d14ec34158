//! Splits bytes into pieces of source: the text of each token, with its position.
//!
//! The lexer gives tokens their values and loses how they were written, and it knows only MicroPython's
//! literals. Here a literal is just its extent, by the rules of MicroPython and CPython both.

mod literal;

use crate::diagnostic::{DiagnosticCode, Failure};
use crate::lexer::{is_name_part, is_name_start, operator};
use crate::token::Token;

use literal::Opening;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Name,
    Number,
    /// A string that is nothing but its value: no bytes, no f-string, no t-string.
    Text,
    /// Any other string.
    Literal,
    Operator(Token),
    /// The end of a logical line that is not empty. It has no text.
    LineEnd,
    /// The end of the source.
    End,
}

/// A token and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a [u8],
    /// The line it begins in, from 1, and the line it ends in.
    pub(crate) line: u32,
    pub(crate) last_line: u32,
    /// The columns of white space before it, if it is the first of its logical line.
    pub(crate) indent: Option<usize>,
    /// Whether there is anything before it that goes: white space, a comment, a line end.
    pub(crate) spaced: bool,
    /// How many brackets are open before it.
    pub(crate) depth: usize,
}

/// Something that no piece begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The end of the source, while a bracket is open or after a backslash.
    End,
    /// A literal without an end.
    OpenLiteral,
    /// A bracket that closes none.
    ClosingBracket,
    /// Any other character.
    Character,
}

/// Goes through the pieces of a source whose line ends are newlines.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
    line: u32,
    depth: usize,
    /// Whether the current logical line has no piece yet.
    line_start: bool,
    /// How many literals had braces that do not match.
    unmatched: u32,
}

/// After so many literals with braces that do not match, braces are no longer looked at: each look can go as far as
/// the end of the source.
const MAXIMUM_UNMATCHED: u32 = 100;

impl<'a> Scanner<'a> {
    pub(crate) fn new(source: &'a [u8], at: usize) -> Scanner<'a> {
        Scanner {
            source,
            at,
            line: 1,
            depth: 0,
            line_start: true,
            unmatched: 0,
        }
    }

    /// Returns how many bytes of the source it has passed.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Returns the line that it is in, from 1.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// Returns the next piece; [`Kind::End`] for ever after the last.
    pub(crate) fn next(&mut self) -> Result<Piece<'a>, Failure> {
        let indent = self.line_start.then(|| self.indentation()).transpose()?;
        let spaced = self.skip_space();
        let start = self.at;
        let mut piece = Piece {
            kind: Kind::End,
            text: &[],
            line: self.line,
            last_line: self.line,
            indent,
            spaced,
            depth: self.depth,
        };
        let Some(first) = self.peek(0) else {
            // A bracket is open, or a backslash joined the last line to nothing.
            if self.depth > 0 || !self.line_start {
                return Err(self.invalid());
            }
            return Ok(piece);
        };
        self.line_start = first == b'\n';
        piece.kind = if first == b'\n' {
            self.line_end();
            return Ok(Piece {
                kind: Kind::LineEnd,
                ..piece
            });
        } else if let Some(opening) = Opening::of(self.rest()) {
            self.literal(opening)?
        } else if is_name_start(first) {
            self.skip_while(is_name_part);
            Kind::Name
        } else if first.is_ascii_digit()
            || (first == b'.' && self.peek(1).is_some_and(|byte| byte.is_ascii_digit()))
        {
            self.number();
            Kind::Number
        } else {
            self.operator()?
        };
        piece.text = self.source.get(start..self.at).unwrap_or_default();
        piece.last_line = self.line;
        Ok(piece)
    }

    /// Steps over what [`Scanner::next`] failed at.
    pub(crate) fn pass_obstacle(&mut self) -> Obstacle {
        let Some(first) = self.peek(0) else {
            return Obstacle::End;
        };
        if let Some(opening) = Opening::of(self.rest()) {
            let is_end = |&byte: &u8| byte == b'\n' && !opening.is_triple();
            let length = self.rest().iter().position(is_end);
            self.at = length.map_or(self.source.len(), |length| self.at + length);
            return Obstacle::OpenLiteral;
        }
        self.at += 1;
        match first {
            b')' | b']' | b'}' => Obstacle::ClosingBracket,
            _ => Obstacle::Character,
        }
    }

    fn literal(&mut self, opening: Opening) -> Result<Kind, Failure> {
        let source = self.rest();
        let mut length = None;
        if opening.format && self.unmatched < MAXIMUM_UNMATCHED {
            length = opening.end(source);
            self.unmatched += u32::from(length.is_none());
        }
        // MicroPython takes braces that make no sense to CPython.
        let length = length.or_else(|| opening.without_format().end(source));
        let length = length.ok_or_else(|| self.invalid())?;
        let text = source.get(..length).unwrap_or_default();
        let lines = text.iter().filter(|&&byte| byte == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at += length;
        Ok(if opening.plain {
            Kind::Text
        } else {
            Kind::Literal
        })
    }

    fn rest(&self) -> &'a [u8] {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    fn line_end(&mut self) {
        self.at += 1;
        self.line = self.line.saturating_add(1);
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| !wanted(byte));
        self.at += end.unwrap_or(rest.len());
    }

    fn invalid(&self) -> Failure {
        Failure::in_line(DiagnosticCode::InvalidSyntax, self.line)
    }

    /// Skips to the next logical line that has a piece, and counts the columns before it.
    ///
    /// MicroPython and CPython differ in what a backslash or a form feed between the columns means. A source
    /// where that matters is refused.
    fn indentation(&mut self) -> Result<usize, Failure> {
        let mut column = 0;
        let mut first_part = None;
        let mut joined = false;
        loop {
            match self.peek(0) {
                // To MicroPython a vertical tab is a column like a space; CPython has no use for one.
                Some(b' ' | b'\x0b') => column += 1,
                Some(b'\t') => column = column / 8 * 8 + 8,
                Some(b'\x0c') if column == 0 => {}
                Some(b'#') => {
                    self.skip_while(|byte| byte != b'\n');
                    continue;
                }
                Some(b'\n') => {
                    self.line_end();
                    (column, first_part, joined) = (0, None, false);
                    continue;
                }
                Some(b'\\') if self.peek(1) == Some(b'\n') => {
                    first_part = first_part.or(Some(column).filter(|&column| column > 0));
                    (column, joined) = (0, true);
                    self.at += 1;
                    self.line_end();
                    continue;
                }
                None if joined => return Err(self.invalid()),
                None => return Ok(0),
                Some(byte) => {
                    let split = first_part.is_some_and(|first| first != column);
                    if split || byte == b'\x0c' {
                        return Err(Failure::in_line(DiagnosticCode::UnclearIndent, self.line));
                    }
                    return Ok(column);
                }
            }
            self.at += 1;
        }
    }

    /// Skips white space, comments and line ends that end nothing; whether there was any.
    fn skip_space(&mut self) -> bool {
        let start = self.at;
        loop {
            match self.peek(0) {
                Some(b' ' | b'\t' | b'\x0b' | b'\x0c') => self.at += 1,
                Some(b'#') => self.skip_while(|byte| byte != b'\n'),
                Some(b'\n') if self.depth > 0 => self.line_end(),
                Some(b'\\') if self.peek(1) == Some(b'\n') => {
                    self.at += 1;
                    self.line_end();
                }
                _ => return self.at > start,
            }
        }
    }

    /// Skips any run of letters, digits and dots, as MicroPython does; a keyword that CPython sees in it stays.
    fn number(&mut self) {
        let prefixed = self.rest().starts_with(b"0x") || self.rest().starts_with(b"0X");
        while let Some(byte) = self.peek(0) {
            let exponent = !prefixed && matches!(byte, b'e' | b'E');
            if exponent && matches!(self.peek(1), Some(b'+' | b'-')) {
                self.at += 1;
            } else if byte != b'.' && !(is_name_part(byte) && byte.is_ascii()) {
                return;
            }
            self.at += 1;
        }
    }

    fn operator(&mut self) -> Result<Kind, Failure> {
        let text = [0, 1, 2].map(|ahead| self.peek(ahead).unwrap_or(0));
        let (token, length) = operator(text);
        match token {
            Token::Invalid => return Err(self.invalid()),
            Token::DelParenOpen | Token::DelBracketOpen | Token::DelBraceOpen => self.depth += 1,
            Token::DelParenClose | Token::DelBracketClose | Token::DelBraceClose => {
                self.depth = self.depth.checked_sub(1).ok_or_else(|| self.invalid())?;
            }
            _ => {}
        }
        self.at += length;
        Ok(Kind::Operator(token))
    }
}
