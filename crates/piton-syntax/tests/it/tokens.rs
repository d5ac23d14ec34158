//! What the lexer makes of a source.

use piton_syntax::Target;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::token::Token;

use crate::cases::rows;

/// The tokens of a source, a line for each of its lines: the kind, and the text of those that have one.
fn tokens(source: &str, target: Target) -> String {
    let options = LexerOptions {
        debug: true,
        target,
    };
    let mut text = String::new();
    let mut last_line = 0;
    let mut lexer = match Lexer::new(source.as_bytes(), options) {
        Ok(lexer) => lexer,
        Err(failure) => return format!("{source:?}\n  {}\n", failure.message),
    };
    loop {
        let (token, line) = (lexer.token(), lexer.token_line());
        if line != last_line {
            text += &format!("\n  {line}|");
            last_line = line;
        }
        text += &format!(" {token:?}");
        if !lexer.text().is_empty() {
            text += &format!("({})", lexer.text().escape_ascii());
        }
        if token == Token::End {
            return format!("{source:?}{text}\n");
        }
        if let Err(failure) = lexer.advance() {
            return format!("{source:?}{text}\n  {}\n", failure.message);
        }
    }
}

fn all(sources: &[&str]) -> String {
    let sources = sources.iter().map(|source| tokens(source, Target::NEWEST));
    sources.collect::<Vec<String>>().join("\n")
}

#[test]
fn names_and_keywords() {
    insta::assert_snapshot!(all(&[
        "a _b C3 é\u{4e2d} a.b",
        "None True False __debug__ __debug print if iffy nonlocal nonlocals",
        "async await match case type",
    ]));
}

#[test]
fn numbers() {
    insta::assert_snapshot!(all(&[
        "0 12 0x1F 0XfF 0o17 0b101 1_000 0777",
        "1. .5 1.5 1e5 1E-5 1e+5 1.e1 1j 1J 0x1e+1 1.2.3",
        "1if 0xg 1e 5.real",
    ]));
}

#[test]
fn operators() {
    insta::assert_snapshot!(all(&[
        "+ - * / // % ** @ & | ^ ~ << >> < > <= >= == != = := -> ... . , ; :",
        "+= -= *= /= //= %= **= @= &= |= ^= <<= >>=",
        "<> ! $ ? ` a..b ....",
        "([{}])",
    ]));
}

#[test]
fn strings() {
    insta::assert_snapshot!(all(&[
        r#"'' "" 'a' "b" 'it\'s' '''a'b''c''' """a"b""#,
        r"'\n\t\\\'\x41\101\u00e9\U0001f600\q\
z'",
        r"r'\n\'' b'\xff\u1234' rb'\n' br'\n' u'a' R'a'",
        "'a' 'b' \"c\"\n'd' b'e'",
        "'open\nx",
        "'''open\nx",
        r"'\x4' '\u12' '\N{DASH}'",
    ]));
}

#[test]
fn format_strings() {
    insta::assert_snapshot!(all(&[
        "f'a{b}c{d!r:>{e}}' f'{{}}' x",
        "f'{a=}' 'b' f'{c}'",
        "f'{}' f'{a",
        "rf'\\d{a}'",
        "t'a{b!s:c}d'",
        "t'}'",
    ]));
    let nine = tokens("f'{a}' f'{b}' rf'c' t'd'", Target::CircuitPython9);
    insta::assert_snapshot!(nine);
}

#[test]
fn lines_and_indentation() {
    insta::assert_snapshot!(all(&[
        "",
        "\n\n# comment\n",
        "if a:\n  b\n  if c:\n\td\ne",
        "if a:\n    b\n  c\n",
        "  a",
        "(a\n  b # c\n)\nd",
        "a \\\n b\\\n\nc",
        "a\r\nb\rc\0d",
        "if a:\n\n    b\n# c\n    d\n",
    ]));
}

/// A lexer that stays at a token would hang every reader that waits for the end.
#[test]
fn every_stream_of_tokens_ends() {
    let sources = [
        "rf'a'",
        "x = rf'{a}' + 1\ny\n",
        "f'{a}' rf'{b}' f'{c}'\n",
        "f'{a}' rf'''\n",
        "(fr'a'",
        "t'{a!r:{b}}' rf'c'",
        "f'{f(",
        "'",
        "'''\\",
        "if a:\n  b\n c",
        "\\",
        "\0",
    ];
    for target in [
        Target::NEWEST,
        Target::CircuitPython9,
        Target::CircuitPython10,
    ] {
        for source in sources {
            let options = LexerOptions {
                debug: true,
                target,
            };
            let mut lexer = Lexer::new(source.as_bytes(), options).unwrap();
            let mut left = 100;
            while lexer.token() != Token::End {
                lexer.advance().unwrap();
                left -= 1;
                assert!(left > 0, "{source:?} for {target:?} goes on for ever");
            }
            // The end stays the end.
            lexer.advance().unwrap();
            assert_eq!(lexer.token(), Token::End, "{source:?}");
        }
    }
}

/// `tests/cases/tokens.txt`: a source, and the tokens that CPython's `tokenize` finds in it, by the names that they have
/// here.
#[test]
fn tokens_are_those_of_python() {
    let options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    for (source, expected) in rows(include_str!("../cases/tokens.txt")) {
        for line in [format!("{source}\n"), format!("({source}\n)\n")] {
            let mut lexer = Lexer::new(line.as_bytes(), options).unwrap();
            let mut found = Vec::new();
            while !matches!(lexer.token(), Token::End | Token::Newline) {
                found.push(format!("{:?}", lexer.token()));
                lexer.advance().unwrap();
            }
            let found = found.join(" ");
            let inner = found
                .strip_prefix("DelParenOpen ")
                .and_then(|rest| rest.strip_suffix(" DelParenClose"));
            let found = if line.ends_with("\n)\n") {
                inner.unwrap_or(&found)
            } else {
                &found
            };
            assert_eq!(found, expected, "{line}");
        }
    }
}
