//! Scripts of literals, whose names have the values that MicroPython assigns to them.

use piton_syntax::number::Integer;
use piton_syntax::script::{ExpressionKind, Names, StatementKind, Value, read};

use crate::support::micropython;

/// Runs the assignments of a script: to names, and to items of dicts and lists in names.
fn run(source: &str) -> Names {
    let mut names = Names::new();
    for statement in read(source.as_bytes()) {
        let StatementKind::Assignment { targets, value } = &statement.kind else {
            continue;
        };
        let value = value.value(&names).unwrap();
        for target in targets {
            match &target.kind {
                ExpressionKind::Name(name) => {
                    names.insert(name.clone(), value.clone());
                }
                ExpressionKind::Subscript(base, key) => {
                    let key = key.value(&names).unwrap();
                    let Some(Value::Dict(items)) = names.get_mut(base.as_name().unwrap()) else {
                        panic!("{base:?} is not a dict");
                    };
                    items.push((key, value.clone()));
                }
                other => panic!("{other:?} is not a target of these scripts"),
            }
        }
    }
    names
}

/// Returns the text that MicroPython's `show` of [`check`] prints for a value.
fn shown(value: &Value) -> String {
    let sorted = |items: &[Value]| {
        let mut texts: Vec<String> = items.iter().map(shown).collect();
        texts.sort();
        texts.dedup();
        texts.join(" ")
    };
    let all = |items: &[Value]| items.iter().map(shown).collect::<Vec<String>>().join(" ");
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Integer(Integer::Small(number)) => number.to_string(),
        Value::Integer(Integer::Big(number)) => number.to_string(),
        Value::Text(text) => format!("'{text}'"),
        Value::Bytes(bytes) => format!("b'{}'", bytes.escape_ascii()),
        Value::List(items) => format!("[{}]", all(items)),
        Value::Tuple(items) => format!("({})", all(items)),
        Value::Set(items) => format!("set({})", sorted(items)),
        Value::Dict(items) => {
            let mut texts: Vec<(String, String)> = Vec::new();
            for (key, value) in items {
                let (key, value) = (shown(key), shown(value));
                texts.retain(|(known, _)| *known != key);
                texts.push((key, value));
            }
            texts.sort();
            let texts = texts.iter().map(|(key, value)| format!("{key}: {value}"));
            format!("dict({})", texts.collect::<Vec<String>>().join(" "))
        }
        other => panic!("no text for {other:?}"),
    }
}

/// Compares the values of all names of a script with MicroPython's.
#[track_caller]
fn check(source: &str) {
    let names = run(source);
    assert!(!names.is_empty(), "{source}");
    let mut program = format!("{source}\n");
    program += "def show(x):\n\
         \x20if isinstance(x, str): return \"'\" + x + \"'\"\n\
         \x20if isinstance(x, list): return '[' + ' '.join(show(i) for i in x) + ']'\n\
         \x20if isinstance(x, tuple): return '(' + ' '.join(show(i) for i in x) + ')'\n\
         \x20if isinstance(x, set): return 'set(' + ' '.join(sorted(show(i) for i in x)) + ')'\n\
         \x20if isinstance(x, dict): return 'dict(' + ' '.join(k + ': ' + v for k, v in sorted((show(k), show(v)) for k, v in x.items())) + ')'\n\
         \x20return str(x)\n";
    for name in names.keys() {
        program += &format!("print('{name} =', show({name}))\n");
    }
    let expected: String = names
        .iter()
        .map(|(name, value)| format!("{name} = {}\n", shown(value)))
        .collect();
    assert_eq!(micropython(&program), expected, "{source}");
}

#[test]
fn names_have_the_assigned_values() {
    check("a = 1\nb = 'text'\nc = b'bytes'\nd = None\ne = True\nf = False\n");
    check("a = b = c = 7\n");
    check("a = 1\na = 2\n");
    check("a = 1; b = 2; c = 3\n");
    check("a: int = 1\nb: 'a text' = 2\nc: dict[str, int] = {'x': 1}\n");
    check("π = 3\nnaïve = 'ï'\n");
}

#[test]
fn names_in_values_have_their_current_values() {
    check("a = 1\nb = a\na = 2\nc = [a, b]\n");
    check("a = 'x'\nb = {a: a}\nc = (b, b)\n");
    check("a = 1,\nb = a, a\n");
}

#[test]
fn containers_have_their_items_in_order() {
    check("a = [1, 2, 3]\nb = [1, [2, [3, []]]]\nc = []\n");
    check("a = (1, 2)\nb = (1,)\nc = ()\nd = (1)\ne = 1, 2\n");
    check("a = {1, 2, 3}\nb = {1, 1}\nc = {'x'}\n");
    check("a = {}\nb = {'k': 1}\nc = {'k': {'k': []}}\nd = {1: 2, 1: 3}\ne = {'a': 1, 'b': 2, }\n");
    check("a = [\n    1,  # one\n\n    2,\n    # the end\n]\n");
    check("a = {\n    'key': (\n        1,\n        2,\n    ),\n}\n");
}

#[test]
fn items_of_dicts_can_be_assigned() {
    check("a = {}\na['k'] = 1\na['l'] = 2\na['k'] = 3\n");
    check("a = {'k': 1}\nb = a['l'] = [2]\n");
    check("k = 'key'\na = {}\na[k] = a[1] = None\na[1, 2] = 'pair'\n");
}

#[test]
fn lines_may_be_continued() {
    check("a = \\\n    1\nb = (2\n)\nc = 'x' \\\n    'y'\n");
    check("a = '''one\ntwo'''\nb = 'three\\\nfour'\n");
    check("a = ('x'\n     'y'\n     # comment\n     'z')\n");
    check("a = 1\r\nb = [2,\r\n3]\r\n");
}

#[test]
fn comments_and_documentation_have_no_effect() {
    check(
        "'''What this script is.'''\n# A comment.\na = 1  # one\n\n\n'more text'\nb = '# no comment'\n",
    );
    check("a = 1\npass\nb = 2\n...\n");
}

#[test]
fn statements_that_need_python_are_not_assignments() {
    for source in [
        "import sys\n",
        "def f():\n    a = 1\n",
        "class A:\n    a = 1\n",
        "if 1:\n    a = 1\n",
        "for a in [1]: pass\n",
        "while False: a = 1\n",
        "try:\n    a = 1\nexcept E:\n    a = 2\n",
        "with open('x') as a: pass\n",
        "del a\n",
        "assert 1\n",
        "raise E\n",
        "global a\n",
        "return 1\n",
        "@d\ndef f(): pass\n",
        "print('x')\n",
        "lambda: 1\n",
    ] {
        assert!(run(source).is_empty(), "{source}");
    }
}
