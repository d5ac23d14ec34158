//! What the minifier makes of sources.

use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::token::Token;
use piton_syntax::{MinifyOptions, Target, minify};

/// The tokens of a source with their texts, `None` if it has a token that MicroPython does not take. Line ends that stand
/// for nothing are left out.
fn tokens(source: &[u8]) -> Option<Vec<(Token, Vec<u8>)>> {
    let options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let mut lexer = Lexer::new(source, options).ok()?;
    let mut tokens = Vec::new();
    loop {
        let (token, text) = (lexer.token(), lexer.text().to_vec());
        match token {
            Token::Invalid
            | Token::DedentMismatch
            | Token::LonelyStringOpen
            | Token::MalformedFstring
            | Token::RawFstring => return None,
            Token::Newline if matches!(tokens.last(), None | Some((Token::Newline, _))) => {}
            // `;` before a line end, or a line end, separate statements.
            Token::DelSemicolon => {}
            _ => tokens.push((token, text)),
        }
        if token == Token::End {
            return Some(tokens);
        }
        lexer.advance().ok()?;
    }
}

/// A source without docstrings has the same tokens when it is minified.
#[track_caller]
fn same_tokens(source: &str) {
    let options = MinifyOptions {
        keep_docstrings: true,
        ..MinifyOptions::default()
    };
    let minified = minify(source.as_bytes(), &options).unwrap();
    assert_eq!(tokens(source.as_bytes()), tokens(&minified), "{source:?}");
}

#[track_caller]
fn check(source: &str, expected: &str) {
    let minified = minify(source.as_bytes(), &MinifyOptions::default()).unwrap();
    assert_eq!(
        String::from_utf8(minified.clone()).unwrap(),
        expected,
        "{source:?}"
    );
    let again = minify(expected.as_bytes(), &MinifyOptions::default()).unwrap();
    assert_eq!(minified, again, "{source:?}");
    same_tokens(source);
}

#[test]
fn text_without_effect_is_removed() {
    check("x = 5 if y else -1  # c\n", "x=5 if y else-1\n");
    check("x = [1,\n     2,  # two\n     3]\n", "x=[1,\n2,\n3]\n");
    check(
        "raise ValueError('x') from e",
        "raise ValueError('x')from e\n",
    );
    check("from . import (a,\n  b)\n", "from.import(a,\nb)\n");
    check(
        "d = {'a' : 1}\na [1 : 2]\nx: int = 3\n",
        "d={'a':1}\na[1:2]\nx:int=3\n",
    );
    check("\n# c\n\nx = 1;\n\n# d\n", "\n\n\nx=1\n");
    check(
        "if a :\n\tb\r\n\tif c:\r            d\n",
        "if a:\n b\n if c:\n  d\n",
    );
    check("# only\n", "");
    check("", "");
    check(" \x0b\nif a:\n\x0bb\n \x0b \nc\n", "\nif a:\n b\n\nc\n");
}

#[test]
fn docstrings_are_removed_and_the_body_stays_valid() {
    check(
        "def f(a, b=1):\n    '''doc'''\n    return a  +  b\n",
        "def f(a,b=1):\n\n return a+b\n",
    );
    check("'''a\nb'''\nx\n", "\n\nx\n");
    check("'''a\nb'''; x\n", "\nx\n");
    check("x; '''a\nb'''; y; 'c'\nz", "x;\\\ny\nz\n");
    check(
        "class A:\n  'a'\n\n  r'b' u\"c\"\nx\n",
        "class A:\n 0\n\n\nx\n",
    );
    check(
        "class A:\n  def f(self):\n    'a'\n",
        "class A:\n def f(self):\n  0\n",
    );
    check(
        "class A: 'a'\nclass B: 'b'; c = 1\n",
        "class A:0\nclass B:c=1\n",
    );
    check("def f(): '''a\nb'''; return 1\n", "def f():\\\nreturn 1\n");
    check("if x: 'a'\nelse: 'b'\n", "if x:0\nelse:0\n");
    check(
        "def f() -> (lambda: 'x'): 'y'\n",
        "def f()->(lambda:'x'):0\n",
    );
    check("def f(): pass\n", "def f():pass\n");
}

#[test]
fn strings_that_are_used_stay() {
    check("'abc'.upper()\n'a' + b\n", "'abc'.upper()\n'a'+b\n");
    check("f'{a}'\nb'a'\n", "f'{a}'\nb'a'\n");
    check("x: 'a'\ny = lambda: 'b'\n", "x:'a'\ny=lambda:'b'\n");
    check("def f() -> lambda: 'x': 'y'\n", "def f()->lambda:'x':'y'\n");
    check("f(\n'a',\n'b' 'c')\n", "f(\n'a',\n'b' 'c')\n");
    check(
        "def f():\n  'a'\nprint(f.__doc__)\n",
        "def f():\n 'a'\nprint(f.__doc__)\n",
    );
    let keep = MinifyOptions {
        keep_docstrings: true,
        ..MinifyOptions::default()
    };
    assert_eq!(minify(b"'a' # b\n", &keep).unwrap(), b"'a'\n");
}

