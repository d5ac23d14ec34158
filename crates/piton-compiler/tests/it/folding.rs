//! Expressions of constants: which of them the compiler calculates, and their values, which are MicroPython's.

use std::fmt::Write as _;

use piton_mpy::instruction::{Operand, instructions};
use piton_mpy::module::Module;

use super::support::{function, micropython, module};

/// Returns the instructions of a function besides its loads of constants and its return.
fn operations(module: &Module) -> Vec<&'static str> {
    let code = function(module, "f");
    let all = instructions(&code.opcodes).map(|instruction| instruction.unwrap());
    all.filter(|instruction| {
        !matches!(
            instruction.operand,
            Operand::Object(_) | Operand::SmallInt(_)
        )
    })
    .map(|instruction| instruction.opcode.mnemonic())
    .filter(|name| !name.starts_with("LOAD_CONST") && *name != "RETURN_VALUE")
    .collect()
}

/// Compares the `repr` of expressions with MicroPython's.
#[track_caller]
fn check_values(cases: &[(&str, &str)]) {
    let program = cases
        .iter()
        .fold(String::new(), |mut program, (expression, _)| {
            writeln!(program, "print(repr({expression}))").unwrap();
            program
        });
    let folder = tempfile::tempdir().unwrap();
    let printed = micropython(folder.path(), &program);
    let values: Vec<&str> = cases.iter().map(|(_, value)| *value).collect();
    assert_eq!(printed.lines().collect::<Vec<&str>>(), values);
}

/// Checks that each expression is one constant in the code.
#[track_caller]
fn check_folded(cases: &[(&str, &str)]) {
    for (expression, _) in cases {
        let module = module(&format!("def f(): return {expression}\n"));
        assert_eq!(operations(&module), [""; 0], "{expression}");
    }
    check_values(cases);
}

#[test]
fn operations_on_integers_are_folded() {
    check_folded(&[
        ("1 + 2", "3"),
        ("-1", "-1"),
        ("+5", "5"),
        ("~5", "-6"),
        ("-(-7)", "7"),
        ("2 * 3 + 4", "10"),
        ("2 * (3 + 4)", "14"),
        ("10 - 3 - 2", "5"),
        ("7 // 2", "3"),
        ("-7 // 2", "-4"),
        ("7 // -2", "-4"),
        ("-7 % 3", "2"),
        ("7 % -3", "-2"),
        ("1 << 10", "1024"),
        ("-1 >> 3", "-1"),
        ("0xff & 0x0f", "15"),
        ("0xf0 | 0x0f", "255"),
        ("0xff ^ 0x0f", "240"),
        ("2 ** 10", "1024"),
        ("2 ** 3 ** 2", "512"),
        ("-2 ** 2", "-4"),
    ]);
}

#[test]
fn results_beyond_small_integers_are_objects() {
    check_folded(&[
        ("1 << 30", "1073741824"),
        ("1 << 62", "4611686018427387904"),
        ("1 << 64", "18446744073709551616"),
        ("-(1 << 64)", "-18446744073709551616"),
        ("2 ** 100", "1267650600228229401496703205376"),
        ("(1 << 64) - (1 << 64)", "0"),
        ("(1 << 100) // 3", "422550200076076467165567735125"),
        ("-(1 << 100) % 7", "5"),
        ("~(1 << 70)", "-1180591620717411303425"),
        ("(1 << 70) >> 68", "4"),
        (
            "123456789 * 987654321 * 1000000007",
            "121932631966163686788446883",
        ),
    ]);
}

#[test]
fn constants_of_other_types_are_folded_in_tuples() {
    check_folded(&[
        ("(1, 2)", "(1, 2)"),
        (
            "(1, 'a', None, True, ...)",
            "(1, 'a', None, True, Ellipsis)",
        ),
        ("(1, (2, (3,)))", "(1, (2, (3,)))"),
        ("(1 + 2, -3)", "(3, -3)"),
        ("(b'a', 'b')", "(b'a', 'b')"),
        ("'a' 'b'", "'ab'"),
        ("b'a' b'b'", "b'ab'"),
    ]);
}

#[test]
fn logic_of_constants_is_folded() {
    check_folded(&[
        ("not 1", "False"),
        ("not 0", "True"),
        ("1 and 2", "2"),
        ("0 and 2", "0"),
        ("1 or 2", "1"),
        ("0 or 2", "2"),
        ("'' or 'a'", "'a'"),
        ("None or 3", "3"),
    ]);
}

