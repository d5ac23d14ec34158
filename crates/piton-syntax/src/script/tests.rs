use super::*;

/// Returns what is read of a source: a line for each statement.
fn outline(source: &str) -> String {
    let lines = read(source.as_bytes()).into_iter().map(|statement| {
        let text = match &statement.kind {
            StatementKind::Expression(expression) => show(expression),
            StatementKind::Assignment { targets, value } => {
                let targets = targets.iter().map(|target| show(target) + " = ");
                targets.collect::<String>() + &show(value)
            }
            StatementKind::Nothing => "nothing".to_owned(),
            StatementKind::Keyword(keyword) => format!("keyword {keyword}"),
            StatementKind::Decorator => "decorator".to_owned(),
            StatementKind::Unreadable(problem) => format!("? {problem}"),
        };
        format!("{}| {text}", statement.line)
    });
    lines.collect::<Vec<String>>().join("\n")
}

fn show(expression: &Expression) -> String {
    let list = |items: &[Expression]| items.iter().map(show).collect::<Vec<String>>().join(", ");
    match &expression.kind {
        ExpressionKind::Literal(value) => format!("{value:?}"),
        ExpressionKind::List(items) => format!("[{}]", list(items)),
        ExpressionKind::Tuple(items) => format!("({},)", list(items)),
        ExpressionKind::Set(items) => format!("set({})", list(items)),
        ExpressionKind::Dict(items) => {
            let items = items.iter().map(|item| match &item.value {
                Some(value) => format!("{}: {}", show(&item.key), show(value)),
                None => show(&item.key),
            });
            format!("{{{}}}", items.collect::<Vec<String>>().join(", "))
        }
        ExpressionKind::Name(name) => name.clone(),
        ExpressionKind::Attribute(base, name) => format!("{}.{name}", show(base)),
        ExpressionKind::Subscript(base, index) => format!("{}[{}]", show(base), show(index)),
        ExpressionKind::Call(call) => {
            let arguments = call.arguments.iter().map(|argument| match &argument.name {
                Some(name) => format!("{name}={}", show(&argument.value)),
                None => show(&argument.value),
            });
            let arguments = arguments.collect::<Vec<String>>().join(", ");
            format!("{}({arguments})", show(&call.function))
        }
        ExpressionKind::Unreadable(problem) => format!("<{problem}>"),
    }
}

