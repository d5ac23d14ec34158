//! The compiler makes the same module of a source and of what the minifier makes of it, for every construct.
#![expect(clippy::disallowed_methods, reason = "tests read their cases")]
#![expect(clippy::unwrap_used, reason = "a test whose source is not taken fails")]

use std::path::Path;

use piton_compiler::{Options, Target, compile};
use piton_syntax::{MinifyOptions, minify};

/// The sources of a folder: whole files, or the parts between lines of `----`.
fn sources(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(folder);
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        sources.extend(text.split("----\n").map(str::to_owned));
    }
    sources
}

/// Compares the modules of a source and of its minified forms. Returns whether the source compiles.
#[track_caller]
fn check(source: &str, target: Target) -> bool {
    // Docstrings leave no trace in code but in line numbers, and joined lines have other numbers.
    let without_lines = Options {
        source_lines: false,
        target,
        ..Options::new("main.py")
    };
    let with_lines = Options {
        source_lines: true,
        ..without_lines.clone()
    };
    let Ok(module) = compile(source.as_bytes(), &without_lines) else {
        return false;
    };
    for (keep_docstrings, join_lines) in [(false, false), (false, true), (true, false)] {
        let options = MinifyOptions {
            keep_docstrings,
            join_lines,
            ..MinifyOptions::default()
        };
        let minified = minify(source.as_bytes(), &options).unwrap();
        let text = String::from_utf8_lossy(&minified).into_owned();
        assert_eq!(
            compile(&minified, &without_lines).as_ref(),
            Ok(&module),
            "{source}\nis minified to\n{text}"
        );
        if keep_docstrings {
            let module = compile(source.as_bytes(), &with_lines);
            assert_eq!(
                compile(&minified, &with_lines),
                module,
                "{source}\nis minified to\n{text}"
            );
        }
    }
    true
}

#[test]
fn constructs_have_the_same_output() {
    let sources = sources("constructs");
    let compiled = sources
        .iter()
        .filter(|source| check(source, Target::NEWEST));
    assert!(compiled.count() * 10 > sources.len() * 8);
}

#[test]
fn cases_have_the_same_output() {
    for source in sources("cases") {
        check(&source, Target::NEWEST);
    }
}

#[test]
fn constructs_have_the_same_output_on_circuitpython() {
    for source in sources("constructs") {
        check(&source, Target::CircuitPython9);
        check(&source, Target::CircuitPython10);
    }
}

#[test]
fn docstrings_and_unusual_layout_have_the_same_output() {
    for source in [
        "'''a\nb'''; x\n",
        "x; '''a\nb'''; y; 'c'\nz",
        "class A:\n  'a'\n\n  r'b' u\"c\"\nx\n",
        "class A: 'a'\nclass B: 'b'; c = 1\n",
        "def f(): '''a\nb'''; return 1\n",
        "if x: 'a'\nelse: 'b'\n",
        "def f() -> (lambda: 'x'): 'y'\n",
        "def f() -> lambda: 'x': 'y'\n",
        "if a :\n\tb\r\n\tif c:\r            d\n",
        " \x0b\nif a:\n\x0bb\n \x0b \nc\n",
        "1 .real\n1. .real\n1 if x else 2\n",
        "x = '' 'a' \"\" \"b\" 'c' r'd'\n",
        "from . . import x\n",
        "x = 0xe + 1, - -1, a < -b, not  x\n",
        "async  def f(*, a=...) : await  x\n",
        "x = 1 + \\\n\\\n 2\ny = 'a\\\nb'\n",
        "x = f'{a[\"b\"]}  {c:{d}}' ; y  = 1\n",
        "x = f'''{\na  }'''\ny  = 1\n",
        "\u{feff}\n\nx\n",
        "x = '\u{e9}  '\n\u{e9} = 1\n",
    ] {
        check(source, Target::NEWEST);
    }
}
