//! Sources that MicroPython and the parser both accept, or both refuse in the same line.

use std::fmt::Write as _;

use piton_syntax::Target;
use piton_syntax::diagnostic::Place;
use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::parse::{ParserOptions, parse_file};

use crate::support::{Random, micropython};

/// Returns `ok`, or the exception and the line of the parser's error.
fn parsed(source: &str) -> String {
    let lexer_options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let options = ParserOptions {
        small_int_bits: 31,
        rules: Target::NEWEST.rules(),
    };
    let outcome = Lexer::new(source.as_bytes(), lexer_options)
        .and_then(|lexer| parse_file(lexer, &mut Interner::default(), options));
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(failure) => {
            let name = failure.code.error_type().name();
            let message = failure.message;
            match failure.place {
                Place::Input(line) => format!("{name} {message} {line}"),
                _ => format!("{name} {message}"),
            }
        }
    }
}

/// Compares the outcomes of sources with those of MicroPython's `compile`. Errors that come after parsing, which have a
/// scope, count as accepted. Returns the number of refused sources.
#[track_caller]
fn check(sources: &[String]) -> usize {
    let mut program = String::from(
        "import io, sys\n\
         def outcome(source):\n\
         \x20try: compile(source, 'a', 'exec')\n\
         \x20except Exception as e:\n\
         \x20 text = io.StringIO()\n\
         \x20 sys.print_exception(e, text)\n\
         \x20 frames = [l for l in text.getvalue().split('\\n') if l.startswith('  File \"a\", line ')]\n\
         \x20 if frames and ', in ' in frames[-1]: return 'ok'\n\
         \x20 line = frames[-1].split(', line ')[1] if frames else ''\n\
         \x20 return (type(e).__name__ + ' ' + str(e) + ' ' + line).strip()\n\
         \x20return 'ok'\n",
    );
    for source in sources {
        let bytes = source.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "\\x{byte:02x}").unwrap();
            text
        });
        writeln!(program, "print(outcome(b'{bytes}'.decode()))").unwrap();
    }
    let printed = micropython(&program);
    let mut lines = printed.lines();
    let mut refused = 0;
    for source in sources {
        let outcome = parsed(source);
        assert_eq!(lines.next(), Some(outcome.as_str()), "{source:?}");
        refused += usize::from(outcome != "ok");
    }
    refused
}

fn owned(sources: &[&str]) -> Vec<String> {
    sources.iter().map(|source| (*source).to_owned()).collect()
}

#[test]
fn unusual_layout_is_accepted() {
    let sources = owned(&[
        "",
        "\n\n\n",
        "# only a comment",
        "x = 1",
        "x = 1;",
        "x = 1; y = 2;\n",
        "if x: y\nelse: z",
        "if x:\n\ty\n\tz\n",
        "if x:\n        y\n\tz\n",
        "if x:\n y\n\n\n z\nw\n",
        "if x:\n    y\n  # comment\n    z\n",
        "(\n\n)\n",
        "x = [\n1,\n\n# c\n2\n]\n",
        "x = \\\n1\n",
        "class A: pass\n",
        "def f(): pass\n\n\n\n",
        "@a\n\n@b\ndef f(): pass\n",
        "x = 1\r\ny = 2\r",
        "while x: y; z\n",
        "try: x\nfinally: y\n",
    ]);
    assert_eq!(check(&sources), 0);
}

#[test]
fn wrong_layout_is_refused_in_the_same_line() {
    let sources = owned(&[
        " x",
        "x\n y\n",
        "if x:\ny\n",
        "if x:\n  y\n z\n",
        "if x:\n  y\n    z\n",
        "if x:",
        "if x: if y: z\n",
        "x = (1\n",
        "x = )\n",
        "x = [1)\n\n",
        "class A:\n\nx\n",
        "def f()\n  pass\n",
        "else: x\n",
        "x = 1 y = 2\n",
        "x \\ y\n",
    ]);
    assert_eq!(check(&sources), sources.len());
}

#[test]
fn random_lines_of_tokens_have_the_same_outcome() {
    const PIECES: [&str; 40] = [
        "x", "y", "1", "2.5", "'s'", "b'b'", "(", ")", "[", "]", "{", "}", ",", ":", "=", "+", "-",
        "*", "**", "==", "<", "not ", "in ", "is ", "if ", "else ", "for ", "lambda ", "lambda: ",
        "yield ", "await ", ".a", "...", ":=", "and ", "or ", "from ", "import ", "return ",
        "del ",
    ];
    let mut random = Random(0x70ce);
    let sources: Vec<String> = (0..1500)
        .map(|_| {
            let count = 1 + random.below(7);
            (0..count).fold(String::new(), |text, _| {
                text + *random.choose::<&str>(&PIECES)
            }) + "\n"
        })
        .collect();
    let refused = check(&sources);
    assert!(refused > 700 && refused < 1490, "{refused}");
}

#[test]
fn damaged_statements_have_the_same_outcome() {
    const STATEMENTS: [&str; 14] = [
        "x = [i for i in y if i]\n",
        "def f(a, b=1, *c, **d):\n    return a\n",
        "class A(B):\n    x: int = 1\n",
        "try:\n    x\nexcept E as e:\n    y\nelse:\n    z\n",
        "with a as b, c:\n    d\n",
        "for i, j in x:\n    if i: break\nelse:\n    pass\n",
        "x = {1: 2, 'a': [3, (4,)]}\n",
        "from a.b import c as d, e\n",
        "assert x, 'm'\nraise A from b\n",
        "x = a if b else lambda c: d\n",
        "x[1:2, ...] += -y ** 2 @ z\n",
        "global a, b\ndel x.y, z[1]\n",
        "while not x is None:\n    y = f'{a!r:>{b}}'\n",
        "async def f():\n    async for x in y: await z\n",
    ];
    let mut random = Random(0xda3a);
    let mut sources = owned(&STATEMENTS);
    for _ in 0..900 {
        let mut text: Vec<char> = random.choose(&STATEMENTS).chars().collect();
        let at = random.below(text.len() as u64) as usize;
        match random.below(3) {
            0 => drop(text.remove(at)),
            1 => text.insert(
                at,
                *random.choose(&['(', ')', ':', ',', ' ', '\n', '=', '1', 'x', '.', '*']),
            ),
            _ => text.truncate(at),
        }
        sources.push(text.into_iter().collect());
    }
    let refused = check(&sources);
    assert!(refused > 300, "{refused}");
}
