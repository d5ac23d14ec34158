//! Programs that print the same on MicroPython as source, as the compiler's `.mpy`, and minified.

use piton_syntax::{MinifyOptions, minify};

use super::support::import_both;

/// Checks what a module prints when MicroPython imports it: as source, compiled, and minified in both forms.
#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(import_both(source), expected, "{source}");
    for join_lines in [false, true] {
        let options = MinifyOptions {
            keep_docstrings: join_lines,
            join_lines,
            ..MinifyOptions::default()
        };
        let minified = minify(source.as_bytes(), &options).unwrap();
        let minified = String::from_utf8(minified).unwrap();
        assert_eq!(import_both(&minified), expected, "minified: {minified}");
    }
}

#[test]
fn control_flow_runs_in_order() {
    check(
        "for i in range(6):\n    if i == 1: continue\n    if i == 4: break\n    print(i)\nelse:\n    print('else')\nprint('end', i)\n",
        "0\n2\n3\nend 4\n",
    );
    check(
        "n = 3\nwhile n:\n    n -= 1\n    print(n)\nelse:\n    print('else')\n",
        "2\n1\n0\nelse\n",
    );
    check(
        "def f():\n    for i in range(3):\n        for j in range(3):\n            if j == 1: break\n        else: return 'no'\n    return i, j\nprint(f())\n",
        "(2, 1)\n",
    );
    check(
        "for i in range(5, 0, -2): print(i)\nfor i in range(0): print(i)\nprint(i)\n",
        "5\n3\n1\n1\n",
    );
}

#[test]
fn exceptions_pass_their_handlers() {
    check(
        "def f(x):\n    try:\n        if x == 0: return 'return'\n        if x == 1: raise ValueError('v')\n        if x == 2: [][1]\n        return 'end'\n    except ValueError as e:\n        return 'except', e.args\n    except (KeyError, IndexError):\n        return 'index'\n    else:\n        return 'else'\n    finally:\n        print('finally', x)\nfor x in range(4): print(f(x))\n",
        "finally 0\nreturn\nfinally 1\n('except', ('v',))\nfinally 2\nindex\nfinally 3\nend\n",
    );
    check(
        "def f():\n    while True:\n        try:\n            try: break\n            finally: print(1)\n        finally: print(2)\n    return 3\nprint(f())\n",
        "1\n2\n3\n",
    );
    check(
        "try:\n    try: 1 // 0\n    finally: print('f')\nexcept ZeroDivisionError as e: print(repr(e))\ntry: e\nexcept NameError: print('deleted')\n",
        "f\nZeroDivisionError('divide by zero',)\ndeleted\n",
    );
    check(
        "class C:\n    def __init__(self, n): self.n = n\n    def __enter__(self):\n        print('enter', self.n)\n        return self\n    def __exit__(self, t, v, b):\n        print('exit', self.n, t is ValueError)\n        return self.n == 1\nwith C(1) as a, C(2) as b:\n    print(a.n, b.n)\n    raise ValueError\nprint('after')\n",
        "enter 1\nenter 2\n1 2\nexit 2 True\nexit 1 True\nafter\n",
    );
}

#[test]
fn functions_take_all_kinds_of_arguments() {
    check(
        "def f(a, b=2, *c, d, e=5, **g): return a, b, c, d, e, sorted(g.items())\nprint(f(1, d=4))\nprint(f(1, 3, 4, 5, d=6, h=7))\nprint(f(*[1, 2], *(3,), d=0, **{'x': 1}))\n",
        "(1, 2, (), 4, 5, [])\n(1, 3, (4, 5), 6, 5, [('h', 7)])\n(1, 2, (3,), 0, 5, [('x', 1)])\n",
    );
    check(
        "def outer():\n    n = 0\n    def inc(by=1):\n        nonlocal n\n        n += by\n        return n\n    return inc\na = outer()\nb = outer()\nprint(a(), a(5), b())\n",
        "1 6 1\n",
    );
    check(
        "fs = [lambda x, i=i: x + i for i in range(3)]\nprint([f(10) for f in fs])\nprint((lambda *a, **k: (a, k))(1, x=2))\n",
        "[10, 11, 12]\n((1,), {'x': 2})\n",
    );
    check(
        "def deco(n):\n    def wrap(f): return lambda: (n, f())\n    return wrap\n@deco(1)\n@deco(2)\ndef f(): return 'f'\nprint(f())\n",
        "(1, (2, 'f'))\n",
    );
}

