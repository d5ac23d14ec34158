//! Values of every kind, generated, and what boards print.

use piton_board::literal::{Int, Value, parse};

/// A small generator of numbers, the same on every run (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn text(random: &mut Random) -> String {
    const CHARACTERS: &[char] = &[
        'a',
        'Z',
        '0',
        ' ',
        '\'',
        '"',
        '\\',
        '\n',
        '\r',
        '\t',
        '\0',
        '\u{7f}',
        '\u{1}',
        '\u{4}',
        '{',
        '}',
        '\u{e9}',
        '\u{20ac}',
        '\u{1f600}',
        '\u{85}',
        '\u{2028}',
        '\u{ffff}',
    ];
    let length = random.below(8);
    (0..length)
        .map(|_| CHARACTERS[random.below(CHARACTERS.len() as u64) as usize])
        .collect()
}

fn bytes(random: &mut Random) -> Vec<u8> {
    (0..random.below(8)).map(|_| random.next() as u8).collect()
}

fn int(random: &mut Random) -> Value {
    let number = match random.below(4) {
        0 => Int::from(random.below(10)),
        1 => Int::from(random.next() as i64),
        2 => Int::from((i128::from(random.next() as i64) << 64) | i128::from(random.next())),
        _ => {
            let Value::Int(number) =
                parse(format!("-{}{:019}", random.next(), random.below(1 << 60)).as_bytes())
                    .unwrap()
            else {
                panic!("a number is a number");
            };
            number
        }
    };
    Value::Int(number)
}

fn float(random: &mut Random) -> Value {
    // Sums of few powers of two, which every precision holds and every parser hits.
    Value::Float(match random.below(6) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => 0.0,
        _ => random.below(4096) as f64 / 64.0 - 32.0,
    })
}

/// Distinct keys of one kind: Python takes 1, 1.0 and True for the same key.
fn keys(random: &mut Random) -> Vec<Value> {
    let count = random.below(4) as i64;
    let kind = random.below(3);
    (0..count)
        .map(|index| match kind {
            0 => Value::Int(Int::from(index - 1)),
            1 => Value::Str(format!("{index}{}", text(random))),
            _ => Value::Tuple(vec![
                Value::Int(Int::from(index)),
                Value::Bytes(bytes(random)),
            ]),
        })
        .collect()
}

fn value(random: &mut Random, depth: u64) -> Value {
    let containers = if depth == 0 { 0 } else { 5 };
    let items = |random: &mut Random| -> Vec<Value> {
        (0..random.below(4))
            .map(|_| value(random, depth - 1))
            .collect()
    };
    match random.below(10 + containers) {
        0 => Value::None,
        1 => Value::Bool(random.below(2) == 0),
        2 => int(random),
        3 => float(random),
        4 => Value::Str(text(random)),
        5 => Value::Bytes(bytes(random)),
        6 => Value::ByteArray(bytes(random)),
        7 => Value::Ellipsis,
        8 if depth > 0 => Value::Tuple(items(random)),
        9 if depth > 0 => Value::List(items(random)),
        10 | 11 if depth > 0 => Value::Dict(
            keys(random)
                .into_iter()
                .map(|key| (key, value(random, depth - 1)))
                .collect(),
        ),
        12 if depth > 0 => Value::Set(keys(random)),
        number if number % 2 == 0 => Value::FrozenSet(keys(random)),
        _ => Value::Complex {
            real: random.below(64) as f64 / 4.0 + 0.25,
            imaginary: random.below(64) as f64 / 4.0 - 8.0,
        },
    }
}

/// The value with the items of dicts and sets in the order of their text: boards have an order of their own.
fn ordered(value: &Value) -> Value {
    let all = |items: &[Value]| -> Vec<Value> { items.iter().map(ordered).collect() };
    let sorted = |items: &[Value]| -> Vec<Value> {
        let mut items = all(items);
        items.sort_by_key(Value::to_string);
        items
    };
    match value {
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::List(items) => Value::List(all(items)),
        Value::Set(items) => Value::Set(sorted(items)),
        Value::FrozenSet(items) => Value::FrozenSet(sorted(items)),
        Value::Dict(items) => {
            let mut items: Vec<(Value, Value)> = items
                .iter()
                .map(|(key, value)| (ordered(key), ordered(value)))
                .collect();
            items.sort_by_key(|(key, _)| key.to_string());
            Value::Dict(items)
        }
        other => other.clone(),
    }
}

/// Send `count` values by a program for each batch, and compare what comes back.
pub(crate) fn check_corpus(count: usize, batch: usize, mut run: impl FnMut(&str) -> Vec<u8>) {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let values: Vec<Value> = (0..count).map(|_| value(&mut random, 3)).collect();
    for values in values.chunks(batch) {
        let program: String = values
            .iter()
            .map(|value| format!("print(repr({value}))\n"))
            .collect();
        let output = run(&program);
        let lines: Vec<&[u8]> = output
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii_end)
            .collect();
        assert_eq!(
            lines.len(),
            values.len() + 1,
            "{}\n{}",
            program,
            output.escape_ascii()
        );
        let mut program = String::new();
        for (value, line) in values.iter().zip(lines) {
            let read =
                parse(line).unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii()));
            assert_eq!(ordered(&read), ordered(value), "{}", line.escape_ascii());
            // And the other way round: the board finds equal what we make of its text.
            program.push_str(&format!("print({value} == {read})\n"));
        }
        let output = run(&program);
        let equal = String::from_utf8(output).unwrap();
        assert_eq!(
            equal.matches("True").count(),
            values.len(),
            "{program}{equal}"
        );
    }
}

/// Lines that only a board can print, and what they mean.
const PRINTED: [(&str, &str); 8] = [
    (
        "import sys\nprint(sys.implementation[:1])",
        "('micropython',)",
    ),
    (
        "from collections import namedtuple\nprint(namedtuple('P', ['x', 'y'])(1, b'2'))",
        "(1, b'2')",
    ),
    ("print(float('inf'), end=''); print(end='')", "float('inf')"),
    ("print(-float('inf'))", "float('-inf')"),
    ("print(float('nan'))", "float('nan')"),
    (
        "print(2**100, end='\\r\\n\\r\\n')",
        "1267650600228229401496703205376",
    ),
    ("print(repr('\\x00\\'\"\\u20ac'))", "'\\x00\\'\"\u{20ac}'"),
    ("print({1: {2: [3, (4,)]}})", "{1: {2: [3, (4,)]}}"),
];

pub(crate) fn check_printed(mut run: impl FnMut(&str) -> Vec<u8>) {
    for (program, written) in PRINTED {
        let output = run(program);
        let value =
            parse(&output).unwrap_or_else(|error| panic!("{}: {error}", output.escape_ascii()));
        assert_eq!(value.to_string(), written);
    }
}
