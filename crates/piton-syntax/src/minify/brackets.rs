//! Brackets that are not closed. The compiler often reports a line far after them.

use crate::lexer::normalise;
use crate::scan::{Kind, Scanner};
use crate::token::Token;

/// A bracket that is never closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnclosedBracket {
    /// `(`, `[` or `{`.
    pub bracket: char,
    /// Its line, from 1.
    pub line: u32,
    /// The bytes of its line before it.
    pub column: usize,
}

/// Returns the innermost bracket that begins in `line` or before it and has no end anywhere in `source`.
///
/// `line` is that of a syntax error, from 1. None if the source cannot be read to its end, as with a string that has
/// none: then it is not known what is closed.
#[must_use]
pub fn unclosed_bracket(source: &[u8], line: u32) -> Option<UnclosedBracket> {
    let source = normalise(source);
    let mut scanner = Scanner::new(&source, 0);
    let mut open: Vec<(Token, UnclosedBracket)> = Vec::new();
    // With brackets left open the scanner ends with an error.
    while let Ok(piece) = scanner.next() {
        let (bracket, close) = match piece.kind {
            Kind::Operator(Token::DelParenOpen) => ('(', Token::DelParenClose),
            Kind::Operator(Token::DelBracketOpen) => ('[', Token::DelBracketClose),
            Kind::Operator(Token::DelBraceOpen) => ('{', Token::DelBraceClose),
            Kind::Operator(token) => {
                // One that closes another kind of bracket closes none.
                open.pop_if(|(close, _)| *close == token);
                continue;
            }
            Kind::End => break,
            _ => continue,
        };
        let before = source.get(..scanner.position() - 1)?;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n');
        let unclosed = UnclosedBracket {
            bracket,
            line: piece.line,
            column: column.count(),
        };
        open.push((close, unclosed));
    }
    let (_, unclosed) = open.iter().rfind(|(_, found)| found.line <= line)?;
    (scanner.position() == source.len()).then_some(*unclosed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, line: u32, expected: Option<(char, u32, usize)>) {
        let found = unclosed_bracket(source.as_bytes(), line);
        let found = found.map(|found| (found.bracket, found.line, found.column));
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn the_innermost_bracket_without_an_end_is_found() {
        check("print(\"a\"\nx=1\n", 2, Some(('(', 1, 5)));
        check("print(\"a\"\nx=(1)\ny=[2]\n", 2, Some(('(', 1, 5)));
        check("a = [\n  f(1,\n  2\nx = 3\n", 4, Some(('(', 2, 3)));
        check("a = [\n  f(1),\n  2\nx = 3\n", 4, Some(('[', 1, 4)));
        check("a = {\r\n  1: ']',\r\nx = 3\r\n", 3, Some(('{', 1, 4)));
        check("def f(:\n    pass\ng(\n", 1, Some(('(', 1, 5)));
        check("a = (1]\nx = 3\n", 1, Some(('(', 1, 4)));
    }

    #[test]
    fn closed_brackets_are_not_reported() {
        check("x = = (\n1)\n", 1, None);
        check("x = [\n  1,\n  2 3,\n]\n", 3, None);
        check("x = )\n", 1, None);
        check("# (\nx = '('\ny = = 1\n", 3, None);
        // After the error.
        check("x = = 1\ny = (\n", 1, None);
        // What a string without an end holds is not known.
        check("f(\nx = 'a\n", 2, None);
    }
}
