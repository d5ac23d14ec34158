//! Random expressions of constants, whose folded values are those that MicroPython calculates.

use std::fmt::Write as _;

use piton_syntax::Target;
use piton_syntax::constants::Constant;
use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::number::Integer;
use piton_syntax::parse::{NodeKind, ParserOptions, parse_file};

use crate::support::{Random, micropython};

/// Returns the integer to which the parser folds an expression; `None` if it leaves the expression to the board.
fn folded(expression: &str) -> Option<String> {
    let lexer_options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let options = ParserOptions {
        small_int_bits: 31,
        rules: Target::NEWEST.rules(),
    };
    let source = format!("x = {expression}\n");
    let lexer = Lexer::new(source.as_bytes(), lexer_options).unwrap();
    let (tree, root) = parse_file(lexer, &mut Interner::default(), options).unwrap();
    let value = tree.child(root.as_struct().unwrap(), 1);
    if let NodeKind::SmallInteger(value) = tree.kind(value) {
        return Some(value.to_string());
    }
    match tree.constant(value).map(|id| tree.constants.get(id)) {
        Some(Constant::Integer(Integer::Small(value))) => Some(value.to_string()),
        Some(Constant::Integer(Integer::Big(value))) => Some(value.to_string()),
        _ => None,
    }
}

/// Compares the folded values of expressions with those that MicroPython calculates from variables, which it cannot fold.
/// Returns how many are folded.
#[track_caller]
fn check(expressions: &[String]) -> usize {
    let mut program = String::from(
        "def show(text):\n try: print(eval(text))\n except Exception as e: print('-')\n",
    );
    let mut values = Vec::new();
    for expression in expressions {
        let Some(value) = folded(expression) else {
            continue;
        };
        // Each number becomes an item of a list, so that MicroPython calculates with objects.
        let (mut with_items, mut numbers) = (String::new(), Vec::new());
        let mut rest = expression.as_str();
        while let Some(first) = rest.chars().next() {
            let length = rest.find(|letter: char| !letter.is_ascii_alphanumeric());
            let length = length.unwrap_or(rest.len());
            match first.is_ascii_digit() {
                true => {
                    write!(with_items, "n[{}]", numbers.len()).unwrap();
                    numbers.push(&rest[..length]);
                    rest = &rest[length..];
                }
                false => {
                    with_items.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        writeln!(program, "n = [{}]\nshow('{with_items}')", numbers.join(",")).unwrap();
        values.push((expression, value));
    }
    let printed = micropython(&program);
    let mut lines = printed.lines();
    for (expression, value) in &values {
        assert_eq!(lines.next(), Some(value.as_str()), "{expression}");
    }
    values.len()
}

/// Returns a random integer literal: small ones, and those around powers of two.
fn number(random: &mut Random) -> String {
    match random.below(5) {
        0 => random.below(10).to_string(),
        1 => random.below(1 << 20).to_string(),
        2 => format!("0x{:x}", random.next()),
        3 => (random.next() as u128 * u128::from(random.next())).to_string(),
        _ => {
            let power = 1_u128 << random.below(100);
            let near = [power - 1, power, power + 1];
            random.choose(&near).to_string()
        }
    }
}

#[test]
fn operations_on_two_integers_have_the_same_results() {
    let mut random = Random(0xf01d);
    let mut expressions = Vec::new();
    for operator in ["+", "-", "*", "//", "%", "&", "|", "^"] {
        for _ in 0..40 {
            let (left, right) = (number(&mut random), number(&mut random));
            for signs in [("", ""), ("-", ""), ("", "-"), ("-", "-"), ("~", "")] {
                expressions.push(format!("{}{left} {operator} {}{right}", signs.0, signs.1));
            }
        }
    }
    assert!(check(&expressions) * 10 > expressions.len() * 9);
}

#[test]
fn shifts_and_powers_have_the_same_results() {
    let mut random = Random(0x5417);
    let mut expressions = Vec::new();
    for _ in 0..200 {
        let (left, count) = (number(&mut random), random.below(130));
        expressions.push(format!("{left} << {count}"));
        expressions.push(format!("-{left} << {count}"));
        expressions.push(format!("{left} >> {count}"));
        expressions.push(format!("-{left} >> {count}"));
        expressions.push(format!("{} ** {}", random.below(50), random.below(40)));
        expressions.push(format!("-{} ** {}", random.below(50), random.below(20)));
    }
    assert!(check(&expressions) * 10 > expressions.len() * 9);
}

#[test]
fn nested_expressions_follow_the_same_precedence() {
    let mut random = Random(0x9e57);
    let expressions: Vec<String> = (0..400)
        .map(|_| {
            let mut text = number(&mut random);
            for _ in 0..=random.below(6) {
                let operator = random.choose(&["+", "-", "*", "//", "%", "&", "|", "^", ">>"]);
                let right = match *operator {
                    ">>" => random.below(70).to_string(),
                    _ => number(&mut random),
                };
                let sign = random.choose(&["", "", "", "-", "~", "+"]);
                text = match random.below(4) {
                    0 => format!("({text}) {operator} {sign}{right}"),
                    1 => format!("{sign}({text} {operator} {right})"),
                    _ => format!("{text} {operator} {sign}{right}"),
                };
            }
            text
        })
        .collect();
    assert!(check(&expressions) * 2 > expressions.len());
}

#[test]
fn results_at_the_limits_of_small_integers_are_the_same() {
    let mut expressions = Vec::new();
    for bits in [14, 15, 29, 30, 31, 32, 46, 47, 61, 62, 63, 64, 65, 127, 128] {
        for value in [(1_u128 << bits.min(127)) - 1, 1_u128 << bits.min(127)] {
            for text in [
                "V", "-V", "~V", "V + 1", "V - 1", "-V - 1", "-V + 1", "V * 2", "-V * V",
                "-V // 1", "--V",
            ] {
                expressions.push(text.replace('V', &value.to_string()));
            }
        }
    }
    assert_eq!(check(&expressions), expressions.len());
}
