//! Literals that the reader of scripts evaluates, with the values that MicroPython has for them.

use std::fmt::Write as _;

use piton_syntax::number::Integer;
use piton_syntax::script::{Names, StatementKind, Value, read};

use crate::support::micropython;

/// Returns the value of an expression.
fn value(source: &str) -> Value {
    let statements = read(source.as_bytes());
    assert_eq!(statements.len(), 1, "{source}");
    match &statements[0].kind {
        StatementKind::Expression(expression) => expression.value(&Names::new()).unwrap(),
        other => panic!("{source} is {other:?}"),
    }
}

/// Returns the text that MicroPython's `show` of [`check`] prints for a value.
fn shown(value: &Value) -> String {
    let all = |items: &[Value]| items.iter().map(shown).collect::<Vec<String>>().join(" ");
    match value {
        Value::None => "None".to_owned(),
        Value::Ellipsis => "Ellipsis".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Integer(Integer::Small(number)) => number.to_string(),
        Value::Integer(Integer::Big(number)) => number.to_string(),
        Value::Text(text) => {
            let codes = text.chars().map(|letter| u32::from(letter).to_string());
            format!("str({})", codes.collect::<Vec<String>>().join(","))
        }
        Value::Bytes(bytes) => {
            let codes = bytes.iter().map(u8::to_string);
            format!("bytes({})", codes.collect::<Vec<String>>().join(","))
        }
        Value::List(items) => format!("list({})", all(items)),
        Value::Tuple(items) => format!("tuple({})", all(items)),
        other => panic!("no text for {other:?}"),
    }
}

/// Compares the values of literals with MicroPython's.
#[track_caller]
fn check(literals: &[&str]) {
    let mut program = String::from(
        "def show(x):\n\
         \x20if isinstance(x, str): return 'str(' + ','.join(str(ord(c)) for c in x) + ')'\n\
         \x20if isinstance(x, bytes): return 'bytes(' + ','.join(str(b) for b in x) + ')'\n\
         \x20if isinstance(x, (list, tuple)): return type(x).__name__ + '(' + ' '.join(show(i) for i in x) + ')'\n\
         \x20return str(x)\n",
    );
    for literal in literals {
        writeln!(program, "print(show({literal}))").unwrap();
    }
    let printed = micropython(&program);
    let mut lines = printed.lines();
    for literal in literals {
        assert_eq!(
            lines.next(),
            Some(shown(&value(literal)).as_str()),
            "{literal}"
        );
    }
}

#[test]
fn integers_have_the_same_values() {
    check(&[
        "0",
        "7",
        "1_000",
        "0x1F",
        "0XfF",
        "0o17",
        "0b101",
        "0B1_1",
        "00",
        "-1",
        "- 5",
        "+5",
        "4611686018427387903",
        "4611686018427387904",
        "-4611686018427387905",
        "0xffff_ffff_ffff_ffff_ffff",
        "123456789012345678901234567890",
    ]);
}

#[test]
fn constants_have_the_same_values() {
    check(&[
        "None",
        "True",
        "False",
        "...",
        "(1, None, ...)",
        "[True, [False, ()]]",
        "(1,)",
    ]);
}

#[test]
fn escapes_in_strings_have_the_same_values() {
    check(&[
        r"''",
        r#""a'b""#,
        r#"'it\'s \"q\"'"#,
        r"'\a\b\t\n\v\f\r\\'",
        r"'\x41\x7e\x00'",
        r"'\101\60\0\08\1234'",
        r"'\u0041\u20ac\U0001f600'",
        r"'\q\ \(\8'",
        "'a\\\nb'",
        "'''a\nb'''",
        r#""""a"b""c""""#,
        "'\u{e9}\u{20ac}\u{1f600}'",
        r"'%s {} \{'",
    ]);
}

#[test]
fn raw_strings_and_bytes_have_the_same_values() {
    check(&[
        r"r'\n\x41'",
        r"r'\''",
        r"r'a\\'",
        r"b'abc\x00\xff'",
        r"b'\101\q'",
        r"b'\u0041'",
        r"rb'\n'",
        r"br'\x41'",
        r"b'a' b'b'",
        r"u'text'",
        r"b'''a
b'''",
    ]);
}

#[test]
fn adjacent_strings_are_joined_in_the_same_way() {
    check(&[
        "'a' 'b'",
        "'a' \"b\" '''c'''",
        "('a'\n 'b')",
        "r'\\n' '\\n'",
        "b'a' b'\\xff'",
        "['a' 'b', 'c']",
    ]);
}

#[test]
fn white_space_and_comments_have_no_effect() {
    check(&[
        "( # comment\n 1 , # another\n 2 )",
        "[1,\n\n   2,\n]",
        "(\t1 ,\\\n 2)",
        "(1, # ) not the end\n 2)",
    ]);
}
