//! Sources that are cut off or damaged: reading ends, in an error or not, and its lines are lines of the source.

use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::parse::{ParserOptions, parse_file};
use piton_syntax::script::read;
use piton_syntax::token::Token;
use piton_syntax::{MinifyOptions, Target, minify, unclosed_bracket};

const TARGETS: [Target; 3] = [
    Target::NEWEST,
    Target::CircuitPython9,
    Target::CircuitPython10,
];

/// A bit of everything.
const SOURCE: &str = r#"'''doc
string'''
import a.b as c, d
from . import (x as y, z,)
@deco(1)
class A(B, metaclass=C):
    x: int = 0xff_ff
    def f(self, a, *b, c=1, **d) -> 'int':
        global g; nonlocal h
        if a < 1 <= 2 != 3: return f"{a!r:>{b}}" 't' rb'\x00'
        elif not a is not b: pass
        else: yield from (x for x in y if x)
async def g():
    async with a as b, c: await d
    try: raise E from None
    except (A, B) as e: del e[1:2, ...], e.f
    finally: assert x, "y"
while (n := 1.5e-3j): n += lambda *a: {**a, 'b': [*c]}
for i, (j, *k) in z: x[i] = -i ** ~j @ t'{q}' \
    if True else None
else: print(1, *a, k=2, **b)
"#;

/// Reads a source in every way there is, for one of the targets.
fn read_all(source: &[u8]) {
    let last_line = u32::try_from(source.len()).unwrap() + 2;
    let target = TARGETS[source.len() % TARGETS.len()];
    let options = LexerOptions {
        debug: false,
        target,
    };
    let parser = ParserOptions {
        small_int_bits: 31,
        rules: target.rules(),
    };
    if let Ok(lexer) = Lexer::new(source, options) {
        let _result = parse_file(lexer, &mut Interner::default(), parser);
    }
    if let Ok(mut lexer) = Lexer::new(source, options) {
        let mut line = 0;
        // An f-string or t-string gives more tokens than it has characters.
        let mut left = 20 * source.len() + 100;
        while lexer.token() != Token::End && lexer.advance().is_ok() {
            assert!(lexer.token_line() >= line && lexer.token_line() <= last_line);
            line = lexer.token_line();
            left -= 1;
            assert!(left > 0, "the lexer does not end");
        }
    }
    let mut line = 1;
    for statement in read(source) {
        assert!(statement.line >= line && statement.line <= last_line);
        line = statement.line;
    }
    if let Ok(minified) = minify(source, &MinifyOptions::default()) {
        let again = minify(&minified, &MinifyOptions::default());
        assert_eq!(again.as_ref(), Ok(&minified));
    }
    if let Some(bracket) = unclosed_bracket(source, 20) {
        assert!(bracket.line <= 20);
    }
}

#[test]
fn beginnings_of_a_source_are_read() {
    for end in (0..=SOURCE.len()).step_by(2) {
        read_all(&SOURCE.as_bytes()[..end]);
    }
}

#[test]
fn ends_of_a_source_are_read() {
    for start in (0..=SOURCE.len()).step_by(3) {
        read_all(&SOURCE.as_bytes()[start..]);
    }
}

#[test]
fn damaged_sources_are_read() {
    let bytes = b"\0\n\r \t#'\"\\({[)}]:;,.=@!$f\xff";
    for (index, byte) in (0..SOURCE.len()).step_by(5).zip(bytes.iter().cycle()) {
        let mut source = SOURCE.as_bytes().to_vec();
        source[index] = *byte;
        read_all(&source);
        source.remove(index);
        read_all(&source);
        source.splice(index..index, [*byte; 3]);
        read_all(&source);
    }
}
