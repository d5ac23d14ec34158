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
            "piton makes machine code for MicroPython from 1.12 on (`armv6m` from 1.19 on, RISC-V from 1.24 on) and CircuitPython \
             from 9 on; use that release's own `mpy-cross -march=...`, or remove the decorator"
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

/// Returns the hint for `invalid syntax` in this line, if the line shows what is wrong.
fn syntax_hint(code: &str) -> Option<&'static str> {
    let (word, rest) = first_word(code);
    let (word, rest) = match word {
        "async" => first_word(rest),
        word => (word, rest),
    };
    let without_spaces = || rest.replace(' ', "");
    Some(match word {
        // These are names too: `match = 1`, `case.x`, `type(x)`.
        "match" | "case" if rest.contains(':') && !continues_name(rest) => {
            "`match` needs CPython; MicroPython has `if` and `elif`"
        }
        "type" if rest.contains('=') && rest.starts_with(is_name_letter) => {
            "`type` statements need CPython; write a plain assignment"
        }
        "except" if rest.starts_with('*') => "`except*` needs CPython; MicroPython has `except`",
        "with" if rest.starts_with('(') => {
            "MicroPython does not accept parentheses around the items of `with`; join lines with `\\`"
        }
        "def"
            if ["/,", "/)"]
                .iter()
                .any(|sign| without_spaces().contains(sign)) =>
        {
            "positional-only parameters (`/`) need CPython; remove the `/`"
        }
        "print" if !rest.is_empty() && !continues_name(rest) && !rest.starts_with('(') => {
            "`print` is a function: write `print(...)`"
        }
        _ if unpacks_into_display(code) => {
            "`{**a}` is not MicroPython syntax; copy the `dict`, then `update` it"
        }
        _ if code.contains("f\"") || code.contains("f'") => {
            "the f-string's expressions end at the first `}` or `:`, even in quotes; try a variable"
        }
        "def" | "if" | "elif" | "else" | "for" | "while" | "with" | "try" | "except"
        | "finally" | "class"
            if lacks_colon(code) =>
        {
            "the line needs a `:` at its end"
        }
        _ => return None,
    })
}

fn is_name_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Returns the word at the beginning of a line, and what follows it, without the space between.
fn first_word(code: &str) -> (&str, &str) {
    let end = code.find(|letter| !is_name_letter(letter));
    let (word, rest) = code.split_at(end.unwrap_or(code.len()));
    (word, rest.trim_start())
}

/// Returns whether what follows a word makes it a name in an expression, and not a keyword.
fn continues_name(rest: &str) -> bool {
    rest.starts_with([
        '=', '.', ',', ':', ')', ']', '+', '/', '%', '<', '>', '!', '|', '&', '^',
    ])
}

/// Returns the letters of a line that are code, each with the innermost bracket that is open there.
fn letters(code: &str) -> Vec<(char, Option<char>)> {
    let mut letters = Vec::new();
    let mut open = Vec::new();
    let mut quote = None;
    let mut is_escaped = false;
    for letter in code.chars() {
        match (quote, letter) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(begun), _) if begun == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '#') => break,
            (None, '(' | '[' | '{') => open.push(letter),
            (None, ')' | ']' | '}') => {
                open.pop();
            }
            (None, _) => letters.push((letter, open.last().copied())),
        }
    }
    letters
}

/// Returns whether the line has `**` in a display of a `dict`, before an item.
fn unpacks_into_display(code: &str) -> bool {
    let letters = letters(code);
    let in_display = letters.iter().filter(|(_, bracket)| *bracket == Some('{'));
    let inner: String = in_display.map(|(letter, _)| *letter).collect();
    let inner = inner.replace(' ', "");
    inner.starts_with("**") || inner.contains(",**")
}

/// Returns whether a line begins a block and has no colon. In brackets, colons have other meanings.
fn lacks_colon(code: &str) -> bool {
    let letters = letters(code);
    let is_joined = code.ends_with('\\');
    !is_joined && !letters.contains(&(':', None))
}

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
    match diagnostic.code {
        DiagnosticCode::InvalidSyntax => syntax_hint(line.trim()),
        code => code_hint(code),
    }
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

    #[test]
    fn soft_keywords_that_are_names_have_no_hints() {
        for source in [
            "match = {1: 2 3}\n",
            "match.x = {1: 2 3}\n",
            "case, x = {1: 2 3}\n",
            "type = 1 2\n",
            "type(x) = y z\n",
            "print = 1 2\n",
            "print (1 2)\n",
            "print\n= 1\n",
        ] {
            check(source, "no hint");
        }
        check("match x, y:\n    case _: pass\n", "`match` needs CPython");
        check("match(x):\n    case _: pass\n", "`match` needs CPython");
        check("case [1, *x]:\n    pass\n", "`match` needs CPython");
        check("type Point = tuple\n", "`type` statements");
        check("print 'x' % (1)\n", "`print` is a function");
    }

    #[test]
    fn stars_slashes_and_brackets_count_only_where_they_are_the_mistake() {
        check("f(a, **b c)\n", "no hint");
        check("x = a * * b\n", "no hint");
        check("x = {1: f(2, **b)} {3}\n", "no hint");
        check("x = {1: 2 ** 3} {3}\n", "no hint");
        check("x = '{**b}' 2\n", "no hint");
        check("x = 1 2  # {**b}\n", "no hint");
        check("x = {** b}\n", "`{**a}`");
        check("x = [{'\\'': 1, ** b}]\n", "`{**a}`");
        check("def f(a, / , b): pass\n", "positional-only");
        check("def f(a, /): pass\n", "positional-only");
        check("async def f(a, /): pass\n", "positional-only");
        check("try: pass\nexcept *E: pass\n", "`except*`");
        check(
            "async def f():\n  async with (a as b, c): pass\n",
            "parentheses",
        );
    }

    #[test]
    fn a_line_that_begins_a_block_without_a_colon_is_shown_what_it_needs() {
        for source in [
            "def f(a, **kwargs)\n    pass\n",
            "def f(a=b/2)\n    pass\n",
            "with open('x') as f\n    pass\n",
            "try: pass\nexcept (A * B) as e\n    pass\n",
            "if x[1:2]\n    pass\n",
            "while {1: 2}  # :\n    pass\n",
            "for a in ':'\n    pass\n",
            "try\n    pass\n",
            "class A(B)\n    pass\n",
            "async def f()\n    pass\n",
        ] {
            check(source, "needs a `:`");
        }
        check("if x: y z\n", "no hint");
        check("if x y: pass\n", "no hint");
        check("define(x) y\n", "no hint");
    }
}
