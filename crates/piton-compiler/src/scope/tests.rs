use super::*;
use crate::Options;
use crate::compile::compile_scopes;
use piton_syntax::Target;
use piton_syntax::interner::Interner;
use piton_syntax::lexer::{Lexer, LexerOptions};
use piton_syntax::parse::{ParserOptions, parse_file};

/// The scopes of a source: a line for each, and one for each of its identifiers.
fn outline(source: &str) -> String {
    let lexer_options = LexerOptions {
        debug: true,
        target: Target::NEWEST,
    };
    let parser_options = ParserOptions {
        small_int_bits: 31,
        rules: Target::NEWEST.rules(),
    };
    let mut interner = Interner::default();
    let lexer = Lexer::new(source.as_bytes(), lexer_options).unwrap();
    let (tree, root) = parse_file(lexer, &mut interner, parser_options).unwrap();
    let options = Options::new("main.py");
    let name = interner.intern(b"main.py").unwrap();
    let compiled = compile_scopes(tree, root, name, &mut interner, &options).unwrap();
    let text = |name: Qstr| String::from_utf8_lossy(interner.text(name)).into_owned();
    let mut outline = source.to_owned();
    for scope in &compiled.scopes {
        outline += &format!(
            "  {:?} {}: {} locals, {}+{} parameters, {} with defaults\n",
            scope.kind,
            text(scope.name),
            scope.locals,
            scope.positional_arguments,
            scope.keyword_only_arguments,
            scope.default_arguments,
        );
        for id in scope.ids.iter() {
            let parameter = match id.parameter {
                Parameter::None => String::new(),
                parameter => format!(", {parameter:?} parameter"),
            };
            let number = match id.kind {
                IdKind::Local | IdKind::Cell | IdKind::Free => format!(" {}", id.local),
                _ => String::new(),
            };
            outline += &format!("    {}: {:?}{number}{parameter}\n", text(id.name), id.kind);
        }
    }
    outline
}

fn all(sources: &[&str]) -> String {
    let outlines = sources.iter().map(|source| outline(source));
    outlines.collect::<Vec<String>>().join("\n")
}

#[test]
fn names_of_functions_and_modules() {
    insta::assert_snapshot!(all(&[
        "x = y\ndef f(a): b = a; return x\n",
        "def f():\n    global x\n    x = y = 1\n    del y\n",
        "def f():\n    for a, b in c: d += 1\n    with e as g: pass\n    import h.i\n    from j import k as l\n",
        "def f():\n    try: a\n    except b as c: pass\n",
        "class A:\n    x = y\n    def f(self): return x\n",
    ]));
}

#[test]
fn parameters() {
    insta::assert_snapshot!(all(&[
        "def f(a, b=1, *c, d, e=2, **g): pass\n",
        "def f(*, a): pass\n",
        "def f(*a, **b): pass\n",
        "f = lambda a, *b, c=1: a\n",
        // The starred parameter comes after the keyword-only ones.
        "def f(*a, b, c): return lambda: (a, b, c)\n",
    ]));
}

#[test]
fn variables_of_outer_functions() {
    insta::assert_snapshot!(all(&[
        "def f(a, b):\n    c = 1\n    def g(d): return a, c, d\n    return b\n",
        "def f(a):\n    def g():\n        def h(): return a\n",
        "def f():\n    a = 1\n    def g():\n        nonlocal a\n        a = 2\n",
        "def f():\n    def g(): return a\n    a = 1\n",
        "def f(a):\n    class B:\n        c = a\n        a = 1\n        def g(self): return a\n",
        "class A:\n    def f(self): super().f()\n",
    ]));
}

#[test]
fn comprehensions() {
    insta::assert_snapshot!(all(&[
        "x = [a for a in b]\n",
        "def f(a): return {b: c for b, c in a if c}\n",
        "def f(a): return ((a, b) for b in c)\n",
        "def f(): return [a := b for b in c]\n",
        "[[a for b in a] for a in c]\n",
    ]));
}

/// From the ninth name on, names are found by a map: the order and the numbers stay.
#[test]
fn names_are_found_in_lists_of_any_length() {
    for count in [1, 7, 8, 9, 10, 100] {
        let mut ids = Ids::default();
        for number in 0..count {
            let id = ids.find_or_add(Qstr(number), IdKind::Local).unwrap();
            id.local = u16::try_from(number).unwrap();
        }
        // A name that is there keeps its kind.
        let again = ids.find_or_add(Qstr(0), IdKind::Free).unwrap();
        assert_eq!((again.kind, again.local), (IdKind::Local, 0));
        assert_eq!(ids.iter().len(), count as usize);
        assert!(ids.find(Qstr(count)).is_none());
        for number in 0..count {
            assert_eq!(u32::from(ids.find(Qstr(number)).unwrap().local), number);
        }
        let last = count as usize - 1;
        ids.swap(0, last);
        assert_eq!(ids.iter().next().unwrap().name, Qstr(count - 1));
        assert_eq!(ids.find(Qstr(0)).unwrap().name, Qstr(0));
        assert_eq!(ids.find_mut(Qstr(count - 1)).unwrap().name, Qstr(count - 1));
    }
}