#[test]
fn other_expressions_are_calculated_on_the_board() {
    for (expression, value, operation) in [
        ("1 < 2", "True", "BINARY_OP"),
        ("1 in (1, 2)", "True", "BINARY_OP"),
        ("'a' + 'b'", "'ab'", "BINARY_OP"),
        ("'a' * 3", "'aaa'", "BINARY_OP"),
        ("(1,) + (2,)", "(1, 2)", "BINARY_OP"),
        ("True + 1", "2", "BINARY_OP"),
        ("-True", "-1", "UNARY_OP"),
        ("[1, 2]", "[1, 2]", "BUILD_LIST"),
        ("{1: 2}", "{1: 2}", "BUILD_MAP"),
        ("(1, 2)[0]", "1", "LOAD_SUBSCR"),
        ("'abc'[1]", "'b'", "LOAD_SUBSCR"),
    ] {
        let module = module(&format!("def f(): return {expression}\n"));
        assert!(operations(&module).contains(&operation), "{expression}");
        check_values(&[(expression, value)]);
    }
}

#[test]
fn errors_of_constants_are_left_to_the_board() {
    for (expression, error) in [
        ("1 // 0", "ZeroDivisionError"),
        ("1 % 0", "ZeroDivisionError"),
        ("1 << -1", "ValueError"),
        ("1 >> -1", "ValueError"),
    ] {
        let module = module(&format!("def f(): return {expression}\n"));
        assert_eq!(operations(&module), ["BINARY_OP"], "{expression}");
        let folder = tempfile::tempdir().unwrap();
        let program =
            format!("try:\n {expression}\nexcept Exception as e:\n print(type(e).__name__)");
        assert_eq!(micropython(folder.path(), &program), format!("{error}\n"));
    }
}

#[test]
fn names_of_constants_are_replaced() {
    for (source, operations_left) in [
        ("X = const(3)\ndef f(): return X + 1\n", &[][..]),
        ("_X = const(3)\ndef f(): return _X * _X\n", &[]),
        (
            "X = const(1 << 40)\nY = const(X + 1)\ndef f(): return Y\n",
            &[],
        ),
        ("X = const('text')\ndef f(): return X\n", &[]),
        ("X = const((1, 2))\ndef f(): return X\n", &[]),
        (
            "from micropython import const\nX = const(3)\ndef f(): return -X\n",
            &[],
        ),
        // A parameter of this name hides the constant; an assignment without `const` makes none.
        ("X = 3\ndef f(): return X\n", &["LOAD_GLOBAL"]),
        (
            "X = const(3)\ndef f(): return x.X\n",
            &["LOAD_GLOBAL", "LOAD_ATTR"],
        ),
    ] {
        let module = module(source);
        let kept: Vec<&str> = operations(&module);
        assert_eq!(kept, operations_left, "{source}");
    }
}

#[test]
fn private_constants_leave_no_assignment() {
    for (source, has_store) in [
        ("_X = const(3)\n", false),
        ("X = const(3)\n", true),
        ("__X = const(3)\n", false),
        ("_X = 3\n", true),
        ("class A:\n  _X = const(3)\n", true),
    ] {
        let module = module(source);
        let code = super::support::bytecode(&module, module.raw_codes.len() - 1);
        let module_code = super::support::listing(&module, super::support::bytecode(&module, 0));
        let all = module_code + &super::support::listing(&module, code);
        assert_eq!(all.contains("STORE_NAME"), has_store, "{source}: {all}");
    }
}

#[test]
fn conditions_of_constants_leave_one_branch() {
    for (source, expected) in [
        ("def f():\n  if 0: return a\n  return b\n", "b"),
        ("def f():\n  if 1: return a\n  else: return b\n", "a"),
        (
            "def f():\n  if False: return a\n  elif x: return b\n  else: return c\n",
            "xbc",
        ),
        (
            "X = const(0)\ndef f():\n  if X: return a\n  return b\n",
            "b",
        ),
        ("def f():\n  while 0: a\n  return b\n", "b"),
        ("def f():\n  if not 0: return a\n  else: return b\n", "a"),
        ("def f():\n  assert 1, a\n  return b\n", "b"),
    ] {
        let module = module(source);
        let listing = super::support::listing(&module, function(&module, "f"));
        let loads = listing
            .split("; ")
            .filter_map(|one| one.strip_prefix("LOAD_GLOBAL "));
        assert_eq!(loads.collect::<String>(), expected, "{source}");
    }
}
