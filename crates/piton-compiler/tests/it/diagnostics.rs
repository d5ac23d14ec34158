//! Each error of a source with its code, exception, message, line and scope. The official compiler has the same text.

use piton_compiler::{DiagnosticCode, Options, compile};

use super::support::official;

/// Checks the error of a source: its code; its exception and message; its line, with `NAME:` in front if it is in a scope.
#[track_caller]
fn check(source: &str, code: DiagnosticCode, message: &str, location: &str) {
    let diagnostic = compile(source.as_bytes(), &Options::new("<stdin>")).unwrap_err();
    assert_eq!(diagnostic.code, code, "{source}");
    let error_type = diagnostic.error_type().name();
    assert_eq!(
        format!("{error_type}: {}", diagnostic.message),
        message,
        "{source}"
    );
    let place = diagnostic.location.as_ref().unwrap();
    let scope = place.scope.as_deref().map(String::from_utf8_lossy);
    let scope = scope.map_or_else(String::new, |name| format!("{name}:"));
    assert_eq!(format!("{scope}{}", place.line), location, "{source}");
    let text = String::from_utf8(diagnostic.traceback()).unwrap();
    assert_eq!(official(source.as_bytes()), Err(text), "{source}");
}

#[test]
fn the_parser_reports_the_line_of_the_token_that_does_not_fit() {
    const CODE: DiagnosticCode = DiagnosticCode::InvalidSyntax;
    const MESSAGE: &str = "SyntaxError: invalid syntax";
    for (source, line) in [
        ("x = = 1\n", "1"),
        ("\n\nx = (1,\n2\n", "5"),
        ("def f(:\n  pass\n", "1"),
        ("if x\n    y\n", "1"),
        ("if x:\n", "2"),
        ("x = 1\ny = 2 3\n", "2"),
        ("x = (1\n + 2\n + )\n", "3"),
        ("print 'x'\n", "1"),
        ("for x y: pass\n", "1"),
        ("class A(: pass\n", "1"),
        ("import\n", "1"),
        ("from a import\n", "1"),
        ("from import a\n", "1"),
        ("lambda x y: 1\n", "1"),
        ("x = [1, 2\ny = 3\n", "2"),
        ("try: pass\nx = 1\n", "2"),
        ("a.1\n", "1"),
        ("x = 'abc\ny = 1\n", "1"),
        ("x = '''abc\ny = 1\n", "1"),
        ("a = \\\n", "2"),
        ("x = $\n", "1"),
        ("x = ?\n", "1"),
        ("x = 1;; y\n", "1"),
        ("@a\n@b\nx = 1\n", "3"),
        ("async x = 1\n", "1"),
        ("None = = 1\n", "1"),
        ("with a as 1: pass; (\n", "2"),
        ("assert\n", "1"),
        ("global\n", "1"),
        ("nonlocal x,\n", "1"),
        ("raise a b\n", "1"),
        ("while: pass\n", "1"),
        ("else: pass\n", "1"),
        ("return = 1\n", "1"),
    ] {
        check(source, CODE, MESSAGE, line);
    }
}

#[test]
fn indentation_errors_have_their_own_codes() {
    const UNEXPECTED: &str = "IndentationError: unexpected indent";
    const UNMATCHED: &str = "IndentationError: unindent doesn't match any outer indent level";
    for (source, line) in [
        ("  x = 1\n", "1"),
        ("x = 1\n  y = 2\n", "2"),
        ("if x:\n  y\n    z\n", "3"),
        ("\n\n\tx\n", "3"),
    ] {
        check(source, DiagnosticCode::UnexpectedIndent, UNEXPECTED, line);
    }
    // The token that ends a block has the line of the end of the statement in front.
    for (source, line) in [
        ("if x:\n    y\n  z\n", "2"),
        ("if x:\n\ty\n    z\n", "2"),
        ("if a:\n  if b:\n      c\n    d\n", "3"),
    ] {
        check(source, DiagnosticCode::UnmatchedUnindent, UNMATCHED, line);
    }
}

