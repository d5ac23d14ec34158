//! The lines of instructions: in the tables of a module, and in the tracebacks of MicroPython.

use piton_compiler::{Optimisation, Options, compile};
use piton_mpy::instruction::{Operand, instructions};

use super::support::{bytecode, import_both, module};

/// Checks the line of each instruction of a module's own code that loads or stores a name: `name` and line, in the order of
/// the instructions.
#[track_caller]
fn check(source: &str, expected: &[(&str, u32)]) {
    let module = module(source);
    let code = bytecode(&module, 0);
    let lines = instructions(&code.opcodes).filter_map(|instruction| {
        let instruction = instruction.unwrap();
        let Operand::Qstr(index) = instruction.operand else {
            return None;
        };
        let name = String::from_utf8_lossy(module.qstrs[index as usize].bytes()).into_owned();
        Some((name, code.prelude.line_info.line_at(instruction.offset)))
    });
    let expected = expected
        .iter()
        .map(|(name, line)| ((*name).to_owned(), *line));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        expected.collect::<Vec<_>>(),
        "{source}"
    );
}

#[test]
fn each_statement_has_its_line() {
    check("a\nb\n\n\nc\n", &[("a", 1), ("b", 2), ("c", 5)]);
    check("a; b\nc\n", &[("a", 1), ("b", 1), ("c", 2)]);
    check("\n\n\na\n", &[("a", 4)]);
    check(
        "if a:\n  b\nelse:\n  c\nd\n",
        &[("a", 1), ("b", 2), ("c", 4), ("d", 5)],
    );
    check("while a:\n\n  b\nc\n", &[("b", 3), ("a", 3), ("c", 4)]);
    check("for a in b:\n  c\n", &[("b", 1), ("a", 1), ("c", 2)]);
    check(
        "try:\n  a\nexcept b:\n  c\n",
        &[("a", 2), ("b", 2), ("c", 4)],
    );
}

#[test]
fn an_expression_has_the_line_where_its_statement_begins() {
    check(
        "a(b,\n  c,\n  d)\n",
        &[("a", 1), ("b", 1), ("c", 1), ("d", 1)],
    );
    check("x = (a +\n  b)\n", &[("a", 1), ("b", 1), ("x", 1)]);
    check("x = '''a\nb'''\ny\n", &[("a\nb", 1), ("x", 1), ("y", 3)]);
    check(
        "x = a + \\\n  b\nc\n",
        &[("a", 1), ("b", 1), ("x", 1), ("c", 3)],
    );
}

#[test]
fn tables_skip_any_number_of_lines_and_bytes() {
    for gap in [
        1, 2, 3, 4, 5, 6, 7, 8, 31, 63, 255, 256, 2047, 2048, 2049, 4094, 10_000,
    ] {
        for calls in [1, 2, 5, 6, 7, 13, 40] {
            let before = "a; ".repeat(calls);
            let source = format!("{before}\n{}b\nc\n", "\n".repeat(gap - 1));
            let mut expected = vec![("a", 1); calls];
            expected.extend([("b", 1 + gap as u32), ("c", 2 + gap as u32)]);
            check(&source, &expected);
        }
    }
}

#[test]
fn modules_without_lines_have_no_tables() {
    let source = b"a\n\n\nb\ndef f():\n\n  return c\n";
    for (options, has_lines) in [
        (Options::new("<stdin>"), true),
        (
            Options {
                source_lines: false,
                ..Options::new("<stdin>")
            },
            false,
        ),
        (
            Options {
                optimisation: Optimisation::NoLines,
                ..Options::new("<stdin>")
            },
            false,
        ),
        (
            Options {
                optimisation: Optimisation::NoAssert,
                ..Options::new("<stdin>")
            },
            true,
        ),
    ] {
        let module = compile(source, &options).unwrap();
        for index in 0..module.raw_codes.len() {
            let table = &bytecode(&module, index).prelude.line_info;
            assert_eq!(table.is_empty(), !has_lines, "{options:?}");
        }
    }
}

/// Checks the lines of the traceback that a module prints on MicroPython, as source and compiled.
#[track_caller]
fn check_traceback(source: &str, expected: &[(u32, &str)], error: &str) {
    let printed = import_both(source);
    let frames = printed.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix("File \"module.py\", line ")?;
        let (line, scope) = rest.split_once(", in ")?;
        Some((line.parse().unwrap(), scope.to_owned()))
    });
    let expected = expected
        .iter()
        .map(|(line, scope)| (*line, (*scope).to_owned()));
    assert_eq!(
        frames.collect::<Vec<(u32, String)>>(),
        expected.collect::<Vec<_>>(),
        "{printed}"
    );
    assert_eq!(printed.lines().last(), Some(error), "{source}");
}

#[test]
fn tracebacks_have_the_lines_of_their_statements() {
    check_traceback(
        "x = 1\n\nx.y\n",
        &[(3, "<module>")],
        "AttributeError: 'int' object has no attribute 'y'",
    );
    check_traceback(
        "def f():\n\n    return 1 // 0\n\nf()\n",
        &[(5, "<module>"), (3, "f")],
        "ZeroDivisionError: divide by zero",
    );
    check_traceback(
        "def f(a):\n    return (a +\n            b)\nx = [\n  f(1)]\n",
        &[(5, "<module>"), (2, "f")],
        "NameError: name 'b' isn't defined",
    );
    check_traceback(
        "class A:\n    def m(self):\n        raise ValueError('x')\n\nfor i in range(2):\n    if i: A().m()\n",
        &[(6, "<module>"), (3, "m")],
        "ValueError: x",
    );
    check_traceback(
        "g = (1 // x for x in (1, 0))\nfor y in g:\n    pass\n",
        &[(2, "<module>"), (1, "<genexpr>")],
        "ZeroDivisionError: divide by zero",
    );
    check_traceback(
        "try:\n    raise KeyError\nexcept KeyError:\n    x = 1\nfinally:\n    del y\n",
        &[(6, "<module>")],
        "KeyError: y",
    );
    check_traceback(
        "def f():\n    with C():\n        pass\n    a\nclass C:\n    def __enter__(self): pass\n    def __exit__(self, *a): pass\nf()\n",
        &[(8, "<module>"), (4, "f")],
        "NameError: name 'a' isn't defined",
    );
    check_traceback(
        &format!("x = 1\n{}x.y\n", "\n".repeat(3000)),
        &[(3002, "<module>")],
        "AttributeError: 'int' object has no attribute 'y'",
    );
}
