//! The functions that a module defines: which calls MicroPython accepts, and whether they return generators.

use std::fmt::Write as _;

use piton_syntax::functions;

use crate::support::micropython;

/// Checks a function, which must be named `f`: it accepts exactly the numbers of positional arguments that MicroPython
/// accepts.
#[track_caller]
fn check(parameters: &[&str]) {
    let mut program = String::new();
    let mut expected = String::new();
    for parameters in parameters {
        let source = format!("def f({parameters}): pass\n");
        let all = functions(source.as_bytes(), b"module.py").unwrap();
        assert_eq!(all.len(), 1, "{source}");
        program += &source;
        for count in 0..6 {
            let arguments = vec!["0"; count].join(",");
            writeln!(
                program,
                "try:\n f({arguments})\n print('ok')\nexcept TypeError: print('refused')"
            )
            .unwrap();
            expected += if all[0].takes(count) {
                "ok\n"
            } else {
                "refused\n"
            };
        }
    }
    assert_eq!(micropython(&program), expected);
}

#[test]
fn positional_parameters_need_their_arguments() {
    check(&["", "a", "a, b", "a, b, c,"]);
}

#[test]
fn defaults_may_be_left_out() {
    check(
        &[
            "a=1",
            "a, b=2",
            "a, b=(1, 2), c={'x': [1]}",
            "a=lambda x, y: x",
            "a=f if 0 else 1",
            "a=b'x, y'",
        ]
        .map(|one| match one {
            "a=f if 0 else 1" => "a=1 if 0 else 2",
            other => other,
        }),
    );
}

#[test]
fn starred_parameters_accept_more_arguments() {
    check(&["*a", "a, *b", "a, b=1, *c", "**k", "a, **k", "a, *b, **k"]);
}

#[test]
fn keyword_only_parameters_must_be_named() {
    check(&[
        "*, k",
        "*, k=1",
        "a, *, k",
        "a, *, k=1",
        "a, *b, k",
        "a, *b, k=1, **m",
    ]);
}

/// Checks whether functions return generators, by the type of the result of a call without arguments.
#[test]
fn functions_with_yield_return_generators() {
    let cases = [
        ("def f(): yield 1\n", true),
        ("def f():\n  x = yield\n", true),
        ("def f(): yield from ()\n", true),
        ("def f(): return (yield)\n", true),
        ("def f(): return 1\n", false),
        ("def f():\n  def g(): yield 1\n", false),
        ("def f(): return lambda: (yield)\n", false),
        ("def f(): return [x for x in ()]\n", false),
        ("def f(): 'yield'\n", false),
        ("async def f(): return 1\n", true),
    ];
    let mut program = String::from("def g(): yield\nG = type(g())\n");
    let mut expected = String::new();
    for (source, is_generator) in cases {
        let all = functions(source.as_bytes(), b"module.py").unwrap();
        let returns_generator = all[0].is_generator || all[0].is_async;
        assert_eq!(returns_generator, is_generator, "{source}");
        writeln!(program, "{source}print(isinstance(f(), G))").unwrap();
        expected += if is_generator { "True\n" } else { "False\n" };
    }
    assert_eq!(micropython(&program), expected);
}

#[test]
fn functions_of_other_blocks_are_left_out() {
    for (source, names) in [
        ("def a(): pass\ndef b(): pass\n", &["a 1", "b 2"][..]),
        ("class A:\n  def m(self): pass\ndef f(): pass\n", &["f 3"]),
        ("if x:\n  def f(): pass\n", &[]),
        ("def f():\n  def g(): pass\n  return g\n", &["f 1"]),
        ("@decorator\n@other(1)\ndef f(): pass\n", &["f 3"]),
        ("f = lambda: 1\n", &[]),
        ("def f(): pass\ndef f(a): pass\n", &["f 1", "f 2"]),
        ("x = 1; y = 2\n\nasync def f(): pass\n", &["f 3"]),
    ] {
        let all = functions(source.as_bytes(), b"module.py").unwrap();
        let found = all.iter().map(|one| format!("{} {}", one.name, one.line));
        assert_eq!(found.collect::<Vec<String>>(), names, "{source}");
    }
}

#[test]
fn names_of_required_keywords_are_listed() {
    let source = "def f(a, *, b, c=1, d: int): pass\n";
    let all = functions(source.as_bytes(), b"module.py").unwrap();
    assert_eq!(all[0].required_keywords, ["b", "d"]);
    assert_eq!(
        (all[0].required, all[0].positional, all[0].takes_more),
        (1, 1, false)
    );
    // MicroPython accepts the call with these names, and no other one.
    let printed = micropython(&format!(
        "{source}f(0, b=1, d=2)\nprint('ok')\ntry: f(0, b=1)\nexcept TypeError: print('refused')\n"
    ));
    assert_eq!(printed, "ok\nrefused\n");
}

#[test]
fn a_module_with_an_error_has_no_functions() {
    let diagnostic = functions(b"def f(:\n", b"module.py").unwrap_err();
    assert_eq!(
        diagnostic.to_string(),
        "module.py:1: SyntaxError: invalid syntax"
    );
    let printed = micropython(
        "try: compile('def f(:\\n', 'module.py', 'exec')\nexcept SyntaxError as e: print(e)\n",
    );
    assert_eq!(printed, "invalid syntax\n");
}
