//! Hints for sources that the compiler does not accept.

use piton_compiler::{Diagnostic, DiagnosticCode, ErrorType};
use piton_syntax::{UnclosedBracket, unclosed_bracket};

/// Returns the hint for a code that is clear without the source.
fn code_hint(code: DiagnosticCode) -> Option<&'static str> {
    Some(match code {
        DiagnosticCode::InvalidArchitecture => {
            "machine code is for one processor: select it, for example with `--target micropython:armv7m` (`piton info` \
             shows a board's), or remove the decorator"
        }
        DiagnosticCode::NativeCode => {
            "piton makes machine code for MicroPython from 1.19 on, for RISC-V from 1.24 on; use that release's own \
             `mpy-cross -march=...`, or remove the decorator"
        }
        DiagnosticCode::ViperNotObject => {
            "integers and pointers are not objects in viper: use an argument without a type, or a function without \
             `@micropython.viper`"
        }
        DiagnosticCode::ViperLocalType => {
            "a local variable of viper keeps its first type: use another variable"
        }
        DiagnosticCode::ViperUntypedLocal => "assign a value to it on an earlier line",
        DiagnosticCode::ViperReturn => "annotate the type of the result, for example `-> int`",
        DiagnosticCode::ViperComparison => "convert one of the two: `int(...)` or `uint(...)`",
        DiagnosticCode::NativeRaise => "name the exception: `raise error`",
        DiagnosticCode::NativeYield => "generators can be `@micropython.native`",
        DiagnosticCode::UnicodeNameEscape => "write the character itself, or `\\u` and its number",
        DiagnosticCode::JumpTooFar => "a jump is too long: split the function or the loop",
        DiagnosticCode::CellNumberTooLarge => {
            "give the function fewer local variables: keep some in a `list`, or split it"
        }
        DiagnosticCode::TooManyOuterVariables => {
            "keep some of the variables in a `list` or an object"
        }
        DiagnosticCode::TooManyArguments => "put the values into a `list` and pass that",
        DiagnosticCode::StackTooLarge => "build long lists, tuples and sets piece by piece",
        DiagnosticCode::TooManyNames => "split the file: no board has room for so many",
        DiagnosticCode::StarredExpression => {
            "MicroPython does not unpack into a display: write `list(a) + list(b)`"
        }
        DiagnosticCode::DictItemWithoutValue => "every item of a `dict` display is `key: value`",
        _ => return None,
    })
}

/// Hints for `invalid syntax`: the first word of the line, another text in it, and the hint.
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
        "MicroPython does not accept parentheses around the items of `with`; join lines with `\\`",
    ),
    (
        "def",
        "/",
        "positional-only parameters (`/`) need CPython; remove the `/`",
    ),
    (
        "print",
        "print ",
        "`print` is a function: write `print(...)`",
    ),
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

/// Returns the hint for a diagnostic of this source, if there is one.
pub fn hint_for(diagnostic: &Diagnostic, source: &[u8]) -> Option<String> {
    if let Some(unclosed) = unclosed(diagnostic, source) {
        let UnclosedBracket { bracket, line, .. } = unclosed;
        return Some(format!("'{bracket}' in line {line} was never closed"));
    }
    // A few errors have no place.
    let line = diagnostic.location.as_ref().map_or(0, |place| place.line);
    let line = String::from_utf8_lossy(line_of(line, source).unwrap_or_default());
    hint(diagnostic, &line).map(str::to_owned)
}

/// Returns the bracket that makes the line of a diagnostic wrong, if it is one: it can be far before that line.
pub fn unclosed(diagnostic: &Diagnostic, source: &[u8]) -> Option<UnclosedBracket> {
    let location = diagnostic.location.as_ref()?;
    // Errors with a scope come after the parser, which accepts only source whose brackets are all closed.
    let parsing = diagnostic.error_type() == ErrorType::SyntaxError && location.scope.is_none();
    unclosed_bracket(source, location.line).filter(|_| parsing)
}

/// Returns a line of a source by its number, from 1, without its line end.
pub fn line_of(number: u32, source: &[u8]) -> Option<&[u8]> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    source.split(|&byte| byte == b'\n').nth(index)
}

/// Returns a hint for this diagnostic, if there is one. `line` is the line of the source that it names.
fn hint(diagnostic: &Diagnostic, line: &str) -> Option<&'static str> {
    let code = line.trim();
    if diagnostic.code != DiagnosticCode::InvalidSyntax {
        return code_hint(diagnostic.code);
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

    /// Compares the hint for a source that the compiler does not accept with a part of it.
    fn check(source: &str, part: &str) {
        let options = piton_compiler::Options::new("a.py");
        let diagnostic = piton_compiler::compile(source.as_bytes(), &options).unwrap_err();
        let hint = hint_for(&diagnostic, source.as_bytes());
        let hint = hint.unwrap_or_else(|| "no hint".to_owned());
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
        check("print(f(), {1: 2, **{3: 4}})\n", "`{**a}`");
        check("a = [*b, 1]\n", "does not unpack");
        check("@micropython.native\ndef f(): pass\n", "for one processor");
        check("a = '\\N{DASH}'\n", "the character itself");
        let call = format!("f({})\n", "a,".repeat(256));
        check(&call, "pass that");
        check("x = (1\n\ny = 2\n", "'(' in line 1 was never closed");
    }

    #[test]
    fn other_mistakes_have_no_hints() {
        check("x = = 1\n", "no hint");
        check("return 1\n", "no hint");
    }
}
