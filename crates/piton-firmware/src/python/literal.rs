//! The values of numbers and strings as they are written.

use super::ast::Constant;

/// The digits of a radix, and its name.
type Radix = Option<(fn(u8) -> bool, &'static str)>;

/// Returns how many bytes of `text` are a number.
///
/// # Errors
/// The message for what follows a number and cannot.
pub(crate) fn number_length(text: &str) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let digits = |mut index: usize, is_digit: fn(u8) -> bool| {
        while is_digit(at(index)) || (at(index) == b'_' && is_digit(at(index + 1))) {
            index += 1;
        }
        index
    };
    let radix: Radix = match (at(0), at(1).to_ascii_lowercase()) {
        (b'0', b'x') => Some((|byte| byte.is_ascii_hexdigit(), "hexadecimal")),
        (b'0', b'o') => Some((|byte| (b'0'..=b'7').contains(&byte), "octal")),
        (b'0', b'b') => Some((|byte| byte == b'0' || byte == b'1', "binary")),
        _ => None,
    };
    if let Some((is_digit, name)) = radix {
        let end = digits(if at(2) == b'_' { 3 } else { 2 }, is_digit);
        if end == 2 || at(end).is_ascii_digit() {
            return Err(if end > 2 && name != "hexadecimal" {
                format!("invalid digit '{}' in {name} literal", char::from(at(end)))
            } else {
                format!("invalid {name} literal")
            });
        }
        return behind(text, end, name);
    }
    let decimal = |byte: u8| byte.is_ascii_digit();
    let mut end = digits(0, decimal);
    let mut integer = true;
    if at(end) == b'.' {
        integer = false;
        end = digits(end + 1, decimal);
    }
    if at(end).eq_ignore_ascii_case(&b'e') {
        let sign = usize::from(matches!(at(end + 1), b'+' | b'-'));
        if at(end + 1 + sign).is_ascii_digit() {
            integer = false;
            end = digits(end + 1 + sign, decimal);
        }
    }
    if at(end).eq_ignore_ascii_case(&b'j') {
        return behind(text, end + 1, "imaginary");
    }
    let leading_zero = integer
        && at(0) == b'0'
        && bytes
            .iter()
            .take(end)
            .any(|byte| (b'1'..=b'9').contains(byte));
    if leading_zero {
        return Err(
            "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers".to_owned(),
        );
    }
    behind(text, end, "decimal")
}

fn behind(text: &str, end: usize, name: &str) -> Result<usize, String> {
    let tail = text.get(end..).unwrap_or_default();
    let keyword = ["and", "else", "for", "if", "in", "is", "or", "not"]
        .into_iter()
        .any(|keyword| tail.starts_with(keyword));
    if !keyword && tail.starts_with(super::token::is_name_start) {
        return Err(format!("invalid {name} literal"));
    }
    Ok(end)
}

/// Returns the value of a number; none if it is larger than what is held here.
pub(crate) fn number(text: &str) -> Option<Constant> {
    let plain = text.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return i64::from_str_radix(digits, radix).ok().map(Constant::Int);
        }
    }
    if lower.ends_with('j') {
        return None;
    }
    if lower.contains(['.', 'e']) {
        return lower.parse().ok().map(Constant::Float);
    }
    lower.parse().ok().map(Constant::Int)
}

/// A string literal, taken apart.
pub(crate) struct Literal<'a> {
    pub(crate) body: &'a str,
    pub(crate) raw: bool,
    pub(crate) bytes: bool,
    pub(crate) format: bool,
}

/// Takes a string literal apart.
pub(crate) fn split(text: &str) -> Literal<'_> {
    let start = text.find(['"', '\'']).unwrap_or(0);
    let (prefix, quoted) = text.split_at_checked(start).unwrap_or(("", text));
    let prefix = prefix.to_ascii_lowercase();
    let quote = quoted.get(..1).unwrap_or("\"");
    let width = if quoted.len() >= 6 && quoted.starts_with(&quote.repeat(3)) {
        3
    } else {
        1
    };
    let body = quoted
        .get(width..quoted.len().saturating_sub(width))
        .unwrap_or_default();
    Literal {
        body,
        raw: prefix.contains('r'),
        bytes: prefix.contains('b'),
        format: prefix.contains('f'),
    }
}