#[test]
fn numbers_are_checked_when_they_are_read() {
    let integer = |base: u32, digits: &str| {
        format!("SyntaxError: invalid syntax for integer with base {base}: '{digits}'")
    };
    for (source, base, digits) in [
        ("x = 0777\n", 0, "0777"),
        ("x = 0x\n", 16, ""),
        ("x = 0xg\n", 16, "g"),
        ("x = 0b2\n", 2, "2"),
        ("x = 0b\n", 2, ""),
        ("x = 0o8\n", 8, "8"),
        ("x = 123abc\n", 10, "123abc"),
    ] {
        check(
            source,
            DiagnosticCode::InvalidInteger,
            &integer(base, digits),
            "1",
        );
    }
    for source in ["x = 1.2.3\n", "x = 1e\n", "x = 1.5x\n", "x = 1e+\n"] {
        let message = "SyntaxError: invalid syntax for number";
        check(source, DiagnosticCode::InvalidNumber, message, "1");
    }
}

#[test]
fn strings_are_checked_when_they_are_read() {
    const FSTRING: &str = "SyntaxError: malformed f-string";
    for source in [
        "x = f'{}'\n",
        "x = f'{!r}'\n",
        "x = f'{:x}'\n",
        "x = f'a{}b'\n",
        "x = t'}'\n",
        "x = rf'{}'\n",
    ] {
        check(source, DiagnosticCode::MalformedFString, FSTRING, "1");
    }
    let name = "NotImplementedError: unicode name escapes";
    let diagnostic = compile(b"x = '\\N{DASH}'\n", &Options::new("<stdin>")).unwrap_err();
    assert_eq!(diagnostic.code, DiagnosticCode::UnicodeNameEscape);
    let text = String::from_utf8(diagnostic.traceback()).unwrap();
    assert!(text.trim_end().ends_with(name), "{text}");
    assert_eq!(official(b"x = '\\N{DASH}'\n"), Err(text));
}

#[test]
fn targets_are_checked_in_their_scope() {
    const ASSIGN: &str = "SyntaxError: can't assign to expression";
    const DELETE: &str = "SyntaxError: can't delete expression";
    const STARS: &str = "SyntaxError: multiple *x in assignment";
    const STARRED: &str = "SyntaxError: *x must be assignment target";
    for (source, code, message, location) in [
        (
            "1 = x\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<module>:1",
        ),
        (
            "f() = x\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<module>:1",
        ),
        (
            "(a + b) = x\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<module>:1",
        ),
        (
            "a + b += x\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<module>:1",
        ),
        (
            "[a] += x\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<module>:1",
        ),
        (
            "for 1 in x: pass\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<module>:1",
        ),
        (
            "def f():\n  None = 1\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "f:1",
        ),
        (
            "with a as 1: pass\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<module>:1",
        ),
        (
            "[x for f() in y]\n",
            DiagnosticCode::CannotAssign,
            ASSIGN,
            "<listcomp>:1",
        ),
        (
            "del 1\n",
            DiagnosticCode::CannotDelete,
            DELETE,
            "<module>:1",
        ),
        (
            "del f()\n",
            DiagnosticCode::CannotDelete,
            DELETE,
            "<module>:1",
        ),
        (
            "class A:\n  del a + b\n",
            DiagnosticCode::CannotDelete,
            DELETE,
            "A:2",
        ),
        (
            "*a, *b = x\n",
            DiagnosticCode::SeveralStarredTargets,
            STARS,
            "<module>:1",
        ),
        (
            "a, (*b, *c) = x\n",
            DiagnosticCode::SeveralStarredTargets,
            STARS,
            "<module>:1",
        ),
        (
            "x = *a\n",
            DiagnosticCode::StarredExpression,
            STARRED,
            "<module>:1",
        ),
        (
            "x = [*a, 1]\n",
            DiagnosticCode::StarredExpression,
            STARRED,
            "<module>:1",
        ),
    ] {
        check(source, code, message, location);
    }
}

