//! What a person can do about a source that the compiler does not accept.

use piton_compiler::{Diagnostic, ErrorType};

/// A hint for each sign, the first that fits counts: part of the message, and part of the line's code ("" for any).
const HINTS: &[(&str, &str, &str)] = &[
    (
        "invalid arch",
        "",
        "this decorator needs machine code; piton compiles bytecode only, so use `mpy-cross -march=...` for this file, \
         or take the decorator away",
    ),
    (
        "native code",
        "",
        "compile this file with the official `mpy-cross -march=...`, or take the decorator away",
    ),
    (
        "unicode name escapes",
        "",
        "write the character itself, or `\\u` and its number",
    ),
    (
        "bytecode overflow",
        "",
        "a jump is too long: split the function or the loop",
    ),
    (
        "local variable numbered above 255",
        "",
        "give the function fewer local variables: keep some in a `list`, or split it",
    ),
    (
        "more than 255 outer variables",
        "",
        "keep some of the variables in a `list` or an object",
    ),
    (
        "more than 255 arguments",
        "",
        "put the values into a `list` and pass that",
    ),
    (
        "values on a function's stack",
        "",
        "build long lists, tuples and sets piece by piece",
    ),
    (
        "names and short strings",
        "",
        "split the file: no board has room for so many",
    ),
    (
        "*x must be assignment target",
        "",
        "MicroPython does not unpack into a display: write `list(a) + list(b)`",
    ),
    (
        "expecting key:value for dict",
        "",
        "every item of a `dict` display is `key: value`",
    ),
];

/// Hints for `invalid syntax`, which has no more to say: the first word of the line, and what else is in it.
const SYNTAX_HINTS: &[(&str, &str, &str)] = &[
    (
        "match",
        ":",
        "`match` needs CPython; MicroPython has `if` and `elif`",
    ),
    (
        "case",
        ":",
        "`match` needs CPython; MicroPython has `if` and `elif`",
    ),
    (
        "except*",
        "",
        "`except*` needs CPython; MicroPython has `except`",
    ),
    (
        "except",
        "*",
        "`except*` needs CPython; MicroPython has `except`",
    ),
    (
        "type",
        "=",
        "`type` statements need CPython; write a plain assignment",
    ),
    (
        "with",
        "(",
        "MicroPython takes no parentheses round the items of `with`; join lines with `\\`",
    ),
    (
        "def",
        "/",
        "positional-only parameters (`/`) need CPython; take the `/` away",
    ),
    ("print", " ", "`print` is a function: write `print(...)`"),
    (
        "",
        "{**",
        "`{**a}` is not MicroPython syntax; copy the `dict`, then `update` it",
    ),
    (
        "",
        ", **",
        "`{**a}` is not MicroPython syntax; copy the `dict`, then `update` it",
    ),
    (
        "",
        "f\"",
        "the f-string's expressions end at the first `}` or `:`, even in quotes; try a variable",
    ),
    (
        "",
        "f'",
        "the f-string's expressions end at the first `}` or `:`, even in quotes; try a variable",
    ),
];

/// A hint for this diagnostic, if there is one; `line` is the line of the source that it names.
pub fn hint(diagnostic: &Diagnostic, line: &str) -> Option<&'static str> {
    let code = line.trim();
    let found = HINTS
        .iter()
        .find(|(message, sign, _)| diagnostic.message.contains(message) && code.contains(sign));
    if let Some((_, _, hint)) = found {
        return Some(hint);
    }
    if diagnostic.error_type != ErrorType::SyntaxError || diagnostic.message != "invalid syntax" {
        return None;
    }
    let first = code
        .split(|letter: char| letter.is_whitespace() || matches!(letter, '(' | ':' | '='))
        .next()
        .unwrap_or_default();
    SYNTAX_HINTS
        .iter()
        .find(|(word, sign, _)| (word.is_empty() || first == *word) && code.contains(sign))
        .map(|(_, _, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint for a source that the compiler does not accept, told of the line that it names.
    fn check(source: &str, part: &str) {
        let options = piton_compiler::Options::new("a.py");
        let diagnostic = piton_compiler::compile(source.as_bytes(), &options).unwrap_err();
        let number = diagnostic.location.as_ref().map_or(0, |place| place.line);
        let line = (number as usize)
            .checked_sub(1)
            .and_then(|index| source.lines().nth(index))
            .unwrap_or_default();
        let hint = hint(&diagnostic, line).unwrap_or("no hint");
        assert!(hint.contains(part), "{source:?}: {hint} ({diagnostic})");
    }

    #[test]
    fn known_mistakes_have_hints() {
        check("match x:\n    case 1: pass\n", "`match` needs CPython");
        check("a = {**b}\n", "`{**a}`");
        check("a = {'x': 1, **b}\n", "`{**a}`");
        check("def f(a, /, b): pass\n", "positional-only");
        check("try: pass\nexcept* E: pass\n", "`except*`");
        check("with (open(a) as b, c): pass\n", "parentheses");
        check("print 'x'\n", "`print` is a function");
        check("a = [*b, 1]\n", "does not unpack");
        check("@micropython.native\ndef f(): pass\n", "bytecode only");
        check("a = '\\N{DASH}'\n", "the character itself");
        let call = format!("f({})\n", "a,".repeat(256));
        check(&call, "pass that");
    }

    #[test]
    fn others_have_none() {
        check("x = = 1\n", "no hint");
        check("return 1\n", "no hint");
    }
}
