//! The values of literals, held against those that CPython has for them.

use std::fmt::Write as _;

use piton_syntax::Target;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::number::Integer;
use piton_syntax::script::{Names, StatementKind, Value, read};

use crate::cases::rows;

/// A value in the form of the case file: text in ASCII, numbers as Python prints them.
fn canonical(value: &Value) -> String {
    let joined = |items: &[Value], end: &str| {
        items.iter().fold(String::new(), |mut text, item| {
            write!(text, "{}{end}", canonical(item)).unwrap();
            text
        })
    };
    let list = |items: &[Value]| {
        let items: Vec<String> = items.iter().map(canonical).collect();
        items.join(", ")
    };
    match value {
        Value::None => "None".to_owned(),
        Value::Ellipsis => "...".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Integer(Integer::Small(value)) => value.to_string(),
        Value::Integer(Integer::Big(value)) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Imaginary(value) => float(*value) + "j",
        Value::Text(text) => {
            text.chars().fold("\"".to_owned(), |mut all, character| {
                match character {
                    ' '..='~' if !matches!(character, '"' | '\\') => all.push(character),
                    _ => write!(all, "\\u{{{:x}}}", u32::from(character)).unwrap(),
                }
                all
            }) + "\""
        }
        Value::Bytes(bytes) => {
            bytes.iter().fold("b\"".to_owned(), |mut all, &byte| {
                match byte {
                    b' '..=b'~' if !matches!(byte, b'"' | b'\\') => all.push(char::from(byte)),
                    _ => write!(all, "\\x{byte:02x}").unwrap(),
                }
                all
            }) + "\""
        }
        Value::List(items) => format!("[{}]", list(items)),
        Value::Tuple(items) => format!("({})", joined(items, ", ").trim_end()),
        Value::Set(items) => format!("{{{}}}", list(items)),
        Value::Dict(items) => {
            let items = items
                .iter()
                .map(|(key, value)| format!("{}: {}", canonical(key), canonical(value)));
            format!("{{{}}}", items.collect::<Vec<String>>().join(", "))
        }
    }
}

fn float(value: f64) -> String {
    if value.abs() >= 1e16 {
        format!("{value:e}").replace('e', "e+")
    } else {
        format!("{value:?}")
    }
}

/// `tests/cases/values.txt`: a literal, and what CPython's `ast.literal_eval` makes of it.
#[test]
fn values_are_those_of_python() {
    for (literal, expected) in rows(include_str!("../cases/values.txt")) {
        let source = format!("x = {literal}\n");
        let statements = read(source.as_bytes());
        let [statement] = statements.as_slice() else {
            panic!("{literal} is {statements:?}");
        };
        let StatementKind::Assignment { value, .. } = &statement.kind else {
            panic!("{literal} is {statement:?}");
        };
        let value = value.value(&Names::new()).map(|value| canonical(&value));
        assert_eq!(value.as_deref(), Ok(expected), "{literal}");
    }
}

/// A literal is the same in a list, in a call, as a key and over several lines.
#[test]
fn values_are_the_same_everywhere() {
    for (literal, expected) in rows(include_str!("../cases/values.txt")) {
        let source = format!("f([\n{literal}, # comment\n], key=({literal}), )\n");
        let statements = read(source.as_bytes());
        let StatementKind::Expression(expression) = &statements[0].kind else {
            panic!("{literal} is {statements:?}");
        };
        let arguments = &expression.call().unwrap().arguments;
        let value = |index: usize| arguments[index].value.value(&Names::new()).unwrap();
        assert_eq!(canonical(&value(0)), format!("[{expected}]"));
        assert_eq!(canonical(&value(1)), expected);
        assert_eq!(arguments[1].name.as_deref(), Some("key"));
    }
}

/// `tests/cases/strings.txt`: a literal, the kind of its token, and the bytes of its value in hexadecimal digits.
#[test]
fn the_lexer_has_the_bytes_of_strings() {
    let options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    for (literal, expected) in rows(include_str!("../cases/strings.txt")) {
        let source = format!("{literal}\n");
        let lexer = Lexer::new(source.as_bytes(), options).unwrap();
        let digits = lexer.text().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        let found = format!("{:?} {digits}", lexer.token());
        assert_eq!(found.trim_end(), expected.trim_end(), "{literal}");
    }
}
