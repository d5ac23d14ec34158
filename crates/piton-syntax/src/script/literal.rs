//! The values of literals, as the lexer reads them.

use super::{ProblemKind, Value};
use crate::diagnostic::Failure;
use crate::lexer::{Lexer, LexerOptions};
use crate::number::{Decimal, parse_decimal, parse_integer};
use crate::target::Target;
use crate::token::Token;

/// Returns the token of a literal, and its text as the lexer gives it.
fn lex(literal: &[u8]) -> Result<(Token, Vec<u8>), Failure> {
    let options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let lexer = Lexer::new(literal, options)?;
    Ok((lexer.token(), lexer.text().to_vec()))
}

/// Returns the value of a string or bytes literal.
pub(super) fn string_value(literal: &[u8]) -> Result<Value, ProblemKind> {
    let quote = literal.iter().position(|byte| matches!(byte, b'\'' | b'"'));
    let (prefix, quoted) = literal.split_at(quote.unwrap_or(0));
    // MicroPython's lexer knows prefixes in small letters only.
    let mut plain = prefix.to_ascii_lowercase();
    if plain.contains(&b'f') {
        if quoted.iter().any(|byte| matches!(byte, b'{' | b'}')) {
            return Err(ProblemKind::FormatString);
        }
        // Without braces it is a string like any other.
        plain.retain(|&byte| byte != b'f');
    }
    plain.extend_from_slice(quoted);
    let not_literal = || ProblemKind::NotLiteral(format!("`{}`", String::from_utf8_lossy(literal)));
    let (token, text) = lex(&plain).map_err(|_| ProblemKind::UnicodeName)?;
    match token {
        Token::Bytes => Ok(Value::Bytes(text)),
        Token::String => String::from_utf8(text)
            .map(Value::Text)
            .map_err(|_| ProblemKind::NotUnicode),
        _ => Err(not_literal()),
    }
}

/// Returns the value of a number, if it is well-formed.
pub(super) fn number_value(text: &[u8]) -> Option<Value> {
    let (token, text) = lex(text).ok()?;
    match token {
        Token::Integer => parse_integer(&text, Target::NEWEST.rules())
            .ok()
            .map(Value::Integer),
        Token::FloatOrImag => match parse_decimal(&text).ok()? {
            Decimal::Real(value) => Some(Value::Float(value)),
            Decimal::Imaginary(value) => Some(Value::Imaginary(value)),
        },
        _ => None,
    }
}
