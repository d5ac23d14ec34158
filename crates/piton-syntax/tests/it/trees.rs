//! What the parser makes of a source.

use piton_syntax::Target;
use piton_syntax::constants::Constant;
use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::number::{Integer, float_text};
use piton_syntax::parse::{Node, NodeKind, ParserOptions, Rule, Tree, parse_file};
use piton_syntax::target::Floats;

/// The tree of a source: a line for each node, indented.
fn tree(source: &str) -> String {
    let lexer = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let options = ParserOptions {
        small_int_bits: 31,
        rules: Target::NEWEST.rules(),
    };
    let mut interner = Interner::default();
    let parsed = Lexer::new(source.as_bytes(), lexer)
        .and_then(|lexer| parse_file(lexer, &mut interner, options));
    let mut text = format!("{source}\n");
    match parsed {
        Ok((tree, root)) => show(&tree, &interner, root, 1, &mut text),
        Err(failure) => text += &format!("  {:?}: {:?}\n", failure.place, failure.code),
    }
    text
}

fn show(tree: &Tree, interner: &Interner, node: Node, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let string = |qstr| interner.text(qstr).escape_ascii().to_string();
    let leaf = match tree.kind(node) {
        NodeKind::Null => "-".to_owned(),
        NodeKind::Token(token) => format!("{token:?}"),
        NodeKind::Id(name) => string(name),
        NodeKind::Text(value) => format!("'{}'", string(value)),
        NodeKind::Bytes(value) => constant_text(&tree.constants.get(value)),
        NodeKind::SmallInteger(value) => value.to_string(),
        NodeKind::Struct(rule) if tree.rule(rule) == Rule::ConstObject => {
            let constant = tree.constant(node).map(|id| tree.constants.get(id));
            let value = constant.map_or_else(String::new, |constant| constant_text(&constant));
            format!("constant {value} (line {})", tree.line(rule))
        }
        NodeKind::Struct(rule) => {
            *text += &format!("{indent}{:?} (line {})\n", tree.rule(rule), tree.line(rule));
            for child in tree.children(rule) {
                show(tree, interner, child, depth + 1, text);
            }
            return;
        }
    };
    *text += &format!("{indent}{leaf}\n");
}

fn constant_text(constant: &Constant) -> String {
    match constant {
        Constant::Integer(Integer::Big(value)) => value.to_string(),
        Constant::Float(value) => float_text(*value, Floats::Extended),
        Constant::Tuple(items) => format!("tuple of {}", items.len()),
        other => format!("{other:?}"),
    }
}

fn all(sources: &[&str]) -> String {
    let trees = sources.iter().map(|source| tree(source));
    trees.collect::<Vec<String>>().join("\n")
}

#[test]
fn expressions() {
    insta::assert_snapshot!(all(&[
        "a + b * c ** -d\n",
        "a if b else c or not d\n",
        "a < b is not c not in d\n",
        "a.b[c:d](e, *f, g=h, **i)\n",
        "[a, *b], (c,), (), {d: e}, {f}\n",
        "lambda a, *b, c=1: d\n",
        "[a for b in c if d for e in f]\n",
        "x = (y := await z)\n",
    ]));
}

#[test]
fn statements() {
    insta::assert_snapshot!(all(&[
        "a = b = c\na += d\ne: f = g\n",
        "if a: b\nelif c: d\nelse: e\n",
        "for a, b in c: pass\nelse: d\nwhile e: f\n",
        "try: a\nexcept b as c: d\nelse: e\nfinally: f\n",
        "with a as b, c: d\n",
        "from .a import b as c, d\nimport e.f as g\n",
        "@a.b(c)\nclass D(E): f\n",
        "a; b; c\n",
    ]));
}

/// Native code and inline assembler need what bytecode does not: types of parameters, the return type, operands.
#[test]
fn annotations_stay_in_the_tree() {
    insta::assert_snapshot!(all(&[
        "@micropython.viper\ndef f(a: int, *b: ptr8, c: uint = 1) -> bool:\n  d: int = a\n",
        "@micropython.asm_thumb\ndef f(r0):\n  label(loop)\n  ldr(r1, [r0, 4])\n  push({r4, lr})\n",
    ]));
}

#[test]
fn constants_are_folded() {
    insta::assert_snapshot!(all(&[
        "1 + 2\nx = 1 + 2 * 3, -4, ~5, 1 << 40, 1.5 * 2\n",
        "x = 1 // 0, 1 / 2, 'a' + 'b', -a\n",
        "x = (1, 'a', (2.5, None)), [3, 4]\n",
        "from micropython import const\nA = const(3)\n_B = const(A + 4)\nf(A, _B)\n",
        "x = 1 and a or 0 or b\n",
    ]));
}

#[test]
fn text_outside_the_grammar_is_refused() {
    insta::assert_snapshot!(all(&[
        "x = = 1\n",
        "if a:\nb\n",
        "(a\n",
        "f(a b)\n",
        "match x:\n  case 1: pass\n",
        "def f(a, /): pass\n",
        "x = {**a}\n",
        "with (a as b): c\n",
        "x = const(y)\n",
        "x = 0777\n",
        "\tx\n",
        "if a:\n    b\n  c\n",
        "f'{}'\n",
    ]));
}