#[test]
fn statements_are_checked_for_their_place() {
    for (source, code, message, location) in [
        (
            "break\n",
            DiagnosticCode::OutsideLoop,
            "SyntaxError: 'break'/'continue' outside loop",
            "<module>:1",
        ),
        (
            "while x:\n  def f():\n    continue\n",
            DiagnosticCode::OutsideLoop,
            "SyntaxError: 'break'/'continue' outside loop",
            "f:3",
        ),
        (
            "for x in y: pass\nelse: break\n",
            DiagnosticCode::OutsideLoop,
            "SyntaxError: 'break'/'continue' outside loop",
            "<module>:2",
        ),
        (
            "return\n",
            DiagnosticCode::ReturnOutsideFunction,
            "SyntaxError: 'return' outside function",
            "<module>:1",
        ),
        (
            "class A:\n  x\n  return 1\n",
            DiagnosticCode::ReturnOutsideFunction,
            "SyntaxError: 'return' outside function",
            "A:3",
        ),
        (
            "yield\n",
            DiagnosticCode::YieldOutsideFunction,
            "SyntaxError: 'yield' outside function",
            "<module>:1",
        ),
        (
            "class A:\n\n  x = yield 1\n",
            DiagnosticCode::YieldOutsideFunction,
            "SyntaxError: 'yield' outside function",
            "A:3",
        ),
        (
            "await x\n",
            DiagnosticCode::AwaitOutsideFunction,
            "SyntaxError: 'await' outside function",
            "<module>:1",
        ),
        (
            "def f():\n  async with a: pass\n",
            DiagnosticCode::AsyncOutsideAsync,
            "SyntaxError: async for/with outside async function",
            "f:2",
        ),
        (
            "async for x in y: pass\n",
            DiagnosticCode::AsyncOutsideAsync,
            "SyntaxError: async for/with outside async function",
            "<module>:1",
        ),
        (
            "def f():\n  from a import *\n",
            DiagnosticCode::ImportStar,
            "SyntaxError: import * not at module level",
            "f:2",
        ),
        (
            "try: pass\nexcept: pass\nexcept A: pass\n",
            DiagnosticCode::DefaultExceptNotLast,
            "SyntaxError: default 'except' must be last",
            "<module>:2",
        ),
        (
            "def f():\n  super()\n",
            DiagnosticCode::SuperWithoutSelf,
            "SyntaxError: super() can't find self",
            "f:2",
        ),
    ] {
        check(source, code, message, location);
    }
}

#[test]
fn declarations_of_variables_are_checked() {
    const GLOBAL: &str = "SyntaxError: identifier redefined as global";
    const NONLOCAL: &str = "SyntaxError: identifier redefined as nonlocal";
    const BINDING: &str = "SyntaxError: no binding for nonlocal found";
    const OUTER: &str = "SyntaxError: can't declare nonlocal in outer code";
    for (source, code, message, location) in [
        (
            "def f(a):\n  global a\n",
            DiagnosticCode::RedefinedAsGlobal,
            GLOBAL,
            "f:2",
        ),
        (
            "def f():\n  x = 1\n  global x\n",
            DiagnosticCode::RedefinedAsGlobal,
            GLOBAL,
            "f:3",
        ),
        (
            "def f():\n  global x\n  nonlocal x\n",
            DiagnosticCode::RedefinedAsNonlocal,
            NONLOCAL,
            "f:3",
        ),
        (
            "def f(x):\n  def g(x):\n    nonlocal x\n",
            DiagnosticCode::RedefinedAsNonlocal,
            NONLOCAL,
            "g:3",
        ),
        (
            "def f():\n  nonlocal x\n",
            DiagnosticCode::NoNonlocalBinding,
            BINDING,
            "f:2",
        ),
        (
            "x = 1\ndef f():\n  nonlocal x\n",
            DiagnosticCode::NoNonlocalBinding,
            BINDING,
            "f:3",
        ),
        (
            "nonlocal x\n",
            DiagnosticCode::NonlocalInModule,
            OUTER,
            "<module>:1",
        ),
    ] {
        check(source, code, message, location);
    }
}

