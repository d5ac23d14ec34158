//! The literal codec: what it reads, what it writes, what it refuses, and that nothing makes it panic.

use std::collections::BTreeMap;

use piton_board::literal::{
    DEPTH_LIMIT, Int, LiteralError, Value, from_literal, from_value, parse, py_bytes, py_str,
    to_literal, to_literal_with_data,
};
use serde::{Deserialize, Serialize};

/// Read `text`, and compare what is written back with `written`.
#[track_caller]
fn check(text: &str, written: &str) {
    match parse(text.as_bytes()) {
        Ok(value) => assert_eq!(value.to_string(), written, "for {text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// The texts that are written as they were read.
#[track_caller]
fn check_same(texts: &[&str]) {
    for text in texts {
        check(text, text);
    }
}

#[track_caller]
fn check_error(text: &[u8], message: &str) {
    match parse(text) {
        Ok(value) => panic!("{} was read as {value}", text.escape_ascii()),
        Err(error) => assert_eq!(error.to_string(), message, "for {}", text.escape_ascii()),
    }
}

#[test]
fn constants_and_containers_are_read_and_written() {
    check_same(&[
        "None",
        "True",
        "False",
        "...",
        "()",
        "(1,)",
        "(1, 2)",
        "[]",
        "[None]",
        "[1, [2, [3]]]",
        "{}",
        "{1: 2}",
        "{'a': {'b': ()}, (1, 2): [3]}",
        "{1, 2}",
        "set()",
        "frozenset()",
        "frozenset({1})",
    ]);
    check("Ellipsis", "...");
    check("  \r\n\t[ 1 ,\n 2 , ] \r\n", "[1, 2]");
    check("(1 , )", "(1,)");
    check("(1)", "1");
    check("((((1))))", "1");
    check("{1 :2 , }", "{1: 2}");
    check("{ 1 , }", "{1}");
    check("set([1, 2])", "{1, 2}");
    check("frozenset((1, 2))", "frozenset({1, 2})");
    check("OrderedDict({'b': 1, 'a': 2})", "{'b': 1, 'a': 2}");
}

#[test]
fn attribute_tuples_are_read() {
    check(
        "(sysname='rp2', version=(1, 29, 0, ''))",
        "('rp2', (1, 29, 0, ''))",
    );
    check("Point(x=1, y=-2)", "(1, -2)");
    check("(a=1)", "(1,)");
    let value = parse(b"(name='micropython', _mpy=7942,)").unwrap();
    assert_eq!(
        value,
        Value::NamedTuple(vec![
            ("name".to_owned(), Value::Str("micropython".to_owned())),
            ("_mpy".to_owned(), Value::Int(Int::from(7942))),
        ])
    );
}

#[test]
fn integers_are_read_and_written() {
    check_same(&[
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "170141183460469231731687303715884105727",
        "-170141183460469231731687303715884105728",
        "170141183460469231731687303715884105728",
        "-170141183460469231731687303715884105729",
        "340282366920938463463374607431768211456",
        "123456789012345678901234567890123456789012345678901234567890",
    ]);
    check("0xFF", "255");
    check("-0o17", "-15");
    check("0b1_01", "5");
    check("1_000_000", "1000000");
    check("000", "0");
    check("+-+-3", "3");
    check("- 5", "-5");
    check(
        "0x1_0000_0000_0000_0000_0000_0000_0000_0000",
        "340282366920938463463374607431768211456",
    );
    check(
        "-0x80000000000000000000000000000000",
        "-170141183460469231731687303715884105728",
    );
}

#[test]
fn integers_compare_at_any_size() {
    let texts = [
        "-999999999999999999999999999999999999999999",
        "-170141183460469231731687303715884105729",
        "-170141183460469231731687303715884105728",
        "-1",
        "0",
        "7",
        "170141183460469231731687303715884105727",
        "170141183460469231731687303715884105728",
        "999999999999999999999999999999999999999999",
    ];
    let numbers: Vec<Int> = texts
        .iter()
        .map(|text| from_literal(text.as_bytes()).unwrap())
        .collect();
    assert!(numbers.is_sorted());
    let mut backwards = numbers.clone();
    backwards.reverse();
    backwards.sort();
    assert_eq!(backwards, numbers);
    assert_eq!(Int::from(u128::MAX).to_u128(), Some(u128::MAX));
    assert_eq!(Int::from(u128::MAX).to_i128(), None);
    assert_eq!(numbers[0].to_f64(), -1e42);
}

#[test]
fn floats_are_read_and_written() {
    check_same(&[
        "1.0",
        "-0.0",
        "0.1",
        "1e21",
        "1e-7",
        "1.7976931348623157e308",
        "5e-324",
    ]);
    check_same(&["float('inf')", "float('-inf')", "float('nan')"]);
    check("inf", "float('inf')");
    check("-inf", "float('-inf')");
    check("nan", "float('nan')");
    check("float( \"-inf\" )", "float('-inf')");
    check("-float('inf')", "float('-inf')");
    check("1.", "1.0");
    check(".5", "0.5");
    check("1_0.2_5e+0_1", "102.5");
    check("1e+20", "1e20");
    check("1E5", "100000.0");
    check("[inf, -inf]", "[float('inf'), float('-inf')]");
}

#[test]
fn complex_numbers_are_read_and_written() {
    check("2j", "complex(0.0, 2.0)");
    check("(1+2j)", "complex(1.0, 2.0)");
    check("-1.5-2.5J", "complex(-1.5, -2.5)");
    check("(nan+infj)", "complex(float('nan'), float('inf'))");
    check("(inf-nanj)", "complex(float('inf'), float('nan'))");
    check("complex(1, float('-inf'))", "complex(1.0, float('-inf'))");
    check("complex(-0.0, 1e300)", "complex(-0.0, 1e300)");
    check("[1 + 2j, 3]", "[complex(1.0, 2.0), 3]");
}

#[test]
fn strings_are_read() {
    check_same(&[
        "''",
        "'abc'",
        "\"it's\"",
        "'both \\' and \"'",
        "'\\\\ \\n \\r \\t \\x00 \\x7f'",
        "'gr\u{fc}n \u{1f600}'",
        "b''",
        "b'\\x00\\xff'",
        "b\"'\"",
        "bytearray(b'')",
        "bytearray(b'abc\\x04')",
    ]);
    check(
        r"'\a\b\f\v\0\101\1012\x41\u20ac\U0001F600\'\'\q'",
        "\"\\x07\\x08\\x0c\\x0b\\x00AA2A\u{20ac}\u{1f600}''\\\\q\"",
    );
    check(r"'\xe9'", "'\u{e9}'");
    check(r"b'\u00e9\N{x}\377'", "b'\\\\u00e9\\\\N{x}\\xff'");
    check(r"r'\n\''", r#""\\n\\'""#);
    check(r"Rb'\xff'", r"b'\\xff'");
    check("u'x'", "'x'");
    check("'a' \"b\"\n'c'", "'abc'");
    check("b'a'b'b'", "b'ab'");
    check("('a' 'b', 'c')", "('ab', 'c')");
    check("'one\\\ntwo\\\r\nthree'", "'onetwothree'");
    check("'''a'b''c\nd'''", "\"a'b''c\\nd\"");
    check("\"\"\"\"\"\"", "''");
    check("bytearray()", "bytearray(b'')");
}

#[test]
fn text_and_bytes_are_quoted() {
    assert_eq!(py_str("it's \"\u{1}\u{fc}\""), "'it\\'s \"\\x01\u{fc}\"'");
    assert_eq!(py_bytes(b"\x03\x04'\n\x80"), "b\"\\x03\\x04'\\n\\x80\"");
    // Whatever goes to a board stays clear of the bytes that its REPL takes for commands.
    let all: Vec<u8> = (0..=255).collect();
    assert!(
        py_bytes(&all)
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte))
    );
    let text: String = (0..0x800).filter_map(char::from_u32).collect();
    assert!(
        py_str(&text)
            .bytes()
            .all(|byte| byte >= b' ' && byte != 0x7f)
    );
    assert_eq!(
        from_literal::<String>(py_str(&text).as_bytes()).unwrap(),
        text
    );
}

#[test]
fn errors_have_an_offset_and_a_cause() {
    check_error(
        b"",
        "not a Python literal: expected a value at byte 0, found the end",
    );
    check_error(
        b"  ",
        "not a Python literal: expected a value at byte 2, found the end",
    );
    check_error(
        b"[1, 2",
        "not a Python literal: expected `,` or `]` at byte 5, found the end",
    );
    check_error(
        b"[1 2]",
        "not a Python literal: expected `,` or `]` at byte 3, found `2]`",
    );
    check_error(
        b"[,]",
        "not a Python literal: expected a value at byte 1, found `,]`",
    );
    check_error(
        b"{1: 2, 3}",
        "not a Python literal: expected `:` at byte 8, found `}`",
    );
    check_error(
        b"1 2",
        "not a Python literal: expected the end at byte 2, found `2`",
    );
    check_error(
        b"'abc",
        "not a Python literal: expected the closing quote at byte 4, found the end",
    );
    check_error(
        b"'a\nb'",
        "not a Python literal: expected the closing quote at byte 2, found `\\nb\\'`",
    );
    check_error(
        b"'\\x4'",
        "not a Python literal: expected a hexadecimal digit at byte 4, found `\\'`",
    );
    check_error(
        b"b'\\777'",
        "not a Python literal: expected an escape of at most `\\377` at byte 2, found `\\\\777\\'`",
    );
    check_error(
        b"'a' b'b'",
        "not a Python literal: expected a string of the same kind at byte 4, found `b\\'b\\'`",
    );
    check_error(
        b"012",
        "not a Python literal: expected a number without leading zeros at byte 0, found `012`",
    );
    check_error(
        b"1__0",
        "not a Python literal: expected a digit at byte 2, found `_0`",
    );
    check_error(
        b"0xfg",
        "not a Python literal: expected a digit of the number's base at byte 3, found `g`",
    );
    check_error(
        b"1 + 2",
        "not a Python literal: expected an imaginary number at byte 2, found `+ 2`",
    );
    check_error(
        b"12abc",
        "not a Python literal: expected the end of the number at byte 2, found `abc`",
    );
    check_error(
        b"<Pin 25>",
        "not a Python literal: expected a value at byte 0, found `<Pin 25>`",
    );
    check_error(
        b"Pin(25)",
        "not a Python literal: expected a value at byte 0, found `Pin(25)`",
    );
    check_error(
        b"nonsense",
        "not a Python literal: expected a value at byte 0, found `nonsense`",
    );
    check_error(
        b"Traceback (most recent call last):\r\n",
        "not a Python literal: expected a value at byte 0, found `Traceback (most rece`",
    );
    check_error(
        b"f'{x}'",
        "not a Python literal: expected a value at byte 0, found `f\\'{x}\\'`",
    );
    check_error(b"'\\ud800'", "str is not Unicode text at byte 1");
    check_error(b"'ab\xff'", "str is not Unicode text at byte 3");
    check_error(b"'\xc3' '\xa9'", "str is not Unicode text at byte 1");
    check_error(
        b"(a=1, 2)",
        "not a Python literal: expected a field's name and `=` at byte 6, found `2)`",
    );
}

#[test]
fn deep_nesting_is_refused() {
    let deep = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
    assert!(parse(&deep(DEPTH_LIMIT)).is_ok());
    assert_eq!(
        parse(&deep(DEPTH_LIMIT + 1)),
        Err(LiteralError::TooDeep {
            at: DEPTH_LIMIT,
            limit: DEPTH_LIMIT
        })
    );
    for opening in ["(", "[", "{", "{1:", "set(", "frozenset([", "(a=", "-"] {
        assert!(parse(opening.repeat(1_000_000).as_bytes()).is_err());
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    pin: u8,
    volts: Option<f32>,
    label: String,
    history: Vec<(i64, f64)>,
    state: State,
    extra: BTreeMap<i32, State>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum State {
    Idle,
    Raised(u16),
    Between(i8, i8),
    Named { who: String },
}

#[test]
fn structs_and_enums_are_read_and_written() {
    let reading = Reading {
        pin: 25,
        volts: Some(0.1),
        label: "\u{b5}".to_owned(),
        history: vec![(1, 0.5), (-2, f64::INFINITY)],
        state: State::Idle,
        extra: BTreeMap::from([
            (1, State::Raised(7)),
            (2, State::Between(-1, 1)),
            (
                3,
                State::Named {
                    who: "x".to_owned(),
                },
            ),
        ]),
    };
    let text = to_literal(&reading).unwrap();
    assert_eq!(
        text,
        "{'pin': 25, 'volts': 0.1, 'label': '\u{b5}', 'history': [(1, 0.5), (-2, float('inf'))], 'state': 'Idle', \
         'extra': {1: {'Raised': 7}, 2: {'Between': (-1, 1)}, 3: {'Named': {'who': 'x'}}}}"
    );
    assert_eq!(from_literal::<Reading>(text.as_bytes()).unwrap(), reading);
    let text = "(pin=1, volts=None, label='a' 'b', history=(), state='Idle', extra={})";
    assert_eq!(
        from_literal::<Reading>(text.as_bytes()).unwrap().label,
        "ab"
    );
    let text = "(1, 2, 'x', [], {'Raised': (3)}, {})";
    assert_eq!(
        from_literal::<Reading>(text.as_bytes()).unwrap().state,
        State::Raised(3)
    );
}

#[test]
fn standard_types_are_read_and_written() {
    assert_eq!(to_literal(&(1,)).unwrap(), "(1,)");
    assert_eq!(to_literal(&Some(())).unwrap(), "None");
    assert_eq!(to_literal(&'x').unwrap(), "'x'");
    assert_eq!(to_literal(&f32::MIN_POSITIVE).unwrap(), "1.1754944e-38");
    assert_eq!(
        to_literal(&u128::MAX).unwrap(),
        "340282366920938463463374607431768211455"
    );
    assert_eq!(
        from_literal::<u128>(b"340282366920938463463374607431768211455").unwrap(),
        u128::MAX
    );
    assert_eq!(
        from_literal::<i128>(b"-170141183460469231731687303715884105728").unwrap(),
        i128::MIN
    );
    assert_eq!(
        from_literal::<u64>(b"18446744073709551615").unwrap(),
        u64::MAX
    );
    assert_eq!(
        from_literal::<(u8, String)>(b"[1, 'x']").unwrap(),
        (1, "x".to_owned())
    );
    assert_eq!(from_literal::<Vec<u8>>(b"b'\\x00\\xff'").unwrap(), [0, 255]);
    assert_eq!(from_literal::<Vec<i8>>(b"{-1}").unwrap(), [-1]);
    assert_eq!(
        from_literal::<(i32, i32)>(b"os.stat_result(a=1, b=2)")
            .err()
            .map(|error| error.to_string()),
        Some(
            "not a Python literal: expected a value at byte 0, found `os.stat_result(a=1, `"
                .to_owned()
        )
    );
    assert_eq!(from_literal::<(i32, i32)>(b"(a=1, b=2)").unwrap(), (1, 2));
    assert_eq!(from_literal::<Option<bool>>(b"None").unwrap(), None);
    assert_eq!(from_literal::<Option<bool>>(b"(True)").unwrap(), Some(true));
    assert_eq!(from_literal::<f64>(b"7").unwrap(), 7.0);
    assert_eq!(from_literal::<f32>(b"16777217").unwrap(), 16777216.0);
    assert_eq!(from_literal::<char>(b"'\\u20ac'").unwrap(), '\u{20ac}');
    assert_eq!(from_literal::<()>(b"None"), Ok(()));
    let dict: BTreeMap<(u8, u8), char> = from_literal(b"{(1, 2): 'x'}").unwrap();
    assert_eq!(dict[&(1, 2)], 'x');
}

#[test]
fn values_in_other_types_stay_exact() {
    let text = "[(1,), [2], {3}, set(), frozenset({4}), b'5', bytearray(b'6'), complex(7.0, -0.0), ..., \
                340282366920938463463374607431768211456, -99999999999999999999999999999999999999999, None, {8: 'x'}]";
    let values: Vec<Value> = from_literal(text.as_bytes()).unwrap();
    assert_eq!(Value::List(values.clone()).to_string(), text);
    let written = to_literal(&values).unwrap();
    assert_eq!(
        from_literal::<Vec<Value>>(written.as_bytes()).unwrap(),
        values
    );
    let named: BTreeMap<String, Value> = from_literal(b"(a=(1), b=(2,))").unwrap();
    assert_eq!(named["a"], Value::Int(Int::from(1)));
    assert_eq!(named["b"], Value::Tuple(vec![Value::Int(Int::from(2))]));
}

#[test]
fn mismatches_have_an_offset() {
    let check = |text: &str, message: &str| {
        let error = from_literal::<Vec<(u8, String)>>(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message, "for {text}");
    };
    check(
        "7",
        "unexpected value at byte 0: invalid type: integer `7`, expected a sequence",
    );
    check(
        "[(1, 'a'), (256, 'b')]",
        "unexpected value at byte 12: invalid value: integer `256`, expected u8",
    );
    check(
        "[(1, 2)]",
        "unexpected value at byte 5: invalid type: integer, expected a string",
    );
    check(
        "[(1, 'a', 3)]",
        "unexpected value at byte 10: 3 items, expected 2",
    );
    check(
        "[(1,)]",
        "unexpected value at byte 1: invalid length 1, expected a tuple of size 2",
    );
    check(
        "[(1, 99999999999999999999999999999999999999999999)]",
        "unexpected value at byte 5: invalid type: integer, expected a string",
    );
    let error = from_literal::<State>(b"{'Raised': 'high'}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unexpected value at byte 11: invalid type: string \"high\", expected u16"
    );
    let error = from_literal::<State>(b"'Raised'").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unexpected value at byte 0: expected a dict with the variant's name as the one key, found the name only"
    );
}

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

#[test]
fn no_text_makes_the_parser_panic() {
    const PIECES: &[&str] = &[
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "=",
        "'",
        "\"",
        "'''",
        "\\",
        "\\x",
        "\\u12",
        "b'",
        "rb\"",
        "0x",
        "0b",
        "1",
        "_",
        ".",
        "e",
        "-",
        "+",
        "j",
        "inf",
        "nan",
        "float(",
        "set(",
        "frozenset(",
        "bytearray(",
        "complex(",
        "None",
        "a",
        " ",
        "\n",
        "\u{fc}",
        "...",
        "OrderedDict(",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut read = 0;
    for _ in 0..200_000 {
        let mut text = Vec::new();
        for _ in 0..random.below(12) {
            match random.below(8) {
                0 => text.push(random.below(256) as u8),
                _ => text.extend_from_slice(
                    PIECES[random.below(PIECES.len() as u64) as usize].as_bytes(),
                ),
            }
        }
        if let Ok(value) = parse(&text) {
            read += 1;
            // What can be read can be written, and reads as the same again.
            let written = value.to_string();
            let again = parse(written.as_bytes());
            assert_eq!(again.map(|value| value.to_string()), Ok(written));
            assert!(from_literal::<Value>(&text).is_ok());
        }
        let _ = from_literal::<Reading>(&text);
        let _ = from_literal::<Vec<State>>(&text);
    }
    assert!(read > 1000, "only {read} of the texts were literals");
}

#[test]
fn written_floats_are_read_back() {
    let mut random = Random(1);
    for _ in 0..200_000 {
        let bits = random.next();
        let double = f64::from_bits(bits);
        let text = to_literal(&double).unwrap();
        let again: f64 = from_literal(text.as_bytes()).unwrap();
        assert!(
            again.to_bits() == double.to_bits() || (again.is_nan() && double.is_nan()),
            "{text}"
        );
        let single = f32::from_bits(bits as u32);
        let text = to_literal(&single).unwrap();
        let again: f32 = from_literal(text.as_bytes()).unwrap();
        assert!(
            again.to_bits() == single.to_bits() || (again.is_nan() && single.is_nan()),
            "{text}"
        );
    }
}

#[test]
fn arrays_and_views_are_read() {
    check(
        "array('i', [1, -2])",
        "__import__('array').array('i', [1, -2])",
    );
    check("array('B')", "__import__('array').array('B', [])");
    check(
        "[array('f', [1.5]), 2]",
        "[__import__('array').array('f', [1.5]), 2]",
    );
    check("dict_keys(['a', 1])", "['a', 1]");
    check("dict_values([])", "[]");
    let numbers: Vec<i32> = from_literal(b"array('h', [3, 4])").unwrap();
    assert_eq!(numbers, [3, 4]);
    for wrong in [
        "array()",
        "array(1)",
        "array('i', 1)",
        "array('ii', [])",
        "dict_keys({})",
    ] {
        assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn long_bytes_may_go_beside_the_text() {
    let long = Value::ByteArray(vec![0xff; 65]);
    let array = Value::Array {
        typecode: 'h',
        items: vec![Value::Int(Int::from(-2)); 33],
    };
    let mut data = Vec::new();
    let values = (&long, 1, &array, Value::Bytes(vec![3; 64]));
    assert_eq!(
        to_literal_with_data(&values, "_d", &mut data).unwrap(),
        format!(
            "(bytearray(_d[0]), 1, __import__('array').array('h', _d[1]), b'{}')",
            "\\x03".repeat(64)
        )
    );
    assert_eq!(data, [vec![0xff; 65], b"\xfe\xff".repeat(33)]);
}

#[test]
fn values_are_read_as_their_text_is() {
    for text in [
        "None",
        "[1, -2.5, 'a', b'b', (True, ...), {1: {2}}, frozenset({3}), bytearray(b'c'), (1+2j)]",
        "(sysname='rp2', release=(1, 2))",
        "[(x=1, y={2: (z=3)}), array('h', [3, 4]), (array('b', []),)]",
        "array('h', [3, 4])",
    ] {
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(from_value::<Value>(&value).unwrap(), value, "{text}");
    }
    let bytes = Value::Bytes(b"ab".to_vec());
    assert_eq!(from_value::<Vec<u8>>(&bytes).unwrap(), b"ab");
    assert_eq!(from_value::<String>(&bytes).unwrap(), "ab");
    assert!(from_value::<f32>(&bytes).is_err());
}