#[test]
fn generators_keep_their_state() {
    check(
        "def g():\n    x = yield 1\n    print('got', x)\n    try: yield 2\n    finally: print('closed')\ni = g()\nprint(next(i), i.send('a'))\ni.close()\n",
        "got a\n1 2\nclosed\n",
    );
    check(
        "def inner():\n    r = yield 1\n    return r\ndef outer():\n    r = yield from inner()\n    yield ('result', r)\ni = outer()\nprint(next(i), i.send(5))\nprint(list(x * y for x in range(3) for y in range(2) if x))\n",
        "1 ('result', 5)\n[0, 1, 0, 2]\n",
    );
    check(
        "class A:\n    def __iter__(self):\n        yield 'w'\n        return 7\n    __await__ = __iter__\nasync def f(): return await A()\nc = f()\nprint(c.send(None))\ntry: c.send(None)\nexcept StopIteration as e: print(e.value)\n",
        "w\n7\n",
    );
}

#[test]
fn classes_inherit_and_call_super() {
    check(
        "class A:\n    x = 1\n    def __init__(self, n): self.n = n\n    def m(self): return 'A', self.n\n    @property\n    def p(self): return self.n * 2\n    @staticmethod\n    def s(a): return a\n    @classmethod\n    def c(cls): return cls.__name__\nclass B(A):\n    def __init__(self, n):\n        super().__init__(n + 1)\n    def m(self): return 'B', super().m()\nb = B(1)\nprint(b.m(), b.p, b.s(3), B.c(), b.x, isinstance(b, A))\n",
        "('B', ('A', 2)) 4 3 B 1 True\n",
    );
}

#[test]
fn expressions_have_their_precedence() {
    check(
        "a, b, c = 5, 3, 2\nprint(a + b * c ** 2, -a ** 2, (a + b) * c, a // b % c, a | b & c ^ 1, ~a << c)\n",
        "17 -25 16 1 7 -24\n",
    );
    check(
        "print(1 < 2 < 3, 1 < 3 < 2, not 0 or 1, 1 if [] else 2, 3 in [3], 3 not in [3], None is None, 1 is not None)\n",
        "True False True 2 True False True True\n",
    );
    check(
        "def f(x):\n    print('f', x)\n    return x\nprint(f(0) and f(1) or f(2))\nprint(f(1) < f(2) < f(0))\n",
        "f 0\nf 2\n2\nf 1\nf 2\nf 0\nFalse\n",
    );
    check(
        "x = [0, 1, 2, 3, 4, 5]\nprint(x[1:4], x[::2], x[::-1], x[-1], x[:2] + x[4:])\nx[1:3] = []\nprint(x)\n",
        "[1, 2, 3] [0, 2, 4] [5, 4, 3, 2, 1, 0] 5 [0, 1, 4, 5]\n[0, 3, 4, 5]\n",
    );
}

#[test]
fn assignments_unpack_their_values() {
    check(
        "a, *b, c = range(5)\n(d, e), [f] = (1, 2), 'x'\ng = h = i = []\ng.append(1)\nprint(a, b, c, d, e, f, i)\na, c = c, a\nprint(a, c)\n",
        "0 [1, 2, 3] 4 1 2 x [1]\n4 0\n",
    );
    check(
        "x = {}\nx['a'], x['b'] = 1, 2\nx['a'] += 5\nclass C: pass\nC.y = 3\nC.y **= 2\ndel x['b']\nprint(x, C.y)\nif (n := len(x)) == 1: print('n', n)\n",
        "{'a': 6} 9\nn 1\n",
    );
}

#[test]
fn strings_keep_their_bytes() {
    check(
        "print(repr('a\\tb\\x41\\101\\\\'), r'\\n', 'a' 'b', len('''x\ny'''))\nprint(b'\\xff\\0a', '\\'' \"\\\"\")\n",
        "'a\\tbAA\\\\' \\n ab 3\nb'\\xff\\x00a' '\"\n",
    );
    check(
        "n, s = 3.14159, 'x'\nprint(f'{n:.2f} {s!r:>5} {{}} {n + 1:{4}.1f} {s}{s}' + '{s}')\n",
        "3.14   'x' {}  4.1 xx{s}\n",
    );
    check(
        "x = 1\nprint(f'{x}' + f'''{\n  x}''', f'{\"a\"}')\n",
        "11 a\n",
    );
}

#[test]
fn comprehensions_build_their_containers() {
    check(
        "print([x for x in range(4) if x % 2], {x: x * x for x in range(3)}, sorted({x % 2 for x in range(4)}), tuple(x for x in 'ab'))\n",
        "[1, 3] {0: 0, 1: 1, 2: 4} [0, 1] ('a', 'b')\n",
    );
    check(
        "x = 'outer'\nprint([[y for y in range(x)] for x in range(3)], x)\n",
        "[[], [0], [0, 1]] outer\n",
    );
}