#[test]
fn parameters_and_arguments_are_checked() {
    const ARGUMENTS: &[(&str, DiagnosticCode, &str, &str)] = &[
        (
            "f(1=2)\n",
            DiagnosticCode::KeywordNotName,
            "SyntaxError: LHS of keyword arg must be an id",
            "<module>:1",
        ),
        (
            "f(a.b=2)\n",
            DiagnosticCode::KeywordNotName,
            "SyntaxError: LHS of keyword arg must be an id",
            "<module>:1",
        ),
        (
            "f(a=1, 2)\n",
            DiagnosticCode::PositionalAfterKeyword,
            "SyntaxError: positional arg after keyword arg",
            "<module>:1",
        ),
        (
            "f(a=1,\n 2)\n",
            DiagnosticCode::PositionalAfterKeyword,
            "SyntaxError: positional arg after keyword arg",
            "<module>:1",
        ),
        (
            "f(**a, 1)\n",
            DiagnosticCode::PositionalAfterDoubleStar,
            "SyntaxError: positional arg after **",
            "<module>:1",
        ),
        (
            "f(a=1, *b)\n",
            DiagnosticCode::StarAfterKeyword,
            "SyntaxError: * arg after kwarg",
            "<module>:1",
        ),
        (
            "f(**a, *b)\n",
            DiagnosticCode::StarAfterDoubleStar,
            "SyntaxError: * arg after **",
            "<module>:1",
        ),
        (
            "x.f(**a, *b)\n",
            DiagnosticCode::StarAfterDoubleStar,
            "SyntaxError: * arg after **",
            "<module>:1",
        ),
        (
            "class A(a=1, 2): pass\n",
            DiagnosticCode::PositionalAfterKeyword,
            "SyntaxError: positional arg after keyword arg",
            "<module>:1",
        ),
        (
            "{1: 2, 3}\n",
            DiagnosticCode::DictItemWithoutValue,
            "SyntaxError: expecting key:value for dict",
            "<module>:1",
        ),
        (
            "{1, 2: 3}\n",
            DiagnosticCode::SetItemWithValue,
            "SyntaxError: expecting just a value for set",
            "<module>:1",
        ),
        (
            "def f(a, a): pass\n",
            DiagnosticCode::ParameterReused,
            "SyntaxError: argument name reused",
            "f:1",
        ),
        (
            "def f(a, *a): pass\n",
            DiagnosticCode::ParameterReused,
            "SyntaxError: argument name reused",
            "f:1",
        ),
        (
            "x = lambda a, **a: 1\n",
            DiagnosticCode::ParameterReused,
            "SyntaxError: argument name reused",
            "<lambda>:1",
        ),
        (
            "def f(a=1, b): pass\n",
            DiagnosticCode::ParameterWithoutDefault,
            "SyntaxError: non-default argument follows default argument",
            "<module>:1",
        ),
    ];
    for &(source, code, message, location) in ARGUMENTS {
        check(source, code, message, location);
    }
}

#[test]
fn decorators_and_constants_are_checked() {
    for (source, code, message, location) in [
        (
            "@micropython.other\ndef f(): pass\n",
            DiagnosticCode::InvalidDecorator,
            "SyntaxError: invalid micropython decorator",
            "<module>:1",
        ),
        (
            "@micropython\ndef f(): pass\n",
            DiagnosticCode::InvalidDecorator,
            "SyntaxError: invalid micropython decorator",
            "<module>:1",
        ),
        (
            "x = const(y)\n",
            DiagnosticCode::NotConstant,
            "SyntaxError: not a constant",
            "1",
        ),
        (
            "\nx = const(f())\n",
            DiagnosticCode::NotConstant,
            "SyntaxError: not a constant",
            "2",
        ),
    ] {
        check(source, code, message, location);
    }
}

#[test]
fn the_first_error_of_a_source_is_reported() {
    let syntax = "SyntaxError: invalid syntax";
    // The parser reads the whole source before scopes are examined, and scopes before code is made.
    check("break\n)\n", DiagnosticCode::InvalidSyntax, syntax, "2");
    let global = "SyntaxError: identifier redefined as global";
    check(
        "1 = x\ndef f(a):\n  global a\n",
        DiagnosticCode::CannotAssign,
        "SyntaxError: can't assign to expression",
        "<module>:1",
    );
    check(
        "def f(a):\n  global a\nbreak\n",
        DiagnosticCode::OutsideLoop,
        "SyntaxError: 'break'/'continue' outside loop",
        "<module>:3",
    );
    check(
        "def f(a):\n  global a\n  1 = a\n",
        DiagnosticCode::RedefinedAsGlobal,
        global,
        "f:2",
    );
}
