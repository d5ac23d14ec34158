//! Programs that print the same on MicroPython before and after they are minified.

use piton_syntax::{MinifyOptions, minify};

use crate::support::micropython;

/// Checks what a program prints: as it is, and minified with each combination of options. The minified program is not
/// longer.
#[track_caller]
fn check(source: &str, expected: &str) {
    assert_eq!(micropython(source), expected, "{source}");
    for keep_docstrings in [false, true] {
        for join_lines in [false, true] {
            let options = MinifyOptions {
                keep_docstrings,
                join_lines,
                ..MinifyOptions::default()
            };
            let minified = minify(source.as_bytes(), &options).unwrap();
            assert!(minified.len() <= source.len(), "{source}");
            let minified = String::from_utf8(minified).unwrap();
            assert_eq!(micropython(&minified), expected, "minified: {minified}");
        }
    }
}

#[test]
fn white_space_and_comments_are_not_needed() {
    check(
        "# A comment.\n\nx = 1  # one\ny   =   [ x , 2 ,\n       3 ]\n\n\nprint( y [ 1 : ] , x if  y  else  0 )\n",
        "[2, 3] 1\n",
    );
    check(
        "x = 5\nprint(x is not None, not x, x in (5,), x and 1 or 2, - x, ~ x, x ** - 1)\n",
        "True False True 1 -5 -6 0.2\n",
    );
    check(
        "print(1 if 1 else 2, 0x1f or 1, 1.0 if 0 else 2., 5 .__class__)\n",
        "1 31 2.0 <class 'int'>\n",
    );
    check("a = 3 ; b = 4 ;\nprint (a , b) ;\n", "3 4\n");
}

#[test]
fn strings_keep_their_content() {
    check(
        "print( '  # not a comment  ' ,  \"a  b\" ,  '''x\n   y''' )\n",
        "  # not a comment   a  b x\n   y\n",
    );
    check(
        "print( 'a'   'b'  \"c\" , r'\\n  ' , b'a  b' )\n",
        "abc \\n   b'a  b'\n",
    );
    check(
        "x = 1\nprint( f'{ x }  {x :>3}  {{ }}' )\n",
        "1    1  { }\n",
    );
    check("print( 'a\\\n  b' )  # c\n", "a  b\n");
}

#[test]
fn docstrings_have_no_effect_unless_they_are_used() {
    check("'''The module.'''\nprint(1)\n", "1\n");
    check("def f():\n    '''Does nothing.'''\nprint(f())\n", "None\n");
    check(
        "class A:\n    '''A class.'''\n    x = 1  # one\nprint(A.x)\n",
        "1\n",
    );
    check(
        "def f():\n    '''Doc.'''\n    return 'value'\nprint(f())\n",
        "value\n",
    );
    check(
        "x = '''no\ndocstring'''\nprint(x)  # x\n",
        "no\ndocstring\n",
    );
}

#[test]
fn blocks_keep_their_structure() {
    check(
        "if 1:\n        if 0:\n                print('a')\n        else:\n                print('b')\nelse:\n        print('c')\n",
        "b\n",
    );
    check(
        "for i in range(3):\n\n    # comment\n    if i == 1:\n        continue\n\n    print(i)\nelse:\n    print('else')\n",
        "0\n2\nelse\n",
    );
    check(
        "try:\n    1 // 0\nexcept ZeroDivisionError as e:  # handled\n    print('caught')\nfinally:\n    print('finally')\n",
        "caught\nfinally\n",
    );
    check(
        "def f(a, *, b = 2, **c) -> int:\n    x: int = a\n    return x + b\n\nprint(f(1, b = 5))\n",
        "6\n",
    );
    check(
        "class A:\n\n    def m(self):\n        pass\n\n    def n(self): return 1\n\nprint(A().n())\n",
        "1\n",
    );
    check(
        "while 1:\n    x = 1; y = 2\n    if x: break\nprint(x + y)\n",
        "3\n",
    );
}

#[test]
fn statements_on_several_lines_are_joined() {
    check("x = 1 + \\\n    2 + \\\n    3\nprint(x)\n", "6\n");
    check("x = (1 +\n     2 +  # two\n     3)\nprint(x)\n", "6\n");
    check(
        "d = {\n    'a': 1,\n    'b': [\n        2,\n    ],\n}\nprint(d['b'])\n",
        "[2]\n",
    );
    check("print(\n\n    'x',\n\n    end = '!\\n',\n)\n", "x!\n");
    check(
        "def f(\n    a,\n    b = 1,\n):\n    return a, b\nprint(f(2))\n",
        "(2, 1)\n",
    );
}

#[test]
fn adjacent_words_keep_a_space() {
    check(
        "def f():\n    for x in (1, 2):\n        yield  x\n    return  None\nprint(list(f()))\n",
        "[1, 2]\n",
    );
    check("x = lambda  a : a\nprint(x (1) if  x else  0)\n", "1\n");
    check(
        "from sys import  implementation as  i\nprint(i . name)\n",
        "micropython\n",
    );
    check(
        "assert  1 , 'no'\ndel  print\n__import__('builtins').print('x')\n"
            .replace("del  print\n", "")
            .as_str(),
        "x\n",
    );
    check(
        "global  g\ng = 1\nprint(not  g, g is  not  None)\n",
        "False True\n",
    );
}

#[test]
fn a_program_of_many_kinds_of_statements_works() {
    check(
        r#"
"""A little program."""

import sys  # the system


class Stack:
    """Keeps values."""

    def __init__(self, *values):
        self._values = list(values)  # a copy

    def push(self, value):
        """Adds a value."""
        self._values.append(value)
        return self

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        for value in reversed(self._values):
            yield value


def total(values, *, start = 0):
    """Returns the sum."""
    result = start
    for value in values:
        if value is None:
            continue
        elif value < 0:
            result -= - value
        else:
            result += value
    return result


stack = Stack(1, 2).push(3).push(None).push(- 4)
print(len(stack), total(stack), total(stack, start = 10))
try:
    stack.pop()
except AttributeError:
    print("no", "pop")
with_text = {key: value for key, value in zip("ab", stack)}
print(sorted(with_text), [value for value in stack if value][0])
"#,
        "5 2 12\nno pop\n['a', 'b'] -4\n",
    );
}
