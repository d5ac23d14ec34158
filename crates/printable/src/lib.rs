//! Escapes the characters of foreign text that control a terminal or are invisible on it.
//!
//! A name on a board, in a package or in a manifest may hold any character: ESC and the C1 controls start commands to the
//! terminal, U+202E reverses the reading order of the text after it, U+200B is invisible. GNU `ls` prints such characters
//! as escapes when it prints for a person; here they become Python's: `\x1b`, `\u202e`.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text for one line: line ends and tabs are escaped too.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, |_, letter| is_hidden(letter), in_python)
}

/// Returns the text for several lines: LF, CR LF and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    let stays = |rest: &str, letter| match letter {
        '\n' | '\t' => true,
        // A board ends its lines so.
        '\r' => rest.starts_with('\n'),
        _ => false,
    };
    escape(
        text,
        |rest, letter| is_hidden(letter) && !stays(rest, letter),
        in_python,
    )
}

/// Returns JSON with these characters as escapes: in JSON, all of them are inside of strings.
pub fn json(text: &str) -> Cow<'_, str> {
    escape(
        text,
        |_, letter| is_hidden(letter),
        |letter, out| {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

/// Escapes the characters for which `hidden` returns true. It gets the text after the character, and the character.
fn escape(
    text: &str,
    hidden: impl Fn(&str, char) -> bool,
    write: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    let mut escaped = String::new();
    let mut copied = 0;
    for (at, letter) in text.char_indices() {
        let end = at + letter.len_utf8();
        if hidden(text.get(end..).unwrap_or_default(), letter) {
            escaped.push_str(text.get(copied..at).unwrap_or_default());
            write(letter, &mut escaped);
            copied = end;
        }
    }
    match copied {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(escaped + text.get(copied..).unwrap_or_default()),
    }
}

/// Writes a character as Python's `repr()` does.
fn in_python(letter: char, out: &mut String) {
    let code = u32::from(letter);
    // Writing to a `String` cannot fail.
    let _ = match letter {
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        _ if code < 0x100 => write!(out, "\\x{code:02x}"),
        _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Controls (C0, DEL, C1), and the characters of Unicode that change the order of others or take no room: its category Cf,
/// the two separators of lines and paragraphs, and the letters that are drawn as nothing.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", "main.py", "größe.txt", "日本語", "C:\\new\\x.py", "a b"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
            assert!(matches!(json(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let text = "a\x1b[2J\x07\x08\u{9b}31m\u{202e}b\u{2066}\u{200b}\u{e0041}\x7fz";
        let shown = "a\\x1b[2J\\x07\\x08\\x9b31m\\u202eb\\u2066\\u200b\\U000e0041\\x7fz";
        assert_eq!(line(text), shown);
        assert_eq!(lines(text), shown);
    }

    #[test]
    fn a_line_has_no_line_end_and_lines_keep_theirs() {
        assert_eq!(line("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(lines("a\nb\r\n\tc\rd"), "a\nb\r\n\tc\\rd");
    }

    #[test]
    fn json_stays_json() {
        let text = serde_json::to_string("\u{9b}\u{202e}\u{e0041}\x1bé").unwrap();
        let escaped = json(&text);
        assert_eq!(escaped, "\"\\u009b\\u202e\\udb40\\udc41\\u001bé\"");
        let read: String = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, "\u{9b}\u{202e}\u{e0041}\x1bé");
    }

    /// Of every character there is: what is printed is visible, and what was JSON reads back the same.
    #[test]
    fn every_character_is_visible_or_escaped() {
        for letter in '\0'..=char::MAX {
            let text = letter.to_string();
            let shown = line(&text);
            assert!(!shown.chars().any(is_hidden), "{letter:?}");
            assert!(shown == text || shown.starts_with('\\') && shown.is_ascii());
            if is_hidden(letter) {
                let written = serde_json::to_string(&text).unwrap();
                let read: String = serde_json::from_str(&json(&written)).unwrap();
                assert_eq!(read, text);
            }
        }
    }

    #[test]
    fn escapes_at_the_edges_and_one_after_the_other() {
        assert_eq!(line("\x1b\x1ba\x1b"), "\\x1b\\x1ba\\x1b");
        assert_eq!(lines("\r\r\n\r"), "\\r\r\n\\r");
        assert_eq!(line("ü\u{ad}ü"), "ü\\xadü");
    }
}
