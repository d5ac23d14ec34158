//! What the grammar takes, and where it stops.

use piton_syntax::Target;
use piton_syntax::diagnostic::Place;
use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::parse::{ParserOptions, parse_file};

use crate::cases::rows;

/// `ok`, or the name of the error and the line where the parser stops.
fn outcome(source: &str) -> String {
    let lexer_options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let options = ParserOptions {
        small_int_bits: 31,
        rules: Target::NEWEST.rules(),
    };
    let parsed = Lexer::new(source.as_bytes(), lexer_options)
        .and_then(|lexer| parse_file(lexer, &mut Interner::default(), options));
    match parsed {
        Ok(_) => "ok".to_owned(),
        Err(failure) => match failure.place {
            Place::Input(line) => format!("{} {line}", failure.code.name()),
            _ => failure.code.name().to_owned(),
        },
    }
}

/// The source that a row of the case file stands for: `\n` is a line end, `\t` a tab, `\\` a backslash.
fn unescape(text: &str, line_end: &str) -> String {
    let mut source = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match (character, rest.clone().next()) {
            ('\\', Some('n')) => source += line_end,
            ('\\', Some('t')) => source.push('\t'),
            ('\\', Some('\\')) => source.push('\\'),
            _ => {
                source.push(character);
                continue;
            }
        }
        rest.next();
    }
    source
}

/// `tests/cases/grammar.txt`: a source and its outcome, which is that of the official compiler.
#[test]
fn sources_are_taken_or_refused_at_their_line() {
    let mut wrong = Vec::new();
    for (source, expected) in rows(include_str!("../cases/grammar.txt")) {
        let text = unescape(source, "\n");
        let found = outcome(&text);
        if found != expected {
            wrong.push(format!("{source} => {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same line ends in three kinds, with the same outcome.
#[test]
fn line_ends_of_any_system_are_the_same() {
    for (source, expected) in rows(include_str!("../cases/grammar.txt")) {
        for line_end in ["\r\n", "\r"] {
            let text = unescape(source, line_end);
            assert_eq!(outcome(&text), expected, "{text:?}");
        }
    }
}
