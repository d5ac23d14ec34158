//! Tracebacks of minified programs, which have the same lines and names as those of the source.

use piton_syntax::{MinifyOptions, minify};

use crate::support::micropython;

/// Compares what MicroPython prints for a source and for its minified form, both with a traceback. Checks the lines of
/// the frames.
#[track_caller]
fn check(source: &str, lines: &[u32]) {
    let original = micropython(source);
    let found: Vec<u32> = original
        .lines()
        .filter_map(|line| line.strip_prefix("  File \"<string>\", line "))
        .filter_map(|rest| rest.split(',').next()?.parse().ok())
        .collect();
    assert_eq!(found, lines, "{source}\n{original}");
    for keep_docstrings in [false, true] {
        let options = MinifyOptions {
            keep_docstrings,
            ..MinifyOptions::default()
        };
        let minified = minify(source.as_bytes(), &options).unwrap();
        let minified = String::from_utf8(minified).unwrap();
        assert_eq!(micropython(&minified), original, "minified: {minified}");
    }
}

#[test]
fn statements_at_the_top_keep_their_lines() {
    check("1 / 0\n", &[1]);
    check("\n\n# A comment.\n1 / 0\n", &[4]);
    check("'''A\ndocstring.\n'''\n\n1 / 0\n", &[5]);
    check("x = 1; y = 2; 1 / 0\n", &[1]);
    check("x = 1\r\n\r\n1 / 0\r\n", &[3]);
}

#[test]
fn bodies_of_functions_keep_their_lines() {
    check(
        "def f():\n\n    # A comment.\n    return 1 / 0\n\nf()\n",
        &[6, 4],
    );
    check(
        "def f():\n    '''A\n    docstring.'''\n    return 1 / 0\nf()\n",
        &[5, 4],
    );
    check("def f(x): return 1 / x\n\n\n\nf(0)\n", &[5, 1]);
    check(
        "def f(\n    a,  # one\n    b,\n):\n    return a / b\n\nf(1, 0)\n",
        &[7, 5],
    );
    check(
        "def f():\n    def g():\n\n        raise ValueError('in g')\n\n    g()\n\nf()\n",
        &[8, 6, 4],
    );
}

#[test]
fn methods_and_decorated_functions_keep_their_lines() {
    check(
        "class A:\n    'A docstring.'\n\n    def m(self):\n        # A comment.\n        return self.missing\n\nA().m()\n",
        &[8, 6],
    );
    check(
        "def twice(f):\n    return lambda x: f(f(x))\n\n@twice\n\ndef half(x):\n    return x / (x - 2)\n\nhalf(4)\n",
        &[9, 2, 7],
    );
}

#[test]
fn statements_on_several_lines_keep_the_line_of_the_error() {
    check("x = [\n    1,\n    2,\n]\nx[\n    5\n]\n", &[5]);
    check("x = 1 + \\\n    2\n\n1 / 0\n", &[4]);
    check("x = '''a\n   b\n'''\nint(x)\n", &[4]);
    check("print(\n)\n\nprint(\n    1 / 0\n)\n", &[5]);
}

#[test]
fn blocks_keep_their_lines() {
    check(
        "for i in range(3):\n\n    if i == 2:\n        # Now.\n        1 / 0\n",
        &[5],
    );
    check(
        "while True:\n    try:\n        pass\n    finally:\n\n        1 / 0\n",
        &[6],
    );
    check(
        "if 0:\n    pass\nelif 0:\n    pass\nelse:\n    '''Nothing.'''\n    1 / 0\n",
        &[7],
    );
    check("with open('/missing/file') as f:\n    pass\n", &[1]);
    check(
        "try:\n    1 / 0\nexcept ValueError:\n    pass\nexcept ZeroDivisionError as e:\n\n    raise RuntimeError\n",
        &[7],
    );
}

#[test]
fn generators_keep_their_lines() {
    check(
        "def count(n):\n    while n:\n        yield n\n        n -= 1\n\n    raise KeyError(n)\n\nfor i in count(2):\n    pass\n",
        &[8, 6],
    );
    check("x = [1 / i\n     for i in\n     (1, 0)]\n", &[3, 1]);
}

/// The option that joins lines gives up the lines of tracebacks, but neither output nor exception change.
#[test]
fn joined_lines_keep_the_exception() {
    let source =
        "def f(x):\n\n    y = x - 1\n    z = x / y\n    return z\n\nprint(f(3))\nprint(f(1))\n";
    let options = MinifyOptions {
        join_lines: true,
        ..MinifyOptions::default()
    };
    let minified = String::from_utf8(minify(source.as_bytes(), &options).unwrap()).unwrap();
    assert!(minified.lines().count() < source.lines().count());
    for program in [source, &minified] {
        let printed = micropython(program);
        assert!(printed.starts_with("1.5\n"), "{printed}");
        assert!(
            printed.ends_with("ZeroDivisionError: divide by zero\n"),
            "{printed}"
        );
    }
}
