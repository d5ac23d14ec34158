//! Constants that the parser computes, held against the values that CPython has for the same expressions.

use piton_syntax::Target;
use piton_syntax::constants::Constant;
use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::number::{Integer, float_text};
use piton_syntax::parse::{NodeKind, ParserOptions, parse_file};
use piton_syntax::target::Floats;

use crate::cases::rows;

/// The options of MicroPython's compiler for a board of 64 bits.
const OPTIONS: ParserOptions = ParserOptions {
    small_int_bits: 63,
    rules: Target::NEWEST.rules(),
};

/// The number that an expression is folded to, `-` if it is not folded.
fn folded(expression: &str, options: ParserOptions) -> String {
    let lexer_options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let source = format!("x = {expression}\n");
    let mut interner = Interner::default();
    let lexer = Lexer::new(source.as_bytes(), lexer_options).unwrap();
    let (tree, root) = parse_file(lexer, &mut interner, options).unwrap();
    let statement = root.as_struct().unwrap();
    let value = tree.child(statement, 1);
    if let NodeKind::SmallInteger(value) = tree.kind(value) {
        return value.to_string();
    }
    match tree.constant(value).map(|id| tree.constants.get(id)) {
        Some(Constant::Integer(Integer::Small(value))) => value.to_string(),
        Some(Constant::Integer(Integer::Big(value))) => value.to_string(),
        Some(Constant::Float(value)) => float_text(value, Floats::Extended),
        _ => "-".to_owned(),
    }
}

/// `tests/cases/folding.txt`: an expression and its value in CPython, or `-` for what is computed on the board.
#[test]
fn values_are_those_of_python() {
    for (expression, expected) in rows(include_str!("../cases/folding.txt")) {
        assert_eq!(folded(expression, OPTIONS), expected, "{expression}");
    }
}

/// The bits of a board's small integers decide how a constant is stored, never what it is.
#[test]
fn a_value_does_not_depend_on_the_bits_of_small_integers() {
    for (expression, expected) in rows(include_str!("../cases/folding.txt")) {
        for small_int_bits in [16, 31, 47] {
            let options = ParserOptions {
                small_int_bits,
                ..OPTIONS
            };
            assert_eq!(folded(expression, options), expected, "{expression}");
        }
    }
}

#[test]
fn an_earlier_parser_folds_integers_only() {
    let earlier = ParserOptions {
        rules: Target::MicroPython1_25.rules(),
        ..OPTIONS
    };
    for (expression, expected) in [
        ("1 + 2", "3"),
        ("2 ** 64", "18446744073709551616"),
        ("1 / 2", "-"),
        ("4 / 2", "-"),
        ("0.5 + 1", "-"),
        ("2 ** -1", "-"),
        ("0.5", "0.5"),
    ] {
        assert_eq!(folded(expression, earlier), expected, "{expression}");
    }
}

/// The official compiler folds until its memory is full; so large a number is left to the board.
#[test]
fn a_number_of_millions_of_bits_is_not_folded() {
    for expression in [
        "9 ** 9 ** 9",
        "1 << 4000001",
        "2 ** 4000001",
        "(1 << 2500000) * (1 << 2500000)",
        "1 << (1 << 70)",
    ] {
        assert_eq!(folded(expression, OPTIONS), "-", "{expression}");
    }
    assert_eq!(folded("(1 << 3999999) >> 3999990", OPTIONS), "512");
    assert_eq!(folded("0 << 4000001", OPTIONS), "0");
    assert_eq!(folded("5 >> 4000001", OPTIONS), "0");
}