/// Replaces the escapes of a `str`.
///
/// # Errors
/// CPython's message.
pub(crate) fn unescape(body: &str, raw: bool) -> Result<String, String> {
    if raw || !body.contains('\\') {
        return Ok(body.to_owned());
    }
    let mut output = String::with_capacity(body.len());
    let mut characters = body.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            output.push(character);
            continue;
        }
        let Some((_, escape)) = characters.next() else {
            output.push('\\');
            break;
        };
        let wanted = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if wanted > 0 {
            let digits: String = body
                .get(at + 2..)
                .unwrap_or_default()
                .chars()
                .take(wanted)
                .take_while(char::is_ascii_hexdigit)
                .collect();
            if digits.len() < wanted {
                let form = ["\\xXX", "\\uXXXX", "\\UXXXXXXXX"]
                    .into_iter()
                    .nth(wanted / 4)
                    .unwrap_or("\\xXX");
                let start = body.get(..at).unwrap_or_default().len();
                let end = start + 1 + digits.len();
                return Err(format!(
                    "(unicode error) 'unicodeescape' codec can't decode bytes in position {start}-{end}: truncated {form} escape"
                ));
            }
            let code = u32::from_str_radix(&digits, 16).unwrap_or(0);
            let Some(value) = char::from_u32(code) else {
                return Err(format!(
                    "(unicode error) 'unicodeescape' codec can't decode bytes in position {at}-{}: illegal Unicode character",
                    at + 1 + wanted
                ));
            };
            output.push(value);
            for _ in 0..wanted {
                characters.next();
            }
            continue;
        }
        match simple_escape(escape) {
            Some(Some(value)) => output.push(value),
            Some(None) => {}
            None if escape.is_digit(8) => {
                let mut value = escape.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = characters.peek().and_then(|&(_, next)| next.to_digit(8))
                    else {
                        break;
                    };
                    value = value * 8 + digit;
                    characters.next();
                }
                output.push(char::from_u32(value).unwrap_or('\0'));
            }
            None => {
                output.push('\\');
                output.push(escape);
            }
        }
    }
    Ok(output)
}

/// Returns whether a `str` names a character: `\N{EN DASH}`.
pub(crate) fn has_character_name(body: &str) -> bool {
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'N') {
            return true;
        }
    }
    false
}

/// Returns what a letter after a backslash stands for: nothing for a line end.
fn simple_escape(escape: char) -> Option<Option<char>> {
    Some(Some(match escape {
        '\n' => return Some(None),
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        '\\' | '\'' | '"' => escape,
        _ => return None,
    }))
}

/// Replaces the escapes of a `bytes`.
///
/// # Errors
/// CPython's message.
pub(crate) fn unescape_bytes(body: &str, raw: bool) -> Result<Vec<u8>, String> {
    if !body.is_ascii() {
        return Err("bytes can only contain ASCII literal characters".to_owned());
    }
    if !raw {
        check_hexadecimal_escapes(body)?;
    }
    let text = if raw {
        body.to_owned()
    } else {
        unescape(&without_unicode_escapes(body), false)?
    };
    Ok(text
        .chars()
        .map(|character| {
            u32::from(character)
                .to_le_bytes()
                .first()
                .copied()
                .unwrap_or(0)
        })
        .collect())
}

/// Doubles the backslash of what is an escape in a `str` alone.
fn without_unicode_escapes(body: &str) -> String {
    let mut output = String::with_capacity(body.len());
    let mut characters = body.chars();
    while let Some(character) = characters.next() {
        output.push(character);
        if character == '\\'
            && let Some(escaped) = characters.next()
        {
            if matches!(escaped, 'u' | 'U' | 'N') {
                output.push('\\');
            }
            output.push(escaped);
        }
    }
    output
}

fn check_hexadecimal_escapes(body: &str) -> Result<(), String> {
    let mut bytes = body.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        if byte != b'\\' || bytes.next().is_none_or(|(_, escape)| escape != b'x') {
            continue;
        }
        let digits = body.get(at + 2..at + 4).unwrap_or_default();
        if digits.len() < 2 || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(format!("(value error) invalid \\x escape at position {at}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_character_is_found_behind_an_odd_number_of_backslashes() {
        assert!(has_character_name(r"a \N{EN DASH} b"));
        assert!(has_character_name(r"\\\N{EN DASH}"));
        assert!(!has_character_name(r"\\N{EN DASH}"));
        assert!(!has_character_name(r"\n N"));
        assert!(!has_character_name(r"\"));
    }
}
