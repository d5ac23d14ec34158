//! Floats in sources and folded operations on floats, whose bits are those of MicroPython's objects.

use std::fmt::Write as _;

use piton_syntax::Target;
use piton_syntax::constants::Constant;
use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::parse::{NodeKind, ParserOptions, parse_file};

use crate::support::{Random, micropython};

/// Returns the float that the parser has for an expression; `None` if it leaves the expression to the board.
fn float(expression: &str) -> Option<f64> {
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
    if let NodeKind::SmallInteger(_) = tree.kind(value) {
        return None;
    }
    match tree.constant(value).map(|id| tree.constants.get(id)) {
        Some(Constant::Float(value)) => Some(value),
        _ => None,
    }
}

/// Compares the floats of expressions with those of MicroPython, bit by bit. Returns the number of expressions that
/// the parser folds.
#[track_caller]
fn check(expressions: &[String]) -> usize {
    let mut program = String::from(
        "import struct\ndef show(text):\n\
         \x20try: print(''.join('%02x' % b for b in struct.pack('>d', eval(text))))\n\
         \x20except Exception as e: print(repr(e))\n",
    );
    let mut values = Vec::new();
    for expression in expressions {
        if let Some(value) = float(expression) {
            writeln!(program, "show('{expression}')").unwrap();
            values.push((expression, value));
        }
    }
    let printed = micropython(&program);
    let mut lines = printed.lines();
    for (expression, value) in &values {
        let bits = format!("{:016x}", value.to_bits());
        assert_eq!(lines.next(), Some(bits.as_str()), "{expression}: {value:?}");
    }
    assert_eq!(lines.next(), None);
    values.len()
}

/// Checks expressions that the parser folds.
#[track_caller]
fn check_all(expressions: &[&str]) {
    let expressions: Vec<String> = expressions.iter().map(ToString::to_string).collect();
    assert_eq!(check(&expressions), expressions.len());
}

/// Returns a random literal with a point or an exponent.
fn literal(random: &mut Random) -> String {
    let digits = 1 + random.below(19);
    let mut text = String::new();
    let point = random.below(digits + 1);
    for place in 0..digits {
        if place == point {
            text.push('.');
        }
        write!(text, "{}", random.below(10)).unwrap();
    }
    if point == digits || random.below(2) == 0 {
        let sign = random.choose(&["", "-", "+"]);
        let limit = *random.choose(&[3, 30, 330]);
        write!(text, "e{sign}{}", random.below(limit)).unwrap();
    }
    text
}

#[test]
fn literals_have_the_same_bits() {
    check_all(&[
        "0.0",
        "1.0",
        "0.1",
        "0.2",
        "0.3",
        "0.5",
        "1.5",
        "2.5",
        "1e0",
        "1e1",
        "1e22",
        "1e23",
        "1E5",
        "1e+5",
        "1e-5",
        "1.",
        ".1",
        ".5e1",
        "123456789.123456789",
        "0.000001",
        "1e100",
        "1e-100",
        "1_0.0_1",
        "1e1_0",
        "00.5",
        "3.141592653589793",
        "2.718281828459045",
        "1.7976931348623157e308",
    ]);
}

#[test]
fn literals_at_the_limits_of_the_range_have_the_same_bits() {
    check_all(&[
        "1e308",
        "1e309",
        "1e400",
        "9e999",
        "2.2250738585072014e-308",
        "1e-308",
        "1e-320",
        "5e-324",
        "4e-324",
        "1e-324",
        "1e-400",
        "0e999",
        "0.0e-999",
        "1797693134862315800000e287",
    ]);
}

#[test]
fn literals_with_more_digits_than_a_float_has_have_the_same_bits() {
    check_all(&[
        "9007199254740993.0",
        "9007199254740992.5",
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890.0",
        "1.00000000000000011102230246251565404",
        "0.00000000000000000000000000000000000000000001",
        "100000000000000000000000000000000000000000000.0",
        "4.35",
        "0.30000000000000004",
    ]);
}

#[test]
fn random_literals_have_the_same_bits() {
    let mut random = Random(0xf10a7);
    let literals: Vec<String> = (0..2000).map(|_| literal(&mut random)).collect();
    assert_eq!(check(&literals), literals.len());
}

#[test]
fn operations_on_floats_have_the_same_bits() {
    let mut random = Random(0x0f10a7);
    let mut expressions = Vec::new();
    for _ in 0..1500 {
        let (one, other) = (literal(&mut random), literal(&mut random));
        let other = match random.below(4) {
            0 => random.below(1000).to_string(),
            _ => other,
        };
        let operator = random.choose(&["+", "-", "*", "/"]);
        let sign = random.choose(&["", "-", "+"]);
        expressions.push(format!("{sign}{one} {operator} {other}"));
    }
    let folded = check(&expressions);
    assert!(
        folded > 1000,
        "{folded} of {} are folded",
        expressions.len()
    );
}

#[test]
fn divisions_of_integers_have_the_same_bits() {
    let mut random = Random(0xd1f);
    let mut expressions = Vec::new();
    for _ in 0..500 {
        let (one, other) = (random.below(1 << 30), 1 + random.below(1 << 30));
        expressions.push(format!("{one} / {other}"));
    }
    let folded = check(&expressions);
    assert_eq!(folded, expressions.len());
}

#[test]
fn operations_without_a_value_are_left_to_the_board() {
    for expression in ["1.0 / 0", "1 / 0.0", "1.0 // 0", "1.0 % 0.0", "0.0 ** -1"] {
        assert_eq!(float(expression), None, "{expression}");
        let printed = micropython(&format!(
            "try: {expression}\nexcept ZeroDivisionError: print('no value')\n"
        ));
        assert_eq!(printed, "no value\n", "{expression}");
    }
}