#[test]
fn calls_have_their_arguments_in_order_with_lines() {
    insta::assert_snapshot!(outline(r#"
"""A library."""
metadata(
    description="Unit tests, with \"quotes\"\n",  # ) is not the end
    version='0.10.3', pypi=None, size=-1, ratio=1.5e3,
)

require("argparse"); require('fnmatch',)
freeze("$(PORT_DIR)/modules", ("x.py", "y" '/z.py'), opt=3)
options.defaults(a=True)(b)[0]
f(a=1, 'late', *more, **others, c.d=1, g == 2)
"#), @r#"
    2| Text("A library.")
    3| metadata(description=Text("Unit tests, with \"quotes\"\n"), version=Text("0.10.3"), pypi=None, size=Integer(Small(-1)), ratio=Float(1500.0))
    8| require(Text("argparse"))
    8| require(Text("fnmatch"))
    9| freeze(Text("$(PORT_DIR)/modules"), (Text("x.py"), Text("y/z.py"),), opt=Integer(Small(3)))
    10| options.defaults(a=Bool(true))(b)[Integer(Small(0))]
    11| f(a=Integer(Small(1)), Text("late"), <line 11: expected a value, found `*more`>, <line 11: expected a value, found `**others`>, <line 11: expected a value, found `c.d`>, <line 11: expected a value, found `g == 2`>)
    "#);
}

#[test]
fn literals_of_both_pythons() {
    insta::assert_snapshot!(outline(r#"
x = 0xFF, 0o17, 0b11, 1_000, 123456789012345678901234567890, -0.5, .5, 1e3, 2j, ...
x = 'a' 'b', R'\d', U'\u00e9\x41', b'\xff', Rb'\n', f'plain', F"f" 'g', """a
b"""
x = '\N{DASH}', f'{a}', '\ud800', 'a' b'b', 0777, 1if, t'a'
x = [], (), {}, {1}, {1: 2, 'a': (3,)}, (4), ((5)), [[6], ]
x = True, False, None
"#), @r#"
    2| x = (Integer(Small(255)), Integer(Small(15)), Integer(Small(3)), Integer(Small(1000)), Integer(Big(123456789012345678901234567890)), Float(-0.5), Float(0.5), Float(1000.0), Imaginary(2.0), Ellipsis,)
    3| x = (Text("ab"), Text("\\d"), Text("éA"), Bytes([255]), Bytes([92, 110]), Text("plain"), Text("fg"), Text("a\nb"),)
    5| x = (<line 5: `\N{...}` needs Python>, <line 5: an f-string needs Python>, <line 5: this string is not Unicode text>, <line 5: expected nothing more after the literal, found `b'b'`>, <line 5: expected a value, found `0777`>, <line 5: expected a value, found `1if`>, <line 5: expected a value, found `t'a'`>,)
    6| x = ([], (,), {}, set(Integer(Small(1))), {Integer(Small(1)): Integer(Small(2)), Text("a"): (Integer(Small(3)),)}, Integer(Small(4)), Integer(Small(5)), [[Integer(Small(6))]],)
    7| x = (Bool(true), Bool(false), None,)
    "#);
}

#[test]
fn only_the_item_that_needs_python_is_skipped() {
    insta::assert_snapshot!(outline(r#"
x = {
    "good": "ls", "bad": "connect " + PORT, f"{a}": 1, PORT: 2, **more, "lambda": lambda a: b,
    "if": 1 if a else 2, "list": [y for y in z], "slice": a[1:2], 3,
}
x = 'a'.upper(), not a, -a, a.b, a[0, 1], f(x for x in y)
"#), @r#"
    2| x = {Text("good"): Text("ls"), Text("bad"): <line 3: expected nothing more after the literal, found `+ PORT`>, <line 3: an f-string needs Python>: Integer(Small(1)), PORT: Integer(Small(2)), <line 3: expected a value, found `**more`>, Text("lambda"): <line 3: expected a value, found `lambda a: b`>, Text("if"): <line 4: expected nothing more after the literal, found `if a else 2`>, Text("list"): [<line 4: expected a value, found `y for y in z`>], Text("slice"): a[<line 4: expected nothing more after the literal, found `:2`>], Integer(Small(3))}
    6| x = (<line 6: expected nothing more after the literal, found `.upper()`>, <line 6: expected a value, found `not a`>, <line 6: expected a value, found `-a`>, a.b, a[(Integer(Small(0)), Integer(Small(1)),)], f(<line 6: expected a value, found `x for x in y`>),)
    "#);
}

#[test]
fn assignments_have_their_targets_and_values() {
    insta::assert_snapshot!(outline(
        "\u{feff}a = b = 1 \\\n\n x = 2\r\nc: dict[str, int] = {}; d: int\nd['k'] = e.f = 3\na, b = 1,\n\
        a |= {}\na += 1\n(a) = 1\nf() = 2\npass; pass pass\na b\nx: y = z: w\n"
    ), @r#"
    1| a = b = Integer(Small(1))
    3| ? line 3: unexpected indentation
    4| c = {}
    4| nothing
    5| d[Text("k")] = e.f = Integer(Small(3))
    6| (a, b,) = (Integer(Small(1)),)
    7| <line 7: expected a value, found `a |= {}`>
    8| <line 8: expected a value, found `a += 1`>
    9| a = Integer(Small(1))
    10| f() = Integer(Small(2))
    11| nothing
    11| ? line 11: expected a value, found `pass`
    12| <line 12: expected a value, found `a b`>
    13| ? line 13: expected a value, found `x: y = z: w`
    "#);
}

#[test]
fn statements_that_need_python_take_their_blocks_with_them() {
    insta::assert_snapshot!(outline(
        "import os, sys; x = 1\nif a: b = 1; c = 2\nif a:\n    b = (1\n)\n\n    c = 2\nelse:\n  d\n@f\ndef g():\n    pass\n\
         match = 1\nmatch x:\n    case 1: pass\nmatch(x)\nfor a in b:\n  'text'\nlate = 1\n"
    ), @r"
    1| keyword import
    1| x = Integer(Small(1))
    2| keyword if
    3| keyword if
    8| keyword else
    10| decorator
    11| keyword def
    13| match = Integer(Small(1))
    14| keyword match
    16| match(x)
    17| keyword for
    19| late = Integer(Small(1))
    ");
}

#[test]
fn invalid_statements_are_reported_with_their_line() {
    insta::assert_snapshot!(
        [
            "a = {'b': 'c'",
            "a = 'b\nc = 1\n",
            "a = '''b\nc = 1\n",
            "f(a))\nb = 1",
            "a = $ + 1\nb = 1",
            "if a:\n  b = '\nc = 1",
            "a = 1 \\",
            "[1)\n(2]\n{3)\nf(4]\na[5)\n",
            "(;)\n{:}\n{::}\nf(=)\n[=]\na[;]\n",
        ]
        .map(|source| format!("{source:?}\n{}", outline(source)))
        .join("\n\n"),
        @r#"
    "a = {'b': 'c'"
    1| ? line 1: this bracket is not closed

    "a = 'b\nc = 1\n"
    1| ? line 1: this string is not closed
    2| c = Integer(Small(1))

    "a = '''b\nc = 1\n"
    1| ? line 1: this string is not closed

    "f(a))\nb = 1"
    1| ? line 1: nothing is open that this bracket closes
    2| b = Integer(Small(1))

    "a = $ + 1\nb = 1"
    1| ? line 1: a character that means nothing in Python
    2| b = Integer(Small(1))

    "if a:\n  b = '\nc = 1"
    1| keyword if
    2| ? line 2: this string is not closed
    3| c = Integer(Small(1))

    "a = 1 \\"
    1| ? line 2: the file ends in the middle of a statement

    "[1)\n(2]\n{3)\nf(4]\na[5)\n"
    1| <line 1: expected a value, found `[1)`>
    2| <line 2: this bracket is not closed>
    3| <line 3: expected a value, found `{3)`>
    4| <line 4: expected a value, found `f(4]`>
    5| <line 5: expected a value, found `a[5)`>

    "(;)\n{:}\n{::}\nf(=)\n[=]\na[;]\n"
    1| <line 1: expected a value, found `;`>
    2| {<line 2: expected a value, found the end>: <line 2: expected a value, found the end>}
    3| {<line 3: expected a value, found the end>: <line 3: expected a value, found `:`>}
    4| f(<line 4: expected a value, found the end>)
    5| [<line 5: expected a value, found `=`>]
    6| a[<line 6: expected a value, found `;`>]
    "#
    );
}

#[test]
fn names_have_the_values_they_are_given() {
    let statements = read(b"x = [PORT, {PORT: 'a'}]\n");
    let StatementKind::Assignment { value, .. } = &statements[0].kind else {
        panic!("{statements:?}");
    };
    let problem = value.value(&Names::new()).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "line 1: expected a value, found `PORT`"
    );
    let port = Value::Text("p".to_owned());
    let names = Names::from([("PORT".to_owned(), port.clone())]);
    let pair = (port.clone(), Value::Text("a".to_owned()));
    let expected = Value::List(vec![port, Value::Dict(vec![pair])]);
    assert_eq!(value.value(&names), Ok(expected));
}

#[test]
fn any_text_is_read_without_recursion() {
    for part in [
        "(", "[", "{1:", "{", "f(", "a[", "f(x=", ".a", "-", "not ", "a,", "()", "[0]",
    ] {
        let source = "x = a".to_owned() + &part.repeat(100_000);
        assert!(!read(source.as_bytes()).is_empty(), "{part}");
    }
    let symbols: Vec<char> = "c = {[(\"'\\\n#f\"\"\"'''{}:=,;é\u{0}-.@1)]"
        .chars()
        .collect();
    let mut state = 1_u32;
    for _ in 0..5000 {
        let text: String = (0..24)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                symbols[(state >> 8) as usize % symbols.len()]
            })
            .collect();
        for statement in read(text.as_bytes()) {
            assert!(statement.line >= 1);
        }
    }
}

/// Pieces of scripts. Random mixtures of them are read as far as they can be: see `fuzz/fuzz_targets/read_script.rs`.
const PIECES: &[&str] = &[
    "x",
    "y",
    "module",
    "require",
    "=",
    "==",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "*",
    "**",
    "-",
    "+",
    "/",
    "//",
    "%",
    "@",
    ";",
    "\n",
    "\r",
    "\r\n",
    "\\\n",
    "\t",
    "  ",
    " ",
    "    ",
    "#",
    "# comment\n",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "\\",
    "b'",
    "r'",
    "rb\"",
    "f'",
    "u'",
    "'a'",
    "\"b\"",
    "b'\\xff'",
    "'\\N{DASH}'",
    "'\\u20ac'",
    "'\\x'",
    "0",
    "1",
    "007",
    "0x",
    "0xff",
    "0b1",
    "0o7",
    "1_000",
    "1__0",
    "1.5",
    "1e",
    "1e999",
    ".5",
    "1j",
    "1e-400",
    "99999999999999999999999999999999",
    "True",
    "False",
    "None",
    "...",
    "if ",
    "else:",
    "for ",
    "def f():",
    "class C:",
    "import os",
    "with a as b:",
    "lambda: 0",
    "pass",
    "return",
    "not ",
    "and ",
    "x: int",
    "x = y = ",
    "x.y = 1\n",
    "x[0] = 1\n",
    "f(a=1, b=2)\n",
    "f(*a, **b)\n",
    "(1, 2)",
    "[1, [2, [3]]]",
    "{'a': 1}",
    "{1, 2}",
    "()",
    "1 if x else 2",
    "x + x",
    "[x, x]",
    "'a' 'b'",
    "\u{feff}",
    "\u{20ac}",
    "\0",
    "\u{c}",
];

#[test]
fn random_mixtures_are_read_to_their_end() {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut next = |limit: usize| {
        // Marsaglia, "Xorshift RNGs" (2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    for _ in 0..ROUNDS {
        let mut source = Vec::new();
        for _ in 0..next(40) {
            source.extend_from_slice(PIECES[next(PIECES.len())].as_bytes());
        }
        if next(4) == 0 && !source.is_empty() {
            let at = next(source.len());
            source[at] = next(256) as u8;
        }
        check_any(&source);
    }
}

/// How many mixtures are read.
const ROUNDS: usize = 3000;

/// Reading ends, lines are lines of the source, and what is left of a value can be shown.
fn check_any(source: &[u8]) {
    let shown = source.escape_ascii();
    let ends = source.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
    let last_line = ends.count() + 2;
    let mut names = Names::new();
    let mut line = 1;
    for statement in read(source) {
        assert!(statement.line >= line, "statements are in order: {shown}");
        line = statement.line;
        assert!(line as usize <= last_line, "{line}: {shown}");
        match statement.kind {
            StatementKind::Expression(expression) => evaluate(&expression, &names),
            StatementKind::Assignment { targets, value } => {
                evaluate(&value, &names);
                for target in &targets {
                    if let (Some(name), Ok(value)) = (target.as_name(), value.value(&names)) {
                        names.insert(name.to_owned(), value);
                    }
                }
            }
            StatementKind::Unreadable(problem) => assert!(!problem.to_string().is_empty()),
            StatementKind::Nothing | StatementKind::Keyword(_) | StatementKind::Decorator => {}
        }
        // Names that are set to lists of each other grow without end.
        names.retain(|_, value| format!("{value:?}").len() < 10_000);
    }
}

fn evaluate(expression: &Expression, names: &Names) {
    match expression.value(names) {
        Ok(value) => assert!(!format!("{value:?}").is_empty()),
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
    if let ExpressionKind::Call(call) = &expression.kind {
        for argument in &call.arguments {
            evaluate(&argument.value, names);
        }
    }
}