#[test]
fn adjacent_tokens_are_not_merged() {
    check(
        "1 .real\n1. .real\n1 if x else 2\n",
        "1 .real\n1. .real\n1 if x else 2\n",
    );
    check(
        "x = '' 'a' \"\" \"b\" 'c' r'd'\n",
        "x='' 'a' \"\" \"b\" 'c'r'd'\n",
    );
    check("from . . import x\n", "from. .import x\n");
    check(
        "x = 0xe + 1, - -1, a < -b, not  x\n",
        "x=0xe+1,--1,a<-b,not x\n",
    );
    check(
        "x = a if 'b' in 'c' else \"d\" or b'e'\n",
        "x=a if'b'in'c'else\"d\"or b'e'\n",
    );
    check(
        "async  def f(*, a=...) : await  x\n",
        "async def f(*,a=...):await x\n",
    );
    check("x = .5 - .5, 1_0.0e-1 * 2j\n", "x=.5-.5,1_0.0e-1*2j\n");
}

#[test]
fn joined_lines_stay_joined() {
    check("assert \\\n    True\n", "assert\\\nTrue\n");
    check("if a and \\\n   b:\n    pass\n", "if a and\\\nb:\n pass\n");
    check(
        "x = 1 + \\\n\\\n 2\ny = 'a\\\nb'\n",
        "x=1+\\\n\\\n2\ny='a\\\nb'\n",
    );
}

#[test]
fn line_ends_are_removed_on_request() {
    let options = MinifyOptions {
        join_lines: true,
        ..MinifyOptions::default()
    };
    for (source, expected) in [
        ("# a\n\nx = 1\n\n\n# b\ny = 2\n", "x=1\ny=2\n"),
        ("f(\n  a,\n  b\n  if c\n)\n", "f(a,b if c)\n"),
        ("x = '''a\n\nb'''\n\ny\n", "x='''a\n\nb'''\ny\n"),
        ("assert \\\n  a and \\\n  'b'\n", "assert a and'b'\n"),
        ("class A:\n  'a'\n\n  'b'\nx\n", "class A:\n 0\nx\n"),
        ("def f(): '''a\nb'''; return 1\n", "def f():return 1\n"),
        ("x = ('a'\n  'b'\n  \"c\")\n", "x=('a' 'b' \"c\")\n"),
        ("\u{feff}\n\nx\n", "\u{feff}\nx\n"),
        ("\u{feff}x = 1\n", "\u{feff}x=1\n"),
    ] {
        let minified = minify(source.as_bytes(), &options).unwrap();
        assert_eq!(String::from_utf8(minified).unwrap(), expected);
    }
}

#[test]
fn the_end_of_a_literal_is_found() {
    check("x = f'{{a}}  {b!r:>10}'  # c\n", "x=f'{{a}}  {b!r:>10}'\n");
    check(
        "x = f'{a[\"b\"]}  {c:{d}}' ; y  = 1\n",
        "x=f'{a[\"b\"]}  {c:{d}}';y=1\n",
    );
    check("x = f'{a['b  c']}' # d\n", "x=f'{a['b  c']}'\n");
    check("x = f'{ \"}\" }  ' # d\n", "x=f'{ \"}\" }  '\n");
    check("x = f'\\N{DASH}  {a}' # d\n", "x=f'\\N{DASH}  {a}'\n");
    check("x = f'{(}  ' # d\n", "x=f'{(}  '\n");
    check("x = f'}  ' # d\n", "x=f'}  '\n");
    check(
        "x = Rb'\\'  ' , rf'\\'  {a}  \\{b}'\n",
        "x=Rb'\\'  ',rf'\\'  {a}  \\{b}'\n",
    );
    check("x = f'''{\na  }'''\ny  = 1\n", "x=f'''{\na  }'''\ny=1\n");
    check("x = '\u{e9}  '\n\u{e9} = 1\n", "x='\u{e9}  '\n\u{e9}=1\n");
    check(
        "# coding: latin-1\nx = '\u{e9}'\n",
        "# coding: latin-1\nx='\u{e9}'\n",
    );
    check("# coding: utf-8\nx = '\u{e9}'\n", "\nx='\u{e9}'\n");
    check("# coding: UTF-8\nx = '\u{e9}'\n", "\nx='\u{e9}'\n");
    check("# Coding: x\nx = '\u{e9}'\n", "\nx='\u{e9}'\n");
}

#[test]
fn invalid_python_is_refused() {
    for (source, line, message) in [
        ("x\n'a\n", 2, "invalid syntax"),
        ("'''a\n\n", 1, "invalid syntax"),
        ("x = (\n1\n", 3, "invalid syntax"),
        ("x\n)\n", 2, "invalid syntax"),
        ("x = $\n", 1, "invalid syntax"),
        ("x;; y\n", 1, "invalid syntax"),
        ("\n; y\n", 2, "invalid syntax"),
        ("x = 1 \\", 2, "invalid syntax"),
        (
            "if x:\n  a\n b\n",
            3,
            "unindent doesn't match any outer indent level",
        ),
        ("if x:\n  'a'\n   b\n", 3, "unexpected indent"),
        ("  x\n", 1, "unexpected indent"),
        ("if x:\n  \\\n a\n", 3, "unclear indent"),
        ("if x:\n  \x0ca\n", 2, "unclear indent"),
    ] {
        let options = MinifyOptions::default();
        let diagnostic = minify(source.as_bytes(), &options).unwrap_err();
        assert_eq!(diagnostic.message, message, "{source:?}");
        assert_eq!(diagnostic.location.unwrap().line, line, "{source:?}");
    }
    // Braces that never match do not make it slow.
    assert!(minify(&b"f'''{(".repeat(100_000), &MinifyOptions::default()).is_err());
}
